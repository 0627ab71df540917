package events

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	testKey  = "arn:aws:kms:eu-west-1:111122223333:key/7d3c1c52-0e5b-4a57-8f0a-3f9b0c1d2e3f"
	testKey2 = "arn:aws:kms:eu-west-1:111122223333:key/mrk-1f2e3d4c5b6a79881726354453627180"
)

// record is a small valid record with extra members, `,"name":value…`.
func record(source, name, extra string) string {
	return fmt.Sprintf(`{"eventVersion":"1.11","eventID":"e-1","eventTime":"2026-11-20T08:31:47Z",`+
		`"eventSource":%q,"eventName":%q%s}`, source, name, extra)
}

func eventBridge(source, detailType, detail string) string {
	return fmt.Sprintf(`{"version":"0","id":"eb-1","detail-type":%q,"source":%q,"account":"111122223333",`+
		`"time":"2026-11-20T08:31:48Z","region":"eu-west-1","resources":[],"detail":%s}`, detailType, source, detail)
}

// summary is what a Content comes to, small enough to be written in a table.
type summary struct {
	Kind      string
	Events    []string // source/name
	Ignored   map[string]int
	Objects   []ObjectRef
	Malformed []string // index: reason
}

func summarize(c Content) summary {
	s := summary{Kind: c.Kind.String(), Objects: c.Objects}
	for _, e := range c.Events {
		s.Events = append(s.Events, e.EventSource+"/"+e.EventName)
	}
	c.Ignored.Each(func(reason IgnoredReason, n int) {
		if s.Ignored == nil {
			s.Ignored = map[string]int{}
		}
		s.Ignored[reason.String()] = n
	})
	for _, m := range c.Malformed {
		s.Malformed = append(s.Malformed, fmt.Sprintf("%d: %s", m.Index, m.Reason))
	}
	return s
}

