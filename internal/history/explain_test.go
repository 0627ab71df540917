package history

import (
	"testing"

	"rotd/internal/inventory"
)

func TestWhichEventExplainsWhichChange(t *testing.T) {
	state := func(s string) func(*inventory.Key) { return func(k *inventory.Key) { k.State = s } }
	off := func(k *inventory.Key) { k.Rotation.Enabled = false }
	aliases := func(all ...string) func(*inventory.Key) { return func(k *inventory.Key) { k.Aliases = all } }
	ev := func(operation string, minute int, change ...func(*Evidence)) Evidence {
		e := Evidence{EventID: operation, Operation: operation, At: at(minute)}
		for _, c := range change {
			c(&e)
		}
		return e
	}
	alias := func(name string) func(*Evidence) { return func(e *Evidence) { e.Alias = name } }
	id := func(id string) func(*Evidence) { return func(e *Evidence) { e.EventID = id } }
	action := func(id string) func(*Evidence) { return func(e *Evidence) { e.EventID, e.ActionID = "", id } }
	by := func(id string) func(*Evidence) { return func(e *Evidence) { e.ActionID = id } }
	tests := []struct {
		name   string
		change func(*inventory.Key)
		known  []Evidence
		want   []string
	}{
		{"no event", state("Disabled"), nil, nil},
		{"the call between the readings", state("Disabled"), []Evidence{ev("DisableKey", 30)}, []string{"DisableKey"}},
		{"a call of long before", state("Disabled"), []Evidence{ev("DisableKey", -6)}, nil},
		{
			"a call that the reading before did not show yet", state("Disabled"),
			[]Evidence{ev("DisableKey", -4)},
			[]string{"DisableKey"},
		},
		{"a call of after the reading", state("Disabled"), []Evidence{ev("DisableKey", 63)}, nil},
		{"a call with a clock ahead", state("Disabled"), []Evidence{ev("DisableKey", 61)}, []string{"DisableKey"}},
		{"a call of the other direction", state("Disabled"), []Evidence{ev("EnableKey", 30)}, nil},
		{"a call that changes something else", state("Disabled"), []Evidence{ev("TagResource", 30)}, nil},
		{
			"of several calls the last", state("Disabled"),
			[]Evidence{ev("DisableKey", 50, id("second")), ev("DisableKey", 20, id("first"))},
			[]string{"second"},
		},
		{
			"what an operation is for goes before what it brings along", off,
			[]Evidence{ev("DisableKeyRotation", 10), ev("DisableKey", 30)},
			[]string{"DisableKeyRotation"},
		},
		{
			"a call between the readings goes before a later one beside them", state("Disabled"),
			[]Evidence{ev("DisableKey", 30, id("between")), ev("DisableKey", 61, id("beside"))},
			[]string{"between"},
		},
		{"rotation goes off with the key", off, []Evidence{ev("DisableKey", 30)}, []string{"DisableKey"}},
		{"turning rotation on does not turn it off", off, []Evidence{ev("EnableKeyRotation", 30)}, nil},
		{
			"all calls about the aliases that changed", aliases("alias/b", "alias/c"),
			[]Evidence{
				ev("CreateAlias", 10, alias("alias/b")), ev("UpdateAlias", 20, alias("alias/c")),
				ev("DeleteAlias", 30, alias("alias/pay")), ev("CreateAlias", 40, alias("alias/else"), id("no")),
			},
			[]string{"CreateAlias", "UpdateAlias", "DeleteAlias"},
		},
		{
			"an action's call is told once, by its event", func(k *inventory.Key) { k.Rotation.PeriodDays = 90 },
			[]Evidence{ev("EnableKeyRotation", 30, action("act_1")), ev("EnableKeyRotation", 30, id("e"), by("act_1"))},
			[]string{"e"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			changes := Diff(key(0), key(60, tt.change), at(60))
			if len(changes) != 1 {
				t.Fatalf("%d changes", len(changes))
			}
			Explain(&changes[0], tt.known, nil)
			var got []string
			for _, e := range changes[0].Evidence {
				got = append(got, e.EventID)
			}
			same(t, "evidence", got, tt.want)
		})
	}
}

func TestAnEventExplainsOneChangeOfAKind(t *testing.T) {
	known := []Evidence{{EventID: "e", Operation: "DisableKey", At: at(2)}}
	disabled := func(k *inventory.Key) { k.State = "Disabled" }
	first, again := Diff(key(0), key(3, disabled), at(3)), Diff(key(4), key(5, disabled), at(5))
	Explain(&first[0], known, nil)
	Explain(&again[0], known, first)
	same(t, "evidence", []int{len(first[0].Evidence), len(again[0].Evidence)}, []int{1, 0})
}
