package awssim

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// wrapped asks for import parameters and wraps material with them.
func (w *world) wrapped(c *kms.Client, arn string, material []byte) *kms.ImportKeyMaterialInput {
	w.t.Helper()
	out, err := c.GetParametersForImport(ctx(), &kms.GetParametersForImportInput{
		KeyId: &arn, WrappingAlgorithm: types.AlgorithmSpecRsaesOaepSha256, WrappingKeySpec: types.WrappingKeySpecRsa2048,
	})
	must(w.t, out, err)
	public, err := x509.ParsePKIXPublicKey(out.PublicKey)
	key, _ := must(w.t, public, err).(*rsa.PublicKey)
	cipher, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, key, material, nil)
	return &kms.ImportKeyMaterialInput{
		KeyId: &arn, ImportToken: out.ImportToken, EncryptedKeyMaterial: must(w.t, cipher, err),
		ExpirationModel: types.ExpirationModelTypeKeyMaterialDoesNotExpire,
	}
}

func (w *world) importInto(c *kms.Client, arn string, kind types.ImportType, material []byte) error {
	w.t.Helper()
	in := w.wrapped(c, arn, material)
	in.ImportType = kind
	_, err := c.ImportKeyMaterial(ctx(), in)
	return err
}

func current(w *world, arn string) string {
	k := w.truth(arn)
	return k.CurrentMaterial()
}

func bytesOf(n byte) []byte { return bytes.Repeat([]byte{n}, 32) }

func TestImportedMaterialIsRotatedToOnDemand(t *testing.T) {
	w := newWorld(t)
	arn := w.key(KeyOptions{Origin: types.OriginTypeExternal, State: types.KeyStatePendingImport})
	w.want(w.importInto(w.kms, arn, "", bytesOf(1)), "")
	if k := w.truth(arn); k.State != types.KeyStateEnabled || len(k.Materials) != 1 {
		t.Fatalf("after the first import: %+v", k)
	}
	first := current(w, arn)
	w.want(w.rotate(arn), "KMSInvalidStateException")
	w.want(w.importInto(w.kms, arn, "", bytesOf(2)), "IncorrectKeyMaterialException")
	w.want(w.importInto(w.kms, arn, types.ImportTypeNewKeyMaterial, bytesOf(1)), "IncorrectKeyMaterialException")
	w.want(w.importInto(w.kms, arn, types.ImportTypeNewKeyMaterial, bytesOf(2)), "")
	w.want(w.importInto(w.kms, arn, types.ImportTypeNewKeyMaterial, bytesOf(3)), "KMSInvalidStateException")
	w.want(w.rotate(arn), "")
	w.Clock().Advance(time.Minute)
	if k := w.truth(arn); k.CurrentMaterial() == first || k.OnDemandUsed != 1 || k.pending() != nil {
		t.Errorf("after the rotation: %+v", k)
	}
}

func TestMaterialOfAMultiRegionKeyGoesToEveryReplicaBeforeItsRotation(t *testing.T) {
	w := newWorld(t)
	arn := w.key(KeyOptions{
		Origin: types.OriginTypeExternal, State: types.KeyStatePendingImport, MultiRegion: true, Replicas: []string{west},
	})
	primary := w.truth(arn)
	replica, there := primary.arnIn(west), w.client(w.alice, west)
	w.want(w.importInto(w.kms, arn, "", bytesOf(1)), "")
	w.want(w.importInto(there, replica, types.ImportTypeNewKeyMaterial, bytesOf(2)), "UnsupportedOperationException")
	w.want(w.importInto(there, replica, "", bytesOf(2)), "IncorrectKeyMaterialException")
	w.want(w.importInto(there, replica, "", bytesOf(1)), "")
	if k := w.truth(replica); k.State != types.KeyStateEnabled || k.CurrentMaterial() != current(w, arn) {
		t.Fatalf("the replica: %+v", k)
	}

	w.want(w.importInto(w.kms, arn, types.ImportTypeNewKeyMaterial, bytesOf(2)), "")
	w.want(w.rotate(arn), "KMSInvalidStateException")
	waiting := types.KeyMaterialStatePendingMultiRegionImportAndRotation
	entries := w.rotations(arn, types.IncludeKeyMaterialAllKeyMaterial)
	if e := entries[len(entries)-1]; e.KeyMaterialState != waiting || e.ImportState != types.ImportStateImported {
		t.Errorf("waiting for the replica: %+v", e)
	}
	w.want(w.importInto(there, replica, types.ImportTypeExistingKeyMaterial, bytesOf(2)), "")
	w.want(w.rotate(arn), "")
	w.Clock().Advance(time.Minute)
	for _, related := range []string{arn, replica} {
		k := w.truth(related)
		m := k.current()
		if len(k.Materials) != 2 || m.ID != k.Materials[1].ID || m.ID != current(w, arn) || !m.Imported {
			t.Errorf("%s: %+v", related, k)
		}
	}
}

