package awssim

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

var queueName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`)

type createQueueInput struct {
	QueueName  string            `json:"QueueName"`
	Attributes map[string]string `json:"Attributes"`
}

type queueURLOutput struct {
	QueueURL string `json:"QueueUrl"`
}

func (s *sqsService) createQueue(c *call) (any, error) {
	var in createQueueInput
	if err := decodeJSON(c, &in); err != nil {
		return nil, err
	}
	if !queueName.MatchString(in.QueueName) {
		return nil, apiErrorf("InvalidParameterValue", 0, "Can only include alphanumeric characters, hyphens, or "+
			"underscores. 1 to 80 in length; awssim has no FIFO queues")
	}
	attrs, err := defaultQueueAttributes().with(in.Attributes, s)
	if err != nil {
		return nil, err
	}
	key := queueKey{c.Region, c.account(), in.QueueName}
	q := s.ensure(key, attrs)
	q.mu.Lock()
	defer q.mu.Unlock()
	for name, value := range in.Attributes {
		if q.attrs.raw[name] != value {
			return nil, apiErrorf("QueueNameExists", 0, "A queue already exists with the same name and a different "+
				"value for attribute %s", name)
		}
	}
	c.Resource, c.Effect = q.arn, true
	return queueURLOutput{s.url(q)}, nil
}

func (s *sqsService) getQueueURL(c *call) (any, error) {
	var in struct {
		QueueName, QueueOwnerAWSAccountID string
	}
	if err := decodeJSON(c, &in); err != nil {
		return nil, err
	}
	account := in.QueueOwnerAWSAccountID
	if account == "" {
		account = c.account()
	}
	q, err := s.queueFor(c, account+"/"+in.QueueName)
	if err != nil {
		return nil, err
	}
	return queueURLOutput{s.url(q)}, nil
}

func (s *sqsService) listQueues(c *call) (any, error) {
	var in struct{ QueueNamePrefix string }
	if err := decodeJSON(c, &in); err != nil {
		return nil, err
	}
	if err := aboutAnything(c); err != nil {
		return nil, err
	}
	var out struct {
		QueueURLs []string `json:"QueueUrls,omitempty"`
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	for key, q := range s.queues {
		if key.region == c.Region && key.account == c.account() && strings.HasPrefix(key.name, in.QueueNamePrefix) {
			out.QueueURLs = append(out.QueueURLs, s.url(q))
		}
	}
	slices.Sort(out.QueueURLs)
	return out, nil
}

func (s *sqsService) deleteQueue(c *call) (any, error) {
	q, err := s.queueOf(c)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	delete(s.queues, q.key)
	s.mu.Unlock()
	q.mu.Lock()
	defer q.mu.Unlock()
	q.deleted = true
	q.wakeAll()
	c.Effect = true
	return nil, nil
}

// queueOf is the queue of a request that only names one.
func (s *sqsService) queueOf(c *call) (*queue, error) {
	var in queueURLOutput
	if err := decodeJSON(c, &in); err != nil {
		return nil, err
	}
	return s.queueFor(c, in.QueueURL)
}

const purgeInterval = time.Minute

func (s *sqsService) purgeQueue(c *call) (any, error) {
	q, err := s.queueOf(c)
	if err != nil {
		return nil, err
	}
	q.mu.Lock()
	tooSoon := !q.purged.IsZero() && c.Time.Sub(q.purged) < purgeInterval
	if !tooSoon {
		q.purged = c.Time
	}
	q.mu.Unlock()
	if tooSoon {
		return nil, apiErrorf("PurgeQueueInProgress", 0,
			"Only one PurgeQueue operation on %s is allowed every 60 seconds.", q.key.name)
	}
	q.purge()
	c.Effect = true
	return nil, nil
}

func (s *sqsService) getQueueAttributes(c *call) (any, error) {
	var in struct {
		QueueURL       string `json:"QueueUrl"`
		AttributeNames []string
	}
	if err := decodeJSON(c, &in); err != nil {
		return nil, err
	}
	q, err := s.queueFor(c, in.QueueURL)
	if err != nil {
		return nil, err
	}
	depth := q.depth()
	q.mu.Lock()
	all := maps.Clone(q.attrs.raw)
	modified := q.modified
	q.mu.Unlock()
	all["QueueArn"] = q.arn
	all["CreatedTimestamp"] = strconv.FormatInt(q.created.Unix(), 10)
	all["LastModifiedTimestamp"] = strconv.FormatInt(modified.Unix(), 10)
	all["ApproximateNumberOfMessages"] = strconv.Itoa(depth.Visible)
	all["ApproximateNumberOfMessagesNotVisible"] = strconv.Itoa(depth.InFlight)
	all["ApproximateNumberOfMessagesDelayed"] = strconv.Itoa(depth.Delayed)
	if !slices.Contains(in.AttributeNames, "All") {
		maps.DeleteFunc(all, func(name, _ string) bool { return !slices.Contains(in.AttributeNames, name) })
	}
	return struct {
		Attributes map[string]string `json:",omitempty"`
	}{all}, nil
}

func (s *sqsService) setQueueAttributes(c *call) (any, error) {
	var in struct {
		QueueURL   string `json:"QueueUrl"`
		Attributes map[string]string
	}
	if err := decodeJSON(c, &in); err != nil {
		return nil, err
	}
	q, err := s.queueFor(c, in.QueueURL)
	if err != nil {
		return nil, err
	}
	q.mu.Lock()
	current := q.attrs
	q.mu.Unlock()
	changed, err := current.with(in.Attributes, s)
	if err != nil {
		return nil, err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.attrs, q.modified = changed, c.Time
	c.Effect = true
	return nil, nil
}
