package e2e

import (
	"fmt"
	"testing"
	"time"

	"rotd/internal/awssim"
	"rotd/test/crash/world"
)

// TestAStopUnderLoadLeavesNothingInvisible stops rotd in the middle of a full queue.
func TestAStopUnderLoadLeavesNothingInvisible(t *testing.T) {
	t.Parallel()
	w := newWorld(t, world.Options{}, "cards")
	const messages = 4000
	for i := range messages {
		if _, err := w.Sim.Send(w.Queue, decryptBody(w, fmt.Sprintf("0a000000-0000-4000-8000-%012d", i))); err != nil {
			t.Fatal(err)
		}
	}
	d := ready(t, w)
	deletes := func() int { return len(w.Sim.Requests(awssim.OfOperation("DeleteMessageBatch"))) }
	until(t, "some deletions", func() bool { return deletes() > 20 })
	began := time.Now()
	if err := d.Stop(20 * time.Second); err != nil {
		t.Fatal(err)
	}
	depth, err := w.Sim.QueueDepth(w.Queue)
	if err != nil || depth.InFlight > 0 || depth.Visible == 0 {
		t.Errorf("stopped after %v with %+v in the queue (%v): want something left, and nothing in flight",
			time.Since(began), depth, err)
	}
	d = ready(t, w)
	untilDrained(t, w)
	if err := d.Stop(20 * time.Second); err != nil {
		t.Error(err)
	}
	wantNothingRepeated(t, w)
}

// decryptBody is a harmless event as EventBridge delivers it.
func decryptBody(w *world.World, eventID string) string {
	return fmt.Sprintf(`{"version":"0","id":%[1]q,"detail-type":"AWS API Call via CloudTrail","source":"aws.kms",`+
		`"account":%[2]q,"time":%[3]q,"region":%[4]q,"resources":[],"detail":{"eventVersion":"1.11",`+
		`"userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/app","accountId":%[2]q,`+
		`"accessKeyId":"AKIAAPPAPPAPPAPPAPP1","userName":"app"},"eventTime":%[3]q,"eventSource":"kms.amazonaws.com",`+
		`"eventName":"Decrypt","awsRegion":%[4]q,"sourceIPAddress":"10.1.2.3","requestParameters":null,`+
		`"responseElements":null,"requestID":%[1]q,"eventID":%[1]q,"readOnly":true,`+
		`"resources":[{"accountId":%[2]q,"type":"AWS::KMS::Key","ARN":%[5]q}],"eventType":"AwsApiCall",`+
		`"managementEvent":true,"recipientAccountId":%[2]q,"eventCategory":"Management"}}`,
		eventID, world.Account, time.Now().UTC().Format(time.RFC3339), world.Region, w.Keys["cards"])
}
