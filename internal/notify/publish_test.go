package notify

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"rotd/internal/finding"
)

const (
	topicARN  = "arn:aws:sns:eu-west-1:111122223333:oncall"
	published = `<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult>` +
		`<MessageId>m-1</MessageId></PublishResult></PublishResponse>`
)

// against makes a Publisher with the real client, as the daemon has it, that talks to a handler.
func against(t *testing.T, timeout time.Duration, handler http.HandlerFunc) (*Publisher, *atomic.Int32) {
	t.Helper()
	var requests atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		handler(w, r)
	}))
	t.Cleanup(server.Close)
	return NewPublisher(client(server.URL), timeout), &requests
}

func client(endpoint string) *sns.Client {
	return sns.New(sns.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(endpoint), RetryMaxAttempts: 5,
		Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
	})
}

func sample(t *testing.T) Message {
	t.Helper()
	return Text(samples()["opened-check"])
}

func TestPublishSendsTheWholeMessage(t *testing.T) {
	var got url.Values
	p, _ := against(t, 0, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		if got, err = url.ParseQuery(string(body)); err != nil {
			t.Error(err)
		}
		io.WriteString(w, published)
	})
	m := sample(t)
	m.Attributes = map[string]string{"severity": "HIGH"}
	id, err := p.Publish(t.Context(), Topic{ARN: topicARN + ".fifo"}, m)
	if err != nil || id != "m-1" {
		t.Fatalf("Publish = %q, %v", id, err)
	}
	want := url.Values{
		"Action": {"Publish"}, "Version": {"2010-03-31"}, "TopicArn": {topicARN + ".fifo"},
		"Subject": {m.Subject}, "Message": {m.Body},
		"MessageGroupId": {m.GroupID}, "MessageDeduplicationId": {m.DedupeID},
		"MessageAttributes.entry.1.Name":              {"severity"},
		"MessageAttributes.entry.1.Value.DataType":    {"String"},
		"MessageAttributes.entry.1.Value.StringValue": {"HIGH"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAStandardTopicGetsNoFIFOIds(t *testing.T) {
	p, _ := against(t, 0, func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("MessageGroupId") != "" || r.FormValue("MessageDeduplicationId") != "" {
			t.Error("FIFO ids were sent")
		}
		io.WriteString(w, published)
	})
	if _, err := p.Publish(t.Context(), Topic{ARN: topicARN}, sample(t)); err != nil {
		t.Fatal(err)
	}
}

func TestTheTopicsRegionIsUsed(t *testing.T) {
	var region string
	spy := snsFunc(func(
		_ context.Context, _ *sns.PublishInput, options ...func(*sns.Options),
	) (*sns.PublishOutput, error) {
		o := sns.Options{Region: "us-east-1"}
		for _, option := range options {
			option(&o)
		}
		region = o.Region
		return &sns.PublishOutput{MessageId: aws.String("m")}, nil
	})
	_, err := NewPublisher(spy, 0).Publish(t.Context(), Topic{ARN: topicARN}, Message{})
	if err != nil || region != "eu-west-1" {
		t.Errorf("published in %q, %v", region, err)
	}
}

type snsFunc func(context.Context, *sns.PublishInput, ...func(*sns.Options)) (*sns.PublishOutput, error)

func (f snsFunc) Publish(
	ctx context.Context, in *sns.PublishInput, options ...func(*sns.Options),
) (*sns.PublishOutput, error) {
	return f(ctx, in, options...)
}

func answer(status int, code string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		io.WriteString(w, `<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><Error>`+
			`<Type>Sender</Type><Code>`+code+`</Code><Message>no</Message></Error>`+
			`<RequestId>r</RequestId></ErrorResponse>`)
	}
}

