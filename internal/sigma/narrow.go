package sigma

import (
	"slices"

	"rotd/internal/detection"
)

// scope is what events a condition can hold of: one of these names of one of these sources. nil: of any.
type scope struct{ sources, names []string }

// maxScopes bounds what is told apart; beyond it a condition is taken to hold of more than it does.
const maxScopes = 200

// scopes are the events that a condition can hold of, and no others; none when it never holds.
func scopes(e expr) []scope {
	switch e := e.(type) {
	case and:
		all := []scope{{}}
		for _, part := range e {
			all = intersect(all, scopes(part))
		}
		return all
	case or:
		var all []scope
		for _, part := range e {
			all = append(all, scopes(part)...)
		}
		return all
	case leaf:
		return []scope{{e.sources, e.names}}
	default: // what is not so says little about what is
		return []scope{{}}
	}
}

// intersect is what is in both.
func intersect(some, others []scope) []scope {
	if len(some)*len(others) > maxScopes {
		return some
	}
	var all []scope
	for _, a := range some {
		for _, b := range others {
			sources, ok := common(a.sources, b.sources)
			if !ok {
				continue
			}
			if names, ok := common(a.names, b.names); ok {
				all = append(all, scope{sources, names})
			}
		}
	}
	return all
}

// common is what two lists have in common, of which nil is all there is; and whether that is anything.
func common(some, others []string) ([]string, bool) {
	switch {
	case some == nil:
		return others, true
	case others == nil:
		return some, true
	}
	var both []string
	for _, s := range some {
		if slices.Contains(others, s) {
			both = append(both, s)
		}
	}
	return both, len(both) > 0
}

// wanted are the events of scopes as rules ask for them. What is of any source is of the given ones; without those,
// narrowed is false.
func wanted(all []scope, given []string) (events []detection.Wanted, narrowed bool) {
	for _, s := range all {
		sources := s.sources
		if sources == nil {
			sources = given
		}
		if len(sources) == 0 {
			return nil, false
		}
		for _, source := range sources {
			events = want(events, source, s.names)
		}
	}
	return events, true
}

// want adds names of a source; none are all of them.
func want(events []detection.Wanted, source string, names []string) []detection.Wanted {
	i := slices.IndexFunc(events, func(w detection.Wanted) bool { return w.Source == source })
	if i < 0 {
		i, events = len(events), append(events, detection.Wanted{Source: source})
	} else if len(events[i].Names) == 0 {
		return events
	}
	if len(names) == 0 {
		events[i].Names = nil
	}
	events[i].Names = union(events[i].Names, names)
	return events
}
