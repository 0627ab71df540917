package config

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"rotd/internal/cost"
	"rotd/internal/detection"
	"rotd/internal/finding"
	"rotd/internal/material"
	"rotd/internal/policy"
	"rotd/internal/remediation"
	"rotd/internal/span"
	"rotd/internal/suppression"
)

const minimal = "intake: {queues: [{url: https://sqs.us-east-1.amazonaws.com/111122223333/rotd}]}\n"

func parse(t *testing.T, text string) *Config {
	t.Helper()
	c, err := Parse("rotd.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestTheSmallestFileIsAllDefaults(t *testing.T) {
	want := Default()
	want.Intake.Queues = []Queue{{URL: "https://sqs.us-east-1.amazonaws.com/111122223333/rotd", Pollers: 4}}
	besides := cmpopts.IgnoreFields(Config{}, "Warnings", "Origins", "Digest")
	if diff := cmp.Diff(want, parse(t, minimal), besides); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestEveryKeyArrives(t *testing.T) {
	got := parse(t, `
shard: eu-2
mode: enforce
state:
  path: /tmp/rotd.db
  snapshots: {to: s3://backups/rotd/, kms_key: alias/backups, keep: 24, restore: false}
audit: {export: /var/log/rotd/audit.jsonl}
intake:
  queues:
    - {url: "http://localhost:4566/000000000000/rotd", pollers: 16, senders: [AIDAEXAMPLE, "AROAEXAMPLE:rule"]}
  heartbeat: 1d12h
  canary: 20m
accounts:
  - id: "111122223333"
    regions: [us-east-1, us-gov-west-1]
    role_arn: arn:aws-us-gov:iam::111122223333:role/path/rotd
    external_id: abc-1
organization: {role_name: path/rotd-member, external_id: abc-2, regions: [eu-west-1], exclude: ["777788889999"]}
trusted_accounts: ["444455556666"]
policies:
  - name: payments
    match:
      aliases: ["alias/pay-*"]
      tags: {team: "pay*", "aws:env": prod}
      specs: [SYMMETRIC_DEFAULT]
      origins: [AWS_KMS, EXTERNAL]
      accounts: ["111122223333"]
      regions: [us-east-1]
      usages: [ENCRYPT_DECRYPT]
      org_paths: ["o-a1b2/r-ab12/*"]
      exclude: {tags: {stage: sandbox}, aliases: ["*-old"]}
    unused_after: 90d
    owner_tags: [owner, "app:team"]
    custodian_tags: [custodian]
    rotation: {max_age: 180d, automatic: 90d, method: automatic, rationale: "PCI DSS"}
    mode: enforce
    principals: {allow: ["arn:aws:iam::111122223333:role/pay-*"]}
    networks: {allow: [10.0.0.0/8, vpce-0abc, "2001:db8::/32"]}
    respond: [{rule: rotation-turned-off, action: restore}]
exceptions:
  - name: readers
    keys: ["alias/pay-reader-*", 1234abcd-*]
    checks: [rotation-overdue]
    author: jane
    approver: joe
    reason: no update yet
    expires: 2027-03-31
  - {name: all, keys: ["*"], author: jane, reason: freeze, expires: "2027-01-02T03:04:05+01:00"}
suppressions:
  - name: scan
    rules: [denied-burst, key-unused]
    keys: [1234abcd-12ab-34cd-56ef-1234567890ab, "arn:aws:kms:us-east-1:111122223333:alias/x"]
    principals: ["arn:aws:iam::111122223333:role/scan-*", "service:rds.amazonaws.com"]
    networks: [203.0.113.0/24, vpce-0abc]
    accounts: ["111122223333"]
    regions: [us-east-1]
    user_agents: ["aws-cli/2 *"]
    session_names: [ci]
    author: jane
    reason: the scan
    expires: 2020-01-01
detections: {disable: [key-unmanaged], severity: {key-disabled: critical}, learning: 21d, rules: ["rules/*.yaml"],
  tuning: {decrypt-spike: {secrets: 20, times: 5}, denied-burst: {refusals: 8}}}
alerts:
  topics: [{arn: "arn:aws-cn:sns:cn-north-1:111122223333:oncall.fifo", min_severity: LOW, format: json}]
  group_wait: 0
  incident_wait: 5m
  repeat_interval: 30m
  heartbeat: 2h
schedules: {inventory: "@daily", drift: "CRON_TZ=Europe/Berlin */5 * * * *", retention: "@every 24h",
  heartbeat: "@every 30s", snapshot: "@every 2h", audit: "@every 5m"}
limits: {quota_share: 1, sweep_concurrency: 3, reencrypt_per_second: 500}
guardrails:
  rotations_per_hour: 2
  key_cooldown: 0s
  on_demand_reserve: 0
  grace: 1m
  overdue_grace: 1d
  settle: 90s
  startup_hold: 0
  undo_window: 1h
  drain: 14d
  approval_ttl: 30m
  arm_on_new_state: true
  breaker_failures: 5
  windows: [{days: [sat, sun], from: 22:00, to: "04:30", zone: Europe/Berlin}, {from: "00:00", to: "24:00"}]
  protected_keys: [alias/x, 1234abcd-12ab-34cd-56ef-1234567890ab, mrk-1234abcd12ab34cd56ef1234567890ab,
    "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    "arn:aws:kms:us-east-1:111122223333:alias/x"]
imported_material: {command: [/bin/new, -n, "1", "1"], valid_for: 30d}
admin:
  socket: /tmp/rotd.sock
  http: "[::1]:0"
  roles:
    view: [group:rotd-viewers]
    act: [user:alice, "arn:aws-us-gov:sts::111122223333:assumed-role/ops/*"]
    approve: [group:1002, "arn:aws:iam::111122223333:user/*"]
  shared_uids: [1001, 1002]
prices: {currency: EUR, key_month: 0.93, rotation_month: 0.5, rotations_charged: 0}
reports:
  - {name: monthly, schedule: "0 6 1 * *", format: html, framework: pci-dss-4.0.1, policy: payments,
     account: "111122223333", to: /tmp/reports, keep: 3}
`)
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	want := &Config{
		Shard: "eu-2",
		Mode:  policy.Enforce,
		Audit: Audit{Export: "/var/log/rotd/audit.jsonl"},
		State: State{Path: "/tmp/rotd.db", Snapshots: Snapshots{To: "s3://backups/rotd/", KMSKey: "alias/backups", Keep: 24}},
		Intake: Intake{
			Queues: []Queue{{
				URL: "http://localhost:4566/000000000000/rotd", Pollers: 16,
				Senders: []string{"AIDAEXAMPLE", "AROAEXAMPLE:rule"},
			}},
			Heartbeat: 36 * time.Hour,
			Canary:    20 * time.Minute,
		},
		Accounts: []Account{{
			ID: "111122223333", Regions: []string{"us-east-1", "us-gov-west-1"},
			RoleARN: "arn:aws-us-gov:iam::111122223333:role/path/rotd", ExternalID: "abc-1",
		}},
		Organization: Organization{
			RoleName: "path/rotd-member", ExternalID: "abc-2", Regions: []string{"eu-west-1"}, Exclude: []string{"777788889999"},
		},
		TrustedAccounts: []string{"444455556666"},
		Policies: policy.Set{{
			Name: "payments",
			Match: policy.Match{
				Aliases: []string{"alias/pay-*"}, Tags: map[string]string{"team": "pay*", "aws:env": "prod"},
				Specs: []string{"SYMMETRIC_DEFAULT"}, Origins: []string{"AWS_KMS", "EXTERNAL"},
				Accounts: []string{"111122223333"}, Regions: []string{"us-east-1"},
				Usages: []string{"ENCRYPT_DECRYPT"}, OrgPaths: []string{"o-a1b2/r-ab12/*"},
				Exclude: &policy.Match{Tags: map[string]string{"stage": "sandbox"}, Aliases: []string{"*-old"}},
			},
			UnusedAfter: 90 * day, OwnerTags: []string{"owner", "app:team"}, CustodianTags: []string{"custodian"},
			Rotation: policy.Rotation{
				MaxAge: 180 * day, Automatic: 90 * day, Method: policy.Automatic, Rationale: "PCI DSS",
			},
			Mode:     policy.Enforce,
			Asked:    policy.Enforce,
			Allow:    []string{"arn:aws:iam::111122223333:role/pay-*"},
			Networks: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::/32")},
			VPCEs:    []string{"vpce-0abc"},
			Respond:  []policy.Response{{RuleID: "rotation-turned-off", Action: "restore"}},
		}},
		Suppressions: []suppression.Suppression{{
			Name: "scan", Rules: []string{"denied-burst", "key-unused"},
			Keys: []string{
				"1234abcd-12ab-34cd-56ef-1234567890ab", "arn:aws:kms:us-east-1:111122223333:alias/x",
			},
			Principals: []string{"arn:aws:iam::111122223333:role/scan-*", "service:rds.amazonaws.com"},
			Networks:   []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}, VPCEndpoints: []string{"vpce-0abc"},
			Accounts: []string{"111122223333"}, Regions: []string{"us-east-1"},
			UserAgents: []string{"aws-cli/2 *"}, SessionNames: []string{"ci"},
			Author: "jane", Reason: "the scan", Expires: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC),
		}},
		Exceptions: policy.Exceptions{
			{
				Name: "readers", Keys: []string{"alias/pay-reader-*", "1234abcd-*"}, Checks: []string{"rotation-overdue"},
				Author: "jane", Approver: "joe", Reason: "no update yet",
				Expires: time.Date(2027, 3, 31, 0, 0, 0, 0, time.UTC),
			},
			{
				Name: "all", Keys: []string{"*"}, Author: "jane", Reason: "freeze",
				Expires: time.Date(2027, 1, 2, 2, 4, 5, 0, time.UTC),
			},
		},
		Detections: Detections{
			Disable: []string{"key-unmanaged"}, Severity: map[string]finding.Severity{"key-disabled": finding.Critical},
			Learning: 21 * 24 * time.Hour, Rules: []string{"rules/*.yaml"},
			Tuning: detection.Tuning{
				"decrypt-spike": {"secrets": 20, "times": 5}, "denied-burst": {"refusals": 8},
			},
		},
		Alerts: Alerts{
			Topics: []Topic{{
				ARN: "arn:aws-cn:sns:cn-north-1:111122223333:oncall.fifo", MinSeverity: finding.Low, Format: "json",
			}},
			IncidentWait:   5 * time.Minute,
			RepeatInterval: 30 * time.Minute,
			Heartbeat:      2 * time.Hour,
		},
		Schedules: Schedules{
			Inventory: "@daily", Drift: "CRON_TZ=Europe/Berlin */5 * * * *",
			Retention: "@every 24h", Heartbeat: "@every 30s", Snapshot: "@every 2h", Audit: "@every 5m",
		},
		Limits: Limits{QuotaShare: 1, SweepConcurrency: 3, ReEncrypts: 500},
		Guardrails: Guardrails{
			RotationsPerHour: 2, Grace: time.Minute, OverdueGrace: day, Settle: 90 * time.Second, ArmOnNewState: true,
			UndoWindow: time.Hour, Drain: 14 * day,
			ApprovalTTL:     30 * time.Minute,
			BreakerFailures: 5,
			Windows: remediation.Windows{
				{
					Days: []time.Weekday{time.Saturday, time.Sunday}, From: 22 * time.Hour, To: 4*time.Hour + 30*time.Minute,
					Zone: berlin,
				},
				{To: 24 * time.Hour, Zone: time.UTC},
			},
			ProtectedKeys: []string{
				"alias/x", "1234abcd-12ab-34cd-56ef-1234567890ab", "mrk-1234abcd12ab34cd56ef1234567890ab",
				"arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
				"arn:aws:kms:us-east-1:111122223333:alias/x",
			},
		},
		ImportedMaterial: ImportedMaterial{
			Source: material.Source{Command: []string{"/bin/new", "-n", "1", "1"}}, ValidFor: 30 * day,
		},
		Admin: Admin{
			Socket: "/tmp/rotd.sock", HTTP: "[::1]:0", SharedUIDs: []int{1001, 1002},
			Roles: Roles{
				View:    []string{"group:rotd-viewers"},
				Act:     []string{"user:alice", "arn:aws-us-gov:sts::111122223333:assumed-role/ops/*"},
				Approve: []string{"group:1002", "arn:aws:iam::111122223333:user/*"},
			},
		},
		Prices: cost.Prices{Currency: "EUR", KeyMonth: 930_000, RotationMonth: 500_000},
		Reports: []Report{{
			Name: "monthly", Schedule: "0 6 1 * *", Format: "html", Framework: "pci-dss-4.0.1", Policy: "payments",
			Account: "111122223333", To: "/tmp/reports", Keep: 3,
		}},
	}
	diff := cmp.Diff(want, got, cmpopts.IgnoreFields(Config{}, "Warnings", "Origins", "Digest"),
		cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }),
		cmp.Comparer(func(a, b *time.Location) bool { return a.String() == b.String() }))
	if diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRotationIsFilledIn(t *testing.T) {
	tests := []struct {
		name, rotation string
		want           policy.Rotation
	}{
		{
			"the period is the max age", "{max_age: 180d}",
			policy.Rotation{MaxAge: 180 * day, Automatic: 180 * day, Method: policy.Auto},
		},
		{
			"the period is whole days", "{max_age: 100d12h}",
			policy.Rotation{MaxAge: 100*day + 12*time.Hour, Automatic: 100 * day, Method: policy.Auto},
		},
		{
			"the period is at most what KMS takes", "{max_age: 3650d, method: automatic}",
			policy.Rotation{MaxAge: 3650 * day, Automatic: 2560 * day, Method: policy.Automatic},
		},
		{
			"the max age is the period", "{automatic: 90d}",
			policy.Rotation{MaxAge: 90 * day, Automatic: 90 * day, Method: policy.Auto},
		},
		{
			"on demand has no period", "{max_age: 30d, method: on-demand}",
			policy.Rotation{MaxAge: 30 * day, Method: policy.OnDemand},
		},
		{
			"replacement has no period", "{max_age: 30d, method: replace}",
			policy.Rotation{MaxAge: 30 * day, Method: policy.Replace},
		},
		{"none asks for nothing", "{method: none}", policy.Rotation{Method: policy.None}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := parse(t, minimal+"policies: [{name: p, rotation: "+tt.rotation+"}]")
			if diff := cmp.Diff(tt.want, c.Policies[0].Rotation); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestNoPolicyGoesAboveTheCeilingWhereverItIsWritten(t *testing.T) {
	policies := "policies: [{name: p, mode: enforce, rotation: {max_age: 90d}}, {name: q, rotation: {max_age: 90d}}]\n"
	tests := []struct {
		name, text string
		want       []policy.Mode
	}{
		{"no ceiling is observe", minimal + policies, []policy.Mode{policy.Observe, policy.Observe}},
		{
			"a ceiling after the policies", minimal + policies + "mode: observe",
			[]policy.Mode{policy.Observe, policy.Observe},
		},
		{"enforce lifts nobody", "mode: enforce\n" + minimal + policies, []policy.Mode{policy.Enforce, policy.Observe}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := parse(t, tt.text)
			got := []policy.Mode{c.Policies[0].Mode, c.Policies[1].Mode}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestTheExampleIsAValidConfigurationWithNothingToWarnOf(t *testing.T) {
	c, err := Parse("example.yaml", []byte(Example), known)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Warnings) > 0 {
		t.Errorf("warnings: %v", c.Warnings)
	}
}

// The example shows defaults as defaults: where it differs from them, somebody changed one and not the other.
func TestTheExampleShowsTheDefaults(t *testing.T) {
	c, want := parse(t, Example), Default()
	type shown struct {
		Shard      string
		Mode       policy.Mode
		State      State
		Heartbeat  time.Duration
		Schedules  Schedules
		Limits     Limits
		Guardrails Guardrails
		Admin      Admin
		Prices     cost.Prices
		Wait       time.Duration
		Repeat     time.Duration
		Alive      time.Duration
	}
	of := func(c *Config) shown {
		return shown{
			c.Shard, c.Mode, c.State, c.Intake.Heartbeat, c.Schedules, c.Limits, c.Guardrails, c.Admin, c.Prices,
			c.Alerts.GroupWait, c.Alerts.RepeatInterval, c.Alerts.Heartbeat,
		}
	}
	if diff := cmp.Diff(of(want), of(c)); diff != "" {
		t.Errorf("(-default +example):\n%s", diff)
	}
}

func TestTheExampleShowsTheDefaultsOfTuning(t *testing.T) {
	want := detection.Tuning{}
	for _, r := range detection.Tunable() {
		want[r.ID] = map[string]int{}
		for _, p := range r.Params {
			want[r.ID][p.Name] = p.Default
		}
	}
	if diff := cmp.Diff(want, parse(t, Example).Detections.Tuning); diff != "" {
		t.Errorf("(-default +example):\n%s", diff)
	}
}

func TestTheExampleNamesEveryKey(t *testing.T) {
	schema, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	var tree map[string]any
	if err := json.Unmarshal(schema, &tree); err != nil {
		t.Fatal(err)
	}
	var walk func(node map[string]any)
	walk = func(node map[string]any) {
		properties, _ := node["properties"].(map[string]any)
		for key, value := range properties {
			if !strings.Contains(Example, key) {
				t.Errorf("the example does not show %s", key)
			}
			below := value.(map[string]any)
			walk(below)
			if items, ok := below["items"].(map[string]any); ok {
				walk(items)
			}
			if description, _ := below["description"].(string); description == "" {
				t.Errorf("%s has no description", key)
			}
		}
	}
	walk(tree)
}

func TestDurations(t *testing.T) {
	tests := []struct {
		text string
		want time.Duration
		ok   bool
	}{
		{"90d", 90 * day, true},
		{"1d12h", 36 * time.Hour, true},
		{"1h30m", 90 * time.Minute, true},
		{"0", 0, true},
		{"250ms", 250 * time.Millisecond, true},
		{"", 0, false},
		{"d", 0, false},
		{"-1d", 0, false},
		{"1d-1h", 0, false},
		{"-1h", 0, false},
		{"1.5d", 0, false},
		{"1h1d", 0, false},
		{"90", 0, false},
		{"99999999d", 0, false},
		{"1e9d", 0, false},
	}
	for _, tt := range tests {
		got, err := span.Parse(tt.text)
		if got != tt.want || (err == nil) != tt.ok {
			t.Errorf("span.Parse(%q) = %v, %v", tt.text, got, err)
		}
		if err == nil {
			if again, err := span.Parse(span.Format(got)); again != got || err != nil {
				t.Errorf("%q is written %q, which is %v, %v", tt.text, span.Format(got), again, err)
			}
		}
	}
}

func TestImportedMaterialHasOneSource(t *testing.T) {
	for text, want := range map[string]string{
		`{}`:              "needs command or file",
		`{valid_for: 9d}`: "needs command or file",
		`{command: []}`:   "imported_material.command: is empty",
		`{command: [/bin/new], file: /etc/x}`: "imported_material.file: cannot be there beside command: material has one " +
			"source",
		`{file: "/x/{key_id}/{material}"}`: "",
	} {
		_, err := Parse("rotd.yaml", []byte(minimal+"imported_material: "+text+"\n"))
		if (err != nil) != (want != "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
}
