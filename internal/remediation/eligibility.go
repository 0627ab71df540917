package remediation

import (
	"fmt"
	"slices"

	"rotd/internal/inventory"
)

// Kind says how a key can get new material, if at all.
type Kind string

// Kinds of keys, by what rotation they allow.
const (
	KindRotatable   Kind = "automatic"    // by KMS's schedule and on demand
	KindImported    Kind = "imported"     // on demand, after somebody imported new material
	KindReplaceOnly Kind = "replace-only" // only as a new key: asymmetric, HMAC, custom key stores
	KindReplica     Kind = "replica"      // rotated at its multi-Region primary
	KindNotYours    Kind = "not-yours"    // an AWS managed key: AWS rotates it
	KindNotNow      Kind = "not-now"      // rotatable, but not in its present state
	KindGone        Kind = "gone"         // KMS no longer knows it
	KindUnknown     Kind = "unknown"      // KMS says of it what rotd does not know, or says nothing
)

// Eligible is what a key allows right now: rotation, with the reason and what to do instead as sentences for people,
// and what else may be done.
type Eligible struct {
	Automatic bool   `json:"automatic"` // EnableKeyRotation works
	OnDemand  bool   `json:"on_demand"` // RotateKeyOnDemand works, as far as the key's kind and state go
	Kind      Kind   `json:"kind"`
	Reason    string `json:"reason"`
	Instead   string `json:"instead,omitempty"` // empty when nothing stands in the way
	Replace   Able   `json:"replace"`           // a new key can take its place
	Contain   Able   `json:"contain"`           // its use, or its deletion, can be stopped
}

// Eligibility says what a key allows. Lasting obstacles to its rotation are named before passing ones. A value that
// rotd does not know makes the key not rotatable; it is never an error.
func Eligibility(k *inventory.Key) Eligible {
	e := rotatable(k)
	e.Replace, e.Contain = replaceable(k), containable(k)
	return e
}

func rotatable(k *inventory.Key) Eligible {
	obstacles := []func(*inventory.Key) (Eligible, bool){
		byExistence, byManager, bySpec, byUsage, byMultiRegion, byOrigin, byState,
	}
	for _, obstacle := range obstacles {
		if e, found := obstacle(k); found {
			return e
		}
	}
	return Eligible{
		Automatic: true, OnDemand: true, Kind: KindRotatable,
		Reason: "KMS can rotate this key by its schedule and on demand.",
	}
}

func byExistence(k *inventory.Key) (Eligible, bool) {
	if k.GoneAt == nil {
		return Eligible{}, false
	}
	return Eligible{
		Kind:    KindGone,
		Reason:  "KMS no longer knows this key.",
		Instead: "Check account and Region; a deleted key cannot be brought back.",
	}, true
}

func byManager(k *inventory.Key) (Eligible, bool) {
	switch k.Manager {
	case "CUSTOMER":
		return Eligible{}, false
	case "AWS":
		return Eligible{
			Kind:    KindNotYours,
			Reason:  "AWS manages this key and rotates it itself about once a year.",
			Instead: "Use a customer managed key where you need a schedule of your own.",
		}, true
	case "":
		return Eligible{
			Kind:    KindUnknown,
			Reason:  "KMS did not describe this key to rotd.",
			Instead: "Let rotd's role call kms:DescribeKey on it, in IAM and in the key policy.",
		}, true
	}
	return unknownValue("key manager", k.Manager), true
}

func bySpec(k *inventory.Key) (Eligible, bool) {
	switch {
	case k.Spec == symmetric:
		return Eligible{}, false
	case slices.Contains(asymmetricSpecs, k.Spec):
		return replaceOnly("an asymmetric key (" + k.Spec + ")"), true
	case slices.Contains(hmacSpecs, k.Spec):
		return replaceOnly("an HMAC key (" + k.Spec + ")"), true
	}
	return unknownValue("key spec", k.Spec), true
}

// What KMS's keys are and are for, in KMS's words.
const (
	symmetric      = "SYMMETRIC_DEFAULT"
	encryptDecrypt = "ENCRYPT_DECRYPT"
	replica        = "REPLICA"
)

var (
	asymmetricSpecs = []string{
		"RSA_2048", "RSA_3072", "RSA_4096", "SM2",
		"ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521", "ECC_SECG_P256K1", "ECC_NIST_EDWARDS25519",
		"ML_DSA_44", "ML_DSA_65", "ML_DSA_87", "ML_KEM_512", "ML_KEM_768", "ML_KEM_1024",
	}
	hmacSpecs = []string{"HMAC_224", "HMAC_256", "HMAC_384", "HMAC_512"}
	usages    = []string{encryptDecrypt, "SIGN_VERIFY", "GENERATE_VERIFY_MAC", "KEY_AGREEMENT", "ENCAPSULATE_DECAPSULATE"}
)

