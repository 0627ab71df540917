package main

import (
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"rotd/internal/admin"
	"rotd/internal/detection"
	"rotd/internal/events/queue"
	"rotd/internal/finding"
	"rotd/internal/inventory"
	"rotd/internal/policy"
	"rotd/internal/remediation"
	"rotd/internal/state"
)

// unwell gives the daemon something to say.
func unwell(d *fakeDaemon) {
	d.status.NotReady = []string{"queue rotd: the queue does not exist"}
	d.status.Queues[0] = admin.Queue{
		URL: "q/rotd", State: queue.StateQueueMissing, Reason: "the queue does not exist",
		Since: before(time.Hour),
	}
	d.status.Findings = admin.Counts{Critical: 1, High: 2, Medium: 3}
	d.status.Paused = &state.Pause{At: before(time.Hour), By: "uid:1000 (ann)", Reason: "moving accounts"}
	d.status.Places[1].LastError, d.status.Places[1].LastComplete = "AccessDeniedException", time.Time{}
	d.status.Outbox = admin.Outbox{Waiting: 4, Oldest: before(20 * time.Minute), LastError: "topic not found"}
	d.status.Jobs[0].LastError = "eu-west-1: AccessDeniedException"
	d.status.Jobs[1].RunningSince = before(time.Minute)
	d.notReady = d.status.NotReady
}

// laxer makes the first finding tell of a move to a laxer policy.
func laxer(d *fakeDaemon) {
	f := &d.findings[0]
	f.RuleID, f.Title, f.Move = detection.AssignmentChangedID, "A tag or alias change moved the key to a laxer policy",
		"0a1b2c3d4e5f"
	f.Description = "Tags or aliases of alias/pay-cards were changed, seen 2026-03-14T11:00:00Z (tag team=payments " +
		"removed), which moved the key from policy payments to no policy."
}

// broken opens the circuit breaker.
func broken(d *fakeDaemon) {
	d.status.Breaker = &remediation.Breaker{OpenedAt: before(time.Hour), Failures: []remediation.Failure{
		{ActionID: "act_1"}, {ActionID: "act_2"}, {ActionID: "act_3"},
	}}
}

// acknowledged lets somebody answer for the first finding.
func acknowledged(d *fakeDaemon) {
	d.findings[0].Acknowledged = &finding.Acknowledgement{
		At: before(time.Minute), By: "uid:1001 (joe)", Reason: "being looked into",
	}
}

// asItIs makes a plan of what is so already.
func asItIs(d *fakeDaemon) {
	d.plan.Action, d.plan.NoAction = nil, "Automatic rotation is already on, every 365 days."
	d.plan.Decision = remediation.Decision{Verdict: remediation.Allow, Reason: d.plan.NoAction}
}

// proposed lets the first action, and what is asked for, await approval.
func proposed(d *fakeDaemon) {
	needs := remediation.Decision{
		Verdict: remediation.NeedsApproval, Guardrail: remediation.GuardMode,
		Reason: "Mode propose: a second person must approve first that rotd may rotate it.",
	}
	a := d.actions[0]
	a.Attempts, a.Started, a.CalledAt, a.RequestID, a.Overrides = 0, time.Time{}, time.Time{}, "", nil
	a.RequesterIs = []string{"uid:1000"}
	d.actions[0] = remediation.Ask(a, needs, remediation.Guardrails{ApprovalTTL: 4 * time.Hour}, before(time.Minute))
	begun := d.plan
	waits := remediation.Ask(*d.plan.Action, needs, remediation.Guardrails{ApprovalTTL: 4 * time.Hour}, noon)
	begun.Action, begun.Decision, d.plan.Decision = &waits, needs, needs
	d.begun = &begun
}

// credentials are what --aws-identity signs with.
func credentials(t *testing.T) {
	t.Helper()
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_CONFIG_FILE": os.DevNull,
		"AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_REGION": "eu-west-1",
	} {
		t.Setenv(name, value)
	}
}

