package detection

import (
	"fmt"

	"rotd/internal/events"
	"rotd/internal/finding"
	"rotd/internal/inventory"
	"rotd/internal/policy"
)

// refusedAttempt tells a refused deletion of material from one that happened.
const refusedAttempt = "refused"

func materialDeleted() Rule {
	return Rule{
		ID: "material-deleted", Title: "Imported key material was deleted",
		Severity: finding.High, Mitre: []string{"T1485"}, Wants: wants("DeleteImportedKeyMaterial"),
		Excused: Own, PerPrincipal: true, Judge: judgeMaterialDeleted, Over: materialBack,
		Ends:    "the key enabled, with its material (a refused attempt: no reading)",
		Inverse: []string{"ImportKeyMaterial"},
		Doc: Doc{
			Meaning: "Somebody deleted a key's imported material, or tried to. It works at once, without the " +
				"waiting time of a deletion: the key is unusable until exactly the same bytes are imported again, " +
				"and lost if nobody has them.",
			Condition: "DeleteImportedKeyMaterial that succeeded or was refused (AccessDenied). Other errors do " +
				"not count.",
			Tuning: "None needed.",
			FalsePositives: "A planned replacement of imported material, or a cleaning up of material that was never " +
				"current.",
			Response: "Import the same material again. If you do not have it, what the key encrypted is lost: stop " +
				"whoever did this before the next key.",
		},
	}
}

func judgeMaterialDeleted(c *Context, ev *events.Event) []Found {
	if ev.Failed() && !ev.Denied() {
		return nil
	}
	t := c.target(ev)
	if ev.Denied() {
		return one(Found{
			About: t, Title: "Somebody tried to delete imported key material", Discriminator: refusedAttempt,
			Description: fmt.Sprintf("%s tried to delete the imported material of %s and was refused. Nothing "+
				"changed, "+
				"but nobody does this by accident: it makes a key unusable at once.", who(ev), t.name()),
			Remedy: []string{
				"Find out who is behind the principal, and whether its credentials are stolen.",
				"See what else it tried: " + callsOf(ev.EventName, t.region),
			},
		})
	}
	_, used := c.lastUse(&t)
	return one(Found{
		About: t,
		Description: sentences(
			fmt.Sprintf("%s deleted the imported material of %s.", who(ev), t.name()),
			"The key is unusable until exactly the same material is imported again; there is no waiting time.", used),
		Remedy: reimport(&t),
	})
}

func reimport(t *target) []string {
	return []string{
		"Import the same material again, from where you keep it:",
		t.cli("get-parameters-for-import", "wrapping-algorithm", "RSAES_OAEP_SHA_256", "wrapping-key-spec", "RSA_4096"),
		t.cli("import-key-material", "import-token", "fileb://token", "encrypted-key-material", "fileb://material",
			"expiration-model", "KEY_MATERIAL_DOES_NOT_EXPIRE"),
		t.cli("list-key-rotations", "include-key-material", "ALL_KEY_MATERIAL"),
	}
}

func materialBack(f *finding.Finding, key *inventory.Key, _ *policy.Policy) (bool, string) {
	refused := finding.Fingerprint("material-deleted", f.Subject, f.PrincipalARN, refusedAttempt)
	if f.Fingerprint == refused || !readAfter(f, key, false) || key.State != "Enabled" {
		return false, ""
	}
	return true, "KMS shows the key enabled, with its material"
}
