package remediation

import (
	"cmp"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"rotd/internal/inventory"
	"rotd/internal/policy"
)

// Every guardrail of the table in the design, for everybody who may ask.
func TestDecide(t *testing.T) {
	now := testNow()
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	soon := now.Add(holdFor)
	tests := []struct {
		name   string
		row    string // of the table in docs/operations.md; "": the guardrail's own name
		verb   Verb   // "": rotate
		method Method
		key    *inventory.Key
		g      func(*Guardrails)
		f      func(*Facts)
		a      func(*Action)
		guard  string
		// what becomes of it for: automatic, a person, a person with --emergency
		automatic, person, emergency Verdict
		until                        time.Time // when automatic ones wait, or need no approval any more
		says                         string
	}{
		{name: "nothing stands in the way", method: NewMaterial, automatic: Allow, person: Allow, emergency: Allow},
		{
			name: "mode observe of the policy", row: "`mode` observe", method: NewMaterial,
			f:     func(f *Facts) { f.Mode = policy.Observe },
			guard: GuardMode, automatic: Refuse, person: Refuse, emergency: Allow, says: "Mode observe",
		},
		{
			name: "mode observe of the ceiling", row: "`mode` observe", method: EnableAutomatic,
			g:     func(g *Guardrails) { g.MaxMode = policy.Observe },
			guard: GuardMode, automatic: Refuse, person: Refuse, emergency: Allow, says: "Mode observe",
		},
		{
			name: "no policy and no ceiling is observe", row: "`mode` observe", method: NewMaterial,
			g: func(g *Guardrails) { g.MaxMode = "" }, f: func(f *Facts) { f.Mode = "" },
			guard: GuardMode, automatic: Refuse, person: Refuse, emergency: Allow,
		},
		{
			name: "no policy leaves the ceiling", method: NewMaterial, f: func(f *Facts) { f.Mode = "" },
			automatic: Allow, person: Allow, emergency: Allow,
		},
		{
			name: "mode propose", row: "`mode` propose", method: NewMaterial,
			f:     func(f *Facts) { f.Mode = policy.Propose },
			guard: GuardMode, automatic: NeedsApproval, person: NeedsApproval, emergency: NeedsApproval,
			says: "a second person must approve",
		},
		{
			name: "mode propose, approved", method: NewMaterial,
			f:         func(f *Facts) { f.Mode, f.Approved = policy.Propose, true },
			automatic: Allow, person: Allow, emergency: Allow,
		},
		{
			name: "outside every window", method: EnableAutomatic,
			g:     func(g *Guardrails) { g.Windows = Windows{{From: 22 * time.Hour, To: 2 * time.Hour, Zone: time.UTC}} },
			guard: GuardWindow, automatic: Wait, person: Refuse, emergency: Allow, until: now.Add(10 * time.Hour),
			says: "opens at 2026-11-03 22:00Z",
		},
		{
			name: "inside a window", method: EnableAutomatic,
			g:         func(g *Guardrails) { g.Windows = Windows{{From: 11 * time.Hour, To: 13 * time.Hour, Zone: time.UTC}} },
			automatic: Allow, person: Allow, emergency: Allow,
		},
		{
			name: "a deletion is cancelled outside every window too", verb: Contain, method: Restore,
			a:         func(a *Action) { a.Calls = []Call{{Operation: CancelKeyDeletion}, {Operation: EnableKey}} },
			g:         func(g *Guardrails) { g.Windows = Windows{{From: 22 * time.Hour, To: 2 * time.Hour, Zone: time.UTC}} },
			automatic: Allow, person: Allow, emergency: Allow,
		},
		{
			name: "the circuit breaker is open", method: EnableAutomatic,
			f: func(f *Facts) {
				f.Breaker = Breaker{OpenedAt: ago(time.Minute), Failures: []Failure{{ActionID: "act_8"}, {ActionID: "act_9"}}}
			},
			guard: GuardBreaker, automatic: Wait, person: Refuse, emergency: Allow, until: soon,
			says: "2 actions failed in a row, the last of them act_9",
		},
		{
			name: "a deletion was cancelled within the week", verb: Contain, method: Restore,
			a:     func(a *Action) { a.Calls = []Call{{Operation: CancelKeyDeletion}, {Operation: EnableKey}} },
			f:     func(f *Facts) { f.Restored = ago(3 * day) },
			guard: GuardPutBackLimit, automatic: Refuse, person: Allow, emergency: Allow,
			says: "at 2026-10-31 12:00Z, and does so once in 7 days",
		},
		{
			name: "no policy asks for it any more", method: EnableAutomatic,
			f:     func(f *Facts) { f.Unwanted = "No policy matches the key any more." },
			guard: GuardSuperseded, automatic: Refuse, person: Allow, emergency: Allow, says: "No policy matches",
		},
		{
			name: "containing needs a person", verb: Contain, method: Measures,
			a:     func(a *Action) { a.Calls = []Call{{Operation: DisableKey}} },
			guard: GuardPersonOnly, automatic: Refuse, person: Allow, emergency: Allow,
			says: "Only a person may ask rotd to contain it",
		},
		{
			name: "a key that AWS manages is not replaced", verb: Replace,
			key:   testKey(func(k *inventory.Key) { k.Manager = "AWS" }),
			guard: GuardNotEligible, automatic: Refuse, person: Refuse, emergency: Refuse,
			says: "let the service use it",
		},
		{
			name: "a key that KMS does not rotate is replaced", verb: Replace,
			key:       testKey(func(k *inventory.Key) { k.Spec, k.Usage, k.Rotation = "RSA_2048", "SIGN_VERIFY", nil }),
			automatic: Allow, person: Allow, emergency: Allow,
		},
		{
			name: "rotated within the cooldown", method: NewMaterial, key: testKey(rotated("AUTOMATIC", ago(time.Hour))),
			guard: GuardCooldown, automatic: Wait, person: Refuse, emergency: Allow, until: now.Add(23 * time.Hour),
			says: "after 2026-11-04 11:00Z",
		},
		{
			name: "a schedule has no cooldown", method: EnableAutomatic, key: testKey(rotated("AUTOMATIC",
				ago(time.Hour))),
			automatic: Allow, person: Allow, emergency: Allow,
		},
		{
			name: "a new key has no cooldown", method: NewMaterial,
			key:       testKey(func(k *inventory.Key) { k.Created = ago(time.Hour) }),
			automatic: Allow, person: Allow, emergency: Allow,
		},
		{
			name: "grace is for automatic actions", method: EnableAutomatic,
			a:     func(a *Action) { a.Created = ago(time.Minute) },
			guard: GuardGrace, automatic: Wait, person: Allow, emergency: Allow, until: now.Add(9 * time.Minute),
		},
		{
			name: "startup hold is for automatic actions", method: EnableAutomatic,
			f:     func(f *Facts) { f.StartedAt = ago(time.Minute) },
			guard: GuardStartupHold, automatic: Wait, person: Allow, emergency: Allow, until: now.Add(2 * time.Minute),
		},
		{
			name: "nothing is due by a wrong clock", method: NewMaterial,
			f:     func(f *Facts) { f.ClockOff = "8760h0m0s ahead of AWS's" },
			guard: GuardWrongClock, automatic: Wait, person: Allow, emergency: Allow, until: soon,
			says: "This machine's clock is 8760h0m0s ahead of AWS's",
		},
		{
			name: "a setting is put back by a wrong clock too", method: EnableAutomatic,
			f:         func(f *Facts) { f.ClockOff = "8760h0m0s ahead of AWS's" },
			automatic: Allow, person: Allow, emergency: Allow,
		},
		{
			name: "a stricter policy by a tag change is for automatic actions", method: EnableAutomatic,
			f:     func(f *Facts) { f.MovedTo, f.HeldUntil = "payments", now.Add(time.Hour) },
			guard: GuardNewPolicy, automatic: NeedsApproval, person: Allow, emergency: Allow, until: now.Add(time.Hour),
			says: "put the key under the stricter policy payments. Until 2026-11-03 13:00Z a person must approve",
		},
		{
			name: "a stricter policy by a tag change once a person approved", method: EnableAutomatic,
			f:         func(f *Facts) { f.MovedTo, f.HeldUntil, f.Approved = "payments", now.Add(time.Hour), true },
			automatic: Allow, person: Allow, emergency: Allow,
		},
		{
			name: "a stricter policy of mode propose asks as long as it says propose", method: EnableAutomatic,
			f: func(f *Facts) {
				f.MovedTo, f.HeldUntil, f.Mode = "payments", now.Add(time.Hour), policy.Propose
			},
			row: "`mode` propose", guard: GuardMode, automatic: NeedsApproval, person: NeedsApproval, emergency: NeedsApproval,
		},
		{
			name: "a stricter policy by a tag change that is a day old", method: EnableAutomatic,
			f:         func(f *Facts) { f.MovedTo, f.HeldUntil = "payments", now },
			automatic: Allow, person: Allow, emergency: Allow,
		},
		{
			name: "aliases are moved back to the end of the window", verb: Replace, method: MoveBack,
			a:         func(a *Action) { a.UndoUntil = now },
			automatic: Allow, person: Allow, emergency: Allow,
		},
		{
			name: "aliases are not moved back after the window", verb: Replace, method: MoveBack,
			a: func(a *Action) {
				a.UndoUntil = ago(time.Second)
				a.Calls = []Call{{Operation: UpdateAlias, Alias: "alias/pay", KeyARN: testARN}}
			},
			guard: GuardUndoWindow, automatic: Refuse, person: Refuse, emergency: Refuse,
			says: "The command: aws kms update-alias --alias-name alias/pay --target-key-id 1234abcd-",
		},
		{
			name: "a new key would get a policy with an open finding", verb: Replace, method: NewKey,
			f:     func(f *Facts) { f.PolicyFindings = []string{"fnd_1 (key-policy-public)"} },
			guard: GuardPolicyFinding, automatic: Refuse, person: Allow, emergency: Allow, says: "fnd_1 (key-policy-public)",
		},
		{
			name: "new material has the key's policy anyway", method: NewMaterial,
			f:         func(f *Facts) { f.PolicyFindings = []string{"fnd_1 (key-policy-public)"} },
			automatic: Allow, person: Allow, emergency: Allow,
		},
		{
			name: "a new state is armed by a person", method: EnableAutomatic, f: func(f *Facts) { f.Armed = false },
			guard: GuardNotArmed, automatic: Wait, person: Allow, emergency: Allow, until: soon, says: "rotd resume",
		},
		{
			name: "paused between two of its calls", method: NewKey, verb: Replace,
			f:     func(f *Facts) { f.Paused = "by uid:0: incident" },
			a:     func(a *Action) { a.At = 1 },
			guard: GuardPaused, automatic: Wait, person: Wait, emergency: Allow, until: soon,
		},
		{
			name: "paused", method: EnableAutomatic, f: func(f *Facts) { f.Paused = "by uid:0: incident" },
			guard: GuardPaused, automatic: Wait, person: Refuse, emergency: Allow, until: soon,
			says: "by uid:0: incident",
		},
		{
			name: "the hourly limit is used up", method: NewMaterial, g: func(g *Guardrails) { g.RotationsPerHour = 2 },
			f:     func(f *Facts) { f.RecentRotations = []time.Time{ago(20 * time.Minute), ago(50 * time.Minute)} },
			guard: GuardHourlyLimit, automatic: Wait, person: Refuse, emergency: Allow,
			until: now.Add(10 * time.Minute),
		},
		{
			name: "what is over an hour ago does not count", method: NewMaterial,
			g:         func(g *Guardrails) { g.RotationsPerHour = 2 },
			f:         func(f *Facts) { f.RecentRotations = []time.Time{ago(20 * time.Minute), ago(time.Hour)} },
			automatic: Allow, person: Allow, emergency: Allow,
		},
		{
			name: "a limit of none allows none", method: NewMaterial, g: func(g *Guardrails) { g.RotationsPerHour = 0 },
			guard: GuardHourlyLimit, automatic: Wait, person: Refuse, emergency: Allow, until: now.Add(time.Hour),
		},
		{
			name: "schedules do not count by the hour", method: EnableAutomatic,
			g:         func(g *Guardrails) { g.RotationsPerHour = 0 },
			automatic: Allow, person: Allow, emergency: Allow,
		},
		{
			name: "one above the reserve", method: NewMaterial, key: testKey(onDemand(19)),
			automatic: Allow, person: Allow, emergency: Allow,
		},
		{
			name: "the reserve is reached", method: NewMaterial, key: testKey(onDemand(20)),
			guard: GuardReserve, automatic: Refuse, person: Refuse, emergency: Allow, says: "5 of its 25",
		},
		{
			name: "all 25 are used", method: NewMaterial, key: testKey(onDemand(25)),
			guard: GuardSpent, automatic: Refuse, person: Refuse, emergency: Refuse, says: "all 25",
		},
		{
			name: "a schedule needs no budget", method: EnableAutomatic, key: testKey(onDemand(25)),
			automatic: Allow, person: Allow, emergency: Allow,
		},
		{
			name: "a key that cannot rotate", method: EnableAutomatic,
			key:   testKey(func(k *inventory.Key) { k.Spec = "RSA_2048" }),
			guard: GuardNotEligible, automatic: Refuse, person: Refuse, emergency: Refuse, says: "Replace it",
		},
		{
			name: "a key whose rotations nobody may list", method: NewMaterial,
			key:   testKey(func(k *inventory.Key) { k.Denied = []string{"ListKeyRotations"} }),
			guard: GuardNotEligible, automatic: Refuse, person: Refuse, emergency: Refuse,
			says: "kms:ListKeyRotations",
		},
		{
			name: "a key whose status nobody may read", method: EnableAutomatic,
			key:   testKey(func(k *inventory.Key) { k.Rotation = nil }),
			guard: GuardNotEligible, automatic: Refuse, person: Refuse, emergency: Refuse,
			says: "kms:GetKeyRotationStatus",
		},
		{
			name: "a protected key", method: EnableAutomatic,
			g:     func(g *Guardrails) { g.Protected = func(arn string) bool { return arn == testARN } },
			guard: GuardProtected, automatic: Refuse, person: Refuse, emergency: NeedsApproval,
			says: "guardrails.protected_keys",
		},
		{
			name: "rotd's own key", verb: Replace,
			g:     func(g *Guardrails) { g.Own = func(string) string { return "the queue https://sqs/rotd" } },
			guard: GuardOwnKey, automatic: Refuse, person: Refuse, emergency: Refuse,
			says: "encrypts the queue https://sqs/rotd, without which rotd cannot work: rotd does not replace it",
		},
		{
			name: "the second put-back", method: EnableAutomatic, f: func(f *Facts) { f.PutBacks = 1 },
			automatic: Allow, person: Allow, emergency: Allow,
		},
		{
			name: "the third put-back names who undoes it", method: EnableAutomatic,
			f:     func(f *Facts) { f.PutBacks, f.UndoneBy = 2, "arn:aws:iam::111122223333:role/terraform" },
			guard: GuardPutBackLimit, automatic: Refuse, person: Allow, emergency: Allow,
			says: "role/terraform keeps undoing",
		},
		{
			name: "another action runs on the key", method: NewMaterial,
			f:     func(f *Facts) { f.Others = []*Action{{ID: "act_0", State: Running}} },
			guard: GuardOneAtATime, automatic: Wait, person: Refuse, emergency: Refuse, until: soon,
			says: "act_0 is running",
		},
		{
			name: "another action tries again", method: NewMaterial,
			f:     func(f *Facts) { f.Others = []*Action{{ID: "act_0", State: Planned, Attempts: 1, Automatic: true}} },
			guard: GuardOneAtATime, automatic: Wait, person: Refuse, emergency: Refuse, until: soon,
		},
		{
			name: "an automatic action that has not begun gives way to people", method: NewMaterial,
			f:     func(f *Facts) { f.Others = []*Action{{ID: "act_0", State: Planned, Automatic: true}} },
			guard: GuardOneAtATime, automatic: Wait, person: Allow, emergency: Allow, until: soon,
		},
		{
			name: "an action that runs is not hidden by one that has not begun", method: NewMaterial,
			f: func(f *Facts) {
				f.Others = []*Action{{ID: "act_00", State: Verifying}, {ID: "act_0", State: Planned, Automatic: true}}
			},
			guard: GuardOneAtATime, automatic: Wait, person: Refuse, emergency: Refuse, until: soon,
			says: "act_00 is verifying",
		},
		{
			name: "another action waits in the middle for the end of a pause", method: NewMaterial,
			f: func(f *Facts) {
				f.Others = []*Action{{ID: "act_0", State: Planned, At: 1, Guardrail: GuardPaused}}
			},
			guard: GuardOneAtATime, automatic: Wait, person: Refuse, emergency: Refuse, until: soon,
			says: "It waits for rotd resume",
		},
		{
			name: "another action is between two of its calls", method: NewMaterial,
			f:     func(f *Facts) { f.Others = []*Action{{ID: "act_0", State: Planned, At: 1, Automatic: true}} },
			guard: GuardOneAtATime, automatic: Wait, person: Refuse, emergency: Refuse, until: soon,
		},
		{
			name: "an action of a person that has not begun goes first", method: NewMaterial,
			f:     func(f *Facts) { f.Others = []*Action{{ID: "act_0", State: Planned}} },
			guard: GuardOneAtATime, automatic: Wait, person: Refuse, emergency: Refuse, until: soon,
		},
		{
			name: "an ended action is no obstacle", method: NewMaterial,
			f:         func(f *Facts) { f.Others = []*Action{{ID: "act_0", State: Failed}} },
			automatic: Allow, person: Allow, emergency: Allow,
		},
		{
			name: "the action itself is no other", method: NewMaterial,
			f:         func(f *Facts) { f.Others = []*Action{{ID: "act_1", State: Running}} },
			automatic: Allow, person: Allow, emergency: Allow,
		},
	}
	told := make(map[string]string)
	for _, tt := range tests {
		if tt.guard != "" {
			told[cmp.Or(tt.row, "`"+tt.guard+"`")] = told3(tt.automatic, tt.person, tt.emergency)
		}
		t.Run(tt.name, func(t *testing.T) {
			key := tt.key
			if key == nil {
				key = testKey()
			}
			for who, want := range map[string]Verdict{
				"automatic": tt.automatic, "person": tt.person, "emergency": tt.emergency,
			} {
				a, g, f := testAction(tt.method, key), testGuardrails(), testFacts(key)
				a.Verb = cmp.Or(tt.verb, Rotate)
				a.Automatic, a.Emergency = who == "automatic", who == "emergency"
				apply(tt.g, &g)
				apply(tt.f, &f)
				apply(tt.a, &a)
				got := g.Decide(&a, f)
				wanted := Decision{Verdict: want, Reason: got.Reason}
				if want != Allow {
					wanted.Guardrail = tt.guard
				}
				if want == Wait || want == NeedsApproval {
					wanted.Until = tt.until
				}
				if want == Allow && who == "emergency" && tt.person == Refuse {
					wanted.Overridden = []string{tt.guard}
				}
				if diff := gocmp.Diff(wanted, got); diff != "" {
					t.Errorf("for %s (-want +got):\n%s", who, diff)
				}
				if want == Allow != (got.Reason == "") || want != Allow && !strings.Contains(got.Reason, tt.says) {
					t.Errorf("for %s the reason %q does not say %q", who, got.Reason, tt.says)
				}
			}
		})
	}
	if diff := gocmp.Diff(told, documented(t)); diff != "" {
		t.Errorf("docs/operations.md (-is +says):\n%s", diff)
	}
}

