package policy

import "rotd/internal/inventory"

// Owner is whom a key's tags name as its owner, as the policy reads them; "" when none does.
func (p *Policy) Owner(k *inventory.Key) string {
	if p == nil {
		return ""
	}
	_, value := FirstTag(k, p.OwnerTags)
	return value
}

// Custodian is whom a key's tags name as its custodian, as the policy reads them; "" when none does.
func (p *Policy) Custodian(k *inventory.Key) string {
	if p == nil {
		return ""
	}
	_, value := FirstTag(k, p.CustodianTags)
	return value
}

// FirstTag returns the first of some tags that the key has and that says something.
func FirstTag(k *inventory.Key, names []string) (name, value string) {
	for _, name := range names {
		if value := k.Tags[name]; value != "" {
			return name, value
		}
	}
	return "", ""
}
