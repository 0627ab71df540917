package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"rotd/internal/admin"
	"rotd/internal/inventory"
	"rotd/internal/state"
)

// What is measured of a daemon's life.
const (
	stopsAfter = 4             // one message in so many is dealt with when rotd is told to stop
	lifeWithin = 2 * time.Hour // all of it
)

// living is how long starts, stops and restorations take.
type living struct {
	Keys         int             `json:"keys"`       // in the large state
	Empty        []time.Duration `json:"empty"`      // from exec to ready on a new state, ascending
	Full         []time.Duration `json:"full"`       // the same on the large state
	FullBytes    int64           `json:"full_bytes"` // of the large state
	Stops        []time.Duration `json:"stops"`      // from SIGTERM to the end while messages come in, ascending
	Left         int             `json:"left"`       // messages that had not been dealt with by then, over all stops
	Lost         int             `json:"lost"`       // messages that no daemon judged
	Written      int64           `json:"written"`    // bytes to the disk for each message of a trickle
	CPU          time.Duration   `json:"cpu"`        // for each message of a trickle
	Restored     time.Duration   `json:"restored"`   // `rotd state restore`
	RestoreBytes int64           `json:"restore_bytes"`
}

// lives measures them.
func (b *bench) lives(ctx context.Context) (_ *living, err error) {
	ctx, cancel := context.WithTimeout(ctx, lifeWithin)
	defer cancel()
	if b.simulator, err = startRemote(roleSimulator); err != nil {
		return nil, err
	}
	defer b.simulator.stop()
	if err := b.simulator.call(ctx, "Where", 0, &b.aws); err != nil {
		return nil, err
	}
	l := &living{Keys: b.opts.Keys}
	full := filepath.Join(b.dir, "full.db")
	b.say("writing a state of %d keys", l.Keys)
	if l.FullBytes, err = writeState(full, func(keys int, _ int64) bool { return keys >= l.Keys }); err != nil {
		return nil, err
	}
	for range b.opts.Rounds {
		for of, times := range map[string]*[]time.Duration{"": &l.Empty, full: &l.Full} {
			took, err := b.start(ctx, of)
			if err != nil {
				return nil, fmt.Errorf("start on the state %q: %w", of, err)
			}
			*times = append(*times, took)
		}
		if err := b.stopsUnderLoad(ctx, l); err != nil {
			return nil, fmt.Errorf("stop under load: %w", err)
		}
	}
	if err := b.trickle(ctx, l); err != nil {
		return nil, fmt.Errorf("messages one by one: %w", err)
	}
	slices.Sort(l.Empty)
	slices.Sort(l.Full)
	slices.Sort(l.Stops)
	b.say("ready after %v on a new state, %v on a large one; stopped within %v (the longest of %d)", slowest(l.Empty),
		slowest(l.Full), slowest(l.Stops), b.opts.Rounds)
	return l, b.restores(ctx, l)
}

func slowest(ascending []time.Duration) time.Duration { return ascending[len(ascending)-1] }

// start takes the time from exec to ready, on a copy of a state; "": a new one.
func (b *bench) start(ctx context.Context, of string) (time.Duration, error) {
	run, err := b.newRun(ctx)
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(run.dir)
	if of != "" {
		if err := copyFile(of, run.state()); err != nil {
			return 0, err
		}
	}
	client := admin.NewClient(run.socket())
	defer client.Close()
	began := time.Now()
	p, err := startProcess(b.aws, b.rotd, "run", "--config", run.config())
	if err != nil {
		return 0, err
	}
	for {
		r, err := client.Ready(ctx)
		if err == nil && r.Ready {
			break
		}
		select {
		case <-p.exited:
			return 0, p.failed("ended by itself")
		case <-ctx.Done():
			return 0, errors.Join(ctx.Err(), p.stop())
		case <-time.After(time.Millisecond):
		}
	}
	took := time.Since(began)
	return took, p.stop()
}

// stopsUnderLoad tells rotd to stop while it takes in messages, then lets another one take in what is left, and looks
// up in the state that every message was judged.
func (b *bench) stopsUnderLoad(ctx context.Context, l *living) error {
	load := Load{Messages: b.opts.Messages, Now: time.Now()}
	if err := b.simulator.call(ctx, "PrepareAt", load, &load.Run); err != nil {
		return err
	}
	run, err := b.newRun(ctx)
	if err != nil {
		return err
	}
	defer os.RemoveAll(run.dir)
	p, err := b.startOn(ctx, run)
	if err != nil {
		return err
	}
	filled := make(chan error, 1)
	go func() { filled <- b.simulator.call(ctx, "Intake", 0, new(Took)) }()
	if err := b.simulator.call(ctx, "LeftUntil", load.Messages-load.Messages/stopsAfter, new(int)); err != nil {
		return errors.Join(err, p.stop())
	}
	began := time.Now()
	if err := p.stop(); err != nil {
		return err
	}
	l.Stops = append(l.Stops, time.Since(began))
	var left int
	if err := b.simulator.call(ctx, "Left", 0, &left); err != nil {
		return err
	}
	l.Left += left
	if p, err = b.startOn(ctx, run); err != nil {
		return err
	}
	if err := errors.Join(<-filled, p.stop()); err != nil {
		return err
	}
	lost, err := unjudged(run.state(), load)
	l.Lost += lost
	return err
}

