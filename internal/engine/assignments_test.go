package engine

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"rotd/internal/audit"
	"rotd/internal/awssim"
	"rotd/internal/detection"
	"rotd/internal/finding"
	"rotd/internal/inventory"
	"rotd/internal/policy"
	"rotd/internal/remediation"
	"rotd/internal/state"
)

// byTag lets tags choose between a policy that puts rotation right and one that only watches.
func byTag(w *world) {
	w.settings.Policies = policy.Set{
		{
			Name: "gold", Mode: policy.Enforce, Match: policy.Match{Tags: map[string]string{"tier": "gold"}},
			Rotation: policy.Rotation{Method: policy.Auto, Automatic: 90 * day, MaxAge: 365 * day},
		},
		{
			Name: "watched", Mode: policy.Observe, Match: policy.Match{Tags: map[string]string{"tier": "watched"}},
			Rotation: policy.Rotation{Method: policy.Auto, Automatic: 365 * day, MaxAge: 365 * day},
		},
	}
}

// tier gives a key another tag and reads it.
func (w *world) tier(arn, tier string) {
	w.Helper()
	key, value := "tier", tier
	_, err := w.kms(w.engineer).TagResource(w.Context(), &kms.TagResourceInput{
		KeyId: &arn, Tags: []types.Tag{{TagKey: &key, TagValue: &value}},
	})
	w.check(err)
	w.sweep(Inventory)
}

func (w *world) assignment(arn string) (a *policy.Assignment) {
	w.Helper()
	w.view(func(tx *state.Tx) (err error) { a, err = tx.Assignment(arn); return err })
	return a
}

// acknowledge answers for a finding as it is told now.
func (w *world) acknowledge(id, by, reason string) (*finding.Finding, *finding.Acknowledgement, error) {
	w.Helper()
	var told *finding.Finding
	w.view(func(tx *state.Tx) (err error) { told, err = tx.Finding(id); return err })
	move := ""
	if told != nil {
		move = told.Move
	}
	return w.engine.Acknowledge(id, finding.Acknowledgement{By: by, Reason: reason}, move)
}

func TestALaxerPolicyByATagCountsOnlyAfterItIsAcknowledged(t *testing.T) {
	w := newWorld(t, silent, byTag)
	arn := w.key(awssim.KeyOptions{RotationPeriod: 90, Tags: map[string]string{"tier": "gold"}})
	w.sweep(Inventory)
	w.tier(arn, "watched")
	f := w.awaitFound(detection.AssignmentChangedID, finding.Open)
	if f.Policy != "gold" || !slices.Contains(f.Remedy,
		"rotd findings ack "+f.ID+" --move "+f.Move+" --reason 'the move is meant'") || f.Move == "" {
		t.Fatalf("got %+v", f)
	}
	w.awaitTold(detection.AssignmentChangedID, notifyOpened)

	w.disableRotation(w.engineer, arn)
	w.sweep(Drift)
	a := w.awaitAction(remediation.Succeeded)
	if a.Policy != "gold" || a.PeriodDays != 90 {
		t.Errorf("got %+v", a)
	}
	w.stop()
	w.start()
	if p := w.assignment(arn).Pending; p == nil || p.Policy != "watched" {
		t.Errorf("after a restart: %+v", p)
	}

	got, before, err := w.acknowledge(f.ID, "ada", "handed over to the archive")
	w.check(err)
	if got.Acknowledged.By != "ada" || got.Status != finding.Resolved || before != nil ||
		got.ResolvedBy != "ada accepted it: handed over to the archive" {
		t.Errorf("got %+v", got)
	}
	w.awaitTold(detection.AssignmentChangedID, notifyResolved)
	w.disableRotation(w.engineer, arn)
	w.sweep(Inventory)
	w.await("drift that is only watched", func() bool {
		f := w.found("rotation-disabled")
		return f.Status == finding.Open && f.Policy == "watched"
	})
	if n := len(w.actions()); n != 1 {
		t.Errorf("%d actions\n%s", n, w.account())
	}
	if f := w.found(detection.AssignmentChangedID); f.Status != finding.Resolved || f.Episode != 1 {
		t.Errorf("what was accepted was found again: %+v", f)
	}
}

