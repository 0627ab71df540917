package keypolicy

import "strings"

// operator is a condition operator taken apart.
type operator struct {
	set      string // "", "ForAllValues:" or "ForAnyValue:"
	base     string // the positive operator: "StringEquals" for StringNotEquals
	negated  bool
	ifExists bool
}

const (
	forAllValues = "ForAllValues:"
	forAnyValue  = "ForAnyValue:"
	ifExists     = "IfExists"
)

// operators maps every base operator, lower-cased, to its spelling and, for the negated ones, to its positive.
var operators = map[string]struct{ name, positive string }{
	"stringequals":              {"StringEquals", ""},
	"stringnotequals":           {"StringNotEquals", "StringEquals"},
	"stringequalsignorecase":    {"StringEqualsIgnoreCase", ""},
	"stringnotequalsignorecase": {"StringNotEqualsIgnoreCase", "StringEqualsIgnoreCase"},
	"stringlike":                {"StringLike", ""},
	"stringnotlike":             {"StringNotLike", "StringLike"},
	"numericequals":             {"NumericEquals", ""},
	"numericnotequals":          {"NumericNotEquals", "NumericEquals"},
	"numericlessthan":           {"NumericLessThan", ""},
	"numericlessthanequals":     {"NumericLessThanEquals", ""},
	"numericgreaterthan":        {"NumericGreaterThan", ""},
	"numericgreaterthanequals":  {"NumericGreaterThanEquals", ""},
	"dateequals":                {"DateEquals", ""},
	"datenotequals":             {"DateNotEquals", "DateEquals"},
	"datelessthan":              {"DateLessThan", ""},
	"datelessthanequals":        {"DateLessThanEquals", ""},
	"dategreaterthan":           {"DateGreaterThan", ""},
	"dategreaterthanequals":     {"DateGreaterThanEquals", ""},
	"bool":                      {"Bool", ""},
	"binaryequals":              {"BinaryEquals", ""},
	"ipaddress":                 {"IpAddress", ""},
	"notipaddress":              {"NotIpAddress", "IpAddress"},
	"arnequals":                 {"ArnEquals", ""},
	"arnnotequals":              {"ArnNotEquals", "ArnEquals"},
	"arnlike":                   {"ArnLike", ""},
	"arnnotlike":                {"ArnNotLike", "ArnLike"},
	"null":                      {"Null", ""},
}

// parseOperator takes an operator apart; an unknown one keeps its text as base and so never narrows anything.
func parseOperator(text string) operator {
	var op operator
	rest := text
	for _, set := range [...]string{forAllValues, forAnyValue} {
		if len(rest) > len(set) && strings.EqualFold(rest[:len(set)], set) {
			op.set, rest = set, rest[len(set):]
			break
		}
	}
	if cut := len(rest) - len(ifExists); cut > 0 && strings.EqualFold(rest[cut:], ifExists) {
		op.ifExists, rest = true, rest[:cut]
	}
	known, ok := operators[strings.ToLower(rest)]
	switch {
	case !ok:
		return operator{base: text}
	case known.positive != "":
		op.base, op.negated = known.positive, true
	default:
		op.base = known.name
	}
	return op
}

// canonicalOperator returns the operator as IAM spells it, or the text itself when it is none.
func canonicalOperator(text string) string {
	op := parseOperator(text)
	name := op.base
	if op.negated {
		for _, candidate := range operators {
			if candidate.positive == op.base {
				name = candidate.name
			}
		}
	}
	name = op.set + name
	if op.ifExists {
		name += ifExists
	}
	return name
}

// lowerKey folds a condition key's case, except for what follows a second colon: the name of an encryption context
// pair or of a tag, where case may count.
func lowerKey(key string) string {
	service, rest, ok := strings.Cut(key, ":")
	if !ok {
		return strings.ToLower(key)
	}
	name, detail, ok := strings.Cut(rest, ":")
	folded := strings.ToLower(service + ":" + name)
	if ok {
		folded += ":" + detail
	}
	return folded
}

// text shows a condition in a sentence.
func (c Condition) text() string {
	return printable(c.Operator) + " " + printable(c.Key) + " " + listed(c.Values)
}