// envelopes is every row of what arrives in the queue.
func envelopes() []struct {
	name, body string
	want       summary
} {
	disable := record("kms.amazonaws.com", "DisableKey", "")
	wanted := summary{Kind: "records", Events: []string{"kms.amazonaws.com/DisableKey"}}
	ignoredFor := func(reason string) summary {
		return summary{Kind: "nothing", Ignored: map[string]int{reason: 1}}
	}
	s3 := func(name, key string) string {
		return fmt.Sprintf(`{"eventVersion":"2.1","eventSource":"aws:s3","awsRegion":"eu-west-1","eventName":%q,`+
			`"s3":{"bucket":{"name":"trail","arn":"arn:aws:s3:::trail"},"object":{"key":%q,"size":1024}}}`, name, key)
	}
	logKey := "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/11/20/log.json.gz"
	digestKey := "AWSLogs/111122223333/CloudTrail-Digest/eu-west-1/2026/11/20/digest.json.gz"
	return []struct {
		name, body string
		want       summary
	}{
		{"an API call through EventBridge", eventBridge("aws.kms", viaAPICall, disable), wanted},
		{"a service event through EventBridge", eventBridge("aws.kms", viaService, disable), wanted},
		{"a console action through EventBridge", eventBridge("aws.kms", viaConsole, disable), wanted},
		{
			"an API call of another service that a rule wants",
			eventBridge("aws.cloudtrail", viaAPICall, record("cloudtrail.amazonaws.com", "StopLogging", "")),
			summary{Kind: "records", Events: []string{"cloudtrail.amazonaws.com/StopLogging"}},
		},
		{
			"an API call that no rule wants",
			eventBridge("aws.ec2", viaAPICall, record("ec2.amazonaws.com", "RunInstances", "")),
			summary{Kind: "records", Ignored: map[string]int{"not-wanted": 1}},
		},
		{
			"a native rotation", eventBridge("aws.kms", "KMS CMK Rotation", `{"key-id":"k"}`),
			summary{Kind: "records", Events: []string{"kms.amazonaws.com/RotateKey"}},
		},
		{
			"a native expiry", eventBridge("aws.kms", "KMS Imported Key Material Expiration", `{"key-id":"k"}`),
			summary{Kind: "records", Events: []string{"kms.amazonaws.com/DeleteExpiredKeyMaterial"}},
		},
		{
			"a native deletion", eventBridge("aws.kms", "KMS CMK Deletion", `{"key-id":"k"}`),
			summary{Kind: "records", Events: []string{"kms.amazonaws.com/DeleteKey"}},
		},
		{"an unknown detail-type of KMS", eventBridge("aws.kms", "KMS Something New", `{}`), ignoredFor("unknown-event")},
		{
			"a native detail-type of a source that is not KMS", eventBridge("custom", "KMS CMK Rotation", `{}`),
			ignoredFor("unknown-event"),
		},
		{
			"an event of another source", eventBridge("aws.ec2", "EC2 Instance State-change Notification", `{}`),
			ignoredFor("unknown-event"),
		},
		{
			"an Insight through EventBridge", eventBridge("aws.cloudtrail", "AWS Insight via CloudTrail", disable),
			ignoredFor("unknown-event"),
		},
		{
			"CloudTrail's delivery of log files",
			`{"s3Bucket":"trail","s3ObjectKey":["` + logKey + `","` + digestKey + `","a/b.json"]}`,
			summary{
				Kind: "objects", Ignored: map[string]int{"skipped-file": 1},
				Objects: []ObjectRef{{Bucket: "trail", Key: logKey}, {Bucket: "trail", Key: "a/b.json"}},
			},
		},
		{"CloudTrail's delivery of nothing", `{"s3Bucket":"trail","s3ObjectKey":[]}`, ignoredFor("empty-file")},
		{"CloudTrail's greeting", "CloudTrail validation message.", ignoredFor("validation-message")},
		{
			"CloudTrail's greeting with a line break", " CloudTrail validation message\n",
			ignoredFor("validation-message"),
		},
		{
			"an S3 notification with an encoded key",
			`{"Records":[` + s3("ObjectCreated:Put", "o%3Dx/with+space+%26+plus%2B.json.gz") + `]}`,
			summary{Kind: "objects", Objects: []ObjectRef{
				{Bucket: "trail", Key: "o=x/with space & plus+.json.gz", Region: "eu-west-1"},
			}},
		},
		{
			"an S3 notification of a digest and of a removal",
			`{"Records":[` + s3("ObjectCreated:Put", digestKey) + `,` + s3("ObjectRemoved:Delete", logKey) + `]}`,
			summary{Kind: "nothing", Ignored: map[string]int{"skipped-file": 1, "other-s3-event": 1}},
		},
		{
			"an S3 notification of something that is no log", `{"Records":[` + s3("ObjectCreated:Put", "notes.txt") + `]}`,
			ignoredFor("skipped-file"),
		},
		{
			"an S3 notification that is broken stands aside",
			`{"Records":[` + s3("ObjectCreated:Put", "bad%zz.json") + `,` + s3("s3:ObjectCreated:Put", logKey) +
				`,{"eventSource":"aws:s3","eventName":"ObjectCreated:Put"}]}`,
			summary{
				Kind: "objects", Malformed: []string{"0: syntax", "2: missing-field"},
				Objects: []ObjectRef{{Bucket: "trail", Key: logKey, Region: "eu-west-1"}},
			},
		},
		{"S3's greeting", `{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"trail"}`, ignoredFor("test-event")},
		{
			"an object created, through EventBridge", eventBridge("aws.s3", "Object Created",
				`{"version":"0","bucket":{"name":"trail"},"object":{"key":"as+it+is.json.gz","size":1}}`),
			summary{Kind: "objects", Objects: []ObjectRef{
				{Bucket: "trail", Key: "as+it+is.json.gz", Region: "eu-west-1"},
			}},
		},
		{
			"an object deleted, through EventBridge", eventBridge("aws.s3", "Object Deleted", `{}`),
			ignoredFor("unknown-event"),
		},
		{"a bare record", disable, wanted},
		{"a bare record amid spaces", "\r\n " + disable + "\n\t", wanted},
		{
			"a bare record that no rule wants", record("ec2.amazonaws.com", "RunInstances", ""),
			summary{Kind: "records", Ignored: map[string]int{"not-wanted": 1}},
		},
		{
			"an Insight record", record("kms.amazonaws.com", "Decrypt", `,"eventCategory":"Insight"`),
			summary{Kind: "records", Ignored: map[string]int{"not-a-call": 1}},
		},
		{
			"a whole log file with a malformed record",
			`{"Records":[` + disable + `,7,` + record("ec2.amazonaws.com", "RunInstances", "") +
				`,{"eventSource":"kms.amazonaws.com"},` + record("kms.amazonaws.com", "Encrypt", "") + `]}`,
			summary{
				Kind: "records", Ignored: map[string]int{"not-wanted": 1},
				Events:    []string{"kms.amazonaws.com/DisableKey", "kms.amazonaws.com/Encrypt"},
				Malformed: []string{"1: wrong-type", "3: missing-field"},
			},
		},
		{"an empty log file", `{"Records":[]}`, ignoredFor("empty-file")},
		{
			"a subscription to be confirmed", `{"Type":"SubscriptionConfirmation","Message":"You have chosen…"}`,
			ignoredFor("sns-control"),
		},
		{
			"a subscription ended", `{"Type":"UnsubscribeConfirmation","Message":"You have chosen…"}`,
			ignoredFor("sns-control"),
		},
	}
}

