package awssim

import (
	"fmt"
	"strings"
	"sync"
	"time"
)

// sqsService simulates SQS's standard queues. There are no FIFO queues.
type sqsService struct {
	sim     *Sim
	buffers sync.Pool // *[]byte, answers of ReceiveMessage

	mu     sync.RWMutex
	queues map[queueKey]*queue
}

type queueKey struct{ region, account, name string }

func newSQS(s *Sim) *sqsService {
	q := &sqsService{sim: s, queues: map[queueKey]*queue{}}
	q.buffers.New = func() any { return new([]byte) }
	return q
}

func (s *sqsService) service() *service {
	return &service{
		name: "sqs",
		protocol: awsJSON{
			contentType: "application/x-amz-json-1.0", queryCode: sqsQueryCode, rename: sqsErrorNames,
		},
		action: func(op string) string {
			if single, ok := strings.CutSuffix(op, "Batch"); ok {
				return "sqs:" + single
			}
			return ""
		},
		close: s.stop,
		ops: map[string]operation{
			"CreateQueue":                  s.createQueue,
			"GetQueueUrl":                  s.getQueueURL,
			"ListQueues":                   s.listQueues,
			"DeleteQueue":                  s.deleteQueue,
			"PurgeQueue":                   s.purgeQueue,
			"GetQueueAttributes":           s.getQueueAttributes,
			"SetQueueAttributes":           s.setQueueAttributes,
			"SendMessage":                  s.sendMessage,
			"SendMessageBatch":             s.sendMessageBatch,
			"ReceiveMessage":               s.receiveMessage,
			"DeleteMessage":                s.deleteMessage,
			"DeleteMessageBatch":           s.deleteMessageBatch,
			"ChangeMessageVisibility":      s.changeVisibility,
			"ChangeMessageVisibilityBatch": s.changeVisibilityBatch,
		},
	}
}

// stop takes the queues' alarms off the clock.
func (s *sqsService) stop() {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, q := range s.queues {
		q.mu.Lock()
		if q.stopAlarm != nil {
			q.stopAlarm()
		}
		q.mu.Unlock()
	}
}

// sqsErrorNames are what SQS calls common errors in its JSON protocol.
var sqsErrorNames = map[string]string{
	"InvalidClientTokenId":  "UnrecognizedClientException",
	"ExpiredToken":          "ExpiredTokenException",
	"InvalidParameterValue": "InvalidParameterValueException",
	"MissingParameter":      "MissingRequiredParameterException",
}

// sqsQueryCode is what an error was called in the query protocol; the SDK reports that as its code.
func sqsQueryCode(code string) string {
	switch code {
	case "QueueDoesNotExist":
		return "AWS.SimpleQueueService.NonExistentQueue"
	case "QueueNameExists":
		return "QueueAlreadyExists"
	case "BatchEntryIdsNotDistinct", "BatchRequestTooLong", "EmptyBatchRequest", "InvalidBatchEntryId",
		"MessageNotInflight", "PurgeQueueInProgress", "TooManyEntriesInBatchRequest", "UnsupportedOperation":
		return "AWS.SimpleQueueService." + code
	}
	return code
}

// queueFor finds the queue a request's QueueUrl names.
func (s *sqsService) queueFor(c *call, url string) (*queue, error) {
	rest, name := cutLast(url, '/')
	_, account := cutLast(rest, '/')
	s.mu.RLock()
	q := s.queues[queueKey{c.Region, account, name}]
	s.mu.RUnlock()
	if q == nil {
		return nil, apiErrorf("QueueDoesNotExist", 0, "The specified queue does not exist.")
	}
	c.Resource = q.arn
	if !c.permits(c.Action, q.arn) {
		return nil, unpermitted(c, c.Action, q.arn)
	}
	return q, nil
}

// cutLast cuts s at the last sep.
func cutLast(s string, sep byte) (before, after string) {
	i := strings.LastIndexByte(s, sep)
	return s[:max(i, 0)], s[i+1:]
}

// byARN is the queue of that ARN, nil when there is none.
func (s *sqsService) byARN(arn string) *queue {
	p, ok := parseARN(arn)
	if !ok || p.service != "sqs" {
		return nil
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.queues[queueKey{p.region, p.account, p.resource}]
}

// find is the one queue that an ARN, a URL or a name means.
func (s *sqsService) find(ref string) (*queue, error) {
	if q := s.byARN(ref); q != nil {
		return q, nil
	}
	_, name := cutLast(ref, '/')
	var found *queue
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, q := range s.queues {
		if q.key.name != name || name != ref && !strings.HasSuffix(ref, "/"+q.key.account+"/"+name) {
			continue
		}
		if found != nil {
			return nil, fmt.Errorf("awssim: %s names more than one queue, use an ARN", ref)
		}
		found = q
	}
	if found == nil {
		return nil, fmt.Errorf("awssim: no queue %s", ref)
	}
	return found, nil
}

// CreateQueue makes a queue with default attributes, or finds it, and returns its URL.
func (s *Sim) CreateQueue(region, account, name string) (url string) {
	return s.sqs.url(s.sqs.ensure(queueKey{region, account, name}, defaultQueueAttributes()))
}

func (s *sqsService) url(q *queue) string {
	return s.sim.URL() + "/" + q.key.account + "/" + q.key.name
}

// ensure returns the queue of that key, made with attrs unless it exists.
func (s *sqsService) ensure(key queueKey, attrs queueAttributes) *queue {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.queues[key]
	if q == nil {
		q = newQueue(s.sim, key, attrs)
		s.queues[key] = q
	}
	return q
}

// Delivery is a message put into a queue by no API call, as AWS's services do.
type Delivery struct {
	Queue    string // URL, ARN or name
	Body     string
	SenderID string        // default: a made-up service's
	Delay    time.Duration // simulated
}

const serviceSenderID = "AIDAAWSSIMSERVICESEND"

// Deliver puts a message into a queue and returns its id. SQS's size limit does not apply.
func (s *Sim) Deliver(d Delivery) (messageID string, err error) {
	q, err := s.sqs.find(d.Queue)
	if err != nil {
		return "", err
	}
	if d.SenderID == "" {
		d.SenderID = serviceSenderID
	}
	m := s.sqs.newMessage(d.Body, d.SenderID, nil)
	q.put(m, d.Delay)
	return m.id, nil
}

// Send is Deliver with defaults.
func (s *Sim) Send(queue, body string) (messageID string, err error) {
	return s.Deliver(Delivery{Queue: queue, Body: body})
}

// Disorder is what a standard queue may do and tests want often. Both are probabilities, per message sent.
type Disorder struct {
	Duplicates float64 // the message is delivered a second time, deleted or not
	Reordering float64 // the message overtakes others
}

// Disorder sets a queue's disorder for messages sent from now on.
func (s *Sim) Disorder(queue string, d Disorder) error {
	q, err := s.sqs.find(queue)
	if err != nil {
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.disorder = d
	return nil
}

// QueueDepth is how many messages a queue holds.
type QueueDepth struct{ Visible, InFlight, Delayed int }

// QueueDepth counts a queue's messages.
func (s *Sim) QueueDepth(queue string) (QueueDepth, error) {
	q, err := s.sqs.find(queue)
	if err != nil {
		return QueueDepth{}, err
	}
	return q.depth(), nil
}
