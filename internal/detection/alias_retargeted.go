package detection

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"rotd/internal/events"
	"rotd/internal/finding"
	"rotd/internal/inventory"
	"rotd/internal/policy"
)

// recreatedWithin is how long after its deletion an alias of the same name counts as the same, moved.
const recreatedWithin = 24 * time.Hour

func aliasRetargeted() Rule {
	return Rule{
		ID: "alias-retargeted", Title: "An alias now points to another key",
		Severity: finding.High, Mitre: []string{"T1486"}, Wants: wants("UpdateAlias", "DeleteAlias", "CreateAlias"),
		Excused: Own, Judge: judgeAliasRetargeted, Over: aliasBack,
		Ends: "the alias on its former key",
		Doc: Doc{
			Meaning: "An alias was moved to another key. Everything that encrypts through the alias now uses that " +
				"key without noticing: whoever owns it can read, or take away, all that is written from now on. " +
				"Where policies look at kms:ResourceAliases, permissions moved too.",
			Condition: "UpdateAlias that succeeded, to another key than the one last known; or DeleteAlias and, " +
				"within 24 hours of event time, CreateAlias of the same name for another key, in whichever order " +
				"the records come. UpdateAlias is found too when the former key is not known.",
			Tuning: "Lower the severity where keys are replaced by moving aliases. rotd's own moves are " +
				"expected.",
			FalsePositives: "Manual rotation of asymmetric and HMAC keys is done exactly so.",
			Response: "If nobody meant it, move the alias back, and find what was encrypted with the new key " +
				"meanwhile: only that key decrypts it.",
		},
	}
}

func judgeAliasRetargeted(c *Context, ev *events.Event) []Found {
	if ev.Failed() || ev.Alias == "" {
		return nil
	}
	switch ev.EventName {
	case "UpdateAlias":
		return updatedAlias(c, ev)
	case "CreateAlias":
		return recreatedAlias(c, ev, "alias-deleted", "alias-created")
	case "DeleteAlias":
		return recreatedAlias(c, ev, "alias-created", "alias-deleted")
	}
	return nil
}

func updatedAlias(c *Context, ev *events.Event) []Found {
	to := c.targetOf(ev, ev.TargetKey)
	switch from := c.aliasTarget(ev); {
	case from == nil:
		return one(moved(ev, nil, &to))
	case from.ARN != to.arn:
		former := c.targetOf(ev, events.KeyRef{ARN: from.ARN})
		return one(moved(ev, &former, &to))
	case from.WholeUntil().Before(ev.EventTime):
		return nil // it pointed there already
	}
	return one(moved(ev, nil, &to)) // read since the call: what it pointed to before is not known any more
}

// aliasTarget is the key that the event's alias pointed at, nil when it is not known.
func (c *Context) aliasTarget(ev *events.Event) *inventory.Key {
	if c.Known == nil {
		return nil
	}
	return c.Known.AliasTarget(ev.Alias, ev.RecipientAccountID, ev.AWSRegion)
}

// recreatedAlias notes one half of a deletion and a creation, and finds the alias moved when the other half is known.
func recreatedAlias(c *Context, ev *events.Event, otherHalf, thisHalf string) []Found {
	if c.Late {
		return nil
	}
	ref := ev.Key
	if former := c.aliasTarget(ev); ref.IsZero() && ev.EventName == "DeleteAlias" && former != nil {
		ref.ARN = former.ARN // the record names the alias alone
	}
	t := c.targetOf(ev, ref)
	if t.arn == "" {
		return nil
	}
	place := "\x00" + t.account + "\x00" + t.region + "\x00" + ev.Alias
	c.Memory.Note(thisHalf+place, ev.EventTime.Format(time.RFC3339)+" "+t.arn, ev.EventTime, recreatedWithin)
	when, arn, known := strings.Cut(c.Memory.Noted(otherHalf+place, ev.EventTime), " ")
	at, err := time.Parse(time.RFC3339, when)
	if !known || err != nil || arn == t.arn {
		return nil
	}
	if ev.EventName == "CreateAlias" {
		if at.After(ev.EventTime) {
			return nil
		}
		former := c.targetOf(ev, events.KeyRef{ARN: arn})
		return one(moved(ev, &former, &t))
	}
	if at.Before(ev.EventTime) || at.Sub(ev.EventTime) > recreatedWithin {
		return nil
	}
	to := c.targetOf(ev, events.KeyRef{ARN: arn})
	return one(moved(ev, &t, &to))
}

// moved is an alias that went from one key, nil when not known, to another.
func moved(ev *events.Event, from, to *target) Found {
	alias := "arn:" + to.partition + ":kms:" + to.region + ":" + to.account + ":" + ev.Alias
	f := Found{
		About: *to, Discriminator: to.arn, Subject: finding.Subject{Type: finding.Alias, ID: alias},
		Remedy: []string{"If nobody meant this, move the alias back to the key it was on (see `rotd keys list`)."},
	}
	before := "a key that rotd does not know"
	if from != nil {
		before = shown(from.arn)
		f.About = *from
		f.Remedy = []string{
			"If nobody meant this, move the alias back:",
			awsCLI("kms update-alias", to.region, "alias-name", ev.Alias, "target-key-id", from.arn),
		}
	}
	f.About.alias = ev.Alias
	f.Remedy = append(f.Remedy,
		"See whose the new key is, and who may use it:",
		awsCLI("kms get-key-policy", to.region, "key-id", to.id, "policy-name", "default"),
		"What was encrypted through the alias since then only the new key decrypts: keep that key.")
	f.Description = fmt.Sprintf("%s moved %s from %s to %s. Whatever encrypts through the alias uses the new key from "+
		"now on and does not notice; earlier ciphertext still needs the former one.", who(ev), shown(ev.Alias), before,
		shown(to.id))
	return f
}

func aliasBack(f *finding.Finding, key *inventory.Key, _ *policy.Policy) (bool, string) {
	movedTo := finding.Fingerprint("alias-retargeted", f.Subject, "", key.ARN)
	listed := key.AliasesAt.After(f.LastSeen) && !key.WasDenied("ListAliases")
	if f.Fingerprint == movedTo || !listed || !slices.Contains(key.Aliases, f.Alias) {
		return false, ""
	}
	return true, "KMS shows the alias on its former key again"
}
