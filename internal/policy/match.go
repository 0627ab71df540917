package policy

import (
	"slices"

	"rotd/internal/finding"
	"rotd/internal/inventory"
)

// managerAWS is KMS's word for keys that AWS manages and rotates by itself: no policy of ours can ask anything of them.
const managerAWS = "AWS"

// For returns the policy of a key: the first in order that matches it, nil when none does or AWS manages the key.
// The result points into the set and must not be written to.
func (s Set) For(k *inventory.Key) *Policy {
	if k == nil || k.Manager == managerAWS {
		return nil
	}
	for i := range s {
		if s[i].Match.Matches(k) {
			return &s[i]
		}
	}
	return nil
}

// Named returns the policy of that name, nil when there is none.
func (s Set) Named(name string) *Policy {
	for i := range s {
		if s[i].Name == name {
			return &s[i]
		}
	}
	return nil
}

// Any reports whether a policy asks for something.
func (s Set) Any(asks func(*Policy) bool) bool {
	for i := range s {
		if asks(&s[i]) {
			return true
		}
	}
	return false
}

// Matches reports whether every field that is set matches the key, and none of Exclude's does; a field matches when any
// of its values does. Aliases, tag values and organization paths are patterns (see Glob), everything else is compared
// as it is. A Match with no field set matches every key.
func (m *Match) Matches(k *inventory.Key) bool { return m.unmet(k) == "" && m.Exclude.hit(k) == "" }

// unmet names the first field that is set and does not match the key, "" when all do.
func (m *Match) unmet(k *inventory.Key) string {
	for _, field := range matchFields {
		if field.set(m) && !field.fits(m, k) {
			return field.name
		}
	}
	return ""
}

// hit names the first field that is set and matches the key, "" when none does.
func (m *Match) hit(k *inventory.Key) string {
	if m == nil {
		return ""
	}
	for _, field := range matchFields {
		if field.set(m) && field.fits(m, k) {
			return field.name
		}
	}
	return ""
}

// Allows reports whether work by a principal on this policy's keys is expected: its ARN fits one of the allowed
// patterns. Without a policy nobody's is.
func (p *Policy) Allows(principalARN string) bool {
	return p != nil && principalARN != "" && matchesAny(p.Allow, principalARN)
}

// ResponseTo returns the action that a finding of a rule with these remedies starts by itself, "" for none. The first
// response that fits counts.
func (p *Policy) ResponseTo(ruleID string, severity finding.Severity, remedies []string) string {
	if p == nil {
		return ""
	}
	for _, r := range p.Respond {
		fits := r.RuleID == ruleID || r.RuleID == "" && severity >= r.Severity
		if fits && slices.Contains(remedies, r.Action) {
			return r.Action
		}
	}
	return ""
}

// Lower returns the more careful of a mode and a ceiling.
func (m Mode) Lower(ceiling Mode) Mode {
	if ceiling.rank() < m.rank() {
		return ceiling
	}
	return m
}

// rank orders modes from the most careful; what is no mode is the most careful of all.
func (m Mode) rank() int { return slices.Index([]Mode{Observe, Propose, Enforce}, m) }

func matchesAny(patterns []string, value string) bool {
	for _, pattern := range patterns {
		if Glob(pattern, value) {
			return true
		}
	}
	return false
}

// OnTag reports whether the match looks at a tag, Exclude's included.
func (m *Match) OnTag(name string) bool {
	if m == nil {
		return false
	}
	_, asks := m.Tags[name]
	return asks || m.Exclude.OnTag(name)
}