func byUsage(k *inventory.Key) (Eligible, bool) {
	if k.Usage == encryptDecrypt {
		return Eligible{}, false
	}
	return unknownValue("usage of a symmetric key", k.Usage), true
}

func byMultiRegion(k *inventory.Key) (Eligible, bool) {
	switch k.MultiRegion {
	case "", "PRIMARY":
		return Eligible{}, false
	case replica:
		return Eligible{
			Kind:    KindReplica,
			Reason:  "This key is a multi-Region replica: it takes its material and its schedule from its primary.",
			Instead: "Rotate " + primaryOf(k) + "; KMS passes the new material on to its replicas.",
		}, true
	}
	return unknownValue("multi-Region role", k.MultiRegion), true
}

func primaryOf(k *inventory.Key) string {
	if k.PrimaryARN == "" {
		return "its primary"
	}
	return "its primary, " + k.PrimaryARN
}

func byOrigin(k *inventory.Key) (Eligible, bool) {
	switch k.Origin {
	case "AWS_KMS":
		return Eligible{}, false
	case external:
		return imported(k), true
	case "AWS_CLOUDHSM":
		return replaceOnly("in a CloudHSM key store"), true
	case "EXTERNAL_KEY_STORE":
		return replaceOnly("in an external key store"), true
	}
	return unknownValue("origin", k.Origin), true
}

// external is KMS's word for imported material.
const external = "EXTERNAL"

// imported tells the key that waits for an import from the one that has its material: only the latter takes other
// material, and a rotation to it. Whether rotd has material for it is configuration's to say: Imports.
func imported(k *inventory.Key) Eligible {
	if k.State == pendingImport {
		return Eligible{
			Kind:   KindImported,
			Reason: "This key takes imported material and has none to work with.",
			Instead: "Import its material (aws kms import-key-material); that is all a first import takes. If the key " +
				"had material before, only the same bytes make it work again.",
		}
	}
	if e, found := byState(k); found {
		return e
	}
	e := Eligible{
		OnDemand: true, Kind: KindImported,
		Reason: "This key's material is imported: KMS makes none for it, and rotates on demand to new material that is " +
			"imported first, by rotd (imported_material in rotd.yaml) or by hand (aws kms import-key-material " +
			"--import-type NEW_KEY_MATERIAL).",
	}
	if k.Rotation != nil && k.Rotation.Pending.Imported() {
		e.Reason = "This key's material is imported, and new material waits in it for its rotation on demand."
	}
	return e
}

func byState(k *inventory.Key) (Eligible, bool) {
	e := Eligible{Kind: KindNotNow}
	switch k.State {
	case enabled:
		return Eligible{}, false
	case disabled:
		e.Reason = "The key is disabled, and KMS rotates no disabled key."
		e.Instead = "Enable it first (aws kms enable-key); " +
			"one disabled past its rotation date rotates when it is enabled."
	case pendingDeletion, pendingReplicaDeletion:
		e.Reason = "The key is scheduled for deletion."
		e.Instead = "Cancel the deletion (aws kms cancel-key-deletion) and enable the key first, if it is still needed."
	case pendingImport:
		e.Reason = "The key has no usable material: it waits for an import."
		e.Instead = "Import its key material first."
	case creating, updating:
		e.Reason = "KMS is still working on the key (" + k.State + ")."
		e.Instead = "Try again in a few minutes."
	case unavailable:
		e.Reason = "The key is unavailable: its key store is disconnected."
		e.Instead = "Reconnect the key store first."
	default:
		return unknownValue("key state", k.State), true
	}
	return e, true
}

func replaceOnly(what string) Eligible {
	return Eligible{
		Kind: KindReplaceOnly,
		Reason: "This key is " + what + ", and KMS rotates only symmetric encryption keys " +
			"whose material it made itself.",
		Instead: "Replace it: rotd replace makes a new key and moves the aliases to it; the old key stays enabled " +
			"for what it has encrypted or signed.",
	}
}

func unknownValue(what, value string) Eligible {
	return Eligible{
		Kind:    KindUnknown,
		Reason:  fmt.Sprintf("rotd does not know the %s %q, so it does not touch the key.", what, value),
		Instead: "Look whether a newer rotd knows it, or rotate the key by hand.",
	}
}
