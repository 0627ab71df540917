package awssim_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"rotd/internal/awssim"
)

func publish(t *testing.T, w *world, topic *string) error {
	t.Helper()
	_, err := w.sns.Publish(t.Context(), &sns.PublishInput{TopicArn: topic, Message: aws.String("m")})
	return err
}

func TestFaultStrikesAtItsMoment(t *testing.T) {
	const before, after = awssim.BeforeEffect, awssim.AfterEffect
	throttled := &awssim.APIError{Code: "Throttled", Status: 429, Message: "slow down"}
	tests := []struct {
		name     string
		fault    awssim.Fault
		effects  int // of the one Publish
		done     int // messages taken when Do ran
		code     string
		lost     bool // the connection broke
		answered bool
	}{
		{"an error before the effect", awssim.Fault{When: before, Err: throttled}, 0, 0, "Throttled", false, true},
		{"an error after the effect", awssim.Fault{When: after, Err: throttled}, 1, 1, "Throttled", false, true},
		{"a lost request", awssim.Fault{When: before, DropConnection: true}, 0, 0, "", true, false},
		{"a lost answer", awssim.Fault{When: after, DropConnection: true}, 1, 1, "", true, false},
		{"something done before the effect", awssim.Fault{When: before}, 1, 0, "", false, true},
		{"something done after the effect", awssim.Fault{When: after}, 1, 1, "", false, true},
		{"something done after the answer", awssim.Fault{When: awssim.AfterAnswer}, 1, 1, "", false, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w, _ := standing(t)
			topic := w.topic(t, "oncall")
			done := make(chan int, 1)
			tt.fault.Service, tt.fault.Operation, tt.fault.Nth = "sns", "Publish", 1
			tt.fault.Do = func() { done <- len(w.sim.Published(*topic)) }
			planned := w.sim.Plan(tt.fault)
			err := publish(t, w, topic)
			if got := <-done; got != tt.done {
				t.Errorf("%d messages had been taken when the fault struck, want %d", got, tt.done)
			}
			if err := w.sim.Close(); err != nil { // the request is over and recorded
				t.Fatal(err)
			}
			var apiErr smithy.APIError
			switch isAPI := errors.As(err, &apiErr); {
			case tt.code != "" && (!isAPI || apiErr.ErrorCode() != tt.code):
				t.Errorf("got %v, want %s", err, tt.code)
			case tt.lost && (err == nil || isAPI):
				t.Errorf("got %v, want a broken connection", err)
			case tt.code == "" && !tt.lost && err != nil:
				t.Error(err)
			}
			requests := w.sim.Requests(awssim.OfOperation("Publish"))
			if len(requests) != 1 || requests[0].Answered != tt.answered || requests[0].ErrorCode != tt.code {
				t.Errorf("the oracle has %+v", requests)
			}
			if n := len(w.sim.EffectsOf("Publish")); n != tt.effects || planned.Fired() != 1 {
				t.Errorf("%d effects, want %d; the fault fired %d times", n, tt.effects, planned.Fired())
			}
		})
	}
}

func TestFaultChoosesItsRequests(t *testing.T) {
	refuse := &awssim.APIError{Code: "Nope", Message: "no"}
	tests := []struct {
		name  string
		fault awssim.Fault
		want  string // of five publishes, alternating between the topics a and b: which are refused
	}{
		{"every one", awssim.Fault{Operation: "Publish"}, "xxxxx"},
		{"the third", awssim.Fault{Operation: "Publish", Nth: 3}, "..x.."},
		{"two from the second on", awssim.Fault{Operation: "Publish", Nth: 2, Times: 2}, ".xx.."},
		{"the first two", awssim.Fault{Service: "sns", Operation: "Publish", Times: 2}, "xx..."},
		{"those about a topic", awssim.Fault{Contains: "topic-b"}, ".x.x."},
		{"the second about a topic", awssim.Fault{Contains: "topic-a", Nth: 2}, "..x.."},
		{"those somebody chooses", awssim.Fault{Operation: "Publish", Match: func(r awssim.Incoming) bool {
			return r.Region == region && strings.Contains(string(r.Body), "topic-b")
		}}, ".x.x."},
		{"another service's", awssim.Fault{Service: "kms"}, "....."},
		{"another operation's", awssim.Fault{Operation: "PublishBatch"}, "....."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w, _ := standing(t)
			topics := []*string{w.topic(t, "topic-a"), w.topic(t, "topic-b")}
			tt.fault.Err = refuse
			planned := w.sim.Plan(tt.fault)
			var got strings.Builder
			for i := range 5 {
				if publish(t, w, topics[i%2]) != nil {
					got.WriteByte('x')
				} else {
					got.WriteByte('.')
				}
			}
			if got.String() != tt.want || planned.Fired() != strings.Count(tt.want, "x") {
				t.Errorf("refused %s (%d), want %s", got.String(), planned.Fired(), tt.want)
			}
			planned.Remove()
			if err := publish(t, w, topics[1]); err != nil {
				t.Errorf("after its removal: %v", err)
			}
		})
	}
}

