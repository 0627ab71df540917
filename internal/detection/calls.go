package detection

import (
	"net/netip"
	"strings"

	"rotd/internal/events"
	"rotd/internal/inventory"
	"rotd/internal/policy"
	"rotd/internal/usage"
)

// What rules ask about a call alike: what kind it is, who makes it and from where.

// cryptographic names the operations that use a key on data.
func cryptographic() []string {
	return []string{
		"Decrypt", "Encrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "GenerateDataKeyPair",
		"GenerateDataKeyPairWithoutPlaintext", "ReEncrypt", "Sign", "Verify", "GenerateMac", "VerifyMac",
		"DeriveSharedSecret", "Encapsulate", "Decapsulate",
	}
}

// isUse reports whether an operation of KMS uses a key on data.
func isUse(name string) bool {
	_, ok := usage.Operation(name)
	return ok
}

// isReading reports whether an operation only tells of keys.
func isReading(name string) bool {
	return strings.HasPrefix(name, "Describe") || strings.HasPrefix(name, "Get") || strings.HasPrefix(name, "List")
}

// isChange reports whether a call of KMS changes something. Old records do not say whether they are read-only.
func isChange(ev *events.Event) bool {
	return !ev.ReadOnly && !isReading(ev.EventName) && !isUse(ev.EventName) && ev.EventName != "GenerateRandom"
}

// byService reports whether an AWS service calls, for itself or on behalf of somebody: invokedBy and the names that
// stand in the place of an address are AWS's own words, which no caller can choose.
func byService(ev *events.Event) bool {
	return ev.UserIdentity.InvokedBy != "" || ev.UserIdentity.Type == events.AWSService ||
		ev.EventType == "AwsServiceEvent" || strings.HasPrefix(ev.SourceIPAddress, "AWS Internal") ||
		strings.Contains(ev.SourceIPAddress, ".amazonaws.com")
}

// serviceItself reports whether a service calls for itself, with no principal behind it: as the service, or by a role
// that only the service can assume.
func serviceItself(ev *events.Event) bool {
	return ev.UserIdentity.Type == events.AWSService || ev.EventType == "AwsServiceEvent" ||
		strings.Contains(ev.UserIdentity.SessionIssuer.ARN, ":role/aws-service-role/")
}

// callerAccount is the account of whoever calls, "" when the record does not say.
func callerAccount(ev *events.Event) string {
	id := &ev.UserIdentity
	switch {
	case id.AccountID != "":
		return id.AccountID
	case id.SessionIssuer.AccountID != "":
		return id.SessionIssuer.AccountID
	}
	return arnPart(id.ARN, arnAccount)
}

// address is the address a call came from; ok is false for the names of services and for what is none.
func address(ev *events.Event) (addr netip.Addr, ok bool) {
	addr, err := netip.ParseAddr(ev.SourceIPAddress)
	return addr.Unmap().WithZone(""), err == nil
}

// network is the network of an address as baselines and usage know it: an IPv4 /24, an IPv6 /48.
func network(addr netip.Addr) string {
	bits := 48
	if addr.Is4() {
		bits = 24
	}
	prefix, err := addr.Prefix(bits)
	if err != nil {
		return addr.String()
	}
	return prefix.String()
}

// source is where a call came from: a network, or the VPC endpoint that it came through. The address behind an endpoint
// was chosen by whoever owns its VPC, and says nothing.
func source(ev *events.Event) (network usage.Network, endpoint string) {
	network, _ = usage.Source(ev.SourceIPAddress)
	if network != 0 && ev.VPCEndpointID != "" {
		return 0, ev.VPCEndpointID
	}
	return network, ""
}

// behind begins the origin of calls through a VPC endpoint.
const behind = "behind VPC endpoint "

// origin is the source of a call in words, "" for none.
func origin(ev *events.Event) string {
	network, endpoint := source(ev)
	if endpoint != "" {
		return behind + shown(endpoint)
	}
	return network.String()
}

// trusts reports whether an account is no outsider.
func (c *Context) trusts(account string) bool { return c.Trusted != nil && c.Trusted(account) }

// outsidersVPC is the account whose VPC endpoint a call came through, "" when that is no outsider's or the record does
// not tell: whoever calls through an endpoint has a private address, of their own choice in a VPC of their own.
func (c *Context) outsidersVPC(ev *events.Event) string {
	owner := ev.VPCEndpointAccount
	if owner == ev.RecipientAccountID || owner == ev.UserIdentity.AccountID || c.trusts(owner) {
		return ""
	}
	return owner
}

// throughVPC says in words whose VPC endpoint a call came through, "" for none.
func throughVPC(outsider string) string {
	if outsider == "" {
		return ""
	}
	return " through a VPC endpoint of account " + shown(outsider) + ", which is none of yours"
}

// called says in a clause who called what on which key.
func called(ev *events.Event, t *target) string {
	text := who(ev) + " called " + shown(ev.EventName)
	if t.arn == "" && t.alias == "" && ev.Key.IsZero() {
		return text
	}
	return text + " on " + t.name()
}

// keysOf are the keys of a call; the second is ReEncrypt's destination and UpdateAlias's target, mostly none.
func keysOf(ev *events.Event) [2]events.KeyRef { return [2]events.KeyRef{ev.Key, ev.TargetKey} }

// known is a key as last read and the policy in force for it; nil what is not known.
func (c *Context) known(ev *events.Event, ref events.KeyRef) (key *inventory.Key, p *policy.Policy) {
	if c.Known == nil || ref.IsZero() {
		return nil, nil
	}
	if key = c.Known.Key(ref, ev.RecipientAccountID, ev.AWSRegion); key == nil {
		return nil, nil
	}
	return key, c.Known.Policy(key)
}
