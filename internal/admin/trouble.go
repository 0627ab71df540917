package admin

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"rotd/internal/events/queue"
	"rotd/internal/state"
)

// Trouble is one thing that is not in order, and what to do about it.
type Trouble struct {
	Grave bool   `json:"grave"` // rotd does not see, act or tell as it should, or something CRITICAL or HIGH is open
	What  string `json:"what"`
	Next  string `json:"next,omitempty"` // a command or a place to look
}

// ClockFarOff is how far off a clock is grave: AWS refuses signatures of such a one.
const ClockFarOff = 5 * time.Minute

// How long things may take before they are a trouble.
const (
	alertsLate   = 5 * time.Minute
	runTooLong   = 2 * time.Hour
	fewReceives  = 10 // a redrive policy with fewer drives good messages out during an outage
	firstPatient = 10 * time.Minute
)

// Judge fills Troubles from the rest of the status.
func (s *Status) Judge() {
	var all []Trouble
	grave := func(next, format string, args ...any) {
		all = append(all, Trouble{Grave: true, What: fmt.Sprintf(format, args...), Next: next})
	}
	minor := func(next, format string, args ...any) {
		all = append(all, Trouble{What: fmt.Sprintf(format, args...), Next: next})
	}
	for _, reason := range s.NotReady {
		grave("", "not ready: %s", reason)
	}
	if s.ReloadError != "" {
		lines := strings.SplitN(s.ReloadError, "\n", 3) // what is wrong, and then a problem a line
		grave("rotd config validate", "the configuration was not reloaded, the old one goes on: %s",
			strings.Join(lines[:min(len(lines), 2)], " "))
	}
	if ahead := time.Duration(s.ClockAhead) * time.Second; ahead != 0 {
		tell := minor
		if ahead.Abs() >= ClockFarOff {
			tell = grave
		}
		tell("timedatectl", "this machine's clock is wrong, %s: rotd's times, windows and waits are off by as much",
			ClockOff(ahead))
	}
	s.judgeIntake(grave, minor)
	s.judgeFindings(grave, minor)
	s.judgeSweeps(grave, minor)
	s.judgeActing(grave, minor)
	s.judgeTelling(grave)
	slices.SortStableFunc(all, func(a, b Trouble) int { return rank(b) - rank(a) })
	s.Troubles = all
}

// ClockOff says how far a clock is off.
func ClockOff(ahead time.Duration) string {
	if ahead < 0 {
		return fmt.Sprintf("%s behind AWS's", -ahead)
	}
	return fmt.Sprintf("%s ahead of AWS's", ahead)
}

func rank(t Trouble) int {
	if t.Grave {
		return 1
	}
	return 0
}

type telling func(next, format string, args ...any)

func (s *Status) judgeIntake(grave, minor telling) {
	for i := range s.Queues {
		q := &s.Queues[i]
		name := queueName(q.URL)
		switch {
		case q.Ready, q.State == queue.StateStarting && s.Now.Sub(s.Started) < time.Minute:
		case slices.ContainsFunc(s.NotReady, func(why string) bool { return strings.Contains(why, name) }):
		default:
			grave("", "queue %s: %s, since %s", name, q.Reason, q.Since.Format(time.RFC3339))
		}
		switch {
		case q.ReadAt.IsZero():
		case !q.Redrive:
			minor("", "queue %s has no redrive policy: what cannot be read is not moved to a dead-letter queue", name)
		case q.MaxReceives < fewReceives:
			minor("", "queue %s moves messages away after %d receives; 20 outlast an outage", name, q.MaxReceives)
		}
		if q.DeadLetterError != "" {
			minor("", "whether messages lie in %s, where SQS puts what queue %s gives up on, is not known: %s",
				q.DeadLetter, name, q.DeadLetterError)
		}
	}
	if s.Quarantined > 0 {
		minor("rotd quarantine list", "%s could not be decoded", plural(s.Quarantined, "message or record",
			"messages or records"))
	}
}

func (s *Status) judgeFindings(grave, minor telling) {
	for _, c := range []struct {
		n    int
		name string
		tell telling
	}{
		{s.Findings.Critical, "CRITICAL", grave},
		{s.Findings.High, "HIGH", grave},
		{s.Findings.Medium, "MEDIUM", minor},
	} {
		if c.n > 0 {
			c.tell("rotd findings list --severity "+c.name, "%s open",
				plural(c.n, c.name+" finding", c.name+" findings"))
		}
	}
}

