package remediation

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rotd/internal/inventory"
	"rotd/internal/policy"
)

func TestStep(t *testing.T) {
	now := testNow()
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	answer := func(k AnswerKind, code string) Observation {
		return Observation{Answer: &Answer{Kind: k, RequestID: "req", Code: code, Message: "m"}}
	}
	seen := func(k *inventory.Key) Observation { return Observation{Facts: Facts{Key: k}} }
	wait := func(d time.Duration) Do { return Do{Nothing, now.Add(d)} }
	end := Do{What: End}
	done := testKey(rotated("ON_DEMAND", now))
	busy := testKey(func(k *inventory.Key) { k.Rotation.InProgress = &now })
	stale := testKey(func(k *inventory.Key) { k.ReadAt, k.Rotation.HistoryAt = ago(time.Hour), ago(time.Hour) })
	denied := testKey(func(k *inventory.Key) { k.Denied = []string{"ListKeyRotations"} })
	gone := testKey(func(k *inventory.Key) { k.GoneAt = &now })
	on := testKey(scheduled(90, now.Add(90*day)))
	longer := testKey(scheduled(200, now.Add(200*day)))

	running := func(a *Action) { a.State, a.Attempts, a.CalledAt = Running, 1, ago(time.Second) }
	verifying := func(a *Action) {
		a.State, a.Attempts, a.CalledAt, a.Deadline = Verifying, 1, ago(time.Minute), now.Add(14*time.Minute)
	}
	lost := func(a *Action) { verifying(a); a.Ambiguous = true }
	settled := func(a *Action) { lost(a); a.Reads, a.FirstRead = 2, ago(10*time.Minute) }
	late := func(a *Action) { verifying(a); a.Deadline = now }
	both := func(changes ...func(*Action)) func(*Action) {
		return func(a *Action) {
			for _, c := range changes {
				c(a)
			}
		}
	}
	twice := func(a *Action) { a.Attempts = 2 }
	automatic := func(a *Action) { a.Automatic = true }

	tests := []struct {
		name   string
		method Method
		a      func(*Action)
		o      Observation
		state  State
		do     Do
		says   string // of the outcome, else of what it waits for
	}{
		{"planned asks for the truth first", NewMaterial, nil, Observation{}, Planned, Do{What: Read}, ""},
		{
			"planned does not read while a guardrail holds it", NewMaterial, automatic,
			Observation{Facts: Facts{Paused: "by hand"}},
			Planned, wait(holdFor), "paused (by hand)",
		},
		{
			"planned waits out its back-off", NewMaterial, func(a *Action) { a.NotBefore = now.Add(time.Minute) },
			seen(testKey()), Planned, wait(time.Minute), "",
		},
		{
			"planned tries a failed read again", NewMaterial, nil,
			Observation{ReadError: "timeout"},
			Planned,
			wait(30 * time.Second), "could not be read",
		},
		{
			"planned takes no old reading for the truth", NewMaterial, nil, seen(stale), Planned,
			wait(30 * time.Second), "could not be read",
		},
		{
			"planned with the truth as planned on makes the call", NewMaterial, nil, seen(testKey()),
			Running,
			Do{What: Attempt},
			"",
		},
		{
			"a schedule is set when the truth is as planned on", EnableAutomatic, nil,
			seen(testKey()), Running,
			Do{What: Attempt},
			"",
		},
		{
			"planned on other material is superseded", NewMaterial, nil, seen(done), Cancelled,
			end, "Superseded. The key got new material",
		},
		{
			"a schedule already on is superseded", EnableAutomatic, nil, seen(on), Cancelled,
			end, "already on, every 90 days",
		},
		{
			"a schedule somebody changed is superseded", EnableAutomatic, nil, seen(longer), Cancelled,
			end, "Somebody changed",
		},
		{
			"planned waits for somebody else's rotation", NewMaterial, nil, seen(busy), Planned,
			wait(30 * time.Second), "in progress",
		},
		{
			"planned on a key that is gone is cancelled", NewMaterial, nil, seen(gone), Cancelled,
			end, "no longer knows",
		},
		{
			"planned on a key that may not be judged is cancelled", NewMaterial, nil, seen(denied),
			Cancelled, end, "kms:ListKeyRotations",
		},
		{
			"a person's plan expires after an hour", NewMaterial, func(a *Action) { a.Created = ago(time.Hour) },
			Observation{},
			Expired, end, "Nothing was changed",
		},
		{
			"an automatic plan is kept for three days", NewMaterial, both(automatic,
				func(a *Action) { a.Created = ago(71 * time.Hour) }),
			Observation{},
			Planned,
			Do{What: Read},
			"",
		},
		{
			"a plan that must wait too long expires at once", NewMaterial,
			both(automatic, func(a *Action) { a.NotBefore, a.Waiting = now.Add(80*time.Hour), "Cooldown." }),
			Observation{},
			Expired, end, "Cooldown. Nothing was changed.",
		},

		{
			"an accepted call is verified", NewMaterial, running, answer(Accepted, ""), Verifying,
			Do{What: Read},
			"",
		},
		{
			"a lost answer is looked for", NewMaterial, running, answer(Lost, ""), Verifying,
			Do{What: Read},
			"",
		},
		{
			"a call without an answer after a restart is looked for", NewMaterial, running,
			Observation{},
			Verifying,
			Do{What: Read},
			"",
		},
		{
			"a throttled call is made again later", NewMaterial, running, answer(Rejected, ""), Planned,
			wait(20 * time.Second), "asks again",
		},
		{
			"throttled for the fifth time it fails", NewMaterial, both(running, func(a *Action) {
				a.Rejected,
					a.Attempts = 4, 5
			}),
			answer(Rejected, "ThrottlingException"), Failed, end,
			"too busy 5 times. Try again later, or lower limits.quota_share. Nothing was changed.",
		},
		{
			"a conflict waits for the automatic rotation", NewMaterial, running, answer(Busy, ""), Planned,
			wait(10 * time.Minute), "automatic rotation",
		},
		{
			"a spent budget fails", NewMaterial, running, answer(Refused, "LimitExceededException"), Failed,
			end, "all 25 rotations on demand of its lifetime. Leave it to automatic rotation, or replace it by a " +
				"new key. Nothing was changed.",
		},
		{
			"a disabled key fails", NewMaterial, running, answer(Refused, "DisabledException"), Failed,
			end, "enable-key",
		},
		{
			"a wrong state fails", NewMaterial, running, answer(Refused, "KMSInvalidStateException"), Failed,
			end, "state does not allow it: m.",
		},
		{
			"an unsupported key fails", NewMaterial, running, answer(Refused, "UnsupportedOperationException"),
			Failed, end, "kind of key",
		},
		{
			"a missing permission is named", EnableAutomatic, running, answer(Refused, "AccessDeniedException"),
			Failed, end, "kms:EnableKeyRotation",
		},
		{
			"a missing permission is the one that KMS names", EnableAutomatic, running,
			Observation{Answer: &Answer{
				Kind: Refused, Code: "AccessDeniedException",
				Message: "User: u is not authorized to perform: kms:TagResource on resource: r",
			}},
			Failed, end, "Let rotd's role call kms:TagResource, in IAM",
		},
		{
			"an unknown key fails", NewMaterial, running, answer(Refused, "NotFoundException"), Failed,
			end, "does not know the key",
		},
		{
			"any other refusal fails in KMS's words", NewMaterial, running, answer(Refused, "Odd"), Failed,
			end, "KMS did not do it: m. Nothing was changed.",
		},
		{
			"a refusal after a lost answer leaves doubt", NewMaterial, both(running, twice),
			answer(Refused, "LimitExceededException"), Failed, end, "A person decides",
		},

		{"verifying reads", NewMaterial, verifying, Observation{}, Verifying, Do{What: Read}, ""},
		{
			"verifying waits between reads", NewMaterial, both(verifying,
				func(a *Action) { a.NotBefore = now.Add(4 * time.Second) }),
			Observation{},
			Verifying, wait(4 * time.Second), "",
		},
		{
			"a new entry and other material prove it", NewMaterial, verifying, seen(done), Succeeded,
			end, "alias/pay has new key material (bbbbbbbbbbbb…). 1 of its 25 rotations on demand are used. " +
				"Everything encrypted before stays decryptable",
		},
		{
			"the schedule as planned proves it", EnableAutomatic, verifying, seen(on), Succeeded,
			end, "every 90 days, next on 2027-02-01 12:00Z. Its material is the same as before.",
		},
		{
			"a positive read settles a lost answer at once", NewMaterial, lost, seen(done), Succeeded,
			end, "new key material",
		},
		{
			"proof counts after the deadline too", NewMaterial, late, seen(done), Succeeded,
			end, "new key material",
		},
		{
			"other material alone proves nothing", NewMaterial, verifying,
			seen(testKey(rotated("AUTOMATIC", now))), Verifying, wait(2 * time.Second), "",
		},
		{
			"a new entry alone proves nothing", NewMaterial, verifying,
			Observation{Facts: Facts{Key: testKey(rotated("ON_DEMAND", now),
				func(k *inventory.Key) { k.CurrentMaterial = material(0) })}},
			Verifying, wait(2 * time.Second), "",
		},
		{
			"another period proves nothing", EnableAutomatic, verifying, seen(longer), Verifying,
			wait(2 * time.Second), "",
		},
		{
			"a negative read is repeated", NewMaterial, lost, seen(testKey()), Verifying,
			wait(2 * time.Second), "",
		},
		{
			"a failed read is no negative one", NewMaterial, settled,
			Observation{ReadError: "timeout"},
			Verifying,
			wait(30 * time.Second), "could not be read",
		},
		{
			"a denied read is no negative one", NewMaterial, settled, seen(denied), Verifying,
			wait(30 * time.Second), "could not be read",
		},
		{
			"a key gone for a moment is no negative read", NewMaterial, settled, seen(gone), Verifying,
			wait(30 * time.Second), "could not be read",
		},
		{
			"a reading from before the call is no negative one", NewMaterial, settled, seen(stale),
			Verifying, wait(30 * time.Second), "could not be read",
		},
		{
			"not settled, nothing is repeated", NewMaterial,
			both(settled, func(a *Action) { a.FirstRead = ago(9 * time.Minute) }), seen(testKey()),
			Verifying, wait(8 * time.Second), "",
		},
		{
			"two reads settle nothing", NewMaterial, both(settled, func(a *Action) { a.Reads = 1 }),
			seen(testKey()), Verifying, wait(4 * time.Second), "",
		},
		{
			"settled as having had no effect, it is called once more", NewMaterial, settled,
			seen(testKey()), Running,
			Do{What: Attempt},
			"",
		},
		{
			"a rotation in progress is never called again", NewMaterial, settled, seen(busy), Verifying,
			wait(8 * time.Second), "",
		},
		{
			"the second call waits while rotd is paused", NewMaterial, both(automatic, settled),
			Observation{Facts: Facts{Key: testKey(), Paused: "by hand"}},
			Planned, wait(holdFor), "paused",
		},
		{
			"a second call that turned out done is a success", NewMaterial,
			func(a *Action) { a.Attempts = 1 }, seen(done), Succeeded, end, "new key material",
		},
		{
			"a key rotated by others meanwhile ends in doubt", NewMaterial, func(a *Action) { a.Attempts = 1 },
			seen(testKey(rotated("AUTOMATIC", now))), Failed, end,
			"Whether this action's own call had a part in it cannot be told. A person decides",
		},
		{
			"lost twice, a person decides", NewMaterial, both(settled, twice), seen(testKey()), Failed,
			end, "answers to 2 calls were lost, and KMS shows no effect; rotd does not ask again. A person decides",
		},
		{
			"a schedule is set again after three reads", EnableAutomatic,
			both(lost, func(a *Action) { a.Reads, a.FirstRead = 2, ago(time.Second) }), seen(testKey()),
			Running,
			Do{What: Attempt},
			"",
		},
		{
			"a schedule is set at most five times", EnableAutomatic, both(settled, func(a *Action) { a.Attempts = 5 }),
			seen(testKey()), Failed, end, "get-key-rotation-status",
		},
		{
			"accepted but not shown in time fails", NewMaterial, late, seen(testKey()), Failed,
			end, "Not verified. KMS accepted the call, but did not show its effect in time. A person decides",
		},
		{
			"still in progress at the deadline fails", NewMaterial, late, seen(busy), Failed,
			end, "has been rotating the key since 2026-11-03 12:00Z",
		},
		{
			"unreadable at the deadline fails", NewMaterial, late,
			Observation{ReadError: "timeout"},
			Failed, end,
			"could not be asked",
		},

		{
			"what is final stays", NewMaterial, func(a *Action) { a.State = Cancelled },
			Observation{},
			Cancelled,
			end, "",
		},
		{
			"an unknown state fails", NewMaterial, func(a *Action) { a.State = "dreaming" },
			Observation{},
			Failed,
			end, `"dreaming"`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := testAction(tt.method, testKey())
			apply(tt.a, &a)
			tt.o.Facts.Mode, tt.o.Facts.Armed = policy.Enforce, true
			got, do := Step(a, tt.o, testGuardrails(), now)
			if got.State != tt.state {
				t.Errorf("state %s, want %s (%s)", got.State, tt.state, got.Outcome)
			}
			if diff := cmp.Diff(tt.do, do); diff != "" {
				t.Errorf("do (-want +got):\n%s", diff)
			}
			if said := got.Outcome + got.Waiting; !strings.Contains(said, tt.says) {
				t.Errorf("%q does not say %q", said, tt.says)
			}
			if !a.State.Final() && got.State.Final() != (got.Ended != nil && got.Ended.Equal(now)) {
				t.Errorf("%s ended at %v", got.State, got.Ended)
			}
		})
	}
}

