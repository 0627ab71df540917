package awssim

import (
	"container/heap"
	"sync"
	"time"
)

const maxInFlight = 120_000

// queue is one standard queue. A message is either in visible or in hidden (in flight or delayed); messages has both.
type queue struct {
	sim     *Sim
	key     queueKey
	arn     string
	nonce   uint64 // in its receipt handles
	created time.Time

	mu        sync.Mutex
	attrs     queueAttributes
	modified  time.Time
	purged    time.Time
	disorder  Disorder
	seq       uint64
	messages  map[uint64]*message
	visible   messageRing
	hidden    hiddenHeap
	inFlight  int
	waiters   []*waiter
	alarmAt   time.Time // when stopAlarm's alarm rings; zero: no alarm
	stopAlarm func()
	deleted   bool
}

func newQueue(s *Sim, key queueKey, attrs queueAttributes) *queue {
	s.randMu.Lock()
	nonce := s.rand.Uint64()
	s.randMu.Unlock()
	now := s.clock.Now()
	return &queue{
		sim: s, key: key, arn: arnOf("sqs", key.region, key.account, key.name), nonce: nonce,
		created: now, modified: now, attrs: attrs, messages: map[uint64]*message{},
	}
}

// waiter is a long poll; woken has room for one signal.
type waiter struct{ woken chan struct{} }

// put adds a message that nobody else refers to. A negative delay is the queue's own.
func (q *queue) put(m *message, delay time.Duration) {
	now := q.sim.clock.Now()
	q.mu.Lock()
	defer q.mu.Unlock()
	if m.sent.IsZero() {
		m.sent = now
	}
	if delay < 0 {
		delay = q.attrs.delay
	}
	q.add(m, now, delay)
	if q.sim.chance(q.disorder.Duplicates) {
		twin := *m
		q.add(&twin, now, delay)
	}
	q.wake()
}

func (q *queue) add(m *message, now time.Time, delay time.Duration) {
	q.seq++
	m.seq = q.seq
	q.messages[m.seq] = m
	if delay > 0 {
		m.visibleAt, m.inFlight = now.Add(delay), false
		heap.Push(&q.hidden, m)
		return
	}
	q.show(m)
}

// show makes a message visible.
func (q *queue) show(m *message) {
	m.index = notHidden
	q.visible.push(m)
	if n := q.visible.len(); n > 1 && q.sim.chance(q.disorder.Reordering) {
		q.visible.swap(n-1, q.sim.pick(n))
	}
}

// expire makes visible what is due.
func (q *queue) expire(now time.Time) {
	for len(q.hidden) > 0 && !q.hidden[0].visibleAt.After(now) {
		m, _ := heap.Pop(&q.hidden).(*message)
		if m.inFlight {
			m.inFlight = false
			q.inFlight--
		}
		q.show(m)
	}
}

// take hands out up to n visible messages into out. Those received too often are returned as dead instead.
func (q *queue) take(now time.Time, n int, visibility time.Duration, out []delivery) (_ []delivery, dead []*message) {
	q.expire(now)
	for left := q.visible.len(); left > 0 && len(out) < n && q.inFlight < maxInFlight; left-- {
		m := q.visible.pop()
		if m.gone || now.Sub(m.sent) > q.attrs.retention {
			q.forget(m)
			continue
		}
		if limit := int(q.attrs.redrive.MaxReceiveCount); limit > 0 && m.receivesHere >= limit {
			q.forget(m)
			dead = append(dead, m)
			continue
		}
		q.handOut(m, now, visibility)
		out = append(out, delivery{message: m, receives: m.receives, first: m.first})
	}
	if q.visible.len() > 0 {
		q.wake()
	}
	return out, dead
}

// handOut notes one receive of a message that has just left visible.
func (q *queue) handOut(m *message, now time.Time, visibility time.Duration) {
	m.receives++
	m.receivesHere++
	if m.first.IsZero() {
		m.first = now
	}
	m.received = now
	if visibility <= 0 {
		q.show(m)
		return
	}
	m.visibleAt, m.inFlight = now.Add(visibility), true
	q.inFlight++
	heap.Push(&q.hidden, m)
}

// forget removes a message from the queue's books; visible drops it when it comes to it.
func (q *queue) forget(m *message) {
	m.gone = true
	delete(q.messages, m.seq)
	if m.index != notHidden {
		heap.Remove(&q.hidden, m.index)
		if m.inFlight {
			m.inFlight = false
			q.inFlight--
		}
	}
}

// wake signals one waiting long poll if there is something for it, and sets the alarm for what becomes visible later.
// Whoever takes a part wakes the next.
func (q *queue) wake() {
	if len(q.waiters) == 0 {
		return
	}
	if q.visible.len() > 0 {
		w := q.waiters[0]
		q.waiters = q.waiters[1:]
		w.woken <- struct{}{}
		return
	}
	q.setAlarm()
}

// setAlarm has the queue looked at when the first hidden message becomes visible. An alarm that rings too early, its
// message having been deleted, sets the next.
func (q *queue) setAlarm() {
	if len(q.hidden) == 0 {
		return
	}
	at := q.hidden[0].visibleAt
	if !q.alarmAt.IsZero() && !at.Before(q.alarmAt) {
		return
	}
	if q.stopAlarm != nil {
		q.stopAlarm()
	}
	q.alarmAt = at
	q.stopAlarm = q.sim.clock.AfterFunc(at.Sub(q.sim.clock.Now()), q.ring)
}

func (q *queue) ring() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.alarmAt, q.stopAlarm = time.Time{}, nil
	q.expire(q.sim.clock.Now())
	q.wake()
}

// wakeAll ends all long polls.
func (q *queue) wakeAll() {
	for _, w := range q.waiters {
		w.woken <- struct{}{}
	}
	q.waiters = nil
}

func (q *queue) leave(w *waiter) {
	for i, other := range q.waiters {
		if other == w {
			q.waiters = append(q.waiters[:i:i], q.waiters[i+1:]...)
			return
		}
	}
	if len(w.woken) > 0 {
		q.wake() // the signal was for somebody who left
	}
}

func (q *queue) depth() QueueDepth {
	now := q.sim.clock.Now()
	q.mu.Lock()
	defer q.mu.Unlock()
	q.expire(now)
	return QueueDepth{
		Visible:  len(q.messages) - len(q.hidden),
		InFlight: q.inFlight,
		Delayed:  len(q.hidden) - q.inFlight,
	}
}

func (q *queue) purge() {
	q.mu.Lock()
	defer q.mu.Unlock()
	clear(q.messages)
	q.visible, q.hidden, q.inFlight = messageRing{}, nil, 0
}
