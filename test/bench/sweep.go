package main

import (
	"context"
	_ "embed" // the loop to compare with
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"rotd/internal/admin"
)

// What is measured of a sweep.
const (
	changedPart = 100             // one key in so many is changed before the second sweep
	sweepWithin = 2 * time.Hour   // a first sweep, however slow the machine
	askedKeys   = 300             // keys that the boto3 loop reads
	pythonMost  = 5 * time.Minute // it reads them within
)

// sweeping is what the sweeps of a large fleet took.
type sweeping struct {
	Keys   int     `json:"keys"`
	Share  float64 `json:"share"`  // configured, of AWS's quotas
	First  sweep   `json:"first"`  // on a new state
	Second sweep   `json:"second"` // after some keys were changed
	// Changed keys were told of by events, which had each read again whole.
	Changed    int     `json:"changed"`
	Throttled  int     `json:"throttled"` // answers ThrottlingException in both
	Memory     memory  `json:"peak_memory"`
	StateBytes int64   `json:"state_bytes"` // after the first
	Python     float64 `json:"python"`      // keys a second that a sequential boto3 loop reads; 0: there is no boto3
}

// sweep is one sweep.
type sweep struct {
	Took  time.Duration  `json:"took"`  // from the first to the last GetKeyRotationStatus, or of all of it
	Calls map[string]int `json:"calls"` // by operation, of what sweeps read
	Apart map[string]int `json:"apart"` // by operation, of what is read in the background meanwhile
}

func (s sweep) total() (n int) {
	for _, calls := range s.Calls {
		n += calls
	}
	return n
}

// perSecond is the rate at which the keys were read.
func (s *sweeping) perSecond() float64 { return float64(s.Keys) / s.First.Took.Seconds() }

// reached is the part of the configured share of GetKeyRotationStatus, the tightest of what a sweep asks, that it used.
func (s *sweeping) reached() float64 { return s.perSecond() / (statusQuota * s.Share) }

// again is what the second sweep asked, of what the first did.
func (s *sweeping) again() float64 { return float64(s.Second.total()) / float64(s.First.total()) }

// statusQuota is AWS's quota of GetKeyRotationStatus, in calls a second.
const statusQuota = 1000

const fleetYAML = `state: {path: {db}}
intake:
  queues: [{url: "{queue}", pollers: 2}]
policies:
  - name: fleet
    rotation: {max_age: 365d, automatic: 90d}
alerts:
  topics: [{arn: "{topic}", min_severity: INFORMATIONAL, format: json}]
schedules: {inventory: "@every 24h", drift: "@every 24h"}
limits: {quota_share: {share}}
admin: {socket: "{socket}", http: "{http}"}
`

// sweeps has rotd take the inventory of a large fleet, twice, and a boto3 loop read some of it.
func (b *bench) sweeps(ctx context.Context) (*sweeping, error) {
	b.say("sweeping %d keys at %.2f of AWS's quotas", b.opts.Keys, b.opts.Share)
	fleet, err := startRemote(roleFleet)
	if err != nil {
		return nil, err
	}
	defer fleet.stop()
	var aws AWS
	if err := fleet.call(ctx, "Populate", b.opts.Keys, &aws); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(b.dir, "fleet-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for the state: %w", err)
	}
	s := &sweeping{Keys: b.opts.Keys, Share: b.opts.Share}
	f := &fleetRun{b: b, s: s, aws: aws, remote: fleet, dir: dir}
	if f.status, err = freeAddress(ctx); err != nil {
		return nil, err
	}
	if err := f.first(ctx); err != nil {
		return nil, fmt.Errorf("first sweep: %w", err)
	}
	b.say("first sweep: %v, %.0f keys a second, %.1f %% of the share, %d throttled", s.First.Took.Round(time.Second),
		s.perSecond(), 100*s.reached(), s.Throttled)
	if err := f.second(ctx); err != nil {
		return nil, fmt.Errorf("second sweep: %w", err)
	}
	b.say("second sweep: %d calls, the first made %d", s.Second.total(), s.First.total())
	if s.Python, err = b.python(ctx, aws); err != nil {
		return nil, err
	}
	return s, nil
}

// fleetRun is rotd on one state.
type fleetRun struct {
	b      *bench
	s      *sweeping
	aws    AWS
	remote *remote
	dir    string
	status string // the same each time: another rotd.yaml would have every key read anew
}

