package queue

import (
	"context"
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

func TestSourcesAreThoseThatAQueuesPolicyLetsSend(t *testing.T) {
	const rule = "arn:aws:events:eu-west-1:1:rule/rotd"
	statement := func(effect, condition string) string {
		return `{"Effect":"` + effect + `","Action":"sqs:SendMessage","Condition":` + condition + `}`
	}
	for _, tc := range []struct {
		name, policy string
		want         []string
	}{
		{"no policy", "", nil},
		{"one", `{"Statement":[` + statement("Allow", `{"ArnEquals":{"aws:SourceArn":"`+rule+`"}}`) + `]}`, []string{rule}},
		{
			"a statement that is no list, names in another case, a list of ARNs",
			`{"Statement":` + statement("Allow", `{"ArnLike":{"AWS:sourcearn":["b","`+rule+`","b"]}}`) + `}`,
			[]string{rule, "b"},
		},
		{
			"other conditions beside it",
			`{"Statement":[` + statement("Allow",
				`{"Bool":{"aws:SecureTransport":true},"ArnEquals":{"aws:SourceArn":"b"}}`) + `]}`,
			[]string{"b"},
		},
		{"a statement that denies", `{"Statement":[` + statement("Deny", `{"ArnEquals":{"aws:SourceArn":"b"}}`) + `]}`, nil},
		{"no condition", `{"Statement":[{"Effect":"Allow"}]}`, nil},
		{"what is no policy", `{"Statement":[1,{"Effect":[]}]}`, nil},
		{"no JSON", `{`, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			diff(t, "sources", parseAttributes(map[string]string{"Policy": tc.policy}).Sources, tc.want)
		})
	}
}

// twoQueues answers for a queue and for its dead-letter queue.
type twoQueues struct {
	SQS
	dead    map[string]string
	refused error
	asked   []string
}

func (q *twoQueues) GetQueueAttributes(
	_ context.Context, in *sqs.GetQueueAttributesInput, _ ...func(*sqs.Options),
) (*sqs.GetQueueAttributesOutput, error) {
	q.asked = append(q.asked, *in.QueueUrl)
	if len(q.asked) == 1 {
		return &sqs.GetQueueAttributesOutput{Attributes: map[string]string{
			"ApproximateNumberOfMessages": "7",
			"RedrivePolicy":               `{"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:1:dead","maxReceiveCount":20}`,
		}}, nil
	}
	return &sqs.GetQueueAttributesOutput{Attributes: q.dead}, q.refused
}

func TestTheDeadLetterQueueIsCounted(t *testing.T) {
	for _, tc := range []struct {
		name    string
		dead    map[string]string
		refused error
		want    int64
		fault   string
	}{
		{"it has some", map[string]string{"ApproximateNumberOfMessages": "3"}, nil, 3, ""},
		{"it is empty", map[string]string{"ApproximateNumberOfMessages": "0"}, nil, 0, ""},
		{"rotd may not ask", nil, errors.New("AccessDenied"), 0, "AccessDenied"},
		{"it does not tell", nil, nil, 0, `strconv.ParseInt: parsing "": invalid syntax`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			q := &twoQueues{dead: tc.dead, refused: tc.refused}
			core, logs := observer.New(zapcore.InfoLevel)
			r := attributeReader{
				client: q, url: "https://sqs.eu-west-1.amazonaws.com/1/rotd", outage: &outage{},
				dead: &outage{what: "count", log: zap.New(core)},
			}
			if err := r.read(t.Context()); err != nil {
				t.Fatal(err)
			}
			diff(t, "told in the log", logs.Len() == 1, tc.fault != "")
			a := r.get()
			diff(t, "messages", a.DeadLetters, tc.want)
			diff(t, "error", a.DeadLetterError, tc.fault)
			diff(t, "the queue's own", a.Visible, int64(7))
			diff(t, "asked", q.asked, []string{r.url, "https://sqs.eu-west-1.amazonaws.com/1/dead"})
		})
	}
}
