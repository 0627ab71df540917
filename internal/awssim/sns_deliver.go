package awssim

import (
	"encoding/base64"

	"github.com/go-json-experiment/json"
)

// maxRawAttributes is how many SQS takes, so raw delivery of more fails.
const maxRawAttributes = 10

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