// run starts rotd, lets watch wait for what is measured, and stops it.
func (f *fleetRun) run(ctx context.Context, watch func(ctx context.Context, client *admin.Client) error) (err error) {
	config, socket := filepath.Join(f.dir, "rotd.yaml"), filepath.Join(f.dir, "rotd.sock")
	content := strings.NewReplacer(
		"{db}", filepath.Join(f.dir, "rotd.db"), "{queue}", f.aws.Queue, "{topic}", f.aws.Topic, "{socket}", socket,
		"{share}", strconv.FormatFloat(f.s.Share, 'f', -1, 64), "{http}", f.status,
	).Replace(fleetYAML)
	if err := os.WriteFile(config, []byte(content), 0o600); err != nil {
		return fmt.Errorf("write rotd.yaml: %w", err)
	}
	p, err := startProcess(f.aws, f.b.rotd, "run", "--config", config)
	if err != nil {
		return err
	}
	peak := p.watchMemory()
	client := admin.NewClient(socket)
	defer client.Close()
	alive, cancel := p.alive(ctx)
	err = watch(alive, client)
	cancel()
	f.s.Memory = f.s.Memory.most(peak())
	return errors.Join(err, p.stop())
}

// first takes the inventory on a new state.
func (f *fleetRun) first(ctx context.Context) error {
	return f.run(ctx, func(ctx context.Context, client *admin.Client) error {
		var began, ended time.Time
		err := f.until(ctx, func(asked Tally) (bool, error) {
			n := asked.of("GetKeyRotationStatus")
			switch now := time.Now(); {
			case n > 0 && began.IsZero():
				began = now
			case n >= f.s.Keys && ended.IsZero():
				ended = now
			}
			c, err := client.Status(ctx)
			done := err == nil && len(c.Places) > 0 && !c.Places[0].LastComplete.IsZero()
			if done {
				f.s.First.Calls, f.s.First.Apart = asked.parts(nil)
				f.s.Throttled += asked.Throttled
			}
			return done && !ended.IsZero(), nil
		})
		f.s.First.Took = ended.Sub(began)
		return err
	})
}

// second changes some keys and has rotd start again, which takes an inventory and reads the keys that events tell of.
func (f *fleetRun) second(ctx context.Context) error {
	info, err := os.Stat(filepath.Join(f.dir, "rotd.db"))
	if err != nil {
		return fmt.Errorf("look at the state: %w", err)
	}
	f.s.StateBytes, f.s.Changed = info.Size(), max(1, f.s.Keys/changedPart)
	if err := f.remote.call(ctx, "Change", f.s.Changed, new(int)); err != nil {
		return err
	}
	var before Tally
	if err := f.remote.call(ctx, "Asked", 0, &before); err != nil {
		return err
	}
	began := time.Now()
	return f.run(ctx, func(ctx context.Context, client *admin.Client) error {
		return f.until(ctx, func(asked Tally) (bool, error) {
			reread := asked.of("GetKeyPolicy") - before.of("GetKeyPolicy")
			c, err := client.Status(ctx)
			done := err == nil && len(c.Places) > 0 && c.Places[0].LastComplete.After(began) && reread >= f.s.Changed
			if done {
				f.s.Second.Took = time.Since(began)
				f.s.Second.Calls, f.s.Second.Apart = asked.parts(&before)
				f.s.Throttled += asked.Throttled - before.Throttled
			}
			return done, nil
		})
	})
}

// until asks the simulator what it was asked until done says that it is enough.
func (f *fleetRun) until(ctx context.Context, done func(Tally) (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, sweepWithin)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		var asked Tally
		if err := f.remote.call(ctx, "Asked", 0, &asked); err != nil {
			return err
		}
		if ok, err := done(asked); ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
}

//go:embed sweep.py
var loop string

// noBoto3 is the exit status of the loop when there is no boto3.
const noBoto3 = 3

// python is the rate at which a sequential boto3 loop reads keys; 0 when there is none.
func (b *bench) python(ctx context.Context, aws AWS) (float64, error) {
	python, err := exec.LookPath("python3")
	if err != nil {
		b.say("there is no python3: the boto3 loop is left out")
		return 0, nil
	}
	ctx, cancel := context.WithTimeout(ctx, pythonMost)
	defer cancel()
	run := exec.CommandContext(ctx, python, "-c", loop, strconv.Itoa(min(askedKeys, b.opts.Keys)))
	run.Env = environment(aws)
	out, err := run.Output()
	failed := new(exec.ExitError)
	switch {
	case errors.As(err, &failed) && failed.ExitCode() == noBoto3:
		b.say("there is no boto3 (Debian: apt-get install python3-boto3): its loop is left out")
		return 0, nil
	case errors.As(err, &failed):
		return 0, fmt.Errorf("boto3 loop: %w\n%s", err, failed.Stderr)
	case err != nil:
		return 0, fmt.Errorf("boto3 loop: %w", err)
	}
	rate, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
	if err != nil {
		return 0, fmt.Errorf("boto3 loop: %w", err)
	}
	return rate, nil
}
