package main

import (
	"cmp"
	"context"
	"fmt"
	"hash/fnv"
	"io"
	"slices"
	"strings"
	"time"

	"rotd/internal/detection"
	"rotd/internal/finding"
	"rotd/internal/policy"
	"rotd/internal/replay"
	"rotd/test/traffic"
)

// result is what the rules said of one world.
type result struct {
	seed    uint64
	records int
	weeks   float64 // watched after the learning time
	took    time.Duration
	alerts  []alert                    // false: about ordinary records
	facts   []alert                    // about ordinary records, and true: see tellsFacts
	low     []alert                    // below MEDIUM
	found   map[string]map[string]bool // attack → rules that found something of it, MEDIUM or graver
}

// alert is what somebody is told of.
type alert struct {
	finding finding.Finding
	source  string // the part of the world that made the record
}

func (a alert) String() string {
	return fmt.Sprintf("%s %-8s %-24s %s %s by %s from %s on %s", a.finding.EventTime.Format("Mon 2006-01-02 15:04"),
		a.finding.Severity, a.finding.RuleID, a.source, a.finding.EventName, a.finding.PrincipalARN, a.finding.SourceIP,
		a.finding.Subject.ID)
}

// seedOf is the i-th seed of a commit.
func seedOf(commit string, i int) uint64 {
	h := fnv.New64a()
	fmt.Fprint(h, commit, i)
	return h.Sum64()
}

// simulate has the rules judge a world's records in the order of their delivery.
func simulate(ctx context.Context, seed uint64, o options) (*result, error) {
	began := time.Now()
	world := traffic.World{Seed: seed, Keys: o.keys, Weeks: o.weeks}
	world.Attacks = world.EveryAttack()
	around := world.Surroundings()
	judge := detection.NewJudge(detection.Settings{Learning: learning})
	stream := replay.NewStream(judge, &replay.Known{
		Policies: policies(),
		Trusted:  slices.Concat(around.Accounts, around.Trusted), Regions: around.Regions, Keys: world.Inventory(),
		Itself: &detection.Itself{Principals: around.Rotd},
	})

	r := &result{
		seed: seed, found: make(map[string]map[string]bool),
		weeks: float64(o.weeks) - learning.Hours()/(7*24),
	}
	told := make(episodes)
	for record := range world.Records() {
		if r.records%1000 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		r.records++
		judged, err := stream.Judge(record.JSON, record.Own)
		if err != nil {
			return nil, fmt.Errorf("seed %d: %w", seed, err)
		}
		for _, p := range judged.Panics {
			return nil, fmt.Errorf("seed %d: %w", seed, p)
		}
		for i := range judged.Found {
			f := &judged.Found[i]
			news, attack := told.news(f, judge.Rule(f.RuleID).QuietAfter(), record.Attack)
			if attack != "" {
				r.hit(attack, f)
			} else if news {
				r.tell(alert{*f, record.Source})
			}
		}
	}
	r.took = time.Since(began)
	return r, nil
}

// hit keeps that a rule found something of an attack.
func (r *result) hit(attack string, f *finding.Finding) {
	if f.Severity < finding.Medium {
		return
	}
	if r.found[attack] == nil {
		r.found[attack] = make(map[string]bool)
	}
	r.found[attack][f.RuleID] = true
}

// tell keeps what somebody is told of.
func (r *result) tell(a alert) {
	switch {
	case a.finding.Expected:
	case a.finding.Severity >= finding.Medium && tellsFacts(a.finding.RuleID):
		r.facts = append(r.facts, a)
	case a.finding.Severity >= finding.Medium:
		r.alerts = append(r.alerts, a)
	case a.finding.Severity == finding.Low:
		r.low = append(r.low, a)
	}
}

// episodes are how grave each finding's episode is by now, and when it was last repeated, by fingerprint.
type episodes map[string]episode

type episode struct {
	last     time.Time
	severity finding.Severity
	attack   string // that began it
}

// news reports whether a finding opens an episode or makes one graver, as people would be told of it, and which attack
// it tells of: the record's, or the one that began the episode. What the attacked application goes on doing then is
// told of once more, and rightly.
func (all episodes) news(f *finding.Finding, quiet time.Duration, attack string) (graver bool, of string) {
	e, known := all[f.Fingerprint]
	if !known || f.LastSeen.Sub(e.last) >= quiet {
		e, graver = episode{attack: attack}, true
	}
	if f.Severity > e.severity {
		graver = true
	}
	if graver {
		e.severity = f.Severity
	}
	if f.LastSeen.After(e.last) {
		e.last = f.LastSeen
	}
	all[f.Fingerprint] = e
	return graver, cmp.Or(attack, e.attack)
}

// policies are those of somebody who wants to be told of idle keys that are used again. Restorations are tried out each
// quarter in these worlds, which that leaves out.
func policies() policy.Set {
	return policy.Set{{Name: "all", UnusedAfter: 120 * 24 * time.Hour}}
}

// tellsFacts reports whether a rule says what was done to a key, or that somebody needs one that does not work, which
// is so whoever meant well. All other rules judge.
func tellsFacts(rule string) bool {
	switch rule {
	case "rotation-turned-off", "rotation-period-extended", "rotation-unplanned", "key-disabled",
		"key-deletion-scheduled",
		"key-deletion-window-short", "key-deletion-cancelled", "key-deleted", "key-destruction-denied",
		"material-imported", "material-deleted", "material-expired", "key-store-changed", "external-origin-key-created",
		"key-policy-changed", "key-policy-made-public", "key-policy-shared-externally", "key-policy-owner-removed",
		"key-policy-lockout-bypassed", "alias-retargeted", "key-replicated", "key-tags-changed", "key-mass-destruction",
		"dead-key-used", "dormant-key-used":
		return true
	}
	return false
}

// missed are the attacks that no rule found, but for those of which none has to.
func (r *result) missed() (all []string) {
	for _, script := range traffic.Scripts() {
		if len(script.Must) > 0 && len(r.found[script.Name]) == 0 {
			all = append(all, script.Name)
		}
	}
	return all
}

// print tells of every false alert and every missed attack.
func (r *result) print(out io.Writer, o options) {
	fmt.Fprintf(out, "seed %d: %d records of %d keys in %d weeks, %s\n", r.seed, r.records, o.keys, o.weeks,
		r.took.Round(time.Second))
	for _, a := range r.alerts {
		fmt.Fprintf(out, "  false  %s\n", a)
	}
	if o.all {
		for _, a := range slices.Concat(r.facts, r.low) {
			fmt.Fprintf(out, "  besides %s\n", a)
		}
	}
	if missed := r.missed(); len(missed) > 0 {
		fmt.Fprintf(out, "  MISSED %s\n", strings.Join(missed, ", "))
	}
}
