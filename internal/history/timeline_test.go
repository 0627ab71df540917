package history

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"rotd/internal/inventory"
)

func TestATimelineTellsOfEachThingOnce(t *testing.T) {
	rotated := func(k *inventory.Key) {
		k.CurrentMaterial = "m2"
		k.Rotation.History = []inventory.Rotated{{At: at(41), Type: "ON_DEMAND", Material: "m2"}}
	}
	event := func(id, operation string, minute int) Entry {
		ev := Evidence{EventID: id, Operation: operation, At: at(minute)}
		if operation == "UpdateAlias" {
			ev.Alias = "alias/pay"
		}
		return Entry{Kind: EventKind(operation), SeenAt: at(minute), Kept: at(minute), Evidence: []Evidence{ev}}
	}
	asked, done := event("asked", "RotateKeyOnDemand", 40), event("done", "RotateKey", 42)
	done.Evidence[0].Material = "m2"
	changes := Diff(key(30), key(60, rotated), at(60))
	for i := range changes {
		Explain(&changes[i], []Evidence{asked.Evidence[0], done.Evidence[0]}, nil)
	}
	disabled := Diff(key(60, rotated), key(70, rotated, func(k *inventory.Key) { k.State = "Disabled" }), at(70))
	kept := &Kept{
		Entries: slices.Concat(changes, disabled, []Entry{
			asked, done, event("alone", "UpdateAlias", 65),
			event("unread", "PutKeyPolicy", 90), event("early", "EnableKey", -5),
		}),
		Dropped: map[Kind]Drop{Tags: {Count: 7, Until: at(20)}, EventKind("CreateGrant"): {Count: 12, Until: at(21)}},
	}
	var got []string
	for _, l := range Timeline(key(70, rotated), kept) {
		var ids []string
		for _, ev := range l.Evidence {
			ids = append(ids, ev.EventID)
		}
		got = append(got, fmt.Sprintf("%s %s %s: %s %v", l.At.Format("15:04"), l.Source, l.Kind, l.Text, ids))
	}
	same(t, "timeline", got, []string{
		"11:30 event event: an event reports PutKeyPolicy; KMS was not read since [unread]",
		"11:10 reading state: state Enabled → Disabled []",
		"11:05 event event: an event reports UpdateAlias of alias/pay; no reading of KMS shows a change by it [alone]",
		"10:41 kms rotated: new key material, on demand: m2 [asked done]",
		"10:21 rotd dropped: 12 older CreateGrant events were dropped: too many, or too old []",
		"10:20 rotd dropped: 7 older changes of tags were dropped: too many, or too old []",
		"10:00 rotd first-seen: rotd read the key for the first time: Enabled, automatic rotation every 365 days, " +
			"alias/pay []",
		"09:55 event event: an event reports EnableKey; it was before rotd first read the key [early]",
		"17:20 kms created: key created []",
	})
}

func TestAMovedAliasNamesTheOtherKey(t *testing.T) {
	e := Diff(key(0), key(1, func(k *inventory.Key) { k.Aliases = []string{"alias/new"} }), at(1))[0]
	e.Moves = []Move{{Alias: "alias/new", From: "key-1"}, {Alias: "alias/pay", To: "key-2"}}
	same(t, "words", e.words(), "aliases: alias/new added, taken from key-1; alias/pay removed, moved to key-2")
}

func TestPoliciesInWords(t *testing.T) {
	plain := policyOf("kms:Decrypt")
	for name, tt := range map[string]struct{ before, after, want string }{
		"the first one": {"", plain, "key policy was read for the first time"},
		"none":          {plain, "", "key policy is empty"},
		"another layout": {
			plain, strings.ReplaceAll(plain, ",", ", "),
			"key policy: its text changed, what it allows did not",
		},
		"to no policy":   {plain, "{", "key policy changed to one that cannot be understood"},
		"from no policy": {"[", plain, "key policy changed from one that could not be understood"},
		"another set of actions": {
			plain, policyOf("kms:Encrypt"),
			`key policy: changed statement 2 ("Use"): actions added kms:encrypt, removed kms:decrypt`,
		},
	} {
		t.Run(name, func(t *testing.T) { same(t, "words", policyWords(tt.before, tt.after), tt.want) })
	}
}
