package notify

import (
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"rotd/internal/finding"
	"rotd/internal/incident"
)

// TestEveryStoryIsWhatPeopleRead renders each story that an incident can have, as it is told when it grew, and what has
// none. The first is told raised, too, and for programs.
func TestEveryStoryIsWhatPeopleRead(t *testing.T) {
	for name, a := range incidents() {
		t.Run(name, func(t *testing.T) {
			g := Group{Alerts: []Alert{a}}
			m := Text(g)
			golden(t, filepath.Join("testdata", "incidents", name+".txt"), asReceived(m, m.Body))
			wellFormed(t, m)
			readable(t, m.Body)
			for i, line := range strings.SplitN(m.Body, "\n", 6)[:5] {
				if n := utf8.RuneCountInString(line); n > firstLines {
					t.Errorf("line %d has %d columns: %s", i+1, n, line)
				}
			}
			if name != "raised" {
				return
			}
			body := jsontext.Value(JSON(g).Body)
			if err := body.Indent(jsontext.WithIndent("  ")); err != nil {
				t.Fatal(err)
			}
			golden(t, filepath.Join("testdata", "incidents", name+".json"), asReceived(m, string(body)+"\n"))
		})
	}
}

const (
	mole    = "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Administrator_96c66b"
	outside = "account:666600000013"
)

// incidents are alerts about incidents, one for each story.
func incidents() map[string]Alert {
	all := map[string]Alert{
		"none": grown(happened("key-replicated", finding.High, 1, mole), happened("alias-retargeted", finding.High, 1, mole)),
		"one-principal": grown(happened("denied-burst", finding.Medium, 0, mole),
			happened("trail-blinded", finding.Medium, 0, mole)),
		"blinded-then-destroyed": grown(happened("trail-blinded", finding.Critical, 0, mole),
			happened("key-disabled", finding.High, 1, mole), happened("key-disabled", finding.High, 2, mole)),
		"destroyed-one-after-another": grown(happened("key-disabled", finding.Critical, 1, mole),
			happened("key-disabled", finding.High, 2, mole), happened("key-disabled", finding.High, 3, mole),
			happened("key-disabled", finding.High, 4, mole), happened("key-mass-destruction", finding.Critical, 0, mole)),
		"held-hostage": grown(happened("new-key-bulk-use", finding.High, 1, mole),
			happened("key-deletion-scheduled", finding.High, 1, mole)),
		"read-then-destroyed": grown(happened("decrypt-spike", finding.High, 1, mole),
			happened("key-disabled", finding.High, 1, mole)),
		"encrypted-under-another-accounts-key": grown(happened("foreign-key-encryption", finding.High, 1, mole),
			happened("principal-first-seen", finding.Medium, 2, mole)),
		"encrypted-under-a-new-key": grown(happened("new-key-bulk-use", finding.High, 1, mole),
			happened("principal-first-seen", finding.Medium, 2, mole)),
		"opened-then-used": grown(happened("key-policy-shared-externally", finding.High, 1, mole),
			happened("cross-account-use", finding.Medium, 1, outside)),
		"refused-then-let-in": grown(happened("denied-burst", finding.High, 0, mole),
			happened("principal-first-seen", finding.Medium, 1, mole)),
		"acts-as-rotd": grown(happened("rotd-role-misused", finding.Critical, 1, mole),
			happened("rotation-turned-off", finding.High, 1, mole)),
		"stolen-then-read": grown(happened("principal-first-seen", finding.High, 1, mole),
			happened("decrypt-spike", finding.High, 1, mole)),
		"rotation-off-widely": grown(happened("rotation-turned-off", finding.High, 1, mole),
			happened("rotation-turned-off", finding.High, 2, mole)),
		"put-out-of-use": grown(happened("key-disabled", finding.High, 1, mole),
			happened("key-deletion-scheduled", finding.High, 1, mole)),
	}
	raised := all["stolen-then-read"]
	i := raised.Incident.Excerpt(MaxMembers)
	i.Automatic.Told = finding.Medium
	raised.Kind, raised.Incident = IncidentRaised, i
	all["raised"] = raised
	another := all["blinded-then-destroyed"]
	another.Kind = IncidentRaised
	all["raised-to-another"] = another
	over := all["rotation-off-widely"]
	i = over.Incident.Excerpt(MaxMembers)
	i.SetTold()
	i.Ends(i.Automatic.Members[1].Finding, false)
	i.Automatic.Members[1].Action = "act_01JD3Q5W0000000000000000B1"
	over.Incident, over.Finding = i, nil
	all["over"] = over
	return all
}

// happened is a finding by a rule about the n-th key, 0 for none.
func happened(rule string, severity finding.Severity, n int, who string) *finding.Finding {
	f := &finding.Finding{
		RuleID: rule, Severity: severity, Title: "Title of " + rule, EventID: rule + string(rune('0'+n)),
		Description: "Description of " + rule + ".", Remedy: []string{"Remedy of " + rule + ":", "aws kms undo"},
		Account: "111122223333", Region: "eu-west-1", PrincipalARN: who, Episode: 1,
		Subject: finding.Subject{Type: finding.AccountRegion, ID: "111122223333/eu-west-1"},
	}
	if n > 0 {
		f.Alias = "alias/pay-" + string(rune('0'+n))
		f.KeyARN = strings.TrimSuffix(keyARN, "ab") + "a" + string(rune('0'+n))
		f.Subject = finding.Subject{Type: finding.Key, ID: f.KeyARN}
	}
	return f
}

// grown is an incident of findings a minute apart, the first of which was told by itself.
func grown(findings ...*finding.Finding) Alert {
	for i, f := range findings {
		f.ID = "fnd_01JD3Q5V0000000000000000A" + string(rune('1'+i))
		f.FirstSeen = at("03:04:05").Add(time.Duration(i) * time.Minute)
		f.LastSeen = f.FirstSeen
	}
	i := incident.Begin("inc_01JD3Q5X0000000000000000C1", at("03:10:00"), findings[:1])
	for _, f := range findings[1:] {
		i.Open(f, at("03:10:00"))
	}
	return Alert{
		ID: finding.AlertID("default", i.ID, i.Automatic.News, string(IncidentGrew)), Kind: IncidentGrew,
		Created: at("03:20:00"), Severity: i.Automatic.Severity, Shard: "default", Incident: i,
		Finding: findings[len(findings)-1],
	}
}