// The whole way of a rotation whose first call never arrived, as it is kept at each step.
func TestARotationWhoseFirstAnswerWasLost(t *testing.T) {
	now, key, g := testNow(), testKey(), testGuardrails()
	a := testAction(NewMaterial, key)
	step := func(o Observation, after time.Duration, state State, what What) {
		t.Helper()
		now = now.Add(after)
		o.Facts.Mode, o.Facts.Armed = policy.Enforce, true
		if k := o.Facts.Key; k != nil {
			k.ReadAt, k.Rotation.HistoryAt = now, now
		}
		var do Do
		if a, do = Step(a, o, g, now); a.State != state || do.What != what {
			t.Fatalf("at %s: %s, %s; want %s, %s (%s)", now, a.State, do.What, state, what, a.Outcome)
		}
	}
	truth := Observation{Facts: Facts{Key: key}}
	step(Observation{}, 0, Planned, Read)
	step(truth, 0, Running, Attempt)
	first := a.CalledAt
	step(Observation{Answer: &Answer{Kind: Lost, Message: "connection reset"}}, time.Second, Verifying, Read)
	for range 20 {
		step(truth, 30*time.Second, Verifying, Nothing)
	}
	if !a.Ambiguous || a.Reads != 20 || a.Attempts != 1 || a.LastError != "connection reset" {
		t.Errorf("while it settles: %+v", a)
	}
	step(truth, 30*time.Second, Running, Attempt)
	if a.Attempts != 2 || !a.CalledAt.After(first) || a.Reads != 0 || a.Ambiguous || a.LastError != "" {
		t.Errorf("the second attempt: %+v", a)
	}
	step(Observation{Answer: &Answer{Kind: Accepted, RequestID: "req-2"}}, time.Second, Verifying, Read)
	rotated("ON_DEMAND", now)(key)
	step(truth, time.Second, Succeeded, End)
	want := Precondition{Material: material(1), OnDemandUsed: 1, KeyState: "Enabled"}
	if diff := cmp.Diff(want, a.After); diff != "" || a.RequestID != "req-2" {
		t.Errorf("after (-want +got), request %s:\n%s", a.RequestID, diff)
	}
}

func TestOverridesAreKeptWithTheAction(t *testing.T) {
	a := testAction(NewMaterial, testKey())
	a.Emergency = true
	got, _ := Step(a, Observation{Facts: Facts{Key: testKey(), Mode: policy.Observe}}, testGuardrails(), testNow())
	if diff := cmp.Diff([]string{GuardMode}, got.Overrides); diff != "" {
		t.Errorf("overrides (-want +got):\n%s", diff)
	}
}
