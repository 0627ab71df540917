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
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, newest(tt.known, tt.read)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
