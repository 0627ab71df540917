package app

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"go.uber.org/zap"

	"rotd/internal/config"
	"rotd/internal/state"
)

// tellEvery is how often systemd hears that the state is still being opened.
const tellEvery = 10 * time.Second

// openState opens the state. A large file takes a while to verify, and longer to compact: systemd is told to wait.
func openState(cfg *config.Config, log *zap.Logger) (*state.DB, error) {
	stop := whileOpening(log, "opening the state")
	defer stop()
	db, err := state.Open(state.Options{Path: cfg.State.Path, Shard: cfg.Shard, Now: time.Now()})
	return db, remedy(err)
}

// remedy adds to what the disk refused what to do about it.
func remedy(err error) error {
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return fmt.Errorf("%w; make room, nothing is lost meanwhile", err)
	case errors.Is(err, syscall.EROFS):
		return fmt.Errorf("%w; rotd writes there: mount it writable, or set another state.path", err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w; rotd runs as uid %d, whose file and folder it must be", err, os.Geteuid())
	}
	return err
}

// whileOpening asks systemd for more time, again and again, until it is stopped, and says what takes it.
func whileOpening(log *zap.Logger, what string) (stop func()) {
	ended := make(chan struct{})
	var teller sync.WaitGroup
	teller.Go(func() {
		ticker := time.NewTicker(tellEvery)
		defer ticker.Stop()
		for begun := time.Now(); ; {
			select {
			case <-ended:
				return
			case <-ticker.C:
				log.Info("still "+what, zap.Duration("since", time.Since(begun).Round(time.Second)))
				_, err := daemon.SdNotify(false, "STATUS="+what+"\nEXTEND_TIMEOUT_USEC=60000000")
				if err != nil {
					log.Warn("cannot tell systemd that the start takes longer", zap.Error(err))
				}
			}
		}
	})
	return func() {
		close(ended)
		teller.Wait()
	}
}

// tellOpening tells what opening the state found: a damaged file set aside and a restored copy are findings.
func (d *daemonProcess) tellOpening() error {
	o := d.db.Opened
	if o.Backup != "" {
		d.log.Info("the state was migrated; a copy from before is kept", zap.String("backup", o.Backup))
	}
	d.tellCompaction(o.Compaction)
	if err := d.engine.NoteRestored(); err != nil {
		return err
	}
	if o.SetAside == "" {
		return nil
	}
	d.log.Error("the state file was damaged; it is set aside and a new state begun. Nothing automatic happens before "+
		"`rotd resume`", zap.String("damage", o.Damage), zap.String("set_aside", o.SetAside))
	return d.engine.NoteRecovered(o.SetAside, o.Damage)
}

func (d *daemonProcess) tellCompaction(c *state.Compaction) {
	switch {
	case c == nil:
	case c.Kept != "":
		d.log.Warn("the state was not compacted; it is used as it was", zap.String("why", c.Kept))
	default:
		d.log.Info("the state was compacted", zap.Int64("bytes_before", c.Before), zap.Int64("bytes", c.After),
			zap.Duration("took", c.Took))
	}
}
