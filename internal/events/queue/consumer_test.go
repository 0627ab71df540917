package queue

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

// inBubble runs test with a consumer that is running and is stopped at the end.
func inBubble(t *testing.T, f *fakeSQS, handler Handler, opts Options, test func(c *Consumer, stop func() error)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f.changed = make(chan struct{}) // of this bubble
		for _, m := range f.messages {
			m.sent, m.visibleAt = time.Now(), time.Now()
		}
		c, err := New(f, testURL, handler, opts)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- c.Run(ctx) }()
		stop := sync.OnceValue(func() error {
			cancel()
			return <-ended
		})
		test(c, stop)
		if err := stop(); err != nil {
			t.Errorf("Run: %v", err)
		}
		if got := c.opts.Budget.Used(); got != 0 {
			t.Errorf("%d bytes of the budget were not given back", got)
		}
	})
}

func numbered(n int) []string {
	bodies := make([]string, n)
	for i := range bodies {
		bodies[i] = "body " + strconv.Itoa(i)
	}
	return bodies
}

func ackAll(_ context.Context, b *Batch) { b.AckAll() }

func diff(t *testing.T, what string, got, want any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

func TestAckedMessagesAreDeletedAndSeenOnce(t *testing.T) {
	f := newFake(numbered(57)...)
	var mu sync.Mutex
	seen := map[string]int{}
	handler := func(_ context.Context, b *Batch) {
		mu.Lock()
		defer mu.Unlock()
		for _, m := range b.Messages {
			seen[string(m.Body)] += m.ReceiveCount
			if m.Queue != testURL || m.SenderID != "AIDAEXAMPLE" || !m.SentAt.Equal(m.ReceivedAt) {
				t.Errorf("message is %+v", m)
			}
		}
		go b.AckAll()
	}
	inBubble(t, f, handler, Options{}, func(c *Consumer, _ func() error) {
		pass(time.Minute)
		want := map[string]int{}
		for _, body := range numbered(57) {
			want[body] = 1
		}
		diff(t, "bodies seen", seen, want)
		diff(t, "messages left", f.left(), []string(nil))
		s := c.Status()
		diff(t, "in hand and unsettled", [2]int{s.InHand, s.Unsettled}, [2]int{})
		diff(t, "deleted", [2]uint64{s.Stats.Messages, s.Stats.Deleted}, [2]uint64{57, 57})
	})
}

func TestMessageNotAckedComesBackAfterItsDelay(t *testing.T) {
	f := newFake("a", "b", "c")
	var at []time.Duration
	start := time.Time{}
	handler := func(_ context.Context, b *Batch) {
		if start.IsZero() {
			start = time.Now()
		}
		outcomes := make([]Disposition, len(b.Messages))
		for i, m := range b.Messages {
			at = append(at, time.Since(start))
			outcomes[i] = Disposition{Ack: m.ReceiveCount > 1 || string(m.Body) == "a", VisibleAfter: 30 * time.Second}
		}
		b.Done(outcomes)
	}
	inBubble(t, f, handler, Options{Pollers: 1}, func(*Consumer, func() error) {
		pass(2 * time.Minute)
		linger := 5 * time.Millisecond
		diff(t, "received at", at, []time.Duration{0, 0, 0, 30*time.Second + linger, 30*time.Second + linger})
		diff(t, "messages left", f.left(), []string(nil))
	})
}

func TestMessagesWithoutOutcomeAreNotDeleted(t *testing.T) {
	f := newFake("a", "b")
	first := true
	handler := func(_ context.Context, b *Batch) {
		if first {
			first = false
			b.Done([]Disposition{{Ack: true}})
			b.AckAll() // too late: only the first call counts
		}
	}
	inBubble(t, f, handler, Options{Pollers: 1}, func(*Consumer, func() error) {
		pass(time.Second)
		diff(t, "messages left", f.left(), []string{"m1"})
	})
}

func TestBatchInHandStaysInvisibleUntilDone(t *testing.T) {
	f := newFake(numbered(3)...)
	received := 0
	handler := func(ctx context.Context, b *Batch) {
		received++
		go func() {
			time.Sleep(10 * time.Minute)
			b.AckAll()
		}()
	}
	inBubble(t, f, handler, Options{}, func(c *Consumer, _ func() error) {
		pass(9 * time.Minute)
		diff(t, "hidden", f.hidden(), []string{"m0", "m1", "m2"})
		if s := c.Status(); s.InHand != 3 || time.Since(s.Oldest) != 9*time.Minute {
			t.Errorf("in hand %d, oldest since %v", s.InHand, time.Since(s.Oldest))
		}
		pass(2 * time.Minute)
		extensions := len(f.changes)
		pass(time.Hour)
		diff(t, "batches received", received, 1)
		diff(t, "messages left", f.left(), []string(nil))
		diff(t, "extensions after Done", len(f.changes), extensions)
	})
}

func TestReleaseDuringExtensionIsNotHiddenByIt(t *testing.T) {
	f := newFake("a")
	var held *Batch
	count := 0
	handler := func(_ context.Context, b *Batch) {
		if count = b.Messages[0].ReceiveCount; count > 1 {
			b.AckAll()
			return
		}
		held = b
	}
	f.changing = func() {
		if f.count("ChangeMessageVisibilityBatch") == 1 { // the first extension
			held.RetryAll(0)
			time.Sleep(3 * time.Second)
		}
	}
	inBubble(t, f, handler, Options{Pollers: 1}, func(*Consumer, func() error) {
		pass(30 * time.Second) // extended after 20 s or a little more, which takes 3 s
		diff(t, "receive count", count, 2)
	})
}

func TestDeletesOfSeveralReceivesShareCalls(t *testing.T) {
	f := newFake(numbered(40)...)
	inBubble(t, f, ackAll, Options{BatchSize: 4, Pollers: 1}, func(c *Consumer, _ func() error) {
		pass(time.Minute)
		diff(t, "messages left", f.left(), []string(nil))
		diff(t, "entries of each call", f.deletes, []int{10, 10, 10, 10})
	})
}

func TestFailedDeletesAreRetriedAndThenGivenUp(t *testing.T) {
	for _, tc := range []struct {
		name            string
		code            string
		failures        int // of m1
		callFails       bool
		deletes, lost   uint64
		receives, calls int
	}{
		{
			name: "a passing fault of one entry is retried",
			code: "InternalError", failures: 2, deletes: 3, receives: 1, calls: 3,
		},
		{
			name: "a fault that stays is given up, the message comes back",
			code: "InternalError", failures: 6, deletes: 3, lost: 1, receives: 2, calls: 7,
		},
		{
			name: "an invalid receipt handle is given up at once",
			code: "ReceiptHandleIsInvalid", failures: 1, deletes: 3, lost: 1, receives: 2, calls: 2,
		},
		{name: "a failed call is retried whole", callFails: true, deletes: 3, receives: 1, calls: 4},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newFake("a", "b", "c")
			failures := 0
			f.entryFault = func(op, id string) string {
				if op == "DeleteMessageBatch" && id == "m1" && failures < tc.failures {
					failures++
					return tc.code
				}
				return ""
			}
			if tc.callFails {
				left := 3
				f.fault = func(op string) error {
					if op == "DeleteMessageBatch" && left > 0 {
						left--
						return errDown
					}
					return nil
				}
			}
			inBubble(t, f, ackAll, Options{Pollers: 1}, func(c *Consumer, _ func() error) {
				pass(5 * time.Minute)
				s := c.Status().Stats
				diff(t, "deleted and given up", [2]uint64{s.Deleted, s.DeleteGivenUp}, [2]uint64{tc.deletes, tc.lost})
				diff(t, "receives of m1", f.messages[1].receives, tc.receives)
				diff(t, "calls", f.count("DeleteMessageBatch"), tc.calls)
				diff(t, "messages left", f.left(), []string(nil))
			})
		})
	}
}

