package engine

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"rotd/internal/awssim"
	"rotd/internal/remediation"
)

func ada() remediation.Who { return remediation.Who{Name: "uid:1000 (ada)", Is: []string{"uid:1000"}} }

func bob() remediation.Who { return remediation.Who{Name: "uid:1001 (bob)", Is: []string{"uid:1001"}} }

// proposing is a world where what rotd would do waits for somebody's approval.
func proposing(w *world) {
	w.settings.Policies[0].Mode = "propose"
	w.settings.Guardrails.ApprovalTTL = time.Hour
}

// approve approves an action as it is.
func (w *world) approve(a *remediation.Action, by remediation.Who) error {
	_, err := w.engine.Approve(a.ID, a.Approval.Plan, by, "seen the ticket")
	return err
}

func TestWhatRotdProposesBeginsOnceItIsApproved(t *testing.T) {
	w := newWorld(t, proposing)
	w.key(awssim.KeyOptions{Aliases: []string{"alias/pay-cards"}})
	w.sweep(Inventory)
	a := w.awaitAction(remediation.AwaitingApproval)
	w.awaitTold("action-awaiting-approval", a.ID, a.Approval.Plan)
	w.awaitTold("rotation-disabled", "Mode propose: a second person must approve first")
	w.stop()
	w.start()
	w.sweep(Inventory)
	if again := w.awaitAction(remediation.AwaitingApproval); again.ID != a.ID || len(w.actions()) != 1 {
		t.Errorf("a restart and a sweep made another action: %s", w.account())
	}
	if n := len(w.sim.EffectsOf("EnableKeyRotation")); n > 0 {
		t.Fatalf("%d calls that nobody approved", n)
	}
	w.check(w.approve(a, bob()))
	done := w.awaitAction(remediation.Succeeded)
	if by := done.Approval.By; by == nil || by.Name != bob().Name || len(w.sim.EffectsOf("EnableKeyRotation")) != 1 {
		t.Errorf("done by the approval %+v, %d effects", done.Approval, len(w.sim.EffectsOf("EnableKeyRotation")))
	}
	log := w.logged()
	log = slices.DeleteFunc(log, func(line string) bool { return strings.Contains(line, "log.") })
	want := []string{
		"rotd action.planned", "rotd approval.asked", "uid:1001 (bob) approval.given", "rotd call.intended",
		"rotd call.answered", "rotd call.verified", "rotd action.succeeded",
	}
	if !slices.Equal(log, want) {
		t.Errorf("audit log: %q", log)
	}
}

func TestNobodyApprovesWhatTheyAskedFor(t *testing.T) {
	w := newWorld(t, proposing)
	w.payments()
	plan := w.rotate("alias/pay-cards", false)
	if plan.Decision.Verdict != remediation.NeedsApproval || plan.Action.State != remediation.AwaitingApproval {
		t.Fatalf("got %+v, %s", plan.Decision, plan.Action.State)
	}
	for name, tt := range map[string]struct {
		by   remediation.Who
		plan string
		want error
	}{
		"who asked":             {ada(), plan.Action.Approval.Plan, remediation.ErrOwnRequest},
		"who looked at another": {bob(), "v1:00", remediation.ErrOtherPlan},
		"nobody in particular":  {remediation.Who{Name: "uid:0 (root)"}, plan.Action.Approval.Plan, remediation.ErrNoPerson},
	} {
		if _, err := w.engine.Approve(plan.Action.ID, tt.plan, tt.by, "ok"); !errors.Is(err, tt.want) {
			t.Errorf("%s approves: %v", name, err)
		}
	}
	if w.issued() > 0 {
		t.Fatal("KMS was asked")
	}
	if refused := strings.Count(strings.Join(w.logged(), "\n"), "approval.refused"); refused != 3 {
		t.Errorf("%d refusals in the audit log", refused)
	}
	w.check(w.approve(plan.Action, bob()))
	w.awaitAction(remediation.Succeeded)
	if err := w.approve(plan.Action, bob()); !errors.Is(err, remediation.ErrNotAwaiting) || w.issued() != 1 {
		t.Errorf("approved twice: %v, issued %d times", err, w.issued())
	}
}

