package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"rotd/internal/admin"
	"rotd/internal/audit"
	"rotd/internal/detection"
	"rotd/internal/events/queue"
	"rotd/internal/finding"
	"rotd/internal/impact"
	"rotd/internal/inventory"
	"rotd/internal/policy"
	"rotd/internal/reencrypt"
	"rotd/internal/remediation"
	"rotd/internal/report"
	"rotd/internal/state"
	"rotd/internal/usage"
)

const (
	payARN    = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
	ordersARN = "arn:aws:kms:us-east-1:111122223333:key/5e0a7d34-91c6-4a7e-8f0d-2c6a1d9b4e22"
	evil      = "alias/\x1b[2J\u202egnp.exe"
)

func before(d time.Duration) time.Time { return noon.Add(-d) }

func at(d time.Duration) *time.Time { t := noon.Add(d); return &t }

// fakeDaemon is a small world: three keys, findings and actions about them. Tests change what they need.
type fakeDaemon struct {
	status     *admin.Status
	notReady   []string
	findings   []finding.Finding
	keys       []admin.Key
	actions    []remediation.Action
	partial    bool
	unreadable []string
	db         *state.DB // what `rotd state` is about; nil: none
	// assignment is that of the first key.
	assignment *policy.Assignment

	mu        sync.Mutex
	plan      admin.Planned
	begun     *admin.Planned // what is answered instead of plan when it is no dry run
	rotated   []admin.RotateRequest
	usage     func(since time.Time) *admin.KeyUsage
	facts     func() *impact.Facts
	contained []admin.ContainRequest
	states    []remediation.State // that the next questions for the action see
	sweepErr  error
	sweeping  bool // sweeps do not end

	reportErr error // met after the first part of a report

	jobs      []reencrypt.Job
	moves     []reencrypt.Move // of the first key
	moved     reencrypt.Counts // of a job of objects; nothing seen: it does not end
	mayMove   remediation.Decision
	batches   int
	moveErr   error  // instead of an answer to a batch
	moveWaits string // what blobs wait for
}

func newFakeDaemon() *fakeDaemon {
	d := &fakeDaemon{findings: someFindings(), keys: someKeys(), actions: someActions(), status: someStatus()}
	d.usage, d.facts = someUsage, impactFacts
	d.mayMove = remediation.Decision{Verdict: remediation.Allow}
	d.plan = admin.Planned{
		Key: d.keys[0].Key, Eligible: d.keys[0].Eligible, LastUse: d.keys[0].LastUse, Left: 24, Reserve: 5,
		Breaks: "Nothing: callers keep working, old ciphertext stays decryptable with the old material inside the key.",
		Cost:   "one key's monthly fee more, from now on (KMS charges a key's first and second rotation)",
		Used: &usage.Brief{Since: before(30 * day), Principals: 4, Calls: 12345, Most: []string{
			"arn:aws:iam::111122223333:role/pay-api", "service:dynamodb.amazonaws.com", evil,
		}},
		Action: &remediation.Action{
			ID: "act_01JPK00000000000000000NEW1", State: remediation.Planned,
			Verb:   remediation.Rotate,
			Method: remediation.NewMaterial, KeyARN: payARN, Alias: "alias/pay-cards", Created: noon,
		},
		Decision: remediation.Decision{Verdict: remediation.Allow},
	}
	return d
}