func TestOnlyTheMoveThatWasReadIsAccepted(t *testing.T) {
	w := newWorld(t, silent, byTag)
	arn := w.key(awssim.KeyOptions{RotationPeriod: 90, Tags: map[string]string{"tier": "gold"}})
	w.sweep(Inventory)
	w.tier(arn, "watched")
	read := w.awaitFound(detection.AssignmentChangedID, finding.Open)
	accept := func(move string) error {
		_, _, err := w.engine.Acknowledge(read.ID, finding.Acknowledgement{By: "ada", Reason: "meant"}, move)
		return err
	}
	refused := func(when, move, now string) {
		t.Helper()
		waits := w.assignment(arn).Pending.ID()
		err := accept(move)
		if !errors.Is(err, ErrOtherMove) || !strings.Contains(err.Error(), now) ||
			!strings.Contains(err.Error(), "rotd findings ack "+read.ID+" --move "+waits+" ") {
			t.Errorf("%s: got %v", when, err)
		}
		if f := w.found(detection.AssignmentChangedID); f.Status != finding.Open || f.Acknowledged != nil {
			t.Errorf("%s: %+v", when, f)
		}
		if a := w.assignment(arn); a.Policy != "gold" || a.Pending == nil {
			t.Errorf("%s: what is remembered: %+v", when, a)
		}
	}

	refused("no move named", "", "policy watched instead of policy gold, by tag tier=watched instead of gold")
	w.tier(arn, "none")
	refused("moved again", read.Move, "no policy instead of policy gold, by tag tier=none instead of watched")

	w.tier(arn, "gold")
	w.awaitFound(detection.AssignmentChangedID, finding.Resolved)
	w.tier(arn, "watched")
	w.awaitFound(detection.AssignmentChangedID, finding.Open)
	refused("taken back and done again", read.Move, "policy watched")

	again := w.found(detection.AssignmentChangedID).Move
	laxer := w.settings
	laxer.Policies = slices.Clone(laxer.Policies)
	laxer.Policies[1].Rotation.Method = policy.None
	w.engine.Reload(&laxer)
	err := accept(again)
	if !errors.Is(err, ErrOtherMove) || !strings.Contains(err.Error(), "method none instead of auto") {
		t.Errorf("laxer by a reload: %v", err)
	}
}

func TestALaxerPolicyThatIsTakenBackIsOver(t *testing.T) {
	w := newWorld(t, silent, byTag)
	arn := w.key(awssim.KeyOptions{RotationPeriod: 90, Tags: map[string]string{"tier": "gold"}})
	w.sweep(Inventory)
	w.tier(arn, "none")
	w.awaitFound(detection.AssignmentChangedID, finding.Open)
	if f := w.found("key-unmanaged"); f != nil {
		t.Errorf("the policy before still counts: %+v", f)
	}
	w.tier(arn, "gold")
	w.awaitFound(detection.AssignmentChangedID, finding.Resolved)
	if a := w.assignment(arn); a != nil {
		t.Errorf("what is remembered: %+v", a)
	}
}

func TestAStricterPolicyByATagCountsAtOnceAndIsAskedAboutForADay(t *testing.T) {
	w := newWorld(t, silent, byTag)
	arn := w.key(awssim.KeyOptions{Tags: map[string]string{"tier": "watched"}})
	w.sweep(Inventory)
	w.tier(arn, "gold")
	if f := w.found(detection.AssignmentChangedID); f != nil {
		t.Errorf("a finding: %+v", f)
	}
	if f := w.found("rotation-disabled"); f.Policy != "gold" {
		t.Errorf("got %+v", f)
	}
	asked := w.awaitAction(remediation.AwaitingApproval)
	if until := asked.Approval.Expires; until.Before(time.Now().Add(policy.HoldAfterMove - time.Minute)) {
		t.Errorf("asked for until %s", until)
	}
	w.awaitTold("action-awaiting-approval", asked.ID, "then it begins by itself")
	w.check(w.approve(asked, bob()))
	if a := w.awaitAction(remediation.Succeeded); a.ID != asked.ID || len(w.sim.EffectsOf("EnableKeyRotation")) != 1 {
		t.Errorf("got %+v", a)
	}
}

func TestWhatNobodyApprovedUnderANewPolicyBeginsWhenTheDayIsOver(t *testing.T) {
	for name, tt := range map[string]struct {
		tier string // of the key when the day is over
		want remediation.State
	}{
		"if it is still wanted": {"gold", remediation.Succeeded},
		"or not":                {"watched", remediation.Cancelled},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, silent, byTag, func(w *world) {
				w.settings.Judge = detection.NewJudge(detection.Settings{Disabled: []string{detection.AssignmentChangedID}})
			})
			arn := w.key(awssim.KeyOptions{Tags: map[string]string{"tier": "watched"}})
			w.sweep(Inventory)
			w.tier(arn, "gold")
			asked := w.awaitAction(remediation.AwaitingApproval)
			w.tier(arn, tt.tier)
			if n := len(w.sim.EffectsOf("EnableKeyRotation")); n != 0 {
				t.Fatalf("%d calls within the day", n)
			}
			w.update(func(tx *state.Tx) error {
				over := time.Now().UTC()
				asked.NotBefore, asked.Approval.Expires = over, over
				a, err := tx.Assignment(arn)
				if a != nil {
					a.Hold = over
				}
				return errors.Join(err, tx.SetAssignment(arn, a), tx.PutAction(asked))
			})
			nudge(w.engine.wakeActions)
			if a := w.awaitAction(tt.want); a.ID != asked.ID || a.Approval != nil {
				t.Errorf("got %+v", a)
			}
		})
	}
}

