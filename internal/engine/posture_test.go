package engine

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"rotd/internal/awssim"
	"rotd/internal/finding"
	"rotd/internal/inventory"
	"rotd/internal/remediation"
	"rotd/internal/state"
)

func (w *world) putPolicy(arn, text string) {
	w.Helper()
	_, err := w.kms(w.engineer).PutKeyPolicy(w.Context(), &kms.PutKeyPolicyInput{KeyId: &arn, Policy: &text})
	w.check(err)
}

// baseline makes the first inventory, of a key in order: what comes after is told page by page.
func (w *world) baseline() {
	w.Helper()
	w.key(awssim.KeyOptions{Aliases: []string{"alias/other"}, RotationPeriod: 365})
	w.sweep(Inventory)
}

func (w *world) wantItems(ruleID, kind string, want int) {
	w.Helper()
	w.idleOutbox()
	if got := w.items(ruleID, kind); got != want {
		w.Errorf("%s of %s is told %d times, want %d", kind, ruleID, got, want)
	}
}

func TestAPublicPolicyIsFoundByTheFirstSweepAndOverWhenItIsNarrowed(t *testing.T) {
	w := newWorld(t, silent)
	arn := w.key(awssim.KeyOptions{RotationPeriod: 365, Policy: letting(account, "*", "")})
	w.sweep(Inventory)
	if f := w.found("key-policy-public"); f.Status != finding.Open || f.Severity != finding.Critical {
		t.Errorf("got %+v", f)
	}
	w.sweep(Drift) // reads no policy
	if f := w.found("key-policy-public"); f.Status != finding.Open {
		t.Errorf("a sweep that read no policy ended it: %+v", f)
	}
	w.sim.KMS().Deny(awssim.KMSDenial{Principal: roleARN, Operation: "GetKeyPolicy"})
	w.putPolicy(arn, letting(account, "*", `"StringEquals":{"kms:CallerAccount":"`+account+`"}`))
	w.sweep(Inventory)
	if f := w.found("key-policy-public"); f.Status != finding.Open {
		t.Errorf("a policy that KMS did not show ended it: %+v", f)
	}
	w.sim.KMS().Undeny()
	w.sweep(Inventory)
	f := w.found("key-policy-public")
	if f.Status != finding.Resolved || f.ResolvedBy != "no statement of the key policy lets every AWS account decrypt "+
		"with the key or administer it" {
		t.Errorf("got %+v", f)
	}
	w.wantItems("key-policy-public", notifyResolved, 1)
}

func TestWhatAnEventToldTheSweepDoesNotTellAgain(t *testing.T) {
	w := newWorld(t)
	arn := w.key(awssim.KeyOptions{Aliases: []string{"alias/other"}, RotationPeriod: 365})
	w.sweep(Inventory)
	w.putPolicy(arn, letting(account, "*", ""))
	told := w.awaitFound("key-policy-made-public", finding.Open)
	w.drained()
	w.sweep(Inventory)
	if f := w.found("key-policy-public"); f.Status != finding.Open || f.ToldBy != told.ID {
		t.Errorf("got %+v", f)
	}
	w.awaitTold("key-policy-made-public", "finding-opened")
	w.putPolicy(arn, letting(account, account, ""))
	w.drained()
	w.sweep(Inventory)
	w.awaitFound("key-policy-public", finding.Resolved)
	w.wantItems("key-policy-public", notifyOpened, 0)
	w.wantItems("key-policy-public", notifyResolved, 0)
	w.wantItems("key-policy-made-public", notifyOpened, 1)
}

func TestWhatNoEventToldASweepTells(t *testing.T) {
	w := newWorld(t, silent)
	w.baseline()
	arn := w.key(awssim.KeyOptions{RotationPeriod: 365, Policy: letting(account, stranger, "")})
	w.sweep(Inventory)
	w.sweep(Inventory)
	w.wantItems("key-policy-external-account", notifyOpened, 1)
	// Another outsider is news, told once; the one known is none.
	both := strings.Replace(letting(account, stranger, ""), `"`+stranger+`"`, `["`+stranger+`","888877776666"]`, 1)
	w.putPolicy(arn, both)
	w.sweep(Inventory)
	w.sweep(Inventory)
	w.wantItems("key-policy-external-account", notifyMore, 1)
	w.wantItems("key-policy-external-account", notifyOpened, 1)
	w.awaitTold("finding-more", "888877776666")
}

