package queue

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
)

// client returns the SDK's client of a server, with retries that do not wait.
func client(tb testing.TB, handler http.HandlerFunc) *sqs.Client {
	tb.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body) // an answer that beats its request's write breaks Go's HTTP client
		if err != nil {
			return // the client has gone
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		handler(w, r)
	}))
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 100
	tb.Cleanup(func() {
		transport.CloseIdleConnections()
		server.Close()
	})
	return sqs.New(sqs.Options{
		Region:       "eu-west-1",
		BaseEndpoint: aws.String(server.URL),
		Credentials:  credentials.NewStaticCredentialsProvider("AKIAEXAMPLE", "secret", ""),
		HTTPClient:   &http.Client{Transport: transport},
		Retryer: retry.NewStandard(func(o *retry.StandardOptions) {
			o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
		}),
	})
}

// receiveOnce receives the way a consumer does.
func receiveOnce(ctx context.Context, c *sqs.Client, b *Budget) (*received, error) {
	out, err := c.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: aws.String(testURL)}, b.fastReceive)
	if err != nil {
		return nil, err
	}
	return b.messagesOf(ctx, out)
}

func TestFastReceiveGivesWhatTheSDKGives(t *testing.T) {
	answer := sampleAnswer(t, 10)
	var signed atomic.Bool
	c := client(t, func(w http.ResponseWriter, r *http.Request) {
		signed.Store(strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/"))
		_, _ = w.Write(answer)
	})
	want, err := bySDK(t.Context(), answer)
	if err != nil {
		t.Fatal(err)
	}
	budget := NewBudget(1 << 20)
	got, err := receiveOnce(t.Context(), c, budget)
	if err != nil {
		t.Fatal(err)
	}
	diff(t, "messages", got.messages, want)
	diff(t, "bytes held", []int64{got.held, budget.Used()}, []int64{int64(len(answer)), int64(len(answer))})
	if !signed.Load() {
		t.Error("the request was not signed by the SDK")
	}
}

func TestFastReceiveLeavesFaultsToTheSDK(t *testing.T) {
	good := sampleAnswer(t, 1)
	for _, tc := range []struct {
		name     string
		answer   func(w http.ResponseWriter, attempt int32)
		attempts int32
		check    func(error) bool
	}{
		{"a missing queue is its typed error, not retried", func(w http.ResponseWriter, _ int32) {
			w.Header().Set("X-Amzn-Query-Error", "AWS.SimpleQueueService.NonExistentQueue;Sender")
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"gone"}`)
		}, 1, func(err error) bool {
			var missing *types.QueueDoesNotExist
			state, _ := classify(err)
			return errors.As(err, &missing) && state == StateQueueMissing
		}},
		{"a denied call is an API error, not retried", func(w http.ResponseWriter, _ int32) {
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, `{"__type":"com.amazon.coral#AccessDeniedException","Message":"not allowed"}`)
		}, 1, func(err error) bool {
			state, reason := classify(err)
			return state == StateAccessDenied && reason == "access denied: not allowed"
		}},
		{"a server fault is retried", func(w http.ResponseWriter, attempt int32) {
			if attempt < 3 {
				w.WriteHeader(http.StatusInternalServerError)
				return
			}
			_, _ = w.Write(good)
		}, 3, func(err error) bool { return err == nil }},
		{"a cut answer is an error, the poller's to try on", func(w http.ResponseWriter, _ int32) {
			w.Header().Set("Content-Length", "5000")
			_, _ = w.Write(good[:100])
		}, 1, func(err error) bool { return errors.Is(err, io.ErrUnexpectedEOF) }},
		{"an answer that is no JSON is a deserialisation error", func(w http.ResponseWriter, _ int32) {
			_, _ = io.WriteString(w, "<html>")
		}, 1, func(err error) bool {
			var de *smithy.DeserializationError
			return errors.As(err, &de)
		}},
		{"an answer larger than the budget is refused", func(w http.ResponseWriter, _ int32) {
			_, _ = w.Write(bytes.Repeat([]byte(" "), 20_000))
		}, 1, func(err error) bool {
			var large *tooLargeError
			return errors.As(err, &large)
		}},
		{"an endless answer without a length is refused", func(w http.ResponseWriter, _ int32) {
			for range 20 {
				_, _ = w.Write(bytes.Repeat([]byte(" "), 1000))
				w.(http.Flusher).Flush()
			}
		}, 1, func(err error) bool {
			var large *tooLargeError
			return errors.As(err, &large)
		}},
		{
			"an empty answer is no error", func(http.ResponseWriter, int32) {}, 1,
			func(err error) bool { return err == nil },
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var attempts atomic.Int32
			c := client(t, func(w http.ResponseWriter, _ *http.Request) { tc.answer(w, attempts.Add(1)) })
			budget := NewBudget(10_000)
			got, err := receiveOnce(t.Context(), c, budget)
			if !tc.check(err) {
				t.Errorf("error is %v", err)
			}
			if got != nil {
				budget.give(got.held)
			}
			diff(t, "attempts", attempts.Load(), tc.attempts)
			diff(t, "bytes held", budget.Used(), int64(0))
		})
	}
}

func TestAnswerWithoutLengthIsReadAndHeldAtItsSize(t *testing.T) {
	answer := sampleAnswer(t, 3)
	c := client(t, func(w http.ResponseWriter, _ *http.Request) {
		w.(http.Flusher).Flush()
		_, _ = w.Write(answer)
	})
	budget := NewBudget(1 << 20)
	got, err := receiveOnce(t.Context(), c, budget)
	if err != nil {
		t.Fatal(err)
	}
	diff(t, "messages and bytes held", []int64{int64(len(got.messages)), budget.Used()}, []int64{3, int64(len(answer))})
}

func TestAnswerWaitsUnreadWhileTheBudgetIsTaken(t *testing.T) {
	answer := sampleAnswer(t, 1)
	c := client(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(answer) })
	budget := NewBudget(int64(len(answer)))
	first, err := receiveOnce(t.Context(), c, budget)
	if err != nil {
		t.Fatal(err)
	}
	second := make(chan error, 1)
	go func() {
		_, err := receiveOnce(t.Context(), c, budget)
		second <- err
	}()
	select {
	case err := <-second:
		t.Fatalf("the second receive did not wait: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	budget.give(first.held)
	if err := <-second; err != nil {
		t.Fatal(err)
	}
}

func TestTooLargeAnswersAreAskedForOneByOne(t *testing.T) {
	f := newFake(numbered(10)...)
	budget := NewBudget(700) // one message's answer, not two
	c, err := New(client(t, serve(f)), testURL, ackAll, Options{
		Pollers: 1, Budget: budget, VisibilityTimeout: time.Second, ReceiveGrace: 50 * time.Millisecond,
		Jitter: func(time.Duration) time.Duration { return 0 },
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	for len(f.left()) > 0 && ctx.Err() == nil {
		time.Sleep(10 * time.Millisecond)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	diff(t, "messages left", f.left(), []string(nil))
	diff(t, "failed receives", c.Status().Stats.ReceiveErrors, uint64(1))
}

func TestClientKeepsAConnectionForEachCall(t *testing.T) {
	idle := func(pollers int) int {
		c := sqs.NewFromConfig(aws.Config{Region: "eu-west-1"}, ClientOptions(pollers))
		return c.Options().HTTPClient.(*awshttp.BuildableClient).GetTransport().MaxIdleConnsPerHost
	}
	diff(t, "idle connections", []int{idle(1), idle(32)}, []int{10, 68})
}

// serve speaks SQS's protocol for a fakeSQS.
func serve(f *fakeSQS) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var out any
		var err error
		switch _, op, _ := strings.Cut(r.Header.Get("X-Amz-Target"), "."); op {
		case "ReceiveMessage":
			out, err = call(r, f.ReceiveMessage)
		case "DeleteMessageBatch":
			out, err = call(r, f.DeleteMessageBatch)
		case "ChangeMessageVisibilityBatch":
			out, err = call(r, f.ChangeMessageVisibilityBatch)
		case "GetQueueAttributes":
			out, err = call(r, f.GetQueueAttributes)
		}
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			out = map[string]string{"__type": "com.amazonaws.sqs#QueueDoesNotExist", "message": err.Error()}
		}
		_ = json.NewEncoder(w).Encode(out)
	}
}

func call[In, Out any](
	r *http.Request, op func(context.Context, *In, ...func(*sqs.Options)) (*Out, error),
) (any, error) {
	in := new(In)
	if err := json.NewDecoder(r.Body).Decode(in); err != nil {
		return nil, err
	}
	return op(r.Context(), in)
}

func TestConsumerThroughTheSDK(t *testing.T) {
	const n = 500
	bodies := make([]string, n)
	for i := range bodies {
		bodies[i] = sampleBody(t)
	}
	f := newFake(bodies...)
	f.attrs = map[string]string{
		"RedrivePolicy": `{"deadLetterTargetArn":"arn:aws-cn:sqs:cn-north-1:1:dlq","maxReceiveCount":20}`,
	}
	once := map[string]bool{}
	f.entryFault = func(op, id string) string {
		if strings.HasSuffix(id, "7") && !once[id] {
			once[id] = true
			return "InternalError"
		}
		return ""
	}
	var mu sync.Mutex
	seen := map[string]bool{}
	all := make(chan struct{})
	handler := func(_ context.Context, b *Batch) {
		mu.Lock()
		defer mu.Unlock()
		for _, m := range b.Messages {
			if !bytes.Equal(m.Body, []byte(bodies[0])) {
				t.Error("a body differs from what was sent")
			}
			seen[m.ID] = true
		}
		if len(seen) == n {
			close(all)
		}
		b.AckAll()
	}
	c, err := New(client(t, serve(f)), testURL, handler, Options{
		Jitter:       func(time.Duration) time.Duration { return 0 },
		ReceiveGrace: 50 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	<-all
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	diff(t, "messages left", f.left(), []string(nil))
	s := c.Status()
	diff(t, "redrive", s.Attributes.Redrive, Redrive{true, 20, "arn:aws-cn:sqs:cn-north-1:1:dlq"})
	diff(t, "bytes held", c.opts.Budget.Used(), int64(0))
}
