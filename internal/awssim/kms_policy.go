package awssim

import (
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
)

// policyDocument is what the simulator understands of a key policy: Effect, Principal.AWS and Action. Conditions are
// taken as fulfilled, an explicit Deny with a condition as not.
type policyDocument struct {
	Version   string
	Statement oneOrMany[policyStatement]
}

type policyStatement struct {
	Effect    string
	Principal policyPrincipal
	Action    oneOrMany[string]
	Condition map[string]any
}

type policyPrincipal struct{ aws oneOrMany[string] }

// UnmarshalJSON reads "*" as well as {"AWS": …}.
func (p *policyPrincipal) UnmarshalJSON(b []byte) error {
	if string(b) == `"*"` {
		p.aws = oneOrMany[string]{"*"}
		return nil
	}
	var members struct{ AWS oneOrMany[string] }
	err := json.Unmarshal(b, &members)
	p.aws = members.AWS
	return err
}

// oneOrMany is a JSON array, or its only element by itself.
type oneOrMany[T any] []T

// UnmarshalJSON implements json.Unmarshaler.
func (o *oneOrMany[T]) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '[' {
		return json.Unmarshal(b, (*[]T)(o))
	}
	var one T
	err := json.Unmarshal(b, &one)
	*o = oneOrMany[T]{one}
	return err
}

// parsePolicy is the document, nil when it is no policy.
func parsePolicy(text string) *policyDocument {
	var d policyDocument
	if json.Unmarshal([]byte(text), &d) != nil || len(d.Statement) == 0 {
		return nil
	}
	for _, s := range d.Statement {
		if s.Effect != "Allow" && s.Effect != "Deny" {
			return nil
		}
	}
	return &d
}

// allows says whether the policy lets the principal do this. A policy that names the principal's account leaves the
// decision to the principal's own IAM policies.
func (d *policyDocument) allows(p *Principal, action string) (allowed bool) {
	if d == nil {
		return false
	}
	for _, s := range d.Statement {
		if !s.Principal.includes(p) || !s.covers(action) {
			continue
		}
		if s.Effect == "Deny" && len(s.Condition) == 0 {
			return false
		}
		allowed = allowed || s.Effect == "Allow"
	}
	return allowed
}

func (p policyPrincipal) includes(caller *Principal) bool {
	return slices.ContainsFunc(p.aws, func(who string) bool {
		return who == "*" || who == caller.Account || who == caller.ARN || who == caller.SessionIssuerARN ||
			strings.HasSuffix(who, "::"+caller.Account+":root")
	})
}

func (s policyStatement) covers(action string) bool {
	return slices.ContainsFunc(s.Action, func(pattern string) bool {
		prefix, wild := strings.CutSuffix(pattern, "*")
		return strings.EqualFold(pattern, action) ||
			wild && len(action) >= len(prefix) && strings.EqualFold(prefix, action[:len(prefix)])
	})
}
