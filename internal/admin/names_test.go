package admin

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"

	"rotd/internal/finding"
	"rotd/internal/remediation"
)

// emptyBackend has no rows but one finding on its last page, and knows one key.
type emptyBackend struct {
	fakeBackend
	last []finding.Finding
}

func (b *emptyBackend) Findings(_ context.Context, q FindingQuery) (Page[finding.Finding], error) {
	if q.After == "" {
		return Page[finding.Finding]{Next: "a"}, nil
	}
	return Page[finding.Finding]{Items: b.last}, nil
}

func (b *emptyBackend) Keys(context.Context, KeyQuery) (Page[Key], error) { return Page[Key]{}, nil }

func (b *emptyBackend) Actions(context.Context, ActionQuery) (Page[remediation.Action], error) {
	return Page[remediation.Action]{}, nil
}

func (b *emptyBackend) Key(_ context.Context, name string) (*KeyDetail, error) {
	switch name {
	case "alias/pay":
		return &KeyDetail{}, nil
	case "alias/two":
		return nil, As(ErrAmbiguous, errors.New("alias/two is two keys"))
	}
	return nil, As(ErrNotFound, fmt.Errorf("unknown key %q", name))
}

func TestAnEmptyListSaysWhenItsFilterIsMistyped(t *testing.T) {
	socket, _ := serve(t, &emptyBackend{}, zap.NewNop())
	c, ctx := clientOf(t, socket), t.Context()
	findings := func(q FindingQuery) error { _, err := c.Findings(ctx, q); return err }
	keys := func(q KeyQuery) error { _, err := c.Keys(ctx, q); return err }
	actions := func(q ActionQuery) error { _, err := c.Actions(ctx, q); return err }
	const places = "111122223333/us-east-1, 111122223333/eu-west-1"
	tests := []struct {
		name string
		err  error
		exit ExitStatus
		want string
	}{
		{"a rule", findings(FindingQuery{Rule: "dead-key-used"}), 0, ""},
		{
			"an unknown rule", findings(FindingQuery{Rule: "key-disbled"}), ExitUsage,
			"rule: \"key-disbled\" is no rule or check of this version: did you mean key-disabled?",
		},
		{
			"a rule far from any", findings(FindingQuery{Rule: "bogus"}), ExitUsage,
			"rule: \"bogus\" is no rule or check of this version; `rotd detections list` has them all",
		},
		{"a key", findings(FindingQuery{Key: "alias/pay"}), 0, ""},
		{"a name of two keys", findings(FindingQuery{Key: "alias/two"}), 0, ""},
		{"an unknown key", findings(FindingQuery{Key: "alias/nope"}), ExitFailed, `unknown key "alias/nope"`},
		{"a place", findings(FindingQuery{Account: "111122223333", Region: "eu-west-1"}), 0, ""},
		{
			"an unknown Region", findings(FindingQuery{Region: "nowhere"}), ExitUsage,
			"region nowhere is not among the configured accounts and Regions: " + places,
		},
		{
			"an unknown account", keys(KeyQuery{Account: "1"}), ExitUsage,
			"account 1 is not among the configured accounts and Regions: " + places,
		},
		{
			"a Region of another account", keys(KeyQuery{Account: "1", Region: "us-east-1"}), ExitUsage,
			"1/us-east-1 is not among the configured accounts and Regions: " + places,
		},
		{"a state", keys(KeyQuery{State: "pendingdeletion"}), 0, ""},
		{
			"an unknown state", keys(KeyQuery{State: "bogus"}), ExitUsage,
			`state: "bogus" is none of Creating, Disabled, Enabled, PendingDeletion, PendingImport, ` +
				"PendingReplicaDeletion, Unavailable, Updating",
		},
		{"a policy", keys(KeyQuery{Policy: "payments"}), 0, ""},
		{
			"an unknown policy", keys(KeyQuery{Policy: "bogus"}), ExitUsage,
			`policy: no policy "bogus" is configured; there are: payments, everything-else`,
		},
		{"an action's key", actions(ActionQuery{Key: "alias/pay"}), 0, ""},
		{"an action's unknown key", actions(ActionQuery{Key: "nope"}), ExitFailed, `unknown key "nope"`},
	}
	for _, test := range tests {
		var got Error
		if e, ok := errors.AsType[*Error](test.err); ok {
			got = *e
		}
		if diff := cmp.Diff(test.want, got.Message); diff != "" || got.Exit != test.exit {
			t.Errorf("%s: exit %d, want %d; message (-want +got):\n%s", test.name, got.Exit, test.exit, diff)
		}
	}
}

func TestWhatIsNoLongerThereIsFoundByItsRows(t *testing.T) {
	backend := &emptyBackend{last: []finding.Finding{{ID: "fnd_1"}}}
	socket, _ := serve(t, backend, zap.NewNop())
	page, err := clientOf(t, socket).Findings(t.Context(), FindingQuery{Rule: "a-former-rule"})
	if err != nil || len(page.Items) != 1 {
		t.Errorf("got %+v, %v", page, err)
	}
}
