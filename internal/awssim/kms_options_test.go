package awssim

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms"
)

func TestReadsAreStaleForAsLongAsConfigured(t *testing.T) {
	w := newWorld(t)
	arn := w.key(KeyOptions{})
	w.KMS().Configure(KMSOptions{StaleFor: time.Minute})
	_, err := w.kms.EnableKeyRotation(ctx(), &kms.EnableKeyRotationInput{KeyId: &arn})
	w.want(err, "")
	made, err := w.kms.CreateKey(ctx(), &kms.CreateKeyInput{})
	w.want(err, "")
	describe := func() error {
		_, err := w.kms.DescribeKey(ctx(), &kms.DescribeKeyInput{KeyId: made.KeyMetadata.Arn})
		return err
	}
	w.want(describe(), "NotFoundException")
	if w.status(arn).KeyRotationEnabled || !w.truth(arn).RotationEnabled {
		t.Error("a read sees the change at once, or the change did not happen")
	}
	w.Clock().Advance(time.Minute)
	w.want(describe(), "")
	if !w.status(arn).KeyRotationEnabled {
		t.Error("a read does not see the change after a minute")
	}
}

func TestQuotasThrottleEachOperationByItself(t *testing.T) {
	w := newWorld(t)
	arn := w.key(KeyOptions{})
	w.KMS().Configure(KMSOptions{Quotas: true})
	toggle := func() error {
		_, err := w.kms.DisableKeyRotation(ctx(), &kms.DisableKeyRotationInput{KeyId: &arn})
		return err
	}
	for range 5 {
		w.want(toggle(), "")
	}
	w.want(toggle(), "ThrottlingException")
	w.status(arn)
	w.Clock().Advance(time.Second)
	w.want(toggle(), "")
}

func TestADenialIsForWhatItNames(t *testing.T) {
	w := newWorld(t)
	denied, open := w.key(KeyOptions{}), w.key(KeyOptions{})
	w.KMS().Deny(KMSDenial{Principal: w.alice.ARN, Key: denied, Operation: "GetKeyRotationStatus"})
	_, err := w.kms.GetKeyRotationStatus(ctx(), &kms.GetKeyRotationStatusInput{KeyId: &denied})
	w.want(err, "AccessDeniedException")
	w.status(open)
	w.metadata(denied)
	w.KMS().Undeny()
	w.status(denied)
}

func TestAKeyIsSetUpWithWhatKMSTellsOfIt(t *testing.T) {
	w := newWorld(t)
	now := w.Clock().Now()
	used, next := now.Add(-time.Hour), now.Add(-days(3))
	stuck := w.key(KeyOptions{
		Created: now.Add(-days(400)), RotationPeriod: 90, NextRotation: next, Stalled: true, OnDemandSince: used, Used: used,
		Says: map[string]string{"KeySpec": "TOMORROW"},
	})
	w.Clock().Advance(time.Hour)
	status := w.status(stuck)
	if !status.NextRotationDate.Equal(next) || !status.OnDemandRotationStartDate.Equal(used) {
		t.Errorf("next %v, in progress since %v", status.NextRotationDate, status.OnDemandRotationStartDate)
	}
	last, err := w.kms.GetKeyLastUsage(ctx(), &kms.GetKeyLastUsageInput{KeyId: &stuck})
	w.want(err, "")
	if !last.KeyLastUsage.Timestamp.Equal(used) {
		t.Errorf("last used %v", last.KeyLastUsage.Timestamp)
	}
	if got := w.metadata(stuck).KeySpec; got != "TOMORROW" {
		t.Errorf("the key spec is %s", got)
	}
}
