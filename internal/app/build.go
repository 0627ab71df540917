package app

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"rotd/internal/awskms"
	"rotd/internal/awss3"
	"rotd/internal/config"
	"rotd/internal/engine"
	"rotd/internal/events/queue"
	"rotd/internal/events/trail"
	"rotd/internal/notify"
	"rotd/internal/scheduler"
	"rotd/internal/state"
)

const (
	// uncleanWindow and uncleanMany: after so many unclean starts in the window one message at a time is taken, so that
	// the one that kills rotd is found and no other suffers.
	uncleanWindow = 5 * time.Minute
	uncleanMany   = 3
	visibility    = 60 * time.Second
)

// build makes every part, without starting any.
func (d *daemonProcess) build(ctx context.Context) error {
	p := &d.parts
	p.kms = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "rotd_kms_requests_total", Help: "Requests to KMS, by operation and what came of them.",
	}, []string{"account", "region", "operation", "class"})
	p.registry.MustRegister(p.kms)
	own := engine.NewOwnKeys(d.db)
	if err := own.Load(); err != nil {
		return fmt.Errorf("read rotd's own access keys: %w", err)
	}
	first := func(_ context.Context, id string) error { return own.Note(id) }
	loaded, err := awsconfig.LoadDefaultConfig(ctx, awsconfig.WithHTTPClient(awskms.HTTPClient()))
	if err != nil {
		return fmt.Errorf("load the AWS configuration: %w", err)
	}
	if d.proofs, err = proofs(loaded); err != nil {
		return err
	}
	d.clock.Changed = d.tellClock
	sdk := d.clock.Watch(awskms.Configure(loaded, d.opts.Version, first))
	if sdk = withRegion(sdk, d.cfg); sdk.Region == "" {
		return errors.New("no AWS Region: set AWS_REGION, or a Region in the AWS profile that rotd uses")
	}
	if d.home, err = d.whoAmI(ctx, sdk); err != nil {
		return err
	}
	d.store = awss3.New(sdk)
	d.fleet = d.newFleet(sdk, first)
	places, err := d.fleet.refresh(ctx)
	if err != nil {
		return err
	}
	d.engine = engine.New(engine.Options{
		DB:        d.db,
		Settings:  d.fleet.trusting(settings(d.cfg, d.home.Account)),
		Places:    places,
		Objects:   trail.NewReader(d.store, trail.Limits{}),
		Store:     d.store,
		Publisher: notify.NewPublisher(notify.NewClient(sdk), 0),
		Metrics:   engine.NewMetrics(p.registry),
		Own:       own,
		Logger:    d.log.Named("engine"),
		Partition: d.home.Partition,
		ClockOff:  d.clockOff,

		SweepConcurrency: d.cfg.Limits.SweepConcurrency,
	})
	if err := d.judgesBy(d.cfg); err != nil {
		return err
	}
	if err := d.engine.NoteListing(d.fleet.trouble()); err != nil {
		return err
	}
	if err := d.makeConsumers(sdk); err != nil {
		return err
	}
	if err := d.watchItself(); err != nil {
		return err
	}
	p.scheduler, err = scheduler.New(d.jobs(d.cfg), runs{d.db}, scheduler.Options{
		Logger: d.log.Named("scheduler"),
		OnRun: func(job string, r scheduler.Run, err error) {
			if err != nil {
				d.log.Error("a scheduled job failed", zap.String("job", job), zap.Error(err))
			}
			d.tellJob(job, err)
		},
		OnPanic:      d.engine.ReportPanic,
		OnStoreError: func(job string, err error) { d.log.Error("a job's last run", zap.String("job", job), zap.Error(err)) },
	})
	if err != nil {
		return err
	}
	p.registry.MustRegister(&gauges{d: d})
	return nil
}

// withRegion gives the SDK the first queue's Region where it has none.
func withRegion(sdk aws.Config, cfg *config.Config) aws.Config {
	if sdk.Region == "" {
		sdk.Region = queue.RegionOf(cfg.Intake.Queues[0].URL)
	}
	return sdk
}

// judgesBy tells the engine by what keys are judged: rotd.yaml as it is, by this version.
func (d *daemonProcess) judgesBy(cfg *config.Config) error {
	return d.engine.JudgesBy(d.opts.Version + " " + cfg.Digest)
}

// askWithin bounds one question who rotd is: a network that swallows everything is told of, not waited for.
const askWithin = 15 * time.Second

// whoAmI asks STS for the daemon's account until it answers: an AWS that cannot be reached makes rotd not ready, not
// dead.
func (d *daemonProcess) whoAmI(ctx context.Context, sdk aws.Config) (awskms.Place, error) {
	d.log.Info("asking AWS who rotd is", zap.String("region", sdk.Region))
	d.waitsFor("asking AWS who rotd is")
	for wait := 200 * time.Millisecond; ; wait = min(2*wait, 10*time.Second) {
		asking, cancel := context.WithTimeout(ctx, askWithin)
		who, err := awskms.WhoAmI(asking, sdk)
		cancel()
		if err == nil {
			d.log.Info("calling AWS", zap.String("as", who.ARN), zap.String("region", sdk.Region))
			d.self = who.ARN
			return awskms.Place{Partition: who.Partition, Account: who.Account, Region: sdk.Region}, nil
		}
		if ctx.Err() != nil {
			return awskms.Place{}, fmt.Errorf("ask AWS who rotd is: %w", ctx.Err())
		}
		why := awskms.Plainly(err)
		d.log.Error("cannot ask AWS who rotd is; it is asked again", zap.String("why", why),
			zap.String("region", sdk.Region), zap.Error(err))
		d.waitsFor("cannot ask AWS who rotd is: " + why)
		d.notify("STATUS=cannot ask AWS who rotd is\nEXTEND_TIMEOUT_USEC=60000000")
		select {
		case <-ctx.Done():
		case <-time.After(rand.N(wait) + wait/2): //nolint:gosec // jitter is no secret
		}
	}
}

