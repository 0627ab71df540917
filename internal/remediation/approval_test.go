package remediation

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rotd/internal/policy"
)

func kim() Who { return Who{Name: "uid:1000 (kim)", Is: []string{"uid:1000"}} }
func bob() Who { return Who{Name: "uid:1001 (bob)", Is: []string{"uid:1001", "aws-user:AIDABOB"}} }

// awaiting is an action of kim's that awaits approval.
func awaiting(change ...func(*Action)) Action {
	a := testAction(NewMaterial, testKey())
	a.Requester, a.RequesterIs = kim().Name, kim().Is
	for _, c := range change {
		c(&a)
	}
	return Ask(a, Decision{Verdict: NeedsApproval, Guardrail: GuardMode, Reason: "because"}, testGuardrails(), testNow())
}

func TestAnActionAsksForApprovalOnceItsKeyWasRead(t *testing.T) {
	key := testKey()
	facts := testFacts(nil)
	facts.Mode = policy.Propose
	a, do := Step(testAction(NewMaterial, key), Observation{Facts: facts}, testGuardrails(), testNow())
	if a.State != Planned || do.What != Read {
		t.Fatalf("without a reading: %s, %s", a.State, do.What)
	}
	facts.Key = key
	a, do = Step(a, Observation{Facts: facts}, testGuardrails(), testNow())
	until := testNow().Add(4 * time.Hour)
	want := &Approval{Plan: a.Plan(), Asked: testNow(), Expires: until}
	if diff := cmp.Diff(want, a.Approval); diff != "" || a.State != AwaitingApproval || a.Guardrail != GuardMode ||
		(do != Do{What: Nothing, Until: until}) {
		t.Errorf("%s, %s, %v; approval (-want +got):\n%s", a.State, a.Guardrail, do, diff)
	}
}

func TestAnApprovedActionIsJudgedAgain(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*Action, *Facts)
		want   State
		do     What
	}{
		"and begins":               {func(*Action, *Facts) {}, Running, Attempt},
		"and waits while paused":   {func(_ *Action, f *Facts) { f.Paused = "x" }, Planned, Nothing},
		"and is superseded":        {func(_ *Action, f *Facts) { rotated("ON_DEMAND", testNow())(f.Key) }, Cancelled, End},
		"and asks again if edited": {func(a *Action, _ *Facts) { a.Reason = "another" }, AwaitingApproval, Nothing},
	} {
		t.Run(name, func(t *testing.T) {
			first := awaiting(func(a *Action) { a.Automatic, a.RequesterIs = true, nil })
			a, err := Approve(first, first.Plan(), bob(), "ok", testNow())
			if err != nil {
				t.Fatal(err)
			}
			facts := testFacts(testKey())
			facts.Mode = policy.Propose
			tt.change(&a, &facts)
			got, do := Step(a, Observation{Facts: facts}, testGuardrails(), testNow())
			if got.State != tt.want || do.What != tt.do {
				t.Errorf("%s, %s: %s%s", got.State, do.What, got.Waiting, got.Outcome)
			}
		})
	}
}

func TestNobodyIsAskedToApproveWhatNobodyInParticularAskedFor(t *testing.T) {
	facts := testFacts(testKey())
	facts.Mode = policy.Propose
	a := testAction(NewMaterial, testKey())
	a.Requester, a.RequesterIs = "uid:0 (root)", nil
	got, do := Step(a, Observation{Facts: facts}, testGuardrails(), testNow())
	const want = "A second person must approve it, and uid:0 (root) names no person whom the second could be told from. " +
		"Ask as yourself (sudo -u NAME), or add --aws-identity as an IAM user or a user of IAM Identity Center. Nothing " +
		"was changed."
	if got.State != Cancelled || do.What != End || got.Guardrail != GuardNoPerson || got.Outcome != want {
		t.Errorf("%s by %s, %s: %s", got.State, got.Guardrail, do.What, got.Outcome)
	}
	a.Emergency, a.BreakGlass = true, true
	if got, do = Step(a, Observation{Facts: facts}, testGuardrails(), testNow()); do.What != Attempt {
		t.Errorf("where no approval is needed: %s, %s: %s", got.State, do.What, got.Outcome)
	}
}

