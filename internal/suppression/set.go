package suppression

import (
	"strings"
	"time"

	"rotd/internal/finding"
)

// Set finds the suppression that hides an occurrence. The zero Set, and nil, hide nothing.
type Set struct{ byRule map[string][]*Suppression }

// Targets says which key an alias ARN named when a suppression was first seen to name it; "" when it names none. It
// goes on naming that key wherever the alias is moved.
type Targets func(suppression, alias string) (arn string)

// NewSet makes a set of suppressions, which count in their order. Only findings of the rules listed can be hidden,
// whatever the suppressions say.
func NewSet(all []Suppression, rules []string, targets Targets) *Set {
	set := &Set{byRule: make(map[string][]*Suppression)}
	may := make(map[string]bool, len(rules))
	for _, id := range rules {
		may[id] = true
	}
	for i := range all {
		s := all[i]
		if s.Keys != nil {
			s.Keys = resolved(&s, targets)
		}
		for _, id := range s.Rules {
			if may[id] {
				set.byRule[id] = append(set.byRule[id], &s)
			}
		}
	}
	return set
}

// resolved are a suppression's keys with what its aliases name: none, but never nil, when nothing is known of them.
func resolved(s *Suppression, targets Targets) []string {
	keys := make([]string, 0, len(s.Keys))
	for _, key := range s.Keys {
		if IsAlias(key) {
			if key = targets(s.Name, key); key == "" {
				continue
			}
		}
		keys = append(keys, key)
	}
	return keys
}

// IsAlias reports whether a key is named by an alias's ARN.
func IsAlias(key string) bool {
	return strings.HasPrefix(key, "arn:") && strings.Contains(key, ":alias/")
}

// Match returns the first suppression that hides one occurrence of a finding at a time; nil: none does.
func (s *Set) Match(f *finding.Finding, at time.Time) *Suppression {
	if s == nil {
		return nil
	}
	for _, one := range s.byRule[f.RuleID] {
		if !one.Expired(at) && one.matches(f) {
			return one
		}
	}
	return nil
}
