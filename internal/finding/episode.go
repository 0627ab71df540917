package finding

import (
	"fmt"
	"slices"
	"time"
)

// QuietAfter ends a rule's episode that nothing repeats, if the rule says nothing else.
const QuietAfter = 24 * time.Hour

// Transition is what happened to a finding that people may have to be told; its text is part of the alert's identity.
type Transition string

// NoTransition is a repetition: counted, not told.
const NoTransition Transition = ""

// Opened and Closed begin and end an episode; Raised carries the severity that was reached.
const (
	Opened Transition = "opened"
	Closed Transition = "resolved"
)

// Raised is the transition to a graver severity inside an episode.
func Raised(to Severity) Transition { return Transition("raised:" + to.String()) }

// More is the transition to a finding that tells of more than before inside an episode; count is the finding's.
func More(count int) Transition { return Transition(fmt.Sprintf("more:%d", count)) }

// NewPoints are the points that are not among those known: all of them when nothing is open.
func NewPoints(prev *Finding, now []string) []string {
	if prev == nil || prev.Status != Open {
		return now
	}
	var added []string
	for _, p := range now {
		if !slices.Contains(prev.Points, p) {
			added = append(added, p)
		}
	}
	return added
}

// Observe brings a new occurrence together with what is known under its fingerprint: prev is nil for the first. The
// result keeps prev's identity; the transition says whether it is news.
func Observe(prev *Finding, now Finding) (Finding, Transition) {
	if prev != nil && prev.Hidden { // nobody was told of that episode: this is the first that people hear
		now.ID, now.Status, now.Episode, now.Count = prev.ID, Open, prev.Episode+1, 1
		now.Suppressed = prev.Suppressed
		return now, Opened
	}
	return observe(prev, now)
}

// observe is Observe whether or not somebody was told of the episode.
func observe(prev *Finding, now Finding) (Finding, Transition) {
	switch {
	case prev == nil:
		now.Status, now.Episode, now.Count = Open, 1, 1
		return now, Opened
	case prev.Status == Resolved:
		if now.EventTime != nil && !now.EventTime.After(prev.LastSeen) && now.Severity <= prev.Severity {
			// It happened inside the episode that ended, and was no graver than what that one told of.
			again := *prev
			again.Count++
			return again, NoTransition
		}
		now.ID, now.Status, now.Episode, now.Count = prev.ID, Open, prev.Episode+1, 1
		return now, Opened
	}
	next := *prev
	transition := NoTransition
	if now.Severity > prev.Severity {
		next = now
		next.ID, next.Status, next.Episode = prev.ID, Open, prev.Episode
		next.ActionIDs, next.Acknowledged = prev.ActionIDs, prev.Acknowledged
		next.Hidden, next.Suppressed = prev.Hidden, prev.Suppressed
		next.IncidentID = prev.IncidentID
		transition = Raised(now.Severity)
	} else if now.EventID == "" {
		// A check's latest reading says it best.
		next.Title, next.Description, next.Remedy = now.Title, now.Description, now.Remedy
		next.Policy, next.Points, next.Move = now.Policy, now.Points, now.Move
	} else if now.LastSeen.After(prev.LastSeen) {
		// It was done again: what was read or undone before proves nothing any more.
		next.OverSince, next.Undone = nil, false
	}
	next.FirstSeen = earliest(prev.FirstSeen, now.FirstSeen)
	next.LastSeen = latest(prev.LastSeen, now.LastSeen)
	next.Count = prev.Count
	if now.EventID != "" {
		next.Count++
	}
	if len(NewPoints(prev, now.Points)) > 0 {
		next.Count++
		if transition == NoTransition {
			transition = More(next.Count)
		}
	}
	return next, transition
}

// Resolve ends the episode.
func (f *Finding) Resolve(at time.Time, why string) Transition {
	f.Status, f.ResolvedAt, f.ResolvedBy = Resolved, &at, why
	return Closed
}

// About is the subject in words for people: `alias/payments (arn:…)`.
func (f *Finding) About() string {
	if f.Alias != "" {
		return fmt.Sprintf("%s (%s)", f.Alias, f.Subject.ID)
	}
	return f.Subject.ID
}

func earliest(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
