package awssim

import (
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
)

// systemAttributes are the message system attributes asked for, as bits.
type systemAttributes uint8

const (
	wantSenderID systemAttributes = 1 << iota
	wantSentTimestamp
	wantReceiveCount
	wantFirstReceive
	wantDeadLetterSource
	wantAll systemAttributes = 1<<iota - 1
)

func (a *systemAttributes) add(name string) {
	switch name {
	case "All":
		*a |= wantAll
	case "SenderId":
		*a |= wantSenderID
	case "SentTimestamp":
		*a |= wantSentTimestamp
	case "ApproximateReceiveCount":
		*a |= wantReceiveCount
	case "ApproximateFirstReceiveTimestamp":
		*a |= wantFirstReceive
	case "DeadLetterQueueSourceArn":
		*a |= wantDeadLetterSource
	}
}

// renderReceived writes ReceiveMessage's answer without reflection: what was rendered when the message was sent, and
// this receive's own members.
func (s *sqsService) renderReceived(q *queue, in receiveInput, got []delivery) *answer {
	buf, _ := s.buffers.Get().(*[]byte)
	b := (*buf)[:0]
	b = append(b, '{')
	for i := range got {
		if i == 0 {
			b = append(b, `"Messages":[`...)
		} else {
			b = append(b, ',')
		}
		d := &got[i]
		b = append(b, '{')
		b = append(b, d.message.rendered...)
		b = appendSystemAttributes(b, in.Attributes, d)
		b = appendMessageAttributes(b, in.MessageAttributes, d.message)
		b = append(b, `,"ReceiptHandle":"`...)
		b = q.appendReceipt(b, d.message.seq, d.receives)
		b = append(b, `"}`...)
	}
	if len(got) > 0 {
		b = append(b, ']')
	}
	b = append(b, '}')
	*buf = b
	return &answer{
		status: 200, contentType: "application/x-amz-json-1.0", body: b,
		release: func() { s.buffers.Put(buf) },
	}
}

func appendSystemAttributes(b []byte, want systemAttributes, d *delivery) []byte {
	if want == 0 {
		return b
	}
	b = append(b, `,"Attributes":{`...)
	start := len(b)
	member := func(name string) {
		if len(b) > start {
			b = append(b, ',')
		}
		b = append(b, '"')
		b = append(b, name...)
		b = append(b, `":"`...)
	}
	if want&wantSenderID != 0 {
		member("SenderId")
		b = append(append(b, d.message.senderID...), '"')
	}
	if want&wantSentTimestamp != 0 {
		member("SentTimestamp")
		b = append(strconv.AppendInt(b, d.message.sent.UnixMilli(), 10), '"')
	}
	if want&wantReceiveCount != 0 {
		member("ApproximateReceiveCount")
		b = append(strconv.AppendInt(b, int64(d.receives), 10), '"')
	}
	if want&wantFirstReceive != 0 {
		member("ApproximateFirstReceiveTimestamp")
		b = append(strconv.AppendInt(b, d.first.UnixMilli(), 10), '"')
	}
	if want&wantDeadLetterSource != 0 && d.message.deadFrom != "" {
		member("DeadLetterQueueSourceArn")
		b = append(append(b, d.message.deadFrom...), '"')
	}
	return append(b, '}')
}

func appendMessageAttributes(b []byte, want []string, m *message) []byte {
	if len(want) == 0 || len(m.attrs) == 0 {
		return b
	}
	chosen := map[string]messageAttribute{}
	for name, a := range m.attrs {
		if wantsAttribute(want, name) {
			chosen[name] = a
		}
	}
	if len(chosen) == 0 {
		return b
	}
	rendered, err := json.Marshal(chosen)
	if err != nil {
		return b
	}
	b = append(b, `,"MD5OfMessageAttributes":"`...)
	b = append(b, attributesMD5(chosen)...)
	b = append(b, `","MessageAttributes":`...)
	return append(b, rendered...)
}

// wantsAttribute matches a name against All, exact names and prefixes such as foo.*
func wantsAttribute(want []string, name string) bool {
	for _, w := range want {
		prefix, isPrefix := strings.CutSuffix(w, ".*")
		if w == "All" || w == name || isPrefix && strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}
