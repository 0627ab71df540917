package detection

import (
	"fmt"

	"rotd/internal/events"
	"rotd/internal/finding"
)

func keyDeletionCancelled() Rule {
	return Rule{
		ID: "key-deletion-cancelled", Title: "A key was brought back",
		Severity: finding.Informational, Wants: wants("CancelKeyDeletion", "EnableKey"),
		Excused: OwnOrLet, Judge: judgeKeyDeletionCancelled,
		Doc: Doc{
			Meaning: "Somebody cancelled a key's deletion, or enabled a key. Mostly good news, and the other half " +
				"of what key-deletion-scheduled and key-disabled told; but a key that was contained on purpose and " +
				"is enabled again is somebody getting his access back.",
			Condition:      "CancelKeyDeletion or EnableKey that succeeded.",
			Tuning:         "Raise the severity where keys are disabled to contain incidents.",
			FalsePositives: "None: it informs.",
			Response:       "If the key was disabled on purpose, disable it again and find out who enabled it.",
		},
	}
}

func judgeKeyDeletionCancelled(c *Context, ev *events.Event) []Found {
	if ev.Failed() {
		return nil
	}
	t := c.target(ev)
	f := Found{
		About: t, Title: "A key was enabled", Discriminator: ev.EventName,
		Description: fmt.Sprintf("%s enabled %s: it works again.", who(ev), t.name()),
		Remedy:      []string{"If the key was disabled on purpose:", t.cli("disable-key")},
	}
	if ev.EventName == "CancelKeyDeletion" {
		f.Title = "A key's deletion was cancelled"
		f.Description = fmt.Sprintf("%s cancelled the deletion of %s. The key is kept, and stays disabled until it is "+
			"enabled.", who(ev), t.name())
		f.Remedy = []string{"If the key is needed, enable it:", t.cli("enable-key")}
	}
	return one(f)
}
