package engine

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rotd/internal/inventory"
)

func TestReadingsMadeAtTheSameTimeAreBroughtTogether(t *testing.T) {
	at := func(minute int) time.Time { return time.Date(2026, 11, 23, 10, minute, 0, 0, time.UTC) }
	whole := func(read, full, history int, policy, material string) *inventory.Key {
		return &inventory.Key{
			ReadAt: at(read), FullAt: at(full), Policy: policy,
			Rotation: &inventory.Rotation{HistoryAt: at(history), History: []inventory.Rotated{{Material: material}}},
		}
	}
	aliased := func(k *inventory.Key, listed int, alias string) *inventory.Key {
		k.Aliases, k.AliasesAt = []string{alias}, at(listed)
		return k
	}
	untold := func(k *inventory.Key, asked int) *inventory.Key {
		k.Rotation.NoHistoryAt = at(asked)
		return k
	}
	refused := func(k *inventory.Key, asked int) *inventory.Key {
		k.Denied, k.RefusedAt = []string{"DescribeKey"}, at(asked)
		return k
	}
	tests := []struct {
		name        string
		known, read *inventory.Key
		want        *inventory.Key
	}{
		{"the first reading is taken", nil, whole(1, 1, 1, "p1", "m1"), whole(1, 1, 1, "p1", "m1")},
		{
			"a newer whole reading replaces what is known", whole(1, 1, 1, "p1", "m1"), whole(2, 2, 2, "p2", "m2"),
			whole(2, 2, 2, "p2", "m2"),
		},
		{"an older reading adds nothing", whole(2, 2, 2, "p2", "m2"), whole(1, 1, 1, "p1", "m1"), nil},
		{
			"a newer reading in part brings back no older policy", whole(2, 2, 2, "p2", "m2"), whole(3, 1, 1, "p1", "m1"),
			whole(3, 2, 2, "p2", "m2"),
		},
		{
			"a whole reading that a reading in part overtook keeps its policy", whole(3, 1, 1, "p1", "m1"),
			whole(2, 2, 2, "p2", "m2"), whole(3, 2, 2, "p2", "m2"),
		},
		{
			"a history read meanwhile is kept", whole(1, 1, 3, "p1", "m3"), whole(2, 2, 2, "p2", "m2"),
			whole(2, 2, 3, "p2", "m3"),
		},
		{
			"that KMS had no rotations to tell meanwhile is kept", untold(whole(1, 1, 1, "p1", "m1"), 3),
			whole(2, 2, 1, "p2", "m2"), untold(whole(2, 2, 1, "p2", "m1"), 3),
		},
		{
			"a sweep that listed the aliases before they were moved does not bring them back",
			aliased(whole(2, 2, 1, "p1", "m1"), 2, "alias/new"), aliased(whole(3, 3, 3, "p2", "m2"), 1, "alias/old"),
			aliased(whole(3, 3, 3, "p2", "m2"), 2, "alias/new"),
		},
		{
			"aliases listed later are taken from a reading that is older otherwise",
			aliased(whole(3, 3, 3, "p2", "m2"), 1, "alias/old"), aliased(whole(2, 2, 2, "p1", "m1"), 2, "alias/new"),
			aliased(whole(3, 3, 3, "p2", "m2"), 2, "alias/new"),
		},
		{
			"a refusal makes nothing newer", whole(1, 1, 1, "p1", "m1"), refused(whole(1, 1, 1, "p1", "m1"), 2),
			refused(whole(1, 1, 1, "p1", "m1"), 2),
		},
		{
			"what was told while another reading was refused counts", whole(2, 2, 2, "p2", "m2"),
			refused(whole(1, 1, 1, "p1", "m1"), 3), refused(whole(2, 2, 2, "p2", "m2"), 3),
		},
		{
			"a refusal after a reading began is kept", refused(whole(1, 1, 1, "p1", "m1"), 3), whole(2, 2, 2, "p2", "m2"),
			refused(whole(2, 2, 2, "p2", "m2"), 3),
		},
		{
			"a description ends the refusals before it", refused(whole(1, 1, 1, "p1", "m1"), 2), whole(3, 3, 3, "p2", "m2"),
			whole(3, 3, 3, "p2", "m2"),
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, newest(tt.known, tt.read)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