func TestWhoseApprovalIsTaken(t *testing.T) {
	original, changed := awaiting(), awaiting()
	changed.KeyARN += "x"
	is := func(words ...string) Who { return Who{Name: "somebody", Is: words} }
	for name, tt := range map[string]struct {
		action Action
		by     Who
		plan   string // "": the action's
		after  time.Duration
		want   error
	}{
		"another person's":    {action: awaiting(), by: bob()},
		"at the last moment":  {action: awaiting(), by: bob(), after: 4*time.Hour - 1},
		"too late":            {action: awaiting(), by: bob(), after: 4 * time.Hour, want: ErrLate},
		"the requester's own": {action: awaiting(), by: kim(), want: ErrOwnRequest},
		"the requester's, who also is another": {
			action: awaiting(), by: is("aws-user:AIDAX", "uid:1000"), want: ErrOwnRequest,
		},
		"nobody's in particular": {action: awaiting(), by: is(), want: ErrNoPerson},
		"of another plan":        {action: awaiting(), by: bob(), plan: "v1:00", want: ErrOtherPlan},
		"of what was asked for by nobody in particular": {
			action: awaiting(func(a *Action) { a.RequesterIs = nil }), by: bob(), want: ErrNobodyAsked,
		},
		"of what rotd asks for itself": {
			action: awaiting(func(a *Action) { a.Automatic, a.RequesterIs = true, nil }), by: bob(),
		},
		"of what awaits none": {action: testAction(NewMaterial, testKey()), by: bob(), want: ErrNotAwaiting},
		"of what has ended": {
			action: TakeBack(awaiting(), "x", testNow()), by: bob(), want: ErrNotAwaiting,
		},
		"of an action that was changed under it": {
			action: changed, by: bob(), plan: original.Plan(), want: ErrOtherPlan,
		},
	} {
		t.Run(name, func(t *testing.T) {
			plan := tt.plan
			if plan == "" {
				plan = tt.action.Plan()
			}
			now := testNow().Add(tt.after)
			got, err := Approve(tt.action, plan, tt.by, "ok", now)
			if !errors.Is(err, tt.want) {
				t.Fatalf("got %v, want %v", err, tt.want)
			}
			if err != nil {
				if diff := cmp.Diff(tt.action, got); diff != "" {
					t.Errorf("the action changed:\n%s", diff)
				}
				return
			}
			want := *tt.action.Approval
			want.By, want.At, want.Reason = &tt.by, now, "ok"
			if diff := cmp.Diff(&want, got.Approval); diff != "" || got.State != Planned || !got.approved() {
				t.Errorf("%s, approved %t; approval (-want +got):\n%s", got.State, got.approved(), diff)
			}
		})
	}
}

func TestNobodysApprovalIsTheEndInTime(t *testing.T) {
	a, do := Step(awaiting(), Observation{}, testGuardrails(), testNow().Add(4*time.Hour-1))
	if a.State != AwaitingApproval || do.What != Nothing {
		t.Errorf("%s, %s", a.State, do.What)
	}
	a, do = Step(a, Observation{}, testGuardrails(), testNow().Add(4*time.Hour))
	if a.State != Expired || do.What != End || a.Outcome != "Nobody approved it in time. Nothing was changed." {
		t.Errorf("%s, %s: %s", a.State, do.What, a.Outcome)
	}
}

func TestThePlanIsWhatIsAgreedTo(t *testing.T) {
	a := awaiting()
	for name, change := range map[string]func(*Action){
		"the id":                   func(a *Action) { a.ID = "act_2" },
		"the verb":                 func(a *Action) { a.Verb = Contain },
		"the method":               func(a *Action) { a.Method = EnableAutomatic },
		"the key":                  func(a *Action) { a.KeyARN += "x" },
		"the period":               func(a *Action) { a.PeriodDays = 91 },
		"the key's material":       func(a *Action) { a.Before.Material = "x" },
		"the key's budget":         func(a *Action) { a.Before.OnDemandUsed++ },
		"the key's state":          func(a *Action) { a.Before.KeyState = "Disabled" },
		"who asks":                 func(a *Action) { a.Requester = "uid:1 (x)" },
		"which person that is":     func(a *Action) { a.RequesterIs = nil },
		"that nobody asks":         func(a *Action) { a.Automatic = true },
		"why":                      func(a *Action) { a.Reason = "x" },
		"the ticket":               func(a *Action) { a.Ticket = "x" },
		"that it is urgent":        func(a *Action) { a.Emergency = true },
		"that the glass is broken": func(a *Action) { a.BreakGlass = true },
		"a call":                   func(a *Action) { a.Calls = []Call{{Operation: DisableKey}} },
		"the finding":              func(a *Action) { a.FindingID = "fnd_1" },
		"the incident":             func(a *Action) { a.IncidentID = "inc_1" },
		"the policy":               func(a *Action) { a.Policy = "x" },
	} {
		other := a
		if change(&other); other.Plan() == a.Plan() {
			t.Errorf("%s can change unnoticed", name)
		}
	}
	calls := []Call{
		{Operation: CreateKey, New: &NewKeySpec{Spec: "RSA_2048"}}, {Operation: UpdateAlias, Alias: "alias/pay"},
	}
	a.Calls = calls
	moved := a
	moved.Calls = slices.Clone(calls)
	moved.adopt("arn:new")
	moved.At, moved.Calls[0].RequestID, moved.Calls[0].Made = 1, "r", "arn:new"
	moved.State, moved.NotBefore, moved.Reads, moved.LastError, moved.Approval = Planned, testNow(), 3, "x", nil
	if moved.Plan() != a.Plan() || !strings.HasPrefix(a.Plan(), "v1:") {
		t.Errorf("the plan changes with what becomes of it: %s", a.Plan())
	}
}

