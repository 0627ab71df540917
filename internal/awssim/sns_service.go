package awssim

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// snsService simulates SNS's topics with SQS subscriptions.
type snsService struct {
	sim *Sim

	mu        sync.Mutex
	topics    map[string]*topic // by ARN
	listeners map[*func(Published)]struct{}
	changed   chan struct{} // closed and replaced at each publish
}

type topic struct {
	arn           string
	attrs         map[string]string
	fifo          bool
	subscriptions []*subscription
	published     []Published
	recent        map[string]dedupeEntry // FIFO: deduplication id
}

// subscription is a queue's; raw ones get the message, the others a notification around it.
type subscription struct {
	arn   string
	queue string // ARN
	raw   bool
}

type dedupeEntry struct {
	messageID string
	until     time.Time
}

// maxPublished is how many messages a topic remembers, the latest.
const maxPublished = 100_000

// Published is a message that a topic took.
type Published struct {
	Time            time.Time // simulated
	TopicARN        string
	MessageID       string
	Subject         string
	Message         string // as published: with MessageStructure json the whole JSON
	Structure       string // json or ""
	Attributes      map[string]PublishedAttribute
	GroupID         string
	DeduplicationID string
	PrincipalARN    string
}

// PublishedAttribute is a message attribute.
type PublishedAttribute struct {
	DataType    string
	StringValue string
	BinaryValue []byte
}

func newSNS(s *Sim) *snsService {
	return &snsService{
		sim: s, topics: map[string]*topic{}, listeners: map[*func(Published)]struct{}{},
		changed: make(chan struct{}),
	}
}

func (s *snsService) service() *service {
	return &service{
		name: "sns",
		protocol: awsQuery{
			namespace: "http://sns.amazonaws.com/doc/2010-03-31/",
			rename:    map[string]string{"AccessDeniedException": "AuthorizationError"},
		},
		action: func(op string) string {
			if op == "PublishBatch" {
				return "sns:Publish"
			}
			return "sns:" + op
		},
		ops: map[string]operation{
			"CreateTopic":        s.createTopic,
			"DeleteTopic":        s.deleteTopic,
			"GetTopicAttributes": s.getTopicAttributes,
			"Subscribe":          s.subscribe,
			"Publish":            s.publish,
			"PublishBatch":       s.publishBatch,
		},
	}
}

// CreateTopic makes a topic, or finds it, and returns its ARN. A name that ends in .fifo makes a FIFO topic.
func (s *Sim) CreateTopic(region, account, name string) (arn string) {
	s.sns.mu.Lock()
	defer s.sns.mu.Unlock()
	return s.sns.ensure(region, account, name, nil).arn
}

// SubscribeQueue subscribes a queue (URL, ARN or name) to a topic.
func (s *Sim) SubscribeQueue(topicARN, queue string, raw bool) error {
	q, err := s.sqs.find(queue)
	if err != nil {
		return err
	}
	s.sns.mu.Lock()
	defer s.sns.mu.Unlock()
	t := s.sns.topics[topicARN]
	if t == nil {
		return fmt.Errorf("awssim: no topic %s", topicARN)
	}
	s.sns.subscribeQueue(t, q.arn, raw)
	return nil
}

// Published are the last messages a topic took, oldest first. Those a FIFO topic recognised as duplicates are none.
func (s *Sim) Published(topicARN string) []Published {
	s.sns.mu.Lock()
	defer s.sns.mu.Unlock()
	t := s.sns.topics[topicARN]
	if t == nil {
		return nil
	}
	return slices.Clone(t.published)
}

// WaitPublished waits until a topic has taken at least n messages and returns them.
func (s *Sim) WaitPublished(ctx context.Context, topicARN string, n int) ([]Published, error) {
	for {
		s.sns.mu.Lock()
		changed := s.sns.changed
		s.sns.mu.Unlock()
		got := s.Published(topicARN)
		if len(got) >= n {
			return got, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return got, fmt.Errorf("awssim: waiting for %d messages on %s, got %d: %w", n, topicARN, len(got), ctx.Err())
		}
	}
}

// OnPublish has f called for each message taken from now on, before its answer; f must not block. stop ends that.
func (s *Sim) OnPublish(f func(Published)) (stop func()) {
	s.sns.mu.Lock()
	defer s.sns.mu.Unlock()
	key := &f
	s.sns.listeners[key] = struct{}{}
	return func() {
		s.sns.mu.Lock()
		defer s.sns.mu.Unlock()
		delete(s.sns.listeners, key)
	}
}
