package e2e

import (
	"strings"
	"testing"

	"rotd/internal/admin"
	"rotd/internal/awssim"
	"rotd/internal/remediation"
	"rotd/test/crash/world"
)

// proposing is a world in mode propose, where two IAM users may approve.
func proposing(t *testing.T, key string) (w *world.World, d *world.Daemon, kim, bob awssim.Principal) {
	t.Helper()
	w = newWorld(t, world.Options{}, key)
	kim, bob = w.Sim.NewAccessKey(world.Account, "kim"), w.Sim.NewAccessKey(world.Account, "bob")
	if err := w.Configure("mode: enforce\nstate:", "mode: propose\nstate:", "admin: {socket",
		`admin: {roles: {approve: ["`+kim.ARN+`", "`+bob.ARN+`"]}, socket`); err != nil {
		t.Fatal(err)
	}
	d = ready(t, w)
	untilTold(t, w, "digest")
	return w, d, kim, bob
}

// says runs a command and wants its exit status and a part of what it says.
func says(
	t *testing.T, w *world.World, as awssim.Principal, status admin.ExitStatus, part string, args ...string,
) {
	t.Helper()
	got, said, err := w.Says(t.Context(), as, args...)
	if err != nil || got != int(status) || !strings.Contains(said, part) {
		t.Errorf("rotd %s: exit status %d, want %d; it does not say %q (%v):\n%s", strings.Join(args, " "), got, status,
			part, err, said)
	}
}

// awaiting is the one action that awaits approval.
func awaiting(t *testing.T, w *world.World) (a remediation.Action) {
	t.Helper()
	until(t, "an action that awaits approval", func() bool {
		page, err := w.Client.Actions(t.Context(), admin.ActionQuery{State: string(remediation.AwaitingApproval)})
		if err == nil && len(page.Items) == 1 {
			a = page.Items[0]
			return true
		}
		return false
	})
	return a
}

// TestTwoPeopleRotateAKey asks and approves as two AWS users who share one account on the machine.
func TestTwoPeopleRotateAKey(t *testing.T) {
	t.Parallel()
	w, _, kim, bob := proposing(t, "cards")
	says(t, w, kim, admin.ExitApproval, "awaits approval", "rotate", "alias/pay-cards", "--reason", "leaver", "--yes",
		"--aws-identity")
	a := awaiting(t, w)
	if !strings.HasPrefix(a.Requester, kim.ARN) || len(changes(w)) > 0 {
		t.Fatalf("asked for by %q, done %+v", a.Requester, changes(w))
	}
	approve := []string{"actions", "approve", a.ID, "--plan", a.Approval.Plan, "--reason", "seen the ticket", "--yes"}
	says(t, w, bob, admin.ExitRefused, "may ask, but not approve", approve...)
	approve = append(approve, "--aws-identity")
	says(t, w, kim, admin.ExitRefused, "you asked for it yourself", approve...)
	says(t, w, w.Mallory, admin.ExitRefused, "may not approve", approve...)
	says(t, w, w.App, admin.ExitRefused, "it is no person", approve...)
	stranger := bob
	stranger.SecretAccessKey = "guessed"
	says(t, w, stranger, admin.ExitRefused, "SignatureDoesNotMatch", approve...)
	if done := changes(w); len(done) > 0 {
		t.Fatalf("rotd acted before anybody approved: %+v", done)
	}
	says(t, w, bob, admin.ExitDone, "Done.", approve...)
	says(t, w, bob, admin.ExitRefused, "awaits no approval", approve...)
	if done := changes(w); len(done) != 1 {
		t.Errorf("done: %+v", done)
	}
}

// TestAProposalOutlivesADaemon kills the daemon while what it proposes waits, and once more right after the approval.
func TestAProposalOutlivesADaemon(t *testing.T) {
	t.Parallel()
	w, d, _, bob := proposing(t, "cards")
	disable(t, w, "cards")
	untilTold(t, w, "action-awaiting-approval enable-automatic alias/pay-cards")
	a := awaiting(t, w)
	d.Kill()
	d = ready(t, w)
	if kept := awaiting(t, w); kept.ID != a.ID || kept.Approval.Plan != a.Approval.Plan {
		t.Fatalf("another action after a kill: %+v", kept)
	}
	says(t, w, bob, admin.ExitUnfinished, "not yet verified", "actions", "approve", a.ID, "--reason", "ok", "--yes",
		"--aws-identity", "--wait", "0s")
	d.Kill()
	ready(t, w)
	untilTold(t, w, "action-succeeded enable-automatic alias/pay-cards")
	if done := changes(w); len(done) != 1 {
		t.Errorf("done: %+v", done)
	}
}
