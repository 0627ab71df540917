package awssim

import (
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

func (w *world) encrypt(key, plaintext string, context map[string]string) []byte {
	w.t.Helper()
	out, err := w.kms.Encrypt(ctx(), &kms.EncryptInput{
		KeyId: &key, Plaintext: []byte(plaintext), EncryptionContext: context,
	})
	return must(w.t, out, err).CiphertextBlob
}

func TestOldMaterialDecryptsAfterRotations(t *testing.T) {
	w := newWorld(t)
	arn := w.key(KeyOptions{})
	var blobs [][]byte
	for range 3 {
		blobs = append(blobs, w.encrypt(arn, "secret", nil))
		w.want(w.rotate(arn), "")
		w.Clock().Advance(defaultRotationDelay)
	}
	materials := w.truth(arn).Materials
	for i, blob := range blobs {
		out, err := w.kms.Decrypt(ctx(), &kms.DecryptInput{CiphertextBlob: blob})
		w.want(err, "")
		if string(out.Plaintext) != "secret" || *out.KeyMaterialId != materials[i].ID {
			t.Errorf("blob %d gave %q by %s, want secret by %s", i, out.Plaintext, *out.KeyMaterialId, materials[i].ID)
		}
	}
}

func TestDecryptRefuses(t *testing.T) {
	w := newWorld(t)
	arn, other := w.key(KeyOptions{}), w.key(KeyOptions{})
	blob := w.encrypt(arn, "secret", map[string]string{"tenant": "1"})
	damaged := slices.Clone(blob)
	damaged[len(damaged)-1] ^= 1
	right := map[string]string{"tenant": "1"}
	tests := []struct {
		name string
		in   kms.DecryptInput
		code string
	}{
		{"nothing that is whole", kms.DecryptInput{CiphertextBlob: blob, EncryptionContext: right}, ""},
		{
			"another context",
			kms.DecryptInput{CiphertextBlob: blob, EncryptionContext: map[string]string{"tenant": "2"}},
			"InvalidCiphertextException",
		},
		{"no context", kms.DecryptInput{CiphertextBlob: blob}, "InvalidCiphertextException"},
		{
			"a damaged ciphertext",
			kms.DecryptInput{CiphertextBlob: damaged, EncryptionContext: right},
			"InvalidCiphertextException",
		},
		{"what is no ciphertext", kms.DecryptInput{CiphertextBlob: []byte("hello")}, "InvalidCiphertextException"},
		{
			"another key's ciphertext",
			kms.DecryptInput{CiphertextBlob: blob, EncryptionContext: right, KeyId: &other},
			"IncorrectKeyException",
		},
		{
			"a dry run",
			kms.DecryptInput{CiphertextBlob: blob, EncryptionContext: right, DryRun: new(true)},
			"DryRunOperationException",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := w.kms.Decrypt(ctx(), &tt.in)
			if got := errorCode(err); got != tt.code {
				t.Errorf("code %q, want %q", got, tt.code)
			}
		})
	}
}

func TestReEncryptMovesCiphertextToAnotherKey(t *testing.T) {
	w := newWorld(t)
	from, to := w.key(KeyOptions{}), w.key(KeyOptions{Aliases: []string{"alias/to"}})
	in := &kms.ReEncryptInput{
		CiphertextBlob: w.encrypt(from, "secret", map[string]string{"a": "1"}), DestinationKeyId: new("alias/to"),
		SourceEncryptionContext: map[string]string{"a": "1"}, DestinationEncryptionContext: map[string]string{"b": "2"},
		DryRun: new(true),
	}
	_, err := w.kms.ReEncrypt(ctx(), in)
	w.want(err, "DryRunOperationException")
	in.DryRun = nil
	moved, err := w.kms.ReEncrypt(ctx(), in)
	w.want(err, "")
	if *moved.SourceKeyId != from || *moved.KeyId != to {
		t.Errorf("moved from %s to %s, want from %s to %s", *moved.SourceKeyId, *moved.KeyId, from, to)
	}
	opened, err := w.kms.Decrypt(ctx(), &kms.DecryptInput{
		CiphertextBlob: moved.CiphertextBlob, EncryptionContext: map[string]string{"b": "2"}, KeyId: &to,
	})
	w.want(err, "")
	if string(opened.Plaintext) != "secret" {
		t.Errorf("opened %q, want secret", opened.Plaintext)
	}
}

func TestADataKeyIsWhatItsCiphertextHolds(t *testing.T) {
	w := newWorld(t)
	arn := w.key(KeyOptions{})
	out, err := w.kms.GenerateDataKey(ctx(), &kms.GenerateDataKeyInput{KeyId: &arn, KeySpec: types.DataKeySpecAes256})
	w.want(err, "")
	opened, err := w.kms.Decrypt(ctx(), &kms.DecryptInput{CiphertextBlob: out.CiphertextBlob})
	w.want(err, "")
	if len(out.Plaintext) != 32 || !slices.Equal(opened.Plaintext, out.Plaintext) {
		t.Errorf("data key %x, its ciphertext holds %x", out.Plaintext, opened.Plaintext)
	}
	blind, err := w.kms.GenerateDataKeyWithoutPlaintext(ctx(),
		&kms.GenerateDataKeyWithoutPlaintextInput{KeyId: &arn, NumberOfBytes: new(int32(7))})
	w.want(err, "")
	opened, err = w.kms.Decrypt(ctx(), &kms.DecryptInput{CiphertextBlob: blind.CiphertextBlob})
	w.want(err, "")
	if len(opened.Plaintext) != 7 {
		t.Errorf("data key of %d bytes, want 7", len(opened.Plaintext))
	}
}

func TestTheLastUseNamesTheEventOfTheCall(t *testing.T) {
	w := newWorld(t)
	arn := w.key(KeyOptions{})
	usage := func() *types.KeyLastUsageData {
		out, err := w.kms.GetKeyLastUsage(ctx(), &kms.GetKeyLastUsageInput{KeyId: &arn})
		return must(t, out, err).KeyLastUsage
	}
	if u := usage(); u != nil && (u.Timestamp != nil || u.Operation != "") {
		t.Errorf("last use %+v of an unused key, want none", u)
	}
	w.encrypt(arn, "secret", nil)
	u := usage()
	records := w.Records()
	i := slices.IndexFunc(records, func(r Record) bool { return r.EventName == "Encrypt" })
	if u.Operation != types.KeyLastUsageTrackingOperationEncrypt || *u.CloudTrailEventId != records[i].EventID ||
		*u.KmsRequestId != records[i].RequestID || !u.Timestamp.Equal(w.Clock().Now()) {
		t.Errorf("last use %+v, want the Encrypt of event %s", u, records[i].EventID)
	}
}
