package engine

import (
	"context"
	"runtime/debug"
	"slices"
	"time"

	"go.uber.org/zap"

	"rotd/internal/detection"
	"rotd/internal/events"
	"rotd/internal/finding"
	"rotd/internal/impact"
	"rotd/internal/state"
	"rotd/internal/usage"
)

// foldUsageEvery is how long calls stay in the log of usage at most while there are few of them.
const foldUsageEvery = 15 * time.Minute

// use counts a successful cryptographic call with each key it used.
func (j *judging) use(ev *events.Event) error {
	if ev.EventSource != kmsSource || ev.Failed() {
		return nil
	}
	operation, ok := usage.Operation(ev.EventName)
	if !ok {
		j.context.Observed = j.learning.of(ev, "")
		return nil
	}
	if ev.SharedEventID != "" { // the call is told of in both accounts
		if fresh, err := j.tx.MarkShared(ev.SharedEventID, ev.EventTime); err != nil || !fresh {
			return err
		}
	}
	u := usage.Use{Principal: ev.UserIdentity.PrincipalARN(), Operation: operation, At: ev.EventTime}
	if u.Principal == "" {
		u.Principal = "unknown" // the record says nothing of who called
	}
	u.Network, u.Service = usage.Source(ev.SourceIPAddress)
	if ev.UserIdentity.InvokedBy != "" {
		u.Service = ev.UserIdentity.InvokedBy
	}
	first := ""
	if u.Key = j.known.resolve(ev.Key, ev.RecipientAccountID, ev.AWSRegion); u.Key != "" {
		first = u.Key
		u.Alias = ev.Alias
		describe(&u, ev.RawEncryptionContext())
		j.used(&u)
		j.context.Observed = j.learning.of(ev, u.Key)
	}
	if ev.TargetKey.IsZero() {
		return nil
	}
	if u.Key = j.known.resolve(ev.TargetKey, ev.RecipientAccountID, ev.AWSRegion); u.Key != "" && u.Key != first {
		u.Alias = "" // the record tells one, and the source's
		describe(&u, ev.RawDestinationEncryptionContext())
		j.used(&u)
	}
	return nil
}

// isUse reports whether a KMS operation uses a key on data.
func isUse(name string) bool {
	_, ok := usage.Operation(name)
	return ok
}

// awoken has a key read again that was told as unused and is used after all.
func (j *judging) awoken(arn string, at time.Time) error {
	const awake = 24 * time.Hour // a key used lately is not told as unused: no need to look
	if at.Sub(j.tx.LastUse(arn)) < awake {
		return nil
	}
	open, err := j.tx.OpenAbout(arn, maxOpenAbout)
	if err != nil || !slices.ContainsFunc(open, func(f finding.Finding) bool { return f.RuleID == detection.UnusedID }) {
		return err
	}
	j.tally.rereads++
	return j.tx.PlanReread(arn, j.now)
}

func (j *judging) used(u *usage.Use) {
	if u.At.After(j.uses[u.Key]) {
		j.uses[u.Key] = u.At
	}
	j.usage.Add(u)
}

// describe notes what an encryption context says of a use: its names, and the resource it is about. Other values are
// not kept.
func describe(u *usage.Use, context events.RawJSON) {
	var shape usage.Shaper
	var about impact.Identifier
	for name, value := range context.Members() {
		text := value.Text()
		shape.Add(name, text)
		about.Add(name, text)
	}
	u.Shape, u.Contexts = shape.Shape()
	u.Resource, u.Vouched = about.Resource(u.Service)
}

// logUsage writes what was counted.
func (j *judging) logUsage() (err error) {
	j.tally.usageLog, j.tally.usageDropped, err = j.tx.AppendUsage(&j.usage, j.now)
	return err
}

// usedBy is who used a key in the last 30 days; nil when that cannot be read: nothing depends on it.
func (e *Engine) usedBy(arn string, now time.Time) (used *usage.Brief) {
	const most = 3
	err := e.db.View(func(tx *state.Tx) error {
		u, err := tx.Usage(arn, usage.NewWindow(now.AddDate(0, 0, -30), now))
		if err == nil {
			used = u.Brief(most)
		}
		return err
	})
	if err != nil {
		e.log.Error("cannot read who used a key", zap.String("key", arn), zap.Error(err))
	}
	return used
}

// runUsage folds the log of usage into the keys' records: soon when there is much of it, else now and then.
func (e *Engine) runUsage(ctx context.Context) error {
	for {
		e.foldUsage(ctx)
		timer := time.NewTimer(foldUsageEvery)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-e.wakeUsage:
			timer.Stop()
		case <-timer.C:
		}
	}
}

// foldUsage folds once. What fails is tried again the next time: nothing is lost as long as the log has room.
func (e *Engine) foldUsage(ctx context.Context) {
	defer func() {
		if v := recover(); v != nil {
			e.logPanic("usage", v, debug.Stack())
		}
	}()
	start := time.Now()
	folded, err := e.db.FoldUsage(ctx, start.UTC())
	switch {
	case ctx.Err() != nil:
	case err != nil:
		e.log.Error("cannot fold the log of usage; it stays until it can be", zap.Error(err))
	case folded.Damaged > 0:
		e.log.Error("some of what was known of keys' use was damaged and is left out", zap.Any("folded", folded))
	case folded.Tuples > 0:
		e.log.Debug("folded the log of usage", zap.Any("folded", folded), zap.Duration("took", time.Since(start)))
	}
}

// wantsFolding reports whether a commit left so much log that folding should not wait.
func (t *tally) wantsFolding() bool { return t.usageLog >= state.FoldUsageAt }
