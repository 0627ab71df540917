package history

import "slices"

// SetMoves fills in where aliases came from and went to when those of the key arn changed: by the evidence, or as other
// says whose an alias was, or is, as far as known. What is filled in already stays.
func (e *Entry) SetMoves(arn string, other func(alias string) string) {
	came, went := e.Lists()
	for _, alias := range came {
		e.move(alias, arn, e.named(alias, arn, true, other(alias)))
	}
	for _, alias := range went {
		e.move(alias, arn, e.named(alias, arn, false, other(alias)))
	}
}

// named is the other key that the evidence names, else the one given.
func (e *Entry) named(alias, arn string, came bool, other string) Move {
	for i := range e.Evidence {
		ev := &e.Evidence[i]
		switch {
		case ev.Alias != alias || (ev.Target == arn) != came:
		case came && ev.From != "":
			other = ev.From
		case !came && ev.Target != "":
			other = ev.Target
		}
	}
	if came {
		return Move{Alias: alias, From: other}
	}
	return Move{Alias: alias, To: other}
}

func (e *Entry) move(alias, arn string, m Move) {
	known := slices.ContainsFunc(e.Moves, func(o Move) bool { return o.Alias == alias })
	if other := m.From + m.To; !known && other != "" && other != arn {
		e.Moves = append(e.Moves, m)
	}
}
