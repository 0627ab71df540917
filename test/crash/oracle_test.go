package crash

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"rotd/internal/awssim"
	"rotd/internal/finding"
	"rotd/internal/remediation"
	"rotd/internal/state"
	"rotd/test/crash/world"
)

// expected is everything that has to be told, each once.
func (s *story) expected() []string {
	all := []string{
		"digest",
		"finding-opened message-undecodable",
		"action-succeeded on-demand alias/pay-ledger",
		"action-succeeded enable-automatic alias/pay-drifted",
		"action-succeeded imported-material alias/pay-vault",
		"finding-opened material-imported alias/pay-vault", // rotd did it itself, here
		"finding-opened material-imported",                 // and in the key's replica
	}
	for round := range s.rounds {
		for _, of := range []string{
			"finding-opened rotation-turned-off alias/pay-cards",
			"action-succeeded enable-automatic alias/pay-cards",
			"finding-opened key-policy-made-public alias/pay-orders",
			"finding-opened key-policy-changed alias/pay-orders",
			"finding-opened key-deletion-scheduled alias/pay-reports",
			"finding-opened key-deletion-window-short alias/pay-reports",
			"finding-opened key-pending-deletion alias/pay-reports",
			"action-succeeded on-demand alias/pay-wallet",
			"action-succeeded new-key alias/pay-seal",
			"finding-opened alias-retargeted alias/pay-seal", // informational: rotd did it itself
		} {
			all = append(all, of+number(round))
		}
		all = append(all, containedAlerts(number(round))...)
	}
	return all
}

// possible reports whether an alert may be told besides. Whether a sweep sees what an event told of depends on which of
// them comes first, and whether what a daemon put right is over when it stops depends on its last readings.
func possible(what string) bool {
	kind, about, _ := strings.Cut(what, " ")
	rule, alias, _ := strings.Cut(about, " ")
	switch rule {
	case "rotation-turned-off", "rotation-disabled":
		return kind == "finding-resolved" || kind == "finding-opened" && strings.HasPrefix(alias, "alias/pay-cards")
	case "key-policy-public": // a sweep came before the event, which then tells who did it
		return kind == "finding-opened" && strings.HasPrefix(alias, "alias/pay-orders")
	case "key-mass-destruction": // the rounds' intruder schedules the deletion of one key each, within minutes or not
		return kind == "finding-opened"
	case "rotation-overdue":
		return kind == "finding-resolved" && (alias == "alias/pay-ledger" || alias == "alias/pay-vault")
	}
	return possibleOfContained(kind, rule, alias)
}

// missing are the elements of want that got lacks.
func missing(want, got []string) (lacking []string) {
	for _, w := range want {
		if !slices.Contains(got, w) {
			lacking = append(lacking, w)
		}
	}
	return lacking
}

// count is how often an element is among all.
func count(all []string, one string) (n int) {
	for _, e := range all {
		if e == one {
			n++
		}
	}
	return n
}

// judge holds what became of everything against what AWS saw. The daemon is gone.
func (s *story) judge(t *testing.T) {
	t.Helper()
	if n := s.w.Sim.ForgottenRequests(); n > 0 {
		t.Fatalf("the oracle forgot %d requests", n)
	}
	s.judgeMessages(t)
	s.judgeAlerts(t)
	s.judgeKeys(t)
	s.judgeContained(t)
	if err := s.w.State(func(tx *state.Tx) error { return s.judgeState(t, tx) }); err != nil {
		t.Errorf("the state: %v", err)
	}
}

// cutReceives is the most that the clean stop may leave invisible, and only until its visibility ends: a message that
// the queue hands out in the very moment in which a poller gives up its long poll is nobody's to give back.
const cutReceives = world.Pollers * 10

// judgeMessages: the dead-letter queue holds what cannot be decoded and nothing else, and the clean stop left nothing
// invisible for long. That the queue was empty before is part of being settled; rotd's last calls came back as events
// since.
func (s *story) judgeMessages(t *testing.T) {
	t.Helper()
	if dead, err := s.w.Sim.QueueDepth(s.w.DeadLetter); err != nil || dead != (awssim.QueueDepth{Visible: 1}) {
		t.Errorf("the dead-letter queue holds %+v (%v), want the one message that cannot be decoded", dead, err)
	}
	depth, err := s.w.Sim.QueueDepth(s.w.Queue)
	if err != nil || depth.InFlight > cutReceives {
		t.Errorf("the queue holds %+v (%v), want at most %d in flight", depth, err, cutReceives)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*world.Visibility)
	defer cancel()
	err = s.untilStopped(ctx, "nothing in flight", func() bool {
		depth, err = s.w.Sim.QueueDepth(s.w.Queue)
		return err == nil && depth.InFlight == 0
	})
	if err != nil {
		t.Errorf("the queue holds %+v, want nothing in flight: %v", depth, err)
	}
}

