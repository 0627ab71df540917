package detection

import (
	"fmt"

	"rotd/internal/events"
	"rotd/internal/finding"
)

func contextMissing() Rule {
	return Rule{
		ID: "context-missing", Title: "A call without an encryption context, where there always is one",
		Severity: finding.Medium,
		Wants: wants("Decrypt", "Encrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "GenerateDataKeyPair",
			"GenerateDataKeyPairWithoutPlaintext", "ReEncrypt"),
		Params: bareParams(), Remembers: true, Excused: Own, PerPrincipal: true, Judge: judgeContextMissing,
		Doc: Doc{
			Meaning: "All calls with this key say what they are about, in an encryption context; this one did not. Somebody " +
				"uses the key by hand or with a program of their own, not through the services and applications that it " +
				"is for.",
			Condition: fmt.Sprintf("A successful call with a symmetric key and no encryption context, where rotd has seen at "+
				"least %d calls that had one and none without, over the learning time.", bareParams()[first].Default),
			Tuning: "`detections.learning` is how long a key's use is learnt first (14d). After the first such call the key " +
				"is one that not always has a context, and no other call is told of.",
			FalsePositives: "An engineer tries something out with the AWS CLI; a new application forgot the context.",
			Response: "Find out which program called. A key policy can ask for a context: kms:EncryptionContextKeys, " +
				"kms:EncryptionContext:….",
		},
	}
}

func judgeContextMissing(c *Context, ev *events.Event) []Found {
	o := c.Observed
	if o == nil || !o.Bare || !o.AlwaysContext || o.WithContext < c.param(first) || o.KeyFor < c.learning {
		return nil
	}
	t := c.target(ev)
	return one(Found{
		About: t,
		Description: sentences(
			fmt.Sprintf("%s called %s on %s without an encryption context.", who(ev), shown(ev.EventName), t.name()),
			"None of the calls that rotd has seen with this key lacked one.", cameFrom(ev)),
		Remedy: []string{
			"Find out which program called, and what it is for:",
			t.history(),
			"Make the context a must in the key's policy where the key is meant for one purpose.",
		},
	})
}
