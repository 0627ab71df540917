package engine

import (
	"rotd/internal/baseline"
	"rotd/internal/detection"
	"rotd/internal/events"
	"rotd/internal/state"
)

// learning is one transaction's part in learning what is usual: each record is read once and written once.
type learning struct {
	tx         *state.Tx
	keys       map[string]*baseline.Key // by ARN
	principals map[baseline.ID]*baseline.Principal
	lost       func(error) // is told of a record that cannot be read
}

func newLearning(tx *state.Tx, lost func(error)) *learning {
	return &learning{
		tx: tx, keys: make(map[string]*baseline.Key), principals: make(map[baseline.ID]*baseline.Principal), lost: lost,
	}
}

// of learns from an event about a key, "" for one that the record does not tell, and returns what was known before it;
// nil when it teaches nothing. Of keys that the inventory does not know nothing is learnt.
func (l *learning) of(ev *events.Event, arn string) *baseline.Observed {
	use, of := detection.Learning(ev)
	if of == detection.Nobody {
		return nil
	}
	var observed baseline.Observed
	if of == detection.OfKey {
		k := l.key(arn)
		if k == nil {
			return nil
		}
		k.Observe(&use, &observed)
	}
	l.principal(use.Principal).Observe(&use, &observed)
	return &observed
}

// key is what is known of a key; nil when the inventory does not know it.
func (l *learning) key(arn string) *baseline.Key {
	k, ok := l.keys[arn]
	if !ok && l.tx.Knows(arn) {
		var err error
		if k, err = l.tx.KeyBaseline(arn); err != nil {
			l.lost(err)
		}
		l.keys[arn] = k
	}
	return k
}

func (l *learning) principal(id baseline.ID) *baseline.Principal {
	p, ok := l.principals[id]
	if !ok {
		var err error
		if p, err = l.tx.PrincipalBaseline(id); err != nil {
			l.lost(err)
		}
		l.principals[id] = p
	}
	return p
}

// keep writes what was learnt.
func (l *learning) keep() error {
	for arn, k := range l.keys {
		if err := l.tx.PutKeyBaseline(arn, k); err != nil {
			return err
		}
	}
	for id, p := range l.principals {
		if err := l.tx.PutPrincipalBaseline(id, p); err != nil {
			return err
		}
	}
	return nil
}
