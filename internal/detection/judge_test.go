package detection

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rotd/internal/baseline"
	"rotd/internal/events"
	"rotd/internal/finding"
)

// always is a rule that finds every event it wants.
func always(id string, wanted ...Wanted) Rule {
	return Rule{
		ID: id, Title: id, Severity: finding.Medium, Wants: wanted,
		Judge: func(c *Context, ev *events.Event) []Found {
			return one(Found{About: c.target(ev), Description: "d", Remedy: []string{"r"}})
		},
	}
}

func TestJudgeAsksOnlyTheRulesThatWantAnEvent(t *testing.T) {
	judge := newJudge([]Rule{
		always("disable", wants("DisableKey")...),
		always("any", wants()...),
		always("both", Wanted{Source: kmsSource, Names: []string{"DisableKey", "EnableKey"}},
			Wanted{Source: trailSource, Names: []string{"StopLogging"}}),
	}, nil, Settings{})
	tests := []struct {
		name, source, event string
		wanted              bool
		rules               []string
	}{
		{"a name that two rules want, and one that wants all", kmsSource, "DisableKey", true, []string{
			"disable",
			"both", "any",
		}},
		{"a name that one wants", kmsSource, "EnableKey", true, []string{"both", "any"}},
		{"a use of a key, wanted for its own sake", kmsSource, "Decrypt", true, []string{"any"}},
		{"another service's record that is wanted", trailSource, "StopLogging", true, []string{"both"}},
		{"another service's record that is not", trailSource, "LookupEvents", false, nil},
		{"a service nobody asks about", "s3.amazonaws.com", "DisableKey", false, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := judge.Wants(test.source, test.event); got != test.wanted {
				t.Errorf("wanted %t", got)
			}
			found, _ := judge.Event(newWorld().context(), decode(t, record(test.event,
				object{"eventSource": test.source})))
			var rules []string
			for _, f := range found {
				rules = append(rules, f.RuleID)
			}
			if diff := cmp.Diff(test.rules, rules); diff != "" {
				t.Errorf("rules (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEveryKMSRecordIsWantedEvenWithoutRules(t *testing.T) {
	judge := newJudge(nil, nil, Settings{})
	if !judge.Wants(kmsSource, "Decrypt") || judge.Wants(trailSource, "StopLogging") {
		t.Error("a use of a key is wanted, whatever rules there are; nothing else is")
	}
}

func TestWhatIsWantedIsNamedOncePerSource(t *testing.T) {
	judge := newJudge([]Rule{
		always("some", Wanted{Source: trailSource, Names: []string{"StopLogging", "DeleteTrail"}}),
		always("more", Wanted{Source: trailSource, Names: []string{"StopLogging"}}, Wanted{Source: iamSource}),
		always("one", Wanted{Source: iamSource, Names: []string{"CreateUser"}}),
		always("off", Wanted{Source: s3Source, Names: []string{"PutObject"}}),
	}, nil, Settings{Disabled: []string{"off"}})
	want := []Wanted{
		{Source: trailSource, Names: []string{"DeleteTrail", "StopLogging"}}, {Source: iamSource}, {Source: kmsSource},
	}
	if diff := cmp.Diff(want, judge.Wanted()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAPanicCostsThatRulesWordOnly(t *testing.T) {
	broken := always("broken", wants("DisableKey")...)
	broken.Judge = func(*Context, *events.Event) []Found { panic("boom") }
	brokenCheck := Check{ID: "broken-check", Judge: func(*KeyContext) Verdict { panic("bang") }}
	judge := newJudge([]Rule{broken, always("sound", wants("DisableKey")...)}, []Check{brokenCheck, keyUnmanaged()},
		Settings{})
	found, panics := judge.Event(newWorld().context(), decode(t, record("DisableKey")))
	if len(found) != 1 || found[0].RuleID != "sound" {
		t.Errorf("found %+v", found)
	}
	if len(panics) != 1 || panics[0].Error() != "broken panicked: boom" || len(panics[0].Stack) == 0 {
		t.Errorf("panics %+v", panics)
	}
	judged, panics := judge.Key(keyContext(), true)
	if len(judged) != 1 || len(panics) != 1 || panics[0].Error() != "broken-check panicked: bang" {
		t.Errorf("judged %+v, panics %+v", judged, panics)
	}
}

func TestLateEventsAreJudgedWithoutMemory(t *testing.T) {
	remembering := always("remembering", wants("DisableKey")...)
	remembering.Remembers = true
	judge := newJudge([]Rule{remembering, always("plain", wants("DisableKey")...)}, nil, Settings{})
	w := newWorld()
	w.late = true
	found, _ := judge.Event(w.context(), decode(t, record("DisableKey")))
	if len(found) != 1 || found[0].RuleID != "plain" || !found[0].Late {
		t.Errorf("found %+v", found)
	}
}

func TestSettingsChangeTheCatalogue(t *testing.T) {
	settings := Settings{
		Disabled: []string{"key-disabled", "key-unmanaged"},
		Severities: map[string]finding.Severity{
			"rotation-turned-off": finding.Low, "key-deletion-scheduled": finding.Medium,
		},
	}
	judge := NewJudge(settings)
	w := newWorld()
	w.uses[payARN] = noon
	var got []string
	for _, name := range []string{"DisableKey", "DisableKeyRotation", "ScheduleKeyDeletion"} {
		found, _ := judge.Event(w.context(), decode(t, record(name)))
		for _, f := range found {
			got = append(got, told(&f))
		}
	}
	want := []string{
		"LOW Automatic key rotation was turned off", "MEDIUM A key in use was scheduled for deletion",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("found (-want +got):\n%s", diff)
	}
	if judge.Rule("key-disabled") == nil {
		t.Error("the open findings of a disabled rule could not end")
	}
	if judge.Rule("key-unmanaged") != nil || judge.Rule("nonsense") != nil {
		t.Error("a rule that there is not")
	}
	c := keyContext()
	c.Policy = nil
	judged, _ := judge.Key(c, true)
	for _, j := range judged {
		if j.Check.ID == "key-unmanaged" {
			t.Error("a disabled check judged")
		}
	}
}

func TestTuningChangesWhatRulesCompareWith(t *testing.T) {
	refusals := func(tuning Tuning) int {
		judge := newJudge(Rules(), nil, Settings{Tuning: tuning})
		w := newWorld()
		for i, r := range times(20, time.Second, "Decrypt", failing("AccessDenied")) {
			if found, _ := judge.Event(w.context(), decode(t, r)); len(found) > 0 {
				return i + 1
			}
		}
		return 0
	}
	if got := refusals(nil); got != 5 {
		t.Errorf("by default found at refusal %d, want 5", got)
	}
	if got := refusals(Tuning{"denied-burst": {"refusals": 8}, "decrypt-spike": {"secrets": 2}}); got != 8 {
		t.Errorf("tuned found at refusal %d, want 8", got)
	}
}

func TestParametersAreWithinTheirBounds(t *testing.T) {
	if len(Tunable()) == 0 {
		t.Error("no rule has parameters")
	}
	for _, r := range Tunable() {
		names := map[string]bool{}
		for _, p := range r.Params {
			if p.Name == "" || p.Unit == "" || p.Doc == "" || names[p.Name] || p.Min > p.Default || p.Default > p.Max {
				t.Errorf("%s: %+v", r.ID, p)
			}
			names[p.Name] = true
		}
	}
	for place, classes := range map[int][]baseline.Class{
		spikeSecrets: {baseline.Secrets}, spikeParameters: {baseline.Parameters}, spikeVolumes: {baseline.Volumes},
		spikeObjects: {baseline.Objects}, spikeContexts: {baseline.Services, baseline.Own},
	} {
		for _, class := range classes {
			if p := spikeParams()[place]; p.Min != baseline.Small(class)+1 {
				t.Errorf("%s may be %d, but hours of up to %d are not remembered", p.Name, p.Min, baseline.Small(class))
			}
		}
	}
}

func TestAJudgeKnowsUsersRules(t *testing.T) {
	theirs := func(id string) Rule {
		r := always(id, wants("DisableKey")...)
		r.Users = &Users{Staged: true, Judge: func(c *Context, ev *events.Event) ([]Found, error) {
			return r.Judge(c, ev), nil
		}}
		return r
	}
	judge := newJudge([]Rule{theirs("z-theirs"), always("ours", wants("DisableKey")...), theirs("a-theirs")}, nil,
		Settings{Disabled: []string{"a-theirs"}})
	if diff := cmp.Diff([]string{"a-theirs", "z-theirs"}, judge.Users()); diff != "" {
		t.Errorf("users' rules (-want +got):\n%s", diff)
	}
	var staged, found []string
	c := newWorld().context()
	tell := func(findings []finding.Finding, panics []*Panic) {
		for _, f := range findings {
			found = append(found, f.RuleID)
		}
		for _, p := range panics {
			t.Error(p)
		}
	}
	tell(judge.Event(c, decode(t, record("DisableKey")))) // nobody is told of what a staged rule finds
	c.Staged = func(f *finding.Finding) { staged = append(staged, f.RuleID) }
	tell(judge.Event(c, decode(t, record("DisableKey"))))
	if diff := cmp.Diff([]string{"z-theirs"}, staged); diff != "" {
		t.Errorf("staged (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"ours", "ours"}, found); diff != "" {
		t.Errorf("found (-want +got):\n%s", diff)
	}
}

func TestAJudgeKnowsItsChecks(t *testing.T) {
	judge := NewJudge(Settings{Disabled: []string{"key-unmanaged"}})
	for id, want := range map[string]bool{"rotation-overdue": true, "key-unmanaged": false, "nonsense": false} {
		if judge.Judges(id) != want {
			t.Errorf("judges %s: %v, want %v", id, !want, want)
		}
	}
	if newJudge(nil, nil, Settings{}).Judges("rotation-overdue") {
		t.Error("a judge without checks judges by one")
	}
}

func TestExpectedStaysInformationalWhateverConfigurationSays(t *testing.T) {
	judge := newJudge([]Rule{rotationTurnedOff()}, nil, Settings{
		Severities: map[string]finding.Severity{"rotation-turned-off": finding.Critical},
	})
	w := newWorld()
	w.own = true
	found, _ := judge.Event(w.context(), decode(t, record("DisableKeyRotation")))
	if got := told(&found[0]); got != "INFORMATIONAL expected Automatic key rotation was turned off" {
		t.Error(got)
	}
}

func TestChecksThatNeedTheWholeKeyWaitForIt(t *testing.T) {
	var partial, whole []string
	judge := NewJudge(Settings{})
	for _, run := range []struct {
		whole bool
		ids   *[]string
	}{{false, &partial}, {true, &whole}} {
		judged, _ := judge.Key(keyContext(), run.whole)
		for _, j := range judged {
			*run.ids = append(*run.ids, j.Check.ID)
		}
	}
	wantPartial := []string{
		"rotation-disabled", "rotation-period-too-long", "rotation-overdue", "rotation-stalled", "rotation-impossible",
		"rotation-budget-low", "key-unverifiable", "key-unused", "replaced-key-used", "replaced-key-quiet",
		"key-pending-deletion", "material-expiring", "material-missing", "key-policy-assignment-changed",
	}
	if diff := cmp.Diff(wantPartial, partial); diff != "" {
		t.Errorf("partial (-want +got):\n%s", diff)
	}
	if len(whole) != len(Checks()) {
		t.Errorf("whole %q", whole)
	}
}

func TestPrincipalsAreToldApartWhereARuleNamesThem(t *testing.T) {
	prints := func(rule Rule, name string, given ...object) int {
		seen := make(map[string]bool)
		judge := newJudge([]Rule{rule}, nil, Settings{})
		for _, role := range []string{"admin", "intruder"} {
			found, _ := judge.Event(newWorld().context(), decode(t, record(name, append(given, by(role))...)))
			seen[found[0].Fingerprint] = true
		}
		return len(seen)
	}
	if n := prints(deadKeyUsed(), "Decrypt", failing("DisabledException")); n != 2 {
		t.Errorf("two callers of a dead key make %d findings", n)
	}
	if n := prints(keyDisabled(), "DisableKey"); n != 1 {
		t.Errorf("one disabled key makes %d findings", n)
	}
}

func TestASessionNameIsNoIdentity(t *testing.T) {
	judge := newJudge([]Rule{deadKeyUsed()}, nil, Settings{})
	seen := make(map[string]bool)
	for _, session := range []string{"one", "two"} {
		identity := assumed("admin")
		identity["arn"] = "arn:aws:sts::111122223333:assumed-role/admin/" + session
		found, _ := judge.Event(newWorld().context(), decode(t, record("Decrypt", failing("DisabledException"),
			object{"userIdentity": identity})))
		if found[0].SessionName != session {
			t.Errorf("session %q", found[0].SessionName)
		}
		seen[found[0].Fingerprint] = true
	}
	if len(seen) != 1 {
		t.Errorf("%d fingerprints", len(seen))
	}
}

func TestAnOrdinaryUseOfAKeyCostsNoAllocation(t *testing.T) {
	judge, c, ev := NewJudge(Settings{}), carefulWorld().context(), decode(t, record("Decrypt", by("pay-api")))
	if n := testing.AllocsPerRun(100, func() { judge.Event(c, ev) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestNothingPanicsOnEmptyEvents lets every rule judge events that say next to nothing, knowing nothing.
func TestNothingPanicsOnEmptyEvents(t *testing.T) {
	judge := NewJudge(Settings{})
	for _, r := range Rules() {
		for _, w := range r.Wants {
			for _, name := range append(w.Names, "Decrypt") {
				for _, extra := range []object{{}, failing("AccessDenied"), failing("DisabledException"), byKMS()} {
					ev := decode(t, record(name, object{
						"eventSource": w.Source, "resources": nil, "requestParameters": nil, "userIdentity": nil,
						"recipientAccountId": nil, "awsRegion": nil,
					}, extra))
					for _, c := range []*Context{newWorld().context(), carefulWorld().context(), {Memory: newWorld()}} {
						if _, panics := judge.Event(c, ev); len(panics) > 0 {
							t.Errorf("%s: %v\n%s", name, panics[0], panics[0].Stack)
						}
					}
				}
			}
		}
	}
}

// TestFindingsOutliveTheirMessage overwrites the message that a finding came from.
func TestFindingsOutliveTheirMessage(t *testing.T) {
	raw := mustJSON(t, object{"Records": []object{record("DisableKey"), record("UpdateAlias",
		asking(object{"aliasName": "alias/payments", "targetKeyId": otherARN}),
		object{"resources": []object{{"ARN": aliasARN}, {"ARN": otherARN}}}), trailRecord("StopLogging",
		object{"name": "main"})}})
	content, err := events.NewDecoder(nil).Decode(raw)
	if err != nil {
		t.Fatal(err)
	}
	var found []finding.Finding
	w := newWorld()
	w.keys = nil
	for i := range content.Events {
		got, _ := NewJudge(Settings{}).Event(w.context(), &content.Events[i])
		found = append(found, got...)
	}
	before := mustJSON(t, found)
	copy(raw, strings.Repeat("x", len(raw)))
	if len(found) != 3 || !reflect.DeepEqual(before, mustJSON(t, found)) {
		t.Errorf("findings changed with their message: %s", cmp.Diff(string(before), string(mustJSON(t, found))))
	}
}

func TestUsersRulesThatRememberShareTheirPartOfTheMemory(t *testing.T) {
	for remembering, want := range map[int]int{0: 20_000, 12: 20_000, 25: 10_000, 100: 2_500} {
		most := 0
		theirs := func(id string, remembers bool) Rule {
			r := always(id, wants("DisableKey")...)
			r.Remembers, r.Users = remembers, &Users{Judge: func(c *Context, _ *events.Event) ([]Found, error) {
				c.Room(id)
				return nil, nil
			}}
			return r
		}
		ours := always("ours", wants("DisableKey")...)
		ours.Remembers = true
		rules := []Rule{ours, theirs("forgetful", false), theirs("off", true)}
		for i := range remembering {
			rules = append(rules, theirs(fmt.Sprint(i), true))
		}
		c := newWorld().context()
		c.Rooms = func(_ string, names int) Memory { most = names; return c.Memory }
		newJudge(rules, nil, Settings{Disabled: []string{"off"}}).Event(c, decode(t, record("DisableKey")))
		if most != want {
			t.Errorf("of %d that remember each may keep %d names, want %d", remembering, most, want)
		}
	}
}

func TestRulesJudgeWithoutAnInventory(t *testing.T) {
	judge := NewJudge(Settings{})
	for _, r := range Rules() {
		for _, w := range r.Wants {
			for _, name := range append(w.Names, "Decrypt") {
				for _, extra := range []object{{}, failing("AccessDenied"), failing("DisabledException")} {
					ev := decode(t, record(name, object{"eventSource": w.Source}, extra))
					if _, panics := judge.Event(&Context{Memory: newWorld()}, ev); len(panics) > 0 {
						t.Errorf("%s: %v\n%s", name, panics[0], panics[0].Stack)
					}
				}
			}
		}
	}
}