func TestUnansweredQueueMakesNotReadyAndIsTriedOn(t *testing.T) {
	for _, tc := range []struct {
		name   string
		err    error
		state  State
		reason string
	}{
		{
			"a missing queue", &smithy.GenericAPIError{Code: "AWS.SimpleQueueService.NonExistentQueue"},
			StateQueueMissing, "the queue does not exist",
		},
		{
			"a denied queue", &smithy.GenericAPIError{Code: "AccessDenied", Message: "no sqs:ReceiveMessage"},
			StateAccessDenied, "access denied: no sqs:ReceiveMessage",
		},
		{"a queue that cannot be reached", errDown, StateUnreachable, "receiving fails: receiving: connection refused"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newFake("a")
			f.fault = failing(tc.err, "ReceiveMessage", "GetQueueAttributes")
			core, logs := observer.New(zapcore.InfoLevel)
			inBubble(t, f, ackAll, Options{Pollers: 2, Logger: zap.New(core)}, func(c *Consumer, _ func() error) {
				pass(10 * time.Minute)
				s := c.Status()
				diff(t, "ready, state, reason", words(s.Ready, s.State, s.Reason), words(false, tc.state, tc.reason))
				if n := f.count("ReceiveMessage"); n < 120 { // 10 s apart at most, by two pollers
					t.Errorf("%d attempts in ten minutes", n)
				}
				diff(t, "log lines of the outage", logs.Len(), 2) // receiving, and the attributes
				f.setFault(nil)
				pass(15 * time.Second)
				s = c.Status()
				diff(t, "ready, state, reason", words(s.Ready, s.State, s.Reason), "true receiving")
				diff(t, "log lines", logs.FilterMessageSnippet("again").Len(), 2)
				diff(t, "messages left", f.left(), []string(nil))
			})
		})
	}
}

