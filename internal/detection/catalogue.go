package detection

// Rules returns the catalogue's rules in the order of the documentation. Adding a rule is a file with its test table
// and its line here.
func Rules() []Rule {
	return []Rule{
		rotationTurnedOff(),
		rotationPeriodExtended(),
		rotationUnplanned(),
		keyDisabled(),
		keyDeletionScheduled(),
		keyDeletionWindowShort(),
		keyMassDestruction(),
		keyDestructionDenied(),
		keyDeletionCancelled(),
		keyDeleted(),
		materialImported(),
		materialDeleted(),
		materialExpired(),
		keyStoreChanged(),
		externalOriginKeyCreated(),
		keyPolicyChanged(),
		keyPolicyMadePublic(),
		keyPolicySharedExternally(),
		keyPolicyOwnerRemoved(),
		keyPolicyLockoutBypassed(),
		grantToOutsider(),
		grantDelegates(),
		grantBurst(),
		aliasRetargeted(),
		keyReplicated(),
		keyTagsChanged(),
		trailBlinded(),
		intakeTampered(),
		rootUsedKey(),
		writeWithoutMFA(),
		principalNotAllowed(),
		principalFirstSeen(),
		networkFirstSeen(),
		networkNotAllowed(),
		regionUnexpected(),
		crossAccountUse(),
		decryptSpike(),
		deniedBurst(),
		dormantKeyUsed(),
		deadKeyUsed(),
		contextMissing(),
		instanceCredentialsElsewhere(),
		reconnaissance(),
		attestationDebug(),
		rotdRoleMisused(),
		newKeyBulkUse(),
		foreignKeyEncryption(),
	}
}

// RuleIDs returns the ids of the catalogue's rules.
func RuleIDs() []string {
	var ids []string
	for _, r := range Rules() {
		ids = append(ids, r.ID)
	}
	return ids
}

// Remedies returns what a policy's respond may answer each rule with.
func Remedies() map[string][]string {
	remedies := make(map[string][]string)
	for _, r := range Rules() {
		remedies[r.ID] = r.Remedies
	}
	return remedies
}

// CheckIDs returns the ids of the catalogue's checks.
func CheckIDs() []string {
	var ids []string
	for _, c := range Checks() {
		ids = append(ids, c.ID)
	}
	return ids
}

// Checks returns the catalogue's checks in the order of the documentation.
func Checks() []Check {
	return []Check{
		rotationDisabled(),
		rotationPeriodTooLong(),
		rotationOverdue(),
		rotationStalled(),
		rotationImpossible(),
		rotationBudgetLow(),
		keyUnverifiable(),
		keyUnmanaged(),
		keyUnused(),
		replacedKeyUsed(),
		replacedKeyQuiet(),
		keyPendingDeletion(),
		keyPolicyPublic(),
		keyPolicyExternalAccount(),
		materialExpiring(),
		materialMissing(),
		keyPolicyAssignmentChanged(),
	}
}