// Under a stricter policy that a tag gave the key two hours ago, with an approval that would expire after four hours.
func TestUnderAPolicyNewToItsKeyAnActionAwaitsApprovalForADayAndThenBegins(t *testing.T) {
	at := func(hours int) time.Time { return testNow().Add(time.Duration(hours) * time.Hour) }
	step := func(a Action, hours int, change ...func(*Facts)) (Action, Do) {
		f := testFacts(testKey())
		f.MovedTo, f.HeldUntil = "payments", at(22)
		for _, c := range change {
			c(&f)
		}
		f.Key.ReadAt, f.Key.Rotation.HistoryAt = at(hours), at(hours)
		return Step(a, Observation{Facts: f}, testGuardrails(), at(hours))
	}
	planned := testAction(NewMaterial, testKey())
	planned.Automatic = true
	asked, do := step(planned, 0)
	want := &Approval{Plan: asked.Plan(), Asked: at(0), Expires: at(22)}
	if diff := cmp.Diff(want, asked.Approval); diff != "" || asked.State != AwaitingApproval ||
		(do != Do{What: Nothing, Until: at(22)}) {
		t.Fatalf("%s, %v; approval (-want +got):\n%s", asked.State, do, diff)
	}
	approved, err := Approve(asked, asked.Plan(), bob(), "ok", at(1))
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		action Action
		hours  int
		change func(*Facts)
		want   State
	}{
		"approved, it begins":                  {approved, 1, func(*Facts) {}, Running},
		"unapproved, it waits":                 {asked, 21, func(*Facts) {}, AwaitingApproval},
		"after a day it begins by itself":      {asked, 22, func(*Facts) {}, Running},
		"after a day it may have to wait":      {asked, 22, func(f *Facts) { f.Paused = "x" }, Planned},
		"after a day it may not be wanted":     {asked, 22, func(f *Facts) { f.Unwanted = "x" }, Cancelled},
		"after a day rotd may watch only":      {asked, 22, func(f *Facts) { f.Mode = policy.Observe }, Cancelled},
		"moved again meanwhile, it waits anew": {asked, 22, func(f *Facts) { f.HeldUntil = at(30) }, AwaitingApproval},
		"in mode propose by then, it is asked": {asked, 22, func(f *Facts) { f.Mode = policy.Propose }, AwaitingApproval},
		"somebody may have done it by then":    {asked, 22, func(f *Facts) { rotated("ON_DEMAND", at(2))(f.Key) }, Cancelled},
	} {
		t.Run(name, func(t *testing.T) {
			if got, _ := step(tt.action, tt.hours, tt.change); got.State != tt.want {
				t.Errorf("%s: %s%s", got.State, got.Waiting, got.Outcome)
			}
		})
	}
}

func TestOnlyWhatHasNotBegunIsCancelled(t *testing.T) {
	for state, want := range map[State]bool{
		Planned: true, AwaitingApproval: true, Running: false, Verifying: false, Succeeded: false, Cancelled: false,
	} {
		a := awaiting()
		a.State = state
		got, err := Cancel(a, bob().Name, "not now", testNow())
		if want != (err == nil) || err != nil && !errors.Is(err, ErrBegun) {
			t.Errorf("%s: %v", state, err)
		}
		said := "uid:1001 (bob) cancelled it: not now. Nothing was changed."
		if err == nil && (got.State != Cancelled || got.Outcome != said) {
			t.Errorf("%s: %s, %s", state, got.State, got.Outcome)
		}
	}
	called := awaiting()
	called.State, called.Attempts = Planned, 1
	if _, err := Cancel(called, bob().Name, "x", testNow()); !errors.Is(err, ErrBegun) {
		t.Errorf("what KMS may have done is cancelled: %v", err)
	}
}

func TestBrokenGlassPassesWhatModeProposeAsksFor(t *testing.T) {
	key := testKey()
	a := testAction(NewMaterial, key)
	a.Emergency, a.BreakGlass = true, true
	f := testFacts(key)
	f.Mode = policy.Propose
	g := testGuardrails()
	if d := g.Decide(&a, f); d.Verdict != Allow || !cmp.Equal(d.Overridden, []string{GuardApproval}) {
		t.Errorf("in mode propose: %+v", d)
	}
	g.Protected = func(string) bool { return true }
	if d := g.Decide(&a, f); d.Verdict != NeedsApproval || d.Guardrail != GuardProtected {
		t.Errorf("on a protected key: %+v", d)
	}
	a.Emergency, g.Protected = false, nil
	if d := g.Decide(&a, f); d.Verdict != NeedsApproval || d.Guardrail != GuardMode {
		t.Errorf("without an emergency: %+v", d)
	}
}

func TestNobodyIsAskedBeforeRotdMayAct(t *testing.T) {
	key := testKey()
	for name, change := range map[string]func(*Facts){
		"paused":   func(f *Facts) { f.Paused = "x" },
		"unarmed":  func(f *Facts) { f.Armed = false },
		"starting": func(f *Facts) { f.StartedAt = f.Now },
	} {
		a, f := testAction(NewMaterial, key), testFacts(key)
		a.Automatic, f.Mode = true, policy.Propose
		change(&f)
		if d := testGuardrails().Decide(&a, f); d.Verdict != Wait {
			t.Errorf("%s: %+v", name, d)
		}
	}
}