// pass lets time go by until nothing more happens at its end.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// words joins values with spaces.
func words(values ...any) string { return strings.TrimSpace(fmt.Sprintln(values...)) }

func TestIdleQueueIsReadyBeforeTheFirstLongPollEnds(t *testing.T) {
	inBubble(t, newFake(), ackAll, Options{}, func(c *Consumer, _ func() error) {
		pass(time.Millisecond)
		if s := c.Status(); !s.Ready || s.State != StateReceiving {
			t.Errorf("ready %v, %s: %s", s.Ready, s.State, s.Reason)
		}
	})
}

func TestPauseStopsReceivingUntilResume(t *testing.T) {
	f := newFake()
	handled := 0
	handler := func(_ context.Context, b *Batch) {
		handled++
		b.AckAll()
	}
	inBubble(t, f, handler, Options{Pollers: 1}, func(c *Consumer, _ func() error) {
		pass(time.Second)
		c.Pause("the disk is full")
		f.send("a") // into a long poll under way
		pass(time.Minute)
		s := c.Status()
		diff(t, "status", words(s.Ready, s.State, s.Reason), "false paused the disk is full")
		diff(t, "handled, hidden", words(handled, f.hidden()), "0 []")
		polls := f.count("ReceiveMessage")
		pass(time.Hour)
		diff(t, "unhandled", c.Status().Stats.Unhandled, uint64(1))
		diff(t, "receives while paused", f.count("ReceiveMessage"), polls)
		c.Resume()
		c.Resume()
		pass(time.Second)
		diff(t, "handled, ready", words(handled, c.Status().Ready), "1 true")
	})
}

func TestHandlerPanicCostsItsBatchADelayOnly(t *testing.T) {
	f := newFake(numbered(20)...)
	var panics []any
	var second []time.Duration
	handler := func(_ context.Context, b *Batch) {
		for _, m := range b.Messages {
			if m.ID == "m3" && m.ReceiveCount == 1 {
				panic("a poisonous message")
			}
			if m.ReceiveCount == 2 {
				second = append(second, time.Since(m.SentAt))
			}
		}
		b.AckAll()
	}
	opts := Options{Pollers: 1, OnPanic: func(value any, stack []byte) {
		panics = append(panics, value, len(stack) > 0)
	}}
	inBubble(t, f, handler, opts, func(c *Consumer, _ func() error) {
		pass(10 * time.Second)
		diff(t, "messages left", len(f.left()), 10)
		pass(time.Minute)
		diff(t, "messages left", f.left(), []string(nil))
		diff(t, "panics", panics, []any{"a poisonous message", true})
		if second[0].Truncate(time.Second) != 30*time.Second {
			t.Errorf("came back after %v", second[0])
		}
	})
}

func TestStopLetsWorkInHandFinish(t *testing.T) {
	f := newFake(numbered(10)...)
	handler := func(ctx context.Context, b *Batch) {
		go func() {
			time.Sleep(7 * time.Second)
			if ctx.Err() != nil {
				t.Error("the handler's context ended before the drain time was over")
			}
			b.AckAll()
		}()
	}
	inBubble(t, f, handler, Options{}, func(c *Consumer, stop func() error) {
		pass(time.Second)
		start := time.Now()
		if err := stop(); err != nil {
			t.Error(err)
		}
		diff(t, "took", time.Since(start), 6*time.Second)
		diff(t, "messages left", f.left(), []string(nil))
		diff(t, "state", c.Status().State, StateStopped)
	})
}