// kmsAndTrail wants every record of KMS, and those that blind a trail.
type kmsAndTrail struct{}

func (kmsAndTrail) Wants(source, name string) bool {
	return source == kmsSource || source == "cloudtrail.amazonaws.com" && name == "StopLogging"
}

func TestDecodePeelsEveryEnvelope(t *testing.T) {
	decoder := NewDecoder(kmsAndTrail{})
	wrappers := []struct {
		name string
		wrap func([]byte) []byte
	}{
		{"alone", func(b []byte) []byte { return b }},
		{"inside SNS", wrapSNS},
		{"inside SNS inside SNS", func(b []byte) []byte { return wrapSNS(wrapSNS(b)) }},
	}
	for _, envelope := range envelopes() {
		for _, wrapper := range wrappers {
			t.Run(envelope.name+", "+wrapper.name, func(t *testing.T) {
				c, err := decoder.Decode(wrapper.wrap([]byte(envelope.body)))
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(envelope.want, summarize(c)); diff != "" {
					t.Errorf("content (-want +got):\n%s", diff)
				}
			})
		}
	}
}

func TestDecodeReadsAWholeRecord(t *testing.T) {
	body := fixture(t, "decrypt.json")
	c, err := NewDecoder(nil).Decode(body)
	if err != nil {
		t.Fatal(err)
	}
	want := Event{
		EventID:            "0f7a1f9e-8f5b-4c4b-9f6f-5b2a5f6f7e01",
		SharedEventID:      "9b1f7c44-23a7-4a8e-8d5e-6c7b8a9d0e1f",
		EventTime:          time.Date(2026, 11, 20, 8, 31, 47, 0, time.UTC),
		EventVersion:       Version{1, 11},
		EventSource:        "kms.amazonaws.com",
		EventName:          "Decrypt",
		EventType:          "AwsApiCall",
		EventCategory:      "Management",
		AWSRegion:          "eu-west-1",
		RecipientAccountID: "111122223333",
		RequestID:          "b6f0a1de-3f2f-4f4c-8a86-3d7f2d8f5a10",
		SourceIPAddress:    "secretsmanager.amazonaws.com",
		UserAgent:          "secretsmanager.amazonaws.com",
		VPCEndpointID:      "vpce-0a1b2c3d4e5f60718",
		VPCEndpointAccount: "111122223333",
		ReadOnly:           true,
		UserIdentity: Identity{
			Type:           AssumedRole,
			PrincipalID:    "AROAXMPLLEDGERREADER:ledger-reader-7f9c6d5b8-x2x4q",
			ARN:            "arn:aws:sts::111122223333:assumed-role/ledger-reader/ledger-reader-7f9c6d5b8-x2x4q",
			AccountID:      "111122223333",
			AccessKeyID:    "ASIAXMPLLEDGERREADER",
			InvokedBy:      "secretsmanager.amazonaws.com",
			MFAKnown:       true,
			SessionCreated: time.Date(2026, 11, 20, 8, 14, 2, 0, time.UTC),
			SessionIssuer: SessionIssuer{
				Type:        "Role",
				PrincipalID: "AROAXMPLLEDGERREADER",
				ARN:         "arn:aws:iam::111122223333:role/services/ledger-reader",
				AccountID:   "111122223333",
				UserName:    "ledger-reader",
			},
		},
		Resources: []Resource{{ARN: testKey, AccountID: "111122223333", Type: "AWS::KMS::Key"}},
		RequestParameters: RawJSON(`{"encryptionAlgorithm":"SYMMETRIC_DEFAULT","encryptionContext":{"SecretARN":` +
			`"arn:aws:secretsmanager:eu-west-1:111122223333:secret:ledger/reader/database-Qm3nTz",` +
			`"SecretVersionId":"5f0b7c2e-6a59-4d57-9f37-0a1f6f1f8c21"}}`),
		AdditionalEventData: RawJSON(
			`{"keyMaterialId":"2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"}`),
		Key: KeyRef{ARN: testKey},
		Raw: RawJSON(strings.TrimSpace(string(body))),
	}
	if diff := cmp.Diff([]Event{want}, c.Events); diff != "" {
		t.Errorf("event (-want +got):\n%s", diff)
	}
}

