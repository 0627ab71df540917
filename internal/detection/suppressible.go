package detection

import (
	"fmt"
	"slices"

	"rotd/internal/suggest"
)

// unsuppressed are the rules that tell of attacks on rotd and on what it sees by: whoever could hide them would be seen
// by nobody.
func unsuppressed() []string {
	return []string{"rotd-role-misused", "intake-tampered", "trail-blinded"}
}

// Suppressible lists the rules and checks whose findings suppressions may hide, users' rules included. Those about rotd
// itself are not in it.
func Suppressible(users []string) []string {
	return slices.DeleteFunc(slices.Concat(RuleIDs(), CheckIDs(), users), func(id string) bool {
		return slices.Contains(unsuppressed(), id)
	})
}

// MaySuppress says why no suppression may hide the findings of a rule; nil: one may. users are the ids of users' rules.
func MaySuppress(id string, users []string) error {
	known := Suppressible(users)
	if slices.Contains(known, id) {
		return nil
	}
	if slices.Contains(unsuppressed(), id) {
		return fmt.Errorf("%s cannot be suppressed: it tells of attacks on rotd or on what it sees by, and hidden it "+
			"would be the first thing an attacker asks for", id)
	}
	if e, ok := Describe(id); ok && e.Kind == KindSelf {
		return fmt.Errorf("%s cannot be suppressed: it is about rotd itself, and what rotd cannot do nobody else tells; "+
			"acknowledge it, and it is told no more until its next episode", id)
	}
	return fmt.Errorf("%q is not a rule or check of this version%s", id, suggest.DidYouMean(id, known))
}
