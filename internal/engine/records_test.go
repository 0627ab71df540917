package engine

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"rotd/internal/awssim"
	"rotd/internal/events/queue"
)

// record is a CloudTrail record about a key, as a test changes it.
type record map[string]any

// aRecord is a record of a call that the engineer made, successfully.
func (w *world) aRecord(name, arn string) record {
	return newRecord(name, arn, w.engineer, time.Now())
}

func newRecord(name, arn string, who awssim.Principal, at time.Time) record {
	return record{
		"eventVersion": "1.11", "eventSource": "kms.amazonaws.com", "eventName": name, "awsRegion": region,
		"eventTime": at.UTC().Format(time.RFC3339), "eventID": uuid(), "requestID": uuid(),
		"eventType": "AwsApiCall", "managementEvent": true, "eventCategory": "Management",
		"recipientAccountId": account, "sourceIPAddress": "203.0.113.7", "userAgent": "aws-cli/2.31",
		"readOnly":          strings.Contains(name, "crypt") || strings.HasPrefix(name, "Get"),
		"requestParameters": map[string]any{"keyId": arn}, "responseElements": nil,
		"resources": []any{map[string]any{"accountId": account, "type": "AWS::KMS::Key", "ARN": arn}},
		"userIdentity": map[string]any{
			"type": "IAMUser", "arn": who.ARN, "accountId": account,
			"accessKeyId": who.AccessKeyID, "userName": who.UserName, "principalId": who.PrincipalID,
		},
	}
}

// recorded is a record of the simulated AWS.
func recorded(t *testing.T, from awssim.Record) (r record) {
	t.Helper()
	raw, err := json.Marshal(from)
	if err == nil {
		err = json.Unmarshal(raw, &r)
	}
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (r record) with(name string, value any) record {
	r[name] = value
	return r
}

func (r record) id() string { return r["eventID"].(string) }

func (r record) json() string {
	raw, err := json.Marshal(r)
	if err != nil {
		panic(err)
	}
	return string(raw)
}

// bridged is the record as EventBridge brings it.
func (r record) bridged() string {
	return fmt.Sprintf(`{"version":"0","id":%q,"detail-type":"AWS API Call via CloudTrail","source":"aws.kms",`+
		`"account":%q,"time":%q,"region":%q,"resources":[],"detail":%s}`, uuid(), account, r["eventTime"], region, r.json())
}

// file is a log file of records.
func file(records ...record) string {
	texts := make([]string, len(records))
	for i, r := range records {
		texts[i] = r.json()
	}
	return `{"Records":[` + strings.Join(texts, ",") + `]}`
}

// wrapped is a body inside an SNS notification.
func wrapped(body string) string {
	raw, err := json.Marshal(map[string]string{"Type": "Notification", "MessageId": uuid(), "Message": body})
	if err != nil {
		panic(err)
	}
	return string(raw)
}

func uuid() string {
	a, b := rand.Uint64(), rand.Uint64()
	return fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", a>>32, a>>16&0xffff, a&0xffff, b>>48, b&0xffffffffffff)
}

func (w *world) send(bodies ...string) {
	w.Helper()
	for _, body := range bodies {
		_, err := w.sim.Send(w.queue, body)
		w.check(err)
	}
}

// settle hands bodies to the engine as one batch, without SQS, and returns what became of them.
func (w *world) settle(bodies ...string) []queue.Disposition {
	w.Helper()
	messages := make([]queue.Message, len(bodies))
	for i, body := range bodies {
		messages[i] = queue.Message{ID: uuid(), Body: []byte(body), ReceiveCount: 1, Queue: w.queue}
	}
	return w.settleMessages(messages)
}

func (w *world) settleMessages(messages []queue.Message) []queue.Disposition {
	w.Helper()
	done := make(chan []queue.Disposition, 1)
	b := queue.NewBatch(w.queue, messages, func(d []queue.Disposition) { done <- d })
	w.engine.Handler(func() bool { return true })(w.Context(), b)
	select {
	case d := <-done:
		return d
	case <-time.After(within):
		w.Fatal("the batch was not settled")
		return nil
	}
}
