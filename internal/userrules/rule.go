// Package userrules compiles users' own rules: conditions in CEL (https://cel.dev) over an event, the key it is about
// and what happened before. A rule can only answer: there is nothing in an expression that runs a program, reads a file
// or reaches a network, and what an expression may cost is bounded when it is loaded and when it is asked. Pure: the
// files are read by package config.
//
// Where things are: what an expression may name is in language.go, what that is in event.go, facts.go and json.go; what
// it remembers in memory.go; what it may cost in cost.go; how a rule judges in judge.go.
package userrules

import (
	"fmt"
	"strings"

	"rotd/internal/detection"
	"rotd/internal/finding"
	"rotd/internal/inventory"
	"rotd/internal/policy"
)

// Draft is a rule as it is written.
type Draft struct {
	ID             string
	Title          string
	Severity       finding.Severity
	Active         bool // otherwise staged: it counts and finds nothing
	Events         []detection.Wanted
	When           string   // CEL: bool
	Message        string   // text with {{ CEL }} in it
	Fingerprint    []string // CEL: strings that tell what is found apart
	PerPlace       bool     // it is about the account and Region, not about the key
	PerPrincipal   bool
	Mitre          []string
	Response       []string // what to do, a line each
	FalsePositives string
	Author         string
}

// Problem is what is wrong with an expression of a draft.
type Problem struct {
	Part         string // when, message, fingerprint[0]
	Line, Column int    // within the part's text, from 1
	Message      string
}

// tuning is how every user's rule is tuned.
const tuning = "The rule's own file. `detections.severity` and `detections.disable` in rotd.yaml work as for other " +
	"rules."

// Compile makes a rule of a draft. With problems there is no rule.
func (l *Language) Compile(d *Draft) (detection.Rule, []Problem) {
	c := &compiler{language: l}
	r := &rule{
		id:      d.ID,
		when:    c.condition("when", d.When),
		message: c.message("message", strings.TrimRight(d.Message, "\n")),
		place:   d.PerPlace,
		noKey:   &inventory.Key{}, noPolicy: &policy.Policy{},
	}
	for i, text := range d.Fingerprint {
		r.fingerprint = append(r.fingerprint, c.text(fingerprintPart(i), text))
	}
	if len(c.problems) > 0 {
		return detection.Rule{}, c.problems
	}
	r.response = d.Response
	return detection.Rule{
		ID: d.ID, Title: d.Title, Severity: d.Severity, Mitre: d.Mitre, Wants: d.Events,
		Remembers: c.remembers, Excused: detection.Own, PerPrincipal: d.PerPrincipal,
		Users: &detection.Users{Judge: r.judge, Staged: !d.Active},
		Doc: detection.Doc{
			Meaning: meaning(d), Condition: "`" + strings.TrimSpace(d.When) + "`", Tuning: tuning,
			FalsePositives: d.FalsePositives, Response: strings.Join(d.Response, "\n"),
		},
	}, nil
}

func fingerprintPart(i int) string { return fmt.Sprintf("fingerprint[%d]", i) }

func meaning(d *Draft) string {
	if d.Author == "" {
		return d.Title + "."
	}
	return d.Title + ". A rule of " + d.Author + "."
}
