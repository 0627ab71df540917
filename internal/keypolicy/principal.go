package keypolicy

import "strings"

// PrincipalKind says what a principal's text names.
type PrincipalKind int

// Kinds of principals.
const (
	// Unrecognised is text that names nothing this package knows. KMS refuses such policies.
	Unrecognised PrincipalKind = iota
	// Everyone is "*": every principal of every AWS account. (KMS refuses anonymous requests even then.)
	Everyone
	// WholeAccount is an account id or its root ARN: whoever that account's IAM policies let.
	WholeAccount
	// Identity is a user, role, session or identity provider of one account.
	Identity
	// Service is an AWS service principal such as cloudtrail.amazonaws.com.
	Service
	// UniqueID is what IAM leaves behind for a deleted user or role ("AIDA…", "AROA…"). It matches nobody.
	UniqueID
)

// Principal is one entry of a Principal or NotPrincipal element.
type Principal struct {
	Kind      PrincipalKind
	Type      string // AWS, Service, Federated, CanonicalUser, or as written
	Value     string // as written
	Account   string // 12 digits, where the text names one
	Partition string // where the text is an ARN
}

func classifyPrincipal(typ, value string) Principal {
	p := Principal{Type: typ, Value: value}
	switch {
	case value == "*":
		// KMS refuses {"Service": "*"} and {"Federated": "*"}; if it ever does not, they are as open as they look.
		p.Kind = Everyone
	case typ == "Service":
		p.Kind = Service
	case isAccountID(value):
		p.Kind, p.Account = WholeAccount, value
	case strings.HasPrefix(value, "arn:"):
		classifyARN(&p)
	case isUniqueID(value):
		p.Kind = UniqueID
	}
	return p
}

func classifyARN(p *Principal) {
	a, ok := splitARN(p.Value)
	if !ok {
		return
	}
	p.Partition = a.partition
	switch {
	case isAccountID(a.account) && a.service == "iam" && a.resource == "root":
		p.Kind, p.Account = WholeAccount, a.account
	case isAccountID(a.account):
		p.Kind, p.Account = Identity, a.account
	case hasWildcard(a.account):
		p.Kind = Everyone
	}
}

type arn struct{ partition, service, region, account, resource string }

// splitARN splits "arn:partition:service:region:account:resource"; the resource may hold colons.
func splitARN(s string) (arn, bool) {
	parts := strings.SplitN(s, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" {
		return arn{}, false
	}
	return arn{partition: parts[1], service: parts[2], region: parts[3], account: parts[4], resource: parts[5]}, true
}

func isAccountID(s string) bool {
	if len(s) != 12 {
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// isUniqueID recognises IAM's unique ids of users, roles and groups: four letters, then at least twelve letters and
// digits, all upper case.
func isUniqueID(s string) bool {
	if len(s) < 16 || len(s) > 128 || s[0] != 'A' {
		return false
	}
	for i := range len(s) {
		upper := s[i] >= 'A' && s[i] <= 'Z'
		digit := s[i] >= '0' && s[i] <= '9'
		if !upper && (!digit || i < 4) {
			return false
		}
	}
	return true
}