func TestANewKeyIsNamedByItsMakerBeforeAnythingIsAMove(t *testing.T) {
	const grace = 4 * time.Second
	w := newWorld(t, silent, byTag, func(w *world) { w.settings.Guardrails.Grace = grace })
	arn := w.key(awssim.KeyOptions{Created: time.Now(), Tags: map[string]string{"tier": "gold"}})
	w.sweep(Inventory)
	if f := w.found("rotation-disabled"); f.Status != finding.Open || f.Policy != "gold" {
		t.Errorf("a new key is judged from the first reading on: %+v", f)
	}
	w.tier(arn, "watched")
	w.tier(arn, "gold")
	if f := w.found(detection.AssignmentChangedID); f != nil || w.assignment(arn) != nil {
		t.Errorf("a new key moved: %+v, %+v", f, w.assignment(arn))
	}
	if a := w.actions(); len(a) != 0 {
		t.Errorf("planned for a new key: %+v", a)
	}

	// No sweep comes any more. What is planned need not wait for the grace once more.
	atOnce := w.settings
	atOnce.Guardrails.Grace = 0
	w.engine.Reload(&atOnce)
	a := w.awaitAction(remediation.Succeeded)
	if settled := w.known(arn).Created.Add(grace); a.Policy != "gold" || a.Created.Before(settled) {
		t.Errorf("got %+v, though the key was new until %s", a, settled)
	}
	w.tier(arn, "watched")
	w.awaitFound(detection.AssignmentChangedID, finding.Open)
}

func TestTheFirstReadingAfterTheGraceIsWhatAKeyIsHeldAgainst(t *testing.T) {
	made := time.Now().UTC().Add(-time.Hour)
	at := func(after time.Duration, tier string) *inventory.Key {
		return &inventory.Key{
			ARN: "arn:aws:kms:us-east-1:111122223333:key/1", Manager: "CUSTOMER", Created: made,
			FullAt: made.Add(after), AliasesAt: made.Add(after), Tags: map[string]string{"tier": tier},
		}
	}
	const grace = 10 * time.Minute
	for _, tt := range []struct {
		name    string
		was, is *inventory.Key
		pending bool
	}{
		{"both within the grace", at(time.Minute, "gold"), at(2*time.Minute, "watched"), false},
		{"one within and one after it", at(time.Minute, "gold"), at(grace, "watched"), false},
		{"both after it", at(grace, "gold"), at(grace+time.Second, "watched"), true},
		{"aliases from within it", func() *inventory.Key {
			k := at(grace, "gold")
			k.AliasesAt = made.Add(grace - 1)
			return k
		}(), at(grace+time.Second, "watched"), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, silent, byTag, func(w *world) { w.settings.Guardrails.Grace = grace })
			w.check(w.engine.note(time.Now().UTC(), func(n *notebook) error {
				a, err := n.reassign(tt.was, tt.is)
				if got := a != nil && a.Pending != nil; got != tt.pending {
					t.Errorf("got %+v", a)
				}
				return err
			}))
		})
	}
}

func TestAReloadOfPoliciesIsNoTagChange(t *testing.T) {
	w := newWorld(t, silent, byTag)
	arn := w.key(awssim.KeyOptions{Tags: map[string]string{"tier": "gold"}})
	w.sweep(Inventory)
	w.awaitAction(remediation.Succeeded)
	laxer := w.settings
	laxer.Policies = w.settings.Policies[1:]
	w.engine.Reload(&laxer)
	w.sweep(Inventory)
	if f := w.found(detection.AssignmentChangedID); f != nil || w.assignment(arn) != nil {
		t.Errorf("a finding: %+v", f)
	}
	w.awaitFound("key-unmanaged", finding.Open)
}

func TestWhereTheCheckIsOffALaxerPolicyCountsAtOnce(t *testing.T) {
	w := newWorld(t, silent, byTag, func(w *world) {
		w.settings.Judge = detection.NewJudge(detection.Settings{Disabled: []string{detection.AssignmentChangedID}})
	})
	arn := w.key(awssim.KeyOptions{RotationPeriod: 90, Tags: map[string]string{"tier": "gold"}})
	w.sweep(Inventory)
	w.tier(arn, "none")
	w.awaitFound("key-unmanaged", finding.Open)
	if a := w.assignment(arn); a != nil {
		t.Errorf("what is remembered: %+v", a)
	}
}

