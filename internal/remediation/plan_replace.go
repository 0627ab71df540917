package remediation

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"rotd/internal/inventory"
	"rotd/internal/policy"
)

// Replacement is how a key is to be replaced.
type Replacement struct {
	Spec          string           // of the new key; empty: the old key's
	WithoutGrants bool             // leave grants to whoever made them
	Replicas      []*inventory.Key // the old key's replicas that rotd can read
	Earlier       *Action          // a replacement of the key that made a new key and did not come to its end
}

// PlanReplace makes the action that replaces a key: a new key like it, what rotation its policy asks for, its grants as
// far as they can be given again, its replicas, its aliases one by one, and tags by which the two know each other. The
// old key stays as it is. When it cannot be made it returns false and a sentence that says so. The key should have been
// read just now, whole; warnings are what a person may not expect to come of it.
func PlanReplace(key *inventory.Key, p *policy.Policy, how Replacement, why Why, now time.Time) (
	a Action, ok bool, reason string, warnings []string,
) {
	if can := replaceable(key); !can.Possible {
		return Action{}, false, can.Reason, nil
	}
	for _, obstacle := range []string{
		unlike(key, how.Spec), unlistedGrants(key, &how), unreached(key, &how),
	} {
		if obstacle != "" {
			return Action{}, false, obstacle, nil
		}
	}
	a = begun(Replace, NewKey, key, p, why, now)
	if how.Earlier == nil {
		a.Calls = append(a.Calls, Call{Operation: CreateKey, New: newLike(key, how.Spec)})
	}
	if days := scheduleOf(key, p); days > 0 {
		a.Calls = append(a.Calls, Call{Operation: EnableKeyRotation, PeriodDays: days})
	}
	grants, left := grantsToGive(key, &how)
	for i := range grants {
		a.Calls = append(a.Calls, Call{Operation: CreateGrant, Grant: &grants[i]})
	}
	for _, replica := range how.Replicas {
		a.Calls = append(a.Calls, Call{Operation: ReplicateKey, Region: replica.Region})
	}
	for _, k := range append([]*inventory.Key{key}, how.Replicas...) {
		for _, alias := range k.Aliases {
			c := Call{
				Operation: UpdateAlias, Alias: alias, FromARN: k.ARN,
				Undo: "aws kms update-alias --alias-name " + alias + " --target-key-id " + k.ID + " --region " + k.Region,
			}
			if k != key {
				c.Region = k.Region
			}
			a.Calls = append(a.Calls, c)
		}
	}
	a.Calls = append(a.Calls, Call{
		Operation: TagResource, KeyARN: key.ARN, Tags: map[string]string{ReplacedByTag: "the new key"},
	})
	if how.Earlier != nil {
		a.adopt(how.Earlier.NewKeyARN)
	}
	return a, true, "", replaceWarnings(key, &how, left)
}

// PlanMoveBack makes the action that moves the aliases back that a replacement moved. The new key stays.
func PlanMoveBack(key *inventory.Key, p *policy.Policy, earlier *Action, why Why, now time.Time) (
	Action, bool, string,
) {
	if earlier.Method != NewKey || earlier.KeyARN != key.ARN {
		return Action{}, false, "Action " + earlier.ID + " did not replace this key."
	}
	a := begun(Replace, MoveBack, key, p, why, now)
	for i := range slices.Backward(earlier.Calls) {
		if c := &earlier.Calls[i]; c.Operation == UpdateAlias && c.Done != nil && c.Skipped == "" {
			a.Calls = append(a.Calls, Call{
				Operation: UpdateAlias, Alias: c.Alias, KeyARN: c.FromARN, FromARN: c.KeyARN,
			})
		}
	}
	if len(a.Calls) == 0 {
		return Action{}, false, "Action " + earlier.ID + " moved no alias."
	}
	return a, true, ""
}

// unlike says why the new key's spec does not do, "" when it does: an alias moves only between keys of one usage and of
// one type.
func unlike(key *inventory.Key, spec string) string {
	if spec == "" || spec == key.Spec {
		return ""
	}
	if family(spec) == "" || family(spec) != family(key.Spec) {
		return fmt.Sprintf("KMS moves an alias only between keys of the same type, and %s is not of the type of %s.", spec,
			key.Spec)
	}
	return ""
}

// family is what key specs have in common that serve the same callers; "" for one that rotd does not know.
func family(spec string) string {
	for _, prefix := range []string{
		"SYMMETRIC_", "RSA_", "ECC_NIST_EDWARDS", "ECC_NIST_P", "ECC_SECG_", "HMAC_", "SM2", "ML_DSA_", "ML_KEM_",
	} {
		if strings.HasPrefix(spec, prefix) {
			return prefix
		}
	}
	return ""
}

