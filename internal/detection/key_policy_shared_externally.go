package detection

import (
	"fmt"
	"slices"
	"strings"

	"rotd/internal/events"
	"rotd/internal/finding"
	"rotd/internal/inventory"
	"rotd/internal/keypolicy"
	"rotd/internal/policy"
)

// maxOutsiders bounds the findings of one policy; each tells how many there are.
const maxOutsiders = 8

func keyPolicySharedExternally() Rule {
	return Rule{
		ID: "key-policy-shared-externally", Title: "A key policy lets an untrusted account in",
		Severity: finding.High, Mitre: []string{"T1098"}, Wants: wants("CreateKey", "PutKeyPolicy", "ReplicateKey"),
		Judge: judgeKeyPolicySharedExternally, Over: policyNotShared,
		Ends: "a key policy that no longer lets the outsider in",
		Doc: Doc{
			Meaning: "A key was given a policy that lets an account or organization in that is neither its owner's " +
				"nor among the trusted ones. Whoever controls that account decides who uses the key.",
			Condition: "CreateKey, PutKeyPolicy or ReplicateKey that succeeded and whose policy allows any action " +
				"of KMS to an account, an organization or, short of what key-policy-made-public finds, everybody. " +
				"One finding for each outsider, those new to the policy first, at most 8.",
			Tuning:         "`trusted_accounts` in rotd.yaml.",
			FalsePositives: "A partner's or vendor's account that is not listed as trusted yet.",
			Response: "If you do not know the account, take the statement out, and look in CloudTrail for what it " +
				"did. If you do, add it to trusted_accounts.",
		},
	}
}

func judgeKeyPolicySharedExternally(c *Context, ev *events.Event) []Found {
	if ev.Failed() {
		return nil
	}
	p := c.policyChange(ev)
	if p.policy == nil {
		return nil
	}
	outsiders := outsidersOf(p.policy.External(p.owner(), c.Trusted))
	if len(outsiders) == 0 {
		return nil
	}
	newFirst(outsiders, knownPolicy(p.about.key), p.owner())
	var found []Found
	for _, o := range outsiders[:min(len(outsiders), maxOutsiders)] {
		f := Found{
			About: p.about, Title: "A key policy lets " + o.title() + " in", Discriminator: o.id,
			Description: sentences(p.set(ev), whys(o.exposures)),
			Remedy: p.remedy("If you do not know "+o.title()+", take the statement out of the policy; if you do, "+
				"add it to "+
				"trusted_accounts in rotd.yaml.", "See the policy as it is now:"),
		}
		if more := len(outsiders) - maxOutsiders; more > 0 {
			f.Description = sentences(f.Description, fmt.Sprintf("%d more outsiders are let in.", more))
		}
		found = append(found, f)
	}
	return found
}

// outsider is somebody a policy lets in, with the statements that do.
type outsider struct {
	id        string // an account id, an organization id, or "*"
	exposures []keypolicy.Exposure
}

func (o *outsider) title() string {
	switch {
	case o.id == "*":
		return "every AWS account"
	case strings.HasPrefix(o.id, "o-"):
		return "the untrusted organization " + shown(o.id)
	}
	return "the untrusted account " + shown(o.id)
}

// outsidersOf gathers exposures by whom they let in, in the policy's order. Who is held to one network, or cannot be
// placed, is no account.
func outsidersOf(exposures []keypolicy.Exposure) []outsider {
	var all []outsider
	at := make(map[string]int)
	for _, e := range exposures {
		id := e.Account
		switch e.Scope {
		case keypolicy.Anyone:
			id = "*"
		case keypolicy.Account, keypolicy.Organization:
		default:
			continue
		}
		i, seen := at[id]
		if !seen {
			i = len(all)
			at[id] = i
			all = append(all, outsider{id: id})
		}
		all[i].exposures = append(all[i].exposures, e)
	}
	return all
}

// newFirst puts those first whom the policy last read did not let in: they are news.
func newFirst(outsiders []outsider, before *keypolicy.Policy, owner keypolicy.Owner) {
	known := make(map[string]bool)
	if before != nil {
		for _, o := range outsidersOf(before.External(owner, nil)) {
			known[o.id] = true
		}
	}
	slices.SortStableFunc(outsiders, func(a, b outsider) int {
		switch {
		case known[a.id] == known[b.id]:
			return 0
		case known[b.id]:
			return -1
		}
		return 1
	})
}

// policyNotShared asks whether the outsider a finding tells of is let in no more; the fingerprint says who that is.
func policyNotShared(f *finding.Finding, key *inventory.Key, _ *policy.Policy) (bool, string) {
	known := knownPolicy(key)
	if known == nil || !readAfter(f, key, true) || key.WasDenied("GetKeyPolicy") {
		return false, ""
	}
	for _, o := range outsidersOf(known.External(ownerOf(key), nil)) {
		if f.Fingerprint == finding.Fingerprint("key-policy-shared-externally", f.Subject, "", o.id) {
			return false, ""
		}
	}
	return true, "KMS shows a key policy that no longer lets it in"
}
