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
	alerts, facts, records, weeks := 0, 0, 0, 0.0
	byRule, bySource := map[string]int{}, map[string]int{}
	for _, r := range results {
		alerts, records, weeks = alerts+len(r.alerts), records+r.records, weeks+r.weeks*float64(o.keys)/1000
		facts += len(r.facts)
		for _, a := range r.alerts {
			byRule[a.finding.RuleID]++
			bySource[a.source]++
		}
	}
	fmt.Fprintf(&b, `# How right the rules are

Measured on simulated organisations (test/traffic, which was written before the rules that learn had thresholds): %d
worlds of %d keys each, %d weeks, %d records. The last %d have seeds from the commit's hash (%.12s). What is usual is
learnt in the first two weeks, with the default settings; no policy names anybody. This page is written by

    go run ./test/accuracy -seeds %d -keys %d -weeks %d -o docs/accuracy.md

**False alerts** (findings of MEDIUM and above about ordinary records, told anew after a day's rest): %d, that is %.2f a
week for 1,000 keys; fewer than one is wanted. What is left is mostly what nobody could tell from an attack by KMS's
events alone: a new job that uses an old key, a pipeline or a nightly job that has far more to read than ever. Besides,
%d (%.2f) say what was done to a key, or that somebody needs one that was disabled: nobody's doing is allowed in these
worlds, so they are told, and they are true.

`, o.seeds, o.keys, o.weeks, records, o.seeds-o.seeds/2, commit, o.seeds, o.keys, o.weeks, alerts,
		float64(alerts)/weeks, facts, float64(facts)/weeks)
	table(&b, "rule", byRule)
	table(&b, "source", bySource)

	b.WriteString(`**Attacks**: in how many of the worlds one of the rules found something of them, MEDIUM or graver,
and which of those whose rows in the catalogue describe them did. dormant-key-used needs a policy with an idle time,
which these worlds have not; reconnaissance is LOW; of calls through Secrets Manager KMS sees no network.

| attack | found | by |
|---|---|---|
`)
	for _, script := range traffic.Scripts() {
		worlds := 0
		for _, r := range results {
			if len(r.found[script.Name]) > 0 {
				worlds++
			}
		}
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
		fmt.Fprintf(&b, "| %s | %d of %d | %s |\n", script.Name, worlds, len(results), strings.Join(found, ", "))
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
