package queue

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"go.uber.org/zap"
)

// Attributes is what SQS says about the queue. All counts are SQS's approximations.
type Attributes struct {
	ReadAt            time.Time // of the last answer; zero before the first, the rest is unknown then
	Error             string    // why the last attempt to read them failed; the rest is then as of ReadAt
	ARN               string
	Visible           int64
	InFlight          int64
	Delayed           int64
	VisibilityTimeout time.Duration // the queue's own default
	Redrive           Redrive
	Sources           []string // ARNs that the queue's policy names as senders (aws:SourceArn), patterns among them
	DeadLetters       int64    // messages in the dead-letter queue; unknown when DeadLetterError says why, or without one
	DeadLetterError   string
}

// Redrive is a queue's redrive policy. A queue without one keeps a message that nobody can read until it expires.
type Redrive struct {
	Present         bool
	MaxReceiveCount int
	DeadLetterARN   string
}

// attributeReader keeps a recent copy of the queue's attributes.
type attributeReader struct {
	client SQS
	url    string
	every  time.Duration
	outage *outage
	dead   *outage // of the dead-letter queue, which rotd may not be allowed to ask
	stats  *counters
	log    *zap.Logger

	mu   sync.Mutex
	last Attributes
}

// run reads the attributes now and then, sooner after a failure, and calls answered after each success.
func (r *attributeReader) run(ctx context.Context, answered func()) {
	for {
		wait := r.every
		switch err := r.read(ctx); {
		case err == nil:
			answered()
		case ctx.Err() == nil:
			r.stats.attributeFailures.Add(1)
			wait = min(wait, backoffLimit)
		}
		if !sleep(ctx, wait) {
			return
		}
	}
}

func (r *attributeReader) read(parent context.Context) error {
	ctx, cancel := context.WithTimeout(parent, callTimeout)
	defer cancel()
	out, err := r.client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: &r.url,
		AttributeNames: []types.QueueAttributeName{
			types.QueueAttributeNameQueueArn,
			types.QueueAttributeNameApproximateNumberOfMessages,
			types.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
			types.QueueAttributeNameApproximateNumberOfMessagesDelayed,
			types.QueueAttributeNameVisibilityTimeout,
			types.QueueAttributeNameRedrivePolicy,
			types.QueueAttributeNamePolicy,
		},
	})
	if parent.Err() != nil {
		return err
	}
	r.outage.note(err)
	var a Attributes
	if err == nil {
		a = parseAttributes(out.Attributes)
		r.readDeadLetters(ctx, &a)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		r.last.Error = err.Error()
		return err
	}
	first := r.last.ReadAt.IsZero()
	r.last = a
	if first && !r.last.Redrive.Present {
		r.log.Warn("the queue has no redrive policy: what cannot be decoded is acknowledged after some receives instead " +
			"of moving to a dead-letter queue")
	}
	r.last.ReadAt = time.Now()
	return nil
}

// readDeadLetters asks how many messages wait in the dead-letter queue. That rotd may not ask is no fault of the
// intake.
func (r *attributeReader) readDeadLetters(ctx context.Context, a *Attributes) {
	if !a.Redrive.Present {
		return
	}
	url := DeadLetterURL(r.url, a.Redrive.DeadLetterARN)
	out, err := r.client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: &url, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameApproximateNumberOfMessages},
	})
	if err == nil {
		a.DeadLetters, err = strconv.ParseInt(
			out.Attributes[string(types.QueueAttributeNameApproximateNumberOfMessages)], 10, 64)
	}
	r.dead.note(err)
	if err != nil {
		a.DeadLetterError = err.Error()
	}
}

// DeadLetterURL is the URL of a queue's dead-letter queue, which is always of the same account and Region.
func DeadLetterURL(url, arn string) string {
	return url[:strings.LastIndexByte(url, '/')+1] + arn[strings.LastIndexByte(arn, ':')+1:]
}

func (r *attributeReader) get() Attributes {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.last
}

func parseAttributes(attrs map[string]string) Attributes {
	number := func(name types.QueueAttributeName) int64 {
		n, _ := strconv.ParseInt(attrs[string(name)], 10, 64) // absent or odd: unknown, shown as 0
		return n
	}
	a := Attributes{
		ARN:      attrs[string(types.QueueAttributeNameQueueArn)],
		Visible:  number(types.QueueAttributeNameApproximateNumberOfMessages),
		InFlight: number(types.QueueAttributeNameApproximateNumberOfMessagesNotVisible),
		Delayed:  number(types.QueueAttributeNameApproximateNumberOfMessagesDelayed),
	}
	a.Sources = sourceARNs(attrs[string(types.QueueAttributeNamePolicy)])
	a.VisibilityTimeout = time.Duration(number(types.QueueAttributeNameVisibilityTimeout)) * time.Second
	if policy := attrs[string(types.QueueAttributeNameRedrivePolicy)]; policy != "" {
		var err error
		if a.Redrive, err = parseRedrive(policy); err != nil {
			a.Error = err.Error()
		}
	}
	return a
}

// parseRedrive reads a RedrivePolicy, whose maxReceiveCount SQS gives as a number or as a string, as it was set.
func parseRedrive(policy string) (Redrive, error) {
	var p struct {
		DeadLetterTargetArn string         `json:"deadLetterTargetArn"`
		MaxReceiveCount     jsontext.Value `json:"maxReceiveCount"`
	}
	if err := json.Unmarshal([]byte(policy), &p); err != nil {
		return Redrive{}, fmt.Errorf("reading the redrive policy: %w", err)
	}
	n, err := strconv.Atoi(strings.Trim(string(p.MaxReceiveCount), `"`))
	if err != nil {
		return Redrive{}, fmt.Errorf("reading the redrive policy: maxReceiveCount is %s", p.MaxReceiveCount)
	}
	return Redrive{Present: p.DeadLetterTargetArn != "", MaxReceiveCount: n, DeadLetterARN: p.DeadLetterTargetArn}, nil
}