// judgeAlerts: everything was told, nothing else, and nothing twice without need.
func (s *story) judgeAlerts(t *testing.T) {
	t.Helper()
	told := s.w.WasTold()
	unexpected := slices.DeleteFunc(slices.Clone(told), func(what string) bool {
		return slices.Contains(s.expected(), what) || possible(what)
	})
	if lacking := missing(s.expected(), told); len(lacking)+len(unexpected) > 0 {
		t.Errorf("never told: %q\ntold without reason: %q", lacking, unexpected)
	}
	for i, what := range told {
		if i > 0 && told[i-1] == what && what != "digest" && !strings.HasPrefix(what, broughtBack) {
			t.Errorf("told under two alert_ids: %s", what)
		}
	}
	if n := count(told, "digest"); n != 2 {
		t.Errorf("%d digests were told, want one of each Region", n)
	}
	if repeated := s.w.Repeated(); len(repeated) > 0 {
		t.Errorf("told twice:\n%s", strings.Join(repeated, "\n"))
	}
	if _, errs := s.w.Messages(); len(errs) > 0 {
		t.Errorf("unreadable messages: %v", errs)
	}
}

// judgeKeys: KMS did what policy and person asked for, once.
func (s *story) judgeKeys(t *testing.T) {
	t.Helper()
	_, kills := s.lives.counts()
	for name, arn := range s.w.Keys {
		key, _ := s.w.Sim.KMS().Key(arn)
		rotated, enabled := s.calls("RotateKeyOnDemand", arn), s.calls("EnableKeyRotation", arn)
		wantRotated, wantEnabled, wantImported := 0, 0, 0
		switch strings.TrimRight(name, "0123456789") {
		case "ledger", "wallet":
			wantRotated = 1
		case "vault":
			wantRotated, wantImported = 1, 1
		case "cards", "drifted":
			wantEnabled = 1
		}
		if key.OnDemandUsed != wantRotated || effects(rotated) != wantRotated {
			t.Errorf("%s was rotated on demand %d times, want %d: %+v", name, effects(rotated), wantRotated, rotated)
		}
		if len(rotated) > 2*wantRotated || wantRotated == 1 && !rotated[len(rotated)-1].Effect {
			t.Errorf("%s: RotateKeyOnDemand was called again after it had its effect: %+v", name, rotated)
		}
		if n := effects(enabled); n < wantEnabled || n > wantEnabled*(1+kills) {
			t.Errorf("%s was enabled %d times, with %d kills: %+v", name, n, kills, enabled)
		}
		if n := effects(s.calls("ImportKeyMaterial", arn)); n != wantImported {
			t.Errorf("material was imported into %s %d times, want %d", name, n, wantImported)
		}
		if wantImported == 0 && key.RotationPeriod != 90 {
			t.Errorf("%s rotates every %d days, want 90", name, key.RotationPeriod)
		}
	}
	asked := []string{"RotateKeyOnDemand", "EnableKeyRotation", "ImportKeyMaterial"}
	for _, once := range []string{"CreateKey", "ReplicateKey", "CreateGrant", "UpdateAlias", "TagResource"} {
		asked = append(asked, once)
		if n := len(s.w.Sim.Requests(awssim.OfOperation(once), func(r awssim.Request) bool {
			return r.Effect && s.w.ByRotd(r)
		})); n != s.rounds {
			t.Errorf("%s had %d effects, want %d", once, n, s.rounds)
		}
	}
	changed := s.w.Sim.Requests(awssim.OfService("kms"), func(r awssim.Request) bool {
		return r.Effect && s.w.ByRotd(r) && !slices.Contains(asked, r.Operation) && !s.asked(r)
	})
	if len(changed) > 0 {
		t.Errorf("rotd changed what nobody asked it to: %+v", changed)
	}
	s.judgeReplicatedImport(t, kills)
	for round := range s.rounds {
		s.judgeReplacement(t, "seal"+number(round))
	}
}

