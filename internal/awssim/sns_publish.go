package awssim

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

const (
	maxPublishBytes  = 256 << 10
	maxSubject       = 100 // characters; SNS wants fewer
	dedupeWindow     = 5 * time.Minute
	maxRawAttributes = 10 // SQS takes no more, so raw delivery of more fails
)

// formIndex is where the i-th element of a list begins: Name.member.1.
func formIndex(list string, i int) string { return list + "." + strconv.Itoa(i) + "." }

type publishResult struct {
	ID             string `xml:"Id,omitempty"`
	MessageID      string `xml:"MessageId"`
	SequenceNumber string `xml:"SequenceNumber,omitempty"`
}

func (s *snsService) publish(c *call) (any, error) {
	p, err := readPublish(c, "")
	if err != nil {
		return nil, err
	}
	result, apiErr := s.publishOne(c, p)
	if apiErr != nil {
		return nil, apiErr
	}
	return result, nil
}

type snsBatchError struct {
	Code        string `xml:"Code"`
	ID          string `xml:"Id"`
	Message     string `xml:"Message"`
	SenderFault bool   `xml:"SenderFault"`
}

type publishBatchResult struct {
	Successful []publishResult `xml:"Successful>member"`
	Failed     []snsBatchError `xml:"Failed>member"`
}

func (s *snsService) publishBatch(c *call) (any, error) {
	var ids []string
	for i := 1; c.Form.Has(formIndex(publishEntries, i) + "Id"); i++ {
		ids = append(ids, c.Form.Get(formIndex(publishEntries, i)+"Id"))
	}
	if err := checkBatch(ids); err != nil {
		return nil, err
	}
	size := 0
	for i := range ids {
		size += len(c.Form.Get(formIndex(publishEntries, i+1) + "Message"))
	}
	if size > maxPublishBytes {
		return nil, apiErrorf("BatchRequestTooLong", 0, "The length of all the messages put together is more than "+
			"the limit.")
	}
	s.mu.Lock()
	_, err := s.topicOf(c)
	s.mu.Unlock()
	if err != nil {
		return nil, err
	}
	done := runBatch(c, len(ids), func(i int) string { return ids[i] }, func(i int) (publishResult, *APIError) {
		p, err := readPublish(c, formIndex(publishEntries, i+1))
		if err != nil {
			return publishResult{}, err
		}
		result, err := s.publishOne(c, p)
		result.ID = ids[i]
		return result, err
	})
	out := publishBatchResult{Successful: done.Successful}
	for _, f := range done.Failed {
		out.Failed = append(out.Failed, snsBatchError{f.Code, f.ID, f.Message, f.SenderFault})
	}
	return out, nil
}

const publishEntries = "PublishBatchRequestEntries.member"

// readPublish reads and judges a message whose fields' names begin with prefix.
func readPublish(c *call, prefix string) (Published, *APIError) {
	p := Published{
		Time: c.Time, PrincipalARN: c.Principal.ARN,
		Message: c.Form.Get(prefix + "Message"), Subject: c.Form.Get(prefix + "Subject"),
		Structure: c.Form.Get(prefix + "MessageStructure"), GroupID: c.Form.Get(prefix + "MessageGroupId"),
		DeduplicationID: c.Form.Get(prefix + "MessageDeduplicationId"),
	}
	size, err := readAttributes(c, prefix, &p)
	switch {
	case err != nil:
		return p, err
	case p.Message == "":
		return p, apiErrorf("InvalidParameter", 0, "Invalid parameter: Empty message")
	case size+len(p.Message) > maxPublishBytes:
		return p, apiErrorf("InvalidParameter", 0, "Invalid parameter: Message too long")
	case c.Form.Has(prefix+"Subject") && !validSubject(p.Subject):
		return p, apiErrorf("InvalidParameter", 0, "Invalid parameter: Subject")
	case p.Structure != "" && p.Structure != "json":
		return p, apiErrorf("InvalidParameter", 0, "Invalid parameter: MessageStructure")
	}
	if p.Structure == "json" {
		if _, ok := p.textFor("default"); !ok {
			return p, apiErrorf("InvalidParameter", 0,
				"Invalid parameter: Message Structure - No default entry in JSON message body")
		}
	}
	return p, nil
}

