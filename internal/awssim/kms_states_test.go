package awssim

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// attempt is one operation on one key.
type attempt struct {
	name string
	run  func(c *kms.Client, key string) error
}

func attempts() []attempt {
	return []attempt{
		{"DescribeKey", func(c *kms.Client, key string) error {
			_, err := c.DescribeKey(ctx(), &kms.DescribeKeyInput{KeyId: &key})
			return err
		}},
		{"GetKeyRotationStatus", func(c *kms.Client, key string) error {
			_, err := c.GetKeyRotationStatus(ctx(), &kms.GetKeyRotationStatusInput{KeyId: &key})
			return err
		}},
		{"ListKeyRotations", func(c *kms.Client, key string) error {
			_, err := c.ListKeyRotations(ctx(), &kms.ListKeyRotationsInput{KeyId: &key})
			return err
		}},
		{"EnableKeyRotation", func(c *kms.Client, key string) error {
			_, err := c.EnableKeyRotation(ctx(), &kms.EnableKeyRotationInput{KeyId: &key})
			return err
		}},
		{"DisableKeyRotation", func(c *kms.Client, key string) error {
			_, err := c.DisableKeyRotation(ctx(), &kms.DisableKeyRotationInput{KeyId: &key})
			return err
		}},
		{"RotateKeyOnDemand", func(c *kms.Client, key string) error {
			_, err := c.RotateKeyOnDemand(ctx(), &kms.RotateKeyOnDemandInput{KeyId: &key})
			return err
		}},
		{"Encrypt", func(c *kms.Client, key string) error {
			_, err := c.Encrypt(ctx(), &kms.EncryptInput{KeyId: &key, Plaintext: []byte("x")})
			return err
		}},
		{"EnableKey", func(c *kms.Client, key string) error {
			_, err := c.EnableKey(ctx(), &kms.EnableKeyInput{KeyId: &key})
			return err
		}},
		{"DisableKey", func(c *kms.Client, key string) error {
			_, err := c.DisableKey(ctx(), &kms.DisableKeyInput{KeyId: &key})
			return err
		}},
		{"CreateAlias", func(c *kms.Client, key string) error {
			_, err := c.CreateAlias(ctx(), &kms.CreateAliasInput{AliasName: new("alias/new"), TargetKeyId: &key})
			return err
		}},
		{"TagResource", func(c *kms.Client, key string) error {
			_, err := c.TagResource(ctx(), &kms.TagResourceInput{KeyId: &key, Tags: []types.Tag{
				{TagKey: new("team"), TagValue: new("payments")},
			}})
			return err
		}},
		{"PutKeyPolicy", func(c *kms.Client, key string) error {
			policy := defaultKeyPolicy(east, home)
			_, err := c.PutKeyPolicy(ctx(), &kms.PutKeyPolicyInput{KeyId: &key, Policy: &policy})
			return err
		}},
		{"ScheduleKeyDeletion", func(c *kms.Client, key string) error {
			_, err := c.ScheduleKeyDeletion(ctx(), &kms.ScheduleKeyDeletionInput{KeyId: &key})
			return err
		}},
		{"CancelKeyDeletion", func(c *kms.Client, key string) error {
			_, err := c.CancelKeyDeletion(ctx(), &kms.CancelKeyDeletionInput{KeyId: &key})
			return err
		}},
	}
}

