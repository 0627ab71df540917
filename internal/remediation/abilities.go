package remediation

import (
	"fmt"
	"slices"

	"rotd/internal/inventory"
)

// Able says whether something can be done to a key as it is, and why, in a sentence or two for people.
type Able struct {
	Possible bool   `json:"possible"`
	Reason   string `json:"reason"` // what it would be, or what stands in the way and what to do instead
}

func yes(reason string) Able { return Able{Possible: true, Reason: reason} }

func no(reason string) Able { return Able{Reason: reason} }

// able is what eligibility says of a rotation.
func able(is bool, e *Eligible) Able { return Able{Possible: is, Reason: join(e.Reason, e.Instead)} }

// Key states, in KMS's words.
const (
	enabled                = "Enabled"
	disabled               = "Disabled"
	creating               = "Creating"
	updating               = "Updating"
	unavailable            = "Unavailable"
	pendingDeletion        = "PendingDeletion"
	pendingReplicaDeletion = "PendingReplicaDeletion"
	pendingImport          = "PendingImport"
)

// replaceable says whether rotd can make a key like this one and have it take this one's place.
func replaceable(k *inventory.Key) Able {
	if e, not := byExistence(k); not {
		return no(e.Reason)
	}
	if e, not := byManager(k); not {
		if e.Kind == KindNotYours {
			return no("This is an AWS managed key: AWS made it and rotates it. To have a key of your own create one, and let " +
				"the service use it.")
		}
		return no(join(e.Reason, e.Instead))
	}
	if unknown := strangeTo(k); unknown != "" {
		return no(unknown)
	}
	switch {
	case k.MultiRegion == replica:
		return no("This is a replica of a multi-Region key: replace " + primaryOf(k) + ".")
	case k.State == pendingDeletion || k.State == pendingReplicaDeletion:
		return no("The key is scheduled for deletion. Cancel that first, if it is still needed: " +
			"rotd contain " + k.ARN + " --cancel-deletion.")
	case k.State != enabled && k.State != disabled:
		return no("The key is " + k.State + ", so that nobody can tell whether its successor would work. Try again later.")
	case k.Origin == "EXTERNAL":
		return no("The key's material is imported, and a new key would wait for an import of its own. Give the key new " +
			"material instead (rotd rotate), or create its successor by hand and move the alias.")
	case k.Origin == "EXTERNAL_KEY_STORE":
		return no("The key is in an external key store: its successor needs a new key there first, which KMS cannot make. " +
			"Create it with aws kms create-key --xks-key-id, then move the alias.")
	case k.WasDenied("GetKeyPolicy") || k.Policy == "":
		return no("The key's policy could not be read, so its successor could not be given it. Let rotd's role call " +
			"kms:GetKeyPolicy.")
	case !k.NamesTold():
		return no("The key's tags or aliases could not be read. Let rotd's role call kms:ListResourceTags and " +
			"kms:ListAliases.")
	case k.State == disabled:
		return yes("A new key can be made and the aliases moved to it. This one is disabled: what it has encrypted " +
			"cannot be read before it is enabled.")
	}
	return yes("A new key can be made and the aliases moved to it; this one stays enabled for what it has encrypted or " +
		"signed.")
}

// containable says whether the use of a key can be stopped, or its deletion. What kind of key it is does not matter.
func containable(k *inventory.Key) Able {
	if e, not := byExistence(k); not {
		return no(e.Reason)
	}
	if e, not := byManager(k); not {
		if e.Kind == KindNotYours {
			return no("This key is AWS's own: its grants, state and aliases are not yours to change. Cut off whoever uses it " +
				"by IAM, or in the service that it belongs to.")
		}
		return no(join(e.Reason, e.Instead))
	}
	related := ""
	if k.MultiRegion != "" {
		related = "Grants, aliases and state are this Region's alone: contain its related multi-Region keys too."
	}
	switch k.State {
	case enabled, unavailable:
		return yes(join("It can be disabled, its grants revoked and its aliases retired.", related))
	case disabled:
		return yes(join("It is disabled already; its grants can be revoked and its aliases retired.", related))
	case pendingDeletion, pendingReplicaDeletion:
		return yes(join("Its deletion can be cancelled, its grants revoked and its aliases retired.", related))
	case pendingImport:
		return yes(join("It has no material, so nobody can use it; its grants can be revoked and its aliases retired.",
			related))
	}
	e, _ := byState(k)
	return no(join(e.Reason, e.Instead))
}

// reencryptable says whether KMS can move what this key has encrypted to another key.
func reencryptable(k *inventory.Key) Able {
	if e, not := byExistence(k); not {
		return no(e.Reason)
	}
	if e, not := byManager(k); not {
		if e.Kind == KindNotYours {
			return no("AWS manages this key: only the AWS service that uses it can move its data. Have the service write it " +
				"anew under a key of yours.")
		}
		return no(join(e.Reason, e.Instead))
	}
	if unknown := strangeTo(k); unknown != "" {
		return no(unknown)
	}
	if k.Usage != encryptDecrypt {
		return no(fmt.Sprintf("The key encrypts nothing (%s), so there is no ciphertext to move.", k.Usage))
	}
	if k.State != enabled {
		return no("KMS decrypts only with an enabled key, and this one is " + k.State + ".")
	}
	return yes("KMS can move its ciphertext to another key, and S3 its objects.")
}

// strangeTo says which of a key's properties rotd does not know, "" when it knows all of them.
func strangeTo(k *inventory.Key) string {
	for _, property := range []struct {
		what, value string
		known       []string
	}{
		{"key spec", k.Spec, slices.Concat([]string{symmetric}, asymmetricSpecs, hmacSpecs)},
		{"key usage", k.Usage, usages},
		{"origin", k.Origin, []string{"AWS_KMS", "EXTERNAL", "AWS_CLOUDHSM", "EXTERNAL_KEY_STORE"}},
		{"multi-Region role", k.MultiRegion, []string{"", "PRIMARY", replica}},
		{"key state", k.State, []string{
			enabled, disabled, creating, updating, unavailable, pendingDeletion, pendingReplicaDeletion, pendingImport,
		}},
	} {
		if !slices.Contains(property.known, property.value) {
			e := unknownValue(property.what, property.value)
			return e.Reason + " Look whether a newer rotd knows it, or do it by hand."
		}
	}
	return ""
}
