package replay

import (
	"cmp"
	"slices"
	"strings"

	"rotd/internal/finding"
)

// Count says how much of what was found is of one rule or principal.
type Count struct {
	Name     string `json:"name"`
	Findings int    `json:"findings"`
	Times    int    `json:"times"` // with repetitions
}

// Rules counts what was found by rule, the noisiest first. What was expected counts too: it was found.
func (r *Result) Rules() []Count {
	return counts(r.Findings, func(f *finding.Finding) string { return f.RuleID })
}

// Principals counts what was found by principal, the noisiest first; what nobody did is left out.
func (r *Result) Principals() []Count {
	return counts(r.Findings, func(f *finding.Finding) string { return f.PrincipalARN })
}

func counts(all []finding.Finding, by func(*finding.Finding) string) []Count {
	found := make(map[string]*Count)
	for i := range all {
		name := by(&all[i])
		if name == "" {
			continue
		}
		if found[name] == nil {
			found[name] = &Count{Name: name}
		}
		found[name].Findings++
		found[name].Times += all[i].Count
	}
	sorted := make([]Count, 0, len(found))
	for _, c := range found {
		sorted = append(sorted, *c)
	}
	slices.SortFunc(sorted, func(a, b Count) int {
		return cmp.Or(b.Times-a.Times, b.Findings-a.Findings, strings.Compare(a.Name, b.Name))
	})
	return sorted
}

// Change says how a finding of one configuration stands in another.
type Change string

// Changes.
const (
	Gained  Change = "gained"  // only the other finds it
	Lost    Change = "lost"    // the other does not find it
	Weighed Change = "weighed" // the other gives it another severity, or expects it where this one did not
)

// Difference is a finding that two configurations do not agree about.
type Difference struct {
	Change  Change          `json:"change"`
	Was     string          `json:"was,omitempty"` // of what is weighed otherwise: the severity that it had
	Finding finding.Finding `json:"finding"`
}

// Compare says what another configuration makes of the same archive, by first seen.
func Compare(r, other *Result) []Difference {
	before := make(map[string]*finding.Finding, len(r.Findings))
	for i := range r.Findings {
		before[r.Findings[i].Fingerprint] = &r.Findings[i]
	}
	all := []Difference{}
	for i := range other.Findings {
		f := &other.Findings[i]
		was := before[f.Fingerprint]
		delete(before, f.Fingerprint)
		switch {
		case was == nil:
			all = append(all, Difference{Change: Gained, Finding: *f})
		case was.Severity != f.Severity:
			all = append(all, Difference{Change: Weighed, Was: was.Severity.String(), Finding: *f})
		}
	}
	for _, f := range before {
		all = append(all, Difference{Change: Lost, Finding: *f})
	}
	slices.SortFunc(all, func(a, b Difference) int {
		return cmp.Or(a.Finding.FirstSeen.Compare(b.Finding.FirstSeen),
			strings.Compare(a.Finding.Fingerprint, b.Finding.Fingerprint))
	})
	return all
}
