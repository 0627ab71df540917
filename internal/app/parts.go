package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"rotd/internal/events/queue"
	"rotd/internal/scheduler"
	"rotd/internal/state"
)

// parts are what run besides the engine.
type parts struct {
	registry  *prometheus.Registry
	consumers []*queue.Consumer
	scheduler *scheduler.Scheduler
	open      []door
	kms       *prometheus.CounterVec // requests to KMS

	stopIntake, stopJobs, stopEngine, stopDoors context.CancelFunc
	intake, jobs, work, doors                   sync.WaitGroup
}

// start runs every part. What it returns gets the error of a part that stopped by itself.
func (d *daemonProcess) start() <-chan error {
	p := &d.parts
	failed := make(chan error, 16)
	run := func(group *sync.WaitGroup, what string, ctx context.Context, fn func(context.Context) error) {
		group.Go(func() {
			err := fn(ctx)
			if ctx.Err() == nil && err == nil {
				err = errors.New("ended by itself")
			}
			if err != nil && !errors.Is(err, http.ErrServerClosed) {
				failed <- fmt.Errorf("%s: %w", what, err)
			}
		})
	}
	var intake, jobs, work, doors context.Context
	intake, p.stopIntake = context.WithCancel(context.Background())
	jobs, p.stopJobs = context.WithCancel(context.Background())
	work, p.stopEngine = context.WithCancel(context.Background())
	doors, p.stopDoors = context.WithCancel(context.Background())

	for _, o := range p.open {
		run(&p.doors, o.what, doors, o.serve)
	}
	run(&p.work, "engine", work, d.engine.Run)
	run(&p.jobs, "scheduler", jobs, p.scheduler.Run)
	for _, c := range p.consumers {
		run(&p.intake, "queue consumer", intake, c.Run)
	}
	return failed
}

// stop ends the parts in the order in which they depend on each other: first nothing new comes in and what is in hand
// is settled, then sweeps, then the engine; the doors stay open until the end so that a stop can be watched.
func (d *daemonProcess) stop() error {
	p := &d.parts
	start := time.Now()
	late := time.AfterFunc(stopWithin, func() {
		d.log.Error("the stop takes long; work in flight is abandoned and settled at the next start")
		p.stopEngine()
		p.stopDoors()
	})
	defer late.Stop()
	p.stopIntake()
	p.intake.Wait()
	p.stopJobs()
	p.jobs.Wait()
	p.stopEngine()
	p.work.Wait()
	p.stopDoors()
	p.doors.Wait()
	if err := d.db.Update(func(tx *state.Tx) error { return tx.StoppedCleanly() }); err != nil {
		return fmt.Errorf("note the clean stop: %w", err)
	}
	d.log.Info("stopped", zap.Duration("took", time.Since(start)))
	return nil
}
