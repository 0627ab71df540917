package detection

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// strangersPolicy lets another account alone administer the key.
const strangersPolicy = `{"Statement":[{"Sid":"mine","Effect":"Allow","Principal":{"AWS":"444455556666"},` +
	`"Action":"kms:*","Resource":"*"}]}`

// keyNumbered is the ARN of a key of the tests' account, with aboutKey making a record one about it.
func keyNumbered(n int) string {
	return fmt.Sprintf("arn:aws:kms:eu-west-1:111122223333:key/00000000-0000-0000-0000-%012d", n)
}

func aboutKey(arn string) object {
	return object{
		"requestParameters": object{"keyId": arn}, "resources": []object{{"ARN": arn, "type": "AWS::KMS::Key"}},
	}
}

func TestKeyMassDestruction(t *testing.T) {
	const title = "CRITICAL One principal puts key after key out of use"
	call := func(name string, key int, after time.Duration, more ...object) object {
		given := append([]object{aboutKey(keyNumbered(key)), at(after), id(fmt.Sprint(name, key, after))}, more...)
		return record(name, given...)
	}
	const m = time.Minute
	lockingOut := func(key int, after time.Duration, text string) object {
		return call("PutKeyPolicy", key, after, asking(object{"keyId": keyNumbered(key), "policy": text}))
	}
	mild := "MEDIUM" + strings.TrimPrefix(title, "CRITICAL")
	made := func(keys int, after time.Duration, more ...object) (all []object) {
		for key := range keys {
			answer := object{"responseElements": object{"keyMetadata": object{"arn": keyNumbered(key)}}}
			all = append(all, call("CreateKey", key, after, append(more, answer)...))
		}
		return all
	}
	torn := func(keys int) (all []object) {
		for key := range keys {
			all = append(all, call("ScheduleKeyDeletion", key, time.Duration(key)*time.Second))
		}
		return all
	}
	replica := func(region string) object {
		return record("DisableKey", id(region), asking(object{"keyId": "mrk-1234abcd12ab34cd56ef1234567890ab"}),
			object{"awsRegion": region, "resources": nil, "recipientAccountId": nil, "userIdentity": object{
				"type": "AssumedRole", "sessionContext": object{"sessionIssuer": object{"arn": adminARN}},
			}})
	}
	testRule(t, keyMassDestruction(), []ruleTest{
		{
			name: "three keys, each in another way",
			events: []object{
				record("DisableKey"), call("ScheduleKeyDeletion", 2, 4*m), call("DeleteImportedKeyMaterial", 3, 9*m),
			},
			want: []string{title},
			says: []string{
				adminARN + " put 3 keys out of use within 10 min: alias/payments (DisableKey at 2026-11-20 12:00Z), " +
					keyNumbered(2) + " (ScheduleKeyDeletion at 2026-11-20 12:04Z), " +
					keyNumbered(3) + " (DeleteImportedKeyMaterial at 2026-11-20 12:09Z).",
				"aws kms enable-key --key-id " + payARN + " --region eu-west-1",
				"aws kms cancel-key-deletion --key-id " + keyNumbered(2) + " --region eu-west-1",
			},
		},
		{
			name:   "an environment that its maker tears down hours later",
			events: append(made(5, -5*time.Hour), torn(5)...), want: []string{mild, mild, mild},
		},
		{
			name:   "an environment that somebody else made",
			events: append(made(3, -5*time.Hour, by("ci")), torn(3)...), want: []string{title},
		},
		{
			name:   "an environment that is days old",
			events: append(made(3, -49*time.Hour), torn(3)...), want: []string{title},
		},
		{
			name:   "three more among those that it made",
			events: append(made(2, -time.Hour), torn(5)...), want: []string{mild, mild, title},
		},
		{
			name: "the last event comes first, the first last",
			events: []object{
				call("DisableKey", 3, 9*m), call("DisableKey", 2, 5*m), call("DisableKey", 1, 0),
			},
			want: []string{title}, says: []string{keyNumbered(1), keyNumbered(2), keyNumbered(3)},
		},
		{
			name: "a policy that locks the owner out counts",
			events: []object{
				lockingOut(1, 0, strangersPolicy), lockingOut(2, m, strangersPolicy), lockingOut(3, 2*m, strangersPolicy),
			},
			want: []string{title}, says: []string{"aws kms put-key-policy --key-id " + keyNumbered(1)},
		},
		{
			name: "by several sessions of one role",
			events: []object{
				call("DisableKey", 1, 0), call("DisableKey", 2, m, object{"userIdentity": session("admin", "x")}),
				call("DisableKey", 3, m, object{"userIdentity": session("admin", "y")}),
			},
			want: []string{title},
		},
		{
			name: "a key that was disabled long ago is scheduled among others now",
			events: []object{
				call("DisableKey", 1, -1000*time.Hour), call("DisableKey", 2, 0), call("DisableKey", 3, m),
				call("ScheduleKeyDeletion", 1, 2*m),
			},
			want: []string{title}, says: []string{"put 3 keys out of use"},
		},
		{
			name: "a fourth and a fifth add to what was found",
			events: []object{
				call("DisableKey", 1, 0), call("DisableKey", 2, 0), call("DisableKey", 3, 0), call("DisableKey", 4, 0),
				call("DisableKey", 5, 0), call("DisableKey", 6, 0),
			},
			want: []string{title, title, title, title}, says: []string{"put 6 keys out of use", "1 more."},
		},
		{
			name: "an earlier call is told between them",
			events: []object{
				call("DisableKey", 2, 12*m), call("DisableKey", 1, 0), call("DisableKey", 3, 13*m), call("DisableKey", 4, 14*m),
			},
			want: []string{title},
			says: []string{
				"put 3 keys out of use within 10 min: " + keyNumbered(2) + " (DisableKey at 2026-11-20 12:12Z), " +
					keyNumbered(3) + " (DisableKey at 2026-11-20 12:13Z), ",
			},
		},
		{
			name: "one of them twice",
			events: []object{
				call("DisableKey", 1, 0), call("DisableKey", 1, m), call("DisableKey", 2, 2*m), call("DisableKey", 3, 3*m),
			},
			want: []string{title},
			says: []string{
				"put 3 keys out of use within 10 min: " + keyNumbered(1) + " (DisableKey at 2026-11-20 12:01Z), " +
					keyNumbered(2) + " (DisableKey at 2026-11-20 12:02Z), " +
					keyNumbered(3) + " (DisableKey at 2026-11-20 12:03Z).",
			},
		},
		{
			name: "an allowed principal is not excused",
			events: []object{
				record("DisableKey", by("pay-api")), call("DisableKey", 2, 0, by("pay-api")),
				call("DisableKey", 3, 0, by("pay-api")),
			},
			want: []string{title},
		},
		{
			name: "by nobody the records name",
			events: []object{
				call("DisableKey", 1, 0, object{"userIdentity": nil}), call("DisableKey", 2, 0, object{"userIdentity": nil}),
				call("DisableKey", 3, 0, object{"userIdentity": nil}),
			},
			want: []string{title}, says: []string{"Somebody the event does not name put 3 keys"},
		},
		{
			name: "one id in three Regions is three keys, when the records name no ARN",
			events: []object{
				replica("eu-west-1"), replica("eu-west-2"), replica("eu-west-3"),
			},
			want: []string{title}, says: []string{"put 3 keys out of use"},
		},
		{name: "two keys", events: []object{call("DisableKey", 1, 0), call("ScheduleKeyDeletion", 2, m)}},
		{
			name: "one key in three ways",
			events: []object{
				call("DisableKey", 1, 0), call("ScheduleKeyDeletion", 1, m), call("DeleteImportedKeyMaterial", 1, 2*m),
			},
		},
		{
			name:   "the third after ten minutes",
			events: []object{call("DisableKey", 1, 0), call("DisableKey", 2, m), call("DisableKey", 3, 10*m)},
		},
		{
			name: "three principals, a key each",
			events: []object{
				call("DisableKey", 1, 0), call("DisableKey", 2, 0, by("other")), call("DisableKey", 3, 0, by("third")),
			},
		},
		{
			name: "refused",
			events: []object{
				call("DisableKey", 1, 0), call("DisableKey", 2, 0), call("DisableKey", 3, 0, failing("AccessDenied")),
			},
		},
		{
			name: "policies that leave the owner in",
			events: []object{
				lockingOut(1, 0, ownPolicy), lockingOut(2, m, letting("444455556666")), lockingOut(3, 2*m, ownPolicy),
				lockingOut(4, 2*m, "{"),
			},
		},
		{
			name:   "two keys, and a policy that leaves the owner in",
			events: []object{call("DisableKey", 1, 0), call("DisableKey", 2, 0), lockingOut(3, 0, ownPolicy)},
		},
		{
			name: "two keys, and one that the record does not name",
			events: []object{
				call("DisableKey", 1, 0), call("DisableKey", 2, 0),
				record("DisableKey", object{"resources": nil, "requestParameters": nil}),
			},
		},
		{
			name: "rotd contains three keys", world: func(w *world) { w.own = true },
			events: []object{call("DisableKey", 1, 0), call("DisableKey", 2, 0), call("DisableKey", 3, 0)},
		},
		{
			name: "rotation turned off on three keys",
			events: []object{
				call("DisableKeyRotation", 1, 0), call("DisableKeyRotation", 2, 0), call("DisableKeyRotation", 3, 0),
			},
		},
	})
}

