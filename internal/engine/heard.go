package engine

import (
	"time"

	"go.uber.org/zap"

	"rotd/internal/detection"
	"rotd/internal/events"
	"rotd/internal/finding"
	"rotd/internal/state"
)

// From where events come is kept for each account and Region, over restarts. That nothing comes proves nothing: a quiet
// Region has few calls, and a trail need not log reads. Only together with a change that a sweep found there, and that
// no event told of, it says that events from there do not reach rotd.

// heardEvery is how exactly it is kept when events came from a place.
const heardEvery = 5 * time.Minute

// whence is an account and Region that events come from.
type whence struct{ account, region string }

// hears remembers from where an event came.
func (j *judging) hears(ev *events.Event) {
	if at := (whence{ev.RecipientAccountID, ev.AWSRegion}); ev.EventTime.After(j.heard[at]) {
		j.heard[at] = ev.EventTime
	}
}

// noteHeard keeps that events came from the places that rotd looks after.
func (j *judging) noteHeard() error {
	for at, newest := range j.heard {
		if !j.e.hasPlace(at.account, at.region) {
			continue
		}
		c, err := j.tx.Place(at.account, at.region)
		if err != nil { // no message's fault
			j.e.log.Error("cannot note that events come from a place", zap.String("account", at.account),
				zap.String("region", at.region), zap.Error(err))
			continue
		}
		if newest.After(j.now) {
			newest = j.now // an event's time belongs to its sender
		}
		if j.now.Sub(c.Heard) < heardEvery && newest.Sub(c.LastEvent) < heardEvery {
			continue
		}
		c.Heard, c.LastEvent = j.now, latest(c.LastEvent, newest)
		if err := j.tx.PutPlace(c); err != nil {
			return err
		}
	}
	return nil
}

// quiet reports whether nothing at all came from a place since a change there, in the time that a backlog takes.
func quiet(c *state.Coverage, u *state.Untold, now time.Time) bool {
	return c.LastEvent.Before(u.Found) && now.Sub(c.Heard) > untoldMost
}

// silent reports whether nothing came from a place for longer than configuration allows, as far as rotd was there to
// hear it.
func (n *notebook) silent(c *state.Coverage) bool {
	allowed := n.settings.Heartbeat
	return allowed > 0 && n.now.Sub(latest(c.Heard, n.e.started)) > allowed
}

// allSilent reports whether it is told already that no event comes from anywhere.
func (n *notebook) allSilent() (bool, error) {
	f, err := n.tx.FindingByFingerprint(detection.IntakeSilent(n.e.db.Shard(), n.now, 0, n.now).Fingerprint)
	return f != nil && f.Status == finding.Open, err
}

// heardAgain ends the silence of the places that events come from again.
func (n *notebook) heardAgain() error {
	for _, place := range n.e.Places() {
		m := detection.Missing{Account: place.Account, Region: place.Region}
		f, err := n.tx.FindingByFingerprint(detection.PlaceSilent(&m, n.now).Fingerprint)
		if err != nil {
			return err
		}
		if f == nil || f.Status != finding.Open {
			continue
		}
		c, err := n.tx.Place(place.Account, place.Region)
		if err != nil {
			return err
		}
		if c.Heard.IsZero() || n.now.Sub(c.Heard) > n.settings.Heartbeat {
			continue
		}
		if err := n.resolve(f, "events come from there again", false); err != nil {
			return err
		}
	}
	return nil
}
