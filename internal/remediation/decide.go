package remediation

import (
	"fmt"
	"slices"
	"time"

	"rotd/internal/inventory"
	"rotd/internal/policy"
)

// absolute judges what nobody passes, not even in an emergency.
func (j *judgement) absolute() {
	if j.f.Key != nil && j.f.Key.ARN == j.a.KeyARN { // the first call may be about the new key of an earlier replacement
		j.eligible()
	}
	j.guarded()
	j.inWindow()
	j.clean()
	if j.a.Automatic && j.a.needsPerson() {
		j.block(GuardPersonOnly, "Only a person may ask rotd to "+j.a.does()+": no policy starts that.")
	}
	if used, ok := j.onDemandUsed(); ok && used >= inventory.OnDemandLimit {
		j.block(GuardSpent, fmt.Sprintf("The key has used all %d rotations on demand of its lifetime. "+
			"Leave it to automatic rotation, or replace it by a new key.", inventory.OnDemandLimit))
	}
	if j.a.Automatic && j.a.Attempts == 0 && j.f.Unwanted != "" {
		j.block(GuardSuperseded, j.f.Unwanted)
	}
	j.restoredBefore()
	j.oneAtATime()
	j.proposed()
	j.newToPolicy()
	if j.a.Automatic && j.a.Method == EnableAutomatic && j.f.PutBacks >= maxPutBacks {
		who := "Somebody keeps undoing it"
		if j.f.UndoneBy != "" {
			who = j.f.UndoneBy + " keeps undoing it"
		}
		j.block(GuardPutBackLimit, fmt.Sprintf("rotd has put this setting back %d times in 30 days and stops now. %s: "+
			"settle with them who is right, then run rotd rotate --automatic %dd.", j.f.PutBacks, who, j.a.PeriodDays))
	}
}

// restoredBefore keeps rotd from cancelling deletions in a quarrel with somebody.
func (j *judgement) restoredBefore() {
	if j.a.Automatic && j.a.Method == Restore && !j.f.Restored.IsZero() {
		j.block(GuardPutBackLimit, fmt.Sprintf("rotd cancelled a deletion of this key by itself at %s, and does so once in "+
			"7 days. Settle with whoever schedules it who is right, then cancel it yourself.", stamp(j.f.Restored)))
	}
}

// RestoreOnceIn is how long rotd cancels no second deletion of a key by itself.
const RestoreOnceIn = 7 * 24 * time.Hour

// proposed has somebody approve what mode propose only proposes, unless a person breaks the glass.
func (j *judgement) proposed() {
	switch {
	case j.mode() != policy.Propose:
	case j.a.Emergency && j.a.BreakGlass && !j.a.Automatic:
		j.overridden = append(j.overridden, GuardApproval)
	default:
		j.approve(GuardMode, "Mode propose: a second person must approve first that rotd may "+j.a.does()+".")
	}
}

// newToPolicy has somebody approve what rotd would begin by itself under a stricter policy that is new to the key.
func (j *judgement) newToPolicy() {
	until := j.f.HeldUntil
	if !j.a.Automatic || !j.f.Now.Before(until) || j.approval != nil || j.f.Approved {
		return
	}
	j.approve(GuardNewPolicy, fmt.Sprintf("A tag or alias change put the key under the stricter policy %s. Until %s a "+
		"person must approve that rotd may %s; then it begins by itself, if it is still wanted.", j.f.MovedTo,
		stamp(until), j.a.does()))
	j.approval.Until = until
}

// guarded judges whether the key is one that rotd keeps its hands off.
func (j *judgement) guarded() {
	j.own()
	if protected := j.g.Protected; protected == nil || !protected(j.a.KeyARN) {
		return
	}
	if j.a.Emergency && !j.a.Automatic {
		if j.f.Approved {
			j.overridden = append(j.overridden, GuardProtected)
		}
		j.approve(GuardProtected, "This key is protected (guardrails.protected_keys): a second person must approve that "+
			"rotd may "+j.a.does()+".")
		return
	}
	j.block(GuardProtected, "This key is protected (guardrails.protected_keys): rotd does not "+j.a.does()+
		". Take it off the list, or in an emergency use --emergency and have a second person approve it.")
}

