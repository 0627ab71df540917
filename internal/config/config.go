// Package config reads rotd.yaml: defaults, values, and everything that is wrong with the file at once, each with its
// line and what would be right. It opens nothing that the file names and asks nothing of AWS; whether queues, topics
// and roles are there is the daemon's to find out. The environment is the AWS SDK's alone.
package config

import (
	"time"

	"rotd/internal/cost"
	"rotd/internal/detection"
	"rotd/internal/finding"
	"rotd/internal/policy"
	"rotd/internal/remediation"
	"rotd/internal/suppression"
)

// Config is a whole, valid rotd.yaml with defaults filled in.
type Config struct {
	Shard           string      // names this daemon's share of the work; part of every id
	Mode            policy.Mode // ceiling of every policy's mode
	State           State
	Audit           Audit
	Intake          Intake
	Accounts        []Account // empty: the caller's account and Region
	Organization    Organization
	TrustedAccounts []string // 12 digits each; besides Accounts, whose keys and principals are no outsiders
	Policies        policy.Set
	Exceptions      policy.Exceptions
	Suppressions    []suppression.Suppression
	Detections      Detections
	Alerts          Alerts
	Schedules       Schedules
	Limits          Limits
	Guardrails      Guardrails
	Admin           Admin
	Prices          cost.Prices // what keys cost, as the bill has it
	Reports         []Report    // written on a schedule

	ImportedMaterial ImportedMaterial

	// Digest is the SHA-256 of the file, in hex.
	Digest string
	// Warnings are what is allowed and probably not meant, in the file's order.
	Warnings []Problem
	// Origins are the lines of the values that the file gives, by their paths: policies[0].rotation.max_age. What is not
	// there has its default, or follows from something else.
	Origins map[string]int
}

// State says where the daemon keeps what it knows.
type State struct {
	Path      string // the bbolt file, absolute
	Snapshots Snapshots
}

// Snapshots are copies of the state that outlive the machine.
type Snapshots struct {
	To      string // a folder of S3; empty: none are made
	KMSKey  string // that S3 encrypts them with; empty: the bucket's
	Keep    int    // so many, older ones are deleted; 0: none is, a lifecycle rule of the bucket does that
	Restore bool   // the newest, at a start without a state file
}

// Audit says where the audit log is kept besides the state.
type Audit struct {
	Export string // a file, absolute, or a folder of S3; empty: nowhere
}

// Intake says where CloudTrail's events come from.
type Intake struct {
	Queues    []Queue       // at least one
	Heartbeat time.Duration // no event for longer is a finding
	Canary    time.Duration // between harmless calls whose records have to come back; 0: none
}

// Queue is one SQS queue.
type Queue struct {
	URL     string
	Pollers int      // concurrent long polls, 1 to 64
	Senders []string // SQS SenderIds that are trusted; empty: any that the queue's policy lets in
}

// Account is one account whose keys are looked after.
type Account struct {
	ID         string   // 12 digits
	Regions    []string // empty: the caller's Region
	RoleARN    string   // assumed for this account; empty: the caller's own credentials
	ExternalID string   // told when a role is assumed
	// EmergencyRoleARN is assumed for the calls of emergency actions alone; empty: they are made as all others.
	EmergencyRoleARN string
}

// Organization says that the accounts of the caller's AWS Organization are looked after, besides Accounts, which may
// say otherwise of single ones.
type Organization struct {
	RoleName   string   // of the role to assume in each account, with its path; empty: the organization is not asked
	ExternalID string   // told when a role is assumed
	Regions    []string // empty: the caller's Region
	// EmergencyRoleName is the role that emergency actions assume in each account; empty: none.
	EmergencyRoleName string
	Exclude           []string // ids of accounts that are left out
}

// Detections tunes rules and checks.
type Detections struct {
	Disable  []string                    // ids of rules and checks that are not judged
	Severity map[string]finding.Severity // by id, instead of the default
	Learning time.Duration               // how long a key's use is learnt before rules compare with it
	Tuning   detection.Tuning            // parameters of rules, instead of the defaults
	Rules    []string                    // files of users' rules: patterns, relative to rotd.yaml
	Users    []UserRule                  // the rules in them; only Load reads them
	// UsersDigest is the SHA-256 of those files, in hex; empty when there are none.
	UsersDigest string
}

// Settings are what rules and checks are judged by.
func (d *Detections) Settings() detection.Settings {
	s := detection.Settings{
		Disabled: d.Disable, Severities: d.Severity, Learning: d.Learning, Tuning: d.Tuning,
	}
	for i := range d.Users {
		s.Users = append(s.Users, d.Users[i].Rule)
	}
	return s
}

// Alerts says who is told, and how often.
type Alerts struct {
	Topics         []Topic
	GroupWait      time.Duration // what is found about one key within this time goes out together
	IncidentWait   time.Duration // what is new about an incident is collected for so long
	RepeatInterval time.Duration // a finding about rotd itself that stays open is told again; 0: never
	Heartbeat      time.Duration // rotd tells that it is at work, and where its audit log ends; 0: never
}

