package engine

import (
	"context"
	"runtime/debug"
	"sync"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"rotd/internal/awskms"
	"rotd/internal/inventory"
	"rotd/internal/state"
)

// Facts that are dear to ask for (rotations and grants at 100 calls a second, last use at 5) are read in the
// background, in each place the longest due first, at the pace of the sweeps' lane. The end of a sweep waits for them a
// few seconds, which is enough for a small fleet, and events have their key read whole at once.
const (
	factsInSweep = 5 * time.Second
	factsIdle    = time.Minute
	factsAtOnce  = 8
	usesAtOnce   = 2   // more would arrive together when one is held up, which a quota of 5 a second does not bear
	factsInOne   = 100 // keys read and committed together
	usesInOne    = 20  // they take a second each
)

// runFacts reads dear facts that are due, until ctx ends.
func (e *Engine) runFacts(ctx context.Context) error {
	var (
		group sync.WaitGroup
		busy  sync.Map // what is under way, by place and list
	)
	defer group.Wait()
	for {
		changed := e.factsDue.wait()
		places := e.Places()
		for i := range places {
			for _, list := range []state.DueList{state.DueFacts, state.DueUse} {
				job := places[i].String() + " " + string(list)
				if _, under := busy.LoadOrStore(job, true); under {
					continue
				}
				group.Go(func() {
					defer busy.Delete(job)
					e.refresh(ctx, &places[i], list)
				})
			}
		}
		timer := time.NewTimer(factsIdle)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-changed:
			timer.Stop()
		case <-timer.C:
		}
	}
}

// refreshFor reads rotations and grants that are due in a place, as many as can be within a time.
func (e *Engine) refreshFor(ctx context.Context, place *Place, most time.Duration) {
	within, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	e.refresh(within, place, state.DueFacts)
}

// refresh reads the facts of a list that are due in a place. What fails for a reason that is no key's own waits for the
// next round.
func (e *Engine) refresh(ctx context.Context, place *Place, list state.DueList) {
	defer func() {
		if v := recover(); v != nil {
			e.logPanic("facts", v, debug.Stack())
		}
	}()
	for ctx.Err() == nil {
		some, err := e.refreshSome(ctx, place, list)
		if err != nil && ctx.Err() == nil {
			e.log.Warn("cannot read facts about keys; it is tried again", zap.Stringer("place", place),
				zap.String("facts", string(list)), zap.Error(err))
		}
		if err != nil || !some {
			return
		}
	}
}

// refreshSome reads and commits the facts of the keys that are due the longest.
func (e *Engine) refreshSome(ctx context.Context, place *Place, list state.DueList) (some bool, err error) {
	turn := e.turn(place, list)
	select {
	case turn <- struct{}{}:
		defer func() { <-turn }()
	case <-ctx.Done(): // a sweep must not wait as long as the background waits for KMS
		return false, ctx.Err()
	}
	limit := factsInOne
	if list == state.DueUse {
		limit = usesInOne
	}
	var due []*inventory.Key
	now := time.Now().UTC()
	err = e.db.View(func(tx *state.Tx) (err error) {
		due, err = tx.Due(list, place.Account, place.Region, now, limit)
		return err
	})
	if err != nil {
		return false, err
	}
	if len(due) == 0 {
		return false, e.factsRead(place, list)
	}
	read, failed := e.readFacts(ctx, place, list, due)
	err = e.note(time.Now().UTC(), func(n *notebook) error {
		c, err := n.tx.Place(place.Account, place.Region)
		if err != nil {
			return err
		}
		n.baseline = c.FirstFacts.IsZero()
		for _, key := range read {
			if err := n.reading(key, false); err != nil {
				return err
			}
		}
		return nil
	})
	if failed == nil {
		failed = err
	}
	return true, failed
}

// turn is for one at a time to read the facts of a list in a place: the background or a sweep.
func (e *Engine) turn(place *Place, list state.DueList) chan struct{} {
	turn, _ := e.turns.LoadOrStore(place.String()+" "+string(list), make(chan struct{}, 1))
	return turn.(chan struct{}) //nolint:forcetypeassert // nothing else is stored
}

// readFacts reads facts about keys. Where no answer came about a key, for a reason that may be its own, that counts as
// asked, unless it is so for every one of many. The error is one that is no key's own.
func (e *Engine) readFacts(ctx context.Context, place *Place, list state.DueList, due []*inventory.Key) (
	read []*inventory.Key, failed error,
) {
	var (
		mu      sync.Mutex
		asked   []*inventory.Key // in vain
		trouble error
	)
	var group errgroup.Group
	group.SetLimit(factsAtOnce)
	if list == state.DueUse {
		group.SetLimit(usesAtOnce)
	}
	for _, known := range due {
		group.Go(func() error {
			defer func() {
				if v := recover(); v != nil {
					e.logPanic("facts", v, debug.Stack())
				}
			}()
			key, err := e.factsOf(ctx, place, list, known)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				read = append(read, key)
			case key != nil:
				asked, trouble = append(asked, key), err
			default:
				failed = err
			}
			return nil
		})
		mu.Lock()
		stop := failed != nil || ctx.Err() != nil
		mu.Unlock()
		if stop {
			break
		}
	}
	_ = group.Wait() // the error is in failed
	if len(read) == 0 && len(asked) > fewKeys {
		return nil, trouble
	}
	return append(read, asked...), failed
}

// factsOf reads the facts of a list about one key. Where KMS did not tell them for a reason of the key's own, that
// counts as asked: the facts stay as old as they are. With an error that may be its own or everybody's comes the same.
func (e *Engine) factsOf(ctx context.Context, place *Place, list state.DueList, known *inventory.Key) (
	*inventory.Key, error,
) {
	now := time.Now().UTC()
	facts := inventory.FactUse
	if list == state.DueFacts {
		facts = known.FactsDue(now)
	}
	key, err := place.KMS.ReadFacts(ctx, known, facts)
	class := awskms.Classify(err)
	switch {
	case err == nil:
		return key, nil
	case class.Everywhere() || ctx.Err() != nil:
		return nil, err
	}
	e.log.Warn("cannot read facts about a key", zap.String("key", known.ARN), zap.Error(err))
	asked := *known
	if list == state.DueFacts {
		asked.FactsAskedAt = now
	} else {
		asked.UseAskedAt = now
	}
	if !class.Passing() {
		err = nil
	}
	return &asked, err
}

// factsRead ends the baseline of a place when every key's rotations and grants were asked for once.
func (e *Engine) factsRead(place *Place, list state.DueList) error {
	c, err := e.coverage(place)
	if err != nil || list != state.DueFacts || c.FirstSeen.IsZero() || !c.FirstFacts.IsZero() {
		return err
	}
	return e.note(time.Now().UTC(), func(n *notebook) error { return n.firstFacts(place) })
}
