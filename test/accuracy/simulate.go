package main

import (
	"context"
	"fmt"
	"hash/fnv"
	"io"
	"slices"
	"strings"
	"time"

	"rotd/internal/detection"
	"rotd/internal/finding"
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
	low     []alert                    // the same, below MEDIUM
	found   map[string]map[string]bool // attack → rules that found something of it
}

// alert is what somebody is told of.
type alert struct {
	finding finding.Finding
	source  string // the part of the world that made the record
	known   string // what was known before
}

func (a alert) String() string {
	return fmt.Sprintf("%s %-8s %-24s %s %s by %s from %s on %s", a.finding.EventTime.Format("Mon 2006-01-02 15:04"),
		a.finding.Severity, a.finding.RuleID, a.source, a.finding.EventName, a.finding.PrincipalARN, a.finding.SourceIP,
		a.finding.Subject.ID) + a.known
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
	stream := replay.NewStream(detection.NewJudge(detection.Settings{Learning: learning}), &replay.Known{
		Trusted: slices.Concat(around.Accounts, around.Trusted), Regions: around.Regions, Keys: world.Inventory(),
	})

	r := &result{
		seed: seed, found: make(map[string]map[string]bool),
		weeks: float64(o.weeks) - learning.Hours()/(7*24),
	}
	last := make(map[string]time.Time) // fingerprint → when it was last found
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
		for _, f := range judged.Found {
			before, again := last[f.Fingerprint]
			last[f.Fingerprint] = f.LastSeen
			known := ""
			if o := judged.Observed; o != nil {
				known = fmt.Sprintf(" [key for %s, %d principals, %d newcomers; principal for %s, %d keys, %d networks, %d new; "+
					"hour %+v, usual %+v, at any time %+v, of all keys %+v]", o.KeyFor, o.Principals, o.Newcomers, o.PrincipalFor,
					o.Keys, o.OtherNetworks, o.NewNetworks, o.Hour, o.Usual(false), o.Usual(true), o.UsualOfPrincipal())
			}
			if record.Attack != "" {
				if o.all && !again {
					fmt.Println("  attack", alert{f, record.Attack, known})
				}
				if r.found[record.Attack] == nil {
					r.found[record.Attack] = make(map[string]bool)
				}
				r.found[record.Attack][f.RuleID] = true
				continue
			}
			told := alert{f, record.Source, known}
			switch {
			case f.Expected || again && f.LastSeen.Sub(before) < quiet:
			case f.Severity >= finding.Medium:
				r.alerts = append(r.alerts, told)
			case f.Severity == finding.Low:
				r.low = append(r.low, told)
			}
		}
	}
	r.took = time.Since(began)
	return r, nil
}

// missed are the rules that should have found something of an attack and did not, of those that there are.
func (r *result) missed() (all []string) {
	there := detection.RuleIDs()
	for _, script := range traffic.Scripts() {
		for _, rule := range script.Must {
			if slices.Contains(there, rule) && !r.found[script.Name][rule] {
				all = append(all, script.Name+" by "+rule)
			}
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
		for _, a := range r.low {
			fmt.Fprintf(out, "  low    %s\n", a)
		}
	}
	if missed := r.missed(); len(missed) > 0 {
		fmt.Fprintf(out, "  MISSED %s\n", strings.Join(missed, ", "))
	}
}
