package keypolicy

import (
	"math/bits"
	"strings"
)

// actionSet is a set of KMS actions: one bit for each entry of the catalogue, and unknownAction.
type actionSet uint64

// unknownAction stands for whatever a pattern of the kms namespace allows that the catalogue does not know.
const unknownAction actionSet = 1 << 63

// Classes of actions by what a stranger could do with them.
const (
	// decrypting actions use what only the key's owner should have: they read data, sign or derive secrets.
	decrypting = iota
	// administering actions change who may use the key, its material, its state or its name.
	administering
	// harmless actions encrypt, verify or read metadata.
	harmless
)

type catalogued struct {
	name  string
	class int
}

// catalogue is every action of KMS on a key, in the order lists of actions are shown. Fewer than 63 entries.
var catalogue = []catalogued{
	{"kms:Decrypt", decrypting},
	{"kms:ReEncryptFrom", decrypting},
	{"kms:Sign", decrypting},
	{"kms:GenerateMac", decrypting},
	{"kms:DeriveSharedSecret", decrypting},
	{"kms:Decapsulate", decrypting},

	{"kms:PutKeyPolicy", administering},
	{"kms:CreateGrant", administering},
	{"kms:RevokeGrant", administering},
	{"kms:RetireGrant", administering},
	{"kms:ScheduleKeyDeletion", administering},
	{"kms:CancelKeyDeletion", administering},
	{"kms:DisableKey", administering},
	{"kms:EnableKey", administering},
	{"kms:DeleteImportedKeyMaterial", administering},
	{"kms:ImportKeyMaterial", administering},
	{"kms:EnableKeyRotation", administering},
	{"kms:DisableKeyRotation", administering},
	{"kms:RotateKeyOnDemand", administering},
	{"kms:ReplicateKey", administering},
	{"kms:UpdatePrimaryRegion", administering},
	{"kms:SynchronizeMultiRegionKey", administering},
	{"kms:CreateAlias", administering},
	{"kms:UpdateAlias", administering},
	{"kms:DeleteAlias", administering},
	{"kms:TagResource", administering},
	{"kms:UntagResource", administering},
	{"kms:UpdateKeyDescription", administering},

	{"kms:Encrypt", harmless},
	{"kms:ReEncryptTo", harmless},
	{"kms:GenerateDataKey", harmless},
	{"kms:GenerateDataKeyWithoutPlaintext", harmless},
	{"kms:GenerateDataKeyPair", harmless},
	{"kms:GenerateDataKeyPairWithoutPlaintext", harmless},
	{"kms:Encapsulate", harmless},
	{"kms:Verify", harmless},
	{"kms:VerifyMac", harmless},
	{"kms:GetPublicKey", harmless},
	{"kms:DescribeKey", harmless},
	{"kms:GetKeyPolicy", harmless},
	{"kms:GetKeyRotationStatus", harmless},
	{"kms:GetKeyLastUsage", harmless},
	{"kms:GetParametersForImport", harmless},
	{"kms:ListGrants", harmless},
	{"kms:ListKeyPolicies", harmless},
	{"kms:ListKeyRotations", harmless},
	{"kms:ListResourceTags", harmless},
}

var (
	lowerNames       = lowerCatalogue()
	bitsByName       = indexCatalogue()
	decryptingSet    = setOf(decrypting)
	administeringSet = setOf(administering)
	readingSet       = bitsByName["kms:decrypt"] | bitsByName["kms:reencryptfrom"]
	dangerousSet     = decryptingSet | administeringSet
	putKeyPolicy     = bitsByName["kms:putkeypolicy"]
	everyAction      = unknownAction | 1<<len(catalogue) - 1
)

func lowerCatalogue() []string {
	names := make([]string, len(catalogue))
	for i, a := range catalogue {
		names[i] = strings.ToLower(a.name)
	}
	return names
}

func indexCatalogue() map[string]actionSet {
	index := make(map[string]actionSet, len(catalogue))
	for i, name := range lowerNames {
		index[name] = 1 << i
	}
	return index
}

func setOf(class int) actionSet {
	var set actionSet
	for i, a := range catalogue {
		if a.class == class {
			set |= 1 << i
		}
	}
	return set
}

// actions returns the KMS actions the statement is about.
func (s *Statement) actions() actionSet {
	// What an Allow lets is never underrated, what a Deny takes back never overrated.
	generous := (s.Effect == Allow) != s.NotAction
	var set actionSet
	for _, pattern := range s.Actions {
		set |= matching(pattern, generous)
		if set == everyAction {
			break
		}
	}
	if s.NotAction {
		return everyAction &^ set
	}
	return set
}

// matching returns the actions a pattern names. A pattern of the kms namespace that names none of the catalogue may
// name a newer one: when generous, that is unknownAction.
func matching(pattern string, generous bool) actionSet {
	pattern = strings.ToLower(pattern)
	switch {
	case strings.Trim(pattern, "*") == "" && pattern != "", pattern == "kms:*":
		return everyAction
	case !hasWildcard(pattern):
		if bit, ok := bitsByName[pattern]; ok {
			return bit
		}
	}
	var set actionSet
	if hasWildcard(pattern) {
		for i, name := range lowerNames {
			if match(pattern, name) {
				set |= 1 << i
			}
		}
	}
	if set == 0 && generous && strings.HasPrefix(pattern, "kms:") {
		return unknownAction
	}
	return set
}

func (a actionSet) has(b actionSet) bool { return a&b != 0 }

// names lists the catalogued actions of the set.
func (a actionSet) names() []string {
	a &^= unknownAction
	if a == 0 {
		return nil
	}
	names := make([]string, 0, bits.OnesCount64(uint64(a)))
	for i, entry := range catalogue {
		if a.has(1 << i) {
			names = append(names, entry.name)
		}
	}
	return names
}