// Topic is one SNS topic. It has the fields of notify.Topic in the same order, so that one converts to the other.
type Topic struct {
	ARN         string
	MinSeverity finding.Severity
	Format      string // text, json
}

// Schedules are cron specifications or @every intervals, in UTC unless they begin with CRON_TZ=.
type Schedules struct {
	Inventory string // every key read whole
	Drift     string // state and rotation status of the keys that can rotate
	Retention string // old state dropped
	Heartbeat string // the daemon looks at itself: silence, budgets, stuck work
	Snapshot  string // a copy of the state put to State.Snapshots.To
	Audit     string // what is new in the audit log put to Audit.Export
}

// Limits keep rotd out of other people's way.
type Limits struct {
	QuotaShare       float64 // of AWS's KMS quota per account and Region, above 0 up to 1
	SweepConcurrency int     // accounts and Regions swept at once, 1 to 64
	ReEncrypts       int     // calls of ReEncrypt a second per account and Region at most; 0: what QuotaShare allows
}

// Guardrails hold automatic actions back.
type Guardrails struct {
	RotationsPerHour int                 // over all keys
	KeyCooldown      time.Duration       // between two rotations of one key
	OnDemandReserve  int                 // of the 25 on-demand rotations of a key's life, kept for people
	Grace            time.Duration       // between finding drift and putting it right
	OverdueGrace     time.Duration       // added to max_age before a key counts as overdue
	Settle           time.Duration       // of repeated reads before KMS's "no" about an ambiguous call is believed
	StartupHold      time.Duration       // after a start, before anything automatic
	ArmOnNewState    bool                // a new state acts without `rotd resume`: for demos and tests
	ApprovalTTL      time.Duration       // how long an action waits to be approved
	BreakerFailures  int                 // failed actions in a row, within an hour, that stop automatic actions
	Windows          remediation.Windows // when keys may be acted on; none: at any time
	ProtectedKeys    []string            // ids, ARNs, aliases or alias ARNs: two persons must agree to act on them
	UndoWindow       time.Duration       // after a replacement, within which its aliases are moved back
	Drain            time.Duration       // without a use for so long a replaced key is told to be quiet
}

// Admin says where the daemon is reached, and by whom.
type Admin struct {
	Socket     string // unix socket of the control API, absolute
	HTTP       string // host:port of /livez, /readyz and /metrics
	Roles      Roles
	SharedUIDs []int // ids of users that several people use: they may ask, and approve nothing
}

// Roles say who may do what: `user:<name or uid>`, `group:<name or gid>`, or a pattern over the ARNs of AWS identities.
type Roles struct {
	View    []string // empty: everybody whom the socket lets in
	Act     []string // likewise
	Approve []string // empty: nobody
}

// Report is a report that is written on a schedule.
type Report struct {
	Name      string
	Schedule  string // as Schedules'
	Format    string // html, csv, json, ocsf, asff, text
	Framework string // "": none
	Policy    string // only its keys; "": all
	Account   string // likewise
	To        string // a folder, absolute, or s3://bucket/prefix
	Keep      int    // so many files; older ones go
}

// Default is the configuration of an empty file, but for what a file must say.
func Default() *Config {
	return &Config{
		Shard:  "default",
		Mode:   policy.Observe,
		State:  State{Path: "/var/lib/rotd/rotd.db", Snapshots: Snapshots{Restore: true}},
		Intake: Intake{Heartbeat: time.Hour},
		Alerts: Alerts{
			GroupWait: 10 * time.Second, IncidentWait: 10 * time.Minute, RepeatInterval: 4 * time.Hour, Heartbeat: day,
		},
		Schedules: Schedules{
			Inventory: "@every 6h",
			Drift:     "*/15 * * * *",
			Retention: "17 3 * * *",
			Heartbeat: "@every 1m",
			Snapshot:  "@every 1h",
			Audit:     "@every 1m",
		},
		Limits: Limits{QuotaShare: 0.25, SweepConcurrency: 8},
		Guardrails: Guardrails{
			RotationsPerHour: 10,
			KeyCooldown:      day,
			OnDemandReserve:  5,
			Grace:            10 * time.Minute,
			OverdueGrace:     7 * day,
			Settle:           10 * time.Minute,
			StartupHold:      3 * time.Minute,
			UndoWindow:       72 * time.Hour,
			Drain:            30 * day,
			BreakerFailures:  3,
			ApprovalTTL:      4 * time.Hour,
		},
		Detections: Detections{Learning: detection.DefaultLearning},
		Prices:     cost.Default(),
		Admin:      Admin{Socket: "/run/rotd/rotd.sock", HTTP: "127.0.0.1:9464"},
	}
}