func someStatus() *admin.Status {
	return &admin.Status{
		Version: "1.2.3", Shard: "default", Mode: "enforce", Now: noon, Started: before(3*time.Hour + 12*time.Minute),
		Ready: true, Armed: true, LastEvent: before(12 * time.Second),
		Queues: []admin.Queue{{
			URL: "https://sqs.us-east-1.amazonaws.com/111122223333/rotd", Ready: true, State: queue.StateReceiving,
			LastMessage: before(12 * time.Second), InHand: 3, ReadAt: before(time.Minute), Visible: 0, Redrive: true,
			MaxReceives: 20,
		}},
		Places: []state.Coverage{
			{
				Account: "111122223333", Region: "us-east-1", Keys: 400, FirstSeen: before(day),
				LastComplete: before(2 * time.Hour), LastEvent: before(time.Minute),
				Canary: &state.Canary{First: before(day), Sent: before(5 * time.Minute), Back: before(4 * time.Minute)},
			},
			{
				Account: "111122223333", Region: "eu-west-1", Keys: 12, FirstSeen: before(day),
				LastComplete: before(2 * time.Hour),
			},
		},
		Jobs: []admin.Job{
			{
				Name: "drift", LastStarted: before(7 * time.Minute), LastFinished: before(6 * time.Minute),
				Next: noon.Add(8 * time.Minute),
			},
			{
				Name: "inventory", LastStarted: before(2 * time.Hour), LastFinished: before(2 * time.Hour),
				Next: noon.Add(4 * time.Hour),
			},
		},
		Findings: admin.Counts{Low: 3}, Keys: 412,
		Budget: &admin.Budget{Left: 24, Reserve: 5, KeyARN: payARN, Alias: "alias/pay-cards"},
		State:  admin.File{Path: "/var/lib/rotd/rotd.db", Bytes: 12 << 20},
	}
}

func someFindings() []finding.Finding {
	return []finding.Finding{
		{
			ID: "fnd_01JPK00000000000000000AAAA", RuleID: "key-policy-made-public", Severity: finding.Critical,
			Title:       "A key policy lets every AWS account in",
			Description: "arn:aws:iam::111122223333:user/bob set a policy on alias/pay-cards that lets anybody decrypt.",
			Remedy: []string{"Put the former policy back:", "aws kms put-key-policy --key-id " + payARN +
				" --policy-name default --policy file://policy.json --region us-east-1"},
			Fingerprint: "v1:00", Status: finding.Open, Episode: 2, Count: 1, FirstSeen: before(3 * time.Minute),
			LastSeen: before(3 * time.Minute), Subject: finding.Subject{Type: finding.Key, ID: payARN}, Partition: "aws",
			Account: "111122223333", Region: "us-east-1", KeyARN: payARN, Alias: "alias/pay-cards",
			PrincipalARN: "arn:aws:iam::111122223333:user/bob", EventID: "7c9e6679-7425-40de-944b-e07fc1f90ae7",
			EventName: "PutKeyPolicy", EventTime: at(-3 * time.Minute), SourceIP: "198.51.100.24",
			UserAgent: "aws-cli/2.24.0", Mitre: []string{"T1098"}, Shard: "default", Policy: "payments",
		},
		{
			ID: "fnd_01JPK00000000000000000BBBB", RuleID: "dead-key-used", Severity: finding.High,
			Title: "Somebody needs a key that does not work", Description: "A caller fails.", Fingerprint: "v1:01",
			Status: finding.Open, Episode: 1, Count: 17, FirstSeen: before(26 * time.Hour), LastSeen: before(40 * time.Minute),
			Subject: finding.Subject{Type: finding.Key, ID: ordersARN}, Account: "111122223333", Region: "us-east-1",
			KeyARN: ordersARN, Alias: evil, PrincipalARN: "arn:aws:iam::111122223333:role/order-service",
			SessionName: "x\r\nAll is well\x07", EventID: "8c9e6679-7425-40de-944b-e07fc1f90ae7", EventName: "Decrypt",
			EventTime: at(-26 * time.Hour), SourceIP: "10.0.4.17", UserAgent: "\x1b]0;pwned\x07", Mitre: []string{},
		},
		{
			ID: "fnd_01JPK00000000000000000CCCC", RuleID: "rotation-disabled", Severity: finding.Medium,
			Title: "Automatic rotation is off", Description: "It was off.", Fingerprint: "v1:02", Status: finding.Resolved,
			Episode: 1, Count: 1, FirstSeen: before(50 * day), LastSeen: before(49 * day), ResolvedAt: at(-49 * day),
			ResolvedBy: "KMS shows rotation on again", Subject: finding.Subject{Type: finding.Key, ID: payARN},
			Account: "111122223333", Region: "us-east-1", KeyARN: payARN, Mitre: []string{}, Expected: true,
			Why: "policy payments allows this principal", ActionIDs: []string{"act_01JPK00000000000000000AAAA"},
			Points: []string{"30 days", "14 days"}, ToldBy: "fnd_01JPK00000000000000000AAAA",
		},
	}
}