func TestDecodeRecordCopiesWhatItKeeps(t *testing.T) {
	raw := fixture(t, "decrypt.json")
	pristine := string(raw)
	decoder := NewDecoder(nil)
	event, wanted, err := decoder.DecodeRecord(raw)
	if err != nil || !wanted {
		t.Fatalf("wanted %v, error %v", wanted, err)
	}
	for i := range raw {
		raw[i] = 'x'
	}
	want, _, err := decoder.DecodeRecord([]byte(pristine))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, event); diff != "" {
		t.Errorf("event changed with the buffer (-want +got):\n%s", diff)
	}
}

func TestDecodeRecordSaysWhatIsNotWanted(t *testing.T) {
	decoder := NewDecoder(kmsAndTrail{})
	for _, raw := range []string{
		record("ec2.amazonaws.com", "RunInstances", ""),
		record("kms.amazonaws.com", "Decrypt", `,"eventType":"AwsCloudTrailInsight"`),
		record("kms.amazonaws.com", "Decrypt", `,"eventCategory":"NetworkActivity"`),
	} {
		if _, wanted, err := decoder.DecodeRecord([]byte(raw)); wanted || err != nil {
			t.Errorf("%s: wanted %v, error %v", raw, wanted, err)
		}
	}
}

func TestDecodeBoundsSNSNesting(t *testing.T) {
	body := []byte(record("kms.amazonaws.com", "DisableKey", ""))
	for range maxSNSWrappers {
		body = wrapSNS(body)
	}
	decoder := NewDecoder(nil)
	if _, err := decoder.Decode(body); err != nil {
		t.Fatalf("%d wrappers: %v", maxSNSWrappers, err)
	}
	_, err := decoder.Decode(wrapSNS(body))
	if why, ok := errors.AsType[*MalformedError](err); !ok || why.Reason != ReasonSNSNesting {
		t.Errorf("one wrapper more: %v", err)
	}
}
