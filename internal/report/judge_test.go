package report

import (
	"strings"
	"testing"
	"time"

	"rotd/internal/inventory"
	"rotd/internal/reencrypt"
)

// rowOf judges one key as the fleet's source does.
func rowOf(t *testing.T, k *inventory.Key, change ...func(*Facts)) Row {
	t.Helper()
	s := source(nil)
	s.Judging.Fresh = DefaultFresh
	f := factsOf(k)
	for _, c := range change {
		c(f)
	}
	return s.Judging.row(f)
}

func dueLater(k *inventory.Key) {
	next := noon.Add(10 * day)
	k.Rotation.Next = &next
}

func read(ago time.Duration) func(*inventory.Key) {
	return func(k *inventory.Key) {
		k.ReadAt, k.FullAt, k.Rotation.HistoryAt = before(ago), before(ago), before(ago)
	}
}

func TestHowAKeyStands(t *testing.T) {
	pay := func(change ...func(*inventory.Key)) *inventory.Key {
		change = append([]func(*inventory.Key){quarterly(20)}, change...)
		return key(1, prodAccount, "us-east-1", "alias/pay-cards", change...)
	}
	listedBefore := func(k *inventory.Key) { k.Rotation.HistoryAt = before(30 * day) }
	for name, test := range map[string]struct {
		key  *inventory.Key
		want Outcome
		why  string
	}{
		"young, and rotating": {pay(), InOrder, "the material is 20 days old, and the policy allows 90 days"},
		"its rotations were listed long before: it can only be younger": {
			pay(listedBefore), InOrder, "the material is at most 20 days old, and the policy allows 90",
		},
		"too old": {pay(quarterly(98)), Drift, "The key material is older than the policy allows: 98 days old, of 90"},
		"too old when its rotations were listed, which is no proof any more": {
			pay(quarterly(98), listedBefore, func(k *inventory.Key) { k.CurrentMaterial = "another" }), Unverifiable,
			"the key's rotations were not read",
		},
		"too old, but within the grace": {pay(quarterly(96), dueLater), InOrder, "the material is 96 days old"},
		"its facts are old": {
			pay(read(49 * time.Hour)), Unverifiable, "last read at 2026-11-26 11:00Z, 2 days before",
		},
		"its facts are just fresh enough":      {pay(read(48 * time.Hour)), InOrder, "the material is 20 days old"},
		"what was wrong when it was last read": {pay(off, read(90*day)), Drift, "Automatic rotation is off"},
		"never read whole": {
			pay(func(k *inventory.Key) { k.FullAt = time.Time{} }), Unverifiable, "the key was never read whole",
		},
		"its status is denied": {
			pay(denied("GetKeyRotationStatus")), Unverifiable, "the key's rotation status could not be read",
		},
		"its policy is denied, though it rotates": {
			pay(denied("GetKeyPolicy")), Unverifiable, "KMS does not let rotd read all of the key: it refused GetKeyPolicy",
		},
		"no policy matches": {key(2, prodAccount, "us-east-1", "alias/x"), NoPolicy, "No policy matches the key"},
		"excepted": {
			key(3, prodAccount, "us-east-1", "alias/pay-vendor", off), Excepted, "Automatic rotation is off",
		},
		"disabled":       {pay(in("Disabled")), NotJudged, "the key is Disabled, and KMS rotates enabled keys only"},
		"managed by AWS": {pay(func(k *inventory.Key) { k.Manager = "AWS" }), NotJudged, "AWS manages this key"},
		"asymmetric, under a policy that rotates": {
			pay(signing), Drift, "The policy asks for a rotation that this key cannot do",
		},
		"its key policy is public": {pay(public), Drift, "every AWS account"},
		"pending deletion":         {pay(in("PendingDeletion")), Drift, "The key is scheduled for deletion"},
	} {
		t.Run(name, func(t *testing.T) {
			r := rowOf(t, test.key)
			if why := strings.Join(r.Why(), "; "); r.Outcome != test.want || !strings.Contains(why, test.why) {
				t.Errorf("%s: %s", r.Outcome, why)
			}
		})
	}
}

func TestAReplicasMaterialIsItsPrimarys(t *testing.T) {
	primary := key(1, prodAccount, "us-east-1", "alias/pay-global", quarterly(40))
	replica := key(2, prodAccount, "eu-west-1", "alias/pay-global", func(k *inventory.Key) {
		k.MultiRegion, k.PrimaryARN, k.Rotation = "REPLICA", primary.ARN, nil
	})
	known := rowOf(t, replica, func(f *Facts) { f.Context.Primary = primary })
	if known.AgeDays == nil || *known.AgeDays != 40 || known.RotatesWith != primary.ARN || known.Outcome != NotJudged {
		t.Errorf("got %+v", known)
	}
	if unknown := rowOf(t, replica); unknown.AgeDays != nil || unknown.Due != nil || unknown.Outcome != Unverifiable {
		t.Errorf("out of view: got %+v", unknown)
	}
}

func TestWhatWasMovedAwayFromAKeyIsEvidence(t *testing.T) {
	moves := []reencrypt.Move{{From: "old", To: "arn:new", Blobs: 497, Objects: 230, Last: before(day)}}
	r := rowOf(t, key(1, prodAccount, "us-east-1", "alias/pay-cards", quarterly(20)), func(f *Facts) { f.Moves = moves })
	if len(r.Evidence.ReEncrypted) != 1 || reEncryptedText(&r) != "497 blobs and 230 objects to arn:new" {
		t.Errorf("%+v: %s", r.Evidence.ReEncrypted, reEncryptedText(&r))
	}
}
