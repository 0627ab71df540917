package engine

import (
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"rotd/internal/awssim"
	"rotd/internal/finding"
	"rotd/internal/policy"
)

// TestAKeyThatKMSDescribesNoMoreEndsNothing: whoever shuts rotd out and then schedules a deletion must not have the old
// state taken for a new reading.
func TestAKeyThatKMSDescribesNoMoreEndsNothing(t *testing.T) {
	w := newWorld(t)
	arn := w.key(awssim.KeyOptions{RotationPeriod: 365})
	w.sweep(Inventory)
	w.sim.KMS().Deny(awssim.KMSDenial{Principal: roleARN, Operation: "DescribeKey"})
	_, err := w.kms(w.engineer).ScheduleKeyDeletion(t.Context(), &kms.ScheduleKeyDeletionInput{
		KeyId: &arn, PendingWindowInDays: aws.Int32(7),
	})
	w.check(err)
	w.awaitFound("key-deletion-scheduled", finding.Open)
	w.await("the refusal to be known", func() bool { return w.known(arn).WasDenied("DescribeKey") })
	w.sweep(Inventory)
	if f := w.found("key-deletion-scheduled"); f.Status != finding.Open || f.OverSince != nil {
		t.Errorf("%s, over since %v", f.Status, f.OverSince)
	}
}

// TestNothingAutomaticHappensToAKeyWhoseNamesAreRefused: another policy may be meant.
func TestNothingAutomaticHappensToAKeyWhoseNamesAreRefused(t *testing.T) {
	for _, operation := range []string{"ListAliases", "ListResourceTags"} {
		t.Run(operation, func(t *testing.T) {
			w := newWorld(t, silent, func(w *world) {
				w.settings.Policies = policy.Set{
					{
						Name: "watched", Mode: policy.Observe, Rotation: policy.Rotation{Method: policy.None},
						Match: policy.Match{Aliases: []string{"alias/pay-*"}, Tags: map[string]string{"team": "pay"}},
					},
					{
						Name: "rest", Mode: policy.Enforce,
						Rotation: policy.Rotation{Method: policy.Auto, Automatic: 90 * day, MaxAge: 365 * day},
					},
				}
			})
			arn := w.key(awssim.KeyOptions{
				Aliases: []string{"alias/pay-cards"}, Tags: map[string]string{"team": "pay"},
			})
			w.sim.KMS().Deny(awssim.KMSDenial{Principal: roleARN, Operation: operation})
			w.sweep(Inventory)
			w.sweep(Inventory)
			w.awaitFound("rotation-disabled", finding.Open)
			w.awaitFound("key-unverifiable", finding.Open)
			if all := w.actions(); len(all) != 0 {
				t.Errorf("planned %+v", all)
			}
			w.sim.KMS().Undeny()
			w.sweep(Inventory)
			if !w.known(arn).NamesTold() {
				t.Errorf("a permission that was given is not noticed: %v", w.known(arn).Denied)
			}
			w.awaitFound("key-unverifiable", finding.Resolved)
			if f := w.found("key-policy-assignment-changed"); f != nil || len(w.actions()) != 0 {
				t.Errorf("being told the names at last is taken for a move: %+v, %+v", f, w.actions())
			}
		})
	}
}

// TestAKeyHasItsAccountsPathFromItsFirstReadingOn: policies match by it.
func TestAKeyHasItsAccountsPathFromItsFirstReadingOn(t *testing.T) {
	w := newWorld(t)
	w.sweep(Inventory)
	places := slices.Clone(w.engine.Places())
	places[0].OrgPath = "o-1/r-1/ou-1/"
	w.engine.SetPlaces(places)
	made, err := w.kms(w.engineer).CreateKey(t.Context(), &kms.CreateKeyInput{})
	w.check(err)
	w.await("the new key to be read for its event", func() bool { return w.known(*made.KeyMetadata.Arn) != nil })
	if got := w.known(*made.KeyMetadata.Arn).OrgPath; got != places[0].OrgPath {
		t.Errorf("its account's path is %q", got)
	}
}

func TestAChangedKeyThatCannotBeReadNowIsTriedAgain(t *testing.T) {
	w := newWorld(t)
	arn := w.key(awssim.KeyOptions{RotationPeriod: 365})
	w.sweep(Inventory)
	w.sim.Plan(awssim.Fault{
		Operation: "DescribeKey", Err: &awssim.APIError{Code: "ThrottlingException"},
		Match: func(in awssim.Incoming) bool { return in.AccessKeyID == w.rotd.AccessKeyID },
	})
	_, err := w.kms(w.engineer).DisableKey(t.Context(), &kms.DisableKeyInput{KeyId: &arn})
	w.check(err)
	w.await("a reading in two minutes, besides the one that always follows", func() bool {
		return slices.ContainsFunc(w.waiting(arn), func(due time.Time) bool {
			in := time.Until(due)
			return in > rereadLater/2 && in <= rereadLater
		})
	})
}