func TestStopMakesVisibleWhatIsNotDone(t *testing.T) {
	f := newFake(numbered(15)...)
	var held []*Batch
	handler := func(ctx context.Context, b *Batch) {
		held = append(held, b)
		if len(held) == 2 {
			<-ctx.Done() // a handler that blocks its poller
		}
	}
	inBubble(t, f, handler, Options{Pollers: 1}, func(c *Consumer, stop func() error) {
		pass(2 * time.Minute)
		diff(t, "hidden", len(f.hidden()), 15)
		start := time.Now()
		if err := stop(); err != nil {
			t.Error(err)
		}
		if took := time.Since(start); took > 12*time.Second {
			t.Errorf("stopping took %v", took)
		}
		diff(t, "hidden", f.hidden(), []string(nil))
		diff(t, "abandoned", c.Status().Stats.Abandoned, uint64(15))
		held[0].AckAll() // too late: must neither delete nor block nor panic
		diff(t, "messages left", len(f.left()), 15)
	})
}

func TestMessagesReceivedDuringStopAreMadeVisible(t *testing.T) {
	f := newFake()
	handled := false
	handler := func(_ context.Context, b *Batch) {
		handled = true
		b.AckAll()
	}
	f.answering = func(*sqs.ReceiveMessageInput) { time.Sleep(500 * time.Millisecond) } // a slow answer
	inBubble(t, f, handler, Options{Pollers: 1}, func(c *Consumer, stop func() error) {
		pass(time.Second)
		f.send("a")
		pass(100 * time.Millisecond)
		if err := stop(); err != nil {
			t.Error(err)
		}
		diff(t, "handled, hidden, left", words(handled, f.hidden(), f.left()), "false [] [m0]")
	})
}

func TestStopIsBoundedWhenSQSIsDown(t *testing.T) {
	f := newFake(numbered(30)...)
	f.fault = failing(errDown, "DeleteMessageBatch", "ChangeMessageVisibilityBatch")
	inBubble(t, f, ackAll, Options{}, func(c *Consumer, stop func() error) {
		pass(100 * time.Millisecond)
		f.setFault(failing(errDown, "DeleteMessageBatch", "ChangeMessageVisibilityBatch", "ReceiveMessage"))
		start := time.Now()
		if err := stop(); err != nil {
			t.Error(err)
		}
		if took := time.Since(start); took > 7*time.Second {
			t.Errorf("stopping took %v", took)
		}
	})
}

func TestUnsettledMessagesAreBounded(t *testing.T) {
	f := newFake(numbered(500)...)
	most := 0
	hold := func(context.Context, *Batch) {}
	inBubble(t, f, hold, Options{Pollers: 8, MaxUnsettled: 60}, func(c *Consumer, _ func() error) {
		pass(time.Minute)
		most = c.Status().InHand
		diff(t, "in hand", most, 60)
	})
}

func TestBytesInHandAreBoundedOverConsumers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		budget := NewBudget(25)
		f := newFake(numbered(40)...) // of 6 or 7 bytes
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		for range 2 {
			c, err := New(f, testURL, func(_ context.Context, b *Batch) {
				if used := budget.Used(); used > 25 {
					t.Errorf("%d bytes in hand", used)
				}
				time.AfterFunc(time.Second, b.AckAll)
			}, Options{Budget: budget, BatchSize: 2})
			if err != nil {
				t.Fatal(err)
			}
			running.Go(func() { _ = c.Run(ctx) })
		}
		pass(time.Minute)
		cancel()
		running.Wait()
		diff(t, "messages left", f.left(), []string(nil))
		diff(t, "bytes in hand", budget.Used(), int64(0))
	})
}

func TestSettingsThatCannotBeAreRefused(t *testing.T) {
	for _, tc := range []struct {
		name string
		opts Options
		want string
	}{
		{"a batch of eleven", Options{BatchSize: 11}, "queue q: batch size is 11, must be 1 to 10"},
		{
			"a wait longer than SQS allows",
			Options{WaitTime: time.Minute},
			"queue q: wait time is 1m0s, SQS allows at most 20s",
		},
		{
			"extensions that come too late",
			Options{VisibilityTimeout: time.Second, ExtendEvery: time.Second},
			"queue q: visibility is extended every 1s, after its timeout of 1s",
		},
		{
			"less room than a batch",
			Options{MaxUnsettled: 9},
			"queue q: at most 9 unsettled messages cannot hold a batch of 10",
		},
		{
			"a visibility timeout beyond 12 hours",
			Options{VisibilityTimeout: 13 * time.Hour},
			"queue q: visibility timeout is 13h0m0s, must be 1s to 12h0m0s",
		},
		{"pollers below zero", Options{Pollers: -1}, "queue q: pollers is -1, must be at least 1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := New(newFake(), "q", ackAll, tc.opts)
			diff(t, "error", err.Error(), tc.want)
		})
	}
}
