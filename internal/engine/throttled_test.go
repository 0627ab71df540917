package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"rotd/internal/awskms"
	"rotd/internal/awssim"
	"rotd/internal/detection"
	"rotd/internal/finding"
	"rotd/internal/notify"
	"rotd/internal/policy"
	"rotd/internal/state"
)

// pipes are connections without a network, so that whole daemons live in a bubble whose clock runs by itself.
type pipes struct {
	accepted chan net.Conn
	closed   chan struct{}
	close    sync.Once
}

func newPipes() *pipes { return &pipes{accepted: make(chan net.Conn), closed: make(chan struct{})} }

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case p.accepted <- server:
		return client, nil
	case <-p.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.accepted:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.close.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Net: "pipe", Name: "aws"} }

// bodyFirst has a request's body in memory before it is sent. A pipe's write returns when it was read: the answer may
// be there first, the SDK then closes the body, and net/http, which still looks for its end, gives the connection up.
type bodyFirst struct{ http.RoundTripper }

func (t bodyFirst) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	if r.Body != nil {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	return t.RoundTripper.RoundTrip(r)
}

// bubble is the engine on a real state and the real SDK, and the simulated AWS behind pipes, all in one bubble of time.
type bubble struct {
	*testing.T
	sim    *awssim.Sim
	db     *state.DB
	engine *Engine
}

// inBubble runs a test of the running engine by a clock that stands still while anybody works and jumps when all wait.
func inBubble(t *testing.T, test func(b *bubble)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := &bubble{T: t, sim: awssim.New(awssim.Options{Seed: 1})}
		pipes := newPipes()
		server := &http.Server{Handler: b.sim, ReadHeaderTimeout: time.Minute}
		var running sync.WaitGroup
		running.Go(func() {
			if err := server.Serve(pipes); !errors.Is(err, http.ErrServerClosed) {
				t.Error(err)
			}
		})
		transport := &http.Transport{DialContext: pipes.dial, MaxIdleConnsPerHost: 64}
		var err error
		b.db, err = state.Open(state.Options{Path: filepath.Join(t.TempDir(), "rotd.db"), Shard: "default", Now: time.Now()})
		b.check(err)
		b.build(&http.Client{Transport: bodyFirst{transport}})
		ctx, stop := context.WithCancel(t.Context())
		running.Go(func() {
			if err := b.engine.Run(ctx); err != nil {
				t.Error(err)
			}
		})

		t.Cleanup(func() {
			stop()
			transport.CloseIdleConnections()
			for _, err := range []error{server.Close(), b.sim.Close()} {
				if err != nil {
					t.Error(err)
				}
			}
			running.Wait()
			if err := b.db.Close(); err != nil {
				t.Error(err)
			}
		})
		test(b)
	})
}

func (b *bubble) check(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func (b *bubble) build(client aws.HTTPClient) {
	b.Helper()
	cfg := b.sim.As(b.sim.NewAccessKey(account, "rotd"), region)
	cfg.BaseEndpoint, cfg.HTTPClient, cfg.RetryMaxAttempts = aws.String("http://aws.test"), client, 2
	own := NewOwnKeys(b.db)
	b.check(own.Load())
	b.engine = New(Options{
		DB: b.db, Metrics: NewMetrics(prometheus.NewRegistry()), Own: own, Logger: zap.NewNop(), Partition: "aws",
		Publisher: notify.NewPublisher(notify.NewClient(cfg), time.Second),
		Settings: &Settings{
			Judge:   detection.NewJudge(detection.Settings{Learning: detection.DefaultLearning}),
			Trusted: func(id string) bool { return id == account },
			Policies: policy.Set{{
				Name: "all", Mode: policy.Observe,
				Rotation: policy.Rotation{Method: policy.Auto, Automatic: 90 * day, MaxAge: 365 * day},
			}},
		},
		Places: []Place{{Account: account, Region: region, KMS: awskms.New(cfg,
			awskms.Place{Partition: "aws", Account: account, Region: region}, awskms.Options{QuotaShare: 1})}},
	})
}

// found are all findings, as `alias rule-id status`.
func (b *bubble) found(names map[string]string) map[string]string {
	b.Helper()
	got := map[string]string{}
	b.check(b.db.View(func(tx *state.Tx) error {
		all, _, err := tx.Findings("", 1000, nil)
		for _, f := range all {
			got[names[f.KeyARN]+" "+f.RuleID] = string(f.Status)
		}
		return err
	}))
	return got
}

func TestTenMinutesOfThrottlingDelayASweepAndFalsifyNothing(t *testing.T) {
	const outage = 10 * time.Minute
	for _, test := range []struct {
		name  string
		kind  string
		after int // requests that KMS still answers
	}{
		{"an inventory, from its first request", Inventory, 0},
		{"an inventory, in its middle", Inventory, 30},
		{"a drift sweep, in its middle", Drift, 10},
	} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, func(b *bubble) {
				names, want := map[string]string{}, map[string]string{}
				for i := range 40 {
					o := awssim.KeyOptions{
						Account: account, Region: region, RotationPeriod: 90, Created: time.Now().Add(-40 * day),
						Aliases: []string{fmt.Sprintf("alias/k%02d", i)},
					}
					if i%4 == 0 {
						o.RotationPeriod = 0
						want[o.Aliases[0]+" rotation-disabled"] = string(finding.Open)
					}
					arn, err := b.sim.KMS().CreateKey(o)
					b.check(err)
					names[arn] = o.Aliases[0]
				}
				b.check(b.engine.Sweep(b.Context(), Inventory))
				time.Sleep(time.Hour)
				if diff := cmp.Diff(want, b.found(names)); diff != "" {
					b.Fatalf("before (-want +got):\n%s", diff)
				}

				begun, left := time.Now(), test.after
				var mu sync.Mutex
				throttled := b.sim.Plan(awssim.Fault{
					Service: "kms", Err: &awssim.APIError{Code: "ThrottlingException", Message: "Rate exceeded"},
					Match: func(awssim.Incoming) bool {
						mu.Lock()
						defer mu.Unlock()
						left--
						return left < 0 && time.Since(begun) < outage
					},
				})
				b.check(b.engine.AskFresh())
				b.check(b.engine.Sweep(b.Context(), test.kind))
				took := time.Since(begun)
				if took < outage || took > 2*outage || throttled.Fired() < 10 {
					b.Errorf("the sweep took %s and was throttled %d times", took, throttled.Fired())
				}
				b.wantWhole(begun)
				if diff := cmp.Diff(want, b.found(names)); diff != "" {
					b.Errorf("after (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// wantWhole wants the place to have been read whole since a time, and nothing refused.
func (b *bubble) wantWhole(since time.Time) {
	b.Helper()
	var c state.Coverage
	b.check(b.db.View(func(tx *state.Tx) (err error) { c, err = tx.Place(account, region); return err }))
	if c.LastSweep.Before(since) || c.LastError != "" || c.Keys != 40 || c.Unread+c.Denied > 0 {
		b.Errorf("coverage: %+v", c)
	}
	b.check(b.db.View(func(tx *state.Tx) error {
		keys, _, err := tx.Keys("", 100, nil)
		for _, k := range keys {
			if k.ReadAt.Before(since.UTC().Truncate(time.Second)) || len(k.Denied) > 0 || k.GoneAt != nil {
				b.Errorf("%s was read at %s, refused %s", strings.Join(k.Aliases, ""), k.ReadAt, k.Denied)
			}
		}
		return err
	}))
}
