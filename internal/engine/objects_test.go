package engine

import (
	"fmt"
	"testing"
	"time"

	"rotd/internal/awssim"
	"rotd/internal/finding"
	"rotd/internal/state"
)

const logKey = "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/11/20/log.json"

// notified are the two ways in which the queue is told of a log object.
func notified() map[string]string {
	return map[string]string{
		"by CloudTrail": fmt.Sprintf(`{"s3Bucket":%q,"s3ObjectKey":[%q]}`, bucket, logKey),
		"by S3": fmt.Sprintf(`{"Records":[{"eventSource":"aws:s3","eventName":"ObjectCreated:Put","awsRegion":%q,`+
			`"s3":{"bucket":{"name":%q},"object":{"key":%q}}}]}`, region, bucket, logKey),
	}
}

func TestALogObjectsRecordsAreJudgedAndItsMessageSettledLast(t *testing.T) {
	for name, body := range notified() {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, silent)
			arn := w.key(awssim.KeyOptions{RotationPeriod: 365})
			records := []record{w.aRecord("DisableKey", arn), w.aRecord("Decrypt", arn).with("eventID", 7)}
			for range 2 * pieceRecords {
				records = append(records, w.aRecord("Decrypt", arn))
			}
			records = append(records, w.aRecord("AssumeRole", arn).with("eventSource", "sts.amazonaws.com"))
			w.check(w.sim.PutObject(bucket, logKey, []byte(file(records...)), nil))
			w.send(body, body)
			w.drained()
			for what, want := range map[string]int{"processed": 2*pieceRecords + 1, "quarantined": 1} {
				if got := w.counter("rotd_records_total", what); got != want {
					t.Errorf("%d records %s, want %d", got, what, want)
				}
			}
			if got, want := w.counter("rotd_records_total"), 2*len(records); got != want {
				t.Errorf("%d records have an outcome, want %d", got, want)
			}
			if p, d := w.counter("rotd_messages_total", "processed"), w.counter("rotd_messages_total", "duplicate"); p == 0 ||
				p+d != 2 {
				t.Errorf("%d messages processed, %d duplicate, want 2 in all", p, d)
			}
			if f := w.awaitFound("message-undecodable", finding.Open); f.Count != 1 {
				t.Errorf("got %+v", f)
			}
			w.awaitFound("key-disabled", finding.Open)
		})
	}
}

func TestAMessageWhoseLogObjectIsGoneIsSetAside(t *testing.T) {
	w := newWorld(t)
	got := w.settle(notified()["by CloudTrail"])
	if got[0].Ack || got[0].VisibleAfter != undecodableAfter {
		t.Errorf("got %+v", got)
	}
	if n := w.counter("rotd_messages_total", "quarantined"); n != 1 || w.engine.IntakeStopped() != "" {
		t.Errorf("%d messages quarantined, intake %q", n, w.engine.IntakeStopped())
	}
	w.view(func(tx *state.Tx) error {
		items, _, err := tx.QuarantineList("", 10)
		if len(items) != 1 || items[0].Reason != "object-gone" {
			t.Errorf("got %+v", items)
		}
		return err
	})
}

func TestAnEmptyLogObjectCountsAsOneIgnoredRecord(t *testing.T) {
	w := newWorld(t)
	w.check(w.sim.PutObject(bucket, logKey, []byte(`{"Records":[]}`), nil))
	if got := w.settle(notified()["by S3"]); !got[0].Ack {
		t.Errorf("got %+v", got)
	}
	if m, r := w.counter("rotd_messages_total", "ignored"), w.counter("rotd_records_total", "ignored"); m != 1 || r != 1 {
		t.Errorf("ignored are %d messages and %d records", m, r)
	}
}

func TestWhileS3IsAwayReceivingStopsAndGoesOnAfter(t *testing.T) {
	w := newWorld(t)
	arn := w.key(awssim.KeyOptions{RotationPeriod: 365})
	w.check(w.sim.PutObject(bucket, logKey, []byte(file(w.aRecord("DisableKey", arn))), nil))
	w.sim.Outage("s3", true)
	w.send(notified()["by S3"])
	w.await("receiving to stop", func() bool {
		return w.engine.IntakeStopped() != "" && w.consumer.Status().State == "paused"
	})
	w.send(w.aRecord("DisableKey", arn).bridged())
	w.sim.Outage("s3", false)
	w.await("receiving to go on", func() bool { return w.engine.IntakeStopped() == "" })
	w.sim.Clock().Advance(faultAfter + time.Second)
	w.drained()
	if f := w.found("key-disabled"); f == nil || f.Count != 2 {
		t.Errorf("got %+v", f)
	}
	if got := w.counter("rotd_messages_total", "quarantined"); got != 0 {
		t.Errorf("%d messages are set aside for S3's fault", got)
	}
}
