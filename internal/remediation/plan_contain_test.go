package remediation

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rotd/internal/inventory"
)

func granted(ids ...string) func(*inventory.Key) {
	return func(k *inventory.Key) {
		k.Grants = &inventory.Grants{ReadAt: testNow(), Count: len(ids)}
		for _, id := range ids {
			k.Grants.List = append(k.Grants.List, inventory.Grant{ID: id, Grantee: "arn:aws:iam::111122223333:role/" + id})
		}
	}
}

func inState(state string) func(*inventory.Key) { return func(k *inventory.Key) { k.State = state } }

func TestPlanContain(t *testing.T) {
	aws := func(k *inventory.Key) { k.Manager = "AWS" }
	many := func(k *inventory.Key) { granted("g1")(k); k.Grants.Count = 101 }
	denied := func(k *inventory.Key) { granted("g1")(k); k.Denied = []string{"ListGrants"} }
	tests := []struct {
		name   string
		key    *inventory.Key
		chosen Containment
		want   string // the calls in words, or the reason why there are none
	}{
		{"nothing chosen", testKey(), Containment{}, "No measure was chosen."},
		{"an AWS managed key", testKey(aws), Containment{Disable: true}, "This key is AWS's own"},
		{"an enabled key is disabled", testKey(), Containment{Disable: true}, "the key disabled"},
		{"a disabled key is not", testKey(inState("Disabled")), Containment{Disable: true}, "only an enabled key"},
		{
			"a deletion is cancelled and the key enabled", testKey(inState("PendingDeletion")),
			Containment{CancelDeletion: true},
			"the deletion cancelled; the key enabled",
		},
		{"no deletion to cancel", testKey(), Containment{CancelDeletion: true}, "not scheduled for deletion"},
		{
			"cancelling and disabling contradict each other", testKey(inState("PendingDeletion")),
			Containment{CancelDeletion: true, Disable: true},
			"choose that or --disable",
		},
		{
			"all grants one by one, and disabling last", testKey(granted("g1", "g2")),
			Containment{Disable: true, RevokeAll: true},
			"grant g1 of arn:aws:iam::111122223333:role/g1 revoked; " +
				"grant g2 of arn:aws:iam::111122223333:role/g2 revoked; the key disabled",
		},
		{
			"one grant by its id", testKey(granted("g1", "g2")),
			Containment{RevokeGrants: []string{"g2"}},
			"grant g2 of arn:aws:iam::111122223333:role/g2 revoked",
		},
		{"a grant nobody knows", testKey(granted("g1")), Containment{RevokeGrants: []string{"g9"}}, "no grant g9"},
		{"all grants of a key that has none", testKey(granted()), Containment{RevokeAll: true}, "has no grants"},
		{"all grants where not all are known", testKey(many), Containment{RevokeAll: true}, "more than 1 grants, which"},
		{"grants that KMS does not list", testKey(denied), Containment{RevokeAll: true}, "kms:ListGrants"},
		{
			"an alias", testKey(), Containment{RetireAliases: []string{"alias/pay"}}, "alias/pay retired",
		},
		{
			"another key's alias", testKey(),
			Containment{RetireAliases: []string{"alias/other"}},
			"alias/other is no alias of this key. It has: alias/pay.",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, ok, reason := PlanContain(tt.key, nil, tt.chosen, Why{Requester: kim()}, testNow())
			if !ok {
				if !strings.Contains(reason, tt.want) || len(a.Calls) > 0 {
					t.Errorf("got %q with %d calls, want %q", reason, len(a.Calls), tt.want)
				}
				return
			}
			var words []string
			for i := range a.Calls {
				c := &a.Calls[i]
				words = append(words, c.Words())
				final := c.Operation == RevokeGrant || c.Operation == CancelKeyDeletion
				if final != (c.Undo == "") {
					t.Errorf("%s is undone by %q", c.Operation, c.Undo)
				}
			}
			if diff := cmp.Diff(tt.want, strings.Join(words, "; ")); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPlanRestore(t *testing.T) {
	key := testKey(inState("PendingDeletion"))
	for _, enabled := range []bool{true, false} {
		a, ok, reason := PlanRestore(key, nil, enabled, Why{Automatic: true}, testNow())
		if !ok || len(a.Calls) != map[bool]int{true: 2, false: 1}[enabled] || a.Method != Restore || !a.Automatic {
			t.Errorf("of a key that was enabled %t: %+v, %s", enabled, a, reason)
		}
	}
	_, ok, reason := PlanRestore(testKey(), nil, true, Why{}, testNow())
	if ok || !strings.Contains(reason, "nothing to") {
		t.Errorf("of an enabled key: %q", reason)
	}
}

func TestPlanRelease(t *testing.T) {
	key := testKey(granted("g1"))
	done := testNow()
	contained, _, _ := PlanContain(key, nil, Containment{
		Disable: true, RevokeAll: true, RetireAliases: []string{"alias/pay"},
	}, Why{}, testNow())
	for i := range contained.Calls {
		contained.Calls[i].Done = &done
	}
	key.State, key.Aliases = "Disabled", nil
	a, ok, reason := PlanRelease(key, nil, &contained, Why{}, testNow())
	if !ok || len(a.Calls) != 2 || a.Calls[0].Operation != EnableKey || a.Calls[1].Operation != CreateAlias {
		t.Errorf("%+v, %s", a.Calls, reason)
	}
	if _, ok, reason := PlanRelease(testKey(granted("g1")), nil, &contained, Why{}, testNow()); ok ||
		!strings.Contains(reason, "undone already") {
		t.Errorf("of a key that is as it was: %q", reason)
	}
	revoked, _, _ := PlanContain(key, nil, Containment{RevokeAll: true}, Why{}, testNow())
	revoked.Calls[0].Done = &done
	if _, ok, reason := PlanRelease(key, nil, &revoked, Why{}, testNow()); ok ||
		!strings.Contains(reason, "cannot be given back") {
		t.Errorf("of a revocation: %q", reason)
	}
	rotation := testAction(NewMaterial, key)
	if _, ok, _ := PlanRelease(key, nil, &rotation, Why{}, testNow()); ok {
		t.Error("of a rotation")
	}
}

func TestTheOutcomeCountsGrantsThatAreMany(t *testing.T) {
	many := func(n int) (a Action) {
		a.Verb, a.Method = Contain, Measures
		for i := range n {
			ended := testNow()
			a.Calls = append(a.Calls, Call{
				Operation: RevokeGrant, Grant: &inventory.Grant{ID: fmt.Sprint("g", i), Grantee: "r"}, Done: &ended,
			})
		}
		a.Calls = append(a.Calls, Call{Operation: DisableKey})
		a.At = n
		return a
	}
	for n, want := range map[int]string{
		2:  "Done: grant g0 of r revoked; grant g1 of r revoked.",
		21: "Done: 21 grants revoked.",
	} {
		a := many(n)
		want += " A revoked grant cannot be brought back. Not done: the key disabled."
		if got := progress(&a); got != want {
			t.Errorf("%d: %s", n, got)
		}
	}
}
