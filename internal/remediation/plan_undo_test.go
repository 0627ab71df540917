package remediation

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rotd/internal/inventory"
)

// replacedAt is a replacement of a key that made all its calls at a time.
func replacedAt(key *inventory.Key, at time.Time) Action {
	a, _, _, _ := PlanReplace(key, nil, Replacement{}, Why{}, at)
	a.ID, a.State = "act_1", Succeeded
	a.adopt(newKeyARN)
	a.At, a.CalledAt = len(a.Calls)-1, at
	for i := range a.Calls {
		a.Calls[i].CalledAt, a.Calls[i].Done = at, &at
	}
	return a
}

func TestPlanMoveBack(t *testing.T) {
	key, g := whole(signing), Guardrails{UndoWindow: 72 * time.Hour}
	two := whole(signing, func(k *inventory.Key) { k.Aliases = []string{"alias/pay", "alias/ship"} })
	back := func(aliases ...string) (calls []Call) {
		for _, alias := range aliases {
			calls = append(calls, Call{
				Operation: UpdateAlias, Alias: alias, KeyARN: testARN, FromARN: newKeyARN,
				Undo: "aws kms update-alias --alias-name " + alias +
					" --target-key-id 99999999-12ab-34cd-56ef-1234567890ab --region eu-west-1",
			})
		}
		return calls
	}
	tagged := Call{Operation: TagResource, KeyARN: testARN, Tags: map[string]string{ReplacedByTag: "undone"}}
	halfway := replacedAt(two, testNow().Add(-time.Hour))
	halfway.State, halfway.At = Failed, 1 // the first alias was asked for, the second was not
	halfway.Calls[2].CalledAt, halfway.Calls[3].CalledAt = time.Time{}, time.Time{}
	never := replacedAt(key, testNow())
	never.At, never.CalledAt = 0, testNow()
	for _, tt := range []struct {
		name    string
		earlier []Action
		calls   []Call
		reason  string
	}{
		{
			"all aliases, the last one first",
			[]Action{replacedAt(two, testNow().Add(-time.Hour))},
			append(back("alias/ship", "alias/pay"), tagged), "",
		},
		{"only those that were moved, or may have been", []Action{halfway}, back("alias/pay"), ""},
		{
			"those that two replacements moved",
			[]Action{replacedAt(whole(signing, func(k *inventory.Key) { k.Aliases = []string{"alias/ship"} }),
				testNow().Add(-time.Minute)), halfway},
			append(back("alias/ship", "alias/pay"), tagged), "",
		},
		{"a replacement that moved none", []Action{never}, nil, "moved no alias"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a, ok, reason := g.PlanMoveBack(key, nil, tt.earlier, Why{Requester: kim()}, testNow())
			if ok != (tt.reason == "") || !strings.Contains(reason, tt.reason) {
				t.Errorf("got %v: %q", ok, reason)
			}
			if moved := tt.earlier[0].Calls[0].CalledAt; ok && !a.UndoUntil.Equal(moved.Add(72*time.Hour)) {
				t.Errorf("until %s, 72 h after %s", a.UndoUntil, moved)
			}
			if diff := cmp.Diff(tt.calls, a.Calls); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}
