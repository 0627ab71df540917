package detection

import (
	"fmt"
	"time"

	"rotd/internal/finding"
	"rotd/internal/policy"
	"rotd/internal/remediation"
)

// underway is how long a rotation on demand may take before it counts for nothing.
const underway = time.Hour

func rotationOverdue() Check {
	return Check{
		ID: "rotation-overdue", Title: "The key material is too old", Severity: finding.High,
		Judge: judgeRotationOverdue,
		Doc: Doc{
			Meaning: "The key's current material is older than its policy allows, whatever the schedule says: age " +
				"of the last rotation and automatic schedule are two different things.",
			Condition: "The newest rotation that ListKeyRotations shows, or else the key's creation, is older than " +
				"`rotation.max_age` and the grace. For keys that can only be replaced (asymmetric, HMAC, custom " +
				"stores) under method replace the creation of the key the alias points to counts. Judged when the " +
				"rotations were read. Not judged: AWS managed keys, replicas (judged at their primary), keys that " +
				"are not enabled, keys without a policy or max_age, method none, keys that can only be replaced " +
				"under other methods, former keys without an alias, keys that rotd replaced (the new key is " +
				"judged). A history that cannot be read is " +
				"key-unverifiable, never drift.",
			Tuning: "`rotation.max_age` of the policy, `guardrails.overdue_grace`. In mode enforce rotd rotates by " +
				"itself, and replaces under method replace.",
			FalsePositives: "None known; say so if you meet one.",
			Response:       "Rotate the key, and see why its schedule did not: too long a period, or off for a while.",
		},
	}
}

func judgeRotationOverdue(c *KeyContext) Verdict {
	if v, ok := c.rotationApplies(); !ok {
		return v
	}
	want := c.Policy.Rotation
	if want.MaxAge == 0 {
		return notJudged("policy " + c.Policy.Name + " has no max_age")
	}
	e := remediation.Eligibility(c.Key)
	if v, ok := c.ageKnown(e); !ok {
		return v
	}
	at, ever := c.Key.LastRotated()
	if at.IsZero() {
		return unverifiable("KMS did not say when the key was created")
	}
	age := c.Now.Sub(at)
	if age <= want.MaxAge+c.Grace {
		return inOrder(fmt.Sprintf("the material is %s old, and the policy allows %s", days(age), days(want.MaxAge)))
	}
	t := c.on()
	since := fmt.Sprintf("It was last rotated at %s.", stamp(at))
	if !ever {
		since = fmt.Sprintf("It was never rotated since its creation at %s.", stamp(at))
	}
	return drift("The key material is older than the policy allows",
		sentences(fmt.Sprintf("The material of %s is %s old; %s.", t.name(), days(age),
			asked(c.Policy, "new material within "+days(want.MaxAge))), since, c.schedule(e),
			"Rotation leaves old ciphertext decryptable and re-encrypts nothing."),
		c.rotateNow(e, t)...)
}

// ageKnown says why the age of the material is not judged, or cannot be; ok is true when it is.
func (c *KeyContext) ageKnown(e remediation.Eligible) (v Verdict, ok bool) {
	k := c.Key
	if e.Kind == remediation.KindReplaceOnly {
		switch {
		case c.Policy.Rotation.Method != policy.Replace:
			return notJudged(e.Reason), false
		case k.WasDenied("ListAliases"):
			return unverifiable("whether an alias points to the key could not be read"), false
		case len(k.Aliases) == 0:
			return notJudged("no alias points to the key: it is kept for what it has encrypted or signed"), false
		}
		return Verdict{}, true
	}
	switch {
	case e.Kind != remediation.KindRotatable && e.Kind != remediation.KindImported:
		return notJudged(e.Reason), false
	case k.WasDenied("ListKeyRotations") || k.Rotation == nil || k.Rotation.HistoryAt.IsZero():
		return unverifiable("the key's rotations could not be read"), false
	case !k.HistoryCurrent():
		return unverifiable("the key's rotations were not read since its material changed"), false
	case k.Rotation.InProgress != nil && c.Now.Sub(*k.Rotation.InProgress) < underway:
		return unverifiable("a rotation on demand is in progress"), false
	}
	return Verdict{}, true
}

func (c *KeyContext) schedule(e remediation.Eligible) string {
	switch r := c.Key.Rotation; {
	case !e.Automatic:
		return e.Reason
	case !r.Enabled:
		return "Automatic rotation is off."
	case r.Next != nil:
		return fmt.Sprintf("The next automatic rotation is on %s.", r.Next.UTC().Format("2006-01-02"))
	}
	return ""
}

func (c *KeyContext) rotateNow(e remediation.Eligible, t *target) []string {
	switch {
	case e.Kind == remediation.KindImported && (c.Imports || c.Key.Rotation.Pending.Imported()):
		return []string{
			"Rotate it now, to material that is imported for it; this takes one of the 25 rotations on demand of the key's " +
				"whole life:",
			t.rotd("rotate", "", "the material is overdue"),
		}
	case e.Kind == remediation.KindImported:
		return []string{
			"Name a source of new material under imported_material in rotd.yaml (docs/imported-material.md), or import it " +
				"by hand:",
			t.cli("import-key-material") + " --import-type NEW_KEY_MATERIAL …",
			"Then rotate to it:",
			t.rotd("rotate", "", "the material is overdue"),
		}
	case e.Kind != remediation.KindRotatable:
		return []string{e.Instead}
	}
	return []string{
		"Rotate it now; this takes one of the 25 rotations on demand of the key's whole life:",
		t.rotd("rotate", "", "the material is overdue"),
		"or: " + t.cli("rotate-key-on-demand"),
		"Then see that its schedule keeps it young: " + t.cli("get-key-rotation-status"),
	}
}
