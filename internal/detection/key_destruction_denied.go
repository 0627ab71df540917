package detection

import (
	"fmt"

	"rotd/internal/events"
	"rotd/internal/finding"
)

func keyDestructionDenied() Rule {
	return Rule{
		ID: "key-destruction-denied", Title: "Somebody tried to put a key out of use and was refused",
		Severity: finding.Medium, Mitre: []string{"T1485"}, Wants: destructive(),
		Excused: Own, PerPrincipal: true, Judge: judgeKeyDestructionDenied,
		Doc: Doc{
			Meaning: "Somebody called what makes a key unusable, without the permission to. Nothing happened, but who " +
				"tries once may have other credentials, and hardly anybody calls this by accident.",
			Condition: "DisableKey, ScheduleKeyDeletion, DeleteImportedKeyMaterial or a PutKeyPolicy whose policy locks the " +
				"owner out, refused for want of permission (AccessDenied, AccessDeniedException). Other errors do not " +
				"count. One finding for each key, principal and operation; where the record names no key, for each account " +
				"and Region.",
			Tuning:         "None needed.",
			FalsePositives: "An engineer or pipeline whose role lacks a permission that it is meant to have.",
			Response: "Ask who is behind the principal. If nobody knows of it, its credentials are stolen: end its " +
				"sessions, and see what else it tried.",
		},
	}
}

func judgeKeyDestructionDenied(c *Context, ev *events.Event) []Found {
	if !ev.Denied() {
		return nil
	}
	d, ok := c.destruction(ev)
	if !ok {
		return nil
	}
	return one(Found{
		About: d.about, Discriminator: ev.EventName,
		Description: fmt.Sprintf("%s tried to %s %s and was refused. Nothing changed, but it is worth knowing who "+
			"wants that.", who(ev), d.verb, d.about.name()),
		Remedy: []string{
			"Find out who is behind the principal, and whether its credentials are stolen.",
			"See what else it tried, and whether another principal was allowed to:",
			callsOf(ev.EventName, d.about.region),
		},
	})
}