// validSubject: ASCII that begins with a letter, number or punctuation mark, without control characters.
func validSubject(subject string) bool {
	if subject == "" || len(subject) >= maxSubject || subject[0] == ' ' {
		return false
	}
	return !strings.ContainsFunc(subject, func(r rune) bool { return r < ' ' || r > '~' })
}

func readAttributes(c *call, prefix string, p *Published) (size int, err *APIError) {
	for i := 1; ; i++ {
		at := prefix + formIndex("MessageAttributes.entry", i)
		name := c.Form.Get(at + "Name")
		if name == "" {
			return size, nil
		}
		a := PublishedAttribute{
			DataType: c.Form.Get(at + "Value.DataType"), StringValue: c.Form.Get(at + "Value.StringValue"),
		}
		binary, decodeErr := base64.StdEncoding.DecodeString(c.Form.Get(at + "Value.BinaryValue"))
		if decodeErr != nil || !a.validType() {
			return 0, apiErrorf("ParameterValueInvalid", 0,
				"The message attribute '%s' has an invalid message attribute type or value.", name)
		}
		if len(binary) > 0 {
			a.BinaryValue = binary
		}
		if a.StringValue == "" && a.BinaryValue == nil {
			return 0, apiErrorf("ParameterValueInvalid", 0, "The message attribute '%s' must contain non-empty message "+
				"attribute value for message attribute type '%s'.", name, a.DataType)
		}
		if p.Attributes == nil {
			p.Attributes = map[string]PublishedAttribute{}
		}
		p.Attributes[name] = a
		size += len(name) + len(a.DataType) + len(a.StringValue) + len(a.BinaryValue)
	}
}

func (a PublishedAttribute) validType() bool {
	switch base, _, _ := strings.Cut(a.DataType, "."); base {
	case "String", "Binary":
		return true
	case "Number":
		_, err := strconv.ParseFloat(a.StringValue, 64)
		return err == nil
	}
	return false
}

// textFor is what a subscriber of that protocol gets; ok is false when a JSON structure has no string for it.
func (p *Published) textFor(protocol string) (text string, ok bool) {
	if p.Structure != "json" {
		return p.Message, true
	}
	var byProtocol map[string]any
	if json.Unmarshal([]byte(p.Message), &byProtocol) != nil {
		return "", false
	}
	if text, ok = byProtocol[protocol].(string); ok {
		return text, true
	}
	text, ok = byProtocol["default"].(string)
	return text, ok
}

// publishOne gives a message to the topic's memory, its listeners and its queues.
func (s *snsService) publishOne(c *call, p Published) (publishResult, *APIError) {
	s.mu.Lock()
	t, err := s.topicOf(c)
	if err != nil {
		s.mu.Unlock()
		return publishResult{}, apiErrorf("NotFound", 404, "Topic does not exist")
	}
	p.TopicARN, p.MessageID = t.arn, s.sim.newUUID()
	if t.fifo {
		duplicateOf, err := t.dedupe(&p)
		if err != nil || duplicateOf != "" {
			s.mu.Unlock()
			return publishResult{MessageID: duplicateOf}, err
		}
	}
	if len(t.published) >= maxPublished {
		t.published = append(t.published[:0], t.published[maxPublished/10:]...)
	}
	t.published = append(t.published, p)
	subscriptions := t.subscriptions[:len(t.subscriptions):len(t.subscriptions)]
	listeners := make([]func(Published), 0, len(s.listeners))
	for f := range s.listeners {
		listeners = append(listeners, *f)
	}
	close(s.changed)
	s.changed = make(chan struct{})
	s.mu.Unlock()

	c.Effect = true
	for _, f := range listeners {
		f(p)
	}
	for _, sub := range subscriptions {
		s.deliver(sub, p)
	}
	return publishResult{MessageID: p.MessageID}, nil
}

