package remediation

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rotd/internal/inventory"
	"rotd/internal/policy"
)

func TestPlan(t *testing.T) {
	now := testNow()
	ninety := func(m policy.Method) *policy.Policy {
		return &policy.Policy{
			Name: "payments", Mode: policy.Enforce,
			Rotation: policy.Rotation{MaxAge: 90 * day, Automatic: 90 * day, Method: m},
		}
	}
	auto := ninety(policy.Auto)
	far, near := now.Add(80*day), now.Add(20*day)
	drift := Why{Want: WantPolicy, Automatic: true}
	person := Why{Want: WantMaterial, Requester: Who{Name: "uid:1000 (kim)"}, Reason: "leaver"}
	unread := func(k *inventory.Key) { k.Rotation = nil }
	whole := func(k *inventory.Key) { k.Policy, k.Grants = "{}", &inventory.Grants{ReadAt: now} }
	no := func(f func(*inventory.Key)) []func(*inventory.Key) { return []func(*inventory.Key){f} }

	tests := []struct {
		name   string
		change []func(*inventory.Key)
		policy *policy.Policy
		why    Why
		method Method // "": nothing is planned
		reason string // a part of it
	}{
		{"rotation off is put back", nil, auto, drift, EnableAutomatic, "every 90 days"},
		{"a period too long is shortened", no(scheduled(365, far)), auto, drift, EnableAutomatic, "every 90 days"},
		{
			"a shorter period is left alone",
			[]func(*inventory.Key){scheduled(90, far), rotated("AUTOMATIC",
				now.Add(-10*day))},
			ninety(policy.Automatic), drift, "", "as its policy asks",
		},
		{
			"overdue with a far schedule is rotated once", no(scheduled(90, far)), auto, drift, NewMaterial,
			"RotateKeyOnDemand",
		},
		{"overdue with a near schedule waits for it", no(scheduled(90, near)), auto, drift, "", "rotates the key soon"},
		{
			"overdue by less than the grace waits",
			[]func(*inventory.Key){scheduled(90, far), rotated("AUTOMATIC", now.Add(-95*day))},
			auto, drift, "",
			"overdue by 5 days",
		},
		{
			"after one rotation on demand the schedule is trusted",
			[]func(*inventory.Key){scheduled(365, far), rotated("ON_DEMAND", now.Add(-200*day))},
			&policy.Policy{Rotation: policy.Rotation{MaxAge: 90 * day, Automatic: 365 * day, Method: policy.Auto}},
			drift, "",
			"its schedule is trusted",
		},
		{
			"a rotation on demand before the schedule began does not count",
			[]func(*inventory.Key){scheduled(90, far), rotated("ON_DEMAND", now.Add(-200*day))},
			auto, drift,
			NewMaterial, "",
		},
		{
			"method automatic leaves an overdue key to the schedule", no(scheduled(90, far)), ninety(policy.Automatic),
			drift, "",
			"leaves it to the schedule, next on 2027-01-22",
		},
		{
			"method on-demand rotates at max age",
			no(rotated("ON_DEMAND", now.Add(-91*day))), ninety(policy.OnDemand), drift, NewMaterial, "",
		},
		{
			"method on-demand does not set a schedule", no(rotated("ON_DEMAND", now.Add(-9*day))), ninety(policy.OnDemand),
			drift, "", "as its policy asks",
		},
		{"method none only watches", nil, ninety(policy.None), drift, "", "only watches"},
		{
			"method replace makes a new key once the old one is too old", no(whole), ninety(policy.Replace), drift, NewKey,
			"A new key",
		},
		{
			"a key that is not too old is not replaced", no(func(k *inventory.Key) { k.Created = now.Add(-90 * day) }),
			ninety(policy.Replace), drift, "", "as its policy asks",
		},
		{
			"a key that is overdue by a little is not replaced yet",
			no(func(k *inventory.Key) { k.Created = now.Add(-97 * day) }), ninety(policy.Replace), drift,
			"", "overdue by 7 days; it is replaced only after 7 days",
		},
		{
			"a key that no alias points at is not replaced", no(func(k *inventory.Key) { k.Aliases = nil }),
			ninety(policy.Replace), drift, "", "No alias points at the key",
		},
		{
			"a key whose policy nobody can read is not replaced", no(func(k *inventory.Key) { k.Policy = "" }),
			ninety(policy.Replace), drift, "", "kms:GetKeyPolicy",
		},
		{"without a policy nothing is asked", nil, nil, drift, "", "No policy"},
		{"a person's rotate is new material, with or without policy", nil, nil, person, NewMaterial, ""},
		{
			"a person's rotate needs the budget known",
			no(func(k *inventory.Key) { k.Denied = []string{"ListKeyRotations"} }), nil, person, "",
			"kms:ListKeyRotations",
		},
		{
			"a person's rotate needs the rotations read",
			no(func(k *inventory.Key) { k.Rotation.HistoryAt = time.Time{} }), nil, person, "", "have not been read",
		},
		{
			"a person's rotate needs the material named",
			no(func(k *inventory.Key) { k.CurrentMaterial = "" }), nil, person, "", "could not be verified",
		},
		{
			"a rotation in progress is not repeated",
			no(func(k *inventory.Key) { k.Rotation.InProgress = &now }), nil, person, "", "already in progress",
		},
		{
			"a schedule as it is needs nothing", no(scheduled(90, far)), nil,
			Why{Want: WantSchedule, PeriodDays: 90},
			"",
			"already on",
		},
		{
			"a longer schedule is set when a person asks", no(scheduled(90, far)), nil,
			Why{Want: WantSchedule, PeriodDays: 180},
			EnableAutomatic, "every 180 days",
		},
		{
			"a period KMS does not take is refused", nil, nil,
			Why{Want: WantSchedule, PeriodDays: 30},
			"",
			"30 is outside",
		},
		{
			"imported material is not rotated without a source of new one",
			no(func(k *inventory.Key) { k.Origin = "EXTERNAL" }), auto, drift, "",
			"names no source of new material (imported_material)",
		},
		{"an unread status plans nothing", no(unread), auto, drift, "", "kms:GetKeyRotationStatus"},
		{"an unknown want plans nothing", nil, auto, Why{Want: "luck"}, "", "luck"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, ok, reason := testGuardrails().Plan(testKey(tt.change...), tt.policy, tt.why, now)
			if ok != (tt.method != "") || a.Method != tt.method {
				t.Errorf("Plan = %v, %q; want %q (%s)", ok, a.Method, tt.method, reason)
			}
			if !strings.Contains(reason, tt.reason) {
				t.Errorf("reason %q does not say %q", reason, tt.reason)
			}
		})
	}
}