func TestCommandsAsPeopleSeeThem(t *testing.T) {
	credentials(t)
	const proposal = "act_01JPK00000000000000000BBBB"
	tests := []struct {
		name   string
		change func(d *fakeDaemon)
		args   []string
		status admin.ExitStatus
	}{
		{name: "status-in-order", args: []string{"status"}},
		{name: "status-things-to-look-at", args: []string{"status"}, change: func(d *fakeDaemon) { d.status.Armed = false }},
		{name: "status-not-in-order", args: []string{"status"}, change: unwell},
		{name: "status-breaker-open", args: []string{"status"}, change: broken},
		{name: "resume-breaker-open", args: []string{"resume"}, change: broken},
		{name: "status-json", args: []string{"status", "-o", "json"}},
		{name: "status-organization", args: []string{"status"}, change: func(d *fakeDaemon) {
			d.status.Organization = &admin.Organization{ListedAt: before(2 * time.Hour), Accounts: 14, Skipped: []state.Member{
				{ID: "222233334444", Name: "old\x1b[31m shop", State: "SUSPENDED"},
				{ID: "333344445555", Name: "sandbox", State: "ACTIVE"},
			}}
		}},
		{name: "findings-list", args: []string{"findings", "list"}},
		{name: "findings-list-all-jsonl", args: []string{"findings", "list", "--status", "all", "-o", "jsonl"}},
		{name: "findings-list-csv", args: []string{"findings", "list", "--status", "all", "-o", "csv"}},
		{name: "findings-list-none", args: []string{"findings", "list", "--rule", "root-used-key"}},
		{name: "findings-list-more", args: []string{"findings", "list", "--limit", "1"}},
		{name: "findings-list-json-page", args: []string{"findings", "list", "--limit", "1", "-o", "json"}},
		{
			name: "findings-list-rule-unknown", status: admin.ExitUsage,
			args: []string{"findings", "list", "--rule", "rot-used-key"},
		},
		{
			name: "findings-list-key-unknown", status: admin.ExitFailed,
			args: []string{"findings", "list", "--key", "alias/nope"},
		},
		{
			name: "findings-list-region-unknown", status: admin.ExitUsage,
			args: []string{"findings", "list", "--region", "nowhere"},
		},
		{
			name: "findings-list-after-rubbish", status: admin.ExitUsage,
			args: []string{"findings", "list", "--after", "rubbish"},
		},
		{
			name: "keys-list-state-unknown", status: admin.ExitUsage,
			args: []string{"keys", "list", "--state", "bogus"},
		},
		{
			name: "keys-list-policy-unknown", status: admin.ExitUsage,
			args: []string{"keys", "list", "--policy", "bogus"},
		},
		{
			name: "actions-list-key-unknown", status: admin.ExitFailed,
			args: []string{"actions", "list", "--key", "nope"},
		},
		{name: "findings-show", args: []string{"findings", "show", "fnd_01JPK00000000000000000AAAA"}},
		{name: "findings-show-hostile", args: []string{"findings", "show", "fnd_01JPK00000000000000000BBBB"}},
		{name: "findings-show-resolved", args: []string{"findings", "show", "fnd_01JPK00000000000000000CCCC"}},
		{name: "findings-show-missing", args: []string{"findings", "show", "fnd_9"}, status: admin.ExitFailed},
		{
			name: "findings-ack",
			args: []string{"findings", "ack", "fnd_01JPK00000000000000000AAAA", "--reason", "known, CHG-7"},
		},
		{
			name: "findings-ack-again", change: acknowledged,
			args: []string{"findings", "ack", "fnd_01JPK00000000000000000AAAA", "--reason", "known, CHG-7"},
		},
		{
			name: "findings-ack-move", change: laxer,
			args: []string{"findings", "ack", "fnd_01JPK00000000000000000AAAA", "--reason", "meant", "--yes"},
		},
		{
			name: "findings-ack-move-json", change: laxer,
			args: []string{"findings", "ack", "fnd_01JPK00000000000000000AAAA", "--reason", "meant", "--yes", "-o", "json"},
		},
		{
			name: "findings-ack-move-named", change: laxer,
			args: []string{"findings", "ack", "fnd_01JPK00000000000000000AAAA", "--reason", "meant", "--move", "0a1b2c3d4e5f"},
		},
		{
			name: "findings-ack-move-declined", change: laxer, status: admin.ExitFailed,
			args: []string{"findings", "ack", "fnd_01JPK00000000000000000AAAA", "--reason", "meant"},
		},
		{
			name: "findings-ack-move-other", change: laxer, status: admin.ExitRefused,
			args: []string{"findings", "ack", "fnd_01JPK00000000000000000AAAA", "--reason", "meant", "--move", "000000000000"},
		},
		{
			name: "findings-resolve",
			args: []string{"findings", "resolve", "fnd_01JPK00000000000000000AAAA", "--reason", "the test of CHG-7"},
		},
		{
			name: "findings-resolve-json",
			args: []string{"findings", "resolve", "fnd_01JPK00000000000000000AAAA", "--reason", "x", "-o", "json"},
		},
		{
			name: "findings-resolve-missing", args: []string{"findings", "resolve", "fnd_9", "--reason", "x"},
			status: admin.ExitFailed,
		},
		{
			name: "findings-resolve-reason", args: []string{"findings", "resolve", "fnd_01JPK00000000000000000AAAA"},
			status: admin.ExitUsage,
		},
		{name: "findings-ack-missing", args: []string{"findings", "ack", "fnd_9", "--reason", "x"}, status: admin.ExitFailed},
		{
			name: "findings-ack-reason", args: []string{"findings", "ack", "fnd_01JPK00000000000000000AAAA"},
			status: admin.ExitUsage,
		},
		{
			name: "findings-ack-json",
			args: []string{"findings", "ack", "fnd_01JPK00000000000000000BBBB", "--reason", "x", "-o", "json"},
		},
		{name: "findings-list-acknowledged", args: []string{"findings", "list"}, change: acknowledged},
		{
			name: "findings-show-acknowledged", args: []string{"findings", "show", "fnd_01JPK00000000000000000AAAA"},
			change: acknowledged,
		},
		{name: "config-test", args: []string{"config", "test", "-c", "testdata/config/rotd.yaml"}},
		{
			name: "config-test-fails", status: admin.ExitFailed,
			args: []string{
				"config", "test", "-c", "testdata/config/rotd.yaml", "testdata/config/failing.yaml",
				"testdata/config/rotd-test.yaml",
			},
		},
		{
			name: "config-test-json", status: admin.ExitFailed,
			args: []string{"config", "test", "-c", "testdata/config/rotd.yaml", "testdata/config/failing.yaml", "-o", "json"},
		},
		{
			name: "config-test-csv", status: admin.ExitFailed,
			args: []string{"config", "test", "-c", "testdata/config/rotd.yaml", "testdata/config/failing.yaml", "-o", "csv"},
		},
		{
			name: "config-test-wrong", status: admin.ExitUsage,
			args: []string{"config", "test", "-c", "testdata/config/rotd.yaml", "testdata/config/wrong.yaml"},
		},
		{
			name: "config-test-missing", status: admin.ExitUsage,
			args: []string{"config", "test", "-c", "testdata/config/rotd.yaml", "testdata/config/none.yaml"},
		},
		{name: "detections-test", args: []string{"detections", "test", "-c", "testdata/rules/rotd.yaml"}},
		{
			name: "detections-test-fails", status: admin.ExitFailed,
			args: []string{"detections", "test", "testdata/rules/failing.yaml"},
		},
		{
			name: "detections-test-jsonl", status: admin.ExitFailed,
			args: []string{"detections", "test", "testdata/rules/failing.yaml", "-o", "jsonl"},
		},
		{
			name: "detections-test-wrong", status: admin.ExitUsage,
			args: []string{"detections", "test", "testdata/rules/failing.yaml", "testdata/rules/wrong.yaml"},
		},
		{name: "detections-show-users", args: []string{"detections", "show", "-c", "testdata/rules/rotd.yaml", "denied"}},
		{name: "detections-show-tuned", args: []string{"detections", "show", "denied-burst"}},
		{name: "replay-users", args: []string{"replay", "-c", "testdata/rules/rotd.yaml", "../../testdata/trail/export"}},
		{name: "keys-explain", args: []string{"keys", "explain", "alias/pay-cards"}},
		{name: "keys-explain-hostile", args: []string{"keys", "explain", ordersARN}},
		{name: "keys-explain-json", args: []string{"keys", "explain", "alias/pay-cards", "-o", "json"}},
		{name: "keys-explain-unknown", args: []string{"keys", "explain", "alias/nope"}, status: admin.ExitFailed},
		{name: "config-explain", args: []string{"config", "explain", "alias/pay-cards"}},
		{
			name: "config-explain-moved", args: []string{"config", "explain", "alias/pay-cards"},
			change: func(d *fakeDaemon) { d.assignment, d.keys[0].Tags = moved(), nil },
		},
		{name: "config-explain-hostile", args: []string{"config", "explain", ordersARN}},
		{name: "config-explain-json", args: []string{"config", "explain", "alias/pay-cards", "-o", "json"}},
		{name: "config-explain-unknown", args: []string{"config", "explain", "alias/nope"}, status: admin.ExitFailed},
		{
			name: "keys-show-refused", args: []string{"keys", "show", "alias/pay-cards"},
			change: func(d *fakeDaemon) {
				d.keys[0].Denied, d.keys[0].ReadAt, d.keys[0].RefusedAt = []string{"DescribeKey"}, before(9*day), before(time.Hour)
			},
		},
		{
			name: "keys-show-replaced", args: []string{"keys", "show", "alias/pay-cards"},
			change: func(d *fakeDaemon) {
				d.keys[0].Lineage = &inventory.Lineage{
					ID: payARN, Replaces: "arn:aws:kms:us-east-1:111122223333:key/11111111-12ab-34cd-56ef-1234567890ab",
					ReplacedBy: "arn:aws:kms:us-east-1:111122223333:key/77777777-12ab-34cd-56ef-1234567890ab", At: before(3 * day),
				}
			},
		},
		{
			name: "keys-show-moved", args: []string{"keys", "show", "alias/pay-cards"},
			change: func(d *fakeDaemon) {
				d.assignment = &policy.Assignment{Policy: "payments", Hold: noon.Add(20 * time.Hour)}
			},
		},
		{name: "keys-list", args: []string{"keys", "list"}},
		{
			name: "findings-list-unreadable", args: []string{"findings", "list"},
			change: func(d *fakeDaemon) { d.unreadable = []string{"fnd_01JPK3X0000000000000000000", "fnd_\x1b[2J"} },
		},
		{
			name: "findings-list-unreadable-json", args: []string{"findings", "list", "-o", "json", "--limit", "1"},
			change: func(d *fakeDaemon) { d.unreadable = []string{"fnd_01JPK3X0000000000000000000", "fnd_\x1b[2J"} },
		},
		{
			name: "keys-list-partial", args: []string{"keys", "list", "--search", "pay"},
			change: func(d *fakeDaemon) { d.partial = true },
		},
		{name: "keys-list-csv", args: []string{"keys", "list", "-o", "csv"}},
		{name: "keys-show", args: []string{"keys", "show", "alias/pay-cards"}},
		{name: "keys-show-deleted", args: []string{"keys", "show", ordersARN}},
		{name: "keys-show-signing", args: []string{"keys", "show", "9b27c6f0-6a1e-4c3b-b7d5-0e4f8a3c5d33"}},
		{name: "keys-show-json", args: []string{"keys", "show", "alias/pay-cards", "-o", "json"}},
		{name: "keys-history", args: []string{"keys", "show", "alias/pay-cards", "--history"}},
		{
			name: "keys-history-some-days",
			args: []string{"keys", "show", "alias/pay-cards", "--history", "--since", "12d", "--until", "8d"},
		},
		{name: "keys-history-more", args: []string{"keys", "show", payARN, "--history", "--limit", "2"}},
		{
			name: "keys-history-none",
			args: []string{"keys", "show", "alias/pay-cards", "--history", "--since", "1h"},
		},
		{
			name: "keys-history-jsonl",
			args: []string{"keys", "show", "alias/pay-cards", "--history", "--limit", "3", "-o", "jsonl"},
		},
		{name: "keys-history-csv", args: []string{"keys", "show", "alias/pay-cards", "--history", "-o", "csv"}},
		{name: "keys-as-of", args: []string{"keys", "show", "alias/pay-cards", "--as-of", "2026-03-05"}},
		{name: "keys-as-of-forgotten", args: []string{"keys", "show", "alias/pay-cards", "--as-of", "22d"}},
		{name: "keys-as-of-doubtful", args: []string{"keys", "show", "alias/pay-cards", "--as-of", "2026-03-07T09:30:00Z"}},
		{name: "keys-as-of-json", args: []string{"keys", "show", "alias/pay-cards", "--as-of", "2026-03-05", "-o", "json"}},
		{
			name: "keys-as-of-before-known", status: admin.ExitFailed,
			args: []string{"keys", "show", "alias/pay-cards", "--as-of", "2025-01-01"},
		},
		{name: "actions-list", args: []string{"actions", "list"}},
		{name: "actions-list-pending", args: []string{"actions", "list", "--state", "pending", "-o", "jsonl"}},
		{name: "actions-show", args: []string{"actions", "show", "act_01JPK00000000000000000BBBB"}},
		{name: "actions-show-done", args: []string{"actions", "show", "act_01JPK00000000000000000AAAA"}},
		{name: "quarantine-list", args: []string{"quarantine", "list"}},
		{name: "quarantine-list-csv", args: []string{"quarantine", "list", "-o", "csv"}},
		{name: "rotate-dry-run", args: []string{"rotate", "alias/pay-cards", "--dry-run"}},
		{name: "rotate-schedule-dry-run", args: []string{"rotate", "alias/pay-cards", "--dry-run", "--automatic", "90d"}},
		{name: "rotate-dry-run-json", args: []string{"rotate", "alias/pay-cards", "--dry-run", "-o", "json"}},
		{
			name: "rotate-emergency", args: []string{"rotate", "alias/pay-cards", "--dry-run", "--emergency"},
			change: func(d *fakeDaemon) { d.plan.Decision.Overridden = []string{"mode", "cooldown"} },
		},
		{
			name: "rotate-imported", args: []string{"rotate", "alias/pay-cards", "--dry-run"},
			change: func(d *fakeDaemon) {
				d.plan.Material = "From command /usr/local/bin/new-material, imported into eu-west-1, then us-east-1. It does " +
					"not expire."
				d.plan.Warnings = []string{"arn:aws:kms:us-east-1:111122223333:key/mrk-1 is a multi-Region replica. Its primary " +
					"arn:aws:kms:eu-west-1:111122223333:key/mrk-1 in eu-west-1 is rotated, and with it all replicas."}
			},
		},
		{
			name: "rotate-refused", status: admin.ExitRefused,
			args: []string{"rotate", "alias/pay-cards", "--reason", "leak", "--yes"},
			change: func(d *fakeDaemon) {
				d.plan.Decision = remediation.Decision{
					Verdict: remediation.Refuse, Guardrail: "cooldown",
					Reason: "The key got new material at 2026-03-14 09:00Z and may get the next after 2026-03-15 09:00Z. " +
						"In an emergency, --emergency passes this.",
				}
			},
		},
		{
			name: "rotate-not-eligible", status: admin.ExitRefused,
			args: []string{"rotate", "alias/signing", "--reason", "leak", "--yes"},
			change: func(d *fakeDaemon) {
				k := d.keys[2]
				d.plan.Key, d.plan.Eligible, d.plan.Action = k.Key, k.Eligible, nil
				d.plan.NoAction = k.Eligible.Reason + " " + k.Eligible.Instead
				d.plan.Decision = remediation.Decision{Verdict: remediation.Refuse, Guardrail: "not-eligible"}
			},
		},
		{
			name: "rotate-schedule-as-it-is", change: asItIs,
			args: []string{"rotate", "alias/pay-cards", "--automatic", "365d", "--reason", "r"},
		},
		{
			name: "rotate-schedule-as-it-is-json", change: asItIs,
			args: []string{"rotate", "alias/pay-cards", "--automatic", "365d", "--reason", "r", "--yes", "-o", "jsonl"},
		},
		{
			name: "rotate-schedule-put-back",
			args: []string{"rotate", "alias/pay-cards", "--automatic", "500d", "--dry-run"},
			change: func(d *fakeDaemon) {
				d.plan.Warnings = []string{"Policy payments asks for 365d and is in mode enforce: rotd will set it back. " +
					"Change the policy instead."}
			},
		},
		{
			name: "rotate-refused-at-last", status: admin.ExitRefused,
			args: []string{"rotate", "alias/pay-cards", "--reason", "leak", "--yes", "-o", "jsonl"},
			change: func(d *fakeDaemon) {
				begun := d.plan
				begun.Decision = remediation.Decision{Verdict: remediation.Refuse, Guardrail: "cooldown", Reason: "Too soon."}
				d.begun = &begun
			},
		},
		{
			name: "rotate", args: []string{"rotate", "alias/pay-cards", "--reason", "leak", "--ticket", "INC-42", "--yes"},
			change: func(d *fakeDaemon) {
				d.states = []remediation.State{remediation.Running, remediation.Verifying, remediation.Succeeded}
			},
		},
		{
			name: "rotate-jsonl", args: []string{"rotate", "alias/pay-cards", "--reason", "leak", "--yes", "-o", "jsonl"},
			change: func(d *fakeDaemon) { d.states = []remediation.State{remediation.Succeeded} },
		},
		{
			name: "rotate-failed", args: []string{"rotate", "alias/pay-cards", "--reason", "leak", "--yes"},
			change: func(d *fakeDaemon) { d.states = []remediation.State{remediation.Failed} }, status: admin.ExitFailed,
		},
		{
			name: "rotate-unfinished", status: admin.ExitUnfinished,
			args: []string{"rotate", "alias/pay-cards", "--reason", "leak", "--yes", "--wait", "0s"},
		},
		{name: "rotate-unknown-key", args: []string{"rotate", "alias/unknown", "--dry-run"}, status: admin.ExitFailed},
		{name: "replace-dry-run", args: []string{"replace", "alias/signing", "--dry-run"}},
		{name: "replace", args: []string{"replace", "alias/signing", "--reason", "yearly", "--ticket", "OPS-7", "--yes"}},
		{name: "replace-jsonl", args: []string{"replace", "alias/signing", "--reason", "yearly", "--yes", "-o", "jsonl"}},
		{
			name: "replace-refused", status: admin.ExitRefused,
			args: []string{"replace", "alias/signing", "--spec", "ECC_NIST_P256", "--reason", "yearly", "--yes"},
		},
		{name: "undo-alias-dry-run", args: []string{"undo-alias", "alias/signing", "--dry-run"}},
		{name: "undo-alias", args: []string{"undo-alias", "alias/signing", "--reason", "callers fail", "--yes"}},
		{name: "rotate-proposed-dry-run", args: []string{"rotate", "alias/pay-cards", "--dry-run"}, change: proposed},
		{
			name: "rotate-proposed", args: []string{"rotate", "alias/pay-cards", "--reason", "leak", "--yes"},
			change: proposed, status: admin.ExitApproval,
		},
		{
			name: "rotate-break-glass-alone", status: admin.ExitUsage,
			args: []string{"rotate", "alias/pay-cards", "--reason", "leak", "--yes", "--break-glass"},
		},
		{name: "actions-show-proposed", args: []string{"actions", "show", proposal}, change: proposed},
		{
			name: "actions-approve", change: proposed, status: admin.ExitUnfinished,
			args: []string{"actions", "approve", proposal, "--reason", "seen", "--yes", "--aws-identity", "--wait", "0s"},
		},
		{
			name: "actions-approve-not-awaiting", status: admin.ExitRefused,
			args: []string{"actions", "approve", proposal, "--reason", "seen", "--yes"},
		},
		{
			name: "actions-approve-another-plan", change: proposed, status: admin.ExitRefused,
			args: []string{"actions", "approve", proposal, "--reason", "seen", "--yes", "--plan", "v1:00"},
		},
		{
			name: "actions-approve-declined", change: proposed, status: admin.ExitFailed,
			args: []string{"actions", "approve", proposal, "--reason", "seen"},
		},
		{
			name: "actions-approve-reason", change: proposed, status: admin.ExitUsage,
			args: []string{"actions", "approve", proposal, "--yes"},
		},
		{
			name: "actions-cancel", change: proposed,
			args: []string{"actions", "cancel", proposal, "--reason", "not tonight"},
		},
		{
			name: "actions-cancel-begun", status: admin.ExitRefused,
			args: []string{"actions", "cancel", proposal, "--reason", "not tonight"},
		},
		{name: "actions-cancel-reason", args: []string{"actions", "cancel", proposal}, status: admin.ExitUsage},
		{name: "sweep", args: []string{"sweep", "drift"}},
		{name: "sweep-unknown", args: []string{"sweep", "everything"}, status: admin.ExitUsage},
		{
			name: "sweep-failed", args: []string{"sweep", "drift"}, status: admin.ExitFailed,
			change: func(d *fakeDaemon) { d.sweepErr = errDeclined },
		},
		{
			name: "sweep-unfinished", args: []string{"sweep", "drift", "--wait", "0s"}, status: admin.ExitUnfinished,
			change: func(d *fakeDaemon) { d.sweeping = true },
		},
		{name: "pause", args: []string{"pause", "--reason", "moving accounts"}},
		{name: "pause-again", args: []string{"pause", "--reason", "moving more"}, change: unwell},
		{name: "resume", args: []string{"resume"}, change: unwell},
		{name: "resume-not-paused", args: []string{"resume"}},
		{name: "resume-arms", args: []string{"resume"}, change: func(d *fakeDaemon) { d.status.Armed = false }},
		{name: "resume-json", args: []string{"resume", "-o", "json"}},
		{name: "state-check", args: []string{"state", "check"}},
		{name: "state-check-json", args: []string{"state", "check", "-o", "json"}},
		{name: "state-compact", args: []string{"state", "compact"}},
		{name: "state-backup-s3", args: []string{"state", "backup", "s3://backups/rotd.db", "--kms-key", "alias/backups"}},
		{name: "state-backup-taken", args: []string{"state", "backup", "s3://backups/taken.db"}, status: admin.ExitUsage},
		{name: "state-backup-kms", args: []string{"state", "backup", "x.db", "--kms-key", "k"}, status: admin.ExitUsage},
		{name: "health", args: []string{"health"}},
		{name: "health-unwell", args: []string{"health"}, change: unwell, status: admin.ExitFailed},
		{name: "health-unwell-json", args: []string{"health", "-o", "json"}, change: unwell, status: admin.ExitFailed},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d := newFakeDaemon()
			if test.change != nil {
				test.change(d)
			}
			s := newSession(map[string]string{"ROTD_SOCKET": serve(t, d)})
			if got := s.run(t, test.args...); got != test.status {
				t.Errorf("exit status %d, want %d", got, test.status)
			}
			shown := s.out.String()
			if s.err.Len() > 0 {
				shown += "--- stderr\n" + s.err.String()
			}
			golden(t, test.name, shown)
			fits(t, s)
		})
	}
}

// fits wants tables and texts to be at most 80 columns wide, but for single words such as ARNs and for commands.
func fits(t *testing.T, s *session) {
	t.Helper()
	if s.cli.output != "table" {
		return
	}
	for line := range strings.Lines(s.out.String()) {
		words := strings.Fields(line)
		longWord := len(words) > 0 && len(words) <= 3 && utf8.RuneCountInString(words[len(words)-1]) > 60
		if utf8.RuneCountInString(strings.TrimSuffix(line, "\n")) > 80 && !longWord && !isCommand(strings.TrimSpace(line)) {
			t.Errorf("wider than 80 columns: %q", line)
		}
		if strings.ContainsFunc(strings.TrimSuffix(line, "\n"), isHidden) {
			t.Errorf("acts upon a terminal: %q", line)
		}
	}
}
