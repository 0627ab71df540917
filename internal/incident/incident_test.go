package incident

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rotd/internal/audit"
	"rotd/internal/finding"
	"rotd/internal/usage"
)

const (
	pay   = "arn:aws:kms:eu-west-1:111122223333:key/pay"
	other = "arn:aws:kms:eu-west-1:111122223333:key/other"
	mole  = "arn:aws:iam::111122223333:user/mole"
)

func at(hour int) time.Time { return time.Date(2026, 11, 28, hour, 0, 0, 0, time.UTC) }

func leak() *Incident {
	return &Incident{
		ID: "inc_1", Reason: "a laptop was lost", Keys: []string{pay}, Principals: []string{mole}, Since: at(2),
		Opened: Mark{At: at(8), By: "uid:1000 (ann)"},
		Notes:  []Note{{At: at(9), By: "uid:1001 (bob)", Text: "told the owners"}},
		Closed: &Mark{At: at(12), By: "uid:1000 (ann)", Reason: "rotated and proven"},
	}
}

func TestATimelineIsInOrderAndOfTheIncidentsTime(t *testing.T) {
	i := leak()
	over := at(11)
	lines := People(i)
	lines = append(lines, Finding(&finding.Finding{
		ID: "fnd_1", Title: "Decrypted from an unknown network", Severity: finding.High, KeyARN: pay, PrincipalARN: mole,
		Count: 3, FirstSeen: at(3), LastSeen: at(4), ResolvedAt: &over, ResolvedBy: "no more for 7 h",
	})...)
	for _, e := range []audit.Entry{
		{Seq: 1, Time: at(1), Actor: "rotd", Event: audit.DaemonStarted},
		{Seq: 5, Time: at(8), Actor: "uid:1000 (ann)", Event: audit.IncidentOpened, Incident: "inc_1"},
		{
			Seq: 7, Time: at(10), Actor: "rotd", Event: audit.CallAnswered, Key: pay, Action: "act_1",
			Detail: map[string]string{"operation": "RotateKeyOnDemand", "answer": "accepted", "request_id": "r"},
		},
	} {
		if line, ok := Entry(&e); ok {
			lines = append(lines, line)
		}
	}
	lines = append(lines, Usage(i, pay, &usage.Usage{Principals: []usage.Principal{
		{
			ARN: mole, Calls: 7, FirstUse: at(1), LastUse: at(4), Operations: []string{"Decrypt"},
			Networks: []string{"198.51.100.0/24"},
		},
		{ARN: "role/new", Calls: 1, FirstUse: at(5), LastUse: at(5)},
		{ARN: "role/usual", Calls: 9000, FirstUse: at(0), LastUse: at(11)},
	}})...)
	var got []string
	for _, l := range Order(i, at(20), lines) {
		got = append(got, fmt.Sprintf("%02d %s %s: %s [%s]", l.At.Hour(), l.Source, l.Who, l.Text, l.Ref))
	}
	want := []string{
		"02 usage " + mole + ": used the key, as before, until 2026-11-28T04:00:00Z (calls: 7): Decrypt from " +
			"198.51.100.0/24 []",
		"03 finding " + mole + ": HIGH: Decrypted from an unknown network (3 times until 2026-11-28T04:00:00Z) [fnd_1]",
		"05 usage role/new: used the key for the first time that rotd knows of, until 2026-11-28T05:00:00Z (calls: 1) []",
		"08 people uid:1000 (ann): opened the incident: a laptop was lost []",
		"09 people uid:1001 (bob): told the owners []",
		"10 audit rotd: call.answered, RotateKeyOnDemand, accepted [act_1]",
		"11 finding : over: Decrypted from an unknown network: no more for 7 h [fnd_1]",
		"12 people uid:1000 (ann): closed the incident: rotated and proven []",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("timeline (-want +got):\n%s", diff)
	}
}

func TestAnActionBringsItsKeyIntoTheIncident(t *testing.T) {
	i := leak()
	for range 2 {
		i.Join("act_1", other)
	}
	if diff := cmp.Diff([]string{pay, other}, i.Keys); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"act_1"}, i.Actions); diff != "" {
		t.Errorf("actions (-want +got):\n%s", diff)
	}
}

func TestWhatConcernsAnIncident(t *testing.T) {
	for name, test := range map[string]struct {
		key, principal string
		want           bool
	}{
		"its key":               {pay, "role/x", true},
		"its principal":         {other, mole, true},
		"something else":        {other, "role/x", false},
		"nothing in particular": {"", "", false},
	} {
		if got := leak().Concerns(test.key, test.principal); got != test.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
