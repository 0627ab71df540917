package engine

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/google/go-cmp/cmp"

	"rotd/internal/awskms"
	"rotd/internal/awssim"
	"rotd/internal/finding"
	"rotd/internal/inventory"
	"rotd/internal/policy"
	"rotd/internal/remediation"
	"rotd/internal/state"
)

// keyPolicy is a key policy that is not KMS's default one.
const keyPolicy = `{"Version":"2012-10-17","Statement":[{"Sid":"all","Effect":"Allow",` +
	`"Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"kms:*","Resource":"*"}]}`

const payRole = "arn:aws:iam::111122223333:role/pay"

// signing is a signing key with two aliases and a grant.
func (w *world) signing() string {
	w.Helper()
	arn := w.key(awssim.KeyOptions{
		Aliases: []string{"alias/pay-sign", "alias/ship"}, Spec: types.KeySpecRsa2048, Usage: types.KeyUsageTypeSignVerify,
		Policy: keyPolicy, Tags: map[string]string{"team": "pay"}, Description: "receipts",
		Created: time.Now().Add(-500 * day),
	})
	_, err := w.sim.KMS().AddGrant(arn, awssim.KMSGrant{Grantee: payRole, Operations: []string{"Sign", "GetPublicKey"}})
	w.check(err)
	w.sweep(Inventory)
	return arn
}

func (w *world) replace(change ...func(*ReplaceRequest)) *Planned {
	w.Helper()
	r := ReplaceRequest{Key: "alias/pay-sign", Reason: "it leaked", Requester: ada()}
	for _, c := range change {
		c(&r)
	}
	plan, err := w.engine.Replace(w.Context(), r)
	w.check(err)
	return plan
}

// keys are the ARNs of all keys but one.
func (w *world) keysBeside(arn string) []string {
	return slices.DeleteFunc(w.sim.KMS().Keys(account, region), func(k string) bool { return k == arn })
}

func (w *world) aliases(arn string) []string {
	w.Helper()
	k, ok := w.sim.KMS().Key(arn)
	if !ok {
		w.Fatalf("there is no key %s", arn)
	}
	return k.Aliases
}

// changing are the operations that changed something, in order, since the world began.
func (w *world) changing() (operations []string) {
	for _, r := range w.sim.Requests(awssim.OfService("kms")) {
		if r.Effect {
			operations = append(operations, r.Operation)
		}
	}
	return operations
}

// foreign wants no finding of a rule that takes what rotd did for somebody else's.
func (w *world) foreign(rule string) {
	w.Helper()
	for _, f := range w.findings() {
		if f.RuleID == rule && !f.Expected {
			w.Errorf("rotd's own calls are told as %s: %s", rule, f.Description)
		}
	}
}

func TestAKeyIsReplacedByOneLikeItAndItsAliasesMove(t *testing.T) {
	w := newWorld(t)
	old := w.signing()
	plan := w.replace()
	if plan.Decision.Verdict != remediation.Allow || plan.Action == nil {
		t.Fatalf("got %+v", plan.Decision)
	}
	a := w.awaitAction(remediation.Succeeded)
	w.drained()
	if diff := cmp.Diff([]string{"CreateKey", "CreateGrant", "UpdateAlias", "UpdateAlias", "TagResource"},
		w.changing()); diff != "" {
		t.Errorf("changed (-want +got):\n%s", diff)
	}
	if others := w.keysBeside(old); len(others) != 1 || others[0] != a.NewKeyARN {
		t.Fatalf("the keys besides are %q, the action says %s", others, a.NewKeyARN)
	}
	k, _ := w.sim.KMS().Key(a.NewKeyARN)
	want := awssim.KMSKey{
		Description: "receipts", Spec: types.KeySpecRsa2048, Usage: types.KeyUsageTypeSignVerify, Policy: keyPolicy,
		Tags: map[string]string{"team": "pay", "rotd:replaces": old, "rotd:action": a.ID},
	}
	got := awssim.KMSKey{Description: k.Description, Spec: k.Spec, Usage: k.Usage, Policy: k.Policy, Tags: k.Tags}
	if diff := cmp.Diff(want.Tags, got.Tags); diff != "" || got.Policy != want.Policy || got.Spec != want.Spec ||
		got.Usage != want.Usage || got.Description != want.Description {
		t.Errorf("the new key is %+v, want %+v\n%s", got, want, diff)
	}
	was, _ := w.sim.KMS().Key(old)
	if was.State != types.KeyStateEnabled || was.Tags["rotd:replaced-by"] != a.NewKeyARN || len(was.Aliases) > 0 {
		t.Errorf("the old key is %s, with aliases %q and tags %v", was.State, was.Aliases, was.Tags)
	}
	if diff := cmp.Diff([]string{"alias/pay-sign", "alias/ship"}, w.aliases(a.NewKeyARN)); diff != "" {
		t.Errorf("aliases (-want +got):\n%s", diff)
	}
	w.awaitTold("action-succeeded", "stays enabled", "rotd undo-alias "+a.ID)
}