func TestWhoNamesNoPersonAsksForNothingThatNeedsASecondOne(t *testing.T) {
	w := newWorld(t, proposing)
	w.payments()
	root := remediation.Who{Name: "uid:0 (root)"}
	role := remediation.Who{Name: "arn:aws:sts::111122223333:assumed-role/ops/x through uid:0 (root)"}
	for _, by := range []remediation.Who{root, role} {
		request := RotateRequest{Key: "alias/pay-cards", Reason: "leaver", Requester: by, DryRun: true}
		plan, err := w.engine.Rotate(t.Context(), request)
		w.check(err)
		const remedy = "Ask as yourself (sudo -u NAME), or add --aws-identity"
		if plan.Decision.Verdict != remediation.NeedsApproval || len(plan.Warnings) != 1 ||
			!strings.Contains(plan.Warnings[0], by.Name+" names no person") || !strings.Contains(plan.Warnings[0], remedy) {
			t.Errorf("a dry run of %s: %+v, warns %q", by.Name, plan.Decision, plan.Warnings)
		}
		request.DryRun = false
		plan, err = w.engine.Rotate(t.Context(), request)
		w.check(err)
		if d := plan.Decision; d.Verdict != remediation.Refuse || d.Guardrail != remediation.GuardNoPerson ||
			!strings.Contains(d.Reason, remedy) || len(w.actions()) > 0 {
			t.Errorf("asked for by %s: %+v", by.Name, d)
		}
	}
	if log := w.logged("guardrail"); log[len(log)-1] != role.Name+" rotate.refused no-person" {
		t.Errorf("logged %q", log)
	}
	plan, err := w.engine.Rotate(t.Context(), RotateRequest{
		Key: "alias/pay-cards", Reason: "nobody is awake", Requester: root, Emergency: true, BreakGlass: true,
	})
	w.check(err)
	if plan.Decision.Verdict != remediation.Allow {
		t.Errorf("where no approval is needed: %+v", plan.Decision)
	}
	w.awaitAction(remediation.Succeeded)
}

func TestAProtectedKeyNeedsASecondPersonInAnEmergency(t *testing.T) {
	w := newWorld(t, proposing, func(w *world) {
		w.settings.Policies[0].Mode, w.settings.Protected = "enforce", []string{"alias/pay-cards"}
	})
	w.payments()
	if plan := w.rotate("alias/pay-cards", false); plan.Decision.Verdict != remediation.Refuse {
		t.Fatalf("without an emergency: %+v", plan.Decision)
	}
	plan := w.rotate("alias/pay-cards", true)
	if plan.Decision.Guardrail != remediation.GuardProtected {
		t.Fatalf("got %+v", plan.Decision)
	}
	if p := w.awaitTold("action-awaiting-approval"); p.Attributes["severity"].StringValue != "HIGH" {
		t.Errorf("told as %s", p.Attributes["severity"].StringValue)
	}
	w.check(w.approve(plan.Action, bob()))
	if a := w.awaitAction(remediation.Succeeded); !slices.Contains(a.Overrides, remediation.GuardProtected) {
		t.Errorf("passed %q", a.Overrides)
	}
}

func TestBrokenGlassIsToldLoudly(t *testing.T) {
	w := newWorld(t, proposing)
	w.payments()
	plan, err := w.engine.Rotate(t.Context(), RotateRequest{
		Key: "alias/pay-cards", Reason: "nobody is awake", Requester: ada(), Emergency: true, BreakGlass: true,
	})
	w.check(err)
	if plan.Decision.Verdict != remediation.Allow {
		t.Fatalf("got %+v", plan.Decision)
	}
	a := w.awaitAction(remediation.Succeeded)
	if !slices.Contains(a.Overrides, remediation.GuardApproval) || a.Approval != nil {
		t.Errorf("passed %q", a.Overrides)
	}
	if p := w.awaitTold("action-succeeded"); p.Attributes["severity"].StringValue != "CRITICAL" {
		t.Errorf("told as %s", p.Attributes["severity"].StringValue)
	}
	if log := strings.Join(w.logged("guardrails"), "\n"); !strings.Contains(log, "guardrail.overridden approval") {
		t.Errorf("audit log:\n%s", log)
	}
}

func TestWhatNobodyApprovesExpires(t *testing.T) {
	w := newWorld(t, proposing, func(w *world) { w.settings.Guardrails.ApprovalTTL = 200 * time.Millisecond })
	w.key(awssim.KeyOptions{Aliases: []string{"alias/pay-cards"}})
	w.sweep(Inventory)
	a := w.awaitAction(remediation.Expired)
	w.awaitTold("action-expired", a.ID)
	if err := w.approve(a, bob()); !errors.Is(err, remediation.ErrNotAwaiting) {
		t.Errorf("approved after its end: %v", err)
	}
	w.sweep(Inventory)
	if len(w.actions()) != 1 || len(w.sim.EffectsOf("EnableKeyRotation")) > 0 {
		t.Errorf("proposed again at once:\n%s", w.account())
	}
}

func TestACancelledProposalIsNotDone(t *testing.T) {
	w := newWorld(t, proposing)
	w.payments()
	plan := w.rotate("alias/pay-cards", false)
	_, err := w.engine.Cancel(plan.Action.ID, ada().Name, "found another way")
	w.check(err)
	a := w.awaitAction(remediation.Cancelled)
	w.awaitTold("action-cancelled", "found another way")
	if err := w.approve(plan.Action, bob()); !errors.Is(err, remediation.ErrNotAwaiting) || w.issued() > 0 {
		t.Errorf("%s is approved: %v", a.ID, err)
	}
	if _, err := w.engine.Cancel("act_0", ada().Name, "x"); !errors.Is(err, ErrUnknownAction) {
		t.Errorf("an unknown action: %v", err)
	}
	if _, err := w.engine.Cancel(a.ID, ada().Name, " "); !errors.Is(err, ErrNoReason) {
		t.Errorf("without a reason: %v", err)
	}
}