func unlistedGrants(key *inventory.Key, how *Replacement) string {
	switch {
	case how.WithoutGrants:
		return ""
	case key.Grants == nil || key.WasDenied("ListGrants"):
		return "The key's grants could not be listed. Let rotd's role call kms:ListGrants, or leave grants to those who " +
			"made them: --without-grants."
	case key.Grants.Count > len(key.Grants.List):
		return fmt.Sprintf("The key has %d grants, of which rotd keeps %d. Leave them to those who made them: "+
			"--without-grants.", key.Grants.Count, len(key.Grants.List))
	}
	return ""
}

// unreached says which replicas rotd cannot read, "" when it can read all: their aliases would stay behind.
func unreached(key *inventory.Key, how *Replacement) string {
	for _, arn := range key.ReplicaARNs {
		if !slices.ContainsFunc(how.Replicas, func(k *inventory.Key) bool { return k.ARN == arn }) {
			return "The key has a replica that rotd cannot read, " + arn + ": its aliases would stay with the old key. " +
				"Add its Region to the account in rotd.yaml."
		}
	}
	return ""
}

// newLike is what the new key is made as.
func newLike(key *inventory.Key, spec string) *NewKeySpec {
	tags := maps.Clone(key.Tags)
	maps.DeleteFunc(tags, func(name, _ string) bool {
		return strings.HasPrefix(name, "rotd:") || strings.HasPrefix(strings.ToLower(name), "aws:")
	})
	if tags == nil {
		tags = make(map[string]string)
	}
	tags[ReplacesTag] = key.ARN
	if spec == "" {
		spec = key.Spec
	}
	return &NewKeySpec{
		Spec: spec, Usage: key.Usage, Origin: key.Origin, Description: key.Description,
		MultiRegion: key.MultiRegion != "", CustomKeyStore: key.CustomKeyStore, Policy: key.Policy, Tags: tags,
	}
}

// scheduleOf is the period of automatic rotation that the new key gets, in days: what the policy asks for, else what
// the old key has. 0: none.
func scheduleOf(key *inventory.Key, p *policy.Policy) int {
	if !Eligibility(key).Automatic {
		return 0
	}
	if p != nil && (p.Rotation.Method == policy.Auto || p.Rotation.Method == policy.Automatic) {
		if days := p.Rotation.PeriodDays(); days > 0 {
			return days
		}
	}
	if key.Rotation != nil && key.Rotation.Enabled {
		return key.Rotation.PeriodDays
	}
	return 0
}

// grantsToGive are the grants that make sense on the new key, and how many do not: those that AWS services made for
// what they keep under the old key, which nobody else can give.
func grantsToGive(key *inventory.Key, how *Replacement) (give []inventory.Grant, left int) {
	if key.Grants == nil {
		return nil, 0
	}
	if how.WithoutGrants {
		return nil, key.Grants.Count
	}
	for i := range key.Grants.List {
		g := key.Grants.List[i]
		if !strings.HasPrefix(g.Grantee, "arn:") || strings.HasSuffix(g.Retiring, ".amazonaws.com") {
			left++
			continue
		}
		give = append(give, g)
	}
	return give, left
}

func replaceWarnings(key *inventory.Key, how *Replacement, left int) (warnings []string) {
	warn := func(text string) { warnings = append(warnings, text) }
	if len(key.Aliases) == 0 {
		warn("The key has no alias: everybody who uses it names its id or ARN, and goes on using the old key.")
	}
	if strings.Contains(key.Policy, key.ID) {
		warn("The key policy names the old key's id: the new key gets it word for word. Read it.")
	}
	if strings.Contains(key.Policy, "kms:ResourceAliases") || strings.Contains(key.Policy, "kms:RequestAlias") {
		warn("The key policy decides by aliases (kms:ResourceAliases or kms:RequestAlias): with each alias that moves, " +
			"permissions move.")
	}
	if how.Spec != "" && how.Spec != key.Spec {
		warn("The new key is " + how.Spec + ", the old one " + key.Spec + ": callers must be able to work with it.")
	}
	if left > 0 {
		warn(fmt.Sprintf("%d grants are not given again: services made them for what they keep under the old key, or you "+
			"said --without-grants.", left))
	}
	if how.Earlier != nil {
		warn("Action " + how.Earlier.ID + " made " + how.Earlier.NewKeyARN + " and did not come to its end: this goes on " +
			"with that key.")
	}
	return warnings
}