// own judges whether rotd itself needs the key.
func (j *judgement) own() {
	if own := j.g.Own; own != nil {
		if what := own(j.a.KeyARN); what != "" {
			j.block(GuardOwnKey, fmt.Sprintf("This key encrypts %s, without which rotd cannot work: rotd does not %s. "+
				"Do it by hand, and see that rotd goes on.", what, j.a.does()))
		}
	}
}

// maxPutBacks is how often a setting is put back in 30 days: the third time somebody is told instead.
const maxPutBacks = 2

// passable judges what an emergency passes.
func (j *judgement) passable() {
	if j.mode() != policy.Enforce && j.mode() != policy.Propose {
		j.deny(GuardMode,
			"Mode observe: rotd only watches this key. Set mode: enforce, globally and in the key's policy.")
	}
	if used, ok := j.onDemandUsed(); ok && inventory.OnDemandLimit-used <= j.g.OnDemandReserve {
		j.deny(GuardReserve,
			fmt.Sprintf("The key has %d of its %d rotations on demand left, and %d are kept in reserve. "+
				"Leave it to automatic rotation.", inventory.OnDemandLimit-used, inventory.OnDemandLimit,
				j.g.OnDemandReserve))
	}
	soon := j.f.Now.Add(holdFor)
	j.unpaused(soon)
	if j.f.Breaker.Open() {
		j.hold(GuardBreaker, j.f.Breaker.why(), soon)
	}
	j.timely()
	if j.a.Automatic {
		j.unattended(soon)
	}
	if j.a.GivesMaterial() || j.a.Method == NewKey {
		j.paced()
	}
}

// underWay judges an action whose first call is done: it goes on to its end, unless rotd is paused or the key has been
// protected since. Half done it would be worse than either.
func (j *judgement) underWay() {
	j.guarded()
	if j.f.Paused != "" && !j.a.Emergency {
		j.wait(GuardPaused, fmt.Sprintf("rotd is paused (%s). Run rotd resume when it may go on.", j.f.Paused),
			j.f.Now.Add(holdFor))
	}
}

func (j *judgement) unpaused(soon time.Time) {
	if j.f.Paused != "" {
		j.hold(GuardPaused, fmt.Sprintf("rotd is paused (%s). Run rotd resume when it may act again.", j.f.Paused),
			soon)
	}
}

// timely judges whether a maintenance window is open. A deletion is cancelled at any time: it would not wait either.
func (j *judgement) timely() {
	next, open := j.g.Windows.Open(j.f.Now)
	if open || j.a.restores() {
		return
	}
	j.hold(GuardWindow, fmt.Sprintf("Keys are acted on only in the windows of guardrails.windows; the next opens at %s.",
		stamp(next)), next)
}

// unattended judges what concerns only actions that no person asked for.
func (j *judgement) unattended(soon time.Time) {
	if !j.f.Armed {
		j.hold(GuardNotArmed, "rotd's state is new: nothing automatic happens before a complete inventory. "+
			"Look at what it found, then run rotd resume.", soon)
	}
	if until := j.f.StartedAt.Add(j.g.StartupHold); j.f.Now.Before(until) {
		j.hold(GuardStartupHold, fmt.Sprintf("rotd has just started; automatic actions wait until %s.", clock(until)),
			until)
	}
	if until := j.a.Created.Add(j.g.Grace); j.f.Now.Before(until) && !j.f.Approved {
		j.hold(GuardGrace, fmt.Sprintf("Automatic, so people have until %s to stop it. Run rotd pause to do so.",
			clock(until)), until)
	}
	if j.f.ClockOff != "" && (j.a.GivesMaterial() || j.a.Method == NewKey) {
		j.hold(GuardWrongClock, fmt.Sprintf("This machine's clock is %s: whether a key is due cannot be told. Set it right.",
			j.f.ClockOff), soon)
	}
}

