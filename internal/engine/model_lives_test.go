package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"rotd/internal/awskms"
	"rotd/internal/awssim"
	"rotd/internal/notify"
	"rotd/internal/policy"
	"rotd/internal/state"
)

// life is one run of the engine, from its start to its sudden end.
type life struct {
	nth       int
	born      time.Time
	principal awssim.Principal
	db        *state.DB
	engine    *Engine
	ctx       context.Context
	stop      context.CancelFunc
	ended     chan error
	transport *http.Transport
	sweeping  sync.Mutex
	cut       atomic.Bool // dead: nothing it asks for reaches AWS any more
}

// RoundTrip lets no request out of a dead engine.
func (l *life) RoundTrip(r *http.Request) (*http.Response, error) {
	if l.cut.Load() {
		return nil, errors.New("a dead engine asks for nothing")
	}
	return bodyFirst{l.transport}.RoundTrip(r)
}

// path is the state file of a life.
func (m *model) path(nth int) string { return filepath.Join(m.dir, fmt.Sprintf("rotd-%d.db", nth)) }

// begin starts a life on what the one before left, under credentials of its own.
func (m *model) begin() {
	m.Helper()
	l := &life{nth: len(m.lived) + 1, born: time.Now().UTC(), ended: make(chan error, 1)}
	l.transport = &http.Transport{DialContext: m.pipes.dial, MaxIdleConnsPerHost: 64}
	l.principal = m.sim.NewAccessKey(account, fmt.Sprintf("rotd-%d", l.nth))
	var err error
	l.db, err = state.Open(state.Options{Path: m.path(l.nth), Shard: "default", Now: time.Now()})
	m.check(err)
	own := NewOwnKeys(l.db)
	m.check(own.Load())
	cfg := m.sim.As(l.principal, region)
	cfg.BaseEndpoint, cfg.RetryMaxAttempts = aws.String("http://aws.test"), 2
	cfg.HTTPClient = &http.Client{Transport: l}
	settings := m.settings
	l.engine = New(Options{
		DB: l.db, Settings: &settings, Metrics: NewMetrics(prometheus.NewRegistry()), Own: own, Logger: zap.NewNop(),
		Partition: "aws", Publisher: notify.NewPublisher(notify.NewClient(cfg), time.Second),
		Places: []Place{{Account: account, Region: region, KMS: awskms.New(cfg,
			awskms.Place{Partition: "aws", Account: account, Region: region}, awskms.Options{QuotaShare: 1})}},
	})
	l.ctx, l.stop = context.WithCancel(m.Context())
	go func() { l.ended <- l.engine.Run(l.ctx) }()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.life = l
	m.lived = append(m.lived, l)
	m.rule(func(r *regime) { r.born = l.born })
	m.tell("rotd's life %d begins", l.nth)
}

// crash ends a life where it is: what is committed is what there is, and nothing more goes out.
func (m *model) crash(l *life, how string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.peace || l.cut.Swap(true) {
		return
	}
	m.tell("rotd's life %d ends %s", l.nth, how)
	if err := leave(l.db, m.path(l.nth+1)); err != nil {
		m.breaks("the state that life %d leaves: %v", l.nth, err)
	}
	l.stop()
}

// leave copies what is committed to a path.
func leave(db *state.DB, path string) (err error) {
	left, err := db.Copy(context.Background())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, left.Close()) }()
	to, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, left)
	return errors.Join(err, to.Close())
}

// revive begins the next life if the engine is dead.
func (m *model) revive() {
	if m.life.cut.Load() {
		m.bury()
		m.begin()
	}
}

// bury waits until nothing of the present life is left. Its state stays open: what it sent may still arrive.
func (m *model) bury() {
	m.life.stop()
	m.people.Wait()
	m.check(<-m.life.ended)
	m.life.transport.CloseIdleConnections()
}

func (m *model) closeStates() {
	for _, l := range m.lived {
		m.check(l.db.Close())
	}
}

// regime is under which conditions rotd acts, from a moment on.
type regime struct {
	since  time.Time
	born   time.Time // when the life began
	armed  bool
	paused bool
	mode   policy.Mode
}

// rule begins another regime; m.mu is held.
func (m *model) rule(change func(*regime)) {
	next := regime{mode: policy.Enforce}
	if n := len(m.regimes); n > 0 {
		next = m.regimes[n-1]
	}
	change(&next)
	next.since = time.Now().UTC()
	m.regimes = append(m.regimes, next)
}

// regimeAt is the regime at a time; false when it changed in that very moment.
func (m *model) regimeAt(at time.Time) (r regime, sure bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := len(m.regimes) - 1; i >= 0; i-- {
		if m.regimes[i].since.Equal(at) {
			return r, false
		}
		if m.regimes[i].since.Before(at) {
			return m.regimes[i], true
		}
	}
	return r, false
}
