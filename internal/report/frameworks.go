package report

// The frameworks. What a standard asks is told in rotd's own words, as far as KMS can show anything for it; the
// standard itself has the last word. docs/compliance.md shows the same as a table.

// changes are the checks behind "the key is changed in time".
func changes() []string {
	return []string{
		"rotation-overdue", "rotation-disabled", "rotation-period-too-long", "rotation-stalled", "rotation-impossible",
	}
}

func pciDSS() Framework {
	return Framework{
		ID: "pci-dss-4.0.1", Name: "PCI DSS", Version: "4.0.1",
		Scope: "PCI DSS asks this of keys that protect stored account data. KMS does not tell which these are: narrow " +
			"the report to them with --policy or --account, and show the assessor how they were chosen.",
		Controls: []Control{
			{
				ID: "3.7.4 (a)", Title: "A cryptoperiod is defined",
				Asks: "For every key in use somebody has defined how long it may be used, and why so long.",
				Shows: "The rotation policy that matches each key: its max_age is the cryptoperiod, its rationale the " +
					"reason. rotd.yaml is the written procedure; a key that no policy matches, or whose policy sets no " +
					"max_age, has none.",
				Left:   "That the cryptoperiods are what the key owner decided, following good practice (NIST SP 800-57).",
				Checks: []string{"key-unmanaged"}, judge: periodDefined,
			},
			{
				ID: "3.7.4 (b)", Title: "Keys are changed at the end of their cryptoperiod",
				Asks: "Keys are changed when their cryptoperiod ends: no key is in use beyond it.",
				Shows: "For each key when its material was last changed, by KMS's own list of rotations with material " +
					"ids, whether it is younger than the cryptoperiod on the day of the report, and whether its " +
					"automatic rotation is on and quick enough to stay so.",
				Left: "Rotation changes the key material under the same key id and re-encrypts nothing: old ciphertext " +
					"stays readable with the old material inside KMS. Keys that cannot rotate (asymmetric, HMAC, custom " +
					"stores) are changed by replacing them.",
				Checks: changes(), judge: changedInTime,
			},
			{
				ID: "3.7.5", Title: "Retired keys encrypt nothing",
				Asks: "Keys that are retired, replaced or suspected of being compromised are taken out of use, and " +
					"encrypt nothing any more.",
				Shows: "Keys that are disabled, without material or scheduled for deletion: in these states KMS refuses " +
					"to encrypt. Which keys should be retired, KMS cannot tell.",
				Left: "The decision that a key is weakened or compromised, and its record.", Checks: []string{},
				judge: retired,
			},
			{
				ID: "3.6.1", Title: "Keys are protected against disclosure and misuse",
				Asks: "Procedures protect the keys against disclosure and misuse; the fewest possible people have access.",
				Shows: "No key policy lets everybody in, and none an account that is not trusted, without a condition " +
					"that narrows it. KMS's key material cannot be exported in plain text.",
				Left: "IAM policies, which rotd does not read; the people behind roles, and the written procedures.",
				Checks: []string{
					"key-policy-public", "key-policy-external-account",
				}, judge: byChecks,
			},
		},
	}
}

func cisAWS() Framework {
	return Framework{
		ID: "cis-aws", Name: "CIS AWS Foundations Benchmark", Version: "3.0.0",
		Scope: "The benchmark has one item about KMS keys: 3.6 in version 3.0.0, 3.8 in versions 1.4.0 and 2.0.0.",
		Controls: []Control{{
			ID: "3.6", Title: "Rotation is on for customer-created symmetric keys",
			Asks: "Automatic rotation is on for every symmetric key that a customer created in KMS.",
			Shows: "KMS's rotation status of every enabled symmetric key with KMS's own material, whatever its policy " +
				"in rotd.yaml says.",
			Checks: []string{"rotation-disabled"}, judge: rotationOn,
		}},
	}
}

