package main

import (
	"strings"
	"testing"

	"rotd/internal/admin"
	"rotd/internal/impact"
	"rotd/internal/remediation"
)

func TestContainAsPeopleSeeIt(t *testing.T) {
	tests := []struct {
		name   string
		change func(d *fakeDaemon)
		args   []string
		status admin.ExitStatus
	}{
		{name: "contain-preview", args: []string{"alias/pay-cards", "--dry-run"}},
		{name: "contain-no-measure", args: []string{"alias/pay-cards", "-o", "jsonl"}, status: admin.ExitUsage},
		{name: "contain-dry-run", args: []string{
			"alias/pay-cards", "--dry-run", "--disable", "--revoke-all", "--retire-alias", "alias/pay-cards",
		}},
		{
			name: "contain-emergency",
			args: []string{"alias/pay-cards", "--disable", "--emergency", "--reason", "stolen role", "--yes"},
			change: func(d *fakeDaemon) {
				d.plan.Decision.Overridden = []string{"mode", "paused"}
				d.states = []remediation.State{remediation.Running, remediation.Succeeded}
			},
		},
		{
			name: "contain-json", args: []string{
				"alias/pay-cards", "--retire-alias", "alias/pay-cards", "--reason", "r", "--yes", "-o", "jsonl",
			},
			change: func(d *fakeDaemon) { d.states = []remediation.State{remediation.Succeeded} },
		},
		{
			name: "contain-refused", args: []string{"alias/pay-cards", "--disable", "--reason", "r", "--yes"},
			status: admin.ExitRefused,
			change: func(d *fakeDaemon) {
				d.plan.Decision = remediation.Decision{
					Verdict: remediation.Refuse, Guardrail: "paused",
					Reason: "rotd is paused (holidays). In an emergency, --emergency passes this.",
				}
			},
		},
		{
			name: "contain-not-eligible", status: admin.ExitRefused,
			args: []string{"alias/pay-cards", "--revoke", "nope", "--reason", "r", "--yes", "-o", "jsonl"},
		},
		{
			name: "contain-refused-at-last", status: admin.ExitRefused,
			args: []string{"alias/pay-cards", "--disable", "--reason", "r", "--yes", "-o", "jsonl"},
			change: func(d *fakeDaemon) {
				d.begun = &admin.Planned{Decision: remediation.Decision{
					Verdict: remediation.Refuse, Guardrail: "superseded", Reason: "Look again.",
				}}
			},
		},
		{
			name: "contain-failed", status: admin.ExitFailed,
			args: []string{
				"alias/pay-cards", "--disable", "--retire-alias", "alias/pay-cards", "--reason", "r", "--yes",
			},
			change: func(d *fakeDaemon) { d.states = []remediation.State{remediation.Failed} },
		},
		{
			name: "contain-undo",
			args: []string{"alias/pay-cards", "--undo", earlier, "--reason", "all clear", "--yes"},
			change: func(d *fakeDaemon) {
				facts := d.facts
				d.facts = func() *impact.Facts { f := facts(); f.Key.State = "Disabled"; return f }
				d.states = []remediation.State{remediation.Succeeded}
			},
		},
		{
			name: "contain-break-glass-alone", status: admin.ExitUsage,
			args: []string{"alias/pay-cards", "--disable", "--reason", "r", "--yes", "--break-glass"},
		},
		{
			name: "contain-proposed", status: admin.ExitApproval,
			args: []string{"alias/pay-cards", "--disable", "--reason", "stolen role", "--incident", "inc_1", "--yes"},
			change: func(d *fakeDaemon) {
				d.plan.Decision = remediation.Decision{
					Verdict: remediation.NeedsApproval, Guardrail: remediation.GuardMode,
					Reason: "Mode propose: a second person must approve first that rotd may contain it.",
				}
			},
		},
		{name: "contain-unknown-key", args: []string{"alias/unknown", "--dry-run"}, status: admin.ExitFailed},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d := newFakeDaemon()
			if test.change != nil {
				test.change(d)
			}
			s := newSession(map[string]string{"ROTD_SOCKET": serve(t, d)})
			if got := s.run(t, append([]string{"contain"}, test.args...)...); got != test.status {
				t.Errorf("exit status %d, want %d", got, test.status)
			}
			shown := s.out.String()
			if s.err.Len() > 0 {
				shown += "--- stderr\n" + s.err.String()
			}
			golden(t, test.name, shown)
			fitsButCommands(t, s)
		})
	}
}

func TestNobodyContainsUnasked(t *testing.T) {
	measures := []string{"contain", "alias/pay-cards", "--disable", "--reason", "leak"}
	for _, test := range []struct {
		name, answer string
		status       admin.ExitStatus
		acts         bool
	}{
		{"yes", "y\n", admin.ExitDone, true},
		{"no", "n\n", admin.ExitFailed, false},
		{"the end of the input", "", admin.ExitFailed, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := newFakeDaemon()
			d.states = []remediation.State{remediation.Succeeded}
			s := newSession(map[string]string{"ROTD_SOCKET": serve(t, d)})
			s.cli.in = strings.NewReader(test.answer)
			if got := s.run(t, measures...); got != test.status {
				t.Errorf("exit status %d, want %d", got, test.status)
			}
			if acts := !d.contained[len(d.contained)-1].DryRun; acts != test.acts {
				t.Errorf("asked of the daemon: %+v", d.contained)
			}
		})
	}
	t.Run("without a terminal", func(t *testing.T) {
		d := newFakeDaemon()
		s := newSession(map[string]string{"ROTD_SOCKET": serve(t, d)})
		s.cli.terminal.in = false
		if got := s.run(t, measures...); got != admin.ExitUsage || len(d.contained) > 0 {
			t.Errorf("exit status %d, asked of the daemon: %+v", got, d.contained)
		}
	})
}

func TestWhatIsContainedIsWhatWasShownAndSigned(t *testing.T) {
	credentials(t)
	d := newFakeDaemon()
	d.states = []remediation.State{remediation.Succeeded}
	s := newSession(map[string]string{"ROTD_SOCKET": serve(t, d)})
	status := s.run(t, "contain", "alias/pay-cards", "--revoke-all", "--reason", "leak", "--yes", "--aws-identity")
	if status != admin.ExitDone || len(d.contained) != 2 || d.contained[0].Identity != "" || d.contained[0].Proven != "" {
		t.Fatalf("exit status %d, asked of the daemon: %+v\n%s", status, d.contained, s.err.String())
	}
	shown, err := d.Contain(t.Context(), d.contained[0])
	if err != nil {
		t.Fatal(err)
	}
	begun := d.contained[1]
	if begun.DryRun || begun.Identity != shown.Identity || begun.Proven != shown.Request || begun.Requester.Is == nil {
		t.Errorf("asked of the daemon: %+v", begun)
	}
}
