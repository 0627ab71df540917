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
	use, ok := detection.Learning(ev)
	if !ok || ev.Key.ARN == "" {
		return nil
	}
	k, known := l.keys[ev.Key.ARN]
	if !known {
		if len(l.keys) == maxKeys {
			return nil
		}
		k = new(baseline.Key)
		l.keys[strings.Clone(ev.Key.ARN)] = k
	}
	p, known := l.principals[use.Principal]
	if !known {
		if len(l.principals) == maxPrincipals {
			return nil
		}
		p = new(baseline.Principal)
		l.principals[use.Principal] = p
	}
	var o baseline.Observed
	k.Observe(&use, &o)
	p.Observe(&use, &o)
	return &o
}
