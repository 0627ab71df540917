package report

import (
	"fmt"
	"slices"
)

// Framework is a standard, as far as rotd has evidence for it. What it asks is told in rotd's own words.
type Framework struct {
	ID       string // --framework
	Name     string
	Version  string
	Scope    string // what an assessor must bring along
	Controls []Control
}

// Control is one thing a framework asks.
type Control struct {
	ID    string
	Title string
	Asks  string // in rotd's own words
	Shows string // what rotd can show for it
	Left  string // what remains for people
	// Checks are the checks it rests on, by id. One that is not loaded makes the answer not verifiable.
	Checks []string
	// Never says why rotd can give no answer at all.
	Never string

	judge func(c *Control, r *Row) (Outcome, string)
}

// Answer is what can be said of a control.
type Answer string

// Answers.
const (
	NotMet            Answer = "not-met"
	NotVerifiable     Answer = "not-verifiable"
	MetWithExceptions Answer = "met-with-exceptions" // by every key but those that somebody answers for
	Met               Answer = "met"
	NotApplicable     Answer = "not-applicable"
)

// Words is the answer for people.
func (a Answer) Words() string {
	switch a {
	case NotMet:
		return "not met"
	case NotVerifiable:
		return "not verifiable"
	case MetWithExceptions:
		return "met, with exceptions"
	case Met:
		return "met"
	case NotApplicable:
		return "not applicable"
	}
	return string(a)
}

// outcome is the answer's colour.
func (a Answer) outcome() Outcome {
	switch a {
	case NotMet:
		return Drift
	case NotVerifiable:
		return Unverifiable
	case MetWithExceptions:
		return Excepted
	case Met:
		return InOrder
	case NotApplicable:
	}
	return NotJudged
}

// Frameworks are those that `--framework` takes.
func Frameworks() []Framework {
	return []Framework{pciDSS(), cisAWS(), nist80057(), securityHub()}
}

// FrameworkNamed returns a framework by its id; nil when there is none.
func FrameworkNamed(id string) *Framework {
	all := Frameworks()
	if i := slices.IndexFunc(all, func(f Framework) bool { return f.ID == id }); i >= 0 {
		return &all[i]
	}
	return nil
}

// FrameworkIDs are the words that `--framework` takes.
func FrameworkIDs() []string {
	var ids []string
	for _, f := range Frameworks() {
		ids = append(ids, f.ID)
	}
	return ids
}

// Answered is a control with its answer.
type Answered struct {
	ID     string   `json:"id"`
	Title  string   `json:"title"`
	Asks   string   `json:"asks"`
	Shows  string   `json:"shows"`
	Left   string   `json:"left,omitempty"`
	Checks []string `json:"checks"`

	Answer  Answer    `json:"answer"`
	Why     string    `json:"why"`
	Counts  Counts    `json:"keys"`
	Failing []Failing `json:"failing,omitempty"` // what speaks against it, the first few
	More    int       `json:"more,omitempty"`    // left out of failing; the table of keys has them
}

// Failing is a key that speaks against a control.
type Failing struct {
	ARN     string  `json:"arn"`
	Alias   string  `json:"alias,omitempty"`
	Outcome Outcome `json:"outcome"`
	Reason  string  `json:"reason"`
}

// answering adds a control's answer up.
type answering struct {
	control *Control
	counts  Counts
	failing []Failing
	more    int
	missing string // a check that is not loaded
}

// of judges one key under the control.
func (c *Control) of(r *Row) (Outcome, string) {
	if c.Never != "" {
		return Unverifiable, c.Never
	}
	o, why := c.judge(c, r)
	if o == InOrder && r.old != "" {
		return Unverifiable, r.old
	}
	return o, why
}

// missing names a check that the control rests on and that is not loaded; "" when all are.
func (c *Control) missing(r *Row) string {
	for _, id := range c.Checks {
		if _, loaded := r.verdict(id); !loaded {
			return id
		}
	}
	return ""
}

func (a *answering) add(r *Row) {
	if a.control.Never != "" {
		return
	}
	o, why := a.control.of(r)
	a.counts.add(o)
	missing := a.control.missing(r)
	switch {
	case o == InOrder || o == NotJudged:
		return
	case o == Unverifiable && missing != "":
		a.missing = missing // every key alike: naming them says nothing
		return
	}
	if len(a.failing) < maxFailing {
		a.failing = append(a.failing, Failing{ARN: r.ARN, Alias: r.Alias, Outcome: o, Reason: why})
		return
	}
	a.more++
}

// done says what the control comes to. incomplete is how many places this report cannot speak for.
func (a *answering) done(incomplete int) Answered {
	c := a.control
	out := Answered{
		ID: c.ID, Title: c.Title, Asks: c.Asks, Shows: c.Shows, Left: c.Left, Checks: c.Checks, Counts: a.counts,
		Failing: a.failing, More: a.more,
	}
	n := a.counts
	switch bad := n.Drift + n.NoPolicy; {
	case c.Never != "":
		out.Answer, out.Why = NotVerifiable, c.Never
	case bad > 0:
		out.Answer, out.Why = NotMet, fmt.Sprintf("Not so for %d of the %s that it concerns.", bad,
			keys(n.Keys-n.NotJudged))
	case n.Unverifiable > 0 && a.missing != "":
		out.Answer, out.Why = NotVerifiable, "The check "+a.missing+" is not loaded."
	case n.Unverifiable > 0:
		out.Answer = NotVerifiable
		out.Why = fmt.Sprintf("For %d of the %s that it concerns it cannot be said.", n.Unverifiable,
			keys(n.Keys-n.NotJudged))
	case incomplete > 0:
		out.Answer = NotVerifiable
		out.Why = fmt.Sprintf("What was read speaks for it, and %s could not be read whole or lately.",
			plural(incomplete, "one account and Region", "accounts and Regions"))
	case n.Excepted > 0:
		out.Answer = MetWithExceptions
		out.Why = fmt.Sprintf("So for %s; somebody answers for %d more that are not.", keys(n.InOrder), n.Excepted)
	case n.InOrder > 0:
		out.Answer, out.Why = Met, fmt.Sprintf("So for all of the %s that it concerns.", keys(n.InOrder))
	default:
		out.Answer, out.Why = NotApplicable, "It concerns no key in this report."
	}
	return out
}