func TestAProposalStandsInNobodysWay(t *testing.T) {
	w := newWorld(t, proposing)
	w.payments()
	first := w.rotate("alias/pay-cards", false)
	plan, err := w.engine.Rotate(t.Context(), RotateRequest{
		Key: "alias/pay-cards", Reason: "now", Requester: ada(), Emergency: true, BreakGlass: true,
	})
	w.check(err)
	if plan.Decision.Verdict != remediation.Allow {
		t.Fatalf("got %+v", plan.Decision)
	}
	w.awaitAction(remediation.Succeeded)
	w.check(w.approve(first.Action, bob()))
	if a := w.awaitAction(remediation.Cancelled); a.ID != first.Action.ID || w.issued() != 1 {
		t.Errorf("%s; issued %d times", a.Outcome, w.issued())
	}
}

func TestWhatWasSignedIsWhatIsDone(t *testing.T) {
	w := newWorld(t)
	w.payments()
	request := RotateRequest{Key: "alias/pay-cards", Reason: "leaver", Requester: ada(), DryRun: true}
	plan, err := w.engine.Rotate(t.Context(), request)
	w.check(err)
	request.DryRun, request.Proven, request.Requester = false, plan.Request, bob()
	other := request
	other.Reason = "another"
	if _, err := w.engine.Rotate(t.Context(), other); !errors.Is(err, ErrPlanMoved) || len(w.actions()) > 0 {
		t.Fatalf("another plan than was signed: %v", err)
	}
	_, err = w.engine.Rotate(t.Context(), request)
	w.check(err)
	if a := w.awaitAction(remediation.Succeeded); a.Requester != bob().Name || !slices.Equal(a.RequesterIs, bob().Is) {
		t.Errorf("asked for by %s %q", a.Requester, a.RequesterIs)
	}
}

// TestWhatWasSignedIsWhatIsContained changes what a person asks for after they have signed it.
func TestWhatWasSignedIsWhatIsContained(t *testing.T) {
	w := newWorld(t)
	_, grants := w.stolen("app", "batch")
	incident, err := w.engine.OpenIncident(IncidentRequest{
		Keys: []string{"alias/pay-cards"}, Reason: "stolen", Requester: ada().Name,
	})
	w.check(err)
	request := ContainRequest{
		Key: "alias/pay-cards", RevokeGrants: grants[:1], Reason: "stolen role", Ticket: "INC-1", Requester: bob(),
		DryRun: true,
	}
	plan, err := w.engine.Contain(t.Context(), request)
	w.check(err)
	request.DryRun, request.Proven, request.Identity = false, plan.Request, plan.Identity
	for what, change := range map[string]func(r *ContainRequest){
		"the reason":            func(r *ContainRequest) { r.Reason = "another" },
		"the ticket":            func(r *ContainRequest) { r.Ticket = "INC-2" },
		"the incident":          func(r *ContainRequest) { r.Incident = incident.ID },
		"that it is urgent":     func(r *ContainRequest) { r.Emergency = true },
		"that glass is broken":  func(r *ContainRequest) { r.Emergency, r.BreakGlass = true, true },
		"the measures":          func(r *ContainRequest) { r.Disable, r.Identity = true, "" },
		"the grant":             func(r *ContainRequest) { r.RevokeGrants, r.Identity = grants[1:], "" },
		"the alias it is about": func(r *ContainRequest) { r.RetireAliases, r.Identity = []string{"alias/pay-cards"}, "" },
	} {
		other := request
		change(&other)
		if _, err := w.engine.Contain(t.Context(), other); !errors.Is(err, ErrPlanMoved) || len(w.actions()) > 0 {
			t.Errorf("%s is another than was signed: %v", what, err)
		}
	}
	_, err = w.engine.Contain(t.Context(), request)
	w.check(err)
	if a := w.awaitAction(remediation.Succeeded); a.Requester != bob().Name || !slices.Equal(a.RequesterIs, bob().Is) {
		t.Errorf("asked for by %s %q", a.Requester, a.RequesterIs)
	}
}

func TestBrokenGlassContainsAtOnce(t *testing.T) {
	w := newWorld(t, proposing)
	w.stolen("app")
	if plan := w.contain(ContainRequest{RevokeAll: true, Emergency: true}); plan.Decision.Verdict !=
		remediation.NeedsApproval {
		t.Fatalf("an emergency alone: %+v", plan.Decision)
	}
	plan := w.contain(ContainRequest{RevokeAll: true, Emergency: true, BreakGlass: true})
	d := plan.Decision
	if d.Verdict != remediation.Allow || !slices.Contains(d.Overridden, remediation.GuardApproval) {
		t.Fatalf("got %+v", d)
	}
	w.awaitAction(remediation.Succeeded)
}

func TestAProofIsUsedOnce(t *testing.T) {
	w := newWorld(t)
	w.check(w.engine.UseNonce("a", time.Now()))
	w.stop()
	w.start()
	if err := w.engine.UseNonce("a", time.Now()); !errors.Is(err, ErrUsedNonce) {
		t.Errorf("used again after a restart: %v", err)
	}
}
