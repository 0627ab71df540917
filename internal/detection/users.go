package detection

import (
	"rotd/internal/events"
	"rotd/internal/finding"
)

// What users' rules, which live in a package of their own, share with those of the catalogue.

// About begins what is found about the key of an event, or about the account and Region when the event names none.
func (c *Context) About(ev *events.Event) Found { return Found{About: c.target(ev)} }

// PlaceOf is the account and Region of an event, as a finding's subject.
func PlaceOf(ev *events.Event) finding.Subject { return place(ev) }

// FirstTold is the id that all records of one call share.
func FirstTold(ev *events.Event) string { return firstTold(ev) }

// Names that memory keeps for users' rules: for all of them together half of what the state keeps, so that whoever
// fills it takes nothing from the catalogue's; for one at most so many that its part is gone over in milliseconds.
const (
	usersShare = 250_000
	mostOfOne  = 20_000
)

// roomOf is how many names each of so many users' rules that remember may keep.
func roomOf(rules int) int { return min(mostOfOne, usersShare/max(rules, 1)) }

// Room is the memory of a users' rule.
func (c *Context) Room(rule string) Memory { return c.Rooms(rule, c.room) }

// Shown is a value for a sentence. What others have chosen cannot end the sentence or begin another.
func Shown(s string) string { return shown(s) }

// Listed joins values for a sentence, the first five of them.
func Listed(values []string) string { return listed(values) }

// Describe is what people read about the rule.
func (r *Rule) Describe() Entry { return r.entry() }

func (c *Context) staged(f *finding.Finding) {
	if c.Staged != nil {
		c.Staged(f)
	}
}
