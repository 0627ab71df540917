package keypolicy

import (
	"net/netip"
	"strings"
)

// scope is what one value of a condition holds callers to.
type scope struct {
	kind scopeKind
	id   string // account or organization id, unique id, ARN, VPC, endpoint or CIDR
}

type scopeKind int

// Kinds of scopes, the most telling first.
const (
	accountScope      scopeKind = iota // callers of one account
	organizationScope                  // callers of one organization
	principalScope                     // one caller whose account the policy does not tell
	serviceScope                       // an AWS service, acting for anybody
	sourceScope                        // an AWS service acting for a resource whose account the policy does not tell
	networkScope                       // whoever calls from one network
)

// bound is a condition that surely narrows: it holds for callers inside one of its scopes only.
type bound struct {
	kind   scopeKind // of the key; a scope's own kind may be better known
	direct bool      // about the caller itself, not about whom a service acts for
	scopes []scope
	text   string // for sentences
}

// narrowingKey is a condition key that says who calls, on whose behalf, or from where.
type narrowingKey struct {
	kind   scopeKind
	values valueForm
	// source keys are in the request only when an AWS service calls for itself.
	source bool
	// multi-valued keys need a set operator to be read surely when negated.
	multi bool
}

type valueForm int

const (
	accountValue valueForm = iota
	organizationValue
	pathValue
	arnValue
	userIDValue
	serviceValue
	networkIDValue
	addressValue
)

// narrowingKeys are all keys that can narrow. What is not here does not say who may call: kms:ViaService names the
// service a call comes through, and every account can call through it; encryption contexts, grant constraints and
// aliases are the caller's choice; tags, session names, MFA and the time of day can be had in any account.
var narrowingKeys = map[string]narrowingKey{
	"kms:calleraccount":             {kind: accountScope, values: accountValue},
	"aws:principalaccount":          {kind: accountScope, values: accountValue},
	"aws:principalarn":              {kind: accountScope, values: arnValue},
	"aws:principalorgid":            {kind: organizationScope, values: organizationValue},
	"aws:principalorgpaths":         {kind: organizationScope, values: pathValue, multi: true},
	"aws:userid":                    {kind: principalScope, values: userIDValue},
	"aws:principalservicename":      {kind: serviceScope, values: serviceValue},
	"aws:principalservicenameslist": {kind: serviceScope, values: serviceValue, multi: true},
	"aws:sourceaccount":             {kind: accountScope, values: accountValue, source: true},
	"aws:sourcearn":                 {kind: accountScope, values: arnValue, source: true},
	"aws:sourceorgid":               {kind: organizationScope, values: organizationValue, source: true},
	"aws:sourceorgpaths":            {kind: organizationScope, values: pathValue, source: true, multi: true},
	"aws:sourceip":                  {kind: networkScope, values: addressValue},
	"aws:sourcevpc":                 {kind: networkScope, values: networkIDValue},
	"aws:sourcevpce":                {kind: networkScope, values: networkIDValue},
	"aws:vpceaccount":               {kind: networkScope, values: accountValue},
	"aws:vpceorgid":                 {kind: networkScope, values: organizationValue},
	"aws:vpceorgpaths":              {kind: networkScope, values: pathValue, multi: true},
}

// loose is a condition that does not narrow, with the reason.
type loose struct{ text, reason string }

// boundsOf sorts the conditions of an Allow into those that surely narrow who may call and those that do not.
func boundsOf(conditions []Condition) (bounds []bound, rest []loose) {
	present := keysRequired(conditions)
	for _, c := range conditions {
		b, reason := narrows(c, present)
		if reason != "" {
			rest = append(rest, loose{text: c.text(), reason: reason})
			continue
		}
		bounds = append(bounds, b)
	}
	return bounds, rest
}

// keysRequired returns the keys that a Null condition requires to be in the request. With that, …IfExists and
// ForAllValues lose their way out.
func keysRequired(conditions []Condition) map[string]bool {
	var required map[string]bool
	for _, c := range conditions {
		op := parseOperator(c.Operator)
		if op.base != "Null" || op.ifExists || op.set != "" || len(c.Values) == 0 {
			continue
		}
		all := true
		for _, v := range c.Values {
			all = all && strings.EqualFold(v, "false")
		}
		if all {
			if required == nil {
				required = make(map[string]bool)
			}
			required[lowerKey(c.Key)] = true
		}
	}
	return required
}

// narrows returns the bound an Allow's condition is, or the reason why it is none.
func narrows(c Condition, present map[string]bool) (bound, string) {
	name := lowerKey(c.Key)
	key, ok := narrowingKeys[name]
	if !ok {
		return bound{}, whyNot(name)
	}
	op := parseOperator(c.Operator)
	switch {
	case op.base == "Null":
		return bound{}, "only asks whether the key is there"
	case op.negated:
		return bound{}, "excludes some and lets all others in"
	case op.ifExists && !present[name]:
		return bound{}, "lets in requests without the key"
	case op.set == forAllValues && !present[name]:
		return bound{}, "holds for requests without the key"
	}
	return key.bound(op, c)
}

