package crash

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"rotd/internal/state"
	"rotd/test/crash/world"
)

// lives starts the daemon again whenever it was killed, as systemd would, after a look at the state it left.
type lives struct {
	w *world.World

	mu      sync.Mutex
	current *world.Daemon
	begun   int // daemons started
	kills   int // daemons that ended by SIGKILL
	started chan struct{}

	stopping bool
	ended    chan struct{}
	err      error // why no further daemon was started; valid once ended is closed
}

func newLives(w *world.World) *lives {
	return &lives{w: w, started: make(chan struct{}), ended: make(chan struct{})}
}

// begin starts the first daemon.
func (l *lives) begin() {
	go func() {
		defer close(l.ended)
		l.err = l.run()
	}()
}

func (l *lives) run() error {
	for {
		d, err := l.next()
		if d == nil {
			return err
		}
		<-d.Exited()
		if l.isStopping() {
			return nil
		}
		if !d.Killed() {
			return fmt.Errorf("rotd ended by itself:\n%s", d.Log.Tail(40))
		}
		if err := l.inspect(); err != nil {
			return fmt.Errorf("the state after kill %d: %w", l.kills, err)
		}
	}
}

// next starts a daemon; none when it is time to stop.
func (l *lives) next() (*world.Daemon, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stopping {
		return nil, nil //nolint:nilnil // none is an answer
	}
	d, err := l.w.Run()
	if err != nil {
		return nil, err
	}
	l.current = d
	l.begun++
	close(l.started)
	l.started = make(chan struct{})
	return d, nil
}

// inspect opens the state that a killed daemon left: it must be whole.
func (l *lives) inspect() error {
	l.mu.Lock()
	l.kills++
	l.mu.Unlock()
	return l.w.State(func(*state.Tx) error { return nil })
}

func (l *lives) isStopping() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stopping
}

// kill kills the daemon that runs and returns once it is gone.
func (l *lives) kill() {
	l.mu.Lock()
	d := l.current
	l.mu.Unlock()
	d.Kill()
}

// counts returns how many daemons were started and killed so far.
func (l *lives) counts() (begun, kills int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.begun, l.kills
}

// daemon waits for the n-th daemon and returns it.
func (l *lives) daemon(ctx context.Context, n int) (*world.Daemon, error) {
	for {
		l.mu.Lock()
		begun, d, started := l.begun, l.current, l.started
		l.mu.Unlock()
		if begun >= n {
			return d, nil
		}
		select {
		case <-started:
		case <-l.ended:
			return nil, errors.New("no further daemon was started")
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for daemon %d: %w", n, ctx.Err())
		}
	}
}

// stop ends the last daemon as systemd would and says what went wrong in any life.
func (l *lives) stop() error {
	l.mu.Lock()
	l.stopping = true
	d := l.current
	l.mu.Unlock()
	var err error
	if d != nil {
		err = d.Stop(30 * time.Second)
	}
	<-l.ended
	return errors.Join(l.err, err)
}

// maxRests bounds how often rotd is started only to tell what is left: each start reads the keys anew, and may find at
// its end once more that something is over.
const maxRests = 5

// tellTheRest starts rotd again while its outbox holds something. What a last reading found to be over while the daemon
// was asked to stop is durable and untold: the next one has to tell it.
func (s *story) tellTheRest(ctx context.Context) error {
	for range maxRests {
		waiting := 0
		err := s.w.State(func(tx *state.Tx) error {
			waiting = tx.WaitingCount()
			return nil
		})
		if err != nil || waiting == 0 {
			return err
		}
		if err := s.rest(ctx); err != nil {
			return err
		}
	}
	return nil // judge says what is left
}

// rest runs rotd until its outbox is empty.
func (s *story) rest(ctx context.Context) error {
	d, err := s.w.Run()
	if err != nil {
		return err
	}
	defer d.Kill()
	for {
		if status, err := s.w.Client.Status(ctx); err == nil && status.Ready && status.Outbox.Waiting == 0 {
			return d.Stop(30 * time.Second)
		}
		select {
		case <-d.Exited():
			return fmt.Errorf("rotd ended instead of telling what is left:\n%s", d.Log.Tail(40))
		case <-ctx.Done():
			return fmt.Errorf("wait for the outbox to drain: %w\n%s", ctx.Err(), d.Log.Tail(40))
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// abandon ends everything at once.
func (l *lives) abandon() {
	l.mu.Lock()
	l.stopping = true
	d := l.current
	l.mu.Unlock()
	if d != nil {
		d.Kill()
	}
	<-l.ended
}

// log is the end of the last daemon's log.
func (l *lives) log() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.current == nil {
		return ""
	}
	return l.current.Log.Tail(60)
}
