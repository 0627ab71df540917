package detection

import (
	"fmt"
	"time"

	"rotd/internal/finding"
)

// justReplaced is how long after a replacement calls that were under way may still come.
const justReplaced = time.Hour

func replacedKeyUsed() Check {
	return Check{
		ID: "replaced-key-used", Title: "A key that was replaced is still used", Severity: finding.Informational,
		Judge: judgeReplacedKeyUsed,
		Doc: Doc{
			Meaning: "rotd replaced the key, and somebody goes on using the old one: by its id or ARN, or for what it has " +
				"encrypted or signed. It must stay enabled as long.",
			Condition: "A key that rotd replaced, that no alias points at, and that events or KMS itself (GetKeyLastUsage) " +
				"show used later than an hour after that and within `guardrails.drain`. Not judged: keys that are not enabled.",
			Tuning:         "`guardrails.drain`.",
			FalsePositives: "Decrypting and verifying what is old is what the key is kept for.",
			Response: "See who it is, and point those who encrypt or sign at the alias. Re-encrypt what can be, and wait for " +
				"replaced-key-quiet.",
		},
	}
}

func replacedKeyQuiet() Check {
	return Check{
		ID: "replaced-key-quiet", Title: "A key that was replaced can be disabled", Severity: finding.Low,
		Judge: judgeReplacedKeyQuiet,
		Doc: Doc{
			Meaning: "rotd replaced the key, and nobody has used the old one for the drain time: it costs its monthly fee, " +
				"and whoever may use it has a key that hardly anybody would miss.",
			Condition: "A key that rotd replaced, that no alias points at, and that neither events nor KMS itself " +
				"(GetKeyLastUsage) show used for `guardrails.drain` since. KMS must have said so: that rotd has seen no event " +
				"proves nothing, the key then is unverifiable. Not judged: keys that are not enabled.",
			Tuning: "`guardrails.drain`.",
			FalsePositives: "What is read once a year: backups, archives, signatures that somebody checks when it comes to a " +
				"quarrel.",
			Response: "Disable it, which can be undone, and wait for complaints before its deletion is scheduled.",
		},
	}
}

// draining says why a key is not watched until it is quiet; ok is true when it is, and since is when it was replaced.
func (c *KeyContext) draining() (since time.Time, v Verdict, ok bool) {
	if v, ok = c.customerKey(); !ok {
		return since, v, false
	}
	k := c.Key
	switch {
	case k.Successor() == "":
		return since, notJudged("the key was not replaced"), false
	case c.Drain == 0:
		return since, notJudged("no drain time is set"), false
	case k.State != "Enabled":
		return since, notJudged("the key is " + shown(k.State)), false
	case len(k.Aliases) > 0:
		return since, notJudged("the key was replaced, but " + shown(k.Aliases[0]) + " points at it"), false
	}
	return k.Lineage.At, Verdict{}, true
}

func judgeReplacedKeyUsed(c *KeyContext) Verdict {
	since, v, ok := c.draining()
	if !ok {
		return v
	}
	used := c.lastUsed()
	if !used.After(since.Add(justReplaced)) || c.Now.Sub(used) >= c.Drain {
		return inOrder("no use is known since the key was replaced, or none of late")
	}
	t := c.on()
	return drift("A key that was replaced is still used",
		fmt.Sprintf("%s was replaced by %s at %s and was used at %s all the same. Until that ends it must stay enabled.",
			t.name(), shown(c.Key.Successor()), stamp(since), stamp(used)),
		"See who still uses it; whoever encrypts or signs with it names its id or ARN instead of the alias:",
		"rotd keys usage "+argument(c.Key.ARN),
		t.history())
}

func judgeReplacedKeyQuiet(c *KeyContext) Verdict {
	since, v, ok := c.draining()
	if !ok {
		return v
	}
	used := c.lastUsed()
	from := since
	if used.After(from) {
		from = used
	}
	if c.Now.Sub(from) < c.Drain {
		return inOrder("the key was replaced or used within " + days(c.Drain))
	}
	u := c.Key.LastUsage
	switch {
	case u == nil || c.Key.WasDenied("GetKeyLastUsage") || c.Now.Sub(u.ReadAt) >= usageStale:
		return unverifiable("KMS has not told the key's last use lately (kms:GetKeyLastUsage)")
	case u.TrackedSince.After(from):
		from = u.TrackedSince
	}
	if told := u.ReadAt.Add(-usageLag); told.Sub(from) < c.Drain {
		return unverifiable("KMS was last asked at " + stamp(u.ReadAt) + "; whether the key was used since is not known")
	}
	t := c.on()
	return drift("A key that was replaced can be disabled",
		fmt.Sprintf("%s was replaced by %s at %s, and neither rotd's events nor KMS itself show a use of it for %s. What it "+
			"has encrypted or signed may still need it one day: disabling can be undone, deleting cannot.", t.name(),
			shown(c.Key.Successor()), stamp(since), days(c.Drain)),
		"Find out what is still under it; then disable it, and wait for complaints:",
		"rotd keys usage "+argument(c.Key.ARN),
		t.rotd("contain", "--disable", "replaced and quiet"),
		"or: "+t.cli("disable-key"))
}
