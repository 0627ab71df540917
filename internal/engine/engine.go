// Package engine is the only place where side effects are put in order. It takes messages in, judges them, commits
// what they mean and only then lets them be deleted; sweeps keys; carries actions out; tells people. What is judged
// and decided is elsewhere and pure (detection, remediation, notify's grouping); what is kept is state's.
//
// One Engine owns one shard: a set of queues, accounts and Regions with one state file. Its guarantees are the
// project's: a message is acknowledged only after everything it means is durable, an action's intent is durable before
// its call, and an ambiguous answer is settled by reading KMS.
package engine

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/oklog/ulid/v2"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"rotd/internal/awss3"
	"rotd/internal/detection"
	"rotd/internal/events"
	"rotd/internal/notify"
	"rotd/internal/policy"
	"rotd/internal/remediation"
	"rotd/internal/state"
	"rotd/internal/suppression"
)

// Settings are what a reload may change.
type Settings struct {
	Policies   policy.Set
	Exceptions policy.Exceptions
	Source     policy.Source // where policies and exceptions come from, for explanations
	Guardrails remediation.Guardrails
	Judge      *detection.Judge
	Trusted    func(account string) bool // own and trusted accounts
	Expected   func(account string) bool // accounts whose events are judged at all
	Topics     []notify.Topic
	GroupWait  time.Duration
	// IncidentWait is for how long what is new about an incident is collected, unless it makes the incident graver.
	IncidentWait time.Duration
	Repeat       time.Duration // between reminders of what is still open; 0: none
	Heartbeat    time.Duration // no event for longer is a finding
	Canary       time.Duration // between canaries; 0: none is sent
	TellHead     time.Duration // between alerts that say that rotd is at work, with the audit log's head; 0: none
	// Senders are, by queue URL, the SenderIds whose messages are believed; none for a queue: all.
	Senders map[string][]string
	// ArmOnNewState lets automatic actions begin on a new state after its first inventory, without `rotd resume`.
	ArmOnNewState bool
	// Protected are the ids, ARNs and aliases of keys that nothing automatic touches.
	Protected []string
	// Suppressions are rotd.yaml's; those that people made are in the state.
	Suppressions []suppression.Suppression
	// Paused is configuration's own pause; a person's is in the state.
	Paused bool
}

// Options are what an Engine is built from.
type Options struct {
	DB        *state.DB
	Settings  *Settings
	Places    []Place       // accounts and Regions
	Objects   Objects       // reads log objects; nil: log object notifications are not served
	Publisher Publisher     // publishes alerts
	Store     *awss3.Client // copies objects to another key; nil: no objects are re-encrypted
	Metrics   *Metrics
	Own       *OwnKeys // the access keys that this daemon signs with
	Logger    *zap.Logger
	Partition string // of the daemon's own account
	// ClockOff says how far this machine's clock is off, when that is far, and "" when it is right; nil: it is.
	ClockOff func() string
	// SweepConcurrency is how many places are swept at once; 0 means 8.
	SweepConcurrency int
}

// Engine is one shard at work.
type Engine struct {
	db        *state.DB
	settings  atomic.Pointer[Settings]
	places    atomic.Pointer[[]Place]
	itself    atomic.Pointer[detection.Itself] // what rotd's own work rests on; nil until it is told
	hiding    atomic.Pointer[hiding]           // the suppressions in force; nil until they are asked for
	objects   Objects
	publisher Publisher
	store     *awss3.Client
	metrics   *Metrics
	log       *zap.Logger
	partition string
	started   time.Time
	clockOff  func() string // "" when this machine's clock is right

	commits   chan *work
	intake    gate // closed while a fault that is no message's own lasts
	queues    []Pausable
	queueURLs []string
	own       *OwnKeys
	newest    clock        // eventTime of the newest event handled
	arrived   clock        // when the last event was handled
	overflow  atomic.Int64 // alerts dropped for want of room and not yet told of
	calls     callLog
	stopped   chan struct{} // closed when nothing is committed any more

	wakeActions chan struct{}
	wakeRereads chan struct{}
	wakeOutbox  chan struct{}
	wakeUsage   chan struct{}
	changed     broadcast // an action moved
	jobsMoved   broadcast // a job began or was cancelled
	factsDue    broadcast // facts about keys may be due
	turns       sync.Map  // who may read them, by place and list

	publishError atomic.Pointer[string] // why alerts cannot be published at the moment

	objectSlots  chan struct{}
	sweepsAtOnce int
	sweeping     sync.Mutex // one sweep at a time: they share the quota
	deciding     sync.Mutex // one decision about actions at a time
	idMu         sync.Mutex
	entropy      *ulid.MonotonicEntropy
}

