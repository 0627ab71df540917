package awssim

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
)

// FuzzRequest: whatever comes in, no operation of SQS, SNS, S3 or STS fails by the simulator's own fault.
func FuzzRequest(f *testing.F) {
	for _, seed := range []struct{ service, operation, path, body string }{
		{"sqs", "ReceiveMessage", "/", `{"QueueUrl":"http://x/111122223333/q","WaitTimeSeconds":20}`},
		{"sqs", "SendMessageBatch", "/", `{"QueueUrl":"/111122223333/q","Entries":[{"Id":"a","MessageBody":"b"}]}`},
		{"sqs", "DeleteMessageBatch", "/", `{"QueueUrl":"/111122223333/q","Entries":[{"Id":"a","ReceiptHandle":"h"}]}`},
		{"sqs", "SetQueueAttributes", "/", `{"QueueUrl":"/111122223333/q","Attributes":{"RedrivePolicy":"{}"}}`},
		{"sns", "", "/", "Action=Publish&TopicArn=arn:aws:sns:eu-west-1:111122223333:t&Message=m&Subject=s"},
		{"sns", "", "/", "Action=PublishBatch&PublishBatchRequestEntries.member.1.Id=a"},
		{"sts", "", "/", "Action=AssumeRole&RoleArn=r&RoleSessionName=abc&DurationSeconds=900"},
		{"s3", "", "/bucket?list-type=2&prefix=a&delimiter=/&max-keys=1", ""},
		{"s3", "", "/bucket/key", ""},
		{"", "", "/", ""},
	} {
		f.Add(seed.service, seed.operation, http.MethodPost, seed.path, []byte(seed.body))
		f.Add(seed.service, seed.operation, http.MethodGet, seed.path, []byte(seed.body))
	}
	f.Fuzz(func(t *testing.T, service, operation, method, path string, body []byte) {
		if service == "kms" {
			return
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel() // long polls end at once
		req, err := http.NewRequestWithContext(ctx, method, "http://sim"+path, bytes.NewReader(body))
		if err != nil {
			return
		}
		sim := New(Options{Clock: NewScaledClock(newYear(), 0)})
		user := sim.NewAccessKey("111122223333", "fuzz")
		sim.CreateQueue("eu-west-1", "111122223333", "q")
		sim.CreateTopic("eu-west-1", "111122223333", "t")
		sim.CreateBucket("eu-west-1", "111122223333", "bucket")
		req.Header.Set("X-Amz-Target", "T."+operation)
		req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+user.AccessKeyID+
			"/20261123/eu-west-1/"+service+"/aws4_request, SignedHeaders=host")
		w := httptest.NewRecorder()
		sim.ServeHTTP(w, req)
		if w.Code == http.StatusInternalServerError {
			t.Errorf("%s", w.Body)
		}
		if err := sim.Close(); err != nil {
			t.Error(err)
		}
	})
}

// FuzzReceipt: a queue takes no handle but its own.
func FuzzReceipt(f *testing.F) {
	sim := New(Options{Seed: 7})
	q := newQueue(sim, queueKey{"eu-west-1", "111122223333", "q"}, defaultQueueAttributes())
	f.Add(string(q.appendReceipt(nil, 1, 1)))
	f.Add(string(q.appendReceipt(nil, 1<<63, 1<<31)))
	f.Add("")
	f.Fuzz(func(t *testing.T, handle string) {
		seq, receives, ok := q.parseReceipt(handle)
		if ok && string(q.appendReceipt(nil, seq, receives)) != handle {
			t.Errorf("took %q for message %d, receive %d", handle, seq, receives)
		}
	})
}
