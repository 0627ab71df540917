package queue

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/schemas"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/aws/smithy-go/transport/http/protocol/awsjson"
)

func TestDecodeReadsAnAnswer(t *testing.T) {
	const answer = ` {"Messages":[
		{"MessageId":"id-1","ReceiptHandle":"h+/=1","MD5OfBody":"00","Body":"{\"a\":\"\\\"\\u00e9\\n\",\"b\":[1,2]}",
		 "Attributes":{"SenderId":"AIDA","ApproximateReceiveCount":"3","SentTimestamp":"1700000000123","Other":"x"},
		 "MessageAttributes":{"k":{"DataType":"String","StringValue":"v","Deep":[{"n":-1.5e+3,"t":true,"z":null}]}}},
		{"Body":"tab\there \ud83d\ude00 and \ud83d alone, \/ \b\f\r","MessageId":"id-2"}
	],"Unknown":{"x":[]}} `
	got, err := decodeReceive([]byte(answer))
	if err != nil {
		t.Fatal(err)
	}
	diff(t, "messages", got, []Message{
		{
			ID: "id-1", ReceiptHandle: "h+/=1", Body: []byte(`{"a":"\"\u00e9\n","b":[1,2]}`),
			SenderID: "AIDA", ReceiveCount: 3, SentAt: time.UnixMilli(1700000000123).UTC(),
		},
		{ID: "id-2", Body: []byte("tab\there \U0001f600 and \ufffd alone, / \b\f\r")},
	})
}

func TestDecodeRefusesWhatIsNoAnswer(t *testing.T) {
	for _, tc := range []struct{ name, answer, want string }{
		{"text", `nope`, "at byte 0: unexpected 'n'"},
		{"a list", `[]`, "at byte 0: unexpected '['"},
		{"a string that does not end", `{"Messages":[{"Body":"abc`, "at byte 25: unexpected end of JSON"},
		{"a list that does not end", `{"Messages":[{}`, "at byte 15: unexpected end of JSON"},
		{"a comma too much", `{"Messages":[{},]}`, "at byte 16: unexpected ']'"},
		{"a body that is no string", `{"Messages":[{"Body":7}]}`, "at byte 21: unexpected '7'"},
		{
			"a raw control character", "{\"Messages\":[{\"Body\":\"a\nb\"}]}",
			"at byte 23: control character 0x0a in a string",
		},
		{"an unknown escape", `{"Messages":[{"Body":"\x"}]}`, `at byte 22: unknown escape "\\x"`},
		{"a cut escape", `{"Messages":[{"Body":"\u12"}]}`, `at byte 22: \u without four hex digits`},
		{"a number with a leading zero", `{"X":01}`, "at byte 6: unexpected '1'"},
		{"more than one value", `{} {}`, "at byte 3: data after the answer"},
		{"deep nesting", `{"X":` + strings.Repeat("[", 100), "at byte 69: nested deeper than 64"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := decodeReceive([]byte(tc.answer))
			if err == nil {
				t.Fatal("no error")
			}
			diff(t, "error", err.Error(), tc.want)
		})
	}
}