// judgeReplicatedImport: the replica of the imported key got the same bytes, and rotated with its primary.
func (s *story) judgeReplicatedImport(t *testing.T, kills int) {
	t.Helper()
	primary, _ := s.w.Sim.KMS().Key(s.w.Keys["vault"])
	replica, _ := s.w.Sim.KMS().Key(inOther(primary.ARN))
	if replica.CurrentMaterial() != primary.CurrentMaterial() || replica.State != types.KeyStateEnabled {
		t.Errorf("the replica of the imported key is left as %+v, its primary as %+v", replica, primary)
	}
	if n := effects(s.calls("ImportKeyMaterial", replica.ARN)); n < 1 || n > 1+kills {
		t.Errorf("material was imported into the replica %d times, with %d kills", n, kills)
	}
}

// inOther is the ARN of a key's replica.
func inOther(arn string) string { return strings.Replace(arn, world.Region, otherRegion, 1) }

// judgeReplacement: there is one new key, like the old one and with a replica like it, and the alias points at it.
func (s *story) judgeReplacement(t *testing.T, name string) {
	t.Helper()
	old, _ := s.w.Sim.KMS().Key(s.w.Keys[name])
	var made []awssim.KMSKey
	for _, arn := range s.w.Sim.KMS().Keys(world.Account, world.Region) {
		if k, _ := s.w.Sim.KMS().Key(arn); k.Tags[remediation.ReplacesTag] == old.ARN {
			made = append(made, k)
		}
	}
	if len(made) != 1 {
		t.Fatalf("%s was replaced by %d keys: %+v", name, len(made), made)
	}
	k := &made[0]
	if !slices.Equal(k.Aliases, []string{"alias/pay-" + name}) || k.Policy != old.Policy || k.Spec != old.Spec ||
		k.RotationPeriod != 90 {
		t.Errorf("%s was replaced by %+v", name, k)
	}
	if _, replicated := s.w.Sim.KMS().Key(inOther(k.ARN)); !replicated {
		t.Errorf("%s was replaced by a key without its replica: %+v", name, k)
	}
	if len(old.Aliases) > 0 || old.State != types.KeyStateEnabled || old.Tags[remediation.ReplacedByTag] != k.ARN {
		t.Errorf("%s is left as %+v", name, old)
	}
}

// calls are rotd's calls of an operation on a key.
func (s *story) calls(operation, arn string) []awssim.Request {
	return s.w.Sim.Requests(awssim.OfOperation(operation), awssim.OfResource(arn), func(r awssim.Request) bool {
		return s.w.ByRotd(r)
	})
}

func effects(requests []awssim.Request) (n int) {
	for _, r := range requests {
		if r.Effect {
			n++
		}
	}
	return n
}

// judgeState: nothing is left to do, and each occurrence was counted once.
func (s *story) judgeState(t *testing.T, tx *state.Tx) error {
	t.Helper()
	pending, err := tx.PendingActions(100)
	if err != nil {
		return err
	}
	if len(pending) > 0 {
		t.Errorf("actions left behind: %+v", pending)
	}
	for _, w := range tx.WaitingAlerts(100) {
		waiting, err := world.ParseWaiting(w.Data)
		if err != nil {
			return err
		}
		t.Errorf("alert left behind: %s", waiting)
	}
	findings, _, err := tx.Findings("", 1000, func(f *finding.Finding) bool { return f.EventID != "" })
	if err != nil {
		return err
	}
	for i := range findings {
		f := &findings[i]
		if f.RuleID == "alias-retargeted" && !f.Expected {
			t.Errorf("rotd took its own move of %s for somebody else's", f.Alias)
		}
		if f.RuleID == "key-mass-destruction" { // of the rounds' keys the third and later ones, if they came within minutes
			if most := s.rounds - 2; f.Count > most {
				t.Errorf("%s: counted %d, at most %d are", f.RuleID, f.Count, most)
			}
			continue
		}
		if want := s.occurrences(f); f.Count != want || f.Episode != 1 {
			t.Errorf("%s of %s: counted %d in episode %d, and happened %d times", f.RuleID, f.Alias, f.Count, f.Episode,
				want)
		}
	}
	return nil
}

// occurrences is how often CloudTrail saw what a finding tells of done to its key or alias.
func (s *story) occurrences(f *finding.Finding) (n int) {
	for _, r := range s.w.Sim.Records() {
		if r.EventName == f.EventName && len(r.Resources) > 0 &&
			(r.Resources[0].ARN == f.KeyARN || r.Resources[0].ARN == f.Subject.ID) {
			n++
		}
	}
	return n
}
