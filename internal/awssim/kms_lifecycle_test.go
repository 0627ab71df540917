package awssim

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

func TestRotationStatusIsOffWhileAKeyIsPendingDeletion(t *testing.T) {
	w := newWorld(t)
	arn := w.key(KeyOptions{RotationPeriod: 90})
	out, err := w.schedule(arn, 7)
	w.want(err, "")
	if !out.DeletionDate.Equal(w.Clock().Now().Add(days(7))) || *out.PendingWindowInDays != 7 {
		t.Errorf("answer %+v, want a deletion in 7 days", out)
	}
	if w.status(arn).KeyRotationEnabled {
		t.Error("rotation is on while pending deletion")
	}
	_, err = w.kms.CancelKeyDeletion(ctx(), &kms.CancelKeyDeletionInput{KeyId: &arn})
	w.want(err, "")
	m := w.metadata(arn)
	if m.KeyState != types.KeyStateDisabled || m.DeletionDate != nil || !w.status(arn).KeyRotationEnabled {
		t.Errorf("state %s, deletion %v, want disabled, no date, rotation on", m.KeyState, m.DeletionDate)
	}
	for _, window := range []int32{6, 31} {
		_, err := w.schedule(arn, window)
		w.want(err, "ValidationException")
	}
}

func TestADeletedKeyIsGoneWithItsAliases(t *testing.T) {
	w := newWorld(t)
	arn := w.key(KeyOptions{Aliases: []string{"alias/doomed"}})
	_, err := w.schedule(arn, 7)
	w.want(err, "")
	w.Clock().Advance(days(7))
	for _, name := range []string{arn, "alias/doomed"} {
		_, err := w.kms.DescribeKey(ctx(), &kms.DescribeKeyInput{KeyId: &name})
		w.want(err, "NotFoundException")
	}
	if keys := w.KMS().Keys(home, east); len(keys) != 0 {
		t.Errorf("keys %v, want none", keys)
	}
}

func TestAReplicaSharesMaterialAndScheduleWithItsPrimary(t *testing.T) {
	w := newWorld(t)
	primary := w.key(KeyOptions{MultiRegion: true, RotationPeriod: 90})
	out, err := w.kms.ReplicateKey(ctx(), &kms.ReplicateKeyInput{KeyId: &primary, ReplicaRegion: new(west)})
	w.want(err, "")
	replica := *out.ReplicaKeyMetadata.Arn
	there := w.client(w.alice, west)
	for _, a := range attempts() {
		if a.name == "EnableKeyRotation" || a.name == "DisableKeyRotation" || a.name == "RotateKeyOnDemand" {
			w.want(a.run(there, replica), "UnsupportedOperationException")
		}
	}
	_, err = w.kms.ReplicateKey(ctx(), &kms.ReplicateKeyInput{KeyId: &primary, ReplicaRegion: new(west)})
	w.want(err, "AlreadyExistsException")

	sealed, err := w.kms.Encrypt(ctx(), &kms.EncryptInput{KeyId: &primary, Plaintext: []byte("secret")})
	w.want(err, "")
	w.want(w.rotate(primary), "")
	w.Clock().Advance(time.Second)
	opened, err := there.Decrypt(ctx(), &kms.DecryptInput{CiphertextBlob: sealed.CiphertextBlob})
	w.want(err, "")
	if string(opened.Plaintext) != "secret" || *opened.KeyId != replica {
		t.Errorf("decrypted %q under %s, want secret under the replica", opened.Plaintext, *opened.KeyId)
	}
	if a, b := *w.metadata(primary).CurrentKeyMaterialId, *opened.KeyMaterialId; a == b {
		t.Errorf("old ciphertext was opened with the current material %s", a)
	}
	ours, theirs := w.truth(primary), w.truth(replica)
	if a, b := ours.current().ID, theirs.current().ID; a != b {
		t.Errorf("current materials %s and %s, want the same", a, b)
	}
	status, err := there.GetKeyRotationStatus(ctx(), &kms.GetKeyRotationStatusInput{KeyId: &replica})
	w.want(err, "")
	if !status.KeyRotationEnabled {
		t.Error("the replica's rotation is off, want its primary's")
	}
	config := w.metadata(primary).MultiRegionConfiguration
	if config.MultiRegionKeyType != types.MultiRegionKeyTypePrimary || len(config.ReplicaKeys) != 1 ||
		*config.ReplicaKeys[0].Arn != replica {
		t.Errorf("configuration %+v, want a primary with its replica", config)
	}
}

func TestAPrimaryIsDeletedAfterItsReplicas(t *testing.T) {
	w := newWorld(t)
	primary := w.key(KeyOptions{Replicas: []string{west}})
	key := w.truth(primary)
	replica := key.arnIn(west)
	out, err := w.schedule(primary, 7)
	w.want(err, "")
	if out.KeyState != types.KeyStatePendingReplicaDeletion || out.DeletionDate != nil {
		t.Errorf("answer %+v, want to wait for the replicas", out)
	}
	_, err = w.client(w.alice, west).ScheduleKeyDeletion(ctx(),
		&kms.ScheduleKeyDeletionInput{KeyId: &replica, PendingWindowInDays: new(int32(7))})
	w.want(err, "")
	w.Clock().Advance(days(7))
	if m := w.metadata(primary); m.KeyState != types.KeyStatePendingDeletion {
		t.Fatalf("state %s after the last replica is gone, want pending deletion", m.KeyState)
	}
	w.Clock().Advance(days(7))
	if _, ok := w.KMS().Key(primary); ok {
		t.Error("the primary is still there")
	}
}

func TestAReplicaIsUsableOnlyOnceItIsCreated(t *testing.T) {
	w := newWorld(t)
	w.KMS().Configure(KMSOptions{ReplicationDelay: time.Minute})
	primary := w.key(KeyOptions{MultiRegion: true})
	out, err := w.kms.ReplicateKey(ctx(), &kms.ReplicateKeyInput{KeyId: &primary, ReplicaRegion: new(west)})
	w.want(err, "")
	encrypt := func() error {
		in := &kms.EncryptInput{KeyId: out.ReplicaKeyMetadata.Arn, Plaintext: []byte("x")}
		_, err := w.client(w.alice, west).Encrypt(ctx(), in)
		return err
	}
	w.want(encrypt(), "KMSInvalidStateException")
	w.Clock().Advance(time.Minute)
	w.want(encrypt(), "")
}
