package detection

import (
	"fmt"

	"rotd/internal/events"
	"rotd/internal/finding"
)

func externalOriginKeyCreated() Rule {
	return Rule{
		ID: "external-origin-key-created", Title: "A key was created whose material KMS does not hold alone",
		Severity: finding.High, Mitre: []string{"T1486"}, Wants: wants("CreateKey"),
		Excused: Own, Judge: judgeExternalOriginKeyCreated,
		Doc: Doc{
			Meaning: "Somebody created a key with material from outside: imported, in an external key store, or in a " +
				"CloudHSM cluster. Whoever holds that material can take the key away at any moment and be the only " +
				"one to give it back: it is how data in AWS is held to ransom.",
			Condition: "CreateKey that succeeded with origin EXTERNAL, EXTERNAL_KEY_STORE or AWS_CLOUDHSM, by the request " +
				"or the answer.",
			Tuning:         "`detections.severity` where such keys are the house's way.",
			FalsePositives: "A key that is meant to have imported material or to be in a custom key store.",
			Response: "If nobody of yours holds that material: see what is being encrypted with the key and stop it, " +
				"before the material is gone.",
		},
	}
}

func judgeExternalOriginKeyCreated(c *Context, ev *events.Event) []Found {
	if ev.Failed() {
		return nil
	}
	origin := ev.RequestString("origin")
	if origin == "" {
		origin = ev.ResponseElements.Get("keyMetadata", "origin").Text()
	}
	var holder string
	switch origin {
	case "EXTERNAL":
		holder = "Its material is imported: who imports it can delete it at once, and may be the only one to have it."
	case "EXTERNAL_KEY_STORE":
		holder = "Its material stays in a key manager outside of AWS, which can refuse every use from one moment to the next."
	case "AWS_CLOUDHSM":
		holder = "Its material is in a CloudHSM cluster: who administers the cluster can delete it."
	default:
		return nil
	}
	t := c.policyOwner(ev)
	return one(Found{
		About: t,
		Description: sentences(fmt.Sprintf("%s created %s with origin %s.", who(ev), t.name(), origin), holder,
			"What is encrypted with the key depends on that."),
		Remedy: []string{
			"Ask whose material it is. If it is nobody's you know, see what the key is used for, and stop that:",
			t.history(),
			t.cli("describe-key"),
			"Encrypt with another key what it encrypted, while it still works; then:",
			t.cli("disable-key"),
		},
	})
}
