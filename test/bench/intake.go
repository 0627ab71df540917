package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"time"
)

// contender starts somebody who empties the queue.
type contender func(context.Context) (*process, error)

// self is a contender that this program plays itself.
func (b *bench) self(role string) contender {
	return func(context.Context) (*process, error) {
		program, err := os.Executable()
		if err != nil {
			return nil, fmt.Errorf("find this program: %w", err)
		}
		return startProcess(b.aws, program, role, b.aws.Queue, strconv.Itoa(b.opts.Pollers))
	}
}

// run is one contender's work on one full queue.
type run struct {
	Messages int           `json:"messages"`
	Took     Took          `json:"took"`
	CPU      time.Duration `json:"cpu"` // for all messages
	Memory   memory        `json:"peak_memory"`
}

// perSecond is the rate over the first 90 % of the messages: the end of a run is the waiting for incomplete batches.
func (r run) perSecond() float64 { return 0.9 * float64(r.Messages) / r.Took.Most.Seconds() }

// cpuPer100k is in CPU seconds for 100,000 messages.
func (r run) cpuPer100k() float64 { return r.CPU.Seconds() * 100_000 / float64(r.Messages) }

// round is a run of each contender, on as like conditions as can be had.
type round struct {
	Raw  run `json:"raw"`
	Bare run `json:"bare"`
	Rotd run `json:"rotd"`
}

func (r round) cpuRatio() float64  { return r.Rotd.cpuPer100k() / r.Bare.cpuPer100k() }
func (r round) rateRatio() float64 { return r.Rotd.perSecond() / r.Bare.perSecond() }
func (r round) rawRatio() float64  { return r.Raw.perSecond() / r.Bare.perSecond() }

func (b *bench) round(ctx context.Context) (r round, err error) {
	if r.Raw, err = b.intake(ctx, b.self(roleRaw)); err != nil {
		return r, fmt.Errorf("intake by the raw client: %w", err)
	}
	if r.Bare, err = b.intake(ctx, b.self(roleBare)); err != nil {
		return r, fmt.Errorf("intake by the bare loop: %w", err)
	}
	if r.Rotd, err = b.intake(ctx, b.startRotd); err != nil {
		return r, fmt.Errorf("intake by rotd: %w", err)
	}
	return r, nil
}

// intake has the contender empty a queue that is filled at once when it is waiting for messages.
func (b *bench) intake(ctx context.Context, start contender) (r run, err error) {
	if err := b.simulator.call(ctx, "Prepare", b.opts.Messages, new(int)); err != nil {
		return r, err
	}
	p, err := start(ctx)
	if err != nil {
		return r, err
	}
	defer func() {
		if stopped := p.stop(); err == nil {
			err = stopped
		}
	}()
	ctx, cancel := p.alive(ctx)
	defer cancel()
	if err := b.simulator.call(ctx, "Polling", b.opts.Pollers, new(int)); err != nil {
		return r, err
	}
	before, err := p.cpu()
	if err != nil {
		return r, err
	}
	peak := p.watchMemory()
	err = b.simulator.call(ctx, "Intake", 0, &r.Took)
	r.Memory = peak()
	if err != nil {
		return r, err
	}
	after, err := p.cpu()
	if err != nil {
		return r, err
	}
	r.CPU, r.Messages = after-before, b.opts.Messages
	return r, b.processed(ctx, p)
}
