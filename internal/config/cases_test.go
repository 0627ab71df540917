package config

import (
	"errors"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rotd/internal/inventory"
	"rotd/internal/policy"
)

func TestEveryFactOfACaseArrives(t *testing.T) {
	c := parse(t, minimal+"policies: [{name: all, rotation: {max_age: 365d}}]\n")
	cases, err := c.ParseCases("cases.yaml", []byte(`
now: 2026-12-01
cases:
  - name: everything that can be said
    now: 2026-12-02T06:00:00Z
    key:
      aliases: [alias/b, alias/a]
      tags: {team: pay}
      id: 00000000-0000-4000-8000-000000000001
      account: "444455556666"
      region: us-west-2
      org_path: o-a1/r-b2/
      description: Cards
      origin: EXTERNAL
      state: PendingDeletion
      current_material: 9d3a
      multi_region: REPLICA
      created: 2026-01-01
      deletion_date: 7d
      valid_to: 2027-01-01T00:00:00Z
      rotation:
        enabled: true
        period: 90d
        next: 30d
        last: 60d
        history: [{at: 1d, type: ON_DEMAND}, {at: 2026-06-01}]
      policy: '{"Version": "2012-10-17"}'
      last_use: 3h
      last_usage: {tracked_since: 100d, at: 2h}
      denied: [ListGrants]
    policy: all
    findings: []
  - name: what nobody says
    key: {}
    policy: none
    findings: []
  - name: a signing key that KMS hardly describes
    key: {spec: ECC_NIST_P256, age: 2d, denied: [GetKeyRotationStatus]}
    policy: none
    findings: [rotation-overdue, key-unmanaged]
  - name: a status that is denied
    key: {spec: HMAC_256, denied: [GetKeyRotationStatus], multi_region: REPLICA, primary_in_view: false}
    policy: none
    findings: []
`), Known{})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 12, 2, 6, 0, 0, 0, time.UTC)
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	pointer := func(at time.Time) *time.Time { return &at }
	key := inventory.Key{
		ARN: "arn:aws:kms:us-west-2:444455556666:key/mrk-00000000000040008000000000000001",
		ID:  "mrk-00000000000040008000000000000001", Partition: "aws", Account: "444455556666", Region: "us-west-2",
		OrgPath: "o-a1/r-b2/", Description: "Cards", State: "PendingDeletion", CurrentMaterial: "9d3a",
		Manager: "CUSTOMER", Origin: "EXTERNAL",
		Spec: "SYMMETRIC_DEFAULT", Usage: "ENCRYPT_DECRYPT", Created: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
		DeletionDate: pointer(ago(-7 * day)), ValidTo: pointer(time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)),
		MultiRegion: "REPLICA", PrimaryARN: "arn:aws:kms:us-east-1:444455556666:key/mrk-00000000000040008000000000000001",
		Aliases: []string{"alias/a", "alias/b"}, Tags: map[string]string{"team": "pay"}, Policy: `{"Version": "2012-10-17"}`,
		Rotation: &inventory.Rotation{
			Enabled: true, PeriodDays: 90, Next: pointer(ago(-30 * day)), HistoryAt: now,
			History: []inventory.Rotated{
				{At: time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC), Type: "AUTOMATIC"},
				{At: ago(60 * day), Type: "AUTOMATIC"},
				{At: ago(day), Type: "ON_DEMAND"},
			},
		},
		LastUsage: &inventory.LastUsage{ReadAt: now, TrackedSince: ago(100 * day), At: pointer(ago(2 * time.Hour))},
		Denied:    []string{"ListGrants"}, ReadAt: now, FullAt: now, WholeBy: now, FirstRead: now,
	}
	primary := key
	primary.MultiRegion, primary.ARN, primary.PrimaryARN = "PRIMARY", key.PrimaryARN, ""
	want := Case{
		Name: "everything that can be said", File: "cases.yaml", Line: 4, Now: now, Key: &key, Primary: &primary,
		LastUse: ago(3 * time.Hour), Policy: "all",
	}
	if diff := cmp.Diff(want, cases[0]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	said, signing, denied := cases[1], cases[2], cases[3]
	december := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	if k := said.Key; said.Policy != "" || !said.Now.Equal(december) || !k.Created.Equal(december.Add(-day)) ||
		k.State != "Enabled" || k.Rotation == nil || k.Rotation.Enabled || said.Primary != nil {
		t.Errorf("what nobody says: %+v", k)
	}
	if k := signing.Key; k.Usage != "SIGN_VERIFY" || k.Rotation != nil || !k.Created.Equal(december.Add(-2*day)) {
		t.Errorf("a signing key: %+v", k)
	}
	if diff := cmp.Diff([]string{"key-unmanaged", "rotation-overdue"}, signing.Findings); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	if k := denied.Key; k.Usage != "GENERATE_VERIFY_MAC" || k.Rotation != nil || denied.Primary != nil {
		t.Errorf("denied: %+v", k)
	}
}

func TestTryTrustsTheConfiguredAccounts(t *testing.T) {
	for name, tt := range map[string]struct {
		config Config
		want   bool
	}{
		"its own where none is configured": {Config{}, true},
		"not its own where others are":     {Config{Accounts: []Account{{ID: "222233334444"}}}, false},
		"its own among the accounts":       {Config{Accounts: []Account{{ID: "111122223333"}}}, true},
		"one that is trusted besides accounts": {
			Config{Accounts: []Account{{}}, TrustedAccounts: []string{"111122223333"}}, true,
		},
	} {
		if got := tt.config.trusts("111122223333")("111122223333"); got != tt.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

func TestACaseOfADisabledCheckSaysSo(t *testing.T) {
	c := Default()
	c.Detections.Disable = []string{"key-unmanaged"}
	facts := newKeyFacts()
	trial := c.Try(&Case{Key: facts.build(time.Now()), Findings: []string{"key-unmanaged"}})
	want := []Said{{"key-unmanaged", "the check is disabled"}}
	if diff := cmp.Diff(want, trial.Missing); diff != "" || trial.Passed {
		t.Errorf("passed %t (-want +got):\n%s", trial.Passed, diff)
	}
}

func FuzzParseCases(f *testing.F) {
	text, err := os.ReadFile("../../deploy/systemd/rotd-test.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte("now: 2026-12-01\n" +
		"cases: [{name: x, key: {created: 9d, rotation: {enabled: true}}, policy: none, findings: []}]"))
	f.Add([]byte("cases: [{key: {aliases: [a], last_usage: {at: 1d}}}]"))
	c := Default()
	c.Policies = policy.Set{{Name: "all", Rotation: policy.Rotation{Method: policy.Auto, MaxAge: 90 * day}}}
	f.Fuzz(func(t *testing.T, data []byte) {
		cases, err := c.ParseCases("fuzz", data, known)
		var wrong *Errors
		if err != nil && !errors.As(err, &wrong) {
			t.Errorf("not *Errors: %v", err)
		}
		for i := range cases {
			for _, said := range c.Try(&cases[i]).Unexpected {
				if said.Reason == "" {
					t.Errorf("%q finds something and says nothing", said.Check)
				}
			}
		}
	})
}
