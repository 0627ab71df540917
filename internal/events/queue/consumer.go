package queue

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/semaphore"
)

// Options are a Consumer's settings. The zero value of each field is its default.
type Options struct {
	Pollers           int           // receives at once; default 4
	BatchSize         int           // messages asked for in a receive, 1 to 10; default 10
	WaitTime          time.Duration // of a long poll, at most 20 s; default 20 s
	VisibilityTimeout time.Duration // asked for in a receive and in each extension; default 60 s
	ExtendEvery       time.Duration // default a third of VisibilityTimeout
	MaxUnsettled      int           // messages received and not yet deleted or released; default 3,000
	Budget            *Budget       // bytes in hand, shared by all consumers of a process; default one of its own
	Linger            time.Duration // how long an incomplete delete waits for company; default 5 ms
	AttributesEvery   time.Duration // between reads of the queue's attributes; default 1 min

	ReceiveGrace time.Duration // at a stop: for receives under way to end by themselves; default 1 s
	DrainTimeout time.Duration // at a stop: for batches in hand to be Done; default 10 s
	FlushTimeout time.Duration // at a stop: for the last deletes and releases; default 5 s

	// OnPanic is told of a panic of the handler, which cost its batch a delay and nothing else. Default: none.
	OnPanic func(value any, stack []byte)
	// Jitter picks a time between nothing and limit. Default: evenly.
	Jitter func(limit time.Duration) time.Duration
	Logger *zap.Logger // default: none
}

// Validate names the first setting that cannot be.
func (o Options) Validate() error {
	switch {
	case o.BatchSize < 1 || o.BatchSize > maxBatch:
		return fmt.Errorf("batch size is %d, must be 1 to %d", o.BatchSize, maxBatch)
	case o.WaitTime > 20*time.Second:
		return fmt.Errorf("wait time is %v, SQS allows at most 20s", o.WaitTime)
	case o.VisibilityTimeout < time.Second || o.VisibilityTimeout > maxVisibility:
		return fmt.Errorf("visibility timeout is %v, must be 1s to %v", o.VisibilityTimeout, maxVisibility)
	case o.ExtendEvery >= o.VisibilityTimeout:
		return fmt.Errorf("visibility is extended every %v, after its timeout of %v",
			o.ExtendEvery, o.VisibilityTimeout)
	case o.Pollers < 1:
		return fmt.Errorf("pollers is %d, must be at least 1", o.Pollers)
	case o.MaxUnsettled < o.BatchSize:
		return fmt.Errorf("at most %d unsettled messages cannot hold a batch of %d", o.MaxUnsettled, o.BatchSize)
	}
	return nil
}

