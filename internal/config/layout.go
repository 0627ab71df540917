package config

import (
	"math"
	"strconv"
	"strings"
	"time"

	"rotd/internal/policy"
	"rotd/internal/remediation"
	"rotd/internal/span"
)

// layout is rotd.yaml: every key, what it means and how it is read into c.
func layout(c *Config, known Known) shape {
	return object{
		check: func(o *seen) { checkReports(o, c) },
		fields: []field{
			{
				key: "shard", doc: "Name of this daemon's share of the work; part of every id.",
				value: text(&c.Shard, "a name", checkShard),
			},
			{key: "mode", doc: "How far rotd may go by itself; a ceiling for every policy.", value: mode(&c.Mode)},
			{key: "pause"},
			{key: "state", doc: "Where the daemon keeps what it knows.", value: state(&c.State)},
			{key: "audit", doc: "Where the audit log is kept besides.", value: auditLog(&c.Audit)},
			{
				key: "intake", doc: "Where CloudTrail's events come from.", value: intake(&c.Intake),
				need: "intake: {queues: [{url: https://sqs.<region>.amazonaws.com/<account>/<name>}]}",
			},
			{
				key: "accounts", doc: "Accounts whose keys are looked after; none: the caller's account and Region.",
				value: accounts(&c.Accounts),
			},
			{
				key: "organization", doc: "Looks after every active account of the AWS Organization, besides `accounts`.",
				value: organization(&c.Organization),
			},
			{
				key: "trusted_accounts", doc: "Other accounts that are no outsiders.",
				value: texts(&c.TrustedAccounts, "an account id", checkAccount),
			},
			{
				key: "policies", doc: "What is asked of which keys; the first that matches a key is its policy.",
				value: policies(&c.Policies, known),
			},
			{
				key: "exceptions", doc: "Keys that are let off some checks until a day, and who answers for it.",
				value: exceptions(&c.Exceptions, known.Checks),
			},
			{
				key: "suppressions", doc: "Findings that nobody is told of until a day, and who answers for it.",
				value: suppressions(&c.Suppressions, known),
			},
			{
				key: "detections", doc: "Rules and checks that are not judged, or weigh differently.",
				value: detections(&c.Detections, known.all()),
			},
			{key: "alerts", doc: "Who is told, and how often.", value: alerts(&c.Alerts)},
			{
				key: "schedules", doc: "When sweeps run, in UTC unless CRON_TZ= says otherwise.",
				value: schedules(&c.Schedules),
			},
			{key: "limits", doc: "What keeps rotd out of other people's way.", value: limits(&c.Limits)},
			{key: "guardrails", doc: "What holds automatic actions back.", value: guardrails(&c.Guardrails)},
			{
				key: "imported_material", doc: "Where new material for keys with imported material comes from.",
				value: importedMaterial(&c.ImportedMaterial),
			},
			{key: "admin", doc: "Where the daemon is reached, and by whom.", value: admin(&c.Admin)},
			{key: "prices", doc: "What keys cost a month, for reports.", value: prices(&c.Prices)},
			{key: "reports", doc: "Reports written on a schedule.", value: reports(&c.Reports)},
		},
	}
}

func mode(to *policy.Mode) shape {
	return word(to, []policy.Mode{policy.Observe, policy.Propose, policy.Enforce}, nil)
}

func intake(in *Intake) shape {
	return object{fields: []field{
		{
			key: "queues", doc: "SQS queues with CloudTrail's events.", need: "queues: [{url: https://sqs.…}]",
			value: list[Queue]{
				fresh: func() Queue { return Queue{Pollers: 4} },
				shape: queue,
				keep:  func(q Queue) { in.Queues = append(in.Queues, q) },
				id:    func(q Queue) string { return q.URL },
				least: 1,
			},
		},
		{
			key: "heartbeat", doc: "No event for longer is a finding.",
			value: duration(&in.Heartbeat, time.Minute, 30*day),
		},
		{
			key: "canary", doc: "Between harmless KMS calls whose events have to come back, per account and Region; 0: none.",
			value: duration(&in.Canary, 0, 30*time.Minute),
		},
	}, check: func(o *seen) {
		if in.Canary > 0 && in.Canary < time.Minute {
			o.fail("canary", "want 0 for none, or 1m to 30m, not %s", span.Format(in.Canary))
		}
	}}
}

func queue(q *Queue) shape {
	return object{fields: []field{
		{
			key: "url", doc: "The queue's URL.", value: text(&q.URL, "a queue's URL", checkQueueURL),
			need: "url: https://sqs.<region>.amazonaws.com/<account>/<name>",
		},
		{key: "pollers", doc: "Concurrent long polls.", value: integer(&q.Pollers, 1, 64)},
		{
			key: "senders", doc: "Trusted SQS SenderIds; none: whom the queue's policy lets in.",
			value: texts(&q.Senders, "an SQS SenderId", checkSender),
		},
	}}
}

