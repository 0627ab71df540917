package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"rotd/test/traffic"
)

// summary is the report, in Markdown.
func summary(results []*result, o options, commit string) string {
	var b strings.Builder
	alerts, records, weeks := 0, 0, 0.0
	byRule, bySource := map[string]int{}, map[string]int{}
	for _, r := range results {
		alerts, records, weeks = alerts+len(r.alerts), records+r.records, weeks+r.weeks*float64(o.keys)/1000
		for _, a := range r.alerts {
			byRule[a.finding.RuleID]++
			bySource[a.source]++
		}
	}
	fmt.Fprintf(&b, "# How right the rules are\n\n"+
		"Measured on simulated organisations (`test/traffic`, which was written before the rules that learn had thresholds):\n"+
		"%d worlds of %d keys each, %d weeks, %d records. The last %d have seeds from the commit's hash (%.12s). What is usual\n"+
		"is learnt in the first two weeks, with the default settings; no policy names anybody. This page is written by\n\n"+
		"    go run ./test/accuracy -seeds %d -keys %d -weeks %d -o docs/accuracy.md\n\n",
		o.seeds, o.keys, o.weeks, records, o.seeds-o.seeds/2, commit, o.seeds, o.keys, o.weeks)
	fmt.Fprintf(&b, "**False alerts** (findings of MEDIUM and above about ordinary records, told anew after a day's rest): "+
		"%d, %.2f a week for 1,000 keys.\n\n", alerts, float64(alerts)/weeks)
	table(&b, "rule", byRule)
	table(&b, "source", bySource)

	b.WriteString("**Attacks**, and in how many of the worlds each rule that has to find them did:\n\n" +
		"| attack | found by |\n|---|---|\n")
	for _, script := range traffic.Scripts() {
		var found []string
		for _, rule := range script.Must {
			n := 0
			for _, r := range results {
				if r.found[script.Name][rule] {
					n++
				}
			}
			found = append(found, fmt.Sprintf("`%s` %d of %d", rule, n, len(results)))
		}
		fmt.Fprintf(&b, "| %s | %s |\n", script.Name, strings.Join(found, ", "))
	}
	return b.String()
}

func table(b *strings.Builder, what string, counts map[string]int) {
	if len(counts) == 0 {
		return
	}
	fmt.Fprintf(b, "| %s | false alerts |\n|---|---|\n", what)
	for _, name := range slices.SortedFunc(maps.Keys(counts), func(x, y string) int {
		return cmp.Or(counts[y]-counts[x], strings.Compare(x, y))
	}) {
		fmt.Fprintf(b, "| %s | %d |\n", name, counts[name])
	}
	b.WriteString("\n")
}
