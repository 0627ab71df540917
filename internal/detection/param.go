package detection

import (
	"fmt"
	"slices"
)

// Param is a number that a rule compares with and that configuration may change: detections.tuning.RULE.NAME.
type Param struct {
	Name    string `json:"name"`
	Unit    string `json:"unit"` // what it counts, in the plural
	Default int    `json:"default"`
	Min     int    `json:"min"`
	Max     int    `json:"max"`
	Doc     string `json:"doc"` // what it is, in half a sentence
}

// Line is what people read about a rule's parameter: where it is set, what it is, its default and bounds.
func (p *Param) Line(rule string) string {
	return fmt.Sprintf("`detections.tuning.%s.%s`: %s (%d %s; from %d to %d)", rule, p.Name, p.Doc, p.Default, p.Unit,
		p.Min, p.Max)
}

// Tuning gives parameters other values than their defaults: by rule and name.
type Tuning map[string]map[string]int

// values are a rule's parameters in their order, as tuned.
func (r *Rule) values(tuned map[string]int) []int {
	values := make([]int, len(r.Params))
	for i, p := range r.Params {
		values[i] = p.Default
		if v, ok := tuned[p.Name]; ok {
			values[i] = v
		}
	}
	return values
}

// param is the value of one of the judging rule's parameters, by its place in Params.
func (c *Context) param(i int) int { return c.params[i] }

// Tunable are the rules that have parameters.
func Tunable() []Rule {
	return slices.DeleteFunc(Rules(), func(r Rule) bool { return len(r.Params) == 0 })
}