func session(role, name string) object {
	identity := assumed(role)
	identity["arn"] = "arn:aws:sts::111122223333:assumed-role/" + role + "/" + name
	return identity
}

func TestOneKeyDestroyedAgainAndAgainHidesNoOthers(t *testing.T) {
	w, judge := newWorld(), newJudge([]Rule{keyMassDestruction()}, nil, Settings{})
	disable := func(key int, after time.Duration) int {
		found, _ := judge.Event(w.context(), decode(t, record("DisableKey", aboutKey(keyNumbered(key)), at(after))))
		return len(found)
	}
	disable(1, 0)
	for i := range 200 {
		disable(2, time.Duration(i)*time.Second)
	}
	if found := disable(3, 200*time.Second); found != 1 {
		t.Errorf("%d findings, want 1", found)
	}
}

func TestAMassDestructionIsUndoneForTheFirstThreeKeys(t *testing.T) {
	w, judge := newWorld(), newJudge([]Rule{keyMassDestruction()}, nil, Settings{})
	var undone []string
	for key := range 5 {
		found, _ := judge.Event(w.context(), decode(t, record("DisableKey", aboutKey(keyNumbered(key)))))
		for _, f := range found {
			undone = slices.DeleteFunc(f.Remedy, func(line string) bool { return !strings.Contains(line, "enable-key") })
		}
	}
	for key, command := range undone {
		if !strings.Contains(command, keyNumbered(key)) {
			t.Errorf("key %d is undone by %s", key, command)
		}
	}
	if len(undone) != massParams()[0].Default {
		t.Errorf("%d keys are undone, want %d", len(undone), massParams()[0].Default)
	}
}