func someKeys() []admin.Key {
	left, worst := 24, finding.Critical
	next := noon.Add(120 * day)
	pay := inventory.Key{
		ARN: payARN, ID: "1234abcd-12ab-34cd-56ef-1234567890ab", Partition: "aws", Account: "111122223333",
		Region: "us-east-1", Description: "Card numbers", State: "Enabled", Manager: "CUSTOMER", Origin: "AWS_KMS",
		Spec: "SYMMETRIC_DEFAULT", Usage: "ENCRYPT_DECRYPT", Created: before(700 * day), Aliases: []string{"alias/pay-cards"},
		CurrentMaterial: "9d3a", Tags: map[string]string{"team": "payments", "tier": "1"}, Policy: `{"Version":"2012-10-17"}`,
		Rotation: &inventory.Rotation{
			Enabled: true, PeriodDays: 365, Next: &next, HistoryAt: before(time.Hour),
			History: []inventory.Rotated{
				{At: before(610 * day), Type: "ON_DEMAND"}, {At: before(245 * day), Type: "AUTOMATIC"},
			},
		},
		ReadAt: before(6 * time.Minute), FullAt: before(2 * time.Hour), FirstRead: before(30 * day),
	}
	orders := inventory.Key{
		ARN: ordersARN, ID: "5e0a7d34-91c6-4a7e-8f0d-2c6a1d9b4e22", Account: "111122223333", Region: "us-east-1",
		State: "PendingDeletion", Manager: "CUSTOMER", Origin: "AWS_KMS", Spec: "SYMMETRIC_DEFAULT",
		Usage: "ENCRYPT_DECRYPT", Created: before(90 * day), Aliases: []string{evil}, DeletionDate: at(6 * day),
		Denied: []string{"GetKeyPolicy"}, ReadAt: before(time.Hour),
		Rotation: &inventory.Rotation{},
	}
	signing := inventory.Key{
		ARN: "arn:aws:kms:eu-west-1:111122223333:key/9b27c6f0-6a1e-4c3b-b7d5-0e4f8a3c5d33", Account: "111122223333",
		ID: "9b27c6f0-6a1e-4c3b-b7d5-0e4f8a3c5d33", Region: "eu-west-1", State: "Enabled", Manager: "CUSTOMER",
		Origin: "AWS_KMS", Spec: "RSA_4096", Usage: "SIGN_VERIFY", Created: before(3 * 365 * day), ReadAt: before(time.Hour),
	}
	view := func(k inventory.Key) admin.Key { return admin.Key{Key: k, Eligible: remediation.Eligibility(&k)} }
	keys := []admin.Key{view(pay), view(orders), view(signing)}
	keys[0].Owner = "payments"
	keys[0].RotationPolicy, keys[0].OnDemandLeft, keys[0].LastUse = "payments", &left, before(13*time.Minute)
	keys[0].OpenFindings, keys[0].Worst = 1, &worst
	return keys
}

func someActions() []remediation.Action {
	return []remediation.Action{
		{
			ID: "act_01JPK00000000000000000BBBB", Verb: remediation.Rotate, Method: remediation.NewMaterial,
			State: remediation.Verifying, KeyARN: payARN, Alias: "alias/pay-cards", Account: "111122223333",
			Region: "us-east-1", Requester: "uid:1000 (ann)", Reason: "key may have leaked", Ticket: "INC-42", Emergency: true,
			Overrides: []string{"mode", "cooldown"}, Created: before(90 * time.Second), Started: before(80 * time.Second),
			CalledAt: before(80 * time.Second), Attempts: 1, Waiting: "KMS is rotating; reading again soon",
			RequestID: "ad0e2a5c", NotBefore: noon.Add(10 * time.Second),
		},
		{
			ID: "act_01JPK00000000000000000AAAA", Verb: remediation.Rotate, Method: remediation.EnableAutomatic,
			State: remediation.Succeeded, KeyARN: payARN, Alias: "alias/pay-cards", Account: "111122223333",
			Region: "us-east-1", PeriodDays: 365, Automatic: true, Requester: "rotd",
			Reason:    "puts right rotation-disabled as policy payments says",
			FindingID: "fnd_01JPK00000000000000000CCCC", Policy: "payments", Created: before(49 * day), Attempts: 1,
			Ended:   at(-49 * day),
			Outcome: "KMS now rotates alias/pay-cards by itself every 365 days. Everything encrypted before stays decryptable.",
		},
	}
}

