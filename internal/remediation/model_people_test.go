package remediation

import (
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"

	"rotd/internal/policy"
)

// TestNothingBeginsUnapproved drives actions in mode propose among people who approve what they may not: their own
// requests, other plans, too late, as nobody in particular. Whatever happens, nothing is begun that another person did
// not approve, as it is, in time; what nobody approves ends.
func TestNothingBeginsUnapproved(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dice := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		hostile := rapid.IntRange(0, 4).Draw(t, "hostile")
		for range 10 {
			w := &world{t: t, now: testNow(), key: testKey(), dice: dice, hostile: hostile, mode: policy.Propose}
			w.lag = time.Duration(dice.IntN(10)) * time.Minute
			a := testAction([]Method{NewMaterial, EnableAutomatic}[dice.IntN(2)], w.key)
			a.Requester, a.RequesterIs, a.Created = kim().Name, kim().Is, w.now
			if a.Automatic = dice.IntN(2) == 0; a.Automatic {
				a.Requester, a.RequesterIs = "rotd", nil
			} else if a.Emergency = dice.IntN(2) == 0; a.Emergency {
				a.BreakGlass = dice.IntN(4) == 0
			} else if dice.IntN(4) == 0 { // bob, as root: whether he approves it himself nobody could tell
				a.Requester, a.RequesterIs = "root", nil
			}
			w.drive(a)
			if w.begun > 0 && !w.agreed && !a.BreakGlass {
				t.Fatalf("KMS was called and nobody had agreed")
			}
		}
	})
}

// people do what they like with an action that awaits approval. Whether one of them may have approved it is judged here
// from what is done, not by the code under test.
func (w *world) people(a Action) Action {
	w.pass(time.Duration(w.dice.IntN(100)) * time.Minute)
	all := []Who{kim(), bob(), {Name: "root"}, {Name: "kim by AWS", Is: []string{"aws-user:AIDAKIM", "uid:1000"}}}
	by := all[w.dice.IntN(len(all))]
	plan := a.Approval.Plan
	if w.trouble(10) {
		plan = "v1:another"
	}
	w.agreed = false
	if w.trouble(3) { // somebody edits what is kept
		a.Reason += "!"
	}
	own := !a.Automatic && (by.Name == kim().Name || by.Name == "kim by AWS")
	may := by.Name != "root" && !own && a.Requester != "root" && plan == a.Approval.Plan && a.Reason == "test" &&
		w.now.Sub(a.Approval.Asked) < testGuardrails().ApprovalTTL
	switch w.dice.IntN(10) {
	case 0:
		if cancelled, err := Cancel(a, by.Name, "no", w.now); err == nil {
			return cancelled
		}
	case 1, 2, 3, 4, 5:
		approved, err := Approve(a, plan, by, "yes", w.now)
		if may != (err == nil) {
			w.t.Fatalf("%s approves %s at %s, may %t: %v", by.Name, plan, w.now, may, err)
		}
		w.agreed = may
		a = approved
	}
	return a
}
