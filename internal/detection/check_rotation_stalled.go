package detection

import (
	"fmt"
	"time"

	"rotd/internal/finding"
	"rotd/internal/inventory"
	"rotd/internal/remediation"
)

// dueGrace is how long after NextRotationDate a schedule counts as merely late: KMS rotates on the day, and a day more
// leaves room for its own delays and for clocks that differ.
const dueGrace = 24 * time.Hour

func rotationStalled() Check {
	return Check{
		ID: "rotation-stalled", Title: "A rotation is due and does not come", Severity: finding.High,
		Judge: judgeRotationStalled,
		Doc: Doc{
			Meaning: "Somebody, or the key's schedule, asked KMS for new material, and KMS does not show it in the " +
				"time that takes. Whoever asked believes that the key is rotated; it is not.",
			Condition: "A rotation on demand in progress for over an hour (it takes seconds, sometimes minutes); or " +
				"an action of rotd's that asked for one and ended without having seen it, and no rotation since; or " +
				"NextRotationDate passed by more than 24 hours, and ListKeyRotations, read after that, shows no " +
				"rotation. With or without a policy. Not judged: AWS managed keys, replicas (judged at their " +
				"primary), keys that are not enabled (one disabled past its date rotates when it is enabled), kinds " +
				"that cannot rotate. What cannot be read is key-unverifiable, never drift.",
			Tuning:         "None.",
			FalsePositives: "None known; say so if you meet one.",
			Response: "Read what KMS shows now. Rotate on demand if the material must be new today, and ask AWS " +
				"Support about a rotation that never comes.",
		},
	}
}

func judgeRotationStalled(c *KeyContext) Verdict {
	if v, ok := c.historyApplies(); !ok {
		return v
	}
	if since := c.Key.Rotation.InProgress; since != nil {
		return c.inProgress(*since)
	}
	if v := c.missed(); v.Result != InOrder {
		return v
	}
	return c.dueDate()
}

// inProgress judges a rotation on demand that KMS shows under way.
func (c *KeyContext) inProgress(since time.Time) Verdict {
	if c.Now.Sub(since) < underway {
		return inOrder("a rotation on demand is in progress since " + stamp(since))
	}
	t := c.on()
	v := drift("A rotation on demand does not end",
		fmt.Sprintf("KMS shows a rotation on demand of %s in progress since %s, for %s; that takes seconds, sometimes "+
			"minutes. Until it ends the key works with its old material.", t.name(), stamp(since),
			days(c.Now.Sub(since))),
		c.lookAgain(t)...)
	v.told("", "rotation-missed", c.Key, string(remediation.NewMaterial))
	v.told("", "rotation-missed", c.Key, string(remediation.ImportedMaterial))
	return v
}

// missed judges rotd's own last call for new material that it ended without having seen.
func (c *KeyContext) missed() Verdict {
	a, r := c.Missed, c.Key.Rotation
	if a == nil {
		return inOrder("")
	}
	if r.OnDemandUsed() > a.Before.OnDemandUsed || rotatedSince(r, a.CalledAt) {
		return inOrder("")
	}
	if v, ok := c.historySince(a.CalledAt.Add(remediation.VerifyWithin)); !ok {
		return v
	}
	t := c.on()
	v := drift("A rotation that rotd asked for did not come",
		sentences(fmt.Sprintf("rotd asked KMS for new material of %s at %s (action %s), and KMS shows no rotation "+
			"since.", t.name(), stamp(a.CalledAt), shown(a.ID)), c.lastRotation(),
			"rotd does not ask again by itself: KMS may count it."),
		append([]string{"rotd actions show " + argument(a.ID)}, c.lookAgain(t)...)...)
	v.told("", "rotation-missed", c.Key, string(a.Method))
	return v
}

// dueDate judges the date of the schedule.
func (c *KeyContext) dueDate() Verdict {
	r := c.Key.Rotation
	switch {
	case !r.Enabled || r.Next == nil:
		return inOrder("no rotation was asked for that KMS does not show")
	case c.Now.Sub(*r.Next) <= dueGrace:
		return inOrder("the next rotation is due on " + stamp(*r.Next))
	case c.Before != nil && c.Before.State != "Enabled":
		return unverifiable("the key was enabled only now, and KMS rotates it now that it is")
	case rotatedSince(r, r.Next.Add(-dueGrace)):
		return inOrder("KMS rotated the key on the date that it still shows as the next")
	}
	if v, ok := c.historySince(r.Next.Add(dueGrace)); !ok {
		return v
	}
	t := c.on()
	return drift("The schedule's date passed without a rotation",
		sentences(fmt.Sprintf("KMS was to rotate %s on %s, %s ago, and shows no rotation since.", t.name(),
			stamp(*r.Next), days(c.Now.Sub(*r.Next))), c.lastRotation(),
			fmt.Sprintf("Automatic rotation is on, every %d days: whoever counts on it believes the key rotated.",
				r.PeriodDays)),
		c.lookAgain(t)...)
}

// historySince says whether the key's rotations were read after a time, and otherwise that they must be.
func (c *KeyContext) historySince(at time.Time) (v Verdict, ok bool) {
	k, r := c.Key, c.Key.Rotation
	known := r.HistoryAt // until when the history is known to be complete
	if k.HistoryCurrent() {
		known = k.ReadAt // it names the material that the key has
	}
	switch {
	case k.WasDenied("ListKeyRotations") || r.HistoryAt.IsZero():
		return unverifiable("the key's rotations could not be read"), false
	case known.Before(at):
		return unverifiable("the key's rotations have not been read since " + stamp(at)), false
	}
	return Verdict{}, true
}

func (c *KeyContext) lastRotation() string {
	at, ever := c.Key.LastRotated()
	if !ever {
		return "It was never rotated."
	}
	return "Its last rotation was at " + stamp(at) + "."
}

func (c *KeyContext) lookAgain(t *target) []string {
	return []string{
		"Read what KMS shows now:",
		t.cli("get-key-rotation-status"),
		t.cli("list-key-rotations"),
		"If new material is needed today; this takes one of the 25 rotations on demand of the key's whole life:",
		t.rotd("rotate", "", "a rotation did not come"),
	}
}

func rotatedSince(r *inventory.Rotation, at time.Time) bool {
	return len(r.History) > 0 && !r.History[len(r.History)-1].At.Before(at)
}
