package detection

import (
	"fmt"

	"rotd/internal/events"
	"rotd/internal/finding"
	"rotd/internal/policy"
)

func principalNotAllowed() Rule {
	return Rule{
		ID: "principal-not-allowed", Title: "A key was used by a principal that its policy does not allow",
		Severity: finding.High, Mitre: []string{"T1078.004"}, Wants: wants(cryptographic()...),
		Excused: Own, PerPrincipal: true, Judge: judgePrincipalNotAllowed,
		Doc: Doc{
			Meaning: "rotd's policy of a key lists who is expected to use it, and somebody else did. KMS allowed it: key " +
				"policy, IAM or a grant let more people in than those who wrote the list thought.",
			Condition: "A cryptographic call that succeeded, on a key whose policy has `principals.allow`, by a principal " +
				"whose ARN fits none of its patterns. A role counts by its own ARN, whatever its session is called. Use " +
				"through an AWS service on behalf of a principal is that principal's. Not: services that call for " +
				"themselves or by their service-linked roles, and rotd itself, of which rotd-role-misused tells.",
			Tuning: "`principals.allow` of the policy: ARNs with * and ? as wildcards. A policy without it allows everybody.",
			FalsePositives: "A new application, or an engineer who restores a backup. Whoever belongs there belongs on the " +
				"list.",
			Response: "Find out who it is. If they belong, add them; if not, take their way in away: IAM, key policy or a " +
				"grant.",
		},
	}
}

func judgePrincipalNotAllowed(c *Context, ev *events.Event) []Found {
	if ev.Failed() || !c.Policies.Any(namesPrincipals) || serviceItself(ev) {
		return nil
	}
	principal := ev.UserIdentity.PrincipalARN()
	if principal == "" || c.Itself.works(principal) {
		return nil
	}
	var found []Found
	for _, ref := range keysOf(ev) {
		key, p := c.known(ev, ref)
		if key == nil || p == nil || !namesPrincipals(p) || p.Allows(principal) {
			continue
		}
		t := c.targetOf(ev, events.KeyRef{ARN: key.ARN})
		found = append(found, Found{
			About: t,
			Description: fmt.Sprintf("%s. Policy %s allows only %s. KMS let it: the key policy, "+
				"IAM or a grant lets more principals in than the list names.", called(ev, &t),
				shown(p.Name), listed(p.Allow)),
			Remedy: []string{
				"Find out who this is, and what else they did with the key:",
				"rotd keys usage " + argument(t.id),
				"If they belong there, add them to principals.allow of the policy. If not, see what lets them in:",
				t.cli("get-key-policy", "policy-name", "default"),
				t.cli("list-grants"),
				"To cut everybody off who should not be there, first see whom it breaks:",
				"rotd contain " + argument(t.id) + " --dry-run",
			},
		})
	}
	return found
}

func namesPrincipals(p *policy.Policy) bool { return len(p.Allow) > 0 }
