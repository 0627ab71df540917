package events

import (
	"encoding/json"
	"os"
	"testing"
)

// only is an Interest in the named `source/name` pairs.
type only map[string]bool

func (o only) Wants(source, name string) bool { return o[source+"/"+name] }

// wrapSNS puts a body inside an SNS notification.
func wrapSNS(body []byte) []byte {
	wrapped, err := json.Marshal(map[string]any{
		"Type":           "Notification",
		"MessageId":      "f3a1c9d2-0b1e-5c3d-8e4f-1a2b3c4d5e6f",
		"TopicArn":       "arn:aws:sns:eu-west-1:111122223333:trail",
		"Message":        string(body),
		"Timestamp":      "2026-11-20T08:31:49.120Z",
		"UnsubscribeURL": "https://sns.eu-west-1.amazonaws.com/?Action=Unsubscribe",
	})
	if err != nil {
		panic(err)
	}
	return wrapped
}

func fixture(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
