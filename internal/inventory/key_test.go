package inventory

import (
	"testing"
	"time"
)

func TestOnDemandUsed(t *testing.T) {
	for name, tc := range map[string]struct {
		rotation *Rotation
		want     int
	}{
		"a key that cannot rotate has used none": {nil, 0},
		"a key without history has used none":    {&Rotation{Enabled: true}, 0},
		"only rotations on demand count": {
			&Rotation{History: []Rotated{{Type: "AUTOMATIC"}, {Type: "ON_DEMAND"}, {Type: "ON_DEMAND"}, {Type: "new"}}}, 2,
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := tc.rotation.OnDemandUsed(); got != tc.want {
				t.Errorf("got %d, want %d", got, tc.want)
			}
		})
	}
}

func TestLastRotated(t *testing.T) {
	created := time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC)
	first, last := created.AddDate(1, 0, 0), created.AddDate(2, 0, 0)
	for name, tc := range map[string]struct {
		rotation *Rotation
		at       time.Time
		ever     bool
	}{
		"a key that cannot rotate is as old as it is":   {nil, created, false},
		"a key that never rotated is as old as it is":   {&Rotation{Enabled: true}, created, false},
		"a key that rotated is as old as the last time": {&Rotation{History: []Rotated{{At: first}, {At: last}}}, last, true},
	} {
		t.Run(name, func(t *testing.T) {
			key := &Key{Created: created, Rotation: tc.rotation}
			if at, ever := key.LastRotated(); !at.Equal(tc.at) || ever != tc.ever {
				t.Errorf("got %v, %t", at, ever)
			}
		})
	}
}

func TestNamesOfAKey(t *testing.T) {
	for name, tc := range map[string]struct {
		key       Key
		name, mrk string
	}{
		"a key without alias is called by its id": {Key{ID: "1234", Account: "1"}, "1234", ""},
		"a key with aliases by the first": {
			Key{ID: "1234", Aliases: []string{"alias/a", "alias/b"}}, "alias/a", "",
		},
		"related keys share account and id": {
			Key{ID: "mrk-1", Account: "1", MultiRegion: "PRIMARY"}, "mrk-1", "1/mrk-1",
		},
		"a replica belongs to the same": {
			Key{ID: "mrk-1", Account: "1", MultiRegion: "REPLICA"}, "mrk-1", "1/mrk-1",
		},
		"a single-Region key is related to none":       {Key{ID: "mrk-1", Account: "1"}, "mrk-1", ""},
		"multi-Region without such an id is no member": {Key{ID: "1234", Account: "1", MultiRegion: "PRIMARY"}, "1234", ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := tc.key.Name(); got != tc.name {
				t.Errorf("name %q, want %q", got, tc.name)
			}
			if got := tc.key.MRKSet(); got != tc.mrk {
				t.Errorf("set %q, want %q", got, tc.mrk)
			}
		})
	}
}

func TestWhenTheLastUseIsAskedFor(t *testing.T) {
	noon := time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)
	first := noon.AddDate(-1, 0, 0)
	for name, tc := range map[string]struct {
		state        string
		since, asked time.Time
		want         time.Time
	}{
		"never asked: after those known longer": {"Enabled", first, time.Time{}, first},
		"asked: in a week":                      {"Enabled", first, noon, noon.AddDate(0, 0, 7)},
		"enabled again: no sooner":              {"Enabled", noon, noon.AddDate(0, 0, -1), noon.AddDate(0, 0, 6)},
		"disabled: before all others":           {"Disabled", noon, noon.Add(-time.Hour), time.Time{}},
		"to be deleted, never asked":            {"PendingDeletion", noon, time.Time{}, time.Time{}},
		"disabled a moment after it was asked":  {"Disabled", noon, noon.Add(-time.Minute), noon.Add(59 * time.Minute)},
		"asked at once: again when KMS must know": {
			"Disabled", noon, noon.Add(time.Second), noon.Add(time.Hour + time.Second),
		},
		"and then in a week": {"Disabled", noon, noon.Add(time.Hour), noon.Add(time.Hour).AddDate(0, 0, 7)},
	} {
		t.Run(name, func(t *testing.T) {
			k := &Key{State: tc.state, FirstRead: first, StateSince: tc.since, UseAskedAt: tc.asked}
			if got := k.UseDueAt(); !got.Equal(tc.want) {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}

func TestWasDenied(t *testing.T) {
	key := &Key{Denied: []string{"GetKeyPolicy", "ListKeyRotations"}}
	for operation, want := range map[string]bool{
		"GetKeyPolicy": true, "ListKeyRotations": true, "DescribeKey": false, "": false,
	} {
		if got := key.WasDenied(operation); got != want {
			t.Errorf("%s: %t", operation, got)
		}
	}
}