// observeKMS counts requests to KMS.
func (d *daemonProcess) observeKMS(account, region string) func(awskms.Call) {
	return func(c awskms.Call) {
		d.parts.kms.WithLabelValues(account, region, c.Operation, string(c.Class)).Inc()
	}
}

// makeConsumers makes a consumer for every queue. After several unclean starts they take one message at a time.
func (d *daemonProcess) makeConsumers(sdk aws.Config) error {
	budget := queue.NewBudget(queue.DefaultBudget)
	for _, q := range d.cfg.Intake.Queues {
		opts := queue.Options{
			Pollers: q.Pollers, Budget: budget, VisibilityTimeout: visibility,
			OnPanic: func(value any, stack []byte) { d.engine.ReportPanic("intake", value, stack) },
			Logger:  d.log.Named("queue"),
		}
		if d.unclean >= uncleanMany {
			opts.Pollers, opts.BatchSize = 1, 1
			d.log.Warn("rotd did not end cleanly several times: it takes one message at a time",
				zap.Int("unclean_starts", d.unclean), zap.Duration("within", uncleanWindow))
		}
		var consumer *queue.Consumer
		handler := d.engine.Handler(func() bool { return hasRedrive(consumer.Status().Attributes) })
		consumer, err := queue.New(queue.NewClient(sdk, q.URL, opts.Pollers), q.URL, handler, opts)
		if err != nil {
			return err
		}
		d.engine.Control(q.URL, consumer)
		d.parts.consumers = append(d.parts.consumers, consumer)
	}
	return nil
}

// hasRedrive reports whether the queue is known to have a redrive policy; an unknown one counts as having, so that
// nothing is acknowledged for want of it.
func hasRedrive(a queue.Attributes) bool {
	return a.ReadAt.IsZero() || a.Error != "" || a.Redrive.Present
}

// jobs are what the scheduler runs.
func (d *daemonProcess) jobs(cfg *config.Config) []scheduler.Job {
	inventory := func(ctx context.Context) error {
		return errors.Join(d.relist(ctx), d.learnDependencies(ctx), d.engine.Sweep(ctx, engine.Inventory))
	}
	drift := func(ctx context.Context) error { return d.engine.Sweep(ctx, engine.Drift) }
	jobs := []scheduler.Job{
		{
			Name: engine.Inventory, Spec: cfg.Schedules.Inventory, AtStart: true, CatchUp: true, Jitter: time.Minute,
			Run: inventory,
		},
		{Name: engine.Drift, Spec: cfg.Schedules.Drift, CatchUp: true, Jitter: 10 * time.Second, Run: drift},
		{Name: "retention", Spec: cfg.Schedules.Retention, CatchUp: true, Run: d.engine.Retain},
		{Name: "heartbeat", Spec: cfg.Schedules.Heartbeat, AtStart: true, Run: d.heartbeat},
	}
	if every := cfg.Intake.Canary; every > 0 {
		jobs = append(jobs, scheduler.Job{
			Name: "canary", Spec: "@every " + every.String(), AtStart: true, Run: d.engine.SendCanaries,
		})
	}
	return slices.Concat(jobs, d.snapshotJobs(cfg), d.auditJobs(cfg), d.reportJobs(cfg.Reports))
}

// heartbeat looks at rotd itself.
func (d *daemonProcess) heartbeat(ctx context.Context) error {
	for _, c := range d.parts.consumers {
		s := c.Status()
		known := !s.Attributes.ReadAt.IsZero() && s.Attributes.Error == ""
		if !known {
			continue
		}
		if err := d.engine.NoteRedrive(s.Queue, s.Attributes.Redrive.Present); err != nil {
			return err
		}
		if a := &s.Attributes; a.DeadLetterError == "" {
			if err := d.engine.NoteDeadLetters(s.Queue, a.Redrive.DeadLetterARN, a.DeadLetters); err != nil {
				return err
			}
		}
	}
	if err := d.watchItself(); err != nil {
		return err
	}
	return d.engine.Heartbeat(ctx)
}

// runs keeps the scheduler's last runs in the state.
type runs struct{ db *state.DB }

func (r runs) LastRun(job string) (run scheduler.Run, err error) {
	err = r.db.View(func(tx *state.Tx) error {
		last, err := tx.LastRun(job)
		run = scheduler.Run{Started: last.Started, Finished: last.Finished, Err: last.Error, Trigger: last.Trigger}
		return err
	})
	return run, err
}

func (r runs) RecordRun(job string, run scheduler.Run) error {
	return r.db.Update(func(tx *state.Tx) error {
		return tx.PutRun(job, state.Run{
			Started: run.Started, Finished: run.Finished, Error: run.Err, Trigger: run.Trigger,
		})
	})
}
