package detection

import (
	"testing"
	"time"
)

func TestAliasRetargeted(t *testing.T) {
	const title = "An alias now points to another key"
	resources := func(key string) object {
		return object{"resources": []object{{"ARN": aliasARN}, {"ARN": key}}}
	}
	call := func(name, key string, more ...object) object {
		given := append([]object{asking(object{"aliasName": "alias/payments", "targetKeyId": key}), resources(key)},
			more...)
		return record(name, given...)
	}
	elsewhere := func(w *world) { w.keys[payARN].Aliases = nil }
	testRule(t, aliasRetargeted(), []ruleTest{
		{
			name: "moved to another key", events: []object{call("UpdateAlias", otherARN)},
			want: []string{"HIGH " + title},
			says: []string{
				adminARN + " moved alias/payments from " + payARN + " to " + otherARN + ".",
				"aws kms update-alias --alias-name alias/payments --target-key-id " + payARN + " --region eu-west-1",
				"aws kms get-key-policy --key-id " + otherARN,
			},
		},
		{
			name: "the former key is not known", world: func(w *world) { w.keys = nil },
			events: []object{call("UpdateAlias", otherARN)}, want: []string{"HIGH " + title},
			says: []string{"from a key that rotd does not know to " + otherARN},
		},
		{
			name: "the inventory was read since",
			world: func(w *world) {
				w.keys[payARN].FullAt = noon.Add(time.Minute)
			},
			events: []object{call("UpdateAlias", payARN)}, want: []string{"HIGH " + title},
			says: []string{"from a key that rotd does not know to " + payARN},
		},
		{
			name: "deleted, and made anew for another key", world: elsewhere,
			events: []object{call("DeleteAlias", payARN), call("CreateAlias", otherARN, at(time.Hour))},
			want:   []string{"HIGH " + title}, says: []string{"from " + payARN + " to " + otherARN},
		},
		{
			name: "deleted and made anew, told the other way round", world: elsewhere,
			events: []object{call("CreateAlias", otherARN, at(time.Hour)), call("DeleteAlias", payARN)},
			want:   []string{"HIGH " + title}, says: []string{"from " + payARN + " to " + otherARN},
		},
		{
			name: "deleted and made anew a day later to the second, told the other way round", world: elsewhere,
			events: []object{call("CreateAlias", otherARN, at(24*time.Hour)), call("DeleteAlias", payARN)},
			want:   []string{"HIGH " + title},
		},
		{
			name: "deleted by a record that names the alias alone, and made anew",
			events: []object{
				record("DeleteAlias", object{"resources": nil}, asking(object{"aliasName": "alias/payments"})),
				call("CreateAlias", otherARN, at(time.Hour)),
			},
			want: []string{"HIGH " + title}, says: []string{"from " + payARN + " to " + otherARN},
		},
		{
			name:   "deleted by a record that names another key than was known, and made anew",
			events: []object{call("DeleteAlias", otherARN), call("CreateAlias", payARN, at(time.Hour))},
			want:   []string{"HIGH " + title}, says: []string{"from " + otherARN + " to " + payARN},
		},
		{
			name: "deleted by a record that names no key, and nobody knows which it was", world: elsewhere,
			events: []object{
				record("DeleteAlias", object{"resources": nil}, asking(object{"aliasName": "alias/payments"})),
				call("CreateAlias", otherARN, at(time.Hour)),
			},
		},
		{
			name: "rotd replaces a key", world: func(w *world) { w.own = true },
			events: []object{call("UpdateAlias", otherARN)}, want: []string{"INFORMATIONAL expected " + title},
		},
		{
			name: "an allowed principal", events: []object{call("UpdateAlias", otherARN, by("pay-api"))},
			want: []string{"HIGH " + title},
			says: []string{"policy payments allows its work with the key"},
		},
		{
			name: "late", world: func(w *world) { w.late = true }, events: []object{call("UpdateAlias", otherARN)},
			want: []string{"HIGH " + title},
		},
		{name: "moved to where it is", events: []object{call("UpdateAlias", payARN)}},
		{name: "refused", events: []object{call("UpdateAlias", otherARN, failing("AccessDenied"))}},
		{name: "made for the first time", events: []object{call("CreateAlias", otherARN)}},
		{
			name: "deleted, and made anew for the same key", world: elsewhere,
			events: []object{call("DeleteAlias", payARN), call("CreateAlias", payARN, at(time.Hour))},
		},
		{
			name: "deleted, and made anew two days later", world: elsewhere,
			events: []object{call("DeleteAlias", payARN), call("CreateAlias", otherARN, at(48*time.Hour))},
		},
		{
			name: "deleted, and made anew a second more than a day later, told the other way round", world: elsewhere,
			events: []object{call("CreateAlias", otherARN, at(24*time.Hour+time.Second)), call("DeleteAlias", payARN)},
		},
		{
			name: "made, and deleted later", world: elsewhere,
			events: []object{call("CreateAlias", otherARN), call("DeleteAlias", otherARN, at(time.Hour))},
		},
		{
			name: "late halves remember nothing", world: func(w *world) { w.late = true },
			events: []object{call("DeleteAlias", payARN), call("CreateAlias", otherARN, at(time.Hour))},
		},
	})
}

func TestAliasRetargetedIsOver(t *testing.T) {
	event := record("UpdateAlias", asking(object{"aliasName": "alias/payments", "targetKeyId": otherARN}),
		object{"resources": []object{{"ARN": aliasARN}, {"ARN": otherARN}}})
	without := inState("Enabled", time.Minute)
	without.Aliases = []string{"alias/archive"}
	newOne := otherKey()
	newOne.Aliases, newOne.FullAt = []string{"alias/payments"}, noon.Add(time.Minute)
	unlisted, refused := inState("Enabled", time.Minute), inState("Enabled", time.Minute)
	unlisted.AliasesAt = noon.Add(-time.Minute)
	refused.SetDenied("ListAliases", true)
	testOver(t, aliasRetargeted(), event, []overTest{
		{"read since, with aliases listed before", unlisted, ""},
		{"read since, with aliases that KMS refused to list", refused, ""},
		{"back on its former key", inState("Enabled", time.Minute), "KMS shows the alias on its former key again"},
		{"not back", without, ""},
		{"read before", inState("Enabled", -time.Minute), ""},
		{"on the new key", newOne, ""},
	})
}

func TestAliasFindingsAreToldApartByTarget(t *testing.T) {
	judge := newJudge([]Rule{aliasRetargeted()}, nil, Settings{})
	prints := make(map[string]bool)
	for _, target := range []string{otherARN, otherARN + "0", otherARN} {
		found, _ := judge.Event(newWorld().context(), decode(t, record("UpdateAlias",
			asking(object{"aliasName": "alias/payments", "targetKeyId": target}),
			object{"resources": []object{{"ARN": aliasARN}, {"ARN": target}}})))
		if len(found) != 1 || found[0].Subject.ID != aliasARN || found[0].KeyARN != payARN {
			t.Fatalf("found %+v", found)
		}
		prints[found[0].Fingerprint] = true
	}
	if len(prints) != 2 {
		t.Errorf("%d fingerprints, want 2", len(prints))
	}
}
