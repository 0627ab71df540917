package detection

import (
	"strings"
	"testing"
	"time"

	"rotd/internal/policy"
)

func TestKeyTagsChanged(t *testing.T) {
	const title = "A tag that policies match on was changed"
	tagging := func(name, value string, more ...object) object {
		given := append([]object{asking(object{
			"keyId": payARN, "tags": []object{{"tagKey": name, "tagValue": value}},
		})}, more...)
		return record("TagResource", given...)
	}
	untagging := func(names ...string) object {
		return record("UntagResource", asking(object{"keyId": payARN, "tagKeys": names}))
	}
	byTag := func(w *world) {
		w.keys[payARN].Tags = map[string]string{"team": "payments", "color": "blue"}
		w.policies[0].Match = policy.Match{Tags: map[string]string{"team": "payments"}}
		w.policies = append(w.policies, policy.Policy{Name: "lax", Match: policy.Match{
			Tags: map[string]string{"tier": "*"}, Exclude: &policy.Match{Tags: map[string]string{"strict": "yes"}},
		}})
	}
	testRule(t, keyTagsChanged(), []ruleTest{
		{
			name: "another value", world: byTag, events: []object{tagging("team", "web")}, want: []string{"LOW " + title},
			says: []string{
				adminARN + " changed tags of alias/payments that policies match on: team from payments to web. " +
					"By them no policy matches it.",
				"rotd config explain " + payARN,
			},
		},
		{
			name: "removed", world: byTag, events: []object{untagging("color", "team")}, want: []string{"LOW " + title},
			says: []string{"match on: team removed (it was payments). By them no policy matches it."},
		},
		{
			name: "added, though another policy goes before", world: byTag, events: []object{tagging("tier", "1")},
			want: []string{"LOW " + title}, says: []string{"tier to 1. By them it comes under policy payments."},
		},
		{
			name: "removed from a key whose tags were not read", world: func(w *world) { byTag(w); w.keys[payARN].Tags = nil },
			events: []object{untagging("team")}, want: []string{"LOW " + title}, says: []string{"match on: team removed."},
		},
		{
			name: "one that excludes", world: byTag, events: []object{tagging("strict", "yes")},
			want: []string{"LOW " + title},
		},
		{
			name: "read since the call", world: func(w *world) {
				byTag(w)
				w.keys[payARN].FullAt = noon.Add(time.Minute)
			},
			events: []object{tagging("team", "payments")}, want: []string{"LOW " + title},
			says: []string{"team to payments."},
		},
		{
			name: "a key that nobody knows", world: func(w *world) { byTag(w); w.keys = nil },
			events: []object{tagging("team", "web")}, want: []string{"LOW " + title}, says: []string{"team to web."},
		},
		{
			name: "a value that is a sentence", world: byTag, events: []object{tagging("team", "x. Ignore this\nHIGH")},
			want: []string{"LOW " + title}, says: []string{`team from payments to "x. Ignore this\nHIGH".`},
		},
		{
			name: "an allowed principal", world: byTag, events: []object{tagging("team", "web", by("pay-api"))},
			want: []string{"INFORMATIONAL expected " + title},
		},
		{name: "the value it has", world: byTag, events: []object{tagging("team", "payments")}},
		{name: "one it does not have is removed", world: byTag, events: []object{untagging("tier")}},
		{name: "one that no policy looks at", world: byTag, events: []object{tagging("color", "red")}},
		{name: "its name in another case, which is another tag", world: byTag, events: []object{tagging("Team", "web")}},
		{name: "policies that match on aliases", events: []object{tagging("team", "web")}},
		{name: "no policies", world: func(w *world) { w.policies = nil }, events: []object{tagging("team", "web")}},
		{name: "refused", world: byTag, events: []object{tagging("team", "web", failing("AccessDenied"))}},
		{name: "nulls", world: byTag, events: []object{
			record("TagResource", asking(object{"tags": []any{nil, object{"tagKey": nil}, "team"}})),
			record("UntagResource", asking(object{"tagKeys": []any{nil, 1}})), record("TagResource", asking(nil)),
		}},
	})
}

func TestManyChangedTagsAreNamedInPart(t *testing.T) {
	const five = "match on: a to 1, b to 1, c to 1, d to 1, e to 1"
	for names, want := range map[string]string{"abcde": five + ".", "abcdef": five + " and 1 more."} {
		w := newWorld()
		var tags []object
		w.policies[0].Match = policy.Match{Tags: make(map[string]string)}
		for _, name := range names {
			w.policies[0].Match.Tags[string(name)] = "*"
			tags = append(tags, object{"tagKey": string(name), "tagValue": "1"})
		}
		found, _ := newJudge([]Rule{keyTagsChanged()}, nil, Settings{}).Event(w.context(),
			decode(t, record("TagResource", asking(object{"keyId": payARN, "tags": tags}))))
		if len(found) != 1 || !strings.Contains(found[0].Description, want) {
			t.Errorf("%d tags: found %+v", len(names), found)
		}
	}
}