func TestClassOfWhatSNSAnswers(t *testing.T) {
	tests := []struct {
		name    string
		handler http.HandlerFunc
		want    ErrorClass
	}{
		{"throttled", answer(400, "Throttled"), Temporary},
		{"throttled with 429", answer(429, "TooMany"), Temporary},
		{"its own trouble", answer(500, "InternalError"), Temporary},
		{"unavailable, without a word", answer(503, ""), Temporary},
		{"a gateway's page", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(502)
			io.WriteString(w, "<html>bad gateway")
		}, Temporary},
		{"credentials that ran out", answer(403, "ExpiredToken"), Temporary},
		{"credentials not known yet", answer(403, "InvalidClientTokenId"), Temporary},
		{"the topic's key throttled", answer(400, "KMSThrottling"), Temporary},
		{"no such topic", answer(404, "NotFound"), Permanent},
		{"not allowed", answer(403, "AuthorizationError"), Permanent},
		{"a message it does not take", answer(400, "InvalidParameter"), Permanent},
		{"the topic's key disabled", answer(400, "KMSDisabled"), Permanent},
		{"a refusal of a new kind", answer(400, "SomethingNew"), Permanent},
		{"an answer cut short", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			io.WriteString(w, published[:20])
		}, Ambiguous},
		{"a connection closed after the request", func(http.ResponseWriter, *http.Request) {
			panic(http.ErrAbortHandler)
		}, Ambiguous},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, requests := against(t, 0, tt.handler)
			_, err := p.Publish(t.Context(), Topic{ARN: topicARN}, sample(t))
			if err == nil {
				t.Fatal("published")
			}
			if got := Class(err); got != tt.want {
				t.Errorf("Class(%v) = %s, want %s", err, got, tt.want)
			}
			if n := requests.Load(); n != 1 {
				t.Errorf("%d requests, want 1: repetition must not be the SDK's", n)
			}
		})
	}
}

func TestNoAnswerInTimeIsAmbiguous(t *testing.T) {
	release := make(chan struct{})
	p, _ := against(t, 50*time.Millisecond, func(_ http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		<-release
	})
	defer close(release)
	_, err := p.Publish(t.Context(), Topic{ARN: topicARN}, sample(t))
	if err == nil || Class(err) != Ambiguous {
		t.Errorf("Class(%v) = %s, want ambiguous", err, Class(err))
	}
}

func TestWhatWasNeverSentIsTemporary(t *testing.T) {
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone := "http://" + listener.Addr().String()
	listener.Close()
	noCredentials := sns.New(sns.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(gone),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{}, errors.New("no credentials at the moment")
		}),
	})
	for name, c := range map[string]SNS{"nobody listens": client(gone), "no credentials": noCredentials} {
		_, err := NewPublisher(c, 0).Publish(t.Context(), Topic{ARN: topicARN}, sample(t))
		if err == nil || Class(err) != Temporary {
			t.Errorf("%s: Class(%v) = %s, want temporary", name, err, Class(err))
		}
	}
}

func TestClassOfOtherErrors(t *testing.T) {
	tests := []struct {
		name string
		err  error
		want ErrorClass
	}{
		{"a name that does not resolve", &net.DNSError{Err: "no such host"}, Temporary},
		{"stopped while it ran", &smithy.CanceledError{Err: context.Canceled}, Ambiguous},
		{"a request that is incomplete", smithy.InvalidParamsError{Context: "PublishInput"}, Permanent},
		{"a server fault without a status", &smithy.GenericAPIError{Code: "X", Fault: smithy.FaultServer}, Temporary},
		{"a client fault without a status", &smithy.GenericAPIError{Code: "X", Fault: smithy.FaultClient}, Permanent},
		{"anything else", errors.New("x"), Temporary},
	}
	for _, tt := range tests {
		if got := Class(tt.err); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestATopicsFormatDecides(t *testing.T) {
	g := samples()["opened-check"]
	text := Topic{Format: FormatText}.Render(g)
	document := Topic{Format: FormatJSON, MinSeverity: finding.High}.Render(g)
	if text.Body != Text(g).Body || document.Body != JSON(g).Body {
		t.Error("a topic got the other format")
	}
}
