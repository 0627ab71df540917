package detection

import (
	"fmt"

	"rotd/internal/events"
	"rotd/internal/finding"
)

func materialImported() Rule {
	return Rule{
		ID: "material-imported", Title: "Key material was imported",
		Severity: finding.Medium, Expected: finding.Low, Wants: wants("ImportKeyMaterial"),
		Excused: OwnOrLet, PerPrincipal: true, Judge: judgeMaterialImported,
		Doc: Doc{
			Meaning: "Somebody gave a key material that was made outside of KMS. Whoever made it may have kept a copy, " +
				"and with that can read everything the key encrypts. Imported material can be deleted at once, without a " +
				"waiting time.",
			Condition: "ImportKeyMaterial that succeeded. LOW when it is planned: rotd's own imports, and those of " +
				"principals that the key's policy allows.",
			Tuning:         "`principals.allow` of the policy makes a key custodian's imports expected.",
			FalsePositives: "A planned import: the first into a new key, or the same material again after it expired.",
			Response: "Ask who made the material and where the copy is. If nobody knows, stop using the key and move what " +
				"it encrypted to another (rotd reencrypt).",
		},
	}
}

func judgeMaterialImported(c *Context, ev *events.Event) []Found {
	if ev.Failed() {
		return nil
	}
	t := c.target(ev)
	return one(Found{
		About: t,
		Description: sentences(
			fmt.Sprintf("%s imported key material into %s.", who(ev), t.name()),
			importedAs(ev), expiry(ev),
			"Whoever made it outside of KMS may have kept a copy."),
		Remedy: []string{
			"If nobody planned this, find out who made the material. See what the key has now:",
			t.cli("list-key-rotations", "include-key-material", "ALL_KEY_MATERIAL"),
			t.cli("describe-key"),
			"New material is used only after a rotation on demand. See who did what with the key:",
			t.history(),
		},
	})
}

// importedAs says what the material is to the key.
func importedAs(ev *events.Event) string {
	switch ev.RequestString("importType") {
	case "NEW_KEY_MATERIAL":
		return "It is new to the key."
	case "EXISTING_KEY_MATERIAL":
		return "The key had it before."
	}
	return ""
}

// expiry says when the material is deleted by itself. The date is the record's own, which has no fixed form.
func expiry(ev *events.Event) string {
	switch ev.RequestString("expirationModel") {
	case "KEY_MATERIAL_EXPIRES":
		return fmt.Sprintf("KMS deletes it by itself (the record says: %s); the key is unusable then.",
			shown(ev.RequestString("validTo")))
	case "KEY_MATERIAL_DOES_NOT_EXPIRE":
		return "It does not expire."
	}
	return ""
}
