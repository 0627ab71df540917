package awssim

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var topicName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,251}(\.fifo)?$`)

// xmlEntry is an element of a map in the query protocol's XML.
type xmlEntry struct {
	Key   string `xml:"key"`
	Value string `xml:"value"`
}

func xmlEntries(m map[string]string) []xmlEntry {
	entries := make([]xmlEntry, 0, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		entries = append(entries, xmlEntry{k, m[k]})
	}
	return entries
}

// formMap reads a map such as Attributes.entry.1.key=…&Attributes.entry.1.value=…
func formMap(c *call, name, key, value string) map[string]string {
	m := map[string]string{}
	for i := 1; ; i++ {
		at := formIndex(name+".entry", i)
		if !c.Form.Has(at + key) {
			return m
		}
		m[c.Form.Get(at+key)] = c.Form.Get(at + value)
	}
}

// ensure returns a topic, made unless it exists. s.mu is held.
func (s *snsService) ensure(region, account, name string, attrs map[string]string) *topic {
	arn := arnOf("sns", region, account, name)
	t := s.topics[arn]
	if t == nil {
		t = &topic{
			arn: arn, attrs: maps.Clone(attrs), fifo: strings.HasSuffix(name, ".fifo"), recent: map[string]dedupeEntry{},
		}
		if t.attrs == nil {
			t.attrs = map[string]string{}
		}
		s.topics[arn] = t
	}
	return t
}

type topicARNResult struct {
	TopicARN string `xml:"TopicArn"`
}

func (s *snsService) createTopic(c *call) (any, error) {
	name, attrs := c.Form.Get("Name"), formMap(c, "Attributes", "key", "value")
	if !topicName.MatchString(name) || strings.HasSuffix(name, ".fifo") != (attrs["FifoTopic"] == "true") {
		return nil, apiErrorf("InvalidParameter", 0, "Invalid parameter: Topic Name")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.ensure(c.Region, c.account(), name, attrs)
	for k, v := range attrs {
		if t.attrs[k] != v {
			return nil, apiErrorf("InvalidParameter", 0,
				"Invalid parameter: Attributes Reason: Topic already exists with different attributes")
		}
	}
	c.Resource, c.Effect = t.arn, true
	return topicARNResult{t.arn}, nil
}

// topicOf finds the topic of a request. s.mu is held.
func (s *snsService) topicOf(c *call) (*topic, *APIError) {
	arn := c.Form.Get("TopicArn")
	if arn == "" {
		arn = c.Form.Get("TargetArn")
	}
	c.Resource = arn
	parts, ok := parseARN(arn)
	if !ok || parts.service != "sns" || parts.region != c.Region {
		return nil, apiErrorf("InvalidParameter", 0, "Invalid parameter: TopicArn")
	}
	if !c.permits(c.Action, arn) {
		return nil, unpermitted(c, c.Action, arn)
	}
	t := s.topics[arn]
	if t == nil {
		return nil, apiErrorf("NotFound", 404, "Topic does not exist")
	}
	return t, nil
}

func (s *snsService) deleteTopic(c *call) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.topicOf(c)
	if err != nil {
		return nil, err
	}
	delete(s.topics, t.arn)
	c.Effect = true
	return nil, nil
}

func (s *snsService) getTopicAttributes(c *call) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.topicOf(c)
	if err != nil {
		return nil, err
	}
	parts, _ := parseARN(t.arn)
	attrs := maps.Clone(t.attrs)
	attrs["TopicArn"] = t.arn
	attrs["Owner"] = parts.account
	attrs["SubscriptionsConfirmed"] = strconv.Itoa(len(t.subscriptions))
	attrs["SubscriptionsPending"] = "0"
	return struct {
		Attributes []xmlEntry `xml:"Attributes>entry"`
	}{xmlEntries(attrs)}, nil
}

func (s *snsService) subscribe(c *call) (any, error) {
	attrs := formMap(c, "Attributes", "key", "value")
	for name := range attrs {
		if name != "RawMessageDelivery" {
			return nil, apiErrorf("InvalidParameter", 0, "Invalid parameter: Attributes Reason: awssim has no %s", name)
		}
	}
	queue := c.Form.Get("Endpoint")
	if c.Form.Get("Protocol") != "sqs" || s.sim.sqs.byARN(queue) == nil {
		return nil, apiErrorf("InvalidParameter", 0,
			"Invalid parameter: Endpoint Reason: awssim delivers to its own SQS queues only")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.topicOf(c)
	if err != nil {
		return nil, err
	}
	c.Effect = true
	return struct {
		SubscriptionARN string `xml:"SubscriptionArn"`
	}{s.subscribeQueue(t, queue, attrs["RawMessageDelivery"] == "true")}, nil
}

// subscribeQueue returns the subscription's ARN. s.mu is held.
func (s *snsService) subscribeQueue(t *topic, queueARN string, raw bool) string {
	for _, sub := range t.subscriptions {
		if sub.queue == queueARN {
			return sub.arn
		}
	}
	sub := &subscription{arn: t.arn + ":" + s.sim.newUUID(), queue: queueARN, raw: raw}
	t.subscriptions = append(t.subscriptions, sub)
	return sub.arn
}