func TestBothKeysOfAReplacementKnowTheirLineage(t *testing.T) {
	w := newWorld(t)
	old := w.signing()
	w.replace()
	a := w.awaitAction(remediation.Succeeded)
	w.await("the aliases where they are now", func() bool {
		before, after := w.known(old), w.known(a.NewKeyARN)
		return len(before.Aliases) == 0 && after != nil && len(after.Aliases) == 2
	})
	before, after := w.known(old).Lineage, w.known(a.NewKeyARN).Lineage
	if before == nil || before.ReplacedBy != a.NewKeyARN || before.ID != old || before.At.IsZero() {
		t.Errorf("the old key's lineage is %+v", before)
	}
	if diff := cmp.Diff(&inventory.Lineage{ID: old, Replaces: old}, after); diff != "" {
		t.Errorf("the new key's lineage (-want +got):\n%s", diff)
	}
	w.drained()
	for _, rule := range []string{"alias-retargeted", "key-policy-assignment-changed", "sweep-found-what-events-missed"} {
		w.foreign(rule)
	}
	w.sweep(Inventory)
	if again := w.known(a.NewKeyARN).Lineage; cmp.Diff(after, again) != "" {
		t.Errorf("a sweep made the lineage %+v", again)
	}
}

func TestALostAnswerNeverReplacesTwice(t *testing.T) {
	for _, operation := range []string{"CreateKey", "EnableKeyRotation", "CreateGrant", "UpdateAlias", "TagResource"} {
		for _, when := range []awssim.When{awssim.BeforeEffect, awssim.AfterEffect} {
			name := map[awssim.When]string{awssim.BeforeEffect: "lost before", awssim.AfterEffect: "lost after"}[when]
			t.Run(operation+" "+name, func(t *testing.T) {
				w := newWorld(t)
				old := w.key(awssim.KeyOptions{Aliases: []string{"alias/pay-sign"}, RotationPeriod: 90, Policy: keyPolicy})
				_, err := w.sim.KMS().AddGrant(old, awssim.KMSGrant{Grantee: payRole, Operations: []string{"Decrypt"}})
				w.check(err)
				w.sweep(Inventory)
				w.sim.Plan(awssim.Fault{Service: "kms", Operation: operation, When: when, DropConnection: true, Nth: 1})
				w.replace()
				a := w.awaitAction(remediation.Succeeded)
				w.drained()
				if diff := cmp.Diff([]string{"CreateKey", "EnableKeyRotation", "CreateGrant", "UpdateAlias", "TagResource"},
					w.changing()); diff != "" {
					t.Errorf("changed (-want +got):\n%s", diff)
				}
				if others := w.keysBeside(old); len(others) != 1 || others[0] != a.NewKeyARN {
					t.Errorf("the keys besides are %q, the action says %s", others, a.NewKeyARN)
				}
				if diff := cmp.Diff([]string{"alias/pay-sign"}, w.aliases(a.NewKeyARN)); diff != "" {
					t.Errorf("aliases (-want +got):\n%s", diff)
				}
			})
		}
	}
}

