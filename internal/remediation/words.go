package remediation

import (
	"fmt"
	"time"

	"rotd/internal/inventory"
)

// What people read about rotations, in one place so that it is said the same way everywhere.

const stillDecrypts = "Everything encrypted before stays decryptable: KMS keeps all earlier material, and " +
	"nothing was re-encrypted. That would change only if the key were disabled or deleted. " +
	"Nobody lost access: to cut somebody off, change grants or the key policy, or disable the key."

func rotatedOutcome(a *Action, key *inventory.Key) string {
	used := key.Rotation.OnDemandUsed()
	return fmt.Sprintf("%s has new key material (%s). %d of its %d rotations on demand are used. %s",
		a.name(), short(key.CurrentMaterial), used, inventory.OnDemandLimit, stillDecrypts)
}

func scheduledOutcome(a *Action, key *inventory.Key) string {
	return fmt.Sprintf("KMS now rotates %s by itself every %d days%s. Its material is the same as before. %s",
		a.name(), key.Rotation.PeriodDays, nextRotation(key.Rotation), stillDecrypts)
}

// nextRotation is a clause about the schedule, "" when there is none.
func nextRotation(r *inventory.Rotation) string {
	if r == nil || r.Next == nil {
		return ""
	}
	return ", next on " + stamp(*r.Next)
}

func short(material string) string {
	if len(material) > 12 {
		return material[:12] + "…"
	}
	return material
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04Z") }

// days is a duration as people say it: whole days from two days on.
func days(d time.Duration) string {
	const day = 24 * time.Hour
	if d >= 2*day {
		return fmt.Sprintf("%d days", d/day)
	}
	return d.Round(time.Minute).String()
}

func join(sentences ...string) string {
	text := ""
	for _, s := range sentences {
		if s == "" {
			continue
		}
		if text != "" {
			text += " "
		}
		text += s
	}
	return text
}
