package engine

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"rotd/internal/awskms"
	"rotd/internal/awss3"
	"rotd/internal/awssim"
	"rotd/internal/detection"
	"rotd/internal/events/queue"
	"rotd/internal/events/trail"
	"rotd/internal/finding"
	"rotd/internal/incident"
	"rotd/internal/inventory"
	"rotd/internal/material"
	"rotd/internal/notify"
	"rotd/internal/policy"
	"rotd/internal/remediation"
	"rotd/internal/state"
)

const (
	account  = "111122223333"
	stranger = "999988887777"
	region   = "eu-west-1"
	bucket   = "trail-logs"
	roleARN  = "arn:aws:iam::111122223333:role/rotd"
	day      = 24 * time.Hour
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a simulated AWS and the real engine on it: real state, real consumer, real clients, over HTTP.
type world struct {
	testing.TB
	sim      *awssim.Sim
	queue    string
	dead     string
	topic    string
	rotd     awssim.Principal // rotd's own session
	thief    awssim.Principal // another session of rotd's role
	engineer awssim.Principal
	path     string
	settings Settings
	objects  Objects            // in place of S3's
	spy      func(*queue.Batch) // sees every batch first
	log      *zap.Logger
	silent   bool
	clockOff func() string                // what the engine is told of the clock; nil: it is right
	share    float64                      // of KMS's quotas; 0: all
	regions  []string                     // besides the account's own
	source   material.Source              // of imported material
	places   func(cfg aws.Config) []Place // besides the account's own
	*run
}

// run is one run of the daemon's engine.
type run struct {
	db       *state.DB
	engine   *Engine
	registry *prometheus.Registry
	consumer *queue.Consumer
	http     *awshttp.BuildableClient
	stopIn   context.CancelFunc
	stopWork context.CancelFunc
	in, work sync.WaitGroup
}

// newWorld makes a world and runs rotd in it, beside other tests' worlds.
func newWorld(t *testing.T, change ...func(*world)) *world {
	t.Helper()
	t.Parallel()
	return loneWorld(t, change...)
}

// silent lets a world's KMS tell of no calls: the queue gets only what the test sends.
func silent(w *world) { w.silent = true }

// loneWorld is a world with no other beside it.
func loneWorld(t testing.TB, change ...func(*world)) *world {
	t.Helper()
	sim := awssim.New(awssim.Options{Seed: 1})
	if err := sim.Start(); err != nil {
		t.Fatal(err)
	}
	w := &world{TB: t, sim: sim, path: filepath.Join(t.TempDir(), "rotd.db"), log: zap.NewNop()}
	if testing.Verbose() {
		w.log = zaptest.NewLogger(t)
	}
	t.Cleanup(func() {
		if err := sim.Close(); err != nil {
			t.Error(err)
		}
	})
	session := func(key, name string) awssim.Principal {
		return awssim.Principal{
			AccessKeyID: key, SecretAccessKey: "secret", Account: account, Type: "AssumedRole",
			ARN: "arn:aws:sts::" + account + ":assumed-role/rotd/" + name, SessionIssuerARN: roleARN, SessionName: name,
			PrincipalID: "AROAROTD:" + name,
		}
	}
	w.rotd, w.thief = session("ASIAROTDSELF00000001", "rotd-default"), session("ASIATHIEF00000000001", "thief")
	sim.AddPrincipal(w.rotd)
	sim.AddPrincipal(w.thief)
	w.engineer = sim.NewAccessKey(account, "engineer")
	w.queue, w.dead = sim.CreateQueue(region, account, "rotd"), sim.CreateQueue(region, account, "rotd-dead")
	w.topic = sim.CreateTopic(region, account, "oncall")
	sim.CreateBucket(region, account, bucket)
	sim.KMS().Configure(awssim.KMSOptions{RotationDelay: 5 * time.Millisecond})
	w.settings = Settings{
		Guardrails: remediation.Guardrails{
			MaxMode: policy.Enforce, RotationsPerHour: 10, KeyCooldown: time.Hour, OnDemandReserve: 5,
			Settle: 10 * time.Millisecond, OverdueGrace: 7 * day, UndoWindow: time.Hour, Drain: 30 * day,
		},
		Judge:         detection.NewJudge(detection.Settings{Learning: detection.DefaultLearning}),
		Trusted:       func(id string) bool { return id == account },
		Topics:        []notify.Topic{{ARN: w.topic, Format: notify.FormatJSON}},
		GroupWait:     20 * time.Millisecond,
		ArmOnNewState: true,
		Policies: policy.Set{
			{
				Name: "payments", Mode: policy.Enforce, Match: policy.Match{Aliases: []string{"alias/pay-*"}},
				Rotation: policy.Rotation{Method: policy.Auto, Automatic: 90 * day, MaxAge: 365 * day},
				Respond:  []policy.Response{{RuleID: "rotation-turned-off", Action: "restore"}},
			},
			{
				Name: "watched", Mode: policy.Observe,
				Rotation: policy.Rotation{Method: policy.Auto, Automatic: 365 * day, MaxAge: 365 * day},
			},
		},
	}
	for _, c := range change {
		c(w)
	}
	if !w.silent {
		w.check(sim.AddEventRule(awssim.EventRule{Queue: w.queue, ReadOnly: true, Native: true}))
	}
	w.start()
	return w
}

func (w *world) check(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// start opens the state and runs engine and consumer, as the daemon does.
func (w *world) start() {
	w.Helper()
	w.build()
	ctx, stopWork := context.WithCancel(context.Background())
	in, stopIn := context.WithCancel(context.Background())
	r := w.run
	r.stopIn, r.stopWork = stopIn, stopWork
	r.work.Go(func() {
		if err := r.engine.Run(ctx); err != nil {
			w.Errorf("engine: %v", err)
		}
	})
	r.in.Go(func() {
		if err := r.consumer.Run(in); err != nil {
			w.Errorf("consumer: %v", err)
		}
	})
	w.Cleanup(func() { w.stopRun(r) })
}

// build makes a run without starting it.
func (w *world) build() {
	w.Helper()
	db, err := state.Open(state.Options{Path: w.path, Shard: "default", Now: time.Now()})
	w.check(err)
	r := &run{db: db, registry: prometheus.NewRegistry(), http: awskms.HTTPClient()}
	w.run = r
	own := NewOwnKeys(db)
	w.check(own.Load())
	cfg := w.sim.As(w.rotd, region)
	cfg.HTTPClient = r.http
	cfg.RetryMaxAttempts = 2
	cfg = awskms.Configure(cfg, "test", func(_ context.Context, id string) error { return own.Note(id) })
	settings, objects := w.settings, w.objects
	if objects == nil {
		objects = trail.NewReader(awss3.New(cfg), trail.Limits{})
	}
	places := []Place{w.placeIn(cfg, region)}
	for _, other := range w.regions {
		places = append(places, w.placeIn(cfg, other))
	}
	if w.places != nil {
		places = append(places, w.places(cfg)...)
	}
	r.engine = New(Options{
		DB: db, Settings: &settings, Objects: objects, Metrics: NewMetrics(r.registry), Own: own, Logger: w.log,
		Partition: "aws", Publisher: notify.NewPublisher(notify.NewClient(cfg), within),
		Places: places, Store: awss3.New(cfg), ClockOff: w.clockOff,
	})
	opts := queue.Options{
		Pollers: 2, WaitTime: time.Second, ReceiveGrace: time.Millisecond, DrainTimeout: within, Logger: w.log,
		// A receive that a stop breaks off may still take messages: they have to come back in time.
		VisibilityTimeout: within / 3,
		Jitter:            func(time.Duration) time.Duration { return 10 * time.Millisecond },
	}
	handler := r.engine.Handler(func() bool {
		a := r.consumer.Status().Attributes
		return a.ReadAt.IsZero() || a.Redrive.Present
	})
	r.consumer, err = queue.New(queue.NewClient(cfg, w.queue, 2), w.queue, func(ctx context.Context, b *queue.Batch) {
		if w.spy != nil {
			w.spy(b)
		}
		handler(ctx, b)
	}, opts)
	w.check(err)
	r.engine.Control(w.queue, r.consumer)
}

// placeIn is the account's place in a Region.
func (w *world) placeIn(cfg aws.Config, region string) Place {
	return Place{Account: account, Region: region, KMS: awskms.New(cfg,
		awskms.Place{Partition: "aws", Account: account, Region: region},
		awskms.Options{QuotaShare: cmp.Or(w.share, 1), Material: func() material.Source { return w.source }})}
}

// stop stops the run cleanly; start begins the next one.
func (w *world) stop() { w.stopRun(w.run) }

func (w *world) stopRun(r *run) {
	if r.stopIn == nil {
		return
	}
	r.stopIn()
	r.in.Wait()
	r.stopWork()
	r.work.Wait()
	r.stopIn = nil
	r.http.GetTransport().CloseIdleConnections()
	w.auditWhole(r.db)
	if err := r.db.Close(); err != nil {
		w.Error(err)
	}
}

// await waits until what holds.
func (w *world) await(what string, holds func() bool) {
	w.Helper()
	deadline := time.Now().Add(within)
	for !holds() {
		if time.Now().After(deadline) {
			w.Fatalf("in vain awaited: %s\n%s", what, w.account())
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// account is what the state holds, for failures.
func (w *world) account() string {
	var b strings.Builder
	for _, f := range w.findings() {
		fmt.Fprintf(&b, "finding %s %s %s count %d episode %d %s\n", f.RuleID, f.Severity, f.Status, f.Count, f.Episode,
			f.Subject.ID)
	}
	for _, a := range w.actions() {
		fmt.Fprintf(&b, "action %s %s attempts %d guardrail %q waiting %q outcome %q error %q\n", a.Method, a.State,
			a.Attempts, a.Guardrail, a.Waiting, a.Outcome, a.LastError)
	}
	return b.String()
}

func (w *world) view(fn func(tx *state.Tx) error) {
	w.Helper()
	w.check(w.db.View(fn))
}

func (w *world) update(fn func(tx *state.Tx) error) {
	w.Helper()
	w.check(w.db.Update(fn))
}

func (w *world) findings() (all []finding.Finding) {
	w.Helper()
	w.view(func(tx *state.Tx) (err error) { all, _, err = tx.Findings("", 1000, nil); return err })
	return all
}

// found is the only finding of a rule; nil when there is none.
func (w *world) found(ruleID string) *finding.Finding {
	w.Helper()
	var one *finding.Finding
	for _, f := range w.findings() {
		if f.RuleID != ruleID {
			continue
		}
		if one != nil {
			w.Fatalf("several findings of %s\n%s", ruleID, w.account())
		}
		one = &f
	}
	return one
}

func (w *world) awaitFound(ruleID string, status finding.Status) *finding.Finding {
	w.Helper()
	w.await(ruleID+" "+string(status), func() bool {
		f := w.found(ruleID)
		return f != nil && f.Status == status
	})
	return w.found(ruleID)
}

func (w *world) actions() (all []remediation.Action) {
	w.Helper()
	w.view(func(tx *state.Tx) (err error) { all, _, err = tx.Actions("", 1000, nil); return err })
	return all
}

func (w *world) awaitAction(s remediation.State) *remediation.Action {
	w.Helper()
	var got *remediation.Action
	w.await("an action "+string(s), func() bool {
		w.hurry()
		for _, a := range w.actions() {
			if a.State == s {
				got = &a
				return true
			}
		}
		return false
	})
	return got
}

// hurry lets actions that wait to read KMS again read it now.
func (w *world) hurry() {
	w.Helper()
	w.update(func(tx *state.Tx) error {
		pending, err := tx.PendingActions(100)
		for i := range pending {
			if pending[i].State == remediation.Verifying && err == nil {
				pending[i].NotBefore = time.Time{}
				err = tx.PutAction(&pending[i])
			}
		}
		return err
	})
	nudge(w.engine.wakeActions)
}

func (w *world) known(arn string) (key *inventory.Key) {
	w.Helper()
	w.view(func(tx *state.Tx) (err error) { key, err = tx.Key(arn); return err })
	return key
}

// key makes a key that has been there for some time.
func (w *world) key(o awssim.KeyOptions) string {
	w.Helper()
	o.Account, o.Region = account, region
	if o.Created.IsZero() {
		o.Created = time.Now().Add(-40 * day)
	}
	arn, err := w.sim.KMS().CreateKey(o)
	w.check(err)
	return arn
}

func (w *world) sweep(kind string) {
	w.Helper()
	if kind == Inventory {
		w.check(w.engine.AskFresh())
	}
	w.check(w.engine.Sweep(context.Background(), kind))
}

// kms calls KMS as somebody.
func (w *world) kms(who awssim.Principal) *kms.Client { return w.kmsIn(who, region) }

func (w *world) kmsIn(who awssim.Principal, region string) *kms.Client {
	cfg := w.sim.As(who, region)
	client := awskms.HTTPClient()
	w.Cleanup(func() { client.GetTransport().CloseIdleConnections() })
	cfg.HTTPClient = client
	return kms.NewFromConfig(cfg)
}

func (w *world) disableRotation(who awssim.Principal, arn string) {
	w.Helper()
	_, err := w.kms(who).DisableKeyRotation(w.Context(), &kms.DisableKeyRotationInput{KeyId: &arn})
	w.check(err)
}

func (w *world) enableRotation(who awssim.Principal, arn string, days int32) {
	w.Helper()
	_, err := w.kms(who).EnableKeyRotation(w.Context(), &kms.EnableKeyRotationInput{
		KeyId: &arn, RotationPeriodInDays: &days,
	})
	w.check(err)
}

func (w *world) moveAlias(alias, to string) {
	w.Helper()
	_, err := w.kms(w.engineer).UpdateAlias(w.Context(), &kms.UpdateAliasInput{AliasName: &alias, TargetKeyId: &to})
	w.check(err)
}

// redrive gives the queue a redrive policy and waits until the consumer knows.
func (w *world) redrive() {
	w.Helper()
	cfg := w.sim.As(w.engineer, region)
	client := awskms.HTTPClient()
	defer client.GetTransport().CloseIdleConnections()
	cfg.HTTPClient = client
	_, err := sqs.NewFromConfig(cfg).SetQueueAttributes(w.Context(), &sqs.SetQueueAttributesInput{
		QueueUrl: aws.String(w.queue), Attributes: map[string]string{"RedrivePolicy": fmt.Sprintf(
			`{"deadLetterTargetArn":"arn:aws:sqs:%s:%s:rotd-dead","maxReceiveCount":"5"}`, region, account)},
	})
	w.check(err)
}

// drained waits until the queue is empty.
func (w *world) drained() {
	w.Helper()
	w.await("an empty queue", func() bool {
		d, err := w.sim.QueueDepth(w.queue)
		w.check(err)
		return d == awssim.QueueDepth{} && w.consumer.Status().InHand == 0
	})
}

// counter is the sum of a counter's series whose labels have these values.
func (w *world) counter(name string, labels ...string) int {
	w.Helper()
	families, err := w.registry.Gather()
	w.check(err)
	sum := 0.0
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			got := map[string]bool{}
			for _, l := range m.GetLabel() {
				got[l.GetValue()] = true
			}
			matches := true
			for _, l := range labels {
				matches = matches && got[l]
			}
			if matches {
				sum += m.GetCounter().GetValue()
			}
		}
	}
	return int(sum)
}

// told are the messages that were published and say all this.
func (w *world) told(all ...string) (messages []awssim.Published) {
	for _, p := range w.sim.Published(w.topic) {
		says := true
		for _, text := range all {
			says = says && strings.Contains(p.Message, text)
		}
		if says {
			messages = append(messages, p)
		}
	}
	return messages
}

func (w *world) awaitTold(all ...string) awssim.Published {
	w.Helper()
	w.await(fmt.Sprintf("a message that says %q", all), func() bool { return len(w.told(all...)) > 0 })
	return w.told(all...)[0]
}

// Kinds of alerts as the JSON format has them.
const (
	notifyOpened   = string(notify.FindingOpened)
	notifyMore     = string(notify.FindingMore)
	notifyResolved = string(notify.FindingResolved)
)

// items counts the alerts of a rule and kind in everything that was published, each once for a message. What an
// incident tells of a finding counts as if it were told by itself.
func (w *world) items(ruleID, kind string) (n int) {
	w.Helper()
	for _, p := range w.sim.Published(w.topic) {
		var doc struct {
			Items []struct {
				Kind    string
				RuleID  string `json:"rule_id"`
				Finding *struct {
					RuleID string `json:"rule_id"`
				}
				Incident *incident.Incident
			}
		}
		w.check(json.Unmarshal([]byte(p.Message), &doc))
		for _, i := range doc.Items {
			if i.Incident != nil {
				n += news(i.Incident, ruleID, kind)
			} else if i.Kind == kind && (i.RuleID == ruleID || i.Finding != nil && i.Finding.RuleID == ruleID) {
				n++
			}
		}
	}
	return n
}

// news counts what an incident tells anew of findings of a rule: that they began, or are over.
func news(i *incident.Incident, ruleID, kind string) (n int) {
	for _, m := range i.Automatic.Members {
		if m.New && m.RuleID == ruleID && m.Over == (kind == notifyResolved) && kind != notifyMore {
			n++
		}
	}
	return n
}

// idleOutbox waits until every alert was told.
func (w *world) idleOutbox() {
	w.Helper()
	w.await("an empty outbox", func() bool {
		n := 0
		w.view(func(tx *state.Tx) error { n = tx.WaitingCount(); return nil })
		return n == 0
	})
}