// paced judges how often material may change, of this key and of all.
func (j *judgement) paced() {
	if j.f.Key != nil {
		last, ever := j.f.Key.LastRotated()
		if until := last.Add(j.g.KeyCooldown); ever && j.f.Now.Before(until) {
			j.hold(GuardCooldown, fmt.Sprintf("The key got new material at %s and may get the next after %s.",
				stamp(last), stamp(until)), until)
		}
	}
	recent := slices.DeleteFunc(slices.Clone(j.f.RecentRotations), func(t time.Time) bool {
		return !t.After(j.f.Now.Add(-time.Hour))
	})
	if len(recent) < j.g.RotationsPerHour {
		return
	}
	until := j.f.Now.Add(time.Hour)
	if len(recent) > 0 {
		until = slices.MinFunc(recent, time.Time.Compare).Add(time.Hour)
	}
	j.hold(GuardHourlyLimit, fmt.Sprintf("rotd has rotated %d keys within the hour, its limit is %d "+
		"(guardrails.rotations_per_hour). The next may follow after %s.", len(recent), j.g.RotationsPerHour,
		clock(until)), until)
}

func (j *judgement) eligible() {
	if reason := j.a.ineligible(j.f.Key); reason != "" {
		j.block(GuardNotEligible, reason)
	}
}

// ineligible says why the action cannot be done to the key, "" when it can.
func (a *Action) ineligible(key *inventory.Key) string {
	can := a.possible(key)
	switch {
	case !can.Possible:
		return can.Reason
	case a.Verb != Rotate:
		return ""
	case key.Rotation == nil:
		return "KMS refuses the key's rotation status. Let rotd's role call kms:GetKeyRotationStatus."
	case a.GivesMaterial():
		return unproven(key)
	}
	return ""
}

// possible says whether the key allows the action.
func (a *Action) possible(key *inventory.Key) Able {
	e := Eligibility(key)
	switch {
	case a.Verb == Contain, a.Method == MoveBack: // both only change aliases, grants and state
		return e.Contain
	case a.Verb == Replace:
		return e.Replace
	case a.Verb == reencrypt:
		return reencryptable(key)
	case a.GivesMaterial():
		return able(e.OnDemand, &e)
	}
	return able(e.Automatic, &e)
}

// oneAtATime keeps two actions off one key.
func (j *judgement) oneAtATime() {
	for _, other := range j.f.Others {
		j.beside(other)
	}
}

// beside judges the action by another one on its key. A person's goes before an automatic one that has not begun, which
// then finds its precondition moved.
func (j *judgement) beside(other *Action) {
	if other.State.Final() || other.ID == j.a.ID && j.a.ID != "" {
		return
	}
	if other.State == Planned && other.At == 0 && other.Attempts == 0 {
		if other.Automatic && !j.a.Automatic || other.Automatic == j.a.Automatic && before(j.a, other) {
			return
		}
	}
	reason := fmt.Sprintf("Action %s is %s on this key, and a key has one action at a time.", other.ID, other.State)
	if other.Guardrail == GuardPaused {
		reason += " It waits for rotd resume."
	}
	if j.a.Automatic {
		j.wait(GuardOneAtATime, reason, j.f.Now.Add(holdFor))
		return
	}
	j.block(GuardOneAtATime, reason+" Wait for it to end: rotd actions show "+other.ID+".")
}

// before orders two actions of the same standing, so that each does not wait for the other: the older goes first.
func before(a, other *Action) bool {
	if c := a.Created.Compare(other.Created); c != 0 {
		return c < 0
	}
	return a.ID != "" && a.ID < other.ID
}

func (j *judgement) onDemandUsed() (used int, known bool) {
	if j.f.Key == nil || !j.a.GivesMaterial() {
		return 0, false
	}
	return j.f.Key.Rotation.OnDemandUsed(), true
}

// mode is the policy's, lowered to the ceiling; without a policy it is the ceiling.
func (j *judgement) mode() policy.Mode {
	if j.f.Mode == "" {
		return j.g.MaxMode
	}
	rank := func(m policy.Mode) int {
		return slices.Index([]policy.Mode{policy.Observe, policy.Propose, policy.Enforce}, m)
	}
	if rank(j.g.MaxMode) < rank(j.f.Mode) {
		return j.g.MaxMode
	}
	return j.f.Mode
}

func clock(t time.Time) string { return t.UTC().Format("15:04:05Z") }
