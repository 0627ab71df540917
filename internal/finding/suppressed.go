package finding

import "time"

// Suppressed counts the occurrences of a finding that suppressions hid. Each is judged, counted and told to nobody.
type Suppressed struct {
	By    string    `json:"by"`    // the suppression that hid the latest
	Count int       `json:"count"` // in this episode and in the hidden one before it
	Last  time.Time `json:"last"`
}

// Hide brings a suppressed occurrence together with what is known under its fingerprint. An open episode that people
// were told of keeps all they were told: the occurrence of a rule is only counted beside it, so that one that is not
// suppressed still pages when it is graver. Everything else becomes, or stays, an episode that nobody is told of.
// counts is false for a reading that shows what the one before it did.
func Hide(prev *Finding, now Finding, by string) (next Finding, counts bool) {
	if prev != nil && prev.Status == Open && !prev.Hidden && now.EventID != "" {
		next = *prev
		next.Suppressed = prev.Suppressed.and(by, now.LastSeen, 1)
		return next, true
	}
	next, transition := observe(prev, now)
	var before *Suppressed
	if prev != nil && prev.Episode == next.Episode {
		before = prev.Suppressed
	}
	times := 0
	if counts = now.EventID != "" || transition != NoTransition; counts {
		times = 1
	}
	next.Suppressed = before.and(by, now.LastSeen, times)
	next.Hidden = next.Hidden || next.Status == Open
	return next, counts
}

// HideOpen hides an open episode, that of the finding which a suppression was made from.
func (f *Finding) HideOpen(by string) {
	f.Suppressed, f.Hidden = f.Suppressed.and(by, f.LastSeen, 0), true
}

// and is what was suppressed with some more; s is not changed.
func (s *Suppressed) and(by string, at time.Time, times int) *Suppressed {
	next := Suppressed{By: by, Count: times, Last: at}
	if s != nil {
		next.Count += s.Count
		next.Last = latest(s.Last, at)
	}
	return &next
}
