package policy

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"rotd/internal/inventory"
)

// Source says where a set of policies comes from.
type Source struct {
	Lines   map[string]int // of rotd.yaml, by path: policies[0].rotation.max_age
	Ceiling Mode           // of every policy's mode
}

// Explanation says which policy counts for a key, why, and where each of its values comes from.
type Explanation struct {
	KeyARN  string    `json:"key_arn"`
	Name    string    `json:"name"`
	At      time.Time `json:"at"`
	Tried   []Tried   `json:"tried"`             // in order, up to the one that matches
	Matches string    `json:"matches,omitempty"` // the policy that tags, aliases and the rest give the key
	Policy  string    `json:"policy,omitempty"`  // the one in force
	Line    int       `json:"line,omitzero"`     // where it begins
	// Assignment is what is remembered of a tag or alias change that moved the key.
	Assignment *Assignment `json:"assignment,omitempty"`
	Values     []Value     `json:"values"`
	Exceptions []Applied   `json:"exceptions"` // that name the key, whether they count or not
	Owner      Tag         `json:"owner,omitzero"`
	Custodian  Tag         `json:"custodian,omitzero"`
}

// Tried is one policy held against the key.
type Tried struct {
	Policy string `json:"policy"`
	Line   int    `json:"line,omitzero"`
	Miss   *Miss  `json:"miss,omitempty"` // nil: it matches
}

// Value is one value of the policy in force, and where it comes from.
type Value struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	From  string `json:"from"`           // rotd.yaml, default, or what it follows from
	Line  int    `json:"line,omitempty"` // of rotd.yaml
}

// Tag is a tag that says who.
type Tag struct {
	Value string `json:"value"`
	Tag   string `json:"tag"`
}

// Explain says which policy counts for a key and why.
func (s Set) Explain(k *inventory.Key, a *Assignment, x Exceptions, src Source, at time.Time) *Explanation {
	e := &Explanation{
		KeyARN: k.ARN, Name: k.Name(), At: at, Assignment: a, Tried: []Tried{}, Values: []Value{},
		Exceptions: x.Applied(k, a, src, at),
	}
	if k.Manager == managerAWS {
		return e
	}
	for i := range s {
		tried := Tried{Policy: s[i].Name, Line: src.Lines[path(i, "name")]}
		miss, missed := s[i].Match.Miss(k)
		if missed {
			tried.Miss = &miss
		} else {
			e.Matches = s[i].Name
		}
		if e.Tried = append(e.Tried, tried); !missed {
			break
		}
	}
	inForce := s.InForce(a, k)
	for i := range s {
		if &s[i] == inForce {
			v := values{p: inForce, i: i, src: src}
			e.Policy, e.Line, e.Values = inForce.Name, src.Lines[path(i, "name")], v.all()
		}
	}
	if inForce != nil {
		e.Owner.Tag, e.Owner.Value = FirstTag(k, inForce.OwnerTags)
		e.Custodian.Tag, e.Custodian.Value = FirstTag(k, inForce.CustodianTags)
	}
	return e
}

func path(i int, key string) string { return fmt.Sprintf("policies[%d].%s", i, key) }

// values tells a policy's values.
type values struct {
	p   *Policy
	i   int
	src Source
}

func (v *values) all() []Value {
	r, p := v.p.Rotation, v.p
	return []Value{
		v.period("rotation.max_age", r.MaxAge, "rotation.automatic"),
		v.period("rotation.automatic", r.Automatic, "rotation.max_age"),
		v.value("rotation.method", string(r.Method)),
		v.value("rotation.rationale", r.Rationale),
		v.mode(),
		v.value("principals.allow", strings.Join(p.Allow, ", ")),
		v.value("networks.allow", networks(p.Networks, p.VPCEs)),
		v.value("respond", responses(p.Respond)),
		v.period("unused_after", p.UnusedAfter, ""),
		v.value("owner_tags", strings.Join(p.OwnerTags, ", ")),
		v.value("custodian_tags", strings.Join(p.CustodianTags, ", ")),
	}
}

// value comes from the file or is the default.
func (v *values) value(name, value string) Value {
	got := Value{Name: name, Value: orNone(value), From: "default", Line: v.src.Lines[path(v.i, name)]}
	if got.Line > 0 {
		got.From = "rotd.yaml"
	}
	return got
}

// period may also follow from another one.
func (v *values) period(name string, d time.Duration, from string) Value {
	if d == 0 {
		return v.value(name, "")
	}
	got := v.value(name, Days(d))
	if got.Line == 0 && from != "" {
		got.From, got.Line = "follows from "+from, v.src.Lines[path(v.i, from)]
	}
	return got
}

// mode may be held down by the ceiling.
func (v *values) mode() Value {
	got := v.value("mode", string(v.p.Mode))
	if asked := v.p.Asked; asked != "" && asked != v.p.Mode {
		says := got.From
		if got.Line > 0 {
			says = fmt.Sprintf("line %d", got.Line)
		}
		got.From = fmt.Sprintf("lowered by the ceiling, mode: %s (%s says %s)", v.src.Ceiling, says, asked)
		got.Line = v.src.Lines["mode"]
	}
	return got
}

func networks(prefixes []netip.Prefix, endpoints []string) string {
	var all []string
	for _, p := range prefixes {
		all = append(all, p.String())
	}
	return strings.Join(append(all, endpoints...), ", ")
}

func responses(all []Response) string {
	var texts []string
	for _, r := range all {
		texts = append(texts, r.String())
	}
	return strings.Join(texts, ", ")
}