func TestACrashInTheMiddleOfAReplacementMakesNoSecondKey(t *testing.T) {
	for _, operation := range []string{"CreateKey", "CreateGrant", "UpdateAlias", "TagResource"} {
		for _, when := range []awssim.When{awssim.BeforeEffect, awssim.AfterEffect} {
			name := map[awssim.When]string{awssim.BeforeEffect: "before", awssim.AfterEffect: "after"}[when]
			t.Run(name+" "+operation, func(t *testing.T) {
				w := newWorld(t)
				old := w.signing()
				var c crash
				died := make(chan struct{})
				w.sim.Plan(awssim.Fault{
					Service: "kms", Operation: operation, Nth: 1, When: when, DropConnection: true,
					Do: func() {
						c.image, _ = os.ReadFile(w.path)
						close(died)
					},
				})
				w.replace()
				<-died
				w.restartFrom(&c)
				a := w.awaitAction(remediation.Succeeded)
				if others := w.keysBeside(old); len(others) != 1 || others[0] != a.NewKeyARN {
					t.Errorf("the keys besides are %q, the action says %s", others, a.NewKeyARN)
				}
				if diff := cmp.Diff([]string{"alias/pay-sign", "alias/ship"}, w.aliases(a.NewKeyARN)); diff != "" {
					t.Errorf("aliases (-want +got):\n%s", diff)
				}
			})
		}
	}
}

