package engine

import (
	"errors"
	"time"

	"go.uber.org/zap"

	"rotd/internal/detection"
	"rotd/internal/finding"
	"rotd/internal/inventory"
	"rotd/internal/state"
)

// key returns what is known of a key; nil also when its record cannot be read, which is told: what KMS shows next is
// written in its place.
func (n *notebook) key(arn string) (*inventory.Key, error) {
	key, err := n.tx.Key(arn)
	return key, n.passOver(err)
}

// passOver tells of a record that cannot be read, and lets everything else go on. Another error comes back.
func (n *notebook) passOver(err error) error {
	if _, ok := errors.AsType[*state.UnreadableError](err); !ok {
		return err
	}
	return n.found(n.e.unreadable(err, n.now))
}

// unreadable logs that a record cannot be read, and makes the finding.
func (e *Engine) unreadable(err error, now time.Time) finding.Finding {
	e.log.Error("a record of the state cannot be read; rotd goes on without it", zap.Error(err))
	return detection.StateRecordUnreadable(e.db.Shard(), err.Error(), now)
}