// TestEachOperationOnAKeyInEachState holds the table of key states in AWS's documentation.
func TestEachOperationOnAKeyInEachState(t *testing.T) {
	const (
		ok          = ""
		disabled    = "DisabledException"
		state       = "KMSInvalidStateException"
		unsupported = "UnsupportedOperationException"
		denied      = "AccessDeniedException"
		usage       = "InvalidKeyUsageException"
	)
	enabled := map[string]string{"CancelKeyDeletion": state}
	with := func(codes map[string]string, operations ...string) map[string]string {
		for i := 0; i < len(operations); i += 2 {
			codes[operations[i]] = operations[i+1]
		}
		return codes
	}
	asymmetric := with(map[string]string{"CancelKeyDeletion": state}, "GetKeyRotationStatus", unsupported,
		"ListKeyRotations", unsupported, "EnableKeyRotation", unsupported, "DisableKeyRotation", unsupported,
		"RotateKeyOnDemand", unsupported)
	tests := []struct {
		name  string
		key   KeyOptions
		codes map[string]string // by operation; ok when absent
	}{
		{"an enabled key", KeyOptions{}, enabled},
		{"a disabled key", KeyOptions{State: types.KeyStateDisabled}, map[string]string{
			"EnableKeyRotation": disabled, "DisableKeyRotation": disabled, "RotateKeyOnDemand": disabled,
			"Encrypt": disabled, "CancelKeyDeletion": state,
		}},
		{"a key pending deletion", KeyOptions{DeletionDate: newYear()}, map[string]string{
			"EnableKeyRotation": state, "DisableKeyRotation": state, "RotateKeyOnDemand": state, "Encrypt": state,
			"EnableKey": state, "DisableKey": state, "CreateAlias": state, "TagResource": state, "PutKeyPolicy": state,
			"ScheduleKeyDeletion": state,
		}},
		{"a key pending import", KeyOptions{Origin: types.OriginTypeExternal}, map[string]string{
			"GetKeyRotationStatus": unsupported, "EnableKeyRotation": unsupported, "DisableKeyRotation": unsupported,
			"RotateKeyOnDemand": state, "Encrypt": state, "EnableKey": state, "DisableKey": state,
			"CancelKeyDeletion": state,
		}},
		{
			"an imported key without pending material",
			KeyOptions{Origin: types.OriginTypeExternal, Imported: []ImportedSecret{{}}},
			map[string]string{
				"EnableKeyRotation": unsupported, "DisableKeyRotation": unsupported, "RotateKeyOnDemand": state,
				"CancelKeyDeletion": state,
			},
		},
		{
			"an imported key with pending material",
			KeyOptions{Origin: types.OriginTypeExternal, Imported: []ImportedSecret{{}, {Pending: true}}},
			map[string]string{
				"EnableKeyRotation": unsupported, "DisableKeyRotation": unsupported, "CancelKeyDeletion": state,
			},
		},
		{
			"an RSA key",
			KeyOptions{Spec: types.KeySpecRsa2048, Usage: types.KeyUsageTypeSignVerify},
			with(map[string]string{"Encrypt": usage}, flat(asymmetric)...),
		},
		{
			"an HMAC key",
			KeyOptions{Spec: types.KeySpecHmac256},
			with(map[string]string{"Encrypt": usage}, flat(asymmetric)...),
		},
		{
			"a key in a custom key store",
			KeyOptions{Origin: types.OriginTypeAwsCloudhsm, CustomKeyStore: "cks-1234567890abcdef0"},
			with(map[string]string{"Encrypt": unsupported}, flat(asymmetric)...),
		},
		{"an AWS managed key", KeyOptions{Manager: types.KeyManagerTypeAws}, map[string]string{
			"GetKeyRotationStatus": denied, "ListKeyRotations": denied, "EnableKeyRotation": denied,
			"DisableKeyRotation": denied, "RotateKeyOnDemand": denied, "Encrypt": denied, "EnableKey": denied,
			"DisableKey": denied, "CreateAlias": denied, "TagResource": denied, "PutKeyPolicy": denied,
			"ScheduleKeyDeletion": denied, "CancelKeyDeletion": denied,
		}},
	}
	w := newWorld(t)
	for _, tt := range tests {
		for _, a := range attempts() {
			t.Run(fmt.Sprintf("%s/%s", tt.name, a.name), func(t *testing.T) {
				arn := w.key(tt.key)
				before := w.truth(arn)
				err := a.run(w.kms, arn)
				if got, want := errorCode(err), tt.codes[a.name]; got != want {
					t.Fatalf("code %q, want %q (%v)", got, want, err)
				}
				requests := w.Requests(OfResource(arn))
				if len(requests) != 1 {
					t.Fatalf("%d requests about the key in the log, want 1", len(requests))
				}
				if err == nil {
					w.forgetAlias(a.name)
					return
				}
				hidden := cmpopts.IgnoreUnexported(KMSKey{}, KMSMaterial{})
				if diff := cmp.Diff(before, w.truth(arn), hidden); diff != "" {
					t.Errorf("a refused call changed the key (-before +after):\n%s", diff)
				}
				if requests[0].Effect {
					t.Error("a refused call is logged as an effect")
				}
			})
		}
	}
}

// forgetAlias takes back what a successful CreateAlias made, so that the next may make it.
func (w *world) forgetAlias(operation string) {
	w.t.Helper()
	if operation != "CreateAlias" {
		return
	}
	if _, err := w.kms.DeleteAlias(ctx(), &kms.DeleteAliasInput{AliasName: new("alias/new")}); err != nil {
		w.t.Fatal(err)
	}
}

func flat(codes map[string]string) (list []string) {
	for operation, code := range codes {
		list = append(list, operation, code)
	}
	return list
}
