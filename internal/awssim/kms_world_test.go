package awssim

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"
)

const (
	home      = "111122223333"
	elsewhere = "444455556666"
	east      = "us-east-1"
	west      = "us-west-2"
)

// world is a running simulator whose time stands still, and an SDK client of one user.
type world struct {
	*Sim
	t     *testing.T
	alice Principal
	kms   *kms.Client
}

func newWorld(t *testing.T) *world {
	t.Helper()
	sim := New(Options{
		Clock:   NewScaledClock(time.Date(2026, time.November, 2, 9, 0, 0, 0, time.UTC), 0),
		Seed:    7,
		Latency: time.Millisecond, // an answer that beats its request's write breaks Go's HTTP client
	})
	if err := sim.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := sim.Close(); err != nil {
			t.Error(err)
		}
	})
	w := &world{Sim: sim, t: t, alice: sim.NewAccessKey(home, "alice")}
	w.kms = w.client(w.alice, east)
	return w
}

func (w *world) client(p Principal, region string) *kms.Client {
	return kms.NewFromConfig(w.As(p, region))
}

// key makes a key by the setup API in the home account and east Region and returns its ARN.
func (w *world) key(o KeyOptions) string {
	w.t.Helper()
	if o.Account == "" {
		o.Account = home
	}
	if o.Region == "" {
		o.Region = east
	}
	arn, err := w.KMS().CreateKey(o)
	if err != nil {
		w.t.Fatal(err)
	}
	return arn
}

// truth is the key as it really is.
func (w *world) truth(arn string) KMSKey {
	w.t.Helper()
	key, ok := w.KMS().Key(arn)
	if !ok {
		w.t.Fatalf("no key %s", arn)
	}
	return key
}

// want fails unless err has the code, "" meaning none.
func (w *world) want(err error, code string) {
	w.t.Helper()
	if got := errorCode(err); got != code {
		w.t.Fatalf("error code %q, want %q (%v)", got, code, err)
	}
}

func errorCode(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode()
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

// must is for calls whose failure is not the test's point.
func must[T any](t *testing.T, v T, err error) T {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// queue makes a queue that a rule fills, and a function that takes all its messages away.
func (w *world) queue(rule EventRule) (drain func() []map[string]any) {
	w.t.Helper()
	rule.Queue = arnOf("sqs", east, home, "events")
	w.CreateQueue(east, home, "events")
	if err := w.AddEventRule(rule); err != nil {
		w.t.Fatal(err)
	}
	return func() (events []map[string]any) {
		w.t.Helper()
		for _, body := range w.drain(east, home, "events") {
			var e map[string]any
			if err := json.Unmarshal([]byte(body), &e); err != nil {
				w.t.Fatal(err)
			}
			events = append(events, e)
		}
		return events
	}
}

// drain takes all visible messages out of a queue.
func (w *world) drain(region, account, name string) (bodies []string) {
	w.t.Helper()
	client := sqs.NewFromConfig(w.As(w.alice, region))
	url := new(w.URL() + "/" + account + "/" + name)
	for {
		out, err := client.ReceiveMessage(ctx(), &sqs.ReceiveMessageInput{QueueUrl: url, MaxNumberOfMessages: 10})
		if err != nil {
			w.t.Fatal(err)
		}
		if len(out.Messages) == 0 {
			return bodies
		}
		for _, m := range out.Messages {
			bodies = append(bodies, *m.Body)
			in := &sqs.DeleteMessageInput{QueueUrl: url, ReceiptHandle: m.ReceiptHandle}
			if _, err := client.DeleteMessage(ctx(), in); err != nil {
				w.t.Fatal(err)
			}
		}
	}
}

func ctx() context.Context { return context.Background() }
