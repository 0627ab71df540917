package engine

import (
	"errors"
	"testing"

	"rotd/internal/awskms"
	"rotd/internal/awssim"
	"rotd/internal/finding"
)

// failing has KMS fail inside on an operation whenever it is about one of some keys.
func (w *world) failing(operation string, arns ...string) (over func()) {
	var faults []*awssim.PlannedFault
	for _, arn := range arns {
		faults = append(faults, w.sim.Plan(awssim.Fault{
			Operation: operation, Contains: arn, Err: &awssim.APIError{Code: "KMSInternalException", Status: 500},
		}))
	}
	return func() {
		for _, f := range faults {
			f.Remove()
		}
	}
}

// placeAfter sweeps, which may fail for keys, and says what is known of the place then.
func (w *world) placeAfter(kind string) (seen, facts, complete bool) {
	w.Helper()
	w.check(w.engine.Sweep(w.Context(), kind))
	c, err := w.engine.coverage(&w.engine.Places()[0])
	w.check(err)
	return !c.FirstSeen.IsZero(), !c.FirstFacts.IsZero(), !c.LastComplete.IsZero()
}

func TestAKeyThatKMSFailsOnHoldsBackNoOther(t *testing.T) {
	w := newWorld(t, silent, func(w *world) { w.settings.Guardrails.StartupHold = 0 })
	bad := w.key(awssim.KeyOptions{})
	w.key(awssim.KeyOptions{Aliases: []string{"alias/pay-cards"}})
	over := w.failing("DescribeKey", bad)
	if seen, facts, complete := w.placeAfter(Inventory); !seen || !facts || complete {
		t.Errorf("the place was seen: %t, the facts of its keys: %t, all: %t; want it seen but for one key", seen, facts,
			complete)
	}
	w.awaitAction("succeeded") // automatic actions may begin
	w.awaitTold(`"digest"`)
	if f := w.found("sweep-incomplete"); f == nil || f.Status != finding.Open {
		t.Errorf("that a key could not be read is not told: %+v", f)
	}
	if w.known(bad) != nil {
		t.Error("the key that KMS failed on is known")
	}
	over()
	w.sweep(Inventory)
	w.awaitTold(bad, notifyOpened) // the key comes late and is told of by itself
	w.awaitFound("sweep-incomplete", finding.Resolved)
}

func TestARestoredStateIsSeenButForAKeyThatKMSFailsOn(t *testing.T) {
	w := newWorld(t, silent)
	w.payments()
	bad := w.key(awssim.KeyOptions{})
	w.sweep(Inventory)
	w.restore()
	w.check(w.engine.Resume("ada", ""))
	w.failing("DescribeKey", bad)
	w.placeAfter(Inventory)
	if armed, err := w.engine.Armed(); !armed || err != nil {
		t.Errorf("armed: %t, %v", armed, err)
	}
}

func TestFactsThatKMSFailsToTellOfAKeyHoldBackNoOther(t *testing.T) {
	w := newWorld(t, silent)
	bad := w.key(awssim.KeyOptions{RotationPeriod: 365})
	good := w.key(awssim.KeyOptions{RotationPeriod: 365})
	over := w.failing("ListGrants", bad)
	if seen, facts, complete := w.placeAfter(Inventory); !seen || !facts || !complete {
		t.Errorf("the place was seen: %t, the facts of its keys: %t, all: %t", seen, facts, complete)
	}
	if k := w.known(bad); k.Grants != nil || k.FactsAskedAt.IsZero() {
		t.Errorf("got %+v", k)
	}
	if k := w.known(good); k.Grants == nil {
		t.Errorf("the other key's grants are not known: %+v", k)
	}
	over()
}

func TestFactsThatKMSTellsOfNoKeyAreAskedForAgain(t *testing.T) {
	w := newWorld(t, silent)
	var keys []string
	for range fewKeys + 1 {
		keys = append(keys, w.key(awssim.KeyOptions{RotationPeriod: 365}))
	}
	over := w.failing("ListGrants", keys...)
	if seen, facts, _ := w.placeAfter(Inventory); !seen || facts {
		t.Errorf("the place was seen: %t, the facts of its keys: %t", seen, facts)
	}
	over()
	if _, facts, _ := w.placeAfter(Inventory); !facts {
		t.Error("the facts are not read when KMS tells them again")
	}
}

func TestWhenAnInventorySawThePlace(t *testing.T) {
	tests := []struct {
		name        string
		all, failed int
		err         error
		kind        string
		want        bool
	}{
		{"every key was read", 3, 0, nil, Inventory, true},
		{"there is no key", 0, 0, nil, Inventory, true},
		{"one key failed", 3, 1, nil, Inventory, true},
		{"every key failed", 3, 3, nil, Inventory, false},
		{"a few failed of few", 11, 10, nil, Inventory, true},
		{"more than a few failed of few", 12, 11, nil, Inventory, false},
		{"a tenth failed of many", 1000, 100, nil, Inventory, true},
		{"more than a tenth failed of many", 1000, 101, nil, Inventory, false},
		{"the listing broke off", 3, 0, errors.New("ListKeys: throttled"), Inventory, false},
		{"a drift sweep lists nothing", 3, 0, nil, Drift, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := &swept{kind: tt.kind, err: tt.err, coverage: awskms.Coverage{Total: tt.all, Failed: tt.failed}}
			if got := s.saw(); got != tt.want {
				t.Errorf("got %t", got)
			}
		})
	}
}