func TestANearerDateIsToldOnce(t *testing.T) {
	w := newWorld(t, silent)
	w.baseline()
	w.key(awssim.KeyOptions{
		Origin: types.OriginTypeExternal, Imported: []awssim.ImportedSecret{{ValidTo: time.Now().Add(10 * day)}},
	})
	w.sweep(Inventory)
	w.wantItems("material-expiring", notifyOpened, 1)
	w.age("material-expiring", func(f *finding.Finding) { f.Points = []string{"30 days"} })
	w.sweep(Drift)
	w.sweep(Drift)
	f := w.found("material-expiring")
	if f.Episode != 1 || f.Count != 2 || !slices.Equal(f.Points, []string{"30 days", "14 days"}) {
		t.Errorf("got %+v", f)
	}
	w.wantItems("material-expiring", notifyMore, 1)
	w.wantItems("material-expiring", notifyOpened, 1)
}

func TestMaterialThatExpiredIsToldByItsEvent(t *testing.T) {
	w := newWorld(t)
	w.baseline()
	w.key(awssim.KeyOptions{
		Origin: types.OriginTypeExternal, Imported: []awssim.ImportedSecret{{ValidTo: time.Now().Add(time.Hour)}},
	})
	w.sweep(Inventory)
	w.awaitFound("material-expiring", finding.Open)
	w.sim.Clock().Advance(2 * time.Hour)
	told := w.awaitFound("material-expired", finding.Open)
	w.drained()
	w.sweep(Inventory)
	if f := w.found("material-missing"); f.Status != finding.Open || f.ToldBy != told.ID {
		t.Errorf("got %+v", f)
	}
	w.awaitFound("material-expiring", finding.Resolved)
	w.wantItems("material-missing", notifyOpened, 0)
}

func TestTheReserveIsTheGuardrails(t *testing.T) {
	w := newWorld(t, silent)
	w.baseline()
	w.key(awssim.KeyOptions{RotationPeriod: 365, History: spent(20)})
	w.sweep(Inventory)
	w.wantItems("rotation-budget-low", notifyOpened, 1)
	w.stop()
	w.settings.Guardrails.OnDemandReserve = 4
	w.start()
	w.sweep(Inventory)
	w.awaitFound("rotation-budget-low", finding.Resolved)
}

func TestARotationThatRotdMissedIsToldOnceAndOverWhenKMSShowsOne(t *testing.T) {
	w := newWorld(t, silent)
	arn := w.key(awssim.KeyOptions{RotationPeriod: 365})
	w.sweep(Inventory)
	called := time.Now().Add(-time.Hour)
	missed := remediation.Action{
		ID: "act_1", Verb: remediation.Rotate, Method: remediation.NewMaterial, State: remediation.Failed, KeyARN: arn,
		Account: account, Region: region, Attempts: 1, CalledAt: called, Created: called, Ended: &called,
	}
	w.update(func(tx *state.Tx) error { return tx.PutAction(&missed) })
	w.sweep(Inventory)
	w.awaitFound("rotation-stalled", finding.Open)
	w.wantItems("rotation-stalled", notifyOpened, 1)
	_, err := w.kms(w.engineer).RotateKeyOnDemand(t.Context(), &kms.RotateKeyOnDemandInput{KeyId: &arn})
	w.check(err)
	w.await("KMS to show the rotation", func() bool {
		w.sweep(Inventory)
		return w.found("rotation-stalled").Status == finding.Resolved
	})
}

func TestAKeyEnabledAfterItsDateIsNotStalledAtOnce(t *testing.T) {
	w := newWorld(t, silent)
	w.baseline()
	arn := w.key(awssim.KeyOptions{
		Created: ago(93), RotationPeriod: 90, NextRotation: ago(3), Stalled: true, State: types.KeyStateDisabled,
	})
	w.sweep(Inventory)
	_, err := w.kms(w.engineer).EnableKey(t.Context(), &kms.EnableKeyInput{KeyId: &arn})
	w.check(err)
	w.sweep(Inventory)
	if f := w.found("rotation-stalled"); f != nil {
		t.Errorf("got %+v", f)
	}
	w.sweep(Inventory)
	w.awaitFound("rotation-stalled", finding.Open)
}

func TestAnUnusedKeyIsOneThatKMSSaysSoOf(t *testing.T) {
	w := newWorld(t, silent, func(w *world) { w.settings.Policies[1].UnusedAfter = 30 * day })
	arn := w.key(awssim.KeyOptions{RotationPeriod: 365, Created: ago(100)})
	w.sweep(Inventory)
	if f := w.found("key-unused"); f != nil {
		t.Errorf("nobody said so: %+v", f)
	}
	used := ago(60)
	w.update(func(tx *state.Tx) error {
		key, err := tx.Key(arn)
		key.LastUsage = &inventory.LastUsage{ReadAt: time.Now(), TrackedSince: ago(100), At: &used}
		if err == nil {
			err = tx.PutKey(key)
		}
		return err
	})
	w.sweep(Inventory)
	w.awaitFound("key-unused", finding.Open)
	w.settle(w.aRecord("Decrypt", arn).bridged()) // and no sweep
	w.awaitFound("key-unused", finding.Resolved)
}
