package e2e

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"rotd/internal/iam"
	"rotd/test/crash/world"
)

func statements(t *testing.T, policy string) (d iam.Document) {
	t.Helper()
	if err := json.Unmarshal([]byte(policy), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// without is a policy without some of its statements.
func without(t *testing.T, policy string, sids ...string) string {
	t.Helper()
	d := statements(t, policy)
	before := len(d.Statement)
	d.Statement = slices.DeleteFunc(d.Statement, func(s iam.Statement) bool { return slices.Contains(sids, s.Sid) })
	if len(d.Statement) != before-len(sids) {
		t.Fatalf("the policy has not each of %v once:\n%s", sids, policy)
	}
	text, err := d.JSON()
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// deprive takes statements from the policy that an access key was given.
func deprive(t *testing.T, w *world.World, accessKeyID string, sids ...string) {
	t.Helper()
	if err := w.Sim.SetPolicy(accessKeyID, without(t, w.Policy, sids...)); err != nil {
		t.Fatal(err)
	}
}

// command runs one of rotd's commands and returns what it says, whatever becomes of it.
func command(t *testing.T, w *world.World, args ...string) string {
	t.Helper()
	_, said, err := w.Says(t.Context(), w.App, args...)
	if err != nil {
		t.Fatal(err)
	}
	return said
}

// untilToldOf asks until people can read an action and what it was refused on: in the answer, or where they look. The
// first answer may be about what is under way.
func untilToldOf(t *testing.T, w *world.World, ask func() string, action, resource string) {
	t.Helper()
	tells := func(text string) bool {
		text = strings.Join(strings.Fields(text), " ") // lines are broken for the terminal
		return strings.Contains(text, action) && strings.Contains(text, resource)
	}
	until(t, "word of "+action+" on "+resource, func() bool {
		if tells(ask()) || tells(command(t, w, "status")) || tells(command(t, w, "quarantine", "list", "-o", "json")) {
			return true
		}
		var findings struct {
			Items []json.RawMessage `json:"items"`
		}
		if err := json.Unmarshal([]byte(command(t, w, "findings", "list", "-o", "json")), &findings); err != nil {
			return false // the daemon does not answer yet
		}
		return slices.ContainsFunc(findings.Items, func(f json.RawMessage) bool { return tells(string(f)) })
	})
}

// TestWhatIsRefusedIsToldByActionAndResource takes one statement after the other from the policy of a running daemon.
// Where another allows the same to some of what it is about, that one is taken, too.
func TestWhatIsRefusedIsToldByActionAndResource(t *testing.T) {
	t.Parallel()
	w, flags := storing(t)
	whole := printed(t, w, flags...)
	w.Policy = without(t, whole, "DeadLetters") // asked for at the start, and then once a minute
	ready(t, w)
	untilToldOf(t, w, func() string { return "" }, "sqs:GetQueueAttributes",
		"arn:aws:sqs:us-east-1:111122223333:rotd-dead-letters")
	untilTold(t, w, "digest")
	rotd := w.Sim.Requests(w.ByRotd)[0].AccessKeyID
	w.Policy = whole
	if err := w.Sim.SetPolicy(rotd, whole); err != nil {
		t.Fatal(err)
	}

	asked := func(args ...string) string {
		return command(t, w, append(args, "--reason", "INC-1", "--yes", "--emergency")...)
	}
	sweep := func(job string) func() string { return func() string { return command(t, w, "sweep", job) } }
	move := func() string {
		return asked("reencrypt", "--s3", "s3://vault/data/", "--from", "alias/pay-cards", "--to", "alias/pay-stolen")
	}
	logged := func(name string) func() string {
		return func() string { writeLogFile(t, w, name); return "" }
	}
	replace := func() string { return asked("replace", "alias/pay-signing") }
	const s3 = "arn:aws:s3:::"
	tried := []string{"DeadLetters"}
	for _, tt := range []struct {
		sids     string
		ask      func() string
		action   string
		resource string
	}{
		{"ListKeys", sweep("inventory"), "kms:ListKeys", "*"},
		{"ReadKeys", sweep("inventory"), "kms:DescribeKey", w.Keys["cards"]},
		{"ReadLogs", logged("second"), "s3:GetObject", s3 + "trail/AWSLogs/"},
		{"ReadLogsKey ObjectKeys", logged("third"), "kms:Decrypt", w.Keys["logs"]},
		{"Reports", sweep("report-often"), "s3:PutObject", s3 + "reports/rotd/"},
		{"ReportBuckets", sweep("report-often"), "s3:ListBucket", s3 + "reports"},
		{"Snapshots", sweep("snapshot"), "s3:PutObject", s3 + "backups/rotd/"},
		{"SnapshotBuckets", sweep("snapshot"), "s3:ListBucket", s3 + "backups"},
		{"OldSnapshots", sweep("snapshot"), "s3:DeleteObject", s3 + "backups/rotd/"},
		{"SnapshotKey ObjectKeys", sweep("snapshot"), "kms:GenerateDataKey", w.Keys["storage"]},
		{"Rotate", func() string { return asked("rotate", "alias/pay-cards") }, "kms:RotateKeyOnDemand", w.Keys["cards"]},
		{"AuditArchive", sweep("audit-export"), "s3:PutObject", s3 + "archive/audit/"},
		{
			"Import", func() string { return asked("rotate", "alias/pay-hsm") }, "kms:GetParametersForImport",
			w.Keys["hsm"],
		},
		{"CreateKeys", replace, "kms:CreateKey", w.Keys["signing"]},
		{"Replace", replace, "kms:TagResource", w.Keys["signing"]},
		{"MoveAliases", replace, "kms:UpdateAlias", "alias/pay-signing"},
		{"Restore", func() string {
			return asked("contain", "alias/pay-doomed", "--cancel-deletion")
		}, "kms:CancelKeyDeletion", w.Keys["doomed"]},
		{"Contain", func() string {
			return asked("contain", "alias/pay-stolen", "--disable")
		}, "kms:DisableKey", w.Keys["stolen"]},
		{"RetireAliases", func() string {
			return asked("contain", "alias/pay-stolen", "--retire-alias", "alias/spare")
		}, "kms:DeleteAlias", "alias/spare"},
		{"Reencrypt", func() string {
			return asked("reencrypt", "--manifest", oneSealed(t, w, world.Account), "--to", "alias/pay-stolen")
		}, "kms:ReEncryptFrom", w.Keys["cards"]},
		{"MoveObjects", move, "s3:GetObject", "vault"},
		{"ObjectBuckets", move, "s3:ListBucket", "vault"},
		{"ObjectKeys", move, "kms:Decrypt", w.Keys["cards"]},
		{"Events", sweep("heartbeat"), "sqs:ReceiveMessage", "arn:aws:sqs:us-east-1:111122223333:rotd"},
		{"Alerts", func() string { return asked("rotate", "alias/pay-cards") }, "sns:Publish", w.Topic},
	} {
		tried = append(tried, strings.Fields(tt.sids)...)
		deprive(t, w, rotd, strings.Fields(tt.sids)...)
		untilToldOf(t, w, tt.ask, tt.action, tt.resource)
		if err := w.Sim.SetPolicy(rotd, w.Policy); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range statements(t, w.Policy).Statement {
		if !slices.Contains(tried, s.Sid) {
			t.Errorf("nobody took %s away", s.Sid)
		}
	}
}

// TestWhatIsRefusedToLookAfterOtherAccountsIsTold begins with a role that it may not assume.
func TestWhatIsRefusedToLookAfterOtherAccountsIsTold(t *testing.T) {
	t.Parallel()
	w := lending(t)
	full := printed(t, w, "--verbs", "rotate")
	w.Policy = without(t, full, "Assume")
	d := run(t, w)
	until(t, "an answer", func() bool { _, err := w.Client.Status(t.Context()); return err == nil })
	inventory := func() string { return command(t, w, "sweep", "inventory") }
	untilToldOf(t, w, inventory, "sts:AssumeRole", memberRole)
	w.Policy = full
	rotd := w.Sim.Requests(w.ByRotd)[0].AccessKeyID
	deprive(t, w, rotd, "ListAccounts")
	untilToldOf(t, w, inventory, "organizations:ListAccounts", "*")
	d.Kill()
}
