package detection

import (
	"fmt"

	"rotd/internal/events"
	"rotd/internal/finding"
)

func newKeyBulkUse() Rule {
	return Rule{
		ID: "new-key-bulk-use", Title: "A new key is used in bulk by whoever created it",
		Severity: finding.High, Mitre: []string{"T1486"}, Wants: wants(append(cryptographic(), "CreateKey")...),
		Params: newKeyParams(), Remembers: true, Judge: judgeNewKeyBulkUse,
		Doc: Doc{
			Meaning: "A principal created a key and used it many times within the hour. Who encrypts what others stored, to " +
				"ask money for the key, does just that: a key of their own, then object after object.",
			Condition: fmt.Sprintf("CreateKey that succeeded, and %d cryptographic calls on that key by the same principal "+
				"within %s of it, through AWS services too; repeated records of one call count once. rotd's own new keys do "+
				"not count.", newKeyParams()[first].Default, days(newKeyWindow)),
			Tuning: "`detections.severity`.",
			FalsePositives: "A migration to a new key, or a load test, by the principal that creates keys. Give creating " +
				"keys and using them to different roles.",
			Response: "Find out what is being encrypted, while the key still decrypts it: do not disable the key. Stop the " +
				"principal instead, and take the key policy over.",
		},
	}
}

// Names under which memory keeps new keys: the latest of all, which spares ordinary calls a look at their own key.
const (
	noteCreated   = "new-key"
	noteCreatedBy = "new-key\x00"
)

func judgeNewKeyBulkUse(c *Context, ev *events.Event) []Found {
	switch {
	case ev.Failed() || c.Own:
		return nil
	case ev.EventName == "CreateKey":
		t, principal := c.policyOwner(ev), ev.UserIdentity.PrincipalARN()
		if t.arn != "" && principal != "" {
			c.noteLatest(noteCreated, ev.EventTime, newKeyWindow)
			c.Memory.Note(noteCreatedBy+t.arn, principal, ev.EventTime, newKeyWindow)
		}
		return nil
	case c.Memory.Noted(noteCreated, ev.EventTime) == "":
		return nil
	}
	for _, ref := range keysOf(ev) {
		if ref.ARN == "" {
			continue
		}
		creator := c.Memory.Noted(noteCreatedBy+ref.ARN, ev.EventTime)
		if creator == "" || creator != ev.UserIdentity.PrincipalARN() {
			continue
		}
		if n := c.Memory.Count("new-key-use\x00"+ref.ARN, firstTold(ev), ev.EventTime, newKeyWindow); n >= c.param(first) {
			return one(newKeyInBulk(c, ev, ref, n))
		}
	}
	return nil
}

func newKeyInBulk(c *Context, ev *events.Event, ref events.KeyRef, n int) Found {
	t := c.targetOf(ev, ref)
	return Found{
		About: t,
		Description: fmt.Sprintf("%s created %s, and has used it %d times or more within %s, lastly for %s. Whoever "+
			"encrypts what others stored, to ask money for the key, does just that.", who(ev), t.name(), n, days(newKeyWindow),
			shown(ev.EventName)),
		Remedy: []string{
			"Find out what is encrypted with it. Do not disable the key: what it encrypted would be unreadable.",
			"rotd keys usage " + argument(t.id),
			lookupAccessKey(ev, t.region),
			"If nobody planned this, stop the principal's sessions, and make sure the key stays yours:",
			t.cli("get-key-policy", "policy-name", "default"),
		},
	}
}