func TestAnAliasBringsAKeyUnderAnExceptionOnlyWhenItIsAcknowledged(t *testing.T) {
	w := newWorld(t, silent, byTag)
	arn := w.key(awssim.KeyOptions{Tags: map[string]string{"tier": "watched"}})
	w.except(time.Now().Add(day))
	w.sweep(Inventory)
	w.awaitFound("rotation-disabled", finding.Open)
	alias := "alias/pay-me"
	_, err := w.kms(w.engineer).CreateAlias(w.Context(), &kms.CreateAliasInput{AliasName: &alias, TargetKeyId: &arn})
	w.check(err)
	w.sweep(Inventory)
	f := w.awaitFound(detection.AssignmentChangedID, finding.Open)
	if !strings.Contains(f.Description, "exception readers lets it off every rotation-* check") {
		t.Errorf("got %s", f.Description)
	}
	if f := w.found("rotation-disabled"); f.Status != finding.Open {
		t.Errorf("an alias ended it: %+v", f)
	}
	_, _, err = w.acknowledge(f.ID, "ada", "agreed")
	w.check(err)
	w.sweep(Drift)
	w.awaitFound("rotation-disabled", finding.Resolved)
}

func TestAPersonResolvesAFindingAndWhatGoesOnOpensItAnew(t *testing.T) {
	w := newWorld(t, silent)
	arn := w.payments()
	w.settle(w.aRecord("DisableKey", arn).bridged())
	f := w.found("key-disabled")
	refuses := func(id, reason, incident string, want error) {
		t.Helper()
		if _, err := w.engine.Resolve(id, "ada", reason, incident); !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
		}
	}
	refuses(f.ID, " ", "", ErrNoReason)
	refuses("fnd_9", "x", "", ErrUnknownFinding)
	refuses(f.ID, "x", "inc_9", ErrUnknownIncident)
	got, err := w.engine.Resolve(f.ID, "ada", "a test", "")
	w.check(err)
	if got.Status != finding.Resolved || got.ResolvedBy != "ada says that it is over: a test" {
		t.Errorf("got %+v", got)
	}
	refuses(f.ID, "x", "", ErrNotOpen)
	w.view(func(tx *state.Tx) error {
		entries, _, err := tx.AuditEntries("", 1, func(e *audit.Entry) bool { return e.Event == audit.FindingResolved })
		if len(entries) != 1 || entries[0].Actor != "ada" || entries[0].Finding != f.ID || entries[0].Key != arn {
			t.Errorf("the audit log has %+v", entries)
		}
		return err
	})
	w.settle(newRecord("DisableKey", arn, w.engineer, time.Now().Add(time.Second)).bridged())
	if f := w.found("key-disabled"); f.Episode != 2 || f.Status != finding.Open {
		t.Errorf("got %+v", f)
	}
}

func TestAnAcknowledgedFindingGoesOnCountingAndTheNextEpisodeIsNew(t *testing.T) {
	w := newWorld(t, silent)
	arn := w.payments()
	w.settle(w.aRecord("DisableKey", arn).bridged())
	f := w.found("key-disabled")
	_, _, err := w.acknowledge(f.ID, "ada", "maintenance")
	w.check(err)
	got, before, err := w.acknowledge(f.ID, "joe", "me too")
	w.check(err)
	if got.Acknowledged.By != "joe" || got.Acknowledged.Reason != "me too" || before == nil || before.By != "ada" {
		t.Errorf("got %+v, before %+v", got.Acknowledged, before)
	}
	w.settle(w.aRecord("DisableKey", arn).bridged())
	if f := w.found("key-disabled"); f.Count != 2 || f.Acknowledged == nil || f.Status != finding.Open {
		t.Errorf("got %+v", f)
	}
	w.check(w.engine.note(time.Now().UTC(), func(n *notebook) error {
		return n.resolve(w.found("key-disabled"), "a person looked", false)
	}))
	if _, _, err := w.acknowledge(f.ID, "ada", "again"); !errors.Is(err, ErrNotOpen) {
		t.Errorf("a resolved one: %v", err)
	}
	w.settle(newRecord("DisableKey", arn, w.engineer, time.Now().Add(time.Second)).bridged())
	if f := w.found("key-disabled"); f.Episode != 2 || f.Acknowledged != nil {
		t.Errorf("got %+v", f)
	}
	if _, _, err := w.acknowledge("fnd_x", "ada", "x"); !errors.Is(err, ErrUnknownFinding) {
		t.Errorf("an unknown one: %v", err)
	}
	if _, _, err := w.acknowledge(f.ID, "ada", " "); !errors.Is(err, ErrNoReason) {
		t.Errorf("without a reason: %v", err)
	}
}