func TestAReplacementGoesOnWithWhatAFailedOneMade(t *testing.T) {
	for name, fault := range map[string]awssim.Fault{
		"an alias could not be moved": {
			Operation: "UpdateAlias", Err: &awssim.APIError{Code: "AccessDeniedException", Status: 400},
		},
		"the grant could not be given": {
			Operation: "CreateGrant", Err: &awssim.APIError{Code: "LimitExceededException", Status: 400},
		},
		"the old key could not be tagged": {
			Operation: "TagResource", Err: &awssim.APIError{Code: "AccessDeniedException", Status: 400},
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			old := w.signing()
			fault.Service, fault.Times = "kms", 1
			w.sim.Plan(fault)
			w.replace()
			failed := w.awaitAction(remediation.Failed)
			if !strings.Contains(failed.Outcome, "Done: a new key") || !strings.Contains(failed.Outcome, "Not done:") {
				t.Errorf("the outcome does not say what was done: %q", failed.Outcome)
			}
			plan := w.replace(func(r *ReplaceRequest) { r.Key = old })
			if plan.Action == nil {
				t.Fatalf("got %+v", plan)
			}
			a := w.awaitAction(remediation.Succeeded)
			if a.NewKeyARN != failed.NewKeyARN || len(w.sim.EffectsOf("CreateKey")) != 1 ||
				len(w.sim.EffectsOf("CreateGrant")) != 1 {
				t.Errorf("the second made %s, the first %s; changed: %q", a.NewKeyARN, failed.NewKeyARN, w.changing())
			}
			if diff := cmp.Diff([]string{"alias/pay-sign", "alias/ship"}, w.aliases(a.NewKeyARN)); diff != "" {
				t.Errorf("aliases (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAKeyThatNobodyKnowsWasMadeIsFoundByItsTag(t *testing.T) {
	w := newWorld(t)
	old := w.signing()
	// The key is made, the answer is lost, and KMS does not list it for as long as rotd looks for it.
	w.sim.Plan(awssim.Fault{
		Service: "kms", Operation: "CreateKey", When: awssim.AfterEffect, DropConnection: true, Nth: 1,
	})
	w.sim.Plan(awssim.Fault{
		Service: "kms", Operation: "CreateKey", Nth: 2, Err: &awssim.APIError{Code: "AccessDeniedException", Status: 400},
	})
	hidden := w.sim.Plan(awssim.Fault{
		Service: "kms", Operation: "ListResourceTags", Err: &awssim.APIError{Code: "NotFoundException", Status: 400},
		Match: func(in awssim.Incoming) bool { return !strings.Contains(string(in.Body), old) },
	})
	w.replace()
	failed := w.awaitAction(remediation.Failed)
	if failed.NewKeyARN != "" {
		t.Fatalf("the key was found: %s", failed.NewKeyARN)
	}
	hidden.Remove()
	w.sweep(Inventory) // which reads the key before an action knows of it
	w.replace()
	a := w.awaitAction(remediation.Succeeded)
	if others := w.keysBeside(old); len(others) != 1 || others[0] != a.NewKeyARN {
		t.Errorf("the keys besides are %q, the action says %s", others, a.NewKeyARN)
	}
	if diff := cmp.Diff(&inventory.Lineage{ID: old, Replaces: old}, w.known(a.NewKeyARN).Lineage); diff != "" {
		t.Errorf("the new key's lineage (-want +got):\n%s", diff)
	}
}

func TestAKeyThatClaimsToBeTheNewOneIsNotBelieved(t *testing.T) {
	w := newWorld(t)
	old := w.signing()
	_, err := w.kms(w.engineer).CreateKey(t.Context(), &kms.CreateKeyInput{Tags: []types.Tag{
		{TagKey: aws.String(remediation.ReplacesTag), TagValue: &old},
		{TagKey: aws.String(awskms.ActionTag), TagValue: aws.String("act_1")},
	}})
	w.check(err)
	w.sweep(Inventory)
	plan := w.replace()
	if plan.Action != nil || plan.Decision.Verdict != remediation.Refuse ||
		!strings.Contains(plan.NoAction, "does not know to have made it") {
		t.Errorf("got %+v", plan.Decision)
	}
}

func TestAliasesAreMovedBack(t *testing.T) {
	w := newWorld(t)
	old := w.signing()
	w.replace()
	a := w.awaitAction(remediation.Succeeded)
	w.await("the new key to have its aliases", func() bool {
		k := w.known(a.NewKeyARN)
		return k != nil && len(k.Aliases) == 2
	})
	undo := func(name string) *Planned {
		plan, err := w.engine.UndoAlias(t.Context(), UndoAliasRequest{
			Name: name, Reason: "callers fail", Requester: ada(),
		})
		w.check(err)
		return plan
	}
	late := w.settings
	late.Guardrails.UndoWindow = 0
	w.engine.Reload(&late)
	if d := undo("alias/pay-sign").Decision; d.Verdict != remediation.Refuse ||
		d.Guardrail != remediation.GuardUndoWindow {
		t.Fatalf("after the window: %+v", d)
	}
	w.engine.Reload(&w.settings)
	if plan := undo("alias/pay-sign"); plan.Action == nil || plan.Action.KeyARN != old {
		t.Fatalf("got %+v", plan)
	}
	w.await("both aliases on the old key", func() bool { return len(w.aliases(old)) == 2 })
	w.await("an end", func() bool { return w.actions()[0].State.Final() })
	back := w.actions()[0]
	if back.State != remediation.Succeeded || back.Method != remediation.MoveBack ||
		!strings.Contains(back.Outcome, a.NewKeyARN) {
		t.Errorf("got %+v", back)
	}
	if l := w.known(old).Lineage; l.ReplacedBy != "" {
		t.Errorf("the old key's lineage is %+v", l)
	}
	if k, _ := w.sim.KMS().Key(old); k.Tags["rotd:replaced-by"] != "undone" {
		t.Errorf("the old key's tags are %v", k.Tags)
	}
	if plan := undo(a.ID); plan.Action != nil || !strings.Contains(plan.NoAction, "moved its aliases back since") {
		t.Errorf("the second time: %+v", plan)
	}
	w.await("the old key to have its aliases", func() bool { return len(w.known(old).Aliases) == 2 })
	w.replace()
	w.await("the aliases on the new key again", func() bool { return len(w.aliases(a.NewKeyARN)) == 2 })
	if n := len(w.sim.EffectsOf("CreateKey")); n != 1 {
		t.Errorf("%d keys were made", n)
	}
	w.drained()
	w.foreign("alias-retargeted")
}

func TestAPolicyOfMethodReplaceReplacesAnOverdueKeyOnce(t *testing.T) {
	w := newWorld(t, silent, func(w *world) {
		w.settings.Policies = policy.Set{{
			Name: "signing", Mode: policy.Enforce, Match: policy.Match{Aliases: []string{"alias/pay-*"}},
			Rotation: policy.Rotation{Method: policy.Replace, MaxAge: 365 * day},
		}}
	})
	old := w.signing()
	w.sweep(Inventory)
	a := w.awaitAction(remediation.Succeeded)
	if !a.Automatic || a.Method != remediation.NewKey || a.KeyARN != old {
		t.Fatalf("got %+v", a)
	}
	w.awaitTold("action-succeeded", "rotation-overdue")
	w.await("the finding's end", func() bool {
		w.sweep(Inventory)
		f := w.found("rotation-overdue")
		return f != nil && f.ResolvedAt != nil
	})
	if n := len(w.sim.EffectsOf("CreateKey")); n != 1 || len(w.actions()) != 1 {
		t.Errorf("%d keys were made by %d actions", n, len(w.actions()))
	}
}

func TestNoKeyIsReplacedByItselfWhileItsPolicyHasAnOpenFinding(t *testing.T) {
	w := newWorld(t, silent, func(w *world) {
		w.settings.Policies = policy.Set{{
			Name: "signing", Mode: policy.Enforce, Rotation: policy.Rotation{Method: policy.Replace, MaxAge: 365 * day},
		}}
	})
	old := w.key(awssim.KeyOptions{
		Spec: types.KeySpecRsa2048, Usage: types.KeyUsageTypeSignVerify, Created: time.Now().Add(-400 * day),
		Aliases: []string{"alias/pay-sign"}, Policy: letting(account, "*", ""),
	})
	w.sweep(Inventory)
	f := w.awaitFound("key-policy-public", finding.Open)
	w.await("nothing planned, or that taken back", func() bool {
		w.sweep(Inventory)
		all := w.actions()
		return len(all) == 0 || all[0].State == remediation.Cancelled
	})
	w.sweep(Inventory)
	for _, a := range w.actions() {
		if a.Guardrail != remediation.GuardPolicyFinding || a.State != remediation.Cancelled {
			t.Errorf("got %+v", a)
		}
	}
	if n := len(w.sim.EffectsOf("CreateKey")); n != 0 {
		t.Fatalf("%d keys were made", n)
	}
	_, _, err := w.acknowledge(f.ID, "ada", "everybody verifies with it")
	w.check(err)
	w.sweep(Inventory)
	if a := w.awaitAction(remediation.Succeeded); a.KeyARN != old || a.Method != remediation.NewKey {
		t.Errorf("got %+v", a)
	}
}

func TestAFailedReplacementIsNotRepeatedByItself(t *testing.T) {
	w := newWorld(t, silent, func(w *world) {
		w.settings.Policies = policy.Set{{
			Name: "signing", Mode: policy.Enforce, Rotation: policy.Rotation{Method: policy.Replace, MaxAge: 365 * day},
		}}
	})
	w.sim.KMS().Deny(awssim.KMSDenial{Operation: "UpdateAlias"})
	w.signing()
	w.sweep(Inventory)
	w.awaitAction(remediation.Failed)
	w.sweep(Inventory)
	if n := len(w.sim.EffectsOf("CreateKey")); n != 1 || len(w.actions()) != 1 {
		t.Errorf("%d keys were made by %d actions", n, len(w.actions()))
	}
}

const farRegion = "us-east-1"

// twoRegions lets rotd look after a second Region.
func twoRegions(w *world) {
	w.places = func(cfg aws.Config) []Place {
		cfg.Region = farRegion
		return []Place{{Account: account, Region: farRegion, KMS: awskms.New(cfg,
			awskms.Place{Partition: "aws", Account: account, Region: farRegion}, awskms.Options{QuotaShare: 1})}}
	}
}

// multiRegion is a key with an alias in each of two Regions, and its replica.
func (w *world) multiRegion() (old, replica string) {
	w.Helper()
	old = w.key(awssim.KeyOptions{
		Aliases: []string{"alias/pay-sign"}, MultiRegion: true, Replicas: []string{farRegion}, Policy: keyPolicy,
		RotationPeriod: 90,
	})
	replica = strings.Replace(old, region, farRegion, 1)
	there := w.kmsIn(w.engineer, farRegion)
	_, err := there.CreateAlias(w.Context(), &kms.CreateAliasInput{
		AliasName: aws.String("alias/pay-far"), TargetKeyId: &replica,
	})
	w.check(err)
	_, err = there.TagResource(w.Context(), &kms.TagResourceInput{
		KeyId: &replica, Tags: []types.Tag{{TagKey: aws.String("site"), TagValue: aws.String("far")}},
	})
	w.check(err)
	w.sweep(Inventory)
	return old, replica
}

func TestAMultiRegionKeyIsReplacedWithItsReplicas(t *testing.T) {
	w := newWorld(t, silent, twoRegions)
	_, replica := w.multiRegion()
	w.replace()
	a := w.awaitAction(remediation.Succeeded)
	made := strings.Replace(a.NewKeyARN, region, farRegion, 1)
	if diff := cmp.Diff([]string{"alias/pay-far"}, w.aliases(made)); diff != "" {
		t.Errorf("aliases in %s (-want +got):\n%s", farRegion, diff)
	}
	k, _ := w.sim.KMS().Key(made)
	was, _ := w.sim.KMS().Key(replica)
	if k.Tags["site"] != "far" || k.Tags[awskms.ActionTag] != a.ID || k.Policy != was.Policy {
		t.Errorf("the replica is %+v", k)
	}
	if l := w.known(replica).Lineage; l == nil || l.ReplacedBy != made {
		t.Errorf("the old replica's lineage is %+v", l)
	}
}

func TestALostAnswerMakesNoSecondReplica(t *testing.T) {
	for name, when := range map[string]awssim.When{"before": awssim.BeforeEffect, "after": awssim.AfterEffect} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, silent, twoRegions)
			w.multiRegion()
			w.sim.Plan(awssim.Fault{Service: "kms", Operation: "ReplicateKey", When: when, DropConnection: true, Nth: 1})
			w.replace()
			a := w.awaitAction(remediation.Succeeded)
			if n := len(w.sim.EffectsOf("ReplicateKey")); n != 1 || len(w.sim.EffectsOf("CreateKey")) != 1 {
				t.Errorf("%d replicas were made", n)
			}
			made := strings.Replace(a.NewKeyARN, region, farRegion, 1)
			if diff := cmp.Diff([]string{"alias/pay-far"}, w.aliases(made)); diff != "" {
				t.Errorf("aliases in %s (-want +got):\n%s", farRegion, diff)
			}
		})
	}
}

