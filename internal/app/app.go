// Package app builds a running daemon from a configuration: it opens the state, makes the AWS clients, wires engine,
// consumers, scheduler and listeners together, and stops them in the reverse order. It decides nothing itself.
package app

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"go.uber.org/zap"

	"rotd/internal/admin"
	"rotd/internal/audit"
	"rotd/internal/awskms"
	"rotd/internal/awss3"
	"rotd/internal/awssts"
	"rotd/internal/config"
	"rotd/internal/cost"
	"rotd/internal/engine"
	"rotd/internal/material"
	"rotd/internal/state"
)

// Options say what to run.
type Options struct {
	ConfigPath string
	Version    string
	Logger     *zap.Logger
	Reload     <-chan struct{} // each value reads the configuration again
}

// stopWithin bounds a stop: systemd and ECS give 90 and 30 seconds before they kill.
const stopWithin = 25 * time.Second

// Run runs the daemon until ctx ends, then stops it cleanly. An error means that it could not start, or stopped by
// itself.
func Run(ctx context.Context, o Options) error {
	cfg, err := config.Load(o.ConfigPath, knownIDs())
	if err != nil {
		return err
	}
	warn(cfg, o.Logger)
	if err := restoreLost(ctx, cfg, o.Logger); err != nil {
		return err
	}
	db, err := openState(cfg, o.Logger)
	if err != nil {
		return err
	}
	d := &daemonProcess{opts: o, cfg: cfg, db: db, log: o.Logger, started: time.Now().UTC()}
	d.prices.Store(&cfg.Prices)
	d.material.Store(&cfg.ImportedMaterial.Source)
	d.access.Store(access(cfg))
	err = d.run(ctx)
	return errors.Join(err, db.Close())
}

func warn(cfg *config.Config, log *zap.Logger) {
	for _, w := range cfg.Warnings {
		log.Warn("configuration", zap.String("warning", w.String()))
	}
}

// daemonProcess is one run of the daemon.
type daemonProcess struct {
	opts    Options
	cfg     *config.Config
	db      *state.DB
	log     *zap.Logger
	started time.Time
	unclean int          // starts shortly before this one that did not end cleanly
	home    awskms.Place // the daemon's own account and Region
	self    string       // the ARN that it calls AWS by
	clock   awskms.Clock // this machine's, by AWS's
	store   *awss3.Client
	engine  *engine.Engine
	fleet   *fleet // the accounts and Regions that are looked after
	parts   parts
	up      atomic.Bool            // everything is built: requests can be answered
	waiting atomic.Pointer[string] // what the start waits for
	prices  atomic.Pointer[cost.Prices]

	reloadRefused atomic.Pointer[refusal] // nil: the last reload was not, or there was none
	// material is where new material for keys with imported material comes from.
	material atomic.Pointer[material.Source]
	access   atomic.Pointer[admin.Access]
	proofs   *awssts.Verifier
}

// run starts everything, waits, and stops everything.
func (d *daemonProcess) run(ctx context.Context) error {
	err := d.db.Update(func(tx *state.Tx) (err error) {
		if d.unclean, err = tx.Starting(d.started, uncleanWindow); err != nil {
			return err
		}
		return tx.Audit(audit.Entry{
			Time: d.started, Actor: audit.Rotd, Event: audit.DaemonStarted, Detail: d.running(d.cfg),
		})
	})
	if err != nil {
		return fmt.Errorf("note the start: %w", remedy(err))
	}
	failed, err := d.begin(ctx)
	if err != nil {
		// Not to have started is no crash: the next start owes nothing to this one.
		err = errors.Join(err, d.closeDoors())
		if ctx.Err() != nil {
			d.log.Info("stopped before rotd was running", zap.Error(err))
			return nil
		}
		return err
	}
	d.notify(daemon.SdNotifyReady)
	d.log.Info("rotd is running", zap.String("version", d.opts.Version), zap.String("shard", d.cfg.Shard),
		zap.String("mode", string(d.cfg.Mode)), zap.String("config", d.opts.ConfigPath))
	watchdog, stopWatchdog := d.watchdog()
	defer stopWatchdog()
	for {
		select {
		case <-ctx.Done():
			d.notify(daemon.SdNotifyStopping)
			d.log.Info("stopping")
			return d.stop()
		case err := <-failed:
			d.log.Error("a part of rotd stopped by itself", zap.Error(err))
			return errors.Join(err, d.stop())
		case <-d.opts.Reload:
			d.notify(daemon.SdNotifyReloading + "\n" + daemon.SdNotifyMonotonicUsec())
			d.reload()
			d.notify(daemon.SdNotifyReady)
		case <-watchdog:
			d.pet()
		}
	}
}

// begin opens the doors first, so that people can see what the start waits for, then builds and starts the rest.
func (d *daemonProcess) begin(ctx context.Context) (<-chan error, error) {
	if err := d.openDoors(ctx); err != nil {
		return nil, err
	}
	failed := d.startDoors()
	if err := d.build(ctx); err != nil {
		return nil, err
	}
	if err := d.tellOpening(); err != nil {
		return nil, err
	}
	d.start(failed)
	d.up.Store(true)
	return failed, nil
}

// notify tells systemd, where it listens.
func (d *daemonProcess) notify(what string) {
	if _, err := daemon.SdNotify(false, what); err != nil {
		d.log.Warn("cannot tell systemd", zap.String("what", what), zap.Error(err))
	}
}

// watchdog ticks twice in each of systemd's watchdog intervals; never where there is none.
func (d *daemonProcess) watchdog() (<-chan time.Time, func()) {
	every, err := daemon.SdWatchdogEnabled(false)
	if err != nil || every == 0 {
		return nil, func() {}
	}
	ticker := time.NewTicker(every / 2)
	return ticker.C, ticker.Stop
}

// pet tells systemd that rotd lives, as long as its state can be read: what hangs there hangs for good.
func (d *daemonProcess) pet() {
	if err := d.db.View(func(tx *state.Tx) error { return nil }); err == nil {
		d.notify(daemon.SdNotifyWatchdog)
	}
}