func nist80057() Framework {
	return Framework{
		ID: "nist-800-57", Name: "NIST SP 800-57 Part 1", Version: "Revision 5",
		Scope: "A recommendation, not a control list: the sections about cryptoperiods (5.3) and about the end of a " +
			"key's life (7, 8.3) are what KMS can show something for.",
		Controls: []Control{
			{
				ID: "5.3", Title: "A cryptoperiod is defined",
				Asks:   "Each key has a cryptoperiod, with the reasons for its length.",
				Shows:  "The rotation policy that matches each key, its max_age and rationale.",
				Left:   "That risk, volume and sensitivity were weighed.",
				Checks: []string{"key-unmanaged"}, judge: periodDefined,
			},
			{
				ID: "5.3.6", Title: "The cryptoperiod is not longer than advised",
				Asks: "The period in which a key protects new data is in the range advised for its kind: about two years " +
					"for symmetric, authentication, transport and agreement keys, one to three for signature keys.",
				Shows: "Each policy's max_age against the longest period advised for the key's usage.",
				Left:  "A longer period may be justified: an exception in rotd.yaml, or the rationale, says so.",
				judge: periodAdvised, Checks: []string{},
			},
			{
				ID: "5.3 (end)", Title: "Keys are changed at the end of their cryptoperiod",
				Asks:   "A key protects no new data after its originator-usage period.",
				Shows:  "Age of the material by KMS's own list of rotations, and the schedule that will change it.",
				Checks: changes(), judge: changedInTime,
			},
			{
				ID: "8.3", Title: "Keys past use encrypt nothing",
				Asks:  "Keys past their operational phase are deactivated: they only read what they once protected.",
				Shows: "Keys that are disabled, without material or scheduled for deletion, in which KMS encrypts nothing.",
				Left:  "Keys replaced under an alias stay enabled to read old data; who may still encrypt with them is IAM's.",
				judge: retired, Checks: []string{},
			},
		},
	}
}

func securityHub() Framework {
	const iam = "rotd does not read IAM policies, and says nothing of them"
	return Framework{
		ID: "security-hub", Name: "AWS Security Hub controls", Version: "KMS.1 to KMS.5",
		Scope: "The controls that AWS Security Hub has for KMS, answered from what rotd reads itself.",
		Controls: []Control{
			{
				ID: "KMS.1", Title: "Customer managed IAM policies do not allow decryption with every key",
				Asks: "No customer managed IAM policy allows kms:Decrypt or kms:ReEncryptFrom on all keys.",
				Shows: "Nothing about IAM. Of key policies: which keys leave access to IAM at all is in `rotd keys show`, " +
					"and whom they let in directly under KMS.5.",
				Never: iam, Checks: []string{},
			},
			{
				ID: "KMS.2", Title: "Inline IAM policies do not allow decryption with every key",
				Asks:  "No inline policy of a user, role or group allows kms:Decrypt or kms:ReEncryptFrom on all keys.",
				Shows: "Nothing about IAM; as for KMS.1.",
				Never: iam, Checks: []string{},
			},
			{
				ID: "KMS.3", Title: "Keys are not deleted unintentionally",
				Asks:   "No key is scheduled for deletion.",
				Shows:  "Every customer managed key's state, with the day of its deletion.",
				Left:   "Whether a deletion is intended: give such a key an exception with a reason and an expiry.",
				Checks: []string{"key-pending-deletion"}, judge: byChecks,
			},
			{
				ID: "KMS.4", Title: "Key rotation is on",
				Asks:   "Automatic rotation is on for customer managed symmetric keys.",
				Shows:  "KMS's rotation status of every enabled symmetric key with KMS's own material.",
				Checks: []string{"rotation-disabled"}, judge: rotationOn,
			},
			{
				ID: "KMS.5", Title: "Keys are not publicly accessible",
				Asks:   "No key policy allows everybody to use or administer the key.",
				Shows:  "Every key policy, read and judged with the conditions that narrow it.",
				Checks: []string{"key-policy-public"}, judge: byChecks,
			},
		},
	}
}
