package detection

import (
	"fmt"
	"time"

	"rotd/internal/finding"
	"rotd/internal/inventory"
)

const (
	// usageLag is how late KMS itself knows of a use.
	usageLag = time.Hour
	// usageStale is how old KMS's word on the last use may be before it must be asked again.
	usageStale = 14 * 24 * time.Hour
)

// UnusedID is the check whose findings a use ends.
const UnusedID = "key-unused"

func keyUnused() Check {
	return Check{
		ID: UnusedID, Title: "Nothing uses the key", Severity: finding.Low, Judge: judgeKeyUnused,
		Doc: Doc{
			Meaning: "No cryptographic use of the key for as long as its policy allows: it costs its monthly fee, and " +
				"whoever may use it has a key that nobody would miss.",
			Condition: "The key's policy has `unused_after`, and neither rotd's events nor KMS itself " +
				"(GetKeyLastUsage, up to an hour late and no older than 14 days here) show a use within it. KMS " +
				"tracks uses only since a date that it names: when that is later than the time asked about, and no " +
				"event shows a use before, the key is unverifiable, not unused. That rotd has seen no event of a use " +
				"proves nothing by itself. Not judged: AWS managed keys, keys younger than the time, keys scheduled " +
				"for deletion or without material. Replicas are judged by themselves, disabled keys as others.",
			Tuning: "`unused_after` of the policy.",
			FalsePositives: "Keys kept for what they encrypted or signed long ago: nobody asks them for years, until " +
				"a backup is restored.",
			Response: "Find out what the key protects before anything else. Disable it first and wait; schedule its " +
				"deletion only when nothing complained for months.",
		},
	}
}

func judgeKeyUnused(c *KeyContext) Verdict {
	if v, ok := c.usageApplies(); !ok {
		return v
	}
	after, used := c.Policy.UnusedAfter, c.lastUsed()
	age := c.Now.Sub(c.Key.Created)
	switch {
	case !used.IsZero() && c.Now.Sub(used) < after:
		return inOrder("the key was last used at " + stamp(used))
	case c.Key.Created.IsZero():
		return unverifiable("KMS did not say when the key was created")
	case age < after:
		return notJudged("the key is younger than the " + days(after) + " its policy allows without use")
	}
	source := "as far as rotd's events show; KMS itself did not tell (kms:GetKeyLastUsage)"
	if u := c.Key.LastUsage; u != nil && !c.Key.WasDenied("GetKeyLastUsage") && c.Now.Sub(u.ReadAt) < usageStale {
		source = fmt.Sprintf("as KMS itself said at %s; it tracks uses since %s", stamp(u.ReadAt), stamp(u.TrackedSince))
		if v, ok := covers(u, used, after, c.Now); !ok {
			return v
		}
	} else if c.LastUse.IsZero() {
		return unverifiable("no event shows a use, which proves none, and KMS has not told the last one lately " +
			"(kms:GetKeyLastUsage)")
	}
	return c.unused(used, source)
}

// covers says whether KMS's word reaches over all of the time asked about, up to the moment it was given.
func covers(u *inventory.LastUsage, used time.Time, after time.Duration, now time.Time) (v Verdict, ok bool) {
	asOf := u.ReadAt
	if asOf.After(now) { // by another clock
		asOf = now
	}
	switch asOf = asOf.Add(-usageLag); {
	case used.IsZero() && asOf.Sub(u.TrackedSince) < after:
		return unverifiable("KMS tracks uses of the key only since " + stamp(u.TrackedSince)), false
	case !used.IsZero() && asOf.Sub(used) < after:
		return unverifiable("KMS was last asked at " + stamp(u.ReadAt) + "; whether the key was used since is not known"),
			false
	}
	return Verdict{}, true
}

// usageApplies says why the key's use is not judged, or cannot be; ok is true when it is.
func (c *KeyContext) usageApplies() (v Verdict, ok bool) {
	if v, ok = c.customerKey(); !ok {
		return v, false
	}
	if v, ok = c.inUse(); !ok {
		return v, false
	}
	switch {
	case c.Policy == nil:
		return notJudged("no policy matches the key"), false
	case c.Policy.UnusedAfter == 0:
		return notJudged("policy " + c.Policy.Name + " has no unused_after"), false
	case c.Key.State != "Enabled" && c.Key.State != "Disabled":
		return notJudged("the key is " + shown(c.Key.State)), false
	}
	return Verdict{}, true
}

// lastUsed is the latest use that events or KMS show; zero for none.
func (c *KeyContext) lastUsed() time.Time { return latestUse(c.LastUse, c.Key) }

func (c *KeyContext) unused(used time.Time, source string) Verdict {
	t := c.on()
	since := "It was not used at all"
	if !used.IsZero() {
		since = "It was last used at " + stamp(used)
	}
	return drift("Nothing uses the key",
		sentences(fmt.Sprintf("%s is not in use: %s.", t.name(), asked(c.Policy, "a use within "+
			days(c.Policy.UnusedAfter))), since+", "+source+".", "What it encrypted may still need it."),
		"Find out what the key protects; then, if nothing, disable it and wait for complaints:",
		t.cli("get-key-last-usage"),
		t.cli("disable-key"),
		"See what still names it:",
		t.history())
}
