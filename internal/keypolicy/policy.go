// Package keypolicy parses KMS key policies and judges them: who is let in, by which statement, and what narrows
// that. It is for the checks and rules about exposed, shared and orphaned keys, and for showing how a policy
// changed.
//
// It is not an IAM simulator. It looks at the key policy alone: no identity policies, grants, service control policies
// or VPC endpoint policies. Where a policy's effect depends on something it cannot see, it errs on the loud side: a
// condition narrows a statement only when it surely does.
//
// The package is pure: no I/O, no clock, no other package of this program. Everything it reads is hostile until proven
// otherwise, so sizes, depth and the work done for one policy are bounded.
package keypolicy

// Effects of a statement.
const (
	Allow = "Allow"
	Deny  = "Deny"
)

// Policy is a parsed key policy. It is read-only after Parse and safe for concurrent use.
type Policy struct {
	Version    string
	ID         string
	Statements []Statement
	// Unknown holds the paths of elements the policy language does not have, such as "Statement[2].Comment", at most
	// 64 of them. They have no effect on any verdict.
	Unknown []string
}

// Statement is one statement. Lists keep the policy's order; a single string has become a list of one.
type Statement struct {
	Sid    string
	Effect string // Allow or Deny

	// Principals are those the statement is about or, with NotPrincipal set, those it is not about.
	Principals   []Principal
	NotPrincipal bool
	// Actions are patterns as written, such as "kms:Decrypt" or "kms:*".
	Actions   []string
	NotAction bool
	// Resources are patterns as written; in a key policy nearly always "*", which means this key.
	Resources   []string
	NotResource bool
	// Conditions must all hold. One entry for each operator and key.
	Conditions []Condition
}

// Condition is one operator applied to one condition key. It holds when any of Values matches (or, for a negated
// operator, when none does).
type Condition struct {
	Operator string // as IAM spells it, such as "ForAnyValue:StringLike"
	Key      string // as written, such as "aws:PrincipalOrgID"; names of keys ignore case
	Values   []string
}

// Owner says whose key a policy belongs to.
type Owner struct {
	Account   string // 12 digits
	Partition string // aws, aws-cn, aws-us-gov, …; empty: any
	// Organization is the account's organization id ("o-…"). When empty, no organization counts as the owner's own.
	Organization string
	// Key is the key's ARN. When empty, statements about other resources are taken to be about this key.
	Key string
}

func (o Owner) owns(p Principal) bool {
	if o.Account == "" || p.Account != o.Account {
		return false
	}
	return p.Partition == "" || o.Partition == "" || p.Partition == o.Partition
}

// trusts reports whether an account, organization or network named in a condition is the owner's own or trusted.
func (o Owner) trusts(id string, trusted func(string) bool) bool {
	switch id {
	case "":
		return false
	case o.Account, o.Organization:
		return true
	default:
		return trusted != nil && trusted(id)
	}
}
