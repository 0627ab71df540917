package config

import (
	"net/netip"

	"rotd/internal/policy"
	"rotd/internal/span"
)

// KMS's bounds of automatic rotation.
const (
	leastPeriod = 90 * day
	mostPeriod  = 2560 * day
)

func policies(to *policy.Set, known Known) shape {
	return list[policy.Policy]{
		fresh: func() policy.Policy {
			return policy.Policy{Mode: policy.Observe, Rotation: policy.Rotation{Method: policy.Auto}}
		},
		shape: func(p *policy.Policy) shape { return onePolicy(p, known) },
		keep:  func(p policy.Policy) { *to = append(*to, p) },
		id:    func(p policy.Policy) string { return p.Name },
	}
}

func onePolicy(p *policy.Policy, known Known) shape {
	return object{
		fields: []field{
			{
				key: "name", doc: "Shown with every key and finding it applies to.", need: "name: payments",
				value: text(&p.Name, "a name", checkPolicyName),
			},
			{
				key: "match", doc: "Which keys: all fields must match, each with any of its values; none: every key.",
				value: match(&p.Match),
			},
			{
				key: "rotation", doc: "What is asked of the keys.", need: "rotation: {max_age: 365d}",
				value: rotation(&p.Rotation),
			},
			{
				key: "mode", doc: "observe: findings only; enforce: drift is put right. Never above the ceiling.",
				value: mode(&p.Mode),
			},
			{key: "principals", doc: "Whose work on the keys is expected.", value: object{fields: []field{
				{
					key: "allow", doc: "Principal ARNs with * and ? as wildcards.",
					value: texts(&p.Allow, "a principal", checkPrincipal),
				},
			}}},
			{key: "networks", doc: "From where the keys are used.", value: object{fields: []field{
				{key: "allow", doc: "Networks and VPC endpoints.", value: networks(p)},
			}}},
			{
				key: "respond", doc: "What findings start by themselves, in mode enforce; the first entry that fits counts.",
				value: list[policy.Response]{
					fresh: func() policy.Response { return policy.Response{} },
					shape: func(r *policy.Response) shape { return response(r, known) },
					keep:  func(r policy.Response) { p.Respond = append(p.Respond, r) },
					id:    answered,
				},
			},
			{
				key: "unused_after", doc: "A key not used for longer is a finding; none: never.",
				value: duration(&p.UnusedAfter, day, span.Longest),
			},
			{
				key: "owner_tags", doc: "Tag keys that name a key's owner; the first that the key has counts.",
				value: texts(&p.OwnerTags, "a tag key", checkTagKey),
			},
			{
				key: "custodian_tags", doc: "Tag keys that name a key's custodian; the first that the key has counts.",
				value: texts(&p.CustodianTags, "a tag key", checkTagKey),
			},
		},
	}
}

// match is which keys a policy is for, or which it leaves out.
func match(m *policy.Match) shape {
	return object{fields: append(matchFields(m), field{
		key: "exclude", doc: "Keys that are not the policy's: those that any of its fields matches.",
		value: exclude(&m.Exclude),
	})}
}

// exclude comes into being when the file has it.
func exclude(to **policy.Match) shape {
	m := &policy.Match{}
	return object{
		fields: matchFields(m),
		check: func(o *seen) {
			if len(o.at) == 0 && len(o.bad) == 0 {
				o.fail("", "leaves nothing out: give it aliases, tags or another field of match, or remove it")
			}
			*to = m
		},
	}
}

func matchFields(m *policy.Match) []field {
	return []field{
		{
			key: "aliases", doc: "Aliases with * and ? as wildcards.",
			value: texts(&m.Aliases, "a pattern over aliases", checkAliasPattern),
		},
		{
			key: "tags", doc: "Tag values, with * and ? as wildcards, by tag key; any of them suffices.",
			value: tagValues(&m.Tags),
		},
		{key: "specs", doc: "Key specs.", value: texts(&m.Specs, "a key spec", oneOf("a key spec", keySpecs))},
		{
			key: "usages", doc: "What keys are for, in KMS's words.",
			value: texts(&m.Usages, "a key usage", oneOf("a key usage", keyUsages)),
		},
		{
			key: "origins", doc: "Origins of key material.",
			value: texts(&m.Origins, "an origin", oneOf("an origin", origins)),
		},
		{key: "accounts", doc: "Accounts.", value: texts(&m.Accounts, "an account id", checkAccount)},
		{key: "regions", doc: "Regions.", value: texts(&m.Regions, "a Region", checkRegion)},
		{
			key: "org_paths", doc: "Paths of accounts in the organization, with * and ? as wildcards; " +
				"an account whose path is not known has none.",
			value: texts(&m.OrgPaths, "a pattern over organization paths", checkOrgPath),
		},
	}
}

