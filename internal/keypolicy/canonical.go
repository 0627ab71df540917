package keypolicy

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Canonical returns the policy in one form for all policies that IAM treats as the same: elements in a fixed order,
// statements and lists sorted and without repetition, names of actions and condition keys lower-cased, "*" as
// {"AWS":["*"]}, an account's root ARN as its id. Sid, Id and Version count; elements that IAM does not have do not.
// Parsing it gives a policy with the same Canonical.
func (p *Policy) Canonical() []byte {
	statements := make([]string, 0, len(p.Statements))
	for i := range p.Statements {
		statements = append(statements, string(p.Statements[i].canonical()))
	}
	out := []byte{'{'}
	if p.Version != "" {
		out = append(appendString(append(out, `"Version":`...), p.Version), ',')
	}
	if p.ID != "" {
		out = append(appendString(append(out, `"Id":`...), p.ID), ',')
	}
	out = append(out, `"Statement":[`...)
	out = append(out, strings.Join(sorted(statements), ",")...)
	return append(out, ']', '}')
}

// Hash returns the hex SHA-256 of Canonical.
func (p *Policy) Hash() string {
	sum := sha256.Sum256(p.Canonical())
	return hex.EncodeToString(sum[:])
}

func (s *Statement) canonical() []byte {
	out := []byte{'{'}
	if s.Sid != "" {
		out = append(appendString(append(out, `"Sid":`...), s.Sid), ',')
	}
	out = appendString(append(out, `"Effect":`...), s.Effect)
	out = append(out, `,"`+element("Principal", s.NotPrincipal)+`":`...)
	out = appendPrincipals(out, s.Principals)
	out = append(out, `,"`+element("Action", s.NotAction)+`":`...)
	out = appendList(out, s.foldedActions())
	if len(s.Resources) > 0 || s.NotResource {
		out = append(out, `,"`+element("Resource", s.NotResource)+`":`...)
		out = appendList(out, s.Resources)
	}
	if len(s.Conditions) > 0 {
		out = appendConditions(append(out, `,"Condition":`...), s.Conditions)
	}
	return append(out, '}')
}

func element(name string, not bool) string {
	if not {
		return "Not" + name
	}
	return name
}

func (s *Statement) foldedActions() []string {
	folded := make([]string, len(s.Actions))
	for i, a := range s.Actions {
		folded[i] = strings.ToLower(a)
	}
	return folded
}

// folded is a principal's value where two spellings mean the same.
func (p Principal) folded() string {
	if p.Kind == WholeAccount {
		return p.Account
	}
	return p.Value
}

func appendPrincipals(out []byte, principals []Principal) []byte {
	byType := make(map[string][]string)
	for _, p := range principals {
		byType[p.Type] = append(byType[p.Type], p.folded())
	}
	out = append(out, '{')
	for i, typ := range slices.Sorted(maps.Keys(byType)) {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(appendString(out, typ), ':')
		out = appendList(out, byType[typ])
	}
	return append(out, '}')
}

// appendConditions writes {operator:{key:[values]}}.
func appendConditions(out []byte, conditions []Condition) []byte {
	byOperator := make(map[string]map[string][]string)
	for _, c := range conditions {
		if byOperator[c.Operator] == nil {
			byOperator[c.Operator] = make(map[string][]string)
		}
		key := lowerKey(c.Key)
		byOperator[c.Operator][key] = append(byOperator[c.Operator][key], c.Values...)
	}
	out = append(out, '{')
	for i, operator := range slices.Sorted(maps.Keys(byOperator)) {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(appendString(out, operator), ':', '{')
		for k, key := range slices.Sorted(maps.Keys(byOperator[operator])) {
			if k > 0 {
				out = append(out, ',')
			}
			out = append(appendString(out, key), ':')
			out = appendList(out, byOperator[operator][key])
		}
		out = append(out, '}')
	}
	return append(out, '}')
}

func appendList(out []byte, values []string) []byte {
	out = append(out, '[')
	for i, v := range sorted(values) {
		if i > 0 {
			out = append(out, ',')
		}
		out = appendString(out, v)
	}
	return append(out, ']')
}

// appendString quotes s as JSON. Parsed text is valid UTF-8; what is not becomes U+FFFD.
func appendString(out []byte, s string) []byte {
	quoted, err := jsontext.AppendQuote(out, s)
	if err != nil {
		return append(out, `"`+strings.ToValidUTF8(s, "\uFFFD")+`"`...)
	}
	return quoted
}

// sorted returns the values in order, each once, and leaves its argument as it is.
func sorted(values []string) []string {
	values = slices.Clone(values)
	slices.Sort(values)
	return slices.Compact(values)
}
