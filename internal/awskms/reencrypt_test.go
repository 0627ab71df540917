package awskms

import (
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/google/go-cmp/cmp"

	"rotd/internal/awssim"
	"rotd/internal/reencrypt"
)

func TestABlobMovesToAnotherKeyAndItsContextMayChange(t *testing.T) {
	w := newWorld(t)
	old, now := w.key(awssim.KeyOptions{}), w.key(awssim.KeyOptions{})
	direct := kms.NewFromConfig(w.cfg)
	purpose := map[string]string{"purpose": "test"}
	sealed, err := direct.Encrypt(t.Context(), &kms.EncryptInput{
		KeyId: &old, Plaintext: []byte("a data key"), EncryptionContext: purpose,
	})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name        string
		destination map[string]string
		opensWith   map[string]string
	}{
		{"the same context when none is named", nil, purpose},
		{"another context", map[string]string{"purpose": "prod"}, map[string]string{"purpose": "prod"}},
		{"no context", map[string]string{}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := &reencrypt.Blob{Ciphertext: sealed.CiphertextBlob, Context: purpose, Source: old, Destination: tt.destination}
			moved, err := w.client().ReEncrypt(t.Context(), b, now, false)
			if err != nil {
				t.Fatal(err)
			}
			if moved.From != old || moved.To != now {
				t.Errorf("moved from %s to %s", moved.From, moved.To)
			}
			opened, err := direct.Decrypt(t.Context(), &kms.DecryptInput{
				CiphertextBlob: moved.Ciphertext, EncryptionContext: tt.opensWith,
			})
			if err != nil || string(opened.Plaintext) != "a data key" || aws.ToString(opened.KeyId) != now {
				t.Errorf("it opens to %q under %s, %v", opened.Plaintext, aws.ToString(opened.KeyId), err)
			}
		})
	}
}

func TestADryRunSucceedsWhereKMSWouldAndMovesNothing(t *testing.T) {
	w := newWorld(t)
	old, now := w.key(awssim.KeyOptions{}), w.key(awssim.KeyOptions{})
	sealed, err := kms.NewFromConfig(w.cfg).Encrypt(t.Context(), &kms.EncryptInput{KeyId: &old, Plaintext: []byte("x")})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[Class]int{}
	client := w.client()
	client.opts.Observe = func(c Call) { seen[c.Class]++ }
	moved, err := client.ReEncrypt(t.Context(), &reencrypt.Blob{Ciphertext: sealed.CiphertextBlob}, now, true)
	if err != nil || len(moved.Ciphertext) > 0 {
		t.Errorf("%d bytes, %v", len(moved.Ciphertext), err)
	}
	wrong := &reencrypt.Blob{Ciphertext: sealed.CiphertextBlob, Context: map[string]string{"another": "context"}}
	if _, err := client.ReEncrypt(t.Context(), wrong, now, true); ErrorCode(err) != "InvalidCiphertextException" {
		t.Errorf("a blob that does not open: %v", err)
	}
	if diff := cmp.Diff(map[Class]int{OK: 1, WrongMaterial: 1}, seen); diff != "" {
		t.Errorf("classes of the calls (-want +got):\n%s", diff)
	}
}

func TestAReEncryptionIsRepeatedOnlyWhileThatMayHelp(t *testing.T) {
	tests := []struct {
		name, code string
		requests   int
	}{
		{"throttled, then through", "ThrottlingException", 3},
		{"a key that was not available for a moment", "KeyUnavailableException", 3},
		{"refused", "AccessDeniedException", 1},
		{"a key that is not there", "NotFoundException", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fake := newFake(1)
				fake.answer = func(op operation, _ string) error {
					if fake.count(op) < 3 {
						return apiError(tt.code)
					}
					return nil
				}
				blob := &reencrypt.Blob{Ciphertext: []byte("x")}
				_, _ = fake.client(Options{}).ReEncrypt(t.Context(), blob, fakeARN(0), false)
				if got := fake.count(reEncrypt); got != tt.requests {
					t.Errorf("%d requests, want %d", got, tt.requests)
				}
			})
		})
	}
}
