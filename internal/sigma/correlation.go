package sigma

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"rotd/internal/counting"
	"rotd/internal/yamltree"
)

// correlation is a rule that counts what others match.
type correlation struct {
	rules    []string // names or ids
	generate bool     // those are rules of their own too
	by       []field
	value    field // of which different ones are counted; no path: events are
	window   string
	compare  string // > or >=
	least    int
}

var timespan = regexp.MustCompile(`^[1-9]\d{0,5}[smhd]$`)

// correlation reads a correlation: event_count and value_count.
func (r *reader) correlation(e *yamltree.Entry) {
	entries, ok := r.mapping(e.Value, "correlation")
	if !ok {
		return
	}
	c := &correlation{}
	r.rule.correlation = c
	given := map[string]*yamltree.Entry{}
	for i := range entries {
		given[entries[i].Name] = &entries[i]
	}
	for _, name := range []string{"type", "rules", "timespan", "condition"} {
		if given[name] == nil {
			r.fail(e.Key, "correlation: %s is missing", name)
		}
	}
	kind := ""
	for i := range entries {
		switch e := &entries[i]; e.Name {
		case "type":
			if kind = r.text(e); kind != "event_count" && kind != "value_count" {
				r.fail(e.Key, "correlation: the type %.40q cannot be turned into CEL, only event_count and value_count can", kind)
			}
		case "rules":
			c.rules = r.texts(e)
		case "generate":
			c.generate = strings.EqualFold(r.text(e), "true")
		case "group-by":
			for _, name := range r.texts(e) {
				c.by = append(c.by, r.counted(e, name))
			}
		case "timespan":
			if c.window = r.text(e); !timespan.MatchString(c.window) {
				r.fail(e.Key, "correlation: want a timespan in s, m, h or d such as 10m, not %.40q", c.window)
			}
		case "condition":
			r.threshold(c, e)
		case "aliases":
			r.fail(e.Key, "correlation: aliases cannot be turned into CEL")
		}
	}
	if kind == "value_count" && c.value.path == "" && given["condition"] != nil {
		r.fail(given["condition"].Key, "correlation: value_count wants the field whose values it counts")
	}
	if kind == "event_count" {
		c.value = field{}
	}
}

func (r *reader) counted(e *yamltree.Entry, name string) field {
	f, err := r.fields.find(name)
	if err != nil {
		r.fail(e.Key, "correlation: %v", err)
	}
	return f
}

// threshold reads how many there have to be.
func (r *reader) threshold(c *correlation, e *yamltree.Entry) {
	entries, ok := r.mapping(e.Value, "a correlation's condition")
	if !ok {
		return
	}
	before := len(r.rule.Problems)
	for i := range entries {
		switch e := &entries[i]; e.Name {
		case "field":
			for _, name := range r.texts(e) {
				c.value = r.counted(e, name)
			}
		case "gt", "gte":
			n, err := strconv.Atoi(r.text(e))
			switch {
			case err != nil || n < 0 || c.compare != "":
				r.fail(e.Key, "correlation: want one number to reach")
			case n > counting.Max || e.Name == "gt" && n == counting.Max:
				r.fail(e.Key, "correlation: no count comes to that: memory keeps %d of a kind", counting.Max)
			}
			c.compare, c.least = comparisons[e.Name], n
		default:
			r.fail(e.Key, "correlation: %s cannot be turned into CEL: a rule is asked when something happens, so that it can "+
				"only say when there is enough (gt, gte)", e.Name)
		}
	}
	if c.compare == "" && len(r.rule.Problems) == before {
		r.fail(e.Key, "correlation: want gt or gte")
	}
}

// counting is how often what is matched happened, in CEL.
func (c *correlation) counting() string {
	var by []string
	for _, f := range c.by {
		by = append(by, f.one())
	}
	args := quote(c.window)
	switch {
	case len(by) == 1:
		args += ", " + by[0]
	case len(by) > 1:
		args += ", [" + strings.Join(by, ", ") + `].join("|")`
	}
	if c.value.path != "" {
		return "distinct(" + c.value.one() + ", " + args + ")"
	}
	return "count(" + args + ")"
}

// parts are the rules that are there to be counted by this one, and are none of their own.
func (r *Rule) parts(rules []*Rule) (parts []*Rule) {
	if r.correlation == nil || r.correlation.generate {
		return nil
	}
	for _, name := range r.correlation.rules {
		if i := r.named(rules, name); i >= 0 {
			parts = append(parts, rules[i])
		}
	}
	return parts
}

// named is where the other rule of a name or id is; -1: nowhere.
func (r *Rule) named(rules []*Rule, name string) int {
	return slices.IndexFunc(rules, func(one *Rule) bool { return one != r && (one.Name == name || one.ID == name) })
}

// resolve makes the condition of a correlation from those of the rules it counts.
func (r *Rule) resolve(rules []*Rule) {
	c := r.correlation
	fail := func(format string, args ...any) {
		r.Problems = append(r.Problems, Problem{Message: fmt.Sprintf(format, args...)})
	}
	var conditions []expr
	for _, name := range c.rules {
		i := r.named(rules, name)
		switch {
		case i < 0:
			fail("the rule %.80q that it counts is in none of the files", name)
			continue
		case rules[i].correlation != nil:
			fail("it counts %.80q, which is a correlation itself", name)
			continue
		case len(rules[i].Problems) > 0:
			fail("the rule %.80q that it counts cannot be turned", name)
			continue
		}
		conditions = append(conditions, rules[i].when)
		r.inherit(rules[i])
	}
	if len(r.Problems) > 0 {
		return
	}
	if len(conditions) == 0 {
		fail("it counts no rule")
		return
	}
	enough := leaf{cel: fmt.Sprintf("%s %s %d", c.counting(), c.compare, c.least)}
	if c.value.path != "" && !c.value.many() { // of many there is no first when it is missing
		r.when = all(either(conditions...), c.value.present(), enough)
		return
	}
	r.when = all(either(conditions...), enough)
}

// inherit takes what has to be said of a rule that a correlation counts: whose it is, above all.
func (r *Rule) inherit(from *Rule) {
	r.counted = append(r.counted, from)
	if r.Author == "" {
		r.Author = from.Author
	}
	r.Mitre = union(r.Mitre, from.Mitre)
	r.References = union(r.References, from.References)
	for _, text := range from.remarks {
		r.remark("%s", text)
	}
}

// union is all of both, each once.
func union(some, others []string) []string {
	for _, o := range others {
		if !slices.Contains(some, o) {
			some = append(some, o)
		}
	}
	return some
}
