package detection

import (
	"rotd/internal/finding"
)

func materialMissing() Check {
	return Check{
		ID: "material-missing", Title: "A key in use has lost its material", Severity: finding.Critical,
		Judge: judgeMaterialMissing,
		Doc: Doc{
			Meaning: "KMS shows the key waiting for an import, and it had been in use: its material expired or was " +
				"deleted. Every call with it fails, and everything it has encrypted is unreadable until exactly the " +
				"same bytes are imported again.",
			Condition: "A customer managed key in state PendingImport of which any use is known: an event, KMS's own " +
				"word (GetKeyLastUsage), the id of a material it had, or that rotd last read it working. A key that " +
				"waits for its first import is none. Replicas are judged by themselves. When nothing tells whether " +
				"it ever worked it is unverifiable.",
			Tuning:         "None.",
			FalsePositives: "A key that was meant to end this way: schedule its deletion.",
			Response: "Import the same material again. If you do not have it, what the key encrypted is lost: find " +
				"out who deleted it or let it expire before the next key.",
		},
	}
}

func judgeMaterialMissing(c *KeyContext) Verdict {
	if v, ok := c.customerKey(); !ok {
		return v
	}
	k := c.Key
	switch {
	case k.State != "PendingImport" && k.Origin != externalOrigin:
		return notJudged("the key's material is not imported")
	case k.State == "Creating":
		return notJudged("KMS is still making the key")
	case k.State != "PendingImport":
		return inOrder("the key is " + shown(k.State) + ", with its material")
	}
	used := c.onceUsed()
	switch {
	case used == "" && k.LastUsage != nil:
		return inOrder("the key waits for an import and has never been used, as far as KMS tells")
	case used == "":
		return unverifiable("the key waits for an import, and nothing tells whether it ever worked")
	}
	t := c.on()
	v := drift("A key in use has lost its material",
		sentences("KMS shows "+t.name()+" in state PendingImport: it has no material to work with.", used,
			"Every call with it fails, and what it has encrypted cannot be read until exactly the same material is "+
				"imported again."),
		reimport(t)...)
	v.told("", "material-expired", k, "")
	return v
}

// onceUsed says in a sentence how it is known that the key was in use; "" when it is not.
func (c *KeyContext) onceUsed() string {
	k := c.Key
	switch used := c.lastUsed(); {
	case !used.IsZero():
		return "It was last used at " + stamp(used) + "."
	case k.CurrentMaterial != "" && k.MultiRegion != "REPLICA":
		// A replica shows its primary's material before it ever had it.
		return "It had material before: KMS still names it."
	case c.Before != nil && c.Before.State == "Enabled":
		return "It worked when it was read at " + stamp(c.Before.ReadAt) + "."
	}
	return ""
}
