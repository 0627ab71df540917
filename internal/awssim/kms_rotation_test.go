package awssim

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

func newYear() time.Time { return time.Date(2027, time.January, 1, 0, 0, 0, 0, time.UTC) }

func (w *world) rotate(key string) error {
	_, err := w.kms.RotateKeyOnDemand(ctx(), &kms.RotateKeyOnDemandInput{KeyId: &key})
	return err
}

func (w *world) enable(key string, period int32) error {
	in := &kms.EnableKeyRotationInput{KeyId: &key, RotationPeriodInDays: &period}
	_, err := w.kms.EnableKeyRotation(ctx(), in)
	return err
}

func (w *world) schedule(key string, window int32) (*kms.ScheduleKeyDeletionOutput, error) {
	in := &kms.ScheduleKeyDeletionInput{KeyId: &key, PendingWindowInDays: &window}
	return w.kms.ScheduleKeyDeletion(ctx(), in)
}

func (w *world) status(key string) *kms.GetKeyRotationStatusOutput {
	w.t.Helper()
	out, err := w.kms.GetKeyRotationStatus(ctx(), &kms.GetKeyRotationStatusInput{KeyId: &key})
	return must(w.t, out, err)
}

func (w *world) rotations(key string, include types.IncludeKeyMaterial) []types.RotationsListEntry {
	w.t.Helper()
	out, err := w.kms.ListKeyRotations(ctx(), &kms.ListKeyRotationsInput{KeyId: &key, IncludeKeyMaterial: include})
	return must(w.t, out, err).Rotations
}

func (w *world) metadata(key string) *types.KeyMetadata {
	w.t.Helper()
	out, err := w.kms.DescribeKey(ctx(), &kms.DescribeKeyInput{KeyId: &key})
	return must(w.t, out, err).KeyMetadata
}

func TestARotationOnDemandCompletesLaterAndKeepsTheOldMaterial(t *testing.T) {
	w := newWorld(t)
	w.KMS().Configure(KMSOptions{RotationDelay: time.Minute})
	arn := w.key(KeyOptions{})
	first := *w.metadata(arn).CurrentKeyMaterialId

	if err := w.rotate(arn); err != nil {
		t.Fatal(err)
	}
	if got := w.status(arn).OnDemandRotationStartDate; got == nil || !got.Equal(w.Clock().Now()) {
		t.Errorf("OnDemandRotationStartDate %v, want now", got)
	}
	w.want(w.rotate(arn), "ConflictException")
	if got := len(w.rotations(arn, "")); got != 0 {
		t.Errorf("%d rotations while one is running, want 0", got)
	}

	w.Clock().Advance(time.Minute)
	if got := w.status(arn).OnDemandRotationStartDate; got != nil {
		t.Errorf("OnDemandRotationStartDate %v after completion, want none", got)
	}
	rotations := w.rotations(arn, "")
	if len(rotations) != 1 || rotations[0].RotationType != types.RotationTypeOnDemand ||
		!rotations[0].RotationDate.Equal(w.Clock().Now()) {
		t.Fatalf("rotations %+v, want one on demand now", rotations)
	}
	if got := *w.metadata(arn).CurrentKeyMaterialId; got == first || got != *rotations[0].KeyMaterialId {
		t.Errorf("current material %s, want that of the rotation", got)
	}
	all := w.rotations(arn, types.IncludeKeyMaterialAllKeyMaterial)
	if len(all) != 2 || *all[0].KeyMaterialId != first || all[0].RotationDate != nil ||
		all[0].KeyMaterialState != types.KeyMaterialStateNonCurrent ||
		all[1].KeyMaterialState != types.KeyMaterialStateCurrent {
		t.Errorf("all material %+v, want the first non-current without date and the current", all)
	}
}

func TestTheTwentySixthRotationOnDemandIsRefusedForGood(t *testing.T) {
	w := newWorld(t)
	arn := w.key(KeyOptions{})
	for range onDemandLimit {
		if err := w.rotate(arn); err != nil {
			t.Fatal(err)
		}
		w.Clock().Advance(defaultRotationDelay)
	}
	err := w.rotate(arn)
	if _, typed := errors.AsType[*types.LimitExceededException](err); !typed {
		t.Fatalf("the 26th rotation gave %v, want LimitExceededException", err)
	}
	w.Clock().Advance(days(4000))
	w.want(w.rotate(arn), "LimitExceededException")
	if key := w.truth(arn); key.OnDemandUsed != 25 || len(key.Materials) != 26 {
		t.Errorf("%d rotations and %d materials, want 25 and 26", key.OnDemandUsed, len(key.Materials))
	}
	if got := len(w.EffectsOf("RotateKeyOnDemand")); got != 25 {
		t.Errorf("%d effects logged, want 25", got)
	}
}

