package awssim_test

import (
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"rotd/internal/awssim"
)

// inHand waits until n requests of an operation have arrived.
func (w *world) inHand(t *testing.T, operation string, n int) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for len(w.sim.Requests(awssim.OfOperation(operation))) < n {
		if time.Now().After(deadline) {
			t.Fatalf("no %d requests of %s", n, operation)
		}
		time.Sleep(time.Millisecond)
	}
}

// poll long-polls in the background.
func (w *world) poll(t *testing.T, url *string) <-chan []types.Message {
	t.Helper()
	got := make(chan []types.Message, 1)
	go func() {
		out, err := w.sqs.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
			QueueUrl: url, MaxNumberOfMessages: 10, WaitTimeSeconds: 20,
		})
		if err != nil {
			t.Error(err)
			out = &sqs.ReceiveMessageOutput{}
		}
		got <- out.Messages
	}()
	return got
}

func TestLongPollEndsWhenThereIsSomething(t *testing.T) {
	var handle *string
	tests := []struct {
		name    string
		prepare func(t *testing.T, w *world, url *string)
		trigger func(t *testing.T, w *world, url *string, clock *awssim.Clock)
	}{
		{
			name:    "a message arrives",
			prepare: func(*testing.T, *world, *string) {},
			trigger: func(t *testing.T, w *world, url *string, _ *awssim.Clock) { w.send(t, url, "x") },
		},
		{
			name: "a visibility timeout ends",
			prepare: func(t *testing.T, w *world, url *string) {
				w.send(t, url, "x")
				w.receive(t, url, 0)
			},
			trigger: func(_ *testing.T, _ *world, _ *string, clock *awssim.Clock) { clock.Advance(30 * time.Second) },
		},
		{
			name: "a delay ends",
			prepare: func(t *testing.T, w *world, url *string) {
				if _, err := w.sim.Deliver(awssim.Delivery{Queue: *url, Body: "x", Delay: time.Minute}); err != nil {
					t.Fatal(err)
				}
			},
			trigger: func(_ *testing.T, _ *world, _ *string, clock *awssim.Clock) { clock.Advance(time.Minute) },
		},
		{
			name: "a message is given back",
			prepare: func(t *testing.T, w *world, url *string) {
				w.send(t, url, "x")
				handle = w.receive(t, url, 0)[0].ReceiptHandle
			},
			trigger: func(t *testing.T, w *world, url *string, _ *awssim.Clock) {
				if _, err := w.sqs.ChangeMessageVisibility(t.Context(), &sqs.ChangeMessageVisibilityInput{
					QueueUrl: url, ReceiptHandle: handle, VisibilityTimeout: 0,
				}); err != nil {
					t.Fatal(err)
				}
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w, clock := standing(t)
			url := w.queue(t, "events")
			tt.prepare(t, w, url)
			before := len(w.sim.Requests(awssim.OfOperation("ReceiveMessage")))
			got := w.poll(t, url)
			w.inHand(t, "ReceiveMessage", before+1)
			tt.trigger(t, w, url, clock)
			if m := <-got; len(m) != 1 || *m[0].Body != "x" {
				t.Errorf("got %v, want one message", bodies(m))
			}
		})
	}
}

func TestEveryPollerIsWokenForItsShare(t *testing.T) {
	w, _ := standing(t)
	url := w.queue(t, "events")
	var pollers []<-chan []types.Message
	for range 4 {
		pollers = append(pollers, w.poll(t, url))
	}
	w.inHand(t, "ReceiveMessage", 4)
	for range 4 { // each send wakes whoever waits; what a poller leaves wakes the next
		w.send(t, url, "x")
	}
	total := 0
	for len(pollers) > 0 && total < 4 {
		total += len(<-pollers[0])
		pollers = pollers[1:]
	}
	if total != 4 {
		t.Errorf("pollers got %d messages, want 4", total)
	}
	for _, p := range pollers { // end the polls that got nothing
		w.send(t, url, "end")
		<-p
	}
}

func TestEmptyLongPollLastsWallTime(t *testing.T) {
	w, _ := standing(t)
	url := w.queue(t, "events")
	start := time.Now()
	if got := w.receive(t, url, 1); len(got) != 0 {
		t.Fatalf("got %v", bodies(got))
	}
	if took := time.Since(start); took < time.Second {
		t.Errorf("the poll lasted %v, want 1s", took)
	}
}

func TestDisorderDuplicatesAndReorders(t *testing.T) {
	w, clock := standing(t)
	url := w.queue(t, "events")
	if err := w.sim.Disorder(*url, awssim.Disorder{Duplicates: 1, Reordering: 1}); err != nil {
		t.Fatal(err)
	}
	want := []string{"a", "b", "c", "d", "e", "f", "g", "h"}
	w.send(t, url, want...)
	seen := map[string]int{}
	var order []string
	for {
		got := w.receive(t, url, 0)
		if len(got) == 0 {
			break
		}
		for _, m := range got {
			seen[*m.MessageId]++
			order = append(order, *m.Body)
			w.delete(t, url, m.ReceiptHandle)
		}
		clock.Advance(time.Second)
	}
	if len(seen) != len(want) {
		t.Errorf("got %d message ids, want %d", len(seen), len(want))
	}
	for id, n := range seen {
		if n != 2 {
			t.Errorf("message %s came %d times, want 2", id, n)
		}
	}
	if slices.IsSorted(order) {
		t.Errorf("messages came in order: %v", order)
	}
}
