package awssim

import (
	"container/heap"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// kmsEvent is something KMS did by itself.
type kmsEvent struct {
	name         string // RotateKey, DeleteKey, DeleteExpiredKeyMaterial, SynchronizeMultiRegionKey, CreateKey
	at           time.Time
	key          *KMSKey // as it was afterwards; before it for DeleteKey
	rotation     types.RotationType
	previous, to string   // material ids
	call         *kmsCall // CreateKey of a replica: the call that asked for it
}

// kmsStep is one thing KMS will do to a key by itself.
type kmsStep func(k *KMS, key *KMSKey, at time.Time) *KMSKey

// next is what KMS will do to the key by itself, and when; nil for nothing.
func (key *KMSKey) next() (at time.Time, step kmsStep) {
	consider := func(t time.Time, s kmsStep) {
		if !t.IsZero() && (step == nil || t.Before(at)) {
			at, step = t, s
		}
	}
	consider(key.readyAt, (*KMS).finishCreating)
	if key.State == types.KeyStatePendingDeletion {
		consider(key.DeletionDate, (*KMS).deleteKey)
		return at, step
	}
	consider(key.onDemandDue, (*KMS).finishOnDemand)
	if key.RotationEnabled && key.State == types.KeyStateEnabled && !key.replica() && !key.stalled {
		consider(key.NextRotation, (*KMS).rotateAutomatically)
	}
	for _, m := range key.Materials {
		if m.Imported {
			consider(m.ValidTo, (*KMS).expireMaterial)
		}
	}
	return at, step
}

// settle does what has come due for a key, oldest first, and returns the key as it is then. k.mu is held.
func (k *KMS) settle(arn string, now time.Time) *KMSKey {
	key := k.latest(arn)
	for key != nil {
		at, step := key.next()
		if step == nil || at.After(now) {
			break
		}
		key = step(k, key, at)
	}
	return key
}

// dueQueue is when which key must be settled, so that what KMS does by itself is told in time.
type dueQueue struct {
	entries dueHeap
	at      map[string]time.Time // of each key's entry
	armed   time.Time
	stop    func()
}

type dueEntry struct {
	at  time.Time
	arn string
}

// schedule notes when the key must be settled next. k.mu is held.
func (k *KMS) schedule(key *KMSKey) {
	at, step := key.next()
	known, scheduled := k.due.at[key.ARN]
	if step == nil || scheduled && !at.Before(known) {
		return // an entry that is too early settles nothing and is made anew
	}
	if k.due.at == nil {
		k.due.at = map[string]time.Time{}
	}
	k.due.at[key.ARN] = at
	heap.Push(&k.due.entries, dueEntry{at, key.ARN})
	k.arm()
}

// arm sets the clock for the first entry. k.mu is held.
func (k *KMS) arm() {
	if len(k.due.entries) == 0 {
		return
	}
	first := k.due.entries[0].at
	if k.due.stop != nil {
		if !first.Before(k.due.armed) {
			return
		}
		k.due.stop()
	}
	k.due.armed = first
	k.due.stop = k.sim.clock.AfterFunc(max(first.Sub(k.sim.clock.Now()), 0), k.wake)
}

func (k *KMS) wake() {
	k.locked(func() {
		now := k.sim.clock.Now()
		k.due.stop = nil
		for len(k.due.entries) > 0 && !k.due.entries[0].at.After(now) {
			e, _ := heap.Pop(&k.due.entries).(dueEntry)
			if k.due.at[e.arn].Equal(e.at) {
				delete(k.due.at, e.arn)
			}
			if key := k.settle(e.arn, now); key != nil {
				k.schedule(key)
			}
		}
		k.arm()
	})
}

// stop ends the service's own work.
func (k *KMS) stop() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.due.stop != nil {
		k.due.stop()
	}
	k.due = dueQueue{}
}

type dueHeap []dueEntry

func (h dueHeap) Len() int           { return len(h) }
func (h dueHeap) Less(i, j int) bool { return h[i].at.Before(h[j].at) }
func (h dueHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }

func (h *dueHeap) Push(x any) {
	e, _ := x.(dueEntry)
	*h = append(*h, e)
}

func (h *dueHeap) Pop() any {
	old := *h
	e := old[len(old)-1]
	*h = old[:len(old)-1]
	return e
}
