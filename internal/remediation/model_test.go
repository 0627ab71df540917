package remediation

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"rotd/internal/inventory"
	"rotd/internal/policy"
)

// world is a small KMS with one key, an engine that crashes, and somebody else who has hands on the key too.
type world struct {
	t       *rapid.T
	dice    *rand.Rand // uniform, unlike rapid's own draws, which prefer small numbers
	hostile int        // how often things go wrong, 0 to 4
	now     time.Time
	key     *inventory.Key
	blind   time.Duration // until KMS shows that a rotation on demand has begun
	lag     time.Duration // until it completes
	began   time.Time     // when the one under way was called for; zero: none is
	rotate  int           // RotateKeyOnDemand calls that KMS took or might have taken
	taken   int           // of those, the ones it did
	set     int

	mode   policy.Mode // empty: enforce
	begun  int         // attempts
	agreed bool        // somebody who might has approved
}

// TestActionsAgainstAnUnreliableKMS drives actions through random answers, crashes, lags and foreign changes. Whatever
// happens an action ends, RotateKeyOnDemand is called at most twice, the second time only when the first had no effect,
// and success is never told without KMS's own proof.
func TestActionsAgainstAnUnreliableKMS(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dice := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		hostile := rapid.IntRange(0, 4).Draw(t, "hostile")
		method := rapid.SampledFrom([]Method{NewMaterial, EnableAutomatic}).Draw(t, "method")
		for range 25 {
			w := &world{t: t, now: testNow(), key: testKey(), dice: dice, hostile: hostile}
			w.blind = time.Duration(dice.IntN(300)) * time.Second
			w.lag = w.blind + time.Duration(dice.IntN(20))*time.Minute
			a := testAction(method, w.key)
			a.Automatic = dice.IntN(2) == 0
			a.Created = w.now
			w.drive(a)
		}
	})
}

func (w *world) drive(a Action) {
	g, o := testGuardrails(), Observation{}
	for step := range 2000 {
		o.Facts.Mode, o.Facts.Armed, o.Facts.StartedAt = cmp.Or(w.mode, policy.Enforce), true, testNow().Add(-day)
		if w.trouble(1) {
			o.Facts.Paused = "for a while"
		}
		var do Do
		a, do = Step(a, o, g, w.now)
		w.check(&a, do)
		o = Observation{}
		if w.trouble(2) { // a crash: what was kept is all there is
			w.pass(time.Duration(1+w.dice.IntN(1200)) * time.Second)
			if do.What == Attempt && w.chance(50) {
				w.call(&a)
			}
			continue
		}
		switch do.What {
		case End:
			w.t.Logf("%s after %d steps: %s", a.State, step, a.Outcome)
			return
		case Nothing:
			if !do.Until.After(w.now) {
				w.t.Fatalf("asked to wait until %s at %s: a busy loop", do.Until, w.now)
			}
			if a.State == AwaitingApproval {
				a = w.people(a)
				continue
			}
			w.pass(do.Until.Sub(w.now))
		case Read:
			o.Facts.Key, o.ReadError = w.read()
		case Attempt:
			w.begun++
			o.Answer = w.call(&a)
		}
		w.pass(time.Second)
	}
	w.t.Fatalf("still %s after 2000 steps: %+v", a.State, a)
}

func (w *world) chance(percent int) bool { return w.dice.IntN(100) < percent }

func (w *world) trouble(percent int) bool { return w.chance(percent * w.hostile) }

func (w *world) check(a *Action, do Do) {
	if a.State.Final() != (do.What == End) {
		w.t.Fatalf("%s and %s", a.State, do.What)
	}
	if w.rotate > 2 {
		w.t.Fatalf("RotateKeyOnDemand %d times", w.rotate)
	}
	if do.What == Attempt && a.Method == NewMaterial && w.taken > 0 {
		w.t.Fatalf("RotateKeyOnDemand again, after a call that KMS took")
	}
	if a.State == Succeeded {
		after := PreconditionOf(w.key)
		unmoved := after.OnDemandUsed <= a.Before.OnDemandUsed || after.Material == a.Before.Material
		if a.Method == NewMaterial && unmoved {
			w.t.Fatalf("success without new material: %+v", a)
		}
		if a.Method == EnableAutomatic && w.set == 0 {
			w.t.Fatalf("success without a call that KMS took: %+v", a)
		}
		if !strings.Contains(a.Outcome, "stays decryptable") {
			w.t.Fatalf("the outcome leaves out what a rotation does not do: %q", a.Outcome)
		}
	}
	if a.State == Cancelled && w.taken+w.set > 0 {
		w.t.Fatalf("cancelled, but KMS took %d calls: %+v", w.taken+w.set, a)
	}
}

// pass lets time go by, in which a rotation completes or somebody else changes the key.
func (w *world) pass(d time.Duration) {
	w.now = w.now.Add(d)
	switch running := w.now.Sub(w.began); {
	case w.began.IsZero():
	case running >= w.lag:
		w.rotated("ON_DEMAND")
		w.began, w.key.Rotation.InProgress = time.Time{}, nil
	case running >= w.blind:
		began := w.began
		w.key.Rotation.InProgress = &began
	}
	if w.trouble(1) && w.chance(30) {
		w.rotated("AUTOMATIC")
	}
	if w.trouble(1) && w.chance(30) {
		w.key.State = []string{"Enabled", "Disabled"}[w.dice.IntN(2)]
	}
}

func (w *world) rotated(kind string) {
	n := len(w.key.Rotation.History) + 1
	w.key.CurrentMaterial = fmt.Sprintf("%064x", n)
	w.key.Rotation.History = append(w.key.Rotation.History,
		inventory.Rotated{At: w.now, Type: kind, Material: w.key.CurrentMaterial})
}

// read answers with the key as it is now, in a copy, or not at all.
func (w *world) read() (*inventory.Key, string) {
	if w.trouble(5) {
		return nil, "timeout"
	}
	k, r := *w.key, *w.key.Rotation
	k.Rotation, k.ReadAt, r.HistoryAt = &r, w.now, w.now
	if w.trouble(1) {
		k.Rotation = nil
	}
	if w.trouble(1) {
		k.Denied = []string{"ListKeyRotations"}
	}
	return &k, ""
}

// call does what KMS does with an attempt, and loses some of the answers before or after the effect. The model keeps to
// effects that show within Settle: beyond that nobody can tell a late effect from none.
func (w *world) call(a *Action) *Answer {
	kind := []AnswerKind{Accepted, Accepted, Rejected, Busy, Refused, Lost, Lost, Lost}[w.dice.IntN(8)]
	if kind == Rejected || kind == Busy || kind == Refused {
		return &Answer{Kind: kind, Code: "ThrottlingException", Message: "slow down"}
	}
	effect := kind == Accepted || w.chance(50)
	if a.Method == EnableAutomatic {
		if effect {
			w.set++
			w.key.Rotation.Enabled, w.key.Rotation.PeriodDays = true, a.PeriodDays
		}
		return &Answer{Kind: kind}
	}
	w.rotate++
	if effect {
		w.taken++
		w.began = w.now
	}
	return &Answer{Kind: kind, RequestID: "r"}
}