func (d *fakeDaemon) Access() *admin.Access {
	return &admin.Access{Approve: []string{"arn:aws:iam::111122223333:user/*"}}
}

func (d *fakeDaemon) Identify(context.Context, admin.Proof) (*admin.AWSIdentity, error) {
	return &admin.AWSIdentity{ARN: "arn:aws:iam::111122223333:user/bob", Person: "aws-user:AIDABOB"}, nil
}

func (d *fakeDaemon) Approve(
	_ context.Context, id, plan string, by remediation.Who, reason string,
) (*remediation.Action, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := range d.actions {
		if d.actions[i].ID == id {
			a, err := remediation.Approve(d.actions[i], plan, by, reason, d.status.Now)
			if err != nil {
				return nil, admin.As(admin.ErrRefused, err)
			}
			return &a, nil
		}
	}
	return nil, admin.ErrNotFound
}

func (d *fakeDaemon) Cancel(_ context.Context, id, by, reason string) (*remediation.Action, error) {
	for i := range d.actions {
		if d.actions[i].ID == id {
			a, err := remediation.Cancel(d.actions[i], by, reason, d.status.Now)
			if err != nil {
				return nil, admin.As(admin.ErrRefused, err)
			}
			return &a, nil
		}
	}
	return nil, admin.ErrNotFound
}

func (d *fakeDaemon) Status(context.Context) (*admin.Status, error) {
	s := *d.status
	return &s, nil
}

func (d *fakeDaemon) NotReady(context.Context) []string { return d.notReady }

// pageOf cuts a page, with the next row's number as its cursor.
func pageOf[T any](items []T, r admin.Range, keep func(*T) bool) admin.Page[T] {
	var kept []T
	for i := range items {
		if keep(&items[i]) {
			kept = append(kept, items[i])
		}
	}
	from := 0
	if r.After != "" {
		fmt.Sscan(r.After, &from)
	}
	page := admin.Page[T]{Items: kept[min(from, len(kept)):]}
	if len(page.Items) > r.Limit {
		page.Items, page.Next = page.Items[:r.Limit], fmt.Sprint(from+r.Limit)
	}
	return page
}

func (d *fakeDaemon) Findings(_ context.Context, q admin.FindingQuery) (admin.Page[finding.Finding], error) {
	page := pageOf(d.findings, q.Range, q.Keep)
	page.Unreadable = d.unreadable
	return page, nil
}

func (d *fakeDaemon) Finding(_ context.Context, id string) (*finding.Finding, error) {
	for i := range d.findings {
		if d.findings[i].ID == id {
			return &d.findings[i], nil
		}
	}
	return nil, fmt.Errorf("finding %q: %w", id, admin.ErrNotFound)
}

func (d *fakeDaemon) Keys(_ context.Context, q admin.KeyQuery) (admin.Page[admin.Key], error) {
	page := pageOf(d.keys, q.Range, func(k *admin.Key) bool { return q.Keep(&k.Key, k.RotationPolicy) })
	page.Items, page.Partial = slices.Clone(page.Items), d.partial
	return page, nil
}

func (d *fakeDaemon) Key(_ context.Context, name string) (*admin.KeyDetail, error) {
	for i := range d.keys {
		k := &d.keys[i]
		if k.ARN != name && k.ID != name && k.Name() != name {
			continue
		}
		detail := &admin.KeyDetail{Key: *k, Exceptions: []policy.Applied{}}
		if i == 0 {
			detail.Moves = d.moves
			_, exceptions, source := somePolicies()
			detail.Assignment = d.assignment
			detail.Exceptions = exceptions.Applied(&k.Key, d.assignment, source, noon)
		}
		for _, f := range d.findings {
			if f.KeyARN == k.ARN && f.Status == finding.Open {
				detail.Findings = append(detail.Findings, f)
			}
		}
		for _, a := range d.actions {
			if a.KeyARN == k.ARN {
				detail.Actions = append(detail.Actions, a)
			}
		}
		return detail, nil
	}
	return nil, admin.As(admin.ErrNotFound, fmt.Errorf("unknown key %q", name))
}

