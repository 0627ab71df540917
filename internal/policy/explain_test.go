package policy

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"rotd/internal/inventory"
)

func TestExplainSaysWhatIsInForceAndWhatMatches(t *testing.T) {
	moved := &Assignment{Policy: "gold", Pending: &Pending{Policy: "silver", Exceptions: []string{"legacy"}}}
	exceptions := Exceptions{{Name: "legacy", Keys: []string{"alias/legacy-*"}, Expires: monday().Add(1)}}
	managed := tier("gold")
	managed.Manager = "AWS"
	tests := []struct {
		name       string
		key        *inventory.Key
		assignment *Assignment
		want       Explanation
	}{
		{
			name: "the first that matches", key: tier("gold"),
			want: Explanation{Tried: []Tried{{Policy: "gold"}}, Matches: "gold", Policy: "gold"},
		},
		{
			name: "while a laxer assignment waits the one before", assignment: moved,
			key: tagged(map[string]string{"tier": "silver"}, "alias/legacy-1"),
			want: Explanation{
				Name: "alias/legacy-1", Matches: "silver", Policy: "gold", Assignment: moved,
				Tried: []Tried{{Policy: "gold", Miss: &Miss{"tags", "tier=gold", "tier=silver"}}, {Policy: "silver"}},
				Exceptions: []Applied{
					{Name: "legacy", Standing: Waiting, Checks: []string{}, Expires: monday().Add(1)},
				},
			},
		},
		{
			name: "none", key: tagged(nil),
			want: Explanation{Tried: []Tried{
				{Policy: "gold", Miss: &Miss{"tags", "tier=gold", "none"}},
				{Policy: "silver", Miss: &Miss{"tags", "tier=silver", "none"}},
				{Policy: "bronze", Miss: &Miss{"tags", "tier=bronze", "none"}},
				{Policy: "silver-2", Miss: &Miss{"tags", "tier=silver-2", "none"}},
			}},
		},
		{name: "none of a key that AWS manages", key: managed, want: Explanation{Tried: []Tried{}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := tiers().Explain(tt.key, tt.assignment, exceptions, Source{}, monday())
			if (len(got.Values) > 0) != (got.Policy != "") {
				t.Errorf("policy %q has the values %v", got.Policy, got.Values)
			}
			want := tt.want
			want.KeyARN, want.At, want.Values = "arn:k", monday(), got.Values
			if want.Name == "" {
				want.Name = "k"
			}
			if want.Exceptions == nil {
				want.Exceptions = []Applied{}
			}
			if diff := cmp.Diff(&want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