func TestDecodedBodiesDoNotOverlap(t *testing.T) {
	got, err := decodeReceive([]byte(`{"Messages":[{"Body":"a\nb"},{"Body":"cd"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	grown := got[0].Body
	grown = append(grown, "overwritten?"...)
	diff(t, "bodies", []string{string(grown), string(got[1].Body)}, []string{"a\nboverwritten?", "cd"})
}

// bySDK decodes an answer with the step of the SDK that decodeReceive stands in for.
func bySDK(ctx context.Context, answer []byte) ([]Message, error) {
	resp := ok(answer)
	out := &sqs.ReceiveMessageOutput{}
	op := smithy.NewOperationSchema(schemas.ReceiveMessage, schemas.ReceiveMessageRequest, schemas.ReceiveMessageResult)
	err := awsjson.New10(schemas.AmazonSQS).DeserializeResponse(ctx, op, sqs.TypeRegistry, resp, out)
	if err != nil {
		return nil, err
	}
	got, err := NewBudget(1<<40).messagesOf(ctx, out)
	if err != nil {
		return nil, err
	}
	return got.messages, nil
}

func ok(answer []byte) *smithyhttp.Response {
	return &smithyhttp.Response{Response: &http.Response{StatusCode: 200, Body: io.NopCloser(bytes.NewReader(answer))}}
}

// valid replaces invalid UTF-8 byte by byte, as the SDK does in strings that it has to unescape, and only there.
func valid(s string) string {
	var b strings.Builder
	for _, r := range s {
		b.WriteRune(r)
	}
	return b.String()
}

func normal(messages []Message) []Message {
	out := make([]Message, 0, len(messages))
	for _, m := range messages {
		m.ID, m.ReceiptHandle, m.SenderID = valid(m.ID), valid(m.ReceiptHandle), valid(m.SenderID)
		m.Body = []byte(valid(string(m.Body)))
		out = append(out, m)
	}
	return out
}

// FuzzDecode holds decodeReceive to the SDK's decoder: what it accepts the SDK accepts and reads the same, and what the
// SDK accepts and encoding/json calls JSON it accepts.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		`{}`, ``, `{"Messages":[]}`, `{"Messages":null}`, `{"Messages":[null,{"Body":null}]}`,
		`{"Messages":[{"MessageId":"1","ReceiptHandle":"r","Body":"{\"detail\":{\"eventID\":\"\u00e9\\n\"}}",` +
			`"Attributes":{"ApproximateReceiveCount":"2","SentTimestamp":"1700000000000","SenderId":"A"}}]}`,
		`{"Messages":[{"Body":"\ud83d\ude00\ud800\ud800\udc00 \ud800A"}],"Messages":[{"Body":"last"}]}`,
		`{"Mess\u0061ges":[{"B\u006fdy":"x","Attributes":{"SenderId":null},"Attributes":{}}]}`,
		`{"Messages":[{"Body":"0123456789\t0123456789\\0123456789\"0123456789012345678901234567890123456789"}]}`,
		"{\"Messages\":[{\"Body\":\"\xff\xfe\\n\xff\"}]}", `{"X":[{"a":1e5,"b":-0.1},true,false,null,"s"]} `,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		want, sdkErr := bySDK(t.Context(), answer)
		got, err := decodeReceive(bytes.Clone(answer))
		if err != nil {
			deep := strings.Contains(err.Error(), "nested deeper")
			if sdkErr == nil && json.Valid(answer) && !deep && jsonTypesFit(answer) {
				t.Fatalf("refused what the SDK accepts: %v", err)
			}
			return
		}
		if sdkErr != nil {
			t.Fatalf("accepted what the SDK refuses: %v", sdkErr)
		}
		diff(t, "messages", normal(got), normal(want))
	})
}

// jsonTypesFit says whether the members read have the types they should have. The SDK overlooks some that do not, such
// as the list that ends early at a wrong element.
func jsonTypesFit(answer []byte) bool {
	var out struct {
		Messages []*struct {
			MessageId, ReceiptHandle, Body *string
			Attributes                     map[string]*string
		}
	}
	return json.Unmarshal(answer, &out) == nil
}

// sampleAnswer is what SQS answers for a batch of EventBridge's events, about 2.5 KB each.
func sampleAnswer(tb testing.TB, messages int) []byte {
	tb.Helper()
	body := sampleBody(tb)
	sum := md5.Sum([]byte(body))
	type message struct {
		MessageId, ReceiptHandle, MD5OfBody, Body string
		Attributes                                map[string]string
	}
	var answer struct{ Messages []message }
	for range messages {
		answer.Messages = append(answer.Messages, message{
			MessageId:     "219f8380-5770-4cc2-8c3e-5c715e145f5e",
			ReceiptHandle: strings.Repeat("AQEBaZ+j5qUoOAoxlmrCQPkBm9njMWXqemmIG6shMHCO6fV20JrQYg/AiZ8JELwLwOu5", 4),
			MD5OfBody:     hex.EncodeToString(sum[:]),
			Body:          body,
			Attributes: map[string]string{
				"SenderId": "AIDAIENQZJOLO23YVJ4VO", "ApproximateReceiveCount": "1", "SentTimestamp": "1700000000000",
			},
		})
	}
	data, err := json.Marshal(answer)
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

func sampleBody(tb testing.TB) string {
	tb.Helper()
	arn := "arn:aws-us-gov:kms:us-gov-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
	detail := map[string]any{
		"eventVersion": "1.11", "eventSource": "kms.amazonaws.com", "eventName": "Decrypt",
		"userIdentity": map[string]any{"type": "AssumedRole", "arn": arn, "accountId": "111122223333"},
		"resources":    []map[string]string{{"ARN": arn, "type": "AWS::KMS::Key", "accountId": "111122223333"}},
		"userAgent":    "aws-internal/3 aws-sdk-java/1.12", "eventID": "219f8380-5770-4cc2-8c3e-5c715e145f5e",
	}
	for i := range 24 {
		detail["member"+string(rune('A'+i))] = "a value of the usual length, with \"quotes\" at times"
	}
	data, err := json.Marshal(map[string]any{"version": "0", "source": "aws.kms", "detail": detail})
	if err != nil {
		tb.Fatal(err)
	}
	if !utf8.Valid(data) || len(data) < 2000 || len(data) > 3000 {
		tb.Fatalf("the sample is %d bytes", len(data))
	}
	return string(data)
}

func TestDecodeReadsTheSampleAsTheSDKDoes(t *testing.T) {
	answer := sampleAnswer(t, 10)
	want, err := bySDK(t.Context(), answer)
	if err != nil {
		t.Fatal(err)
	}
	got, err := decodeReceive(answer)
	if err != nil {
		t.Fatal(err)
	}
	diff(t, "messages", got, want)
}

func BenchmarkDecodeOurs(b *testing.B) {
	answer := sampleAnswer(b, 10)
	buf := make([]byte, len(answer))
	b.SetBytes(int64(len(answer)))
	b.ReportAllocs()
	for b.Loop() {
		copy(buf, answer)
		if _, err := decodeReceive(buf); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeSDK(b *testing.B) {
	answer := sampleAnswer(b, 10)
	op := smithy.NewOperationSchema(schemas.ReceiveMessage, schemas.ReceiveMessageRequest, schemas.ReceiveMessageResult)
	protocol := awsjson.New10(schemas.AmazonSQS)
	b.SetBytes(int64(len(answer)))
	b.ReportAllocs()
	for b.Loop() {
		resp := ok(answer)
		out := &sqs.ReceiveMessageOutput{}
		if err := protocol.DeserializeResponse(b.Context(), op, sqs.TypeRegistry, resp, out); err != nil {
			b.Fatal(err)
		}
		if aws.ToString(out.Messages[9].Body) == "" {
			b.Fatal("no body")
		}
	}
}
