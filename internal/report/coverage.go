package report

import (
	"fmt"
	"time"
)

// Place is an account and Region, and what rotd could read there.
type Place struct {
	Account      string    `json:"account"`
	Region       string    `json:"region"`
	Configured   bool      `json:"configured"` // false: known from before, read no more
	LastComplete time.Time `json:"last_complete,omitzero"`
	LastSweep    time.Time `json:"last_sweep,omitzero"`
	LastKind     string    `json:"last_kind,omitempty"`
	Keys         int       `json:"keys"`   // listed by the last inventory
	Unread       int       `json:"unread"` // of them, not read
	Denied       int       `json:"denied"` // of them, with something refused
	LastError    string    `json:"last_error,omitempty"`
	Gap          string    `json:"gap,omitempty"` // why this report cannot speak for the place; empty: it can
}

// name is how the place is called.
func (p *Place) name() string { return p.Account + "/" + p.Region }

// gap says why nothing can be called whole of a place.
func (p *Place) gap(now time.Time, fresh time.Duration) string {
	switch {
	case !p.Configured:
		return "it is no longer configured, so nothing is read there any more"
	case p.LastSweep.IsZero():
		return "it was never read"
	case p.LastComplete.IsZero():
		return "it was never read whole" + because(p.LastError)
	case now.Sub(p.LastComplete) > fresh:
		return fmt.Sprintf("it was last read whole at %s, %s before this report", stamp(p.LastComplete),
			span(now.Sub(p.LastComplete))) + because(p.LastError)
	case p.Unread > 0:
		return fmt.Sprintf("%d of its %d keys could not be read", p.Unread, p.Keys) + because(p.LastError)
	}
	return ""
}

func because(text string) string {
	if text == "" {
		return ""
	}
	return ": " + text
}

// gaps fills in each place's gap and counts them.
func gaps(places []Place, now time.Time, fresh time.Duration) (open int) {
	for i := range places {
		if places[i].Gap = places[i].gap(now, fresh); places[i].Gap != "" {
			open++
		}
	}
	return open
}

// unverified says first what this report cannot vouch for.
func unverified(places []Place, s *Summary) []string {
	var all []string
	if len(places) == 0 {
		all = append(all, "No account and Region was read: this report knows of no key.")
	}
	for i := range places {
		if p := &places[i]; p.Gap != "" {
			all = append(all, fmt.Sprintf("%s: %s.", p.name(), p.Gap))
		}
	}
	if s == nil {
		return all
	}
	if n := s.Total.Unverifiable; n > 0 {
		all = append(all, fmt.Sprintf("%s could not be verified in part or at all: KMS refused a read, or the facts are "+
			"too old. They count as neither in order nor out of order.", keys(n)))
	}
	for i := range s.Checks {
		if c := &s.Checks[i]; c.Missing {
			all = append(all, fmt.Sprintf("The check %s is not loaded: what it would tell is not known.", c.Check))
		}
	}
	return all
}

func keys(n int) string {
	return plural(n, "1 key", "keys")
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return fmt.Sprintf("%d %s", n, many)
}