func TestAReplacedKeyIsWatchedWhileItIsUsed(t *testing.T) {
	w := newWorld(t, silent)
	old := w.signing()
	w.replace()
	w.awaitAction(remediation.Succeeded)
	w.await("the old key without aliases", func() bool { return len(w.known(old).Aliases) == 0 })
	w.update(func(tx *state.Tx) error {
		k, err := tx.Key(old)
		if err != nil {
			return err
		}
		k.Lineage.At = time.Now().Add(-2 * day)
		return errors.Join(tx.PutKey(k), tx.NoteUse(old, time.Now().Add(-day)))
	})
	w.sweep(Inventory)
	f := w.awaitFound("replaced-key-used", finding.Open)
	if f.KeyARN != old || w.found("key-unmanaged") != nil {
		t.Errorf("got %+v", f)
	}
}

func TestAPlanWarnsOfThoseWhoNameTheKeyByItsID(t *testing.T) {
	w := newWorld(t, silent)
	arn := w.signing()
	w.settle(w.aRecord("Sign", arn).bridged())
	w.engine.foldUsage(t.Context())
	plan := w.replace(func(r *ReplaceRequest) { r.DryRun = true })
	if !strings.Contains(strings.Join(plan.Warnings, " "), "named no alias of it") {
		t.Errorf("warnings: %q", plan.Warnings)
	}
	w.settle(w.aRecord("Sign", arn).with("requestParameters", map[string]any{"keyId": "alias/pay-sign"}).bridged())
	w.engine.foldUsage(t.Context())
	if plan := w.replace(func(r *ReplaceRequest) { r.DryRun = true }); len(plan.Warnings) > 0 {
		t.Errorf("of somebody who names the alias: %q", plan.Warnings)
	}
}