func TestTheKeysNamedAreThoseOfTheFullestWindow(t *testing.T) {
	const m = time.Minute
	for name, tt := range map[string]struct{ hits, want []time.Duration }{
		"none":                                 {nil, nil},
		"all within ten minutes":               {[]time.Duration{0, 5 * m, 9 * m}, []time.Duration{0, 5 * m, 9 * m}},
		"the last just ten minutes later":      {[]time.Duration{0, 5 * m, 10 * m}, []time.Duration{0, 5 * m}},
		"as many before as after":              {[]time.Duration{-7 * m, 5 * m, 9 * m}, []time.Duration{5 * m, 9 * m}},
		"a full window that ended just now":    {[]time.Duration{-5 * m, -4 * m, 5 * m}, []time.Duration{-4 * m, 5 * m}},
		"a fuller window that begins only now": {[]time.Duration{0, 6 * m, 7 * m, 11 * m}, []time.Duration{0, 6 * m, 7 * m}},
	} {
		t.Run(name, func(t *testing.T) {
			var hits []hit
			for _, after := range tt.hits {
				hits = append(hits, hit{at: noon.Add(after), key: "k"})
			}
			var got []time.Duration
			for _, h := range fullestOf(hits, noon.Add(5*m)) {
				got = append(got, h.at.Sub(noon))
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestOnlyWhatIsNotedWholeIsAHit(t *testing.T) {
	for line, want := range map[string]bool{"1 DisableKey k": true, "1 DisableKey": false, "now DisableKey k": false} {
		if _, ok := parseHit(line); ok != want {
			t.Errorf("%q: %t", line, ok)
		}
	}
}

func TestAKeyWhoseNameIsTooLongIsCountedAndNotNamed(t *testing.T) {
	for length, want := range map[int]int{maxShown / 2: 1, maxShown/2 + 1: 0} {
		named := noteHit(newWorld().context().Memory, "hits", hit{at: noon, key: strings.Repeat("x", length)})
		if len(named) != want {
			t.Errorf("of %d bytes: %d named, want %d", length, len(named), want)
		}
	}
}

func TestKeyDestructionDenied(t *testing.T) {
	const title = "MEDIUM Somebody tried to put a key out of use and was refused"
	denied := failing("AccessDenied")
	testRule(t, keyDestructionDenied(), []ruleTest{
		{
			name: "a deletion", events: []object{record("ScheduleKeyDeletion", denied)}, want: []string{title},
			says: []string{
				adminARN + " tried to schedule the deletion of alias/payments and was refused.",
				"aws cloudtrail lookup-events --lookup-attributes AttributeKey=EventName,AttributeValue=ScheduleKeyDeletion",
			},
		},
		{
			name: "disabling, in the other spelling", events: []object{record("DisableKey",
				failing("AccessDeniedException"))}, want: []string{title}, says: []string{"tried to disable alias/payments"},
		},
		{
			name: "material", events: []object{record("DeleteImportedKeyMaterial", denied)}, want: []string{title},
			says: []string{"tried to delete the imported material of alias/payments"},
		},
		{
			name: "a policy that locks the owner out", events: []object{record("PutKeyPolicy", bringing(strangersPolicy),
				denied)}, want: []string{title}, says: []string{"tried to lock its owner out of alias/payments"},
		},
		{
			name: "the record names no key and asks for nothing",
			events: []object{record("DisableKey", denied, object{
				"resources":         nil,
				"requestParameters": nil,
			})},
			want: []string{title}, says: []string{"tried to disable a key that the event does not name"},
		},
		{
			name: "an allowed principal", events: []object{record("DisableKey", denied, by("pay-api"))},
			want: []string{title},
		},
		{
			name: "rotd itself lacks a permission", world: func(w *world) { w.own = true },
			events: []object{record("DisableKey", denied)}, want: []string{"INFORMATIONAL expected " + title[7:]},
		},
		{name: "not refused", events: []object{record("DisableKey")}},
		{name: "the key's state does not allow it", events: []object{record("ScheduleKeyDeletion",
			failing("KMSInvalidStateException"))}},
		{name: "there is no such key", events: []object{record("DisableKey", failing("NotFoundException"))}},
		{name: "a policy that changes little", events: []object{record("PutKeyPolicy", bringing(ownPolicy), denied)}},
		{name: "a use", events: []object{record("Decrypt", denied)}},
	})
}

func TestRefusedDestructionsAreToldApartByPrincipalAndOperation(t *testing.T) {
	judge := newJudge([]Rule{keyDestructionDenied()}, nil, Settings{})
	prints := make(map[string]bool)
	for _, r := range []object{
		record("DisableKey"), record("DisableKey", id("again")), record("DisableKey", by("other")),
		record("ScheduleKeyDeletion"),
	} {
		r["errorCode"] = "AccessDenied"
		found, _ := judge.Event(newWorld().context(), decode(t, r))
		prints[found[0].Fingerprint] = true
	}
	if len(prints) != 3 {
		t.Errorf("%d fingerprints, want 3", len(prints))
	}
}

func TestWhatDestructionIsCalledStaysShort(t *testing.T) {
	w := newWorld()
	judge := newJudge([]Rule{keyMassDestruction()}, nil, Settings{})
	long := "alias/" + strings.Repeat("x", 250)
	for i := range 20 {
		name := fmt.Sprint(i, long)
		found, panics := judge.Event(w.context(), decode(t, record("DisableKey", object{"resources": nil},
			asking(object{"keyId": name}))))
		if len(panics) > 0 {
			t.Fatal(panics[0])
		}
		for j := range found {
			checkFinding(t, &found[j])
		}
	}
}