func accounts(to *[]Account) shape {
	return list[Account]{
		fresh: func() Account { return Account{} },
		shape: account,
		keep:  func(a Account) { *to = append(*to, a) },
		id:    func(a Account) string { return a.ID },
	}
}

func account(a *Account) shape {
	return object{
		fields: []field{
			{
				key: "id", doc: "12 digits, in quotes.", value: text(&a.ID, "an account id", checkAccount),
				need: `id: "111122223333"`,
			},
			{key: "regions", doc: "None: the caller's Region.", value: texts(&a.Regions, "a Region", checkRegion)},
			{
				key: "role_arn", doc: "Role to assume there; none: the caller's own credentials.",
				value: text(&a.RoleARN, "a role's ARN", checkRole),
			},
			{
				key: "external_id", doc: "Told when a role is assumed.",
				value: text(&a.ExternalID, "an external id", checkExternalID),
			},
			{
				key: "emergency_role_arn", doc: "Role to assume for the calls of emergency actions alone.",
				value: text(&a.EmergencyRoleARN, "a role's ARN", checkRole),
			},
		},
		check: func(o *seen) {
			if o.has("external_id") && o.absent("role_arn") && o.absent("emergency_role_arn") {
				o.fail("external_id", "means nothing without role_arn")
			}
			for key, role := range map[string]string{"role_arn": a.RoleARN, "emergency_role_arn": a.EmergencyRoleARN} {
				if o.has(key) && o.has("id") && !strings.Contains(role, "::"+a.ID+":") {
					o.fail(key, "is a role of another account than %s", a.ID)
				}
			}
		},
	}
}

func organization(o *Organization) shape {
	return object{fields: []field{
		{
			key: "role_name", doc: "Role to assume in each account but the caller's.",
			value: text(&o.RoleName, "a role's name", checkRoleName), need: "role_name: rotd-member",
		},
		{
			key: "external_id", doc: "Told when a role is assumed.",
			value: text(&o.ExternalID, "an external id", checkExternalID),
		},
		{
			key: "emergency_role_name", doc: "Role to assume in each account for the calls of emergency actions alone.",
			value: text(&o.EmergencyRoleName, "a role's name", checkRoleName),
		},
		{key: "regions", doc: "None: the caller's Region.", value: texts(&o.Regions, "a Region", checkRegion)},
		{key: "exclude", doc: "Ids of accounts that are left out.", value: texts(&o.Exclude, "an account id", checkAccount)},
	}}
}

func state(st *State) shape {
	return object{fields: []field{
		{key: "path", doc: "The state file.", value: text(&st.Path, "a path", checkAbsolute)},
		{key: "snapshots", doc: "Copies of it that outlive the machine.", value: snapshots(&st.Snapshots)},
	}}
}

func snapshots(s *Snapshots) shape {
	return object{fields: []field{
		{
			key: "to", doc: "Where they go, s3://bucket/prefix; none are made without.",
			value: text(&s.To, "a folder in S3", checkS3),
		},
		{
			key: "kms_key", doc: "KMS key that S3 encrypts them with; the bucket's without.",
			value: text(&s.KMSKey, "a key", checkKey),
		},
		{
			key: "keep", doc: "So many, older ones are deleted; 0: none is, a lifecycle rule of the bucket does that.",
			value: integer(&s.Keep, 0, 10_000),
		},
		{
			key: "restore", doc: "Put the newest in place at a start without a state file.",
			value: boolean(&s.Restore),
		},
	}}
}

func auditLog(a *Audit) shape {
	return object{fields: []field{
		{
			key: "export", doc: "A file, or s3://bucket/prefix, that gets each entry as it is made.",
			value: text(&a.Export, "a file or s3:// address", checkDestination),
		},
	}}
}

func schedules(s *Schedules) shape {
	return object{fields: []field{
		{key: "inventory", doc: "Every key read whole.", value: schedule(&s.Inventory)},
		{key: "drift", doc: "State and rotation status of the keys that can rotate.", value: schedule(&s.Drift)},
		{key: "retention", doc: "Old state dropped.", value: schedule(&s.Retention)},
		{key: "heartbeat", doc: "The daemon looks at itself.", value: schedule(&s.Heartbeat)},
		{key: "snapshot", doc: "A copy of the state goes to state.snapshots.", value: schedule(&s.Snapshot)},
		{key: "audit", doc: "What is new in the audit log goes to audit.export.", value: schedule(&s.Audit)},
	}}
}

