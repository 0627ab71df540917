package usage

import "time"

// hourlyWithin is the longest window that is counted by the hour.
const hourlyWithin = 48 * time.Hour

// Window is the time a question is about: whole hours or whole UTC days up to now.
type Window struct {
	From, To time.Time
	ByHour   bool
}

// NewWindow is the window from a time on: by the hour when that is at most 48 hours ago, else by the day. It begins
// with the hour or day that since lies in, and no earlier than counts are kept.
func NewWindow(since, now time.Time) Window {
	if since.After(now) {
		since = now
	}
	now = now.UTC()
	if now.Sub(since) <= hourlyWithin {
		return Window{From: hourTime(HourOf(since)), To: now, ByHour: true}
	}
	day := max(DayOf(HourOf(since)), oldestDay(now))
	return Window{From: hourTime(day * dayHours), To: now}
}

// By is what is counted by: hour or day.
func (w Window) By() string {
	if w.ByHour {
		return "hour"
	}
	return "day"
}

// Usage is what is known of a key's use in a window. Times of members of sets (operations, networks, services, shapes)
// are known to the hour, those of uses to the second.
type Usage struct {
	From time.Time `json:"from"` // the window begins with a whole hour or day
	To   time.Time `json:"to"`
	By   string    `json:"by"` // hour, day: what counts are by

	Calls      uint64      `json:"calls"`
	FirstUse   time.Time   `json:"first_use,omitzero"` // ever counted, by a principal that is still kept
	LastUse    time.Time   `json:"last_use,omitzero"`
	Counts     []Point     `json:"counts"`           // every hour or day of the window
	Principals []Principal `json:"principals"`       // those with calls in the window, most calls first
	Others     *Principal  `json:"others,omitempty"` // principals that found no room, together
	Services   []Service   `json:"services"`         // calling services
	Contexts   []Context   `json:"contexts"`         // shapes of encryption contexts
	Aliases    []ByAlias   `json:"aliases"`          // who named the key by an alias; nobody else did
	// MoreAliases says that there was no room for all of those.
	MoreAliases bool `json:"more_aliases,omitempty"`
}

// Point is how many calls fell into an hour or day.
type Point struct {
	At    time.Time `json:"at"`
	Calls uint64    `json:"calls"`
}

// Principal is the use by one principal: the calls in the window, and what was seen of it in the window.
type Principal struct {
	ARN        string    `json:"principal_arn"`
	Calls      uint64    `json:"calls"`
	FirstUse   time.Time `json:"first_use"` // ever counted
	LastUse    time.Time `json:"last_use"`
	Operations []string  `json:"operations,omitempty"`
	Networks   []string  `json:"networks,omitempty"` // IPv4 /24, IPv6 /48
	Services   []string  `json:"services,omitempty"`
	Contexts   []string  `json:"contexts,omitempty"` // shapes, their names joined by commas
	// More says which lists had to leave some out: networks, services, contexts.
	More []string `json:"more,omitempty"`
}

// Service is the use through one calling service; without a name: those that found no room.
type Service struct {
	Name     string    `json:"name"`
	Calls    uint64    `json:"calls"`
	LastHour time.Time `json:"last_hour"`
}

// Context is the use with encryption contexts that have the same names; without names: those that found no room.
type Context struct {
	Names    []string  `json:"names"`
	Calls    uint64    `json:"calls"`
	LastHour time.Time `json:"last_hour"`
	// Distinct is roughly how many different contexts of these names there were, not only in the window.
	Distinct int  `json:"distinct"`
	AtLeast  bool `json:"at_least,omitempty"` // there are more than can be told
}

// ByAlias is a principal that named the key by an alias, in the window.
type ByAlias struct {
	Alias     string    `json:"alias"`
	Principal string    `json:"principal_arn"`
	LastHour  time.Time `json:"last_hour"`
}

// Brief is a Usage in a line.
type Brief struct {
	Since      time.Time `json:"since"`
	Principals int       `json:"principals"` // at least so many
	Calls      uint64    `json:"calls"`
	Most       []string  `json:"most,omitempty"` // the principals with most calls
}

// Brief names the principals with most calls, at most so many.
func (u *Usage) Brief(most int) *Brief {
	b := &Brief{Since: u.From, Principals: len(u.Principals), Calls: u.Calls}
	for i := range u.Principals[:min(most, len(u.Principals))] {
		b.Most = append(b.Most, u.Principals[i].ARN)
	}
	if u.Others != nil {
		b.Principals++
	}
	return b
}
