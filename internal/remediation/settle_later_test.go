package remediation

import (
	"testing"
	"time"

	"rotd/internal/inventory"
)

func TestDisabledAfterAll(t *testing.T) {
	called := testNow()
	failed := func(change ...func(*Action)) Action {
		a := Action{
			ID: "act_1", Verb: Contain, Method: Measures, State: Failed, KeyARN: testARN, CalledAt: called, Attempts: 1,
			Calls: []Call{{Operation: DisableKey, KeyARN: testARN, KeyState: enabled}}, Outcome: "Not shown.",
		}
		for _, c := range change {
			c(&a)
		}
		return a
	}
	other := func(a *Action) { a.Calls[0].Operation = DeleteAlias }
	seen := func(a *Action) { a.Calls[0].Done = &called }
	shows := func(state string, after time.Duration) *inventory.Key {
		return &inventory.Key{ARN: testARN, State: state, StateSince: called.Add(after)}
	}
	for name, tt := range map[string]struct {
		a    Action
		key  *inventory.Key
		want bool
	}{
		"it shows an hour later":    {failed(), shows(disabled, time.Hour), true},
		"it shows within a week":    {failed(), shows(disabled, DatabasesLast), true},
		"it shows after a week":     {failed(), shows(disabled, DatabasesLast+1), false},
		"it was disabled before":    {failed(), shows(disabled, -time.Second), false},
		"it is enabled":             {failed(), shows(enabled, time.Hour), false},
		"KMS surely did not do it":  {failed(func(a *Action) { a.Rejected = 1 }), shows(disabled, time.Hour), false},
		"it was seen when it ended": {failed(seen), shows(disabled, time.Hour), false},
		"the action is under way":   {failed(func(a *Action) { a.State = Verifying }), shows(disabled, time.Hour), false},
		"another call of it failed": {failed(other), shows(disabled, time.Hour), false},
		"a rotation is no measure":  {failed(func(a *Action) { a.Verb = Rotate }), shows(disabled, time.Hour), false},
		"it is about another key":   {failed(func(a *Action) { a.KeyARN = "arn:other" }), shows(disabled, time.Hour), false},
	} {
		t.Run(name, func(t *testing.T) {
			done := tt.a.Current().Done
			got, late := DisabledAfterAll(tt.a, tt.key)
			if late != tt.want || got.State != tt.a.State || tt.a.Current().Done != done {
				t.Errorf("got %v, %+v", late, got)
			}
			if late && (!got.Undoable() || got.Calls[0].CalledAt != called) {
				t.Errorf("it cannot be taken back: %+v", got.Calls[0])
			}
		})
	}
}