// dedupe returns the id of the message that p repeats within five minutes, "" for none.
func (t *topic) dedupe(p *Published) (duplicateOf string, err *APIError) {
	if p.GroupID == "" {
		return "", apiErrorf("InvalidParameter", 0,
			"Invalid parameter: The MessageGroupId parameter is required for FIFO topics")
	}
	if p.DeduplicationID == "" {
		if t.attrs["ContentBasedDeduplication"] != "true" {
			return "", apiErrorf("InvalidParameter", 0, "Invalid parameter: The topic should either have "+
				"ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly")
		}
		sum := sha256.Sum256([]byte(p.Message))
		p.DeduplicationID = hex.EncodeToString(sum[:])
	}
	for id, e := range t.recent {
		if !p.Time.Before(e.until) {
			delete(t.recent, id)
		}
	}
	if e, ok := t.recent[p.DeduplicationID]; ok {
		return e.messageID, nil
	}
	t.recent[p.DeduplicationID] = dedupeEntry{p.MessageID, p.Time.Add(dedupeWindow)}
	return "", nil
}

func (s *snsService) deliver(sub *subscription, p Published) {
	q := s.sim.sqs.byARN(sub.queue)
	text, ok := p.textFor("sqs")
	if q == nil || !ok || sub.raw && len(p.Attributes) > maxRawAttributes {
		return // SNS drops what it cannot deliver
	}
	var attrs map[string]messageAttribute
	if sub.raw {
		attrs = p.sqsAttributes()
	} else {
		text = p.notification(text, sub)
	}
	q.put(s.sim.sqs.newMessage(text, snsSenderID, attrs), -1)
}

const snsSenderID = "AIDAAWSSIMSNSSENDER00"

func (p *Published) sqsAttributes() map[string]messageAttribute {
	attrs := make(map[string]messageAttribute, len(p.Attributes))
	for name, a := range p.Attributes {
		m := messageAttribute{DataType: a.DataType, BinaryValue: a.BinaryValue}
		if a.BinaryValue == nil {
			m.StringValue = &a.StringValue
		}
		attrs[name] = m
	}
	return attrs
}

// notification is what SNS wraps around a message for subscribers without raw delivery.
func (p *Published) notification(text string, sub *subscription) string {
	type attribute struct{ Type, Value string }
	n := struct {
		Type             string
		MessageID        string `json:"MessageId"`
		TopicARN         string `json:"TopicArn"`
		Subject          string `json:",omitempty"`
		Message          string
		Timestamp        string
		SignatureVersion string
		Signature        string
		SigningCertURL   string
		UnsubscribeURL   string
		Attributes       map[string]attribute `json:"MessageAttributes,omitempty"`
	}{
		Type: "Notification", MessageID: p.MessageID, TopicARN: p.TopicARN, Subject: p.Subject, Message: text,
		Timestamp:        p.Time.Format("2006-01-02T15:04:05.000Z"),
		SignatureVersion: "1", Signature: "c2ltdWxhdGVk", SigningCertURL: "https://sns.invalid/simulated.pem",
		UnsubscribeURL: "https://sns.invalid/?Action=Unsubscribe&SubscriptionArn=" + sub.arn,
	}
	for name, a := range p.Attributes {
		if n.Attributes == nil {
			n.Attributes = map[string]attribute{}
		}
		value := a.StringValue
		if a.BinaryValue != nil {
			value = base64.StdEncoding.EncodeToString(a.BinaryValue)
		}
		n.Attributes[name] = attribute{a.DataType, value}
	}
	body, err := json.Marshal(n)
	if err != nil {
		return text
	}
	return string(body)
}