func TestARefusedReplacementAsksForNothing(t *testing.T) {
	w := newWorld(t, silent)
	w.signing()
	if _, err := w.engine.Replace(t.Context(), ReplaceRequest{Key: "alias/pay-sign"}); !errors.Is(err, ErrNoReason) {
		t.Errorf("without a reason: %v", err)
	}
	plan := w.replace(func(r *ReplaceRequest) { r.Spec = "ECC_NIST_P256" })
	if plan.Action != nil || plan.Decision.Verdict != remediation.Refuse {
		t.Errorf("of another type: %+v", plan)
	}
	if plan := w.replace(func(r *ReplaceRequest) { r.DryRun = true }); plan.Action == nil || len(w.actions()) != 0 {
		t.Errorf("a dry run: %+v with %d actions", plan, len(w.actions()))
	}
	if changed := w.changing(); len(changed) > 0 {
		t.Errorf("changed: %q", changed)
	}
}

func TestAReplacementWarnsOfWhomItCarriesOver(t *testing.T) {
	w := newWorld(t, silent)
	w.key(awssim.KeyOptions{Aliases: []string{"alias/pay-sign"}, RotationPeriod: 90, Policy: letting(account, "*", "")})
	w.sweep(Inventory)
	f := w.awaitFound("key-policy-public", finding.Open)
	plan := w.replace(func(r *ReplaceRequest) { r.DryRun = true })
	if len(plan.Warnings) == 0 || !strings.Contains(plan.Warnings[0], f.ID) {
		t.Errorf("warned of %q", plan.Warnings)
	}
}
