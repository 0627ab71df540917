package remediation

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rotd/internal/inventory"
)

func TestEligibility(t *testing.T) {
	set := func(field func(*inventory.Key) *string, value string) func(*inventory.Key) {
		return func(k *inventory.Key) { *field(k) = value }
	}
	state := func(v string) func(*inventory.Key) { return set(func(k *inventory.Key) *string { return &k.State }, v) }
	spec := func(v string) func(*inventory.Key) { return set(func(k *inventory.Key) *string { return &k.Spec }, v) }
	origin := func(v string) func(*inventory.Key) {
		return set(func(k *inventory.Key) *string { return &k.Origin }, v)
	}
	usage := func(v string) func(*inventory.Key) { return set(func(k *inventory.Key) *string { return &k.Usage }, v) }
	manager := func(v string) func(*inventory.Key) {
		return set(func(k *inventory.Key) *string { return &k.Manager }, v)
	}
	role := func(v string) func(*inventory.Key) {
		return set(func(k *inventory.Key) *string { return &k.MultiRegion }, v)
	}
	gone := func(k *inventory.Key) { at := time.Unix(0, 0); k.GoneAt = &at }

	type test struct {
		name   string
		change []func(*inventory.Key)
		want   Kind
	}
	tests := []test{
		{"a symmetric customer key rotates", nil, KindRotatable},
		{"a multi-Region primary rotates", []func(*inventory.Key){role("PRIMARY")}, KindRotatable},
		{"a replica is rotated at its primary", []func(*inventory.Key){role("REPLICA")}, KindReplica},
		{
			"a disabled replica is still a replica",
			[]func(*inventory.Key){role("REPLICA"), state("Disabled")},
			KindReplica,
		},
		{
			"a replica of imported material is a replica",
			[]func(*inventory.Key){role("REPLICA"), origin("EXTERNAL")},
			KindReplica,
		},
		{"an unknown multi-Region role is left alone", []func(*inventory.Key){role("TWIN")}, KindUnknown},
		{"imported material is rotated on demand", []func(*inventory.Key){origin("EXTERNAL")}, KindImported},
		{"a CloudHSM key is replaced", []func(*inventory.Key){origin("AWS_CLOUDHSM")}, KindReplaceOnly},
		{"an external store's key is replaced", []func(*inventory.Key){origin("EXTERNAL_KEY_STORE")}, KindReplaceOnly},
		{"an unknown origin is left alone", []func(*inventory.Key){origin("MOON")}, KindUnknown},
		{
			"an imported RSA key is replaced",
			[]func(*inventory.Key){origin("EXTERNAL"), spec("RSA_2048")},
			KindReplaceOnly,
		},
		{"an AWS managed key is not yours", []func(*inventory.Key){manager("AWS")}, KindNotYours},
		{"an unknown manager is left alone", []func(*inventory.Key){manager("NOBODY")}, KindUnknown},
		{"a key nobody described is left alone", []func(*inventory.Key){manager("")}, KindUnknown},
		{"a key KMS no longer knows is gone", []func(*inventory.Key){gone}, KindGone},
		{"an unknown spec is left alone", []func(*inventory.Key){spec("ML_DSA_99")}, KindUnknown},
		{"an unknown state is left alone", []func(*inventory.Key){state("Sleeping")}, KindUnknown},
		{"an unknown usage is left alone", []func(*inventory.Key){usage("DREAM")}, KindUnknown},
		{"a usage no symmetric key has is left alone", []func(*inventory.Key){usage("SIGN_VERIFY")}, KindUnknown},
	}
	for _, s := range []string{
		"RSA_2048", "RSA_3072", "RSA_4096", "ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521",
		"ECC_SECG_P256K1", "ECC_NIST_EDWARDS25519", "HMAC_224", "HMAC_256", "HMAC_384", "HMAC_512", "SM2", "ML_DSA_44",
		"ML_DSA_65", "ML_DSA_87", "ML_KEM_512", "ML_KEM_768", "ML_KEM_1024",
	} {
		tests = append(tests, test{s + " is replaced", []func(*inventory.Key){spec(s)}, KindReplaceOnly})
	}
	for _, s := range []string{
		"Creating", "Disabled", "PendingDeletion", "PendingImport", "PendingReplicaDeletion",
		"Unavailable", "Updating",
	} {
		tests = append(tests, test{"a key " + s + " does not rotate now", []func(*inventory.Key){state(s)}, KindNotNow})
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := Eligibility(testKey(tt.change...))
			able := tt.want == KindRotatable || tt.want == KindImported
			want := Eligible{
				Automatic: tt.want == KindRotatable, OnDemand: able, Kind: tt.want, Reason: got.Reason, Instead: got.Instead,
				Replace: got.Replace, Contain: got.Contain,
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("Eligibility (-want +got):\n%s", diff)
			}
			if !strings.HasSuffix(got.Reason, ".") || able != (got.Instead == "") {
				t.Errorf("not a sentence, or no way out: %q, %q", got.Reason, got.Instead)
			}
		})
	}
}

func TestAKeyWithoutMaterialIsNotToldToRotateAfterItsImport(t *testing.T) {
	got := Eligibility(testKey(func(k *inventory.Key) { k.Origin, k.State = "EXTERNAL", "PendingImport" }))
	if got.Kind != KindImported || got.OnDemand || !strings.Contains(got.Instead, "import-key-material") ||
		strings.Contains(got.Instead, "rotate") {
		t.Errorf("got %+v", got)
	}
}

func TestImportedMaterialIsRotatedToInNoStateButEnabled(t *testing.T) {
	for state, kind := range map[string]Kind{
		"Enabled": KindImported, "Disabled": KindNotNow, "PendingDeletion": KindNotNow, "Dreaming": KindUnknown,
	} {
		got := Eligibility(testKey(func(k *inventory.Key) { k.Origin, k.State = "EXTERNAL", state }))
		if got.Kind != kind || got.OnDemand != (state == "Enabled") || got.Automatic {
			t.Errorf("%s: %+v", state, got)
		}
	}
}
