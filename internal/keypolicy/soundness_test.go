package keypolicy

import (
	"net/netip"
	"path"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// The judgement is checked against a second, independent reading of IAM: an evaluator that decides single requests.
// Whatever it lets a stranger do must be told by the verdict.

// request is one call: who makes it, and the condition keys it carries, by lower-cased name. Keys not there are absent.
type request struct {
	account, arn string
	keys         map[string][]string
}

func stranger(account, arn string, more map[string][]string) request {
	keys := map[string][]string{
		"kms:calleraccount": {account}, "aws:principalaccount": {account}, "aws:principalarn": {arn},
		"aws:userid": {"AROAEVILEVILEVILEVIL:me"}, "aws:principalisawsservice": {"false"},
		"aws:viaawsservice": {"false"}, "aws:sourceip": {"198.51.100.7"}, "aws:securetransport": {"true"},
		"aws:principaltag/team": {"payments"},
	}
	for k, v := range more {
		keys[k] = v
		if len(v) == 0 {
			delete(keys, k)
		}
	}
	return request{account: account, arn: arn, keys: keys}
}

func strangers() []request {
	const arn = "arn:aws:iam::999988887777:role/evil"
	return []request{
		stranger(foreign, arn, nil),
		stranger(foreign, arn, map[string][]string{
			"aws:principalorgid": {evilOrg}, "aws:principalorgpaths": {evilOrg + "/r-ab12/ou-ab12-11111111/"},
		}),
		stranger(foreign, arn, map[string][]string{
			"kms:viaservice": {"s3.us-east-1.amazonaws.com"}, "aws:viaawsservice": {"true"},
			"aws:sourceip": nil, "kms:encryptioncontext:app": {"x"},
		}),
		stranger(foreign, arn, map[string][]string{
			"aws:sourceip": nil, "aws:sourcevpc": {"vpc-0123456789abcdef0"}, "aws:vpcsourceip": {"10.0.0.1"},
		}),
		stranger(foreign, "arn:aws:iam::999988887777:role/:iam::111122223333:role/app", nil),
		stranger("111199998888", "arn:aws:iam::111199998888:user/app", nil),
	}
}

func (p *Policy) allows(r request, action string) (allowedBy []int) {
	for i := range p.Statements {
		if s := &p.Statements[i]; applies(s, r, action) {
			if s.Effect == Deny {
				return nil
			}
			allowedBy = append(allowedBy, i)
		}
	}
	return allowedBy
}

func applies(s *Statement, r request, action string) bool {
	named := slices.ContainsFunc(s.Principals, func(p Principal) bool {
		return p.Value == "*" || p.Value == r.account || p.Value == r.arn ||
			strings.HasPrefix(p.Value, "arn:") && strings.HasSuffix(p.Value, ":"+r.account+":root")
	})
	acts := slices.ContainsFunc(s.Actions, func(a string) bool {
		return like(strings.ToLower(a),
			strings.ToLower(action))
	})
	return named != s.NotPrincipal && acts != s.NotAction &&
		!slices.ContainsFunc(s.Conditions, func(c Condition) bool { return !holds(c, r.keys[strings.ToLower(c.Key)]) })
}

// like uses path.Match: with "/" taken out of both sides its * runs over everything.
func like(pattern, s string) bool {
	hide := strings.NewReplacer("/", "\x00", "[", "\x01", "\\", "\x02")
	ok, err := path.Match(hide.Replace(pattern), hide.Replace(s))
	return ok && err == nil
}

func holds(c Condition, have []string) bool {
	op, ifExists := strings.CutSuffix(c.Operator, "IfExists")
	op, all := strings.CutPrefix(op, "ForAllValues:")
	op, someSet := strings.CutPrefix(op, "ForAnyValue:")
	if op == "Null" {
		return slices.Contains(c.Values, map[bool]string{true: "true", false: "false"}[len(have) == 0])
	}
	positive := strings.Replace(op, "Not", "", 1)
	negated := positive != op
	if len(have) == 0 {
		return ifExists || all || negated && !someSet
	}
	one := func(value string) bool {
		return slices.ContainsFunc(c.Values, func(pattern string) bool {
			return compare(positive, pattern,
				value)
		}) != negated
	}
	if all {
		return !slices.ContainsFunc(have, func(v string) bool { return !one(v) })
	}
	return slices.ContainsFunc(have, one)
}

func compare(op, pattern, value string) bool {
	switch op {
	case "StringEquals", "Bool":
		return pattern == value
	case "StringLike":
		return like(pattern, value)
	case "ArnEquals", "ArnLike":
		want, have := strings.SplitN(pattern, ":", 6), strings.SplitN(value, ":", 6)
		return len(want) == 6 && len(have) == 6 &&
			!slices.ContainsFunc([]int{0, 1, 2, 3, 4, 5}, func(i int) bool { return !like(want[i], have[i]) })
	case "IpAddress":
		prefix, err := netip.ParsePrefix(pattern)
		addr, err2 := netip.ParseAddr(value)
		return err == nil && err2 == nil && prefix.Contains(addr)
	default:
		return false
	}
}

var conditionMenu = map[string][]string{
	"kms:CallerAccount":     {own, partner, foreign, "*", "1111*", "????????????"},
	"aws:PrincipalAccount":  {own, foreign, "9*", "*"},
	"aws:PrincipalOrgID":    {ownOrg, evilOrg, "o-*", "*", "?*"},
	"aws:PrincipalOrgPaths": {ownOrg + "/*", evilOrg + "/r-ab12/*", "o-*/r-ab12/*", "*"},
	"aws:PrincipalArn": {
		"arn:aws:iam::" + own + ":role/app", "arn:*:iam::" + own + ":role/*",
		"arn:aws:iam::*:role/*", "*",
	},
	"aws:userid":                {"AROAEVILEVILEVILEVIL:*", "AROA*", own, "*:me"},
	"aws:SourceAccount":         {own, foreign},
	"aws:SourceIp":              {"198.51.100.0/24", "0.0.0.0/0", "128.0.0.0/1", "10.0.0.0/8"},
	"aws:SourceVpc":             {"vpc-0123456789abcdef0", "vpc-*"},
	"aws:VpcSourceIp":           {"10.0.0.0/8"},
	"kms:ViaService":            {"s3.us-east-1.amazonaws.com", "*"},
	"kms:EncryptionContext:app": {"x"},
	"aws:PrincipalIsAWSService": {"false", "true"},
	"aws:ViaAWSService":         {"false", "true"},
	"aws:SecureTransport":       {"true", "false"},
	"aws:PrincipalTag/team":     {"payments"},
}

var operatorMenu = []string{
	"StringEquals", "StringNotEquals", "StringLike", "StringNotLike", "StringEqualsIfExists", "StringNotEqualsIfExists",
	"ForAllValues:StringLike", "ForAnyValue:StringLike", "ForAllValues:StringNotLike", "ForAnyValue:StringNotLike",
	"ForAllValues:StringEqualsIfExists", "ArnLike", "ArnNotLike", "ArnEquals", "IpAddress", "NotIpAddress", "Bool",
	"BoolIfExists", "Null",
}

func drawCondition(t *rapid.T) Condition {
	keys := make([]string, 0, len(conditionMenu))
	for key := range conditionMenu {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	c := Condition{Operator: rapid.SampledFrom(operatorMenu).Draw(t, "operator"), Key: rapid.SampledFrom(keys).Draw(t,
		"key")}
	menu := conditionMenu[c.Key]
	if c.Operator == "Null" {
		menu = []string{"true", "false"}
	}
	c.Values = rapid.SliceOfNDistinct(rapid.SampledFrom(menu), 1, min(2, len(menu)), rapid.ID).Draw(t, "values")
	return c
}

func drawStatement(t *rapid.T) Statement {
	values := []string{"*", own, "arn:aws:iam::" + own + ":role/app", foreign, "arn:aws:iam::" + foreign + ":role/evil"}
	s := Statement{
		Effect:       rapid.SampledFrom([]string{Allow, Allow, Deny}).Draw(t, "effect"),
		NotPrincipal: rapid.IntRange(0, 7).Draw(t, "not principal") == 0,
		NotAction:    rapid.IntRange(0, 7).Draw(t, "not action") == 0,
		Actions: rapid.SliceOfNDistinct(rapid.SampledFrom([]string{
			"kms:*", "*", "kms:Decrypt", "kms:CreateG*",
			"kms:encrypt",
		}),
			1, 2, rapid.ID).Draw(t, "actions"),
		Resources: []string{"*"},
	}
	for range rapid.IntRange(1, 2).Draw(t, "principals") {
		s.Principals = append(s.Principals, classifyPrincipal("AWS", rapid.SampledFrom(values).Draw(t, "principal")))
	}
	seen := make(map[[2]string]bool)
	for range rapid.IntRange(0, 3).Draw(t, "conditions") {
		if c := drawCondition(t); !seen[c.id()] {
			seen[c.id()] = true
			s.Conditions = append(s.Conditions, c)
		}
	}
	return s
}

func drawPolicy(t *rapid.T) *Policy {
	p := &Policy{}
	for range rapid.IntRange(1, 4).Draw(t, "statements") {
		p.Statements = append(p.Statements, drawStatement(t))
	}
	return p
}

func TestWhatAStrangerMayDoIsAlwaysTold(t *testing.T) {
	trustPartner := func(id string) bool { return id == partner }
	rapid.Check(t, func(t *rapid.T) {
		for range 40 { // policies a check: rapid runs 100 checks
			p := drawPolicy(t)
			v := p.Judge(owner, trustPartner)
			told := exposed(slices.Concat(v.Public, v.External))
			for _, r := range strangers() {
				for _, action := range []string{"kms:Decrypt", "kms:CreateGrant", "kms:Encrypt"} {
					for _, i := range p.allows(r, action) {
						if !told[i] {
							t.Fatalf("statement %d lets %s %s, and nothing tells\n%s\n%v",
								i, r.arn, action, p.Canonical(), r.keys)
						}
					}
				}
			}
		}
	})
}

// TestPublicIsNeverFarFetched holds the other side for the plainest case: when nothing is conditional, a policy is
// public exactly when a stranger may decrypt or create grants.
func TestPublicIsNeverFarFetched(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPolicy(t)
		for i := range p.Statements {
			s := &p.Statements[i]
			s.Conditions, s.NotPrincipal, s.NotAction = nil, false, false
		}
		r := stranger("777766665555", "arn:aws:iam::777766665555:role/x", nil)
		can := len(p.allows(r, "kms:Decrypt"))+len(p.allows(r, "kms:CreateGrant")) > 0
		public := slices.ContainsFunc(p.Judge(owner, nil).Public, func(e Exposure) bool {
			return slices.Contains(e.Actions, "kms:Decrypt") || slices.Contains(e.Actions, "kms:CreateGrant")
		})
		if can != public {
			t.Fatalf("a stranger may: %v, public: %v\n%s", can, public, p.Canonical())
		}
	})
}
