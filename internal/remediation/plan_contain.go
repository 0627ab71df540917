package remediation

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"rotd/internal/inventory"
	"rotd/internal/policy"
)

// Containment is what a person chose to have done to a key. Each is a measure of its own; at least one must be chosen.
type Containment struct {
	CancelDeletion bool     // and enable the key again
	RevokeGrants   []string // ids
	RevokeAll      bool     // every grant that was listed
	RetireAliases  []string // alias/…
	Disable        bool
}

// MaxRevoked bounds the grants that one containment revokes: each is listed in its plan, which a person reads and which
// is kept whole. A key may have 50,000.
const MaxRevoked = 1000

// none reports whether nothing was chosen.
func (c *Containment) none() bool {
	return !c.CancelDeletion && len(c.RevokeGrants) == 0 && !c.RevokeAll && len(c.RetireAliases) == 0 && !c.Disable
}

// PlanContain makes the action of the measures that a person chose, the least destructive first and disabling last.
// Nothing in it deletes a key or changes its policy. When it cannot be made it returns false and a sentence that says
// so. The key should have been read just now, with its grants and aliases.
func PlanContain(key *inventory.Key, p *policy.Policy, chosen Containment, why Why, now time.Time) (
	Action, bool, string,
) {
	if can := containable(key); !can.Possible {
		return Action{}, false, can.Reason
	}
	if chosen.none() {
		return Action{}, false, "No measure was chosen. There are --cancel-deletion, --revoke GRANT, --revoke-all, " +
			"--retire-alias ALIAS and --disable."
	}
	if chosen.CancelDeletion && chosen.Disable {
		return Action{}, false, "Cancelling the deletion enables the key: choose that or --disable, not both. " +
			"A key whose deletion is cancelled by hand (aws kms cancel-key-deletion) stays disabled."
	}
	a := begun(Contain, Measures, key, p, why, now)
	for _, part := range []func(*Action, *inventory.Key, *Containment) string{
		cancelDeletion, retireAliases, revokeGrants, disable,
	} {
		if reason := part(&a, key, &chosen); reason != "" {
			return Action{}, false, reason
		}
	}
	return a, true, fmt.Sprintf("%d measures, the least destructive first.", len(a.Calls))
}

// PlanRestore makes the action that undoes a deletion somebody scheduled: it is cancelled, and the key enabled if it
// was so before.
func PlanRestore(key *inventory.Key, p *policy.Policy, wasEnabled bool, why Why, now time.Time) (Action, bool, string) {
	if can := containable(key); !can.Possible {
		return Action{}, false, can.Reason
	}
	if key.State != pendingDeletion {
		return Action{}, false, "The key is " + key.State + ", not scheduled for deletion: there is nothing to restore."
	}
	a := begun(Contain, Restore, key, p, why, now)
	a.Calls = []Call{cancelCall(key)}
	if wasEnabled {
		a.Calls = append(a.Calls, enableCall(key))
	}
	return a, true, "The deletion cancelled, by CancelKeyDeletion and EnableKey."
}

// PlanRelease makes the action that undoes what an earlier containment did and can be undone: the key enabled, aliases
// made again.
func PlanRelease(key *inventory.Key, p *policy.Policy, earlier *Action, why Why, now time.Time) (Action, bool, string) {
	if earlier.Verb != Contain || earlier.KeyARN != key.ARN {
		return Action{}, false, "Action " + earlier.ID + " did not contain this key."
	}
	a := begun(Contain, Release, key, p, why, now)
	lost, already := 0, 0
	for i := range slices.Backward(earlier.Calls) {
		c := &earlier.Calls[i]
		switch {
		case !c.did():
		case c.Operation == DisableKey && key.State == "Enabled",
			c.Operation == DeleteAlias && slices.Contains(key.Aliases, c.Alias):
			already++
		case c.Operation == DisableKey:
			a.Calls = append(a.Calls, enableCall(key))
		case c.Operation == DeleteAlias:
			a.Calls = append(a.Calls, Call{
				Operation: CreateAlias, KeyARN: key.ARN, Alias: c.Alias,
				Undo: "aws kms delete-alias --alias-name " + c.Alias + " --region " + key.Region,
			})
		case c.Operation == RevokeGrant:
			lost++
		}
	}
	switch {
	case len(a.Calls) > 0:
		return a, true, fmt.Sprintf("%d measures of action %s taken back, the last one first.", len(a.Calls), earlier.ID)
	case already > 0:
		return Action{}, false, "What can be undone of action " + earlier.ID + " is undone already."
	case lost > 0:
		return Action{}, false, "Grants that were revoked cannot be given back: whoever made them has to make them again."
	}
	return Action{}, false, "Action " + earlier.ID + " changed nothing that could be undone."
}