// Pausable is a consumer that can be told to stop receiving.
type Pausable interface {
	Pause(reason string)
	Resume()
}

const (
	maxCommitWaiting = 1024
	objectsAtOnce    = 2
	sweepsAtOnce     = 8
)

// New builds an engine; Run starts it.
func New(o Options) *Engine {
	e := &Engine{
		db: o.DB, objects: o.Objects, publisher: o.Publisher, store: o.Store, metrics: o.Metrics, log: o.Logger,
		partition: o.Partition, started: time.Now().UTC(), clockOff: o.ClockOff,
		commits:      make(chan *work, maxCommitWaiting),
		own:          o.Own,
		intake:       newGate(),
		stopped:      make(chan struct{}),
		wakeActions:  make(chan struct{}, 1),
		wakeRereads:  make(chan struct{}, 1),
		wakeOutbox:   make(chan struct{}, 1),
		wakeUsage:    make(chan struct{}, 1),
		objectSlots:  make(chan struct{}, objectsAtOnce),
		sweepsAtOnce: cmp.Or(o.SweepConcurrency, sweepsAtOnce),
		entropy:      ulid.Monotonic(rand.Reader, 0),
	}
	if e.clockOff == nil {
		e.clockOff = func() string { return "" }
	}
	e.settings.Store(o.Settings)
	e.places.Store(&o.Places)
	return e
}

// Control adds a queue's consumer, which stops receiving while a fault lasts that is no message's own. Call it before
// Run.
func (e *Engine) Control(url string, consumer Pausable) {
	e.queues = append(e.queues, consumer)
	e.queueURLs = append(e.queueURLs, url)
}

// Reload replaces the settings.
func (e *Engine) Reload(s *Settings) {
	e.settings.Store(s)
	e.wake()
}

// Settings returns the settings in force.
func (e *Engine) Settings() *Settings { return e.settings.Load() }

// Run works until ctx ends and then stops: consumers must have been stopped before, so that nothing new arrives.
// Work in hand is committed; actions and alerts in flight are left in a state that the next start settles.
func (e *Engine) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	workers := map[string]func(context.Context) error{
		"commit":  e.runCommits,
		"rereads": e.runRereads,
		"facts":   e.runFacts,
		"actions": e.runActions,
		"outbox":  e.runOutbox,
		"usage":   e.runUsage,
		"jobs":    e.runJobs,
		"intake":  e.runGate,
	}
	for name, run := range workers {
		group.Go(func() error {
			if err := run(ctx); err != nil {
				return fmt.Errorf("%s worker: %w", name, err)
			}
			return nil
		})
	}
	return group.Wait()
}

// runGate starts receiving again whenever a fault is over that stopped it.
func (e *Engine) runGate(ctx context.Context) error {
	e.intake.run(ctx, e.queues)
	return nil
}

// wake lets every worker look again.
func (e *Engine) wake() {
	for _, c := range []chan struct{}{e.wakeActions, e.wakeRereads, e.wakeOutbox} {
		nudge(c)
	}
	e.changed.send()
}

func nudge(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// newID makes a sortable id: prefix and ULID.
func (e *Engine) newID(prefix string, at time.Time) string {
	e.idMu.Lock()
	defer e.idMu.Unlock()
	id, err := ulid.New(ulid.Timestamp(at), e.entropy)
	if err != nil { // the monotonic part overflowed: 2^80 ids in one millisecond
		id = ulid.MustNew(ulid.Timestamp(at), rand.Reader)
	}
	return prefix + id.String()
}

// decoder decodes for the rules in force.
func (e *Engine) decoder() *events.Decoder { return events.NewDecoder(e.Settings().Judge) }