func TestOnlyALongerScheduleThanAnEnforcedPolicyAsksIsPutBack(t *testing.T) {
	asks := func(mode policy.Mode, method policy.Method) *policy.Policy {
		return &policy.Policy{
			Name: "payments", Mode: mode,
			Rotation: policy.Rotation{MaxAge: 90 * day, Automatic: 90 * day, Method: method},
		}
	}
	tests := []struct {
		name    string
		ceiling policy.Mode
		policy  *policy.Policy
		period  int
		want    bool
	}{
		{"a longer one", policy.Enforce, asks(policy.Enforce, policy.Auto), 100, true},
		{"a longer one under method automatic", policy.Enforce, asks(policy.Enforce, policy.Automatic), 100, true},
		{"the one that is asked for", policy.Enforce, asks(policy.Enforce, policy.Auto), 90, false},
		{"a policy that only observes", policy.Enforce, asks(policy.Observe, policy.Auto), 100, false},
		{"a ceiling that only observes", policy.Observe, asks(policy.Enforce, policy.Auto), 100, false},
		{"a method without a schedule", policy.Enforce, asks(policy.Enforce, policy.OnDemand), 100, false},
		{"no policy", policy.Enforce, nil, 100, false},
	}
	for _, tt := range tests {
		g := testGuardrails()
		g.MaxMode = tt.ceiling
		if got := g.PutsBack(tt.policy, tt.period); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

func TestPlanCarriesWhoAndWhat(t *testing.T) {
	key := testKey(onDemand(2))
	p := &policy.Policy{Name: "payments"}
	why := Why{
		Want: WantMaterial, Requester: Who{Name: "uid:1000 (kim)"}, Reason: "leaver", Ticket: "OPS-1", Emergency: true,
		FindingID: "fnd_1",
	}
	got, _, _ := testGuardrails().Plan(key, p, why, testNow())
	want := Action{
		Verb: Rotate, Method: NewMaterial, State: Planned, KeyARN: testARN, Alias: "alias/pay", Account: "111122223333",
		Region: "eu-west-1", Before: Precondition{Material: material(2), OnDemandUsed: 2, KeyState: "Enabled"},
		Requester: "uid:1000 (kim)", Reason: "leaver", Ticket: "OPS-1", Emergency: true, FindingID: "fnd_1",
		Policy: "payments", Created: testNow(),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Plan (-want +got):\n%s", diff)
	}
	why.Automatic = true
	if a, _, _ := testGuardrails().Plan(key, p, why, testNow()); a.Emergency {
		t.Error("nothing automatic is an emergency")
	}
}

func TestIdentityIsKeyVerbAndPrecondition(t *testing.T) {
	a, b := testAction(NewMaterial, testKey()), testAction(NewMaterial, testKey())
	b.ID, b.Requester, b.Created = "act_2", "somebody else", b.Created.Add(time.Hour)
	if a.Identity() != b.Identity() {
		t.Error("the same rotation asked for by two people has two identities")
	}
	moved, schedule := testAction(NewMaterial, testKey(onDemand(1))), testAction(EnableAutomatic, testKey())
	longer := schedule
	longer.PeriodDays = 180
	seen := map[string]bool{}
	for _, x := range []Action{a, moved, schedule, longer} {
		seen[x.Identity()] = true
	}
	if len(seen) != 4 {
		t.Errorf("%d identities for 4 different actions", len(seen))
	}
}
