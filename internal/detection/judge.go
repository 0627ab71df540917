package detection

import (
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"rotd/internal/events"
	"rotd/internal/finding"
)

// Settings are what configuration says about the catalogue.
type Settings struct {
	Disabled   []string                    // rules and checks that do not judge
	Severities map[string]finding.Severity // in place of what the catalogue gives; what is expected keeps its own
	// Learning is for how long what is usual is learnt before rules compare with it; 0: they compare at once.
	Learning time.Duration
	Tuning   Tuning
	Users    []Rule // users' rules, besides the catalogue's
}

// Judge holds the loaded rules and checks. It keeps nothing between events and is safe for concurrent use.
type Judge struct {
	rules  map[string]*Rule
	wanted map[string]interest
	checks []Check

	learning time.Duration
	room     int // how many names each users' rule may keep
}

// interest is what the loaded rules want of one event source.
type interest struct {
	all    []*Rule
	byName map[string][]*Rule // `all` included
}

// Panic is a rule or check that panicked, or a user's rule that could not judge: contained, and reported by the caller.
type Panic struct {
	RuleID string
	Err    error // why a user's rule could not judge; nil: it panicked
	Value  any
	Stack  []byte
}

func (p *Panic) Error() string {
	if p.Err != nil {
		return fmt.Sprintf("%s could not judge: %v", p.RuleID, p.Err)
	}
	return fmt.Sprintf("%s panicked: %v", p.RuleID, p.Value)
}

// Judged is a check's verdict on a key.
type Judged struct {
	Check   *Check
	Verdict Verdict
}

// NewJudge loads the catalogue with the settings.
func NewJudge(s Settings) *Judge {
	return newJudge(slices.Concat(Rules(), s.Users), Checks(), s)
}

func newJudge(rules []Rule, checks []Check, s Settings) *Judge {
	j := &Judge{rules: make(map[string]*Rule, len(rules)), wanted: make(map[string]interest), learning: s.Learning}
	var loaded []*Rule
	remembering := 0
	for i := range rules {
		r := &rules[i]
		if sev, ok := s.Severities[r.ID]; ok {
			r.override = &sev
		}
		r.tuned = r.values(s.Tuning[r.ID])
		j.rules[r.ID] = r // a disabled rule's open findings still end
		if !slices.Contains(s.Disabled, r.ID) {
			loaded = append(loaded, r)
			if r.Users != nil && r.Remembers {
				remembering++
			}
		}
	}
	j.room = roomOf(remembering)
	j.index(loaded)
	for i := range checks {
		if slices.Contains(s.Disabled, checks[i].ID) {
			continue
		}
		if sev, ok := s.Severities[checks[i].ID]; ok {
			checks[i].override = &sev
		}
		j.checks = append(j.checks, checks[i])
	}
	return j
}

func (j *Judge) index(loaded []*Rule) {
	for _, r := range loaded {
		for _, w := range r.Wants {
			in := j.wanted[w.Source]
			if in.byName == nil {
				in.byName = make(map[string][]*Rule)
			}
			if len(w.Names) == 0 {
				in.all = append(in.all, r)
			}
			for _, name := range w.Names {
				in.byName[name] = append(in.byName[name], r)
			}
			j.wanted[w.Source] = in
		}
	}
	for _, in := range j.wanted {
		for name, rules := range in.byName {
			in.byName[name] = append(slices.Clip(rules), in.all...)
		}
	}
}

// Wants reports whether a loaded rule wants records of this eventSource and eventName. Every KMS record is wanted: it
// may be a key's use.
func (j *Judge) Wants(source, name string) bool {
	return source == kmsSource || len(j.rulesFor(source, name)) > 0
}

// Wanted is what Wants says yes to: each source once, by name, and the names of its events unless all are wanted.
func (j *Judge) Wanted() []Wanted {
	wanted := []Wanted{{Source: kmsSource}}
	for source, in := range j.wanted {
		switch {
		case source == kmsSource:
		case len(in.all) > 0:
			wanted = append(wanted, Wanted{Source: source})
		default:
			wanted = append(wanted, Wanted{Source: source, Names: slices.Sorted(maps.Keys(in.byName))})
		}
	}
	slices.SortFunc(wanted, func(a, b Wanted) int { return strings.Compare(a.Source, b.Source) })
	return wanted
}

func (j *Judge) rulesFor(source, name string) []*Rule {
	in, ok := j.wanted[source]
	if !ok {
		return nil
	}
	if rules, ok := in.byName[name]; ok {
		return rules
	}
	return in.all
}

// Rule returns a rule by id, disabled ones too; nil when there is none.
func (j *Judge) Rule(id string) *Rule { return j.rules[id] }

// Users are the ids of users' rules, disabled ones too, sorted.
func (j *Judge) Users() []string {
	var ids []string
	for id, r := range j.rules {
		if r.Users != nil {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// Judges reports whether a check is loaded.
func (j *Judge) Judges(checkID string) bool {
	return slices.ContainsFunc(j.checks, func(c Check) bool { return c.ID == checkID })
}

// Event lets every rule that wants the event judge it. A rule's panic costs that rule's word on that event only.
func (j *Judge) Event(c *Context, ev *events.Event) (found []finding.Finding, panics []*Panic) {
	c.learning, c.room = j.learning, j.room
	for _, r := range j.rulesFor(ev.EventSource, ev.EventName) {
		if c.Late && r.Remembers {
			continue
		}
		got, p := r.judge(c, ev)
		if p != nil {
			panics = append(panics, p)
			continue
		}
		if r.Users == nil || !r.Users.Staged {
			found = append(found, got...)
			continue
		}
		for i := range got {
			c.staged(&got[i])
		}
	}
	return found, panics
}

func (r *Rule) judge(c *Context, ev *events.Event) (found []finding.Finding, p *Panic) {
	defer func() {
		if v := recover(); v != nil {
			found, p = nil, &Panic{RuleID: r.ID, Value: v, Stack: debug.Stack()}
		}
	}()
	c.params = r.tuned
	all, err := r.found(c, ev)
	if err != nil {
		return nil, &Panic{RuleID: r.ID, Err: err}
	}
	for _, got := range all {
		found = append(found, r.finish(c, ev, &got))
	}
	return found, nil
}

func (r *Rule) found(c *Context, ev *events.Event) ([]Found, error) {
	if r.Users != nil {
		return r.Users.Judge(c, ev)
	}
	return r.Judge(c, ev), nil
}

// Key lets every check that the read facts allow judge a key: whole says that the key was read whole.
func (j *Judge) Key(c *KeyContext, whole bool) (judged []Judged, panics []*Panic) {
	judged = make([]Judged, 0, len(j.checks)) // they are large to move
	for i := range j.checks {
		check := &j.checks[i]
		if check.Whole && !whole {
			continue
		}
		verdict, p := check.judge(c)
		if p != nil {
			panics = append(panics, p)
			continue
		}
		judged = append(judged, Judged{Check: check, Verdict: verdict})
	}
	return judged, panics
}

func (check *Check) judge(c *KeyContext) (v Verdict, p *Panic) {
	defer func() {
		if r := recover(); r != nil {
			v, p = Verdict{}, &Panic{RuleID: check.ID, Value: r, Stack: debug.Stack()}
		}
	}()
	v = check.Judge(c)
	if v.Result == Drift {
		v.Finding = check.finish(c, v.Finding)
	}
	return v, nil
}