func (s *Status) judgeSweeps(grave, minor telling) {
	if len(s.Places) == 0 && s.Now.Sub(s.Started) > firstPatient {
		grave("rotd sweep inventory", "no account and Region was swept yet")
	}
	unread := func(p state.Coverage) bool { return p.LastComplete.IsZero() }
	if s.Keys == 0 && len(s.Places) > 0 && !slices.ContainsFunc(s.Places, unread) {
		minor("", "no account and Region has any key: are the Region and `accounts` those that are meant?")
	}
	for i := range s.Places {
		p := &s.Places[i]
		place := p.Account + "/" + p.Region
		switch {
		case p.LastError != "" && p.LastComplete.IsZero():
			grave("rotd sweep inventory", "%s was never swept whole: %s", place, p.LastError)
		case p.LastError != "":
			grave("rotd sweep inventory", "the last sweep of %s was not whole: %s", place, p.LastError)
		case p.Unread > 0:
			grave("rotd sweep inventory", "%s of %s could not be read", plural(p.Unread, "key", "keys"), place)
		}
		if p.Denied > 0 {
			minor("rotd findings list --rule key-unverifiable", "KMS refuses rotd something about %s of %s",
				plural(p.Denied, "key", "keys"), place)
		}
	}
	for i := range s.Jobs {
		j := &s.Jobs[i]
		if j.LastError != "" {
			minor("rotd sweep "+j.Name, "the last %s failed: %s", j.Name, j.LastError)
		}
		if !j.RunningSince.IsZero() && s.Now.Sub(j.RunningSince) > runTooLong {
			minor("", "%s has been running since %s", j.Name, j.RunningSince.Format(time.RFC3339))
		}
	}
}

func (s *Status) judgeActing(grave, minor telling) {
	if b := s.Breaker; b != nil && len(b.Failures) > 0 {
		grave("rotd actions show "+b.Failures[len(b.Failures)-1].ActionID, "the circuit breaker has been open since %s: %d "+
			"actions failed in a row, and nothing automatic happens before a resume", b.OpenedAt.Format(time.RFC3339),
			len(b.Failures))
	}
	if s.Paused != nil {
		minor("rotd resume", "paused by %s since %s: %s", s.Paused.By, s.Paused.At.Format(time.RFC3339),
			s.Paused.Reason)
	}
	for i := range s.DependsOn {
		if d := &s.DependsOn[i]; d.Error != "" {
			minor("", "rotd does not know which key encrypts %s, so it cannot keep its hands off it (docs/permissions.md): %s",
				d.What, d.Error)
		}
	}
	if !s.Armed && s.Mode != "observe" {
		minor("rotd resume",
			"the state is new or restored: nothing automatic happens before a complete inventory and a resume")
	}
	if s.Awaiting > 0 {
		minor("rotd actions list --state awaiting-approval", "%s approval", plural(s.Awaiting, "action awaits",
			"actions await"))
	}
	if b := s.Budget; b != nil && b.Left <= b.Reserve {
		minor("rotd keys show "+b.KeyARN, "%s has %d of 25 rotations on demand left", nameOr(b.Alias, b.KeyARN), b.Left)
	}
}

func (s *Status) judgeTelling(grave telling) {
	late := !s.Outbox.Oldest.IsZero() && s.Now.Sub(s.Outbox.Oldest) > alertsLate
	switch {
	case s.Outbox.Waiting > 0 && s.Outbox.LastError != "":
		grave("", "%s cannot be published: %s", plural(s.Outbox.Waiting, "alert", "alerts"), s.Outbox.LastError)
	case s.Outbox.Waiting > 0 && late:
		grave("", "%s waiting since %s", plural(s.Outbox.Waiting, "alert is", "alerts are"),
			s.Outbox.Oldest.Format(time.RFC3339))
	}
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func nameOr(alias, arn string) string {
	if alias != "" {
		return alias
	}
	return arn
}

// queueName is the last part of a queue's URL.
func queueName(url string) string {
	for i := len(url) - 1; i >= 0; i-- {
		if url[i] == '/' {
			return url[i+1:]
		}
	}
	return url
}
