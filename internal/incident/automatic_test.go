package incident

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rotd/internal/finding"
)

const (
	boss     = "arn:aws:iam::111122223333:role/boss"
	app      = "arn:aws:iam::111122223333:role/app"
	outsider = "account:666600000013"
)

// found is a finding about a key by somebody, so many minutes after noon.
func found(key, who string, minute int, change ...func(*finding.Finding)) *finding.Finding {
	id := fmt.Sprintf("%s-%s-%d", key[strings.LastIndexByte(key, '/')+1:], who[strings.LastIndexAny(who, "/:")+1:], minute)
	f := &finding.Finding{
		ID: "fnd_" + id, EventID: id, RuleID: "key-tags-changed", Severity: finding.Medium, Title: "Something", KeyARN: key,
		PrincipalARN: who, Account: "111122223333", Region: "eu-west-1",
		FirstSeen: at(12).Add(time.Duration(minute) * time.Minute), Subject: finding.Subject{Type: finding.Key, ID: key},
	}
	f.LastSeen = f.FirstSeen
	for _, c := range change {
		c(f)
	}
	return f
}

func by(rule string, severity finding.Severity) func(*finding.Finding) {
	return func(f *finding.Finding) { f.RuleID, f.Severity = rule, severity }
}

func TestWhatBeginsAnIncident(t *testing.T) {
	same := func(f *finding.Finding) { f.EventID = "one" }
	for name, test := range map[string]struct {
		before []*finding.Finding
		now    *finding.Finding
		with   int
	}{
		"two events within an hour":          {[]*finding.Finding{found(pay, boss, 0)}, found(pay, app, 60), 1},
		"the earlier one told later":         {[]*finding.Finding{found(pay, boss, 60)}, found(pay, app, 0), 1},
		"more than an hour apart":            {[]*finding.Finding{found(pay, boss, 0)}, found(pay, app, 61), 0},
		"nothing before it":                  {nil, found(pay, app, 0), 0},
		"two findings of one event are none": {[]*finding.Finding{found(pay, boss, 0, same)}, found(pay, boss, 1, same), 0},
		"itself again, graver, is none":      {[]*finding.Finding{found(pay, boss, 0)}, found(pay, boss, 0), 0},
		"what was LOW is left out": {
			[]*finding.Finding{found(pay, boss, 0, by("r", finding.Low))},
			found(pay, app, 1), 0,
		},
		"what was expected is left out": {
			[]*finding.Finding{found(pay, boss, 0, func(f *finding.Finding) { f.Expected = true })},
			found(pay, app, 1), 0,
		},
		"what is in an incident is left out": {
			[]*finding.Finding{found(pay, boss, 0, func(f *finding.Finding) { f.IncidentID = "inc_1" })},
			found(pay, app, 1), 0,
		},
		"both findings of an event come with it": {
			[]*finding.Finding{found(pay, boss, 0, same), found(pay, boss, 1, same)}, found(pay, app, 2), 2,
		},
	} {
		if got := Together(test.now, test.before); len(got) != test.with {
			t.Errorf("%s: together with %d, want %d", name, len(got), test.with)
		}
	}
}