func (d *fakeDaemon) Explain(_ context.Context, name string) (*policy.Explanation, error) {
	for i := range d.keys {
		if k := &d.keys[i].Key; k.ARN == name || k.Name() == name {
			set, exceptions, source := somePolicies()
			return set.Explain(k, d.assignment, exceptions, source, noon), nil
		}
	}
	return nil, admin.As(admin.ErrNotFound, fmt.Errorf("unknown key %q", name))
}

func (d *fakeDaemon) Abilities(_ context.Context, name string) (*remediation.Abilities, error) {
	for i := range d.keys {
		if k := &d.keys[i].Key; k.ARN == name || k.Name() == name {
			g := remediation.Guardrails{
				MaxMode: policy.Enforce, RotationsPerHour: 10, KeyCooldown: 24 * time.Hour, OnDemandReserve: 5,
				OverdueGrace: 7 * 24 * time.Hour,
			}
			set, _, _ := somePolicies()
			p := set.For(k)
			f := remediation.Facts{Now: noon, Key: k, Armed: true}
			if p != nil {
				f.Mode = p.Mode
			}
			all := g.Abilities(f, p)
			return &all, nil
		}
	}
	return nil, admin.As(admin.ErrNotFound, fmt.Errorf("unknown key %q", name))
}

// somePolicies are those of a small rotd.yaml.
func somePolicies() (policy.Set, policy.Exceptions, policy.Source) {
	set := policy.Set{
		{Name: "payments-eu", Match: policy.Match{Aliases: []string{"alias/pay-*"}, Regions: []string{"eu-west-1"}}},
		{
			Name: "payments", Mode: policy.Observe, Asked: policy.Enforce,
			Match: policy.Match{Tags: map[string]string{"team": "payments"}},
			Rotation: policy.Rotation{
				MaxAge: 365 * day, Automatic: 365 * day, Method: policy.Auto, Rationale: "PCI DSS 4.0.1 3.7.4",
			},
			Allow:     []string{"arn:aws:iam::111122223333:role/pay-*", "arn:aws:iam::111122223333:role/backup"},
			Respond:   []policy.Response{{RuleID: "rotation-turned-off", Action: "restore"}},
			OwnerTags: []string{"owner", "team"},
		},
		{Name: "everything-else", Mode: policy.Observe, Rotation: policy.Rotation{Method: policy.None}},
	}
	exceptions := policy.Exceptions{
		{
			Name: "reader-firmware", Keys: []string{"alias/pay-cards"}, Checks: []string{"rotation-overdue"}, Author: "jane",
			Approver: "ciso", Reason: "the readers take no new key before their next update", Expires: noon.Add(17 * day),
		},
		{Name: "freeze", Keys: []string{"*"}, Author: "joe", Reason: "end of year", Expires: before(day)},
	}
	return set, exceptions, policy.Source{Ceiling: policy.Observe, Lines: map[string]int{
		"mode": 2, "policies[0].name": 20, "policies[1].name": 31, "policies[1].rotation.max_age": 35,
		"policies[1].rotation.rationale": 36, "policies[1].mode": 37, "policies[1].principals.allow": 38,
		"policies[1].respond": 40, "policies[1].owner_tags": 41, "policies[2].name": 44, "exceptions[0].name": 50,
		"exceptions[1].name": 57,
	}}
}

// moved is a key that a tag change moved to a laxer policy.
func moved() *policy.Assignment {
	return &policy.Assignment{Policy: "payments", Since: before(time.Hour), Pending: &policy.Pending{
		Policy: "everything-else", Since: before(time.Hour), Changed: []string{"tag team=payments removed"},
		Laxer: []string{"no max_age instead of 365d", "method none instead of auto"},
	}}
}

func (d *fakeDaemon) Resolve(_ context.Context, id, by string, r admin.ResolveRequest) (*finding.Finding, error) {
	for i := range d.findings {
		if f := d.findings[i]; f.ID == id {
			f.Resolve(noon, "uid:1000 (ann) says that it is over: "+r.Reason)
			return &f, nil
		}
	}
	return nil, admin.As(admin.ErrNotFound, fmt.Errorf("unknown finding %q", id))
}

