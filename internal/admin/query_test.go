package admin

import (
	"net/url"
	"testing"
	"time"

	"rotd/internal/finding"
	"rotd/internal/inventory"
	"rotd/internal/remediation"
	"rotd/internal/usage"
)

func TestFindingQueryKeeps(t *testing.T) {
	f := finding.Finding{
		RuleID: "key-disabled", Severity: finding.High, Status: finding.Open, KeyARN: keyARN, Alias: "alias/pay",
		Account: "111122223333", Region: "us-east-1", LastSeen: noon,
	}
	tests := []struct {
		name string
		q    FindingQuery
		want bool
	}{
		{"everything", FindingQuery{}, true},
		{"its status", FindingQuery{Status: "open"}, true},
		{"another status", FindingQuery{Status: "resolved"}, false},
		{"its severity", FindingQuery{Severity: finding.High}, true},
		{"a graver one", FindingQuery{Severity: finding.Critical}, false},
		{"its rule", FindingQuery{Rule: "key-disabled"}, true},
		{"another rule", FindingQuery{Rule: "key"}, false},
		{"its ARN", FindingQuery{Key: keyARN}, true},
		{"its key id", FindingQuery{Key: "1234abcd-12ab-34cd-56ef-1234567890ab"}, true},
		{"a part of its key id", FindingQuery{Key: "1234567890ab"}, false},
		{"its alias", FindingQuery{Key: "alias/pay"}, true},
		{"its alias's ARN", FindingQuery{Key: "arn:aws:kms:us-east-1:111122223333:alias/pay"}, true},
		{"another account", FindingQuery{Account: "444455556666"}, false},
		{"another Region", FindingQuery{Region: "eu-west-1"}, false},
		{"since then", FindingQuery{Since: noon}, true},
		{"since later", FindingQuery{Since: noon.Add(time.Second)}, false},
	}
	for _, test := range tests {
		if got := test.q.Keep(&f); got != test.want {
			t.Errorf("%s: kept %v", test.name, got)
		}
	}
	if (FindingQuery{Key: "alias/pay"}).Keep(&finding.Finding{}) {
		t.Error("a finding about no key was kept")
	}
}

func TestKeyQueryKeeps(t *testing.T) {
	k := inventory.Key{
		ARN: keyARN, Account: "111122223333", Region: "us-east-1", State: "PendingDeletion",
		Aliases: []string{"alias/a", "alias/Pay"}, Description: "The cards",
	}
	tests := []struct {
		name string
		q    KeyQuery
		want bool
	}{
		{"everything", KeyQuery{}, true},
		{"its state in any case", KeyQuery{State: "pendingdeletion"}, true},
		{"another state", KeyQuery{State: "Enabled"}, false},
		{"its policy", KeyQuery{Policy: "payments"}, true},
		{"another policy", KeyQuery{Policy: "other"}, false},
		{"part of an alias", KeyQuery{Search: "pay"}, true},
		{"part of the description", KeyQuery{Search: "CARD"}, true},
		{"part of the id", KeyQuery{Search: "12ab"}, true},
		{"nothing of it", KeyQuery{Search: "orders"}, false},
		{"another place", KeyQuery{Account: "111122223333", Region: "eu-west-1"}, false},
	}
	for _, test := range tests {
		if got := test.q.Keep(&k, "payments"); got != test.want {
			t.Errorf("%s: kept %v", test.name, got)
		}
	}
}

func TestActionQueryKeeps(t *testing.T) {
	a := remediation.Action{State: remediation.Verifying, KeyARN: keyARN, Created: noon}
	tests := []struct {
		name string
		q    ActionQuery
		want bool
	}{
		{"everything", ActionQuery{}, true},
		{"its state", ActionQuery{State: "verifying"}, true},
		{"pending", ActionQuery{State: Pending}, true},
		{"another state", ActionQuery{State: "failed"}, false},
		{"its key", ActionQuery{Key: keyARN}, true},
		{"since later", ActionQuery{Since: noon.Add(1)}, false},
	}
	for _, test := range tests {
		if got := test.q.Keep(&a); got != test.want {
			t.Errorf("%s: kept %v", test.name, got)
		}
	}
	a.State = remediation.Succeeded
	if (ActionQuery{State: Pending}).Keep(&a) {
		t.Error("a final action is pending")
	}
}

func TestHowLongAgo(t *testing.T) {
	for value, want := range map[string]time.Time{
		"":                     noon.AddDate(0, 0, -30),
		"7d":                   noon.AddDate(0, 0, -7),
		"36h":                  noon.Add(-36 * time.Hour),
		"2026-03-01T00:00:00Z": time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC),
	} {
		p := params{values: url.Values{"since": {value}}}
		if got := p.ago("since", noon); p.err != nil || !got.Equal(want) {
			t.Errorf("%q is %v (error: %v), want %v", value, got, p.err, want)
		}
	}
	for _, value := range []string{"d", "-1d", "1.5d", "99999d", "30", "yesterday", "+3h"} {
		p := params{values: url.Values{"since": {value}}}
		if got := p.ago("since", noon); p.err == nil {
			t.Errorf("%q is %v", value, got)
		}
	}
}

func TestTheLatestUse(t *testing.T) {
	kms := func(at time.Time) *inventory.LastUsage { return &inventory.LastUsage{At: &at} }
	for name, test := range map[string]struct {
		u    KeyUsage
		seen time.Time
		at   time.Time
		from string
	}{
		"none":                  {KeyUsage{}, time.Time{}, time.Time{}, ""},
		"KMS knows of none":     {KeyUsage{KMS: &inventory.LastUsage{}}, time.Time{}, time.Time{}, ""},
		"events alone":          {KeyUsage{}, noon, noon, "events"},
		"KMS alone":             {KeyUsage{KMS: kms(noon)}, time.Time{}, noon, "kms"},
		"KMS is behind":         {KeyUsage{KMS: kms(noon.Add(-time.Hour))}, noon, noon, "events"},
		"KMS knows a later one": {KeyUsage{KMS: kms(noon.Add(time.Hour))}, noon, noon.Add(time.Hour), "kms"},
		"the counted is later":  {KeyUsage{Usage: usage.Usage{LastUse: noon}}, noon.Add(-time.Hour), noon, "events"},
	} {
		test.u.Latest(test.seen)
		if !test.u.LatestUse.Equal(test.at) || test.u.LatestFrom != test.from {
			t.Errorf("%s: %v from %q", name, test.u.LatestUse, test.u.LatestFrom)
		}
	}
}
