package queue

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
	"go.uber.org/zap"
)

// health knows whether SQS answers and whether receiving is paused. A fault and its end are logged once each, however
// many attempts lie between.
type health struct {
	log *zap.Logger

	mu          sync.Mutex
	state       State // never StatePaused
	reason      string
	since       time.Time
	failures    int
	lastReceive time.Time
	lastMessage time.Time

	paused      string // why, empty when not paused
	pausedSince time.Time
	resumed     chan struct{} // closed by resume; nil when not paused
}

func newHealth(log *zap.Logger) *health {
	return &health{log: log, state: StateStarting, since: time.Now(), reason: "has not reached the queue yet"}
}

// reachable notes that the queue answered something other than a receive. It is enough at the start, where a first
// long poll on an empty queue would take its whole wait time to prove the same; it does not mend a failing receive.
func (h *health) reachable() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.state == StateStarting {
		h.set(StateReceiving, "")
	}
}

func (h *health) succeeded(messages int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lastReceive = time.Now()
	if messages > 0 {
		h.lastMessage = h.lastReceive
	}
	if h.state == StateReceiving {
		return
	}
	if h.failures > 0 {
		h.log.Info("receiving again", zap.String("after", string(h.state)), zap.Int("failed_attempts", h.failures),
			zap.Duration("down", time.Since(h.since)))
	}
	h.failures = 0
	h.set(StateReceiving, "")
}

func (h *health) failed(err error) {
	state, reason := classify(err)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.failures++
	if h.state == state {
		h.reason = reason
		return
	}
	h.log.Warn("cannot receive, trying on", zap.String("state", string(state)), zap.String("reason", reason),
		zap.Error(err))
	h.set(state, reason)
}

func (h *health) stopped() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.set(StateStopped, "was stopped")
}

func (h *health) set(state State, reason string) {
	if h.state != state {
		h.state, h.since = state, time.Now()
	}
	h.reason = reason
}

// sound says whether receives succeed; while they do not, a short poll shows their recovery sooner than a long one.
func (h *health) sound() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.state == StateReceiving
}

func (h *health) pause(reason string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.resumed == nil {
		h.resumed, h.pausedSince = make(chan struct{}), time.Now()
		h.log.Warn("receiving paused", zap.String("reason", reason))
	}
	h.paused = reason
}

func (h *health) resume() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.resumed == nil {
		return
	}
	close(h.resumed)
	h.log.Info("receiving resumed", zap.String("reason", h.paused), zap.Duration("paused", time.Since(h.pausedSince)))
	h.resumed, h.paused = nil, ""
}

func (h *health) isPaused() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.resumed != nil
}

// waitResumed returns at once unless paused, then when resumed or when ctx ends.
func (h *health) waitResumed(ctx context.Context) {
	h.mu.Lock()
	resumed := h.resumed
	h.mu.Unlock()
	if resumed == nil {
		return
	}
	select {
	case <-ctx.Done():
	case <-resumed:
	}
}

func (h *health) fill(s *Status) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s.State, s.Reason, s.Since = h.state, h.reason, h.since
	if h.resumed != nil && h.state == StateReceiving {
		s.State, s.Reason, s.Since = StatePaused, h.paused, h.pausedSince
	}
	s.Ready = s.State == StateReceiving
	s.LastReceive, s.LastMessage = h.lastReceive, h.lastMessage
}

// classify says what a failed call means, and says it in plain words.
func classify(err error) (State, string) {
	if _, missing := errors.AsType[*types.QueueDoesNotExist](err); missing {
		return StateQueueMissing, "the queue does not exist"
	}
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		switch code := api.ErrorCode(); {
		case strings.HasSuffix(code, "NonExistentQueue"), strings.HasSuffix(code, "QueueDoesNotExist"):
			return StateQueueMissing, "the queue does not exist"
		case strings.Contains(code, "AccessDenied"):
			return StateAccessDenied, "access denied: " + api.ErrorMessage()
		}
	}
	return StateUnreachable, "receiving fails: " + err.Error()
}
