package remediation

import (
	"slices"
	"time"

	"rotd/internal/inventory"
	"rotd/internal/policy"
)

// undone is what ReplacedByTag says of a key whose aliases were moved back.
const undone = "undone"

// PlanMoveBack makes the action that moves the aliases back that replacements of a key moved, or may have; the newest
// comes first, and all made or went on with the same new key, which stays. When it cannot be made it returns false and
// a sentence that says so.
func (g Guardrails) PlanMoveBack(key *inventory.Key, p *policy.Policy, earlier []Action, why Why, now time.Time) (
	Action, bool, string,
) {
	a := begun(Replace, MoveBack, key, p, why, now)
	a.NewKeyARN = earlier[0].NewKeyARN
	var last time.Time
	tagged := false
	for i := range earlier {
		for _, c := range slices.Backward(earlier[i].Asked()) {
			switch c.Operation { //nolint:exhaustive // what else a replacement did stays
			case UpdateAlias:
				a.Calls = append(a.Calls, Call{
					Operation: UpdateAlias, Alias: c.Alias, KeyARN: c.FromARN, FromARN: c.KeyARN,
					Undo: moveAlias(c.Alias, c.KeyARN),
				})
				if c.CalledAt.After(last) {
					last = c.CalledAt
				}
			case TagResource:
				tagged = true
			}
		}
	}
	if len(a.Calls) == 0 {
		return Action{}, false, "Action " + earlier[0].ID + " moved no alias."
	}
	a.UndoUntil = last.Add(g.UndoWindow)
	if tagged {
		a.Calls = append(a.Calls, Call{
			Operation: TagResource, KeyARN: key.ARN, Tags: map[string]string{ReplacedByTag: undone},
		})
	}
	return a, true, ""
}

// moveAlias is the command that points an alias at a key.
func moveAlias(alias, arn string) string {
	return "aws kms update-alias --alias-name " + alias + " --target-key-id " + keyID(arn) + " --region " + arnRegion(arn)
}