func (d *fakeDaemon) Acknowledge(_ context.Context, id, by string, r admin.AckRequest) (
	admin.Acknowledged, error,
) {
	for i := range d.findings {
		if d.findings[i].ID != id {
			continue
		}
		f := d.findings[i]
		if r.Move != f.Move {
			return admin.Acknowledged{}, admin.As(admin.ErrRefused, errors.New("not the move that waits now"))
		}
		done := admin.Acknowledged{Finding: &f, Before: f.Acknowledged}
		f.Acknowledged = &finding.Acknowledgement{At: noon, By: "uid:1000 (ann)", Reason: r.Reason}
		if f.RuleID == detection.AssignmentChangedID {
			f.Resolve(noon, by)
		}
		return done, nil
	}
	return admin.Acknowledged{}, admin.As(admin.ErrNotFound, fmt.Errorf("unknown finding %q", id))
}

func (d *fakeDaemon) KeyUsage(ctx context.Context, name string, since time.Time) (*admin.KeyUsage, error) {
	k, err := d.Key(ctx, name)
	if err != nil {
		return nil, err
	}
	u := d.usage(since)
	u.KeyARN, u.KMS = k.ARN, k.LastUsage
	if len(k.Aliases) > 0 {
		u.Alias = k.Aliases[0]
	}
	u.Latest(k.LastUse)
	return u, nil
}

func (d *fakeDaemon) Actions(_ context.Context, q admin.ActionQuery) (admin.Page[remediation.Action], error) {
	return pageOf(d.actions, q.Range, q.Keep), nil
}

func (d *fakeDaemon) Action(_ context.Context, id string, _ time.Duration) (*remediation.Action, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if a := d.plan.Action; a != nil && a.ID == id {
		next := *a
		if len(d.states) > 0 {
			next.State, d.states = d.states[0], d.states[1:]
		}
		if next.State.Final() && next.Verb == remediation.Contain {
			d.finish(&next)
		} else if next.State.Final() {
			next.Outcome = "alias/pay-cards has new key material (9d3a). Everything encrypted before stays decryptable."
		}
		return &next, nil
	}
	for i := range d.actions {
		if d.actions[i].ID == id {
			return &d.actions[i], nil
		}
	}
	return nil, fmt.Errorf("action %q: %w", id, admin.ErrNotFound)
}

func (d *fakeDaemon) Quarantine(_ context.Context, r admin.Range) (admin.Page[admin.Quarantined], error) {
	return pageOf([]admin.Quarantined{
		{
			Seq: 12, At: before(time.Hour), Reason: "duplicate-key", Bytes: 2412,
			Detail: `malformed (duplicate-key) at byte 460: "eventName" is given twice`,
			Queue:  "https://sqs.us-east-1.amazonaws.com/111122223333/rotd", MessageID: "m-1", SenderID: "AIDA",
		},
		{
			Seq: 11, At: before(2 * day), Reason: "syntax", Detail: "not JSON", Object: "s3://trail/AWSLogs/x.json.gz",
			Bytes: 7,
		},
	}, r, func(*admin.Quarantined) bool { return true }), nil
}

func (d *fakeDaemon) Rotate(_ context.Context, r admin.RotateRequest) (*admin.Planned, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if r.Key == "alias/unknown" {
		return nil, admin.As(admin.ErrNotFound, fmt.Errorf("unknown key %q", r.Key))
	}
	d.rotated = append(d.rotated, r)
	plan := d.plan
	if !r.DryRun && d.begun != nil {
		plan = *d.begun
	}
	if r.DryRun && plan.Action != nil {
		action := *plan.Action
		action.ID = ""
		plan.Action = &action
	}
	return &plan, nil
}

// AuditEntries and AuditLog are of d.db.
func (d *fakeDaemon) AuditEntries(_ context.Context, q admin.AuditQuery) (page admin.Page[audit.Entry], err error) {
	err = d.db.View(func(tx *state.Tx) error {
		page.Items, page.Next, err = tx.AuditEntries(q.After, q.Limit, q.Keep)
		return err
	})
	return page, err
}

func (d *fakeDaemon) AuditLog(_ context.Context, after uint64, to io.Writer) error {
	return d.db.View(func(tx *state.Tx) error {
		lines, _ := tx.AuditLines(after, 1000)
		for _, line := range lines {
			fmt.Fprintf(to, "%s\n", line)
		}
		return nil
	})
}