func TestAutomaticRotationFollowsTheClock(t *testing.T) {
	w := newWorld(t)
	arn := w.key(KeyOptions{})
	start := w.Clock().Now()
	err := w.enable(arn, 90)
	w.want(err, "")
	if s := w.status(arn); !s.KeyRotationEnabled || *s.RotationPeriodInDays != 90 ||
		!s.NextRotationDate.Equal(start.Add(days(90))) {
		t.Errorf("status %+v, want on, 90 days, next in 90 days", s)
	}

	w.Clock().Advance(days(90) - 20*time.Minute)
	w.want(w.rotate(arn), "ConflictException")
	w.Clock().Advance(20 * time.Minute)
	if err := w.rotate(arn); err != nil {
		t.Fatal(err)
	}
	if next := w.status(arn).NextRotationDate; !next.Equal(start.Add(days(180))) {
		t.Errorf("next rotation %s after one on demand, want the schedule unmoved", next)
	}
	w.Clock().Advance(days(200))
	var dates []string
	for _, r := range w.rotations(arn, "") {
		dates = append(dates, r.RotationDate.Sub(start).String()+" "+string(r.RotationType))
	}
	want := []string{
		days(90).String() + " AUTOMATIC", (days(90) + time.Second).String() + " ON_DEMAND",
		days(180).String() + " AUTOMATIC", days(270).String() + " AUTOMATIC",
	}
	if !slices.Equal(dates, want) {
		t.Errorf("rotations %v, want %v", dates, want)
	}
}

func TestEnablingAgainChangesPeriodAndSchedule(t *testing.T) {
	w := newWorld(t)
	arn := w.key(KeyOptions{RotationPeriod: 90})
	w.Clock().Advance(days(30))
	err := w.enable(arn, 180)
	w.want(err, "")
	if s := w.status(arn); *s.RotationPeriodInDays != 180 || !s.NextRotationDate.Equal(w.Clock().Now().Add(days(180))) {
		t.Errorf("status %+v, want 180 days from now", s)
	}
	for _, period := range []int32{89, 2561} {
		err := w.enable(arn, period)
		w.want(err, "ValidationException")
	}
	_, err = w.kms.DisableKeyRotation(ctx(), &kms.DisableKeyRotationInput{KeyId: &arn})
	w.want(err, "")
	if s := w.status(arn); s.KeyRotationEnabled || s.RotationPeriodInDays != nil || s.NextRotationDate != nil {
		t.Errorf("status %+v, want off without period and date", s)
	}
}

func TestAKeyDisabledPastItsDateRotatesWhenEnabled(t *testing.T) {
	w := newWorld(t)
	arn := w.key(KeyOptions{RotationPeriod: 90, State: types.KeyStateDisabled})
	w.Clock().Advance(days(200))
	if got := len(w.rotations(arn, "")); got != 0 {
		t.Fatalf("%d rotations of a disabled key, want 0", got)
	}
	_, err := w.kms.EnableKey(ctx(), &kms.EnableKeyInput{KeyId: &arn})
	w.want(err, "")
	if got := w.rotations(arn, ""); len(got) != 1 || !got[0].RotationDate.Equal(w.Clock().Now()) {
		t.Errorf("rotations %+v, want one now", got)
	}
	if next := w.status(arn).NextRotationDate; !next.Equal(w.Clock().Now().Add(days(90))) {
		t.Errorf("next rotation %s, want a whole period ahead", next)
	}
}

func TestAnImportedKeyRotatesToWhatWasImportedAndFailsWhenAnyExpires(t *testing.T) {
	w := newWorld(t)
	expiry := w.Clock().Now().Add(days(100))
	arn := w.key(KeyOptions{Origin: types.OriginTypeExternal})
	if m := w.metadata(arn); m.KeyState != types.KeyStatePendingImport || m.CurrentKeyMaterialId != nil {
		t.Fatalf("metadata %+v, want pending import without material", m)
	}
	for _, validTo := range []time.Time{expiry, {}} {
		if err := w.KMS().AddImported(arn, validTo); err != nil {
			t.Fatal(err)
		}
	}
	if m := w.metadata(arn); m.KeyState != types.KeyStateEnabled || !m.ValidTo.Equal(expiry) {
		t.Fatalf("metadata %+v, want enabled until %s", m, expiry)
	}
	pending := w.rotations(arn, types.IncludeKeyMaterialAllKeyMaterial)[1]
	if pending.KeyMaterialState != types.KeyMaterialStatePendingRotation ||
		pending.ImportState != types.ImportStateImported {
		t.Fatalf("second material %+v, want imported and pending rotation", pending)
	}
	w.want(w.rotate(arn), "")
	w.Clock().Advance(time.Second)
	if got := w.metadata(arn).CurrentKeyMaterialId; *got != *pending.KeyMaterialId {
		t.Errorf("current material %s, want the imported %s", *got, *pending.KeyMaterialId)
	}
	w.Clock().Advance(days(100))
	if got := w.metadata(arn).KeyState; got != types.KeyStatePendingImport {
		t.Errorf("state %s after the old material expired, want pending import", got)
	}
}
