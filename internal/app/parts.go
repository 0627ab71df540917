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

	"rotd/internal/audit"
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

// maxParts bounds the parts that can fail at once.
const maxParts = 256

// startDoors lets the listeners answer. What it returns gets the error of any part that stopped by itself.
func (d *daemonProcess) startDoors() chan error {
	p := &d.parts
	failed := make(chan error, maxParts)
	var doors context.Context
	doors, p.stopDoors = context.WithCancel(context.Background())
	for _, o := range p.open {
		runPart(doors, &p.doors, failed, o.what, o.serve)
	}
	return failed
}

// start runs every other part.
func (d *daemonProcess) start(failed chan<- error) {
	p := &d.parts
	var intake, jobs, work context.Context
	intake, p.stopIntake = context.WithCancel(context.Background())
	jobs, p.stopJobs = context.WithCancel(context.Background())
	work, p.stopEngine = context.WithCancel(context.Background())
	runPart(work, &p.work, failed, "engine", d.engine.Run)
	runPart(jobs, &p.jobs, failed, "scheduler", p.scheduler.Run)
	for _, c := range p.consumers {
		runPart(intake, &p.intake, failed, "queue consumer", c.Run)
	}
}

// runPart runs one part in a group; its end before ctx's is a failure.
func runPart(
	ctx context.Context, group *sync.WaitGroup, failed chan<- error, what string, fn func(context.Context) error,
) {
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
	if err := d.closeDoors(); err != nil {
		return err
	}
	d.keepElsewhere()
	d.log.Info("stopped", zap.Duration("took", time.Since(start)))
	return nil
}

// closeDoors stops answering, and notes that rotd ended as it should.
func (d *daemonProcess) closeDoors() error {
	if d.parts.stopDoors != nil {
		d.parts.stopDoors()
		d.parts.doors.Wait()
	}
	err := d.db.Update(func(tx *state.Tx) error {
		return errors.Join(tx.StoppedCleanly(), tx.Audit(audit.Entry{
			Time: time.Now(), Actor: audit.Rotd, Event: audit.DaemonStopped,
		}))
	})
	if err != nil {
		return fmt.Errorf("note the clean stop: %w", err)
	}
	return nil
}
