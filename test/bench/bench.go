package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"time"
)

// bench is one run of this program.
type bench struct {
	opts      options
	progress  io.Writer
	dir       string // for everything on disk
	rotd      string // path of the daemon's binary
	simulator *remote
	aws       AWS
}

// measure measures everything.
func measure(ctx context.Context, o options, progress io.Writer) (*report, error) {
	dir, err := os.MkdirTemp("", "rotd-bench-")
	if err != nil {
		return nil, fmt.Errorf("make a folder: %w", err)
	}
	defer os.RemoveAll(dir)
	b := &bench{opts: o, progress: progress, dir: dir, rotd: o.rotd}
	if b.rotd == "" {
		b.say("building rotd")
		if b.rotd, err = buildRotd(ctx, dir); err != nil {
			return nil, err
		}
	}
	r := &report{Options: o, Machine: lookAtMachine(dir)}
	if o.Only == "" {
		if err := b.intakeAndAlerting(ctx, r); err != nil {
			return nil, err
		}
	}
	switch {
	case o.Only == onlyReencrypt:
		r.Reencrypt, err = b.reencrypts(ctx)
	case o.Only == onlyLife:
		r.Life, err = b.lives(ctx)
	case o.Keys > 0:
		r.Sweep, err = b.sweeps(ctx)
	}
	if err != nil {
		return nil, err
	}
	r.judge()
	return r, nil
}

// intakeAndAlerting measures what has to do with events.
func (b *bench) intakeAndAlerting(ctx context.Context, r *report) (err error) {
	if b.simulator, err = startRemote(roleSimulator); err != nil {
		return err
	}
	defer b.simulator.stop()
	if err := b.simulator.call(ctx, "Where", 0, &b.aws); err != nil {
		return err
	}
	o := b.opts
	if r.Idle, err = b.idle(ctx); err != nil {
		return fmt.Errorf("memory while idle: %w", err)
	}
	for i := range o.Rounds {
		round, err := b.round(ctx)
		if err != nil {
			return err
		}
		b.say("round %d of %d: raw %.0f, bare %.0f, rotd %.0f msg/s; CPU s per 100,000: bare %.2f, rotd %.2f, ratio %.2f",
			i+1, o.Rounds, round.Raw.perSecond(), round.Bare.perSecond(), round.Rotd.perSecond(),
			round.Bare.cpuPer100k(), round.Rotd.cpuPer100k(), round.cpuRatio())
		r.Rounds = append(r.Rounds, round)
	}
	if r.Alerts, err = b.alerting(ctx); err != nil {
		return fmt.Errorf("alerting: %w", err)
	}
	return nil
}

func (b *bench) say(format string, args ...any) {
	fmt.Fprintf(b.progress, format+"\n", args...)
}

// idle is the most memory that a daemon with nothing to do holds, after its first inventory and a rest.
func (b *bench) idle(ctx context.Context) (m memory, err error) {
	b.say("memory while idle")
	p, err := b.startRotd(ctx)
	if err != nil {
		return m, err
	}
	rest(ctx, b.opts.Rest)
	peak := p.watchMemory()
	rest(ctx, b.opts.Rest)
	return peak(), p.stop()
}

// alerting takes the times from an event's arrival to its alert, shortest first.
func (b *bench) alerting(ctx context.Context) (took []time.Duration, err error) {
	b.say("alerting: %d events %v apart", b.opts.Events, b.opts.Apart)
	if err := b.simulator.call(ctx, "AlertKeys", b.opts.Events, new(int)); err != nil {
		return nil, err
	}
	p, err := b.startRotd(ctx)
	if err != nil {
		return nil, err
	}
	defer func() {
		if stopped := p.stop(); err == nil {
			err = stopped
		}
	}()
	if err := b.simulator.call(ctx, "Alerts", b.opts.Apart, &took); err != nil {
		return nil, err
	}
	slices.Sort(took)
	return took, nil
}

// rest waits, or until ctx ends.
func rest(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
