package engine

import (
	"maps"
	"slices"
	"strconv"
	"strings"
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
	toldWithin   = 30 * time.Minute // events are late by minutes
	untoldMost   = 2 * time.Hour    // a backlog takes longer; then it is judged in any case
	toldFor      = 72 * time.Hour   // how long it is remembered that an event told of a change
	heardFor     = 24 * time.Hour   // where an event came from within, events are expected
	heardEvery   = 5 * time.Minute  // how often it is noted that an event came from a place
	untoldInOne  = 500
	namedChanges = 5
)

func toldName(operation, arn string) string { return "told:" + operation + ":" + arn }

func heardName(account, region string) string { return "heard:" + account + "/" + region }

// tells remembers that an event told of a change of keys, rotd's own calls included.
func (j *judging) tells(ev *events.Event) {
	if ev.EventSource != kmsSource || ev.ReadOnly || ev.Failed() || isUse(ev.EventName) {
		return
	}
	for _, arn := range j.changed(ev) {
		noteTime(j.memory, toldName(ev.EventName, arn), ev.EventTime, toldFor, 0)
	}
}

// hears remembers that events arrive from an account and Region.
func (j *judging) hears(ev *events.Event) {
	if place := heardName(ev.RecipientAccountID, ev.AWSRegion); ev.RecipientAccountID != "" &&
		ev.EventTime.Sub(j.heard[place]) >= heardEvery && j.e.hasPlace(ev.RecipientAccountID, ev.AWSRegion) {
		j.heard[place] = ev.EventTime
		noteTime(j.memory, place, ev.EventTime, heardFor, heardEvery)
	}
}

// noteTime keeps the latest of the times noted under a name. What is less than step later is not worth writing.
func noteTime(m *state.Memory, name string, at time.Time, keep, step time.Duration) {
	if known := notedTime(m, name, at); known.IsZero() || at.Sub(known) > step {
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
	case after.Manager == "CUSTOMER" && n.now.Sub(after.Created) < heardFor:
		u.Since = after.Created
		u.Changes = []state.Change{{What: "created", Operations: []string{"CreateKey", "ReplicateKey"}}}
	}
	if len(u.Changes) == 0 {
		return nil
	}
	return n.tx.NoteUntold(&u)
}

// settleUntold judges the changes that events had their time to tell of.
func (e *Engine) settleUntold(now time.Time) error {
	for {
		var due []state.Untold
		err := e.db.View(func(tx *state.Tx) (err error) {
			due, err = tx.UntoldUntil(now.Add(-toldWithin), untoldInOne)
			memory := tx.Memory()
			due = slices.DeleteFunc(due, func(u state.Untold) bool { return !settled(memory, &u, now) })
			return err
		})
		if err != nil || len(due) == 0 {
			return err
		}
		var missed int
		err = e.note(now, func(n *notebook) error { missed, err = n.missed(due); return err })
		if err != nil {
			return err
		}
		e.metrics.untold.Add(float64(missed))
	}
}

// settled reports whether a change can be judged: what came from its place is later than it, or nothing will be.
func settled(m *state.Memory, u *state.Untold, now time.Time) bool {
	return now.Sub(u.Found) >= untoldMost || !notedTime(m, heardName(u.Account, u.Region), now).Before(u.Found)
}

// missed forgets changes and tells of those that no event told of though events come from there.
func (n *notebook) missed(due []state.Untold) (total int, err error) {
	memory := n.tx.Memory()
	places := make(map[string][]detection.Missed)
	for i := range due {
		u := &due[i]
		if err := n.tx.DoneUntold(u); err != nil {
			return 0, err
		}
		if notedTime(memory, heardName(u.Account, u.Region), u.Found).IsZero() {
			continue // intake-silent is about that
		}
		for _, c := range u.Changes {
			told, err := n.told(memory, u, c)
			if err != nil {
				return 0, err
			}
			if !told {
				place := u.Account + "/" + u.Region
				places[place] = append(places[place], detection.Missed{Key: u.Name, ARN: u.ARN, What: c.What})
			}
		}
	}
	for _, place := range slices.Sorted(maps.Keys(places)) {
		account, region, _ := strings.Cut(place, "/")
		missed := places[place]
		total += len(missed)
		f := detection.SweepFoundMissed(account, region, len(missed), missed[:min(namedChanges, len(missed))], n.now)
		if err := n.foundTimes(f, len(missed)); err != nil {
			return 0, err
		}
	}
	return total, nil
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