func (o Options) withDefaults() Options {
	setDefault(&o.Pollers, 4)
	setDefault(&o.BatchSize, maxBatch)
	setDefault(&o.WaitTime, 20*time.Second)
	setDefault(&o.VisibilityTimeout, time.Minute)
	setDefault(&o.ExtendEvery, o.VisibilityTimeout/3)
	setDefault(&o.MaxUnsettled, 3000)
	setDefault(&o.Linger, 5*time.Millisecond)
	setDefault(&o.AttributesEvery, time.Minute)
	setDefault(&o.ReceiveGrace, time.Second)
	setDefault(&o.DrainTimeout, 10*time.Second)
	setDefault(&o.FlushTimeout, 5*time.Second)
	if o.Budget == nil {
		o.Budget = NewBudget(DefaultBudget)
	}
	if o.OnPanic == nil {
		o.OnPanic = func(any, []byte) {}
	}
	if o.Jitter == nil {
		o.Jitter = fullJitter
	}
	if o.Logger == nil {
		o.Logger = zap.NewNop()
	}
	return o
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Consumer consumes one queue.
type Consumer struct {
	client  SQS
	url     string
	handler Handler
	opts    Options
	log     *zap.Logger

	stats      counters
	health     *health
	attributes *attributeReader
	calls      *caller
	extensions *outage
	hand       *hand
	unsettled  *semaphore.Weighted
	pending    atomic.Int64 // entries given to the senders and not settled
	deletes    *sender
	releases   *sender
	started    atomic.Bool
}

// New returns a consumer of the queue at url that gives its messages to handler.
func New(client SQS, url string, handler Handler, opts Options) (*Consumer, error) {
	opts = opts.withDefaults()
	if err := opts.Validate(); err != nil {
		return nil, fmt.Errorf("queue %s: %w", url, err)
	}
	log := opts.Logger.With(zap.String("queue", url))
	c := &Consumer{
		client: client, url: url, handler: handler, opts: opts, log: log,
		health: newHealth(log),
		calls:  &caller{client: client, url: url},
		hand:   newHand(),

		extensions: &outage{what: "keep messages in hand invisible", log: log},
		unsettled:  semaphore.NewWeighted(int64(opts.MaxUnsettled)),
	}
	c.attributes = &attributeReader{client: client, url: url, every: opts.AttributesEvery, stats: &c.stats, log: log}
	c.attributes.outage = &outage{what: "read the queue's attributes", log: log}
	c.attributes.dead = &outage{what: "tell whether messages lie in the dead-letter queue", log: log}
	c.deletes = c.newSender("delete messages", c.calls.deleteBatch, &c.stats.deleted, &c.stats.deleteGivenUp)
	c.releases = c.newSender("make messages visible", c.calls.changeBatch, &c.stats.released, &c.stats.releaseGivenUp)
	return c, nil
}

func (c *Consumer) newSender(
	what string, call func(context.Context, []entry) ([]entry, int, error), done, givenUp *atomic.Uint64,
) *sender {
	return &sender{
		outage: &outage{what: what, log: c.log}, call: call, calls: c.opts.Pollers,
		linger: c.opts.Linger, jitter: c.opts.Jitter,
		entries: make(chan entry, c.opts.MaxUnsettled),
		settled: func(ok, lost int) {
			done.Add(uint64(ok))      //nolint:gosec // never negative
			givenUp.Add(uint64(lost)) //nolint:gosec // never negative
			c.pending.Add(-int64(ok + lost))
			c.unsettled.Release(int64(ok + lost))
		},
	}
}

// Pause stops receiving, for a fault that is not the messages' own. What a receive under way still brings is made
// visible again at once. Pausing again only changes the reason.
func (c *Consumer) Pause(reason string) { c.health.pause(reason) }

// Resume ends a pause.
func (c *Consumer) Resume() { c.health.resume() }

// Status returns what the consumer knows of itself and its queue.
func (c *Consumer) Status() Status {
	s := Status{Queue: c.url, Stats: c.stats.snapshot(), Attributes: c.attributes.get()}
	s.Unsettled = int(c.pending.Load())
	c.health.fill(&s)
	c.hand.fill(&s)
	return s
}

// Run consumes until ctx ends, then stops within the grace, drain and flush times together: receives no more, lets
// batches in hand be Done, makes visible what is not, and sends the last deletes. It returns nil after that, and an
// error only when a handler did not return although its context had ended. It can be called once.
func (c *Consumer) Run(ctx context.Context) error {
	if !c.started.CompareAndSwap(false, true) {
		return errors.New("queue consumer: Run was called before")
	}
	base := context.WithoutCancel(ctx)
	receiving, stopReceiving := context.WithCancel(base)
	working, stopWorking := context.WithCancel(base)
	keeping, stopKeeping := context.WithCancel(base)
	sending, stopSending := context.WithCancel(base)
	defer func() { stopReceiving(); stopWorking(); stopKeeping(); stopSending() }()

	var pollers, keepers, senders, readers sync.WaitGroup
	senders.Go(func() { c.deletes.run(sending) })
	senders.Go(func() { c.releases.run(sending) })
	keepers.Go(func() { c.keep(keeping) })
	readers.Go(func() { c.attributes.run(ctx, c.health.reachable) })
	for range c.opts.Pollers {
		pollers.Go(func() { c.poll(ctx, receiving, working) })
	}

	<-ctx.Done()
	within(c.opts.ReceiveGrace, pollers.Wait)
	stopReceiving()
	drain, cancel := context.WithTimeout(base, c.opts.DrainTimeout)
	defer cancel()
	c.hand.wait(drain)
	stopWorking()
	var err error
	if !within(handlerGrace, pollers.Wait) {
		err = errors.New("queue consumer: a handler did not return when its context ended")
	}
	stopKeeping()
	keepers.Wait()
	c.abandon()
	c.hand.wait(base)
	close(c.deletes.entries)
	close(c.releases.entries)
	if !within(c.opts.FlushTimeout, senders.Wait) {
		stopSending()
		senders.Wait()
	}
	readers.Wait()
	c.health.stopped()
	return err
}

// handlerGrace is how long a handler may take to return after its context has ended.
const handlerGrace = time.Second

// within runs wait and says whether it returned in time. It leaves a goroutine behind where it did not, which ends with
// what it waits for.
func within(limit time.Duration, wait func()) bool {
	done := make(chan struct{})
	go func() {
		defer close(done)
		wait()
	}()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-timer.C:
		return false
	}
}

// abandon makes visible what is still in hand. A Done that comes later changes nothing.
func (c *Consumer) abandon() {
	left := c.hand.abandon()
	for _, h := range left {
		c.stats.abandoned.Add(uint64(len(h.batch.Messages)))
		h.outcomes = nil
		c.settle(h)
	}
	if len(left) > 0 {
		c.log.Warn("stopped with batches in hand, their messages are made visible again", zap.Int("batches", len(left)))
	}
}