func TestFaultMayBefallSomeEntriesOfABatch(t *testing.T) {
	w, _ := standing(t)
	url := w.queue(t, "events")
	w.send(t, url, "one", "two", "three")
	w.sim.Plan(awssim.Fault{
		Service: "sqs", Operation: "DeleteMessageBatch", Nth: 1, Entries: 2,
		Err: &awssim.APIError{Code: "InternalError", Status: 500, Message: "try again"},
	})
	var entries []types.DeleteMessageBatchRequestEntry
	for _, m := range w.receive(t, url, 0) {
		entries = append(entries, types.DeleteMessageBatchRequestEntry{Id: m.Body, ReceiptHandle: m.ReceiptHandle})
	}
	out, err := w.sqs.DeleteMessageBatch(t.Context(), &sqs.DeleteMessageBatchInput{QueueUrl: url, Entries: entries})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Failed) != 2 || *out.Failed[0].Code != "InternalError" || out.Failed[0].SenderFault ||
		len(out.Successful) != 1 || *out.Successful[0].Id != "three" {
		t.Errorf("got %+v", out)
	}
	if d := w.depth(t, url); d.InFlight != 2 {
		t.Errorf("got %+v, want two left", d)
	}
}

func TestOutageCutsAServiceOffWithItsLongPolls(t *testing.T) {
	w, _ := standing(t)
	url, topic := w.queue(t, "events"), w.topic(t, "oncall")
	polled := make(chan error, 1)
	go func() {
		_, err := w.sqs.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: url, WaitTimeSeconds: 20})
		polled <- err
	}()
	w.inHand(t, "ReceiveMessage", 1)
	w.sim.Outage("sqs", true)
	w.sim.Outage("sqs", true)
	if err := <-polled; err == nil {
		t.Error("the long poll was answered")
	}
	if _, err := w.sqs.ListQueues(t.Context(), &sqs.ListQueuesInput{}); err == nil {
		t.Error("SQS answered during its outage")
	}
	if err := publish(t, w, topic); err != nil {
		t.Errorf("SNS suffers from SQS's outage: %v", err)
	}
	w.sim.Outage("sqs", false)
	if _, err := w.sqs.ListQueues(t.Context(), &sqs.ListQueuesInput{}); err != nil {
		t.Error(err)
	}
	got := w.sim.Requests(awssim.OfService("sqs"), awssim.OfOperation("ListQueues"))
	if len(got) != 2 || got[0].ErrorCode != "Outage" || got[0].Answered || !got[1].Answered {
		t.Errorf("the oracle has %+v", got)
	}
}

func TestDelayIsWallTime(t *testing.T) {
	w, _ := standing(t)
	topic := w.topic(t, "oncall")
	w.sim.Plan(awssim.Fault{Operation: "Publish", When: awssim.AfterEffect, Delay: 50 * time.Millisecond})
	start := time.Now()
	if err := publish(t, w, topic); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took < 50*time.Millisecond {
		t.Errorf("answered after %v", took)
	}
}

func TestOracleTellsWhoDidWhatToWhat(t *testing.T) {
	w, clock := standing(t)
	topic := w.topic(t, "oncall")
	clock.Advance(time.Minute)
	bob := worldOf(t, w.sim, w.sim.NewAccessKey(account, "bob", "sqs:*"))
	if err := publish(t, bob, topic); err == nil {
		t.Error("bob may publish")
	}
	if err := publish(t, w, topic); err != nil {
		t.Fatal(err)
	}
	got := w.sim.Requests(awssim.OfResource(*topic), awssim.OfOperation("Publish"))
	for i := range got {
		if got[i].RequestID == "" {
			t.Error("a request has no id")
		}
		got[i].RequestID = ""
	}
	base := awssim.Request{
		Time: epoch.Add(time.Minute), Service: "sns", Operation: "Publish", Region: region, Answered: true,
		AccessKeyID: w.user.AccessKeyID, PrincipalARN: w.user.ARN, Resource: *topic, Seq: 3, Effect: true,
	}
	if diff := cmp.Diff([]awssim.Request{base}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	refused := w.sim.Requests(func(r awssim.Request) bool { return r.ErrorCode != "" })
	if len(refused) != 1 || refused[0].PrincipalARN != bob.user.ARN || refused[0].Effect {
		t.Errorf("refused: %+v", refused)
	}
}

func TestOracleForgetsTheOldestAndSaysSo(t *testing.T) {
	w := newWorld(t, awssim.Options{LogLimit: 3})
	for range 5 {
		if _, err := w.identity(t); err != nil {
			t.Fatal(err)
		}
	}
	got := w.sim.Requests()
	if len(got) != 3 || got[0].Seq != 3 || got[2].Seq != 5 || w.sim.ForgottenRequests() != 2 {
		t.Errorf("got %+v, forgotten %d", got, w.sim.ForgottenRequests())
	}
}

func TestUnsignedRequestIsRefused(t *testing.T) {
	w, _ := standing(t)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.sim.URL()+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := w.cfg.HTTPClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil || resp.StatusCode != http.StatusForbidden {
		t.Errorf("got %s, %v", resp.Status, err)
	}
}

func TestOnlyLoopbackIsListenedOn(t *testing.T) {
	sim := awssim.New(awssim.Options{Addr: "0.0.0.0:0"})
	if err := sim.Start(); err == nil || !strings.Contains(err.Error(), "not a loopback address") {
		t.Errorf("got %v", err)
	}
	if err := sim.Close(); err != nil {
		t.Error(err)
	}
}