func TestAnImportThatIsWrongChangesNothing(t *testing.T) {
	w := newWorld(t)
	arn := w.key(KeyOptions{Origin: types.OriginTypeExternal, Imported: []ImportedSecret{{}}})
	other := w.key(KeyOptions{Origin: types.OriginTypeExternal, State: types.KeyStatePendingImport})
	before := w.truth(arn)
	tests := []struct {
		name   string
		change func(*kms.ImportKeyMaterialInput)
		want   string
	}{
		{"another key's token", func(in *kms.ImportKeyMaterialInput) {
			in.ImportToken = w.wrapped(w.kms, other, bytesOf(9)).ImportToken
		}, "InvalidImportTokenException"},
		{"no ciphertext of the wrapping key", func(in *kms.ImportKeyMaterialInput) {
			in.EncryptedKeyMaterial = bytes.Repeat([]byte{1}, 256)
		}, "InvalidCiphertextException"},
		{"too short", func(in *kms.ImportKeyMaterialInput) {
			short := w.wrapped(w.kms, arn, bytesOf(9)[:16])
			in.ImportToken, in.EncryptedKeyMaterial = short.ImportToken, short.EncryptedKeyMaterial
		}, "IncorrectKeyMaterialException"},
		{"expiring without saying when", func(in *kms.ImportKeyMaterialInput) {
			in.ExpirationModel = types.ExpirationModelTypeKeyMaterialExpires
		}, "ValidationException"},
		{"expiring after more than a year", func(in *kms.ImportKeyMaterialInput) {
			in.ExpirationModel = types.ExpirationModelTypeKeyMaterialExpires
			in.ValidTo = aws.Time(w.Clock().Now().Add(366 * 24 * time.Hour))
		}, "ValidationException"},
		{"a token of the day before", func(*kms.ImportKeyMaterialInput) {
			w.Clock().Advance(25 * time.Hour)
		}, "ExpiredImportTokenException"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := w.wrapped(w.kms, arn, bytesOf(9))
			in.ImportType = types.ImportTypeNewKeyMaterial
			tt.change(in)
			_, err := w.kms.ImportKeyMaterial(ctx(), in)
			w.want(err, tt.want)
			if after := w.truth(arn); len(after.Materials) != len(before.Materials) || after.State != before.State {
				t.Errorf("changed: %+v", after)
			}
		})
	}
}

func TestGrantsAreGivenOnceAndRevokedForGood(t *testing.T) {
	w := newWorld(t)
	arn := w.key(KeyOptions{})
	in := &kms.CreateGrantInput{
		KeyId: &arn, GranteePrincipal: aws.String("arn:aws:iam::111122223333:role/app"), Name: aws.String("one"),
		Operations:  []types.GrantOperation{types.GrantOperationDecrypt},
		Constraints: &types.GrantConstraints{EncryptionContextSubset: map[string]string{"app": "pay"}},
	}
	give := func() string {
		out, err := w.kms.CreateGrant(ctx(), in)
		return *must(t, out, err).GrantId
	}
	listed := func() []types.GrantListEntry {
		out, err := w.kms.ListGrants(ctx(), &kms.ListGrantsInput{KeyId: &arn})
		return must(t, out, err).Grants
	}
	id := give()
	if again := give(); again != id || len(listed()) != 1 {
		t.Errorf("the same grant again is %s, not %s", again, id)
	}
	if g := listed()[0]; g.Constraints.EncryptionContextSubset["app"] != "pay" || *g.Name != "one" {
		t.Errorf("listed as %+v", g)
	}
	in.DryRun = aws.Bool(true)
	_, err := w.kms.CreateGrant(ctx(), in)
	w.want(err, "DryRunOperationException")
	in.DryRun, in.Name = nil, nil
	if other := give(); other == id {
		t.Error("a grant without a name is the one with a name")
	}
	revoke := func() error {
		_, err := w.kms.RevokeGrant(ctx(), &kms.RevokeGrantInput{KeyId: &arn, GrantId: &id})
		return err
	}
	w.want(revoke(), "")
	w.want(revoke(), "NotFoundException")
	if slices.ContainsFunc(listed(), func(g types.GrantListEntry) bool { return *g.GrantId == id }) {
		t.Error("still listed")
	}
	_, err = w.kms.ListGrants(ctx(), &kms.ListGrantsInput{KeyId: &arn, GrantId: &id})
	w.want(err, "NotFoundException")
}
