package history

import (
	"testing"
	"time"

	"rotd/internal/inventory"
)

func TestWhatAReadingShowsToHaveChanged(t *testing.T) {
	type change struct{ Kind, Before, After, Text string }
	tests := []struct {
		name   string
		change func(*inventory.Key)
		want   []change
	}{
		{"nothing but the time of the reading", func(*inventory.Key) {}, nil},
		{
			"the state", func(k *inventory.Key) { k.State = "Disabled" },
			[]change{{"state", `"Enabled"`, `"Disabled"`, "state Enabled → Disabled"}},
		},
		{
			"the description, with characters that are not for a terminal",
			func(k *inventory.Key) { k.Description = "ok\n\x1b[2J" },
			[]change{{"description", "", `"ok\n\u001b[2J"`, `description none → "ok\n\x1b[2J"`}},
		},
		{
			"a deletion", func(k *inventory.Key) { k.State, k.DeletionDate = "PendingDeletion", on(10000) },
			[]change{
				{"state", `"Enabled"`, `"PendingDeletion"`, "state Enabled → PendingDeletion"},
				{"deletion-date", "", `"2026-11-30T08:40:00Z"`, "deletion is scheduled for 2026-11-30 08:40:00Z"},
			},
		},
		{"an organization path that becomes known", func(k *inventory.Key) { k.OrgPath = "o-1/r-1/" }, nil},
		{
			"an alias and a tag", func(k *inventory.Key) {
				k.Aliases = []string{"alias/new"}
				k.Tags = map[string]string{"team": "ops", "tier": "1"}
			},
			[]change{
				{"aliases", `["alias/pay"]`, `["alias/new"]`, "aliases: alias/new added; alias/pay removed"},
				{"tags", `{"team":"pay"}`, `{"team":"ops","tier":"1"}`, "tags: team pay → ops; tier=1 added"},
			},
		},
		{
			"rotation that is off", func(k *inventory.Key) { k.Rotation.Enabled, k.Rotation.PeriodDays = false, 0 },
			[]change{{
				"rotation", `{"enabled":true,"period_days":365}`, `{"enabled":false}`,
				"automatic rotation every 365 days → off",
			}},
		},
		{
			"rotation that rotd may not see any more", func(k *inventory.Key) {
				k.Rotation, k.Denied = nil, []string{"GetKeyRotationStatus"}
			},
			[]change{
				{
					"denied", "", `["GetKeyRotationStatus"]`,
					"KMS refuses rotd GetKeyRotationStatus: what that tells is not known from here on",
				},
				{
					"rotation", `{"enabled":true,"period_days":365}`, `{"enabled":false,"unknown":true}`,
					"automatic rotation every 365 days → unknown",
				},
			},
		},
		{
			"new material", func(k *inventory.Key) {
				k.CurrentMaterial = "m2"
				k.Rotation.History = []inventory.Rotated{{At: at(1), Type: "ON_DEMAND", Material: "m2"}}
			},
			[]change{
				{"material", `"m1"`, `"m2"`, "current key material m1 → m2"},
				{"rotations", "", `[{"at":"2026-11-23T10:01:00Z","type":"ON_DEMAND","material":"m2"}]`, "rotations"},
			},
		},
		{
			"a replica", func(k *inventory.Key) {
				k.MultiRegion, k.PrimaryARN, k.ReplicaARNs = "PRIMARY", arn, []string{"arn:aws:kms:us-east-1:1:key/mrk-1"}
			},
			[]change{{
				"multi-region", `{"role":""}`,
				`{"role":"PRIMARY","primary_arn":"` + arn + `","replica_arns":["arn:aws:kms:us-east-1:1:key/mrk-1"]}`,
				"multi-Region role none → PRIMARY; primary none → " + arn +
					"; replicas added: arn:aws:kms:us-east-1:1:key/mrk-1",
			}},
		},
		{
			"a key that KMS does not know any more", func(k *inventory.Key) { k.GoneAt = on(3) },
			[]change{{"gone", "", `"2026-11-23T10:03:00Z"`, "KMS no longer knows the key, since 2026-11-23 10:03:00Z"}},
		},
		{
			"a policy", func(k *inventory.Key) { k.Policy = policyOf("kms:*") },
			[]change{{
				"policy", string(encode(policyOf("kms:Decrypt"))), string(encode(policyOf("kms:*"))),
				`key policy: changed statement 2 ("Use"): actions added kms:*, removed kms:decrypt`,
			}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []change
			for _, e := range Diff(key(0), key(5, tt.change), at(6)) {
				got = append(got, change{string(e.Kind), string(e.Before), string(e.After), e.words()})
				same(t, "window", []any{e.NotBefore, e.Kept}, []any{at(0), at(6)})
			}
			same(t, "changes", got, tt.want)
		})
	}
}

