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
	byRule, bySource, factsByRule := map[string]int{}, map[string]int{}, map[string]int{}
	for _, r := range results {
		alerts, records, weeks = alerts+len(r.alerts), records+r.records, weeks+r.weeks*float64(o.keys)/1000
		facts += len(r.facts)
		for _, a := range r.alerts {
			byRule[a.finding.RuleID]++
			bySource[a.source]++
		}
		for _, a := range r.facts {
			factsByRule[a.finding.RuleID]++
		}
	}
	fmt.Fprintf(&b, `# How right the rules are

Measured on simulated organisations (test/traffic, which was written before the rules that learn had thresholds): %d
worlds of %d keys each, %d weeks, %d records. The last %d have seeds from the commit's hash (%.12s). What is usual is
learnt in the first two weeks, with the default settings; the only policy has an idle time (unused_after: 120d) and
names nobody. This page is written by

    go run ./test/accuracy -first %d -seeds %d -keys %d -weeks %d -o docs/accuracy.md

**False alerts** (findings of MEDIUM and above about ordinary records, told anew when an episode has ended or becomes
graver): %d, that is %.2f a week for 1,000 keys; fewer than one is wanted.

`, o.seeds, o.keys, o.weeks, records, o.seeds-o.seeds/2, commit, o.first, o.seeds, o.keys, o.weeks, alerts,
		float64(alerts)/weeks)
	table(&b, "rule", "false alerts", byRule)
	table(&b, "source", "false alerts", bySource)
	for _, r := range results {
		for _, a := range r.alerts {
			fmt.Fprintf(&b, "    %s\n", a)
		}
	}
	fmt.Fprintf(&b, `
Besides, %d (%.2f a week for 1,000 keys) say what was done to a key, or that somebody needs one that was disabled:
nobody's doing is allowed in these worlds, so they are told, and they are true. Most are services that are switched off
with their keys, and what still calls for those.

`, facts, float64(facts)/weeks)
	table(&b, "rule", "true, and told of ordinary records", factsByRule)

	b.WriteString(traded)
	b.WriteString(`## Attacks

In how many of the worlds one of the rules found something of them, MEDIUM or graver, and which of those whose rows in
the catalogue describe them did. reconnaissance is LOW; of calls through Secrets Manager KMS sees no network.

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

// traded is what the low rate was bought with.
const traded = `## What this was traded for

What is LOW is in every list and report, and pages nobody whose topic begins at MEDIUM. Attackers who keep to these
bounds are told of as LOW:

- Somebody new on a key, whom rotd has met more than a week ago elsewhere, or who on the first day decrypts, within any
  hour, fewer than five different things (ten secrets, a hundred objects). Most such newcomers are deployments: only
  those that read on are told apart from them, and those that are busy at once are false alerts still.
- A thief of a nightly job's or pipeline's role who reads at its time no more than eight times what it usually does, or
  at any time no more than four times the most it ever has. Who has such a role has what it reads each night anyway.
- Reading of secrets slower than 30 different ones a day, and of all else slower than what an hour is compared with.
- Use from another private network than a role's own, and bursts of grants or refusals from their fourth day on.
- An instance's role that calls through a service says nothing of where the instance is.

What is left is mostly what nobody could tell from an attack by KMS's events alone: a new job that decrypts at once what
an old key protects, and month-end work that is done over.

`

// table lists counts, the greatest first.
func table(b *strings.Builder, what, of string, counts map[string]int) {
	if len(counts) == 0 {
		return
	}
	fmt.Fprintf(b, "| %s | %s |\n|---|---|\n", what, of)
	for _, name := range slices.SortedFunc(maps.Keys(counts), func(x, y string) int {
		return cmp.Or(counts[y]-counts[x], strings.Compare(x, y))
	}) {
		fmt.Fprintf(b, "| %s | %d |\n", name, counts[name])
	}
	b.WriteString("\n")
}