func rotation(r *policy.Rotation) shape {
	return object{
		check: func(o *seen) { checkRotation(o, r) },
		fields: []field{
			{key: "max_age", doc: "Key material older than this is overdue.", value: duration(&r.MaxAge, day, span.Longest)},
			{
				key: "automatic", doc: "Period of KMS's automatic rotation, in whole days; max_age if not given.",
				value: duration(&r.Automatic, leastPeriod, mostPeriod),
			},
			{key: "method", doc: "How keys are rotated.", value: word(&r.Method,
				[]policy.Method{policy.Auto, policy.Automatic, policy.OnDemand, policy.Replace, policy.None}, nil)},
			{key: "rationale", doc: "Why, for auditors.", value: text(&r.Rationale, "a line of text", checkLine)},
		},
	}
}

// checkRotation holds what a policy asks for together and fills in what follows from it.
func checkRotation(o *seen, r *policy.Rotation) {
	if o.bad["method"] || o.bad["max_age"] || o.bad["automatic"] {
		return
	}
	scheduled := r.Method == policy.Auto || r.Method == policy.Automatic
	switch {
	case !scheduled && o.has("automatic"):
		o.fail("automatic", "method %s sets no schedule: remove automatic, or write method: auto", r.Method)
	case r.Method == policy.None && o.has("max_age"):
		o.fail("max_age", "method none rotates nothing: remove max_age, or choose another method")
	case r.Method == policy.None:
	case o.absent("max_age") && o.absent("automatic"):
		o.fail("max_age", "is missing: write for example max_age: 365d, or method: none to only watch the keys")
	case o.has("automatic") && r.Automatic%day != 0:
		o.fail("automatic", "KMS counts in days: write %s", span.Format(r.Automatic.Truncate(day)))
	case o.has("max_age") && r.Automatic > r.MaxAge:
		o.fail("automatic", "is longer than max_age: every key would be overdue before it rotates; write at most %s",
			span.Format(r.MaxAge.Truncate(day)))
	case scheduled && o.has("max_age") && r.MaxAge < leastPeriod:
		o.fail("max_age", "is shorter than the %s that automatic rotation needs at least: "+
			"write %[1]s or more, or method: on-demand", span.Format(leastPeriod))
	default:
		fillRotation(r, scheduled)
	}
}

func fillRotation(r *policy.Rotation, scheduled bool) {
	if r.MaxAge == 0 {
		r.MaxAge = r.Automatic
	}
	if scheduled && r.Automatic == 0 {
		r.Automatic = min(r.MaxAge.Truncate(day), mostPeriod)
	}
}

func networks(p *policy.Policy) shape {
	return list[string]{
		fresh: func() string { return "" },
		shape: func(s *string) shape { return text(s, "a network or VPC endpoint", checkNetwork) },
		keep: func(s string) {
			if prefix, err := netip.ParsePrefix(s); err == nil {
				p.Networks = append(p.Networks, prefix)
				return
			}
			p.VPCEs = append(p.VPCEs, s)
		},
		id: func(s string) string { return s },
	}
}

var (
	origins   = []string{"AWS_KMS", "EXTERNAL", "AWS_CLOUDHSM", "EXTERNAL_KEY_STORE"}
	keyUsages = []string{
		"ENCRYPT_DECRYPT", "SIGN_VERIFY", "GENERATE_VERIFY_MAC", "KEY_AGREEMENT", "ENCAPSULATE_DECAPSULATE",
	}
	keySpecs = []string{
		"SYMMETRIC_DEFAULT", "RSA_2048", "RSA_3072", "RSA_4096", "ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521",
		"ECC_SECG_P256K1", "ECC_NIST_EDWARDS25519", "HMAC_224", "HMAC_256", "HMAC_384", "HMAC_512", "SM2",
		"ML_DSA_44", "ML_DSA_65", "ML_DSA_87", "ML_KEM_512", "ML_KEM_768", "ML_KEM_1024",
	}
)
