package history

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"rotd/internal/inventory"
)

// randomKey is any key read at a minute, with rotations that only grow.
func randomKey(t *rapid.T, minute int, last *inventory.Key) *inventory.Key {
	word := func(label string, of ...string) string { return rapid.SampledFrom(of).Draw(t, label) }
	words := func(label string) []string {
		some := rapid.SampledFrom([]string{"a", "b", "c", "\x00d"})
		all := rapid.SliceOfNDistinct(some, 0, 3, rapid.ID[string]).Draw(t, label)
		slices.Sort(all)
		return all
	}
	k := key(minute)
	k.State = word("state", "Enabled", "Disabled", "PendingDeletion")
	k.Description = word("description", "", "x", "é\u202e")
	k.Aliases, k.ReplicaARNs, k.Denied = words("aliases"), words("replicas"), words("denied")
	k.MultiRegion, k.PrimaryARN = word("role", "", "PRIMARY", "REPLICA"), word("primary", "", "p")
	k.Policy, k.OrgPath = word("policy", "", "{}", "{"), word("path", "o", "p")
	k.CurrentMaterial = word("material", "", "m")
	k.Tags = rapid.MapOfN(rapid.SampledFrom([]string{"t", "u"}), rapid.String(), 0, 2).Draw(t, "tags")
	for _, when := range []**time.Time{&k.DeletionDate, &k.ValidTo, &k.GoneAt} {
		if rapid.Bool().Draw(t, "dated") {
			*when = on(rapid.IntRange(0, 3).Draw(t, "date"))
		}
	}
	k.Rotation = nil
	if rapid.Bool().Draw(t, "rotates") {
		k.Rotation = &inventory.Rotation{
			Enabled: rapid.Bool().Draw(t, "on"), PeriodDays: rapid.IntRange(0, 2).Draw(t, "period"),
			History: slices.Clone(rotationsOf(last)), HistoryAt: at(minute),
		}
		if rapid.Bool().Draw(t, "rotated") {
			k.Rotation.History = append(k.Rotation.History, inventory.Rotated{At: at(minute), Type: "AUTOMATIC"})
		}
	} else if rapid.Bool().Draw(t, "refused") {
		k.Denied = append(k.Denied, "GetKeyRotationStatus")
	}
	grants := &inventory.Grants{}
	for _, id := range words("grants") {
		grants.List = append(grants.List, inventory.Grant{ID: id, Grantee: "g"})
	}
	grants.Count = len(grants.List)
	k.Grants = grants
	return k
}

// facts leaves out what is no fact.
var onlyFacts = cmp.Options{
	cmpopts.EquateEmpty(),
	cmpopts.IgnoreFields(inventory.Key{}, "ReadAt", "FullAt", "WholeBy"),
	cmpopts.IgnoreFields(inventory.Rotation{}, "HistoryAt"), cmpopts.IgnoreFields(inventory.Grants{}, "ReadAt"),
}

func TestChangesTakenBackGiveEveryEarlierKey(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		keys := []*inventory.Key{randomKey(t, 0, key(0))}
		kept := &Kept{}
		for minute := range rapid.IntRange(1, 6).Draw(t, "readings") {
			next := randomKey(t, 10*(minute+1), keys[len(keys)-1])
			kept.Entries = append(kept.Entries, Diff(keys[len(keys)-1], next, next.ReadAt)...)
			keys = append(keys, next)
		}
		for i, want := range keys {
			past, err := AsOf(keys[len(keys)-1], kept, want.ReadAt.Add(time.Second))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(*want, past.Key, onlyFacts); diff != "" {
				t.Errorf("reading %d of %d (-want +got):\n%s", i, len(keys), diff)
			}
			if len(past.Unknown) > 0 {
				t.Errorf("reading %d: unknown: %v", i, past.Unknown)
			}
		}
	})
}

func TestAKeyAtATime(t *testing.T) {
	disabled := func(k *inventory.Key) { k.State = "Disabled" }
	moved := func(k *inventory.Key) { k.State, k.Aliases = "Disabled", nil }
	kept := &Kept{Entries: slices.Concat(Diff(key(0), key(60, disabled), at(60)),
		Diff(key(60, disabled), key(120, moved), at(120)))}
	kept.Entries[0].Evidence = []Evidence{{EventID: "e1", Operation: "DisableKey", At: at(30)}}
	dropped := &Kept{Entries: kept.Entries, Dropped: map[Kind]Drop{Tags: {Count: 7, Until: at(50)}}}
	tests := []struct {
		name    string
		kept    *Kept
		minute  int
		state   string
		aliases int
		doubts  []Doubt
		unknown []Doubt
	}{
		{"when it was first seen", kept, 0, "Enabled", 1, nil, nil},
		{"just before the event", kept, 29, "Enabled", 1, nil, nil},
		{"just after the event, though KMS was read later", kept, 31, "Disabled", 1, nil, nil},
		{
			"between two readings without an event", kept, 100, "Disabled", 1, []Doubt{{
				Aliases,
				"changed between 2026-11-23 11:00:00Z and 2026-11-23 12:00:00Z, shown is what was known before",
			}}, nil,
		},
		{"now", kept, 120, "Disabled", 0, nil, nil},
		{"before what was dropped", dropped, 40, "Disabled", 1, nil, []Doubt{
			{Tags, "changes of before 2026-11-23 10:50:00Z are kept no longer"},
		}},
		{"after what was dropped", dropped, 55, "Disabled", 1, nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			past, err := AsOf(key(120, moved), tt.kept, at(tt.minute))
			if err != nil {
				t.Fatal(err)
			}
			same(t, "state", past.Key.State, tt.state)
			same(t, "aliases", len(past.Key.Aliases), tt.aliases)
			same(t, "doubts", past.Doubts, append([]Doubt{}, tt.doubts...))
			same(t, "unknown", past.Unknown, append([]Doubt{}, tt.unknown...))
			same(t, "tags", len(past.Key.Tags), 1-len(tt.unknown))
		})
	}
}

func TestRotationsAreKnownByKMSsDates(t *testing.T) {
	rotated := func(k *inventory.Key) {
		k.Rotation.History = []inventory.Rotated{{At: at(30), Type: "AUTOMATIC", Material: "m2"}}
	}
	kept := &Kept{Entries: Diff(key(0), key(60, rotated), at(60))}
	for minute, want := range map[int]int{29: 0, 30: 1, 45: 1, 60: 1} {
		past, err := AsOf(key(60, rotated), kept, at(minute))
		if err != nil {
			t.Fatal(err)
		}
		same(t, fmt.Sprint("rotations at minute ", minute), len(past.Key.Rotation.History), want)
	}
}

func TestOfBeforeTheFirstReadingNothingIsKnown(t *testing.T) {
	_, err := AsOf(key(60), &Kept{}, at(-1))
	before, ok := errors.AsType[*BeforeKnownError](err)
	if !ok || !before.Since.Equal(at(0)) {
		t.Fatalf("got %v", err)
	}
	same(t, "words", err.Error(),
		"nothing is known of the key as it was before 2026-11-23 10:00:00Z, when rotd first read it")
}
