package replay

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"time"

	"rotd/internal/audit"
	"rotd/internal/baseline"
	"rotd/internal/state"
)

// Taught is what a state learnt from an archive. What was learnt and what was passed over are numbers of calls.
type Taught struct {
	Files      int       `json:"files"`
	Records    int       `json:"records"`
	Learnt     int       `json:"learnt"`
	Keys       int       `json:"keys"`
	Principals int       `json:"principals"`
	Repeated   int       `json:"repeated"`      // of an event that came before
	Before     int       `json:"taught_before"` // not later than what archives had taught of their account and Region
	Strangers  int       `json:"strangers"`     // with keys that the inventory does not know, though it has read all
	Future     int       `json:"future"`        // of a time that has not come
	First      time.Time `json:"first,omitzero"`
	Last       time.Time `json:"last,omitzero"`
}

// lessonsAtOnce is about how many are taught in one transaction.
const lessonsAtOnce = 20_000

// Teach teaches a state what is usual: who uses its keys, from where, and how much. Nothing else is changed: events are
// not marked as seen, nothing is found and nobody told. Lessons that are not later than what archives have taught of
// their account and Region already are passed over, so that the same archive teaches once, and one that was broken off
// goes on where it was. Keys that no inventory can know yet are learnt of, too. by, with its event and time, is written
// to the audit log first. The error is ctx's, the temporary file's or the state's; what was taught before it stays.
func (l *Lessons) Teach(ctx context.Context, db *state.DB, by audit.Entry) (Taught, error) {
	t := &teaching{
		lessons: l, taught: Taught{Files: l.Summary.Files, Records: l.Summary.Records, Strangers: l.lost, Future: l.future},
		before: make(map[uint32]int64), keys: make(map[uint32]bool), principals: make(map[baseline.ID]bool),
	}
	next, stop := iter.Pull2(l.sorter.sorted())
	defer stop()
	t.next = next
	err := db.Update(func(tx *state.Tx) error { return tx.Audit(by) })
	for err == nil && !t.done {
		if err = ctx.Err(); err == nil {
			err = db.Update(t.batch)
		}
	}
	t.taught.Keys, t.taught.Principals = len(t.keys), len(t.principals)
	return t.taught, err
}

// teaching is one archive's under way.
type teaching struct {
	lessons *Lessons
	next    func() (lesson, error, bool)
	last    lesson // taken from next
	held    bool   // last is of the next batch
	done    bool
	taught  Taught

	before     map[uint32]int64 // by place: up to when it had been taught
	keys       map[uint32]bool
	principals map[baseline.ID]bool
}

// batch teaches some lessons: whole seconds, since it is by the second that is noted what was taught.
func (t *teaching) batch(tx *state.Tx) error {
	c := &class{
		teaching: t, tx: tx, keys: make(map[uint32]*baseline.Key), principals: make(map[baseline.ID]*baseline.Principal),
		through: make(map[uint32]int64),
	}
	for n := 0; ; n++ {
		before := t.last
		if !t.held {
			one, err, ok := t.next()
			switch {
			case err != nil:
				return err
			case !ok:
				t.done = true
				return c.keep()
			}
			if t.last = one; n >= t.lessons.atOnce && one.at != before.at {
				t.held = true
				return c.keep()
			}
			if one.compare(&before) == 0 {
				t.taught.Repeated++
				continue
			}
		}
		t.held = false
		if err := c.learn(&t.last); err != nil {
			return err
		}
	}
}

// class is one transaction's part: each record is read once and written once.
type class struct {
	*teaching
	tx         *state.Tx
	keys       map[uint32]*baseline.Key // nil: not to be learnt of
	principals map[baseline.ID]*baseline.Principal
	through    map[uint32]int64 // by place
}

func (c *class) learn(one *lesson) error {
	if one.at <= c.taughtBefore(one.place) {
		c.taught.Before++
		return nil
	}
	c.through[one.place] = one.at
	use, observed := one.use(), baseline.Observed{}
	if one.key != 0 {
		k, err := c.key(one.key)
		switch {
		case err != nil:
			return err
		case k == nil:
			c.taught.Strangers++
			return nil
		}
		k.Observe(&use, &observed)
		c.teaching.keys[one.key] = true
	}
	c.principal(one.principal).Observe(&use, &observed)
	c.teaching.principals[one.principal] = true
	c.taught.Learnt++
	if c.taught.First.IsZero() {
		c.taught.First = use.At
	}
	c.taught.Last = use.At
	return nil
}

// taughtBefore is up to when a place had been taught before this archive.
func (c *class) taughtBefore(place uint32) int64 {
	at, ok := c.before[place]
	if !ok {
		account, region, _ := strings.Cut(c.lessons.places.text(place), "/")
		if through := c.tx.Taught(account, region); !through.IsZero() {
			at = through.Unix()
		}
		c.before[place] = at
	}
	return at
}

// key is what is known of a key; nil when nothing is to be learnt of it. What cannot be read is begun anew.
func (c *class) key(number uint32) (*baseline.Key, error) {
	k, ok := c.keys[number]
	if ok {
		return k, nil
	}
	arn := c.lessons.keys.text(number)
	teachable, err := c.tx.Teachable(arn)
	if err != nil {
		return nil, fmt.Errorf("teach of key %s: %w", arn, err)
	}
	if teachable {
		k, _ = c.tx.KeyBaseline(arn)
	}
	c.keys[number] = k
	return k, nil
}

func (c *class) principal(id baseline.ID) *baseline.Principal {
	p, ok := c.principals[id]
	if !ok {
		p, _ = c.tx.PrincipalBaseline(id) // what cannot be read is begun anew
		c.principals[id] = p
	}
	return p
}

// keep writes what was learnt, and up to when.
func (c *class) keep() error {
	for number, k := range c.keys {
		if k == nil {
			continue
		}
		if err := c.tx.PutKeyBaseline(c.lessons.keys.text(number), k); err != nil {
			return err
		}
	}
	for id, p := range c.principals {
		if err := c.tx.PutPrincipalBaseline(id, p); err != nil {
			return err
		}
	}
	for place, at := range c.through {
		account, region, _ := strings.Cut(c.lessons.places.text(place), "/")
		if err := c.tx.SetTaught(account, region, time.Unix(at, 0)); err != nil {
			return err
		}
	}
	return nil
}
