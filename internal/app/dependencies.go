package app

import (
	"cmp"
	"context"
	"strings"
	"time"

	"go.uber.org/zap"

	"rotd/internal/events/queue"
	"rotd/internal/notify"
	"rotd/internal/state"
)

// learnDependencies asks under which keys rotd's own queues and topics are, and looks which S3 named for the objects
// that rotd has read and written, so that it keeps its hands off them. What cannot be asked holds up nothing.
func (d *daemonProcess) learnDependencies(ctx context.Context) error {
	var all []state.Dependency
	add := func(what, account, region, key string, err error) {
		dep := state.Dependency{What: what, Account: account, Region: region, Key: key, AskedAt: time.Now().UTC()}
		if err != nil {
			dep.Error = err.Error()
			d.log.Warn("cannot ask which key encrypts what rotd depends on", zap.String("what", what), zap.Error(err))
		}
		all = append(all, dep)
	}
	for _, c := range d.parts.consumers {
		url := c.Status().Queue
		key, err := c.KMSKey(ctx)
		add("the queue "+url, accountOf(url), cmp.Or(queue.RegionOf(url), d.home.Region), key, err)
	}
	topics := notify.NewClient(d.fleet.sdk)
	for _, t := range d.engine.Settings().Topics {
		key, err := notify.KMSKey(ctx, topics, t.ARN)
		parts := strings.SplitN(t.ARN, ":", 6) // checked with the configuration
		add("the topic "+t.ARN, parts[4], parts[3], key, err)
	}
	for _, s := range d.store.Sealed() {
		add("objects in s3://"+s.Bucket, d.home.Account, d.home.Region, s.Key, nil)
		all[len(all)-1].Stored = true
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return d.engine.DependsOn(all)
}

// accountOf is a queue's account: the last but one segment of its URL.
func accountOf(url string) string {
	segments := strings.Split(strings.Trim(url, "/"), "/")
	return segments[max(0, len(segments)-2)]
}