func (d *fakeDaemon) Sweep(_, name string) (<-chan error, error) {
	if name != "drift" {
		return nil, admin.As(admin.ErrInvalid, fmt.Errorf("there is no sweep %q; there are drift", name))
	}
	done := make(chan error, 1)
	if !d.sweeping {
		done <- d.sweepErr
	}
	return done, nil
}

// Report writes what was asked for.
func (d *fakeDaemon) Report(_ context.Context, q report.Query, to io.Writer) error {
	if _, err := fmt.Fprintf(to, "%s %s %s\n", q.Format, q.Framework, q.Policy); err != nil {
		return err
	}
	return d.reportErr
}

func (d *fakeDaemon) Names(context.Context) (admin.Names, error) {
	return admin.Names{
		Rules: append(detection.RuleIDs(), detection.CheckIDs()...), Policies: []string{"payments"},
		Places: []admin.Place{{Account: "111122223333", Region: "us-east-1"}, {Account: "111122223333", Region: "eu-west-1"}},
	}, nil
}

func (d *fakeDaemon) Pause(context.Context, string, string, string) (*state.Pause, error) {
	return d.status.Paused, nil
}

func (d *fakeDaemon) Resume(context.Context, string, string) (admin.Paused, error) {
	return admin.Paused{Before: d.status.Paused, Armed: !d.status.Armed, Breaker: d.status.Breaker}, nil
}

func (d *fakeDaemon) CopyState(ctx context.Context, _ string) (*state.Copy, error) {
	return d.db.Copy(ctx)
}

func (d *fakeDaemon) BackUp(_ context.Context, r admin.BackupRequest) (*admin.Backup, error) {
	if r.To == "s3://backups/taken.db" && !r.Overwrite {
		return nil, admin.As(admin.ErrInvalid, fmt.Errorf("%s is there already; --force overwrites it", r.To))
	}
	return &admin.Backup{To: r.To, Description: someState(), SHA256: "9f86d081884c7d659a2feaa0c55ad015"}, nil
}

func (d *fakeDaemon) CheckState(context.Context) (*admin.StateCheck, error) {
	return &admin.StateCheck{Path: "/var/lib/rotd/rotd.db", Description: someState(), Free: 300 << 20}, nil
}

func (d *fakeDaemon) CompactState(context.Context, string) (*state.Usage, error) {
	return &state.Usage{Bytes: 412 << 20, Free: 300 << 20}, nil
}

func (d *fakeDaemon) Reencrypt(_ context.Context, r admin.ReencryptRequest) (*admin.ReencryptPlan, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	plan := &admin.ReencryptPlan{
		To: d.keys[0].Key, Decision: d.mayMove, Rate: 2400, Warnings: []string{}, Job: reencrypt.Job{
			Kind: reencrypt.Blobs, To: payARN, Manifest: r.Manifest, Total: r.Total, State: reencrypt.Running, DryRun: r.DryRun,
			Requester: r.Requester, Reason: r.Reason, Created: noon, Updated: noon,
		},
	}
	if r.Location != "" {
		plan.Job.Kind, plan.Job.Location, plan.Job.Total = reencrypt.Objects, r.Location, 0
		plan.Warnings = []string{"The bucket has versions: older ones stay as they are."}
		plan.Job.Counts = d.moved
		if !r.PlanOnly && d.moved.Seen > 0 {
			plan.Job.End(reencrypt.Done, "", noon)
		}
		if d.moved.Failed > 0 {
			plan.Job.Failures = []reencrypt.Item{{What: "data/" + evil, Failure: *reencrypt.Fail("archived", "it is archived")}}
		}
	}
	if r.From != "" {
		plan.From, plan.Job.From = &d.keys[1].Key, ordersARN
	}
	if !r.PlanOnly {
		plan.Job.ID = fmt.Sprintf("mov_01JPK00000000000000000JOB%d", len(d.jobs)+1)
		d.jobs = append(d.jobs, plan.Job)
	}
	return plan, nil
}