func TestTheFirstListOfRotationsIsNoChange(t *testing.T) {
	before := key(0, func(k *inventory.Key) { k.Rotation.HistoryAt = time.Time{} })
	after := key(5, func(k *inventory.Key) { k.Rotation.History = []inventory.Rotated{{At: at(-9), Type: "AUTOMATIC"}} })
	if changes := Diff(before, after, at(6)); len(changes) > 0 {
		t.Errorf("got %+v", changes)
	}
}

func TestGrantsAreComparedWhenAllOfThemAreKnown(t *testing.T) {
	grants := func(minute, count int, ids ...string) *inventory.Grants {
		g := &inventory.Grants{ReadAt: at(minute), Count: count}
		for _, id := range ids {
			g.List = append(g.List, inventory.Grant{ID: id, Grantee: "role-" + id})
		}
		return g
	}
	tests := []struct {
		name          string
		before, after *inventory.Grants
		want          string
	}{
		{"the first listing is no change", nil, grants(2, 1, "a"), ""},
		{"the same grants in another order", grants(1, 2, "a", "b"), grants(2, 2, "b", "a"), ""},
		{"one more", grants(1, 1, "a"), grants(2, 2, "a", "b"), "grants 1 → 2; added for role-b"},
		{"one for another", grants(1, 1, "a"), grants(2, 1, "b"), "grants 1 → 1; added for role-b; removed for role-a"},
		{"too many to know", grants(1, 500, "a"), grants(2, 700, "b"), "grants 500 → 700; which ones is not known"},
		{"as many as before, too many to know", grants(1, 500, "a"), grants(2, 500, "b"), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before, after := key(1), key(2)
			before.Grants, after.Grants = tt.before, tt.after
			got := ""
			for _, e := range Diff(before, after, at(2)) {
				got += e.words()
			}
			same(t, "words", got, tt.want)
		})
	}
}

func TestAFlipBackCancelsOnlyWhereReadingsOverlap(t *testing.T) {
	disabled := func(k *inventory.Key) { k.State = "Disabled" }
	pending := func(k *inventory.Key) { k.State = "PendingDeletion" }
	policy := func(k *inventory.Key) { k.Policy = policyOf("kms:*") }
	lasting := func(minute int) func(*inventory.Key) {
		return func(k *inventory.Key) { k.WholeBy = at(minute) }
	}
	tests := []struct {
		name            string
		one, two, three *inventory.Key
		kept2, kept3    int
		cancels         bool
	}{
		{"a reading that began when the other was kept", key(0), key(2, disabled), key(3), 2, 3, false},
		{"a reading that began before the other was kept", key(0), key(2, disabled), key(3), 4, 5, true},
		{
			"a whole reading that began while the other ran",
			key(0), key(1, policy, lasting(4)), key(2, lasting(3)), 4, 5, true,
		},
		{"a whole reading that began after the other", key(0), key(1, policy, lasting(4)), key(5), 9, 10, false},
		{"a change to a third value", key(0), key(2, disabled), key(3, pending), 4, 5, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			last, next := Diff(tt.one, tt.two, at(tt.kept2)), Diff(tt.two, tt.three, at(tt.kept3))
			if len(last) != 1 || len(next) != 1 {
				t.Fatalf("%d and %d changes", len(last), len(next))
			}
			same(t, "cancels", next[0].Cancels(&last[0]), tt.cancels)
		})
	}
}

func BenchmarkDiffOfAnUnchangedKey(b *testing.B) {
	before, after := key(0), key(5)
	b.ReportAllocs()
	for b.Loop() {
		if changes := Diff(before, after, at(6)); changes != nil {
			b.Fatal(changes)
		}
	}
}
