package detection

import (
	"errors"
	"strings"

	"rotd/internal/inventory"
	"rotd/internal/keypolicy"
)

// judgedPolicy is a key's policy as parsed and judged, once for all checks that ask.
type judgedPolicy struct {
	parsed  *keypolicy.Policy // nil when it could not be
	unread  string            // why not
	verdict *keypolicy.Verdict
}

// customerKey says why a key is not judged, or cannot be, whatever the check; ok is true when it is.
func (c *KeyContext) customerKey() (v Verdict, ok bool) {
	k := c.Key
	switch {
	case k.GoneAt != nil:
		return notJudged("KMS no longer knows the key"), false
	case k.WasDenied("DescribeKey") || k.Manager == "":
		return unverifiable("KMS did not describe the key to rotd"), false
	case k.Manager == awsManaged:
		return notJudged("AWS manages this key"), false
	}
	return Verdict{}, true
}

// policyVerdict is what keypolicy makes of the key's policy, or why there is no such verdict; ok is true when there is.
func (c *KeyContext) policyVerdict() (verdict *keypolicy.Verdict, v Verdict, ok bool) {
	if v, ok = c.customerKey(); !ok {
		return nil, v, false
	}
	switch {
	case c.Key.WasDenied("GetKeyPolicy"):
		return nil, unverifiable("KMS did not show the key policy to rotd"), false
	case c.Key.Policy == "":
		return nil, unverifiable("the key policy has not been read"), false
	}
	p := c.keyPolicy()
	if p.parsed == nil {
		return nil, unverifiable("the key policy cannot be judged: " + p.unread), false
	}
	if p.verdict == nil {
		judged := p.parsed.Judge(ownerOf(c.Key), c.Trusted)
		p.verdict = &judged
	}
	return p.verdict, Verdict{}, true
}

// keyPolicy parses the key's policy.
func (c *KeyContext) keyPolicy() *judgedPolicy {
	if c.judged != nil {
		return c.judged
	}
	c.judged = &judgedPolicy{}
	parsed, err := keypolicy.Parse([]byte(c.Key.Policy))
	switch {
	case errors.Is(err, keypolicy.ErrNone):
		c.judged.unread = "it is empty"
	case err != nil:
		c.judged.unread = clip(strings.TrimPrefix(err.Error(), "key policy: "), maxShown)
	default:
		c.judged.parsed = parsed
	}
	return c.judged
}

// badPolicy says why the key policy that KMS shows cannot be judged, "" when it can or was not read.
func (c *KeyContext) badPolicy() string {
	if c.Key.Policy == "" || c.Key.WasDenied("GetKeyPolicy") {
		return ""
	}
	return c.keyPolicy().unread
}

// policyRemedy is how to look at a key's policy and set another.
func policyRemedy(t *target, first string) []string {
	return []string{
		first,
		t.cli("get-key-policy", "policy-name", "default"),
		t.cli("put-key-policy", "policy-name", "default", "policy", "file://policy.json"),
		"See who set it and who used the key since:",
		t.history(),
	}
}

// organization is the id of the organization that a key's account is in, "" when it is not known.
func organization(k *inventory.Key) string {
	id, _, _ := strings.Cut(k.OrgPath, "/")
	return id
}
