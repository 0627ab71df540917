package engine

import (
	"errors"
	"slices"
	"time"

	"github.com/oklog/ulid/v2"
	"go.uber.org/zap"

	"rotd/internal/detection"
	"rotd/internal/finding"
	"rotd/internal/inventory"
	"rotd/internal/remediation"
	"rotd/internal/state"
)

// key returns what is known of a key; nil also when its record cannot be read, which is told: what KMS shows next is
// written in its place.
func (n *notebook) key(arn string) (*inventory.Key, error) {
	key, err := n.tx.Key(arn)
	return key, n.tx.PassOver(err)
}

// finding returns a finding by id; nil also when its record cannot be read, which is told.
func (n *notebook) finding(id string) (*finding.Finding, error) {
	f, err := n.tx.Finding(id)
	return f, n.tx.PassOver(err)
}

// byFingerprint returns the finding with a fingerprint. Of one whose record cannot be read, which is told, only the id
// is known: what is found next is written in its place.
func (n *notebook) byFingerprint(fingerprint string) (f *finding.Finding, spoiled string, err error) {
	f, err = n.tx.FindingByFingerprint(fingerprint)
	if unreadable, ok := errors.AsType[*state.UnreadableError](err); ok {
		spoiled = unreadable.Key
	}
	return f, spoiled, n.tx.PassOver(err)
}

// actionsOn returns a key's newest actions. One that cannot be read and may be under way counts as running: a second
// rotation beside it would be worse than one that waits.
func (n *notebook) actionsOn(arn string, limit int) ([]remediation.Action, error) {
	before := len(n.tx.PassedOver())
	actions, err := n.tx.ActionsOn(arn, limit)
	for _, lost := range n.tx.PassedOver()[before:] {
		if begun := idTime(lost.Key); n.tx.IsPending(lost.Key) && n.now.Sub(begun) < plannedWithin {
			actions = append(actions, remediation.Action{
				ID: lost.Key, KeyARN: arn, State: remediation.Running, Created: begun, Attempts: 1,
			})
		}
	}
	return actions, err
}

// idTime is when a finding's or action's id was made; zero when it is none.
func idTime(id string) time.Time {
	u, err := ulid.ParseStrict(id[min(len("act_"), len(id)):])
	if err != nil {
		return time.Time{}
	}
	return ulid.Time(u.Time()).UTC()
}

// tellPassedOver tells of the records that the transaction had to do without, once each. What is met while telling is
// told the next time.
func (n *notebook) tellPassedOver() error {
	var told []string
	for _, lost := range n.tx.PassedOver() {
		if slices.Contains(told, lost.Key) {
			continue
		}
		told = append(told, lost.Key)
		if err := n.found(n.e.unreadable(lost, n.now)); err != nil {
			return err
		}
	}
	return nil
}

// unreadable logs and counts that a record cannot be read, and makes the finding.
func (e *Engine) unreadable(err error, now time.Time) finding.Finding {
	e.log.Error("a record of the state cannot be read; rotd goes on without it", zap.Error(err))
	e.metrics.unreadable.Inc()
	return detection.StateRecordUnreadable(e.db.Shard(), err.Error(), now)
}
