package engine

import (
	"slices"
	"strconv"
	"time"

	"rotd/internal/detection"
	"rotd/internal/events"
	"rotd/internal/inventory"
	"rotd/internal/state"
)

// Sweeps and events are held against each other. A change that a reading finds waits until an event had the time to
// tell of it, since a sweep may come first; a change that none told of is counted and told, because whatever else
// happened there may have been missed too.
const (
	toldWithin  = 30 * time.Minute // events are late by minutes
	untoldMost  = 2 * time.Hour    // a backlog takes longer; then it is judged in any case
	toldFor     = 72 * time.Hour   // how long it is remembered that an event told of a change
	newFor      = 24 * time.Hour   // a key that a sweep meets counts as new; older ones it had not seen for other reasons
	untoldInOne = 500
)

func toldName(operation, arn string) string { return "told:" + operation + ":" + arn }

// tells remembers that an event told of a change of keys, rotd's own calls included.
func (j *judging) tells(ev *events.Event) {
	if ev.EventSource != kmsSource || ev.ReadOnly || ev.Failed() || isUse(ev.EventName) {
		return
	}
	for _, arn := range j.changed(ev) {
		noteTime(j.memory, toldName(ev.EventName, arn), ev.EventTime, toldFor)
	}
}

// noteTime keeps the latest of the times noted under a name.
func noteTime(m *state.Memory, name string, at time.Time, keep time.Duration) {
	if at.After(notedTime(m, name, at)) {
		m.Note(name, strconv.FormatInt(at.Unix(), 10), at, keep)
	}
}