func whyNot(name string) string {
	switch {
	case name == "kms:viaservice" || name == "aws:calledvia" || name == "aws:viaawsservice":
		return "says through which service, not who"
	case strings.HasPrefix(name, "kms:encryptioncontext"):
		return "is about the encryption context, which the caller chooses"
	default:
		return "does not say whose account may call"
	}
}

// bound reads a positive condition's values. One value that could be anybody is enough for the whole to be no bound.
func (k narrowingKey) bound(op operator, c Condition) (bound, string) {
	if !k.fits(op.base) {
		return bound{}, "uses an operator that does not fit its key"
	}
	if len(c.Values) == 0 {
		return bound{}, "has no value"
	}
	b := bound{kind: k.kind, direct: !k.source && k.kind != networkScope, text: c.text()}
	for _, v := range c.Values {
		s, ok := k.scope(op.base, v)
		if !ok {
			return bound{}, "has a value that could be anybody's: " + quote(v)
		}
		b.scopes = append(b.scopes, s)
	}
	if k.values == addressValue && tooBroad(c.Values) {
		return bound{}, "spans too much of the Internet"
	}
	return b, ""
}

func (k narrowingKey) fits(base string) bool {
	switch base {
	case "StringEquals", "StringEqualsIgnoreCase", "StringLike":
		return k.values != addressValue
	case "ArnEquals", "ArnLike":
		return k.values == arnValue
	case "IpAddress":
		return k.values == addressValue
	default:
		return false
	}
}

// scope reads one value. Wildcards are not accepted where they could stand for somebody else, not even under
// StringEquals, where IAM takes them literally: whoever wrote one there meant it, and is one word from having it.
// Policy variables are never accepted: "${aws:PrincipalAccount}" is whoever asks.
func (k narrowingKey) scope(base, value string) (scope, bool) {
	if strings.Contains(value, "${") {
		return scope{}, false
	}
	s := scope{kind: k.kind, id: value}
	ok := false
	switch k.values {
	case accountValue:
		ok = isAccountID(value)
	case organizationValue:
		ok = isOrganizationID(value)
	case pathValue:
		s.id, _, _ = strings.Cut(value, "/")
		ok = isOrganizationID(s.id)
	case arnValue:
		s.kind, s.id, ok = arnScope(base, value)
	case userIDValue:
		s.kind, s.id, ok = userIDScope(value)
	case serviceValue:
		ok = value != "" && !hasWildcard(value)
	case networkIDValue:
		ok = strings.HasPrefix(value, "vpc") && len(value) >= len("vpc-")+8 && !hasWildcard(value)
	case addressValue:
		_, ok = parsePrefix(value)
	}
	return s, ok
}

// arnScope returns the account an ARN pattern is held to. Arn operators match the six parts of an ARN one by one, so
// only the account's part must be literal. StringLike lets a * run over colons, and an attacker's role path may hold
// some: there nothing before the account may be a wildcard.
func arnScope(base, value string) (scopeKind, string, bool) {
	a, ok := splitARN(value)
	if !ok {
		return 0, "", false
	}
	byPart := base == "ArnEquals" || base == "ArnLike"
	if !byPart && hasWildcard(a.partition+a.service+a.region) {
		return 0, "", false
	}
	switch {
	case isAccountID(a.account):
		return accountScope, a.account, true
	case a.account == "" && a.resource != "" && !hasWildcard(value):
		return sourceScope, value, true // an S3 bucket, say: one resource, its account not told
	default:
		return 0, "", false
	}
}

// userIDScope reads aws:userid: an account id for root, "AIDA…" for a user, "AROA…:session" for a role.
func userIDScope(value string) (scopeKind, string, bool) {
	id, _, _ := strings.Cut(value, ":")
	switch {
	case isAccountID(id):
		return accountScope, id, true
	case isUniqueID(id):
		return principalScope, id, true
	default:
		return 0, "", false
	}
}

func isOrganizationID(s string) bool {
	rest, ok := strings.CutPrefix(s, "o-")
	if !ok || len(rest) < 10 || len(rest) > 32 {
		return false
	}
	for i := range len(rest) {
		if (rest[i] < 'a' || rest[i] > 'z') && (rest[i] < '0' || rest[i] > '9') {
			return false
		}
	}
	return true
}

func parsePrefix(s string) (netip.Prefix, bool) {
	if prefix, err := netip.ParsePrefix(s); err == nil {
		return prefix, true
	}
	addr, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Prefix{}, false
	}
	return netip.PrefixFrom(addr, addr.BitLen()), true
}

// tooBroad reports whether addresses are no bound: anything wider than /8 (IPv4) or /32 (IPv6), which is where S3 draws
// its line for "public", or many that together are a sixteenth of all IPv4 or a 65,536th of all IPv6 addresses.
func tooBroad(values []string) bool {
	var v4, v6 float64 // in /8 and /32
	for _, v := range values {
		prefix, _ := parsePrefix(v)
		width := 8
		total := &v4
		if prefix.Addr().Is6() {
			width, total = 32, &v6
		}
		if prefix.Bits() < width {
			return true
		}
		*total += 1 / float64(uint64(1)<<min(prefix.Bits()-width, 63))
	}
	return v4 > 16 || v6 > 1<<16
}