func TestWhatTiesFindingsTogether(t *testing.T) {
	const replica = "arn:aws:kms:us-east-1:111122223333:key/mrk-1"
	for name, test := range map[string]struct {
		f    *finding.Finding
		want []string
	}{
		"its key and whoever did it":        {found(pay, boss, 0), []string{"key " + pay, "by " + boss}},
		"an outsider's account":             {found(pay, outsider, 0), []string{"key " + pay, "by " + outsider}},
		"nobody when it is an AWS service":  {found(pay, "service:s3.amazonaws.com", 0), []string{"key " + pay}},
		"nobody when it is only an account": {found(pay, "account:111122223333", 0), []string{"key " + pay}},
		"nobody when it is a service's role": {
			found(pay, "arn:aws:iam::111122223333:role/aws-service-role/x/y", 0), []string{"key " + pay},
		},
		"related multi-Region keys are one": {found(replica, boss, 0), []string{"key 111122223333 key/mrk-1", "by " + boss}},
	} {
		if diff := cmp.Diff(test.want, Links(test.f)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// begun is an incident of what boss did to pay at noon, and to other ten minutes later.
func begun() *Incident {
	i := Begin("inc_1", at(12), []*finding.Finding{found(pay, boss, 0)})
	i.Open(found(other, boss, 10), at(12))
	return i
}

func TestWhatJoinsAnIncident(t *testing.T) {
	const third = "arn:aws:kms:eu-west-1:111122223333:key/third"
	met := begun()
	met.Add(found(pay, app, 20), at(12)) // app meets one of its keys
	closed := begun()
	closed.Closed = &Mark{At: at(13), By: "ann"}
	long := begun()
	for hour := range 24 {
		long.Add(found(pay, boss, 60*hour), at(12))
	}
	wide := begun()
	for n := range maxLinks {
		wide.Add(found(fmt.Sprintf("key/%d", n), boss, 12), at(12))
	}
	for name, test := range map[string]struct {
		i    *Incident
		f    *finding.Finding
		want bool
	}{
		"another key by whoever began it":         {begun(), found(third, boss, 70), true},
		"one of its keys by somebody else":        {begun(), found(other, app, 70), true},
		"an hour before its first event":          {begun(), found(pay, app, -60), true},
		"more than an hour before its first":      {begun(), found(pay, app, -61), false},
		"more than an hour after its last":        {begun(), found(pay, app, 71), false},
		"another key by somebody else":            {begun(), found(third, app, 11), false},
		"another key by whoever only met it":      {met, found(third, app, 21), false},
		"after it was closed":                     {closed, found(pay, boss, 11), false},
		"a day after its first event":             {long, found(pay, boss, 24*60), true},
		"more than a day after its first event":   {long, found(pay, boss, 24*60+1), false},
		"a key by which too many would be drawn":  {wide, found(fmt.Sprintf("key/%d", maxLinks-1), app, 13), false},
		"whoever began one that grew wide":        {wide, found(third, boss, 13), true},
		"an incident that a person opened: never": {leak(), found(pay, mole, 0), false},
	} {
		if got := test.i.Takes(test.f); got != test.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

func TestHowAnIncidentGrows(t *testing.T) {
	i := begun()
	if i.Pages() || !i.HasNews() || i.Automatic.Told != finding.Medium || !i.ToldAlone("fnd_pay-boss-0") {
		t.Errorf("begun: %+v", i.Automatic)
	}
	graver := found(pay, boss, 30, by("key-disabled", finding.High))
	i.Add(graver, at(13))
	if !i.Pages() || graver.IncidentID != i.ID || i.Automatic.Last != graver.LastSeen || i.Automatic.Heard != at(13) {
		t.Errorf("grown: %+v", i.Automatic)
	}
	if got := i.Newest(); got != graver.ID {
		t.Errorf("the newest is %s", got)
	}
	i.SetTold()
	if i.Pages() || i.HasNews() || i.Newest() != "" {
		t.Errorf("told: %+v", i.Automatic)
	}
	if i.Ends("fnd_pay-boss-0", false) || i.Ends(graver.ID, true) || i.HasNews() {
		t.Error("what was told by itself, or ends quietly, is news")
	}
	if !i.Ends("fnd_other-boss-10", false) || !i.HasNews() {
		t.Error("what the incident told does not end with it")
	}
	for n := range MaxMembers {
		i.Add(found(pay, app, n), at(13))
	}
	if a := i.Automatic; len(a.Members) != MaxMembers || a.More != 3 || a.Findings() != MaxMembers+3 {
		t.Errorf("%d findings, %d more", len(a.Members), a.More)
	}
	if diff := cmp.Diff([]string{boss}, i.Principals); diff != "" {
		t.Errorf("it follows (-want +got):\n%s", diff)
	}
}

func TestAnExcerptHasWhatIsNewFirst(t *testing.T) {
	i := begun()
	for n := range 5 {
		i.Add(found(pay, boss, 20+n), at(13))
	}
	i.SetTold()
	i.Ends("fnd_other-boss-10", false)
	short := i.Excerpt(3)
	var got []string
	for _, m := range short.Automatic.Members {
		got = append(got, m.Finding)
	}
	if diff := cmp.Diff([]string{"fnd_other-boss-10", "fnd_pay-boss-23", "fnd_pay-boss-24"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if short.Automatic.More != 4 || len(i.Automatic.Members) != 7 {
		t.Errorf("%d more, %d in the incident itself", short.Automatic.More, len(i.Automatic.Members))
	}
}

func TestWhichStoryIsTold(t *testing.T) {
	high := func(rule string) func(*finding.Finding) { return by(rule, finding.High) }
	for name, test := range map[string]struct {
		findings []*finding.Finding
		story    string
		severity finding.Severity
		title    string
	}{
		"a trail blinded, then a key disabled": {
			[]*finding.Finding{found(pay, boss, 0, high("trail-blinded")), found(other, boss, 5, high("key-disabled"))},
			"blinded-then-destroyed", finding.Critical, "A trail was blinded, then keys were put out of use",
		},
		"the other way around": {
			[]*finding.Finding{found(pay, boss, 5, high("trail-blinded")), found(other, boss, 0, high("key-disabled"))},
			"", finding.High, "Something, and 1 more by the same principal",
		},
		"a trail blinded, and somebody else disables a key": {
			[]*finding.Finding{found(pay, boss, 0, high("trail-blinded")), found(pay, app, 5, high("key-disabled"))},
			"", finding.High, "Something, and 1 more about the same key",
		},
		"a policy opened, then used by a newcomer, each MEDIUM": {
			[]*finding.Finding{
				found(pay, boss, 0, by("key-policy-shared-externally", finding.Medium)),
				found(pay, outsider, 5, by("cross-account-use", finding.Medium)),
			},
			"opened-then-used", finding.High, "A way to a key was opened, and a newcomer came in",
		},
		"a policy opened, and another key used": {
			[]*finding.Finding{
				found(pay, boss, 0, high("key-policy-shared-externally")), found(other, boss, 5, high("principal-first-seen")),
			},
			"", finding.High, "Something, and 1 more by the same principal",
		},
		"rotation off on one key twice": {
			[]*finding.Finding{found(pay, boss, 0, high("rotation-turned-off")), found(pay, boss, 5, high("key-tags-changed"))},
			"", finding.High, "Something, and 1 more about the same key",
		},
		"nothing in common but a chain": {
			[]*finding.Finding{found(pay, boss, 0), found(other, boss, 1), found(other, app, 2)},
			"", finding.Medium, "Something, and 2 more about the same keys",
		},
	} {
		i := Begin("inc_1", at(12), test.findings[:1])
		for _, f := range test.findings[1:] {
			i.Open(f, at(12))
		}
		if a := i.Automatic; a.Story != test.story || a.Severity != test.severity || i.Reason != test.title {
			t.Errorf("%s: %q, %s, %q", name, a.Story, a.Severity, i.Reason)
		}
	}
}

func TestEveryStoryCanBeTold(t *testing.T) {
	var names []string
	for _, s := range append(Stories(), *noStory()) {
		names = append(names, s.Name)
		if s.Name != "" && (s.Title == "" || len(s.first) == 0) || len(s.Do) < 2 || len(s.Commands) == 0 {
			t.Errorf("%+v", s)
		}
	}
	if slices.Sort(names); len(slices.Compact(names)) != len(Stories())+1 {
		t.Errorf("two stories have one name: %v", names)
	}
}