// notedTime is the time noted under a name that is still kept; zero when none is.
func notedTime(m *state.Memory, name string, now time.Time) time.Time {
	seconds, err := strconv.ParseInt(m.Noted(name, now), 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}

// untold notes what a reading finds changed about a key; before is nil when the key was not known.
func (n *notebook) untold(before, after *inventory.Key) error {
	if n.baseline {
		return nil
	}
	u := state.Untold{ARN: after.ARN, Name: after.Name(), Account: after.Account, Region: after.Region, Found: n.now}
	switch {
	case before != nil:
		for _, d := range differences(before, after) {
			if u.Since.IsZero() || d.since.Before(u.Since) {
				u.Since = d.since
			}
			u.Changes = append(u.Changes, d.Change)
		}
	case after.Manager == "CUSTOMER" && n.now.Sub(after.Created) < newFor:
		u.Since = after.Created
		u.Changes = []state.Change{{What: "created", Operations: []string{"CreateKey", "ReplicateKey"}}}
	}
	if len(u.Changes) == 0 {
		return nil
	}
	forgotten, err := n.tx.NoteUntold(&u)
	for i := range forgotten {
		if err := n.unjudged(&forgotten[i]); err != nil {
			return err
		}
	}
	return err
}

// unjudged counts the changes that cannot wait any longer for an event that tells of them.
func (n *notebook) unjudged(u *state.Untold) error {
	missed, err := n.missed(u)
	if err != nil || len(missed) == 0 {
		return err
	}
	n.tally.unjudged += len(missed)
	c, err := n.tx.Place(u.Account, u.Region)
	if err != nil {
		return err
	}
	c.Unjudged += len(missed)
	return n.tx.PutPlace(c)
}

// settleUntold judges the changes that events had their time to tell of.
func (e *Engine) settleUntold(now time.Time) error {
	for after, more := "", true; more; more = after != "" {
		var due []state.Untold
		err := e.db.View(func(tx *state.Tx) (err error) {
			due, after = tx.UntoldUntil(after, now.Add(-toldWithin), untoldInOne)
			due, err = e.settled(tx, due, now)
			return err
		})
		if err != nil {
			return err
		}
		if len(due) == 0 {
			continue
		}
		var missed int
		err = e.note(now, func(n *notebook) error { missed, err = n.settle(due); return err })
		if err != nil {
			return err
		}
		e.metrics.untold.Add(float64(missed))
	}
	return e.tellUnjudged(now)
}

// tellUnjudged tells of the changes that could not wait where nothing else is to be told of.
func (e *Engine) tellUnjudged(now time.Time) error {
	for _, place := range e.Places() {
		c, err := e.coverage(&place)
		if err != nil {
			return err
		}
		if c.Unjudged == 0 {
			continue
		}
		m := &detection.Missing{Account: place.Account, Region: place.Region}
		if err := e.note(now, func(n *notebook) error { return n.tellMissed(m) }); err != nil {
			return err
		}
	}
	return nil
}

// settled are the changes that can be judged: what came from their place is later, or nothing will be. Where a backlog
// may have waited for rotd to start, it is heard first.
func (e *Engine) settled(tx *state.Tx, due []state.Untold, now time.Time) (ready []state.Untold, err error) {
	for i := range due {
		u := &due[i]
		c, err := tx.Place(u.Account, u.Region)
		if err != nil {
			return nil, err
		}
		waited := now.Sub(u.Found) >= untoldMost && now.Sub(e.started) >= toldWithin
		if waited || !c.LastEvent.Before(u.Found) {
			ready = append(ready, *u)
		}
	}
	return ready, nil
}

// settle forgets changes and tells of those that no event told of. Without a queue no event is to be expected.
func (n *notebook) settle(due []state.Untold) (total int, err error) {
	var places []*detection.Missing
	for i := range due {
		u := &due[i]
		if err := n.tx.DoneUntold(u); err != nil {
			return 0, err
		}
		if len(n.e.queues) == 0 {
			continue
		}
		missed, err := n.missed(u)
		if err != nil {
			return 0, err
		}
		if len(missed) == 0 {
			continue
		}
		total += len(missed)
		at := slices.IndexFunc(places, func(m *detection.Missing) bool {
			return m.Account == u.Account && m.Region == u.Region
		})
		if at < 0 {
			at = len(places)
			places = append(places, &detection.Missing{Account: u.Account, Region: u.Region})
		}
		c, err := n.tx.Place(u.Account, u.Region)
		if err != nil {
			return 0, err
		}
		m := places[at]
		m.Changes, m.Quiet = append(m.Changes, missed...), m.Quiet || quiet(&c, u, n.now)
	}
	for _, m := range places {
		if err := n.tellMissed(m); err != nil {
			return 0, err
		}
	}
	return total, nil
}

// tellMissed tells of changes in a place that no event told of, and of those that could not wait for one. Where nothing
// at all came from there it tells of that, unless nothing comes from anywhere.
func (n *notebook) tellMissed(m *detection.Missing) error {
	c, err := n.tx.Place(m.Account, m.Region)
	if err != nil {
		return err
	}
	if m.Quiet {
		if all, err := n.allSilent(); err != nil || all {
			return err
		}
	}
	if m.Unjudged, c.Unjudged = c.Unjudged, 0; m.Unjudged > 0 {
		if err := n.tx.PutPlace(c); err != nil {
			return err
		}
	}
	m.Heard = c.Heard
	f := detection.SweepFoundMissed(m, n.now)
	if m.Quiet && n.silent(&c) {
		f = detection.PlaceSilent(m, n.now)
	}
	return n.foundTimes(f, len(m.Changes)+m.Unjudged)
}

// missed are those of the changes about a key that no event told of.
func (n *notebook) missed(u *state.Untold) (missed []detection.Missed, err error) {
	memory := n.tx.Memory()
	for _, c := range u.Changes {
		told, err := n.told(memory, u, c)
		if err != nil {
			return nil, err
		}
		if !told {
			missed = append(missed, detection.Missed{Key: u.Name, ARN: u.ARN, What: c.What})
		}
	}
	return missed, nil
}

// told reports whether an event told of a change, or rotd made it itself.
func (n *notebook) told(memory *state.Memory, u *state.Untold, c state.Change) (bool, error) {
	since := u.Since.Add(-callMargin)
	for _, operation := range c.Operations {
		if at := notedTime(memory, toldName(operation, u.ARN), u.Found); !at.IsZero() && !at.Before(since) {
			return true, nil
		}
	}
	actions, err := n.tx.ActionsOn(u.ARN, 5)
	for i := range actions {
		for _, asked := range actions[i].Asked() {
			if slices.Contains(c.Operations, string(asked.Operation)) && asked.CalledAt.After(since) {
				return true, err
			}
		}
	}
	return false, err
}