func limits(l *Limits) shape {
	return object{fields: []field{
		{key: "quota_share", doc: "Share of AWS's KMS quota per account and Region.", value: share(&l.QuotaShare)},
		{
			key: "sweep_concurrency", doc: "Accounts and Regions swept at once; each has quotas of its own.",
			value: integer(&l.SweepConcurrency, 1, 64),
		},
		{
			key:   "reencrypt_per_second",
			doc:   "Calls of ReEncrypt a second per account and Region at most; 0: as many as quota_share allows.",
			value: integer(&l.ReEncrypts, 0, 100_000),
		},
	}}
}

func admin(a *Admin) shape {
	return object{fields: []field{
		{key: "socket", doc: "Unix socket of the control API.", value: text(&a.Socket, "a path", checkSocket)},
		{key: "http", doc: "Address of /livez, /readyz and /metrics.", value: text(&a.HTTP, "an address", checkListen)},
		{key: "roles", doc: "Who may do what.", value: roles(&a.Roles)},
		{
			key: "shared_uids", doc: "Ids of users that several people use: they may ask, and approve nothing.",
			value: list[int]{
				fresh: func() int { return 0 },
				shape: func(uid *int) shape { return integer(uid, 0, math.MaxUint32-1) },
				keep:  func(uid int) { a.SharedUIDs = append(a.SharedUIDs, uid) },
				id:    strconv.Itoa,
			},
		},
	}}
}

func roles(r *Roles) shape {
	return object{fields: []field{
		{
			key: "view", doc: "Who may look; none: everybody whom the socket lets in.",
			value: texts(&r.View, "a user or group", checkPeer),
		},
		{
			key: "act", doc: "Who may ask for actions, too; none: everybody whom the socket lets in.",
			value: texts(&r.Act, "a user, a group or an AWS identity", checkCaller),
		},
		{
			key: "approve", doc: "Who may approve what others ask for; none: nobody.",
			value: texts(&r.Approve, "a user, a group or an AWS identity", checkCaller),
		},
	}}
}

func guardrails(g *Guardrails) shape {
	return object{fields: []field{
		{
			key: "rotations_per_hour", doc: "Rotations over all keys, people's too: automatic ones wait, people are refused.",
			value: integer(&g.RotationsPerHour, 0, 3600),
		},
		{key: "key_cooldown", doc: "Between two rotations of one key.", value: duration(&g.KeyCooldown, 0, 365*day)},
		{
			key: "on_demand_reserve", doc: "Of a key's 25 on-demand rotations, kept for people.",
			value: integer(&g.OnDemandReserve, 0, 25),
		},
		{
			key: "grace", doc: "Between finding drift and putting it right; for as long a new key is still being tagged.",
			value: duration(&g.Grace, 0, 7*day),
		},
		{
			key: "overdue_grace", doc: "Added to max_age before a key counts as overdue.",
			value: duration(&g.OverdueGrace, 0, 365*day),
		},
		{
			key: "settle", doc: "Of repeated reads before KMS's no about an ambiguous call is believed.",
			value: duration(&g.Settle, time.Second, day),
		},
		{
			key: "startup_hold", doc: "After a start, before anything automatic.",
			value: duration(&g.StartupHold, 0, day),
		},
		{
			key: "undo_window", doc: "After a replacement, within which `rotd undo-alias` moves its aliases back.",
			value: duration(&g.UndoWindow, 0, 365*day),
		},
		{
			key: "drain", doc: "Without a use for so long a key that was replaced is told to be quiet.",
			value: duration(&g.Drain, day, 3650*day),
		},
		{
			key: "arm_on_new_state", doc: "A new state acts without `rotd resume`: for demos and tests.",
			value: boolean(&g.ArmOnNewState),
		},
		{
			key: "breaker_failures", doc: "Failed actions in a row, within an hour, that stop automatic ones until a resume.",
			value: integer(&g.BreakerFailures, 1, 1000),
		},
		{
			key: "windows", doc: "When keys may be acted on; none: at any time. Outside, automatic actions wait.",
			value: list[remediation.Window]{
				fresh: func() remediation.Window { return remediation.Window{Zone: time.UTC} },
				shape: window,
				keep:  func(w remediation.Window) { g.Windows = append(g.Windows, w) },
				id:    func(w remediation.Window) string { return w.String() },
			},
		},
		{
			key: "protected_keys", doc: "Ids, ARNs, aliases or alias ARNs of keys that two persons must agree to act on.",
			value: texts(&g.ProtectedKeys, "a key", checkKey),
		},
		{
			key: "approval_ttl", doc: "How long an action waits to be approved.",
			value: duration(&g.ApprovalTTL, time.Minute, 7*day),
		},
	}}
}
