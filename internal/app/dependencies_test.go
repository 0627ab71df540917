package app

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"rotd/internal/awss3"
	"rotd/internal/detection"
	"rotd/internal/engine"
	"rotd/internal/events/queue"
	"rotd/internal/notify"
	"rotd/internal/state"
)

func TestRotdAsksUnderWhichKeysItsOwnAre(t *testing.T) {
	sim, f := fleetWorld(t)
	d := f.d
	admin := sim.As(sim.NewAccessKey(home, "admin"), "eu-west-1")
	url := sim.CreateQueue("eu-west-1", home, "rotd")
	_, err := sqs.NewFromConfig(admin).SetQueueAttributes(t.Context(), &sqs.SetQueueAttributesInput{
		QueueUrl: &url, Attributes: map[string]string{"KmsMasterKeyId": "alias/queue"},
	})
	if err != nil {
		t.Fatal(err)
	}
	name := "oncall"
	topic, err := sns.NewFromConfig(admin).CreateTopic(t.Context(), &sns.CreateTopicInput{
		Name: &name, Attributes: map[string]string{"KmsMasterKeyId": "alias/topic"},
	})
	if err != nil {
		t.Fatal(err)
	}
	sim.CreateBucket("eu-west-1", home, "backups")
	d.store = awss3.New(f.sdk)
	err = d.store.Put(t.Context(), awss3.Location{Bucket: "backups", Key: "a"}, awss3.Upload{
		Body: strings.NewReader(""), KMSKey: "alias/backups",
	})
	if err != nil {
		t.Fatal(err)
	}
	gone := "arn:aws:sns:us-east-1:" + home + ":gone"
	d.engine = engine.New(engine.Options{
		DB: d.db, Logger: zap.NewNop(), Metrics: engine.NewMetrics(prometheus.NewRegistry()),
		Settings: &engine.Settings{
			Judge:  detection.NewJudge(detection.Settings{}),
			Topics: []notify.Topic{{ARN: *topic.TopicArn}, {ARN: gone}},
		},
	})
	consumer, err := queue.New(sqs.NewFromConfig(f.sdk), url, func(context.Context, *queue.Batch) {},
		queue.Options{Pollers: 1, VisibilityTimeout: time.Minute, Logger: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	d.parts.consumers = []*queue.Consumer{consumer}
	if err := d.learnDependencies(t.Context()); err != nil {
		t.Fatal(err)
	}
	var got []state.Dependency
	if err := d.db.View(func(tx *state.Tx) (err error) { got, err = tx.Dependencies(); return err }); err != nil {
		t.Fatal(err)
	}
	if len(got) != 4 || !strings.Contains(got[2].Error, "NotFound") {
		t.Fatalf("got %+v", got)
	}
	want := []state.Dependency{
		{What: "the queue " + url, Account: home, Region: "eu-west-1", Key: "alias/queue"},
		{What: "the topic " + *topic.TopicArn, Account: home, Region: "eu-west-1", Key: "alias/topic"},
		{What: "the topic " + gone, Account: home, Region: "us-east-1", Error: got[2].Error},
		{What: "objects in s3://backups", Account: home, Region: "eu-west-1", Key: "alias/backups", Stored: true},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(state.Dependency{}, "AskedAt")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
