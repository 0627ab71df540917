package detection

import (
	"fmt"
	"time"

	"rotd/internal/events"
	"rotd/internal/finding"
	"rotd/internal/inventory"
)

// jobsRest is longer than a weekly job rests: a forgotten one is told of once, not at each of its tries.
const jobsRest = 8 * 24 * time.Hour

// settling is how long after its creation KMS may still deny that a key exists or works: it is eventually consistent.
const settling = 15 * time.Minute

func deadKeyUsed() Rule {
	return Rule{
		ID: "dead-key-used", Title: "Somebody needs a key that does not work",
		Severity:     finding.High,
		Wants:        wants(append(cryptographic(), "CreateGrant")...),
		PerPrincipal: true, Judge: judgeDeadKeyUsed, Over: keyEnabledAgain,
		Ends:    "the key enabled",
		Quiet:   jobsRest,
		Inverse: []string{"EnableKey", "CancelKeyDeletion", "ImportKeyMaterial"},
		Doc: Doc{
			Meaning: "A call failed because its key is disabled, scheduled for deletion, without material or gone. " +
				"Somebody still needs that key: something is failing now, and if the key is to be deleted this is " +
				"the warning that it must not be.",
			Condition: "A cryptographic call or CreateGrant answered with DisabledException, " +
				"KMSInvalidStateException or NotFoundException, on a key of the inventory; the first two also on a " +
				"key of the record's own account that the record names by ARN. Refused calls (AccessDenied) do not " +
				"count. Silent in the first 15 minutes of an enabled key, when KMS is not consistent yet, and for " +
				"what an external key store's proxy rejects.",
			Tuning:         "One finding per key, principal and kind of error, however often it is repeated.",
			FalsePositives: "A forgotten job that nobody misses. It is still worth stopping before the key is deleted.",
			Response: "Find the caller's owner. Either give the key back (enable, cancel the deletion), or " +
				"move the caller.",
		},
	}
}

func judgeDeadKeyUsed(c *Context, ev *events.Event) []Found {
	why, ok := deadBecause[ev.ErrorCode]
	if !ok {
		return nil
	}
	t := c.target(ev)
	if !isDead(&t, ev) {
		return nil
	}
	f := Found{
		About: t, Discriminator: ev.ErrorCode,
		Description: sentences(
			fmt.Sprintf("%s called %s on %s, and KMS answered %s: %s.", who(ev), shown(ev.EventName), t.name(),
				ev.ErrorCode, why),
			deadState(t.key),
			"Whoever called needs the key and is failing now."),
		Remedy: []string{
			"Find out whom the caller belongs to, and whether the key was meant to end.",
			t.cli("describe-key"),
		},
	}
	if ev.ErrorCode == "NotFoundException" {
		return one(f)
	}
	f.Remedy = append(f.Remedy,
		"To give the key back: enable it, after cancelling its deletion if it is scheduled for one.",
		t.cli("cancel-key-deletion"), t.cli("enable-key"))
	return one(f)
}

// deadBecause is what KMS means by the errors of a key that does not work.
var deadBecause = map[string]string{
	"DisabledException":        "the key is disabled",
	"KMSInvalidStateException": "the key's state does not allow it",
	"NotFoundException":        "there is no such key (any more)",
}

// isDead reports whether the error is about a key that exists, or did, and does not work.
func isDead(t *target, ev *events.Event) bool {
	if t.key == nil {
		return ev.ErrorCode != "NotFoundException" && t.arn != "" && t.account == ev.RecipientAccountID &&
			!rejectedByProxy(ev)
	}
	if t.key.State != "Enabled" || t.key.GoneAt != nil {
		return true
	}
	return ev.EventTime.Sub(t.key.Created) > settling && !rejectedByProxy(ev)
}

// rejectedByProxy reports whether the call failed in an external key store, which answers bad ciphertext with the same
// error as a key that cannot be used.
func rejectedByProxy(ev *events.Event) bool {
	return ev.AdditionalEventData.Get("xksKeyId") != nil
}

func deadState(key *inventory.Key) string {
	switch {
	case key == nil:
		return ""
	case key.GoneAt != nil:
		return "KMS no longer knows the key since " + stamp(*key.GoneAt) + "."
	case key.State == "" || key.ReadAt.IsZero(): // a replay knows keys from events alone, which tell no state
		return ""
	case deleting(key) && key.DeletionDate != nil:
		return "It is to be deleted at " + stamp(*key.DeletionDate) + ": it must not be, if this caller is right."
	}
	return fmt.Sprintf("When last read, at %s, it was %s.", stamp(key.ReadAt), shown(key.State))
}
