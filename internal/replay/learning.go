package replay

import (
	"strings"

	"rotd/internal/baseline"
	"rotd/internal/detection"
	"rotd/internal/events"
)

// maxPrincipals bounds what is learnt from an archive of any size, beside maxKeys.
const maxPrincipals = 200_000

// learning is what an archive has taught so far of what is usual.
type learning struct {
	keys       map[string]*baseline.Key // by ARN
	principals map[baseline.ID]*baseline.Principal
}

func newLearning() *learning {
	return &learning{keys: make(map[string]*baseline.Key), principals: make(map[baseline.ID]*baseline.Principal)}
}

// of learns from an event, and returns what was known before it; nil when it teaches nothing.
func (l *learning) of(ev *events.Event) *baseline.Observed {
	use, of := detection.Learning(ev)
	if of == detection.Nobody {
		return nil
	}
	p := l.principal(use.Principal)
	if p == nil {
		return nil
	}
	var o baseline.Observed
	if of == detection.OfKey {
		k := l.key(ev.Key.ARN)
		if k == nil {
			return nil
		}
		k.Observe(&use, &o)
	}
	p.Observe(&use, &o)
	return &o
}

// key is what is known of a key; nil when the record does not tell its ARN, or too many are known.
func (l *learning) key(arn string) *baseline.Key {
	k, known := l.keys[arn]
	if !known && arn != "" && len(l.keys) < maxKeys {
		k = new(baseline.Key)
		l.keys[strings.Clone(arn)] = k
	}
	return k
}

// principal is what is known of a principal; nil when too many are known.
func (l *learning) principal(id baseline.ID) *baseline.Principal {
	p, known := l.principals[id]
	if !known && len(l.principals) < maxPrincipals {
		p = new(baseline.Principal)
		l.principals[id] = p
	}
	return p
}