// told3 is what docs/operations.md says of a guardrail.
func told3(automatic, person, emergency Verdict) string {
	words := func(v Verdict, allowed, refused string) string {
		return map[Verdict]string{
			Allow: allowed, Refuse: refused, Wait: "waits", NeedsApproval: "needs a second person",
		}[v]
	}
	passed := "does not apply"
	if person != Allow {
		passed = "allowed"
	}
	return strings.Join([]string{
		words(automatic, "does not apply", "never"), words(person, "does not apply", "refused (4)"),
		words(emergency, passed, "refused (4)"),
	}, " | ")
}

// documented are the rows of the table of guardrails, by their first cell.
func documented(t *testing.T) map[string]string {
	page, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(page), "\n## Guardrails\n")
	section, _, _ = strings.Cut(section, "\n## ")
	rows := make(map[string]string)
	row := regexp.MustCompile("(?m)^\\| (`[^|]*) \\| [^|]* \\| (.*) \\|$")
	for _, cells := range row.FindAllStringSubmatch(section, -1) {
		rows[cells[1]] = cells[2]
	}
	return rows
}

func apply[T any](change func(*T), to *T) {
	if change != nil {
		change(to)
	}
}

func TestAnEmergencyListsEverythingItPasses(t *testing.T) {
	key := testKey(onDemand(20), rotated("ON_DEMAND", testNow().Add(-time.Hour)))
	a, f := testAction(NewMaterial, key), testFacts(key)
	a.Emergency, f.Mode, f.Paused = true, policy.Observe, "by hand"
	g := testGuardrails()
	g.RotationsPerHour = 0
	want := Decision{
		Verdict:    Allow,
		Overridden: []string{GuardMode, GuardReserve, GuardPaused, GuardCooldown, GuardHourlyLimit},
	}
	if diff := gocmp.Diff(want, g.Decide(&a, f)); diff != "" {
		t.Errorf("Decide (-want +got):\n%s", diff)
	}
}

func TestTwoPlannedActionsDoNotWaitForEachOther(t *testing.T) {
	first, second := testAction(NewMaterial, testKey()), testAction(NewMaterial, testKey())
	first.Automatic, second.Automatic = true, true
	second.ID = "act_2"
	f := testFacts(testKey())
	f.Others = []*Action{&second}
	if d := testGuardrails().Decide(&first, f); d.Verdict != Allow {
		t.Errorf("the older one: %+v", d)
	}
	f.Others = []*Action{&first}
	if d := testGuardrails().Decide(&second, f); d.Guardrail != GuardOneAtATime {
		t.Errorf("the younger one: %+v", d)
	}
}

func TestZeroGuardrailsAllowNothingAutomatic(t *testing.T) {
	for _, m := range []Method{EnableAutomatic, NewMaterial} {
		a := testAction(m, testKey())
		a.Automatic = true
		f := testFacts(testKey())
		f.Mode = ""
		if d := (Guardrails{}).Decide(&a, f); d.Verdict != Refuse {
			t.Errorf("%s: %+v", m, d)
		}
	}
}