// Undoable reports whether PlanRelease can take back something that the action did.
func (a *Action) Undoable() bool {
	return a.Verb == Contain && slices.ContainsFunc(a.Calls, func(c Call) bool {
		return c.did() && (c.Operation == DisableKey || c.Operation == DeleteAlias)
	})
}

// did reports whether the call was made and had its effect.
func (c *Call) did() bool { return c.Done != nil && c.Skipped == "" }

func cancelDeletion(a *Action, key *inventory.Key, chosen *Containment) string {
	switch {
	case !chosen.CancelDeletion:
		return ""
	case key.State != pendingDeletion:
		return "The key is " + key.State + ", not scheduled for deletion: leave --cancel-deletion away."
	}
	a.Calls = append(a.Calls, cancelCall(key), enableCall(key))
	return ""
}

func cancelCall(key *inventory.Key) Call {
	return Call{Operation: CancelKeyDeletion, KeyARN: key.ARN, KeyState: pendingDeletion}
}

func enableCall(key *inventory.Key) Call {
	return Call{
		Operation: EnableKey, KeyARN: key.ARN, KeyState: "Disabled",
		Undo: "aws kms disable-key --key-id " + key.ARN + " --region " + key.Region,
	}
}

func retireAliases(a *Action, key *inventory.Key, chosen *Containment) string {
	for _, alias := range chosen.RetireAliases {
		if !slices.Contains(key.Aliases, alias) {
			return fmt.Sprintf("%s is no alias of this key. It has: %s.", alias, orNone(key.Aliases))
		}
		a.Calls = append(a.Calls, Call{
			Operation: DeleteAlias, KeyARN: key.ARN, Alias: alias,
			Undo: "aws kms create-alias --alias-name " + alias + " --target-key-id " + key.ID + " --region " + key.Region,
		})
	}
	return ""
}

func revokeGrants(a *Action, key *inventory.Key, chosen *Containment) string {
	if !chosen.RevokeAll && len(chosen.RevokeGrants) == 0 {
		return ""
	}
	if key.Grants == nil || key.WasDenied("ListGrants") {
		return "The key's grants could not be listed. Let rotd's role call kms:ListGrants."
	}
	if chosen.RevokeAll {
		if key.Grants.Count > len(key.Grants.List) {
			return fmt.Sprintf("The key has more than %d grants, which is what one containment revokes and shows before. "+
				"--disable stops the use of all of them at once. To revoke them: name some (--revoke), or all by "+
				"aws kms list-grants and revoke-grant.", len(key.Grants.List))
		}
		if key.Grants.Count == 0 {
			return "The key has no grants: leave --revoke-all away."
		}
	}
	for i := range key.Grants.List {
		g := &key.Grants.List[i]
		if chosen.RevokeAll || slices.Contains(chosen.RevokeGrants, g.ID) {
			a.Calls = append(a.Calls, Call{Operation: RevokeGrant, KeyARN: key.ARN, Grant: g})
		}
	}
	for _, id := range chosen.RevokeGrants {
		if !slices.ContainsFunc(key.Grants.List, func(g inventory.Grant) bool { return g.ID == id }) {
			return "The key has no grant " + id + " among those rotd knows: see rotd contain " + key.Name() + " --dry-run."
		}
	}
	return ""
}

func disable(a *Action, key *inventory.Key, chosen *Containment) string {
	switch {
	case !chosen.Disable:
		return ""
	case key.State != "Enabled":
		return "The key is " + key.State + ", and only an enabled key can be disabled."
	}
	a.Calls = append(a.Calls, Call{
		Operation: DisableKey, KeyARN: key.ARN, KeyState: "Enabled",
		Undo: "aws kms enable-key --key-id " + key.ARN + " --region " + key.Region,
	})
	return ""
}

func orNone(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}
