package engine

import (
	"context"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"rotd/internal/awskms"
	"rotd/internal/detection"
	"rotd/internal/events"
	"rotd/internal/state"
)

// A canary is a harmless call in an account and Region whose record has to come back: through CloudTrail, whatever
// brings events, the queue, decoding and the rules, which find nothing in a call of rotd's own. It proves that whatever
// happens there reaches rotd, where silence would prove nothing.

const (
	canariesAtOnce = 8
	// canaryMost is how long a canary may be away, however long intake.heartbeat allows no event.
	canaryMost = time.Hour
	// canaryNever is how long none has to have come back before that is told, where none ever did.
	canaryNever = 24 * time.Hour
)

// SendCanaries sends a canary to every account and Region. That it is away is durable before its call, so that its
// record is known whenever it comes.
func (e *Engine) SendCanaries(ctx context.Context) error {
	if e.Settings().Canary == 0 {
		return nil // switched off meanwhile
	}
	now, places := time.Now().UTC(), e.Places()
	nonce := e.newID("", now)
	err := e.eachCanary(now, places, func(n *notebook, c *state.Coverage, _ int) error {
		if c.Canary == nil {
			c.Canary = &state.Canary{First: now}
		}
		c.Canary.Send(state.Flight{Nonce: nonce, Sent: now})
		return n.tx.PutPlace(*c)
	})
	if err != nil {
		return err
	}
	answers := make([]awskms.Result, len(places))
	var group errgroup.Group
	group.SetLimit(canariesAtOnce)
	for i := range places {
		group.Go(func() error {
			answers[i] = places[i].KMS.In(awskms.Reread).Canary(ctx, nonce)
			return nil
		})
	}
	_ = group.Wait() // they return none
	return e.eachCanary(now, places, func(n *notebook, c *state.Coverage, i int) error {
		if c.Canary == nil {
			return nil
		}
		at := slices.IndexFunc(c.Canary.Away, func(f state.Flight) bool { return f.Nonce == nonce })
		if at < 0 {
			return nil // it is back already
		}
		if err := answers[i].Err; err != nil { // of what nobody recorded no record comes back
			e.log.Warn("no canary could be sent", zap.String("account", c.Account), zap.String("region", c.Region),
				zap.Error(err))
			c.Canary.Away = slices.Delete(c.Canary.Away, at, at+1)
		} else {
			c.Canary.Away[at].RequestID = answers[i].RequestID
		}
		return n.tx.PutPlace(*c)
	})
}

// eachCanary runs fn for what is kept of each place, all in one transaction. A place whose record cannot be read, which
// is told, is left out.
func (e *Engine) eachCanary(
	now time.Time, places []Place, fn func(n *notebook, c *state.Coverage, i int) error,
) error {
	return e.note(now, func(n *notebook) error {
		for i := range places {
			c, err := n.tx.Place(places[i].Account, places[i].Region)
			if err == nil {
				err = fn(n, &c, i)
			}
			if err = n.tx.PassOver(err); err != nil {
				return err
			}
		}
		return nil
	})
}

// canary notes that a canary has come back, which ends that canaries are lost there. Its record was judged as every
// other is.
func (j *judging) canary(ev *events.Event) error {
	if !j.context.Own || !ev.Failed() || ev.EventName != "DescribeKey" || j.settings.Canary == 0 ||
		!j.e.hasPlace(ev.RecipientAccountID, ev.AWSRegion) {
		return nil
	}
	c, err := j.tx.Place(ev.RecipientAccountID, ev.AWSRegion)
	if err != nil || c.Canary == nil {
		return j.tx.PassOver(err)
	}
	at := slices.IndexFunc(c.Canary.Away, func(f state.Flight) bool { return recordOf(ev, &f) })
	if at < 0 {
		return nil
	}
	j.tally.canaries = append(j.tally.canaries, c.Canary.Return(at, j.now))
	if err := j.tx.PutPlace(c); err != nil {
		return err
	}
	lost := detection.CanaryLost(&detection.Canary{Account: c.Account, Region: c.Region}, j.now)
	return j.note.resolveByFingerprint(lost.Fingerprint, "a canary came back", false)
}

// recordOf reports whether a record of a call that rotd made is a canary's: by the request that KMS answered. Before
// that answer is known it is by the nonce in the user agent, since a refusal's record need not tell what was asked for.
func recordOf(ev *events.Event, f *state.Flight) bool {
	if f.RequestID != "" {
		return ev.RequestID == f.RequestID
	}
	return strings.Contains(ev.UserAgent, awskms.CanaryAgent+"/"+f.Nonce)
}

// noteCanaries counts the canaries that did not come back in time, and tells of it where no later one did either.
func (e *Engine) noteCanaries(now time.Time) error {
	places := e.Places()
	sent := false
	for i := range places {
		c, err := e.coverage(&places[i])
		if err != nil {
			return err
		}
		sent = sent || c.Canary != nil
	}
	if !sent {
		return nil
	}
	allowed := canaryAllowed(e.Settings())
	return e.eachCanary(now, places, func(n *notebook, c *state.Coverage, _ int) error {
		if c.Canary == nil {
			return nil
		}
		lost := &detection.Canary{
			Account: c.Account, Region: c.Region, Back: c.Canary.Back, First: c.Canary.First, Allowed: allowed,
		}
		if n.settings.Canary == 0 {
			c.Canary = nil
			if err := n.tx.PutPlace(*c); err != nil {
				return err
			}
			return n.resolveByFingerprint(detection.CanaryLost(lost, now).Fingerprint, "none is sent any more", true)
		}
		overdue := c.Canary.Overdue(now.Add(-allowed))
		if len(overdue) == 0 || now.Sub(e.started) < allowed { // what came while rotd was away is heard first
			return nil
		}
		n.tally.canariesLost += len(overdue)
		c.Canary.Away = c.Canary.Away[len(overdue):]
		if err := n.tx.PutPlace(*c); err != nil {
			return err
		}
		lost.Sent = overdue[len(overdue)-1].Sent
		if lost.Sent.Before(c.Canary.Sent) || lost.Never() && now.Sub(lost.First) < canaryNever {
			return nil
		}
		return n.found(detection.CanaryLost(lost, now))
	})
}

// canaryAllowed is how long a canary may be away: as long as no event may arrive, and long enough for the next one to
// be away as well, since a single event may get lost.
func canaryAllowed(s *Settings) time.Duration {
	allowed := canaryMost
	if s.Heartbeat > 0 {
		allowed = min(allowed, s.Heartbeat)
	}
	return max(allowed, 2*s.Canary)
}