// trickle is what messages cost that come one by one, so that each has a commit of its own.
func (b *bench) trickle(ctx context.Context, l *living) (err error) {
	load := Load{Messages: b.opts.Events, Now: time.Now()}
	if err := b.simulator.call(ctx, "PrepareAt", load, &load.Run); err != nil {
		return err
	}
	p, err := b.startRotd(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	written, cpu, err := p.used()
	if err != nil {
		return err
	}
	if err := b.simulator.call(ctx, "Trickle", b.opts.Apart, new(int)); err != nil {
		return err
	}
	writtenAfter, cpuAfter, err := p.used()
	l.Written = (writtenAfter - written) / int64(b.opts.Events)
	l.CPU = (cpuAfter - cpu) / time.Duration(b.opts.Events)
	return err
}

// unjudged is how many of the events a state does not remember.
func unjudged(path string, load Load) (lost int, err error) {
	db, err := state.Open(state.Options{Path: path, Shard: "default", Now: time.Now()})
	if err != nil {
		return 0, fmt.Errorf("look for what was judged: %w", err)
	}
	err = db.Update(func(tx *state.Tx) error {
		for i := range load.Messages {
			e := event{run: load.Run, number: i}
			fresh, err := tx.MarkSeen(e.id(), timeOf(i, load.Messages, load.Now))
			if err != nil {
				return err
			}
			if fresh {
				lost++
			}
		}
		return nil
	})
	return lost, errors.Join(err, db.Close())
}

// restores has `rotd state restore` put a large copy in place.
func (b *bench) restores(ctx context.Context, l *living) (err error) {
	copied := filepath.Join(b.dir, "copy.db")
	b.say("writing a state of %s", mib(b.opts.Restore))
	l.RestoreBytes, err = writeState(copied, func(_ int, bytes int64) bool { return bytes >= b.opts.Restore })
	if err != nil {
		return err
	}
	to := filepath.Join(b.dir, "restored", "rotd.db")
	restore := exec.CommandContext(ctx, b.rotd, "state", "restore", copied, "--to", to)
	began := time.Now()
	out, err := restore.CombinedOutput()
	l.Restored = time.Since(began)
	if err != nil {
		return fmt.Errorf("restore the state: %w\n%s", err, out)
	}
	b.say("%s restored in %v", mib(l.RestoreBytes), l.Restored)
	return nil
}

// writeState writes a state with keys as an inventory leaves them until it is enough, and returns its size.
func writeState(path string, enough func(keys int, bytes int64) bool) (int64, error) {
	now := time.Now().UTC()
	db, err := state.Open(state.Options{Path: path, Shard: "default", Now: now})
	if err != nil {
		return 0, fmt.Errorf("write a state: %w", err)
	}
	for keys := 0; !enough(keys, db.Size()) && err == nil; {
		err = db.Update(func(tx *state.Tx) error {
			for range 1_000 {
				if err := tx.PutKey(keptKey(keys, now)); err != nil {
					return err
				}
				keys++
			}
			return nil
		})
	}
	size := db.Size()
	return size, errors.Join(err, db.Close())
}

// keptKey is a key of the fleet, as a state keeps it.
func keptKey(i int, now time.Time) *inventory.Key {
	id := fmt.Sprintf("%08x-12ab-34cd-56ef-%012x", uint32(i)*2_654_435_761, i)
	next := now.AddDate(0, 0, 30)
	return &inventory.Key{
		ARN: "arn:aws:kms:" + region + ":" + account + ":key/" + id, ID: id, Partition: "aws", Account: account,
		Region: region, Description: "key of an application", State: "Enabled", Manager: "CUSTOMER", Origin: "AWS_KMS",
		Spec: "SYMMETRIC_DEFAULT", Usage: "ENCRYPT_DECRYPT", Created: now.AddDate(0, -7, 0),
		Aliases: []string{fmt.Sprintf("alias/fleet/application-%06d", i)},
		Tags:    map[string]string{"team": fmt.Sprintf("team-%d", i%50), "environment": "production", "cost": "4711"},
		ReadAt:  now, FullAt: now, WholeBy: now, FirstRead: now.AddDate(0, -3, 0), Policy: fleetPolicy,
		Rotation: &inventory.Rotation{
			Enabled: true, PeriodDays: 90, Next: &next, HistoryAt: now,
			History: []inventory.Rotated{{At: now.AddDate(0, -4, 0), Type: "AUTOMATIC"}},
		},
	}
}

func copyFile(from, to string) error {
	raw, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, raw, 0o600)
	}
	if err != nil {
		return fmt.Errorf("copy a state: %w", err)
	}
	return nil
}