// ReencryptBlobs moves blobs that do not begin with "bad", as long as the test lets it.
func (d *fakeDaemon) ReencryptBlobs(_ context.Context, id string, first int64, blobs []reencrypt.Blob) (
	*admin.BlobsAnswer, error,
) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.batches++
	if d.moveErr != nil {
		return nil, d.moveErr
	}
	answer := &admin.BlobsAnswer{Outcomes: []reencrypt.Outcome{}, Waiting: d.moveWaits}
	for i := range blobs {
		switch {
		case answer.Waiting != "":
		case strings.HasPrefix(string(blobs[i].Ciphertext), "bad"):
			answer.Outcomes = append(answer.Outcomes, reencrypt.Outcome{
				Failure: reencrypt.Refusal("InvalidCiphertextException", ""),
			})
		default:
			answer.Outcomes = append(answer.Outcomes, reencrypt.Outcome{
				Moved: reencrypt.Moved{Ciphertext: append([]byte("new "), blobs[i].Ciphertext...), From: ordersARN, To: payARN},
			})
		}
	}
	return answer, nil
}

func (d *fakeDaemon) Jobs(context.Context, admin.Range) (admin.Page[reencrypt.Job], error) {
	return admin.Page[reencrypt.Job]{Items: d.jobs}, nil
}

func (d *fakeDaemon) Job(_ context.Context, id string) (*reencrypt.Job, error) {
	for i := range d.jobs {
		if d.jobs[i].ID == id {
			return &d.jobs[i], nil
		}
	}
	return nil, fmt.Errorf("job %q: %w", id, admin.ErrNotFound)
}

func (d *fakeDaemon) CancelJob(ctx context.Context, id, by, reason string) (*reencrypt.Job, error) {
	job, err := d.Job(ctx, id)
	if err == nil {
		job.End(reencrypt.Cancelled, "cancelled by "+by+": "+reason, noon)
	}
	return job, err
}

func someState() state.Description {
	return state.Description{
		Bytes: 412 << 20, Shard: "default", Schema: 1, Created: before(100 * day), Keys: 98_104, Findings: 412, Actions: 1,
		Commits: state.Commits{Count: 1_204_551, At: before(3 * time.Second)},
	}
}

func (d *fakeDaemon) Replace(_ context.Context, r admin.ReplaceRequest) (*admin.Planned, error) {
	if r.Spec == "ECC_NIST_P256" {
		return &admin.Planned{
			Key: d.keys[2].Key, NoAction: "KMS moves an alias only between keys of the same type.",
			Decision: remediation.Decision{Verdict: remediation.Refuse, Guardrail: remediation.GuardNotEligible},
		}, nil
	}
	return d.replacing(remediation.NewKey, r.DryRun), nil
}

func (d *fakeDaemon) UndoAlias(_ context.Context, r admin.UndoAliasRequest) (*admin.Planned, error) {
	return d.replacing(remediation.MoveBack, r.DryRun), nil
}

// replacing is a plan that moves aliases.
func (d *fakeDaemon) replacing(method remediation.Method, dryRun bool) *admin.Planned {
	k, made := d.keys[2].Key, "arn:aws:kms:us-east-1:111122223333:key/77777777-12ab-34cd-56ef-1234567890ab"
	plan := &admin.Planned{
		Key: k, Cost: "one more key's monthly fee: the old key stays", Breaks: "Nothing at once: the old key stays enabled.",
		Decision: remediation.Decision{Verdict: remediation.Allow},
		Action: &remediation.Action{
			Verb: remediation.Replace, Method: method, State: remediation.Planned, KeyARN: k.ARN, Alias: "alias/signing",
			Created: noon,
		},
		Warnings: []string{"The key policy names the old key's id: the new key gets it word for word. Read it."},
	}
	move := remediation.Call{Operation: remediation.UpdateAlias, Alias: "alias/signing", FromARN: k.ARN}
	a := plan.Action
	a.Calls = []remediation.Call{{Operation: remediation.CreateKey}, move, {
		Operation: remediation.TagResource, KeyARN: k.ARN, Tags: map[string]string{remediation.ReplacedByTag: made},
	}}
	if method == remediation.MoveBack {
		move.KeyARN, move.FromARN = k.ARN, made
		plan.Warnings, a.Calls = nil, []remediation.Call{move}
	}
	if !dryRun {
		a.ID, a.State, a.NewKeyARN, a.Outcome = "act_01JPK00000000000000000NEW2", remediation.Succeeded, made,
			"alias/signing was replaced by "+made+"."
	}
	return plan
}
