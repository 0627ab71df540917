package remediation

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"rotd/internal/inventory"
)

// What people read about rotations, in one place so that it is said the same way everywhere.

const stillDecrypts = "Everything encrypted before stays decryptable: KMS keeps all earlier material, and " +
	"nothing was re-encrypted. That would change only if the key were disabled or deleted. " +
	"Nobody lost access: to cut somebody off, change grants or the key policy, or disable the key."

// outcome says what an action did, and what that does not do.
func outcome(a *Action, key *inventory.Key) string {
	switch a.Method {
	case EnableAutomatic:
		return scheduledOutcome(a, key)
	case NewMaterial, ImportedMaterial:
		return rotatedOutcome(a, key)
	case NewKey:
		return replacedOutcome(a)
	case MoveBack:
		return movedBackOutcome(a)
	case Restore, Measures, Release:
	}
	return progress(a)
}

// progress says of an action of several calls what was done and what was not, "" of an action of one.
func progress(a *Action) string {
	if len(a.Calls) == 0 {
		return ""
	}
	var did, left []*Call
	for i := range a.Calls {
		c := &a.Calls[i]
		switch {
		case c.Skipped != "":
		case c.Done != nil:
			did = append(did, c)
		case i != a.At || a.Attempts == a.Rejected:
			left = append(left, c)
		}
	}
	text := ""
	if len(did) > 0 {
		text = "Done: " + wordsOf(did) + "."
	}
	if slices.ContainsFunc(a.Calls, func(c Call) bool { return c.Operation == RevokeGrant && c.did() }) {
		text += " A revoked grant cannot be brought back."
	}
	if len(left) > 0 {
		text = join(text, "Not done: "+wordsOf(left)+".")
	}
	return text
}

// wordsOf are what calls do; grants that are many are counted.
func wordsOf(calls []*Call) string {
	const many = 20
	revoked := 0
	for _, c := range calls {
		if c.Operation == RevokeGrant {
			revoked++
		}
	}
	var words []string
	for _, c := range calls {
		switch {
		case c.Operation != RevokeGrant || revoked <= many:
			words = append(words, c.Words())
		case !slices.Contains(words, fmt.Sprintf("%d grants revoked", revoked)):
			words = append(words, fmt.Sprintf("%d grants revoked", revoked))
		}
	}
	return strings.Join(words, "; ")
}

// Words are what a call does, for people.
func (c *Call) Words() string {
	switch c.Operation {
	case EnableKeyRotation:
		return fmt.Sprintf("automatic rotation every %d days", c.PeriodDays)
	case RotateKeyOnDemand:
		return "new key material"
	case ImportKeyMaterial:
		if c.Material == ExistingKeyMaterial {
			return "the same material imported into " + arnRegion(c.KeyARN)
		}
		return "new material imported"
	case CreateKey:
		return "a new key"
	case ReplicateKey:
		return "a replica in " + c.Region
	case CreateGrant:
		return "a grant for " + c.Grant.Grantee
	case RevokeGrant:
		return "grant " + short(c.Grant.ID) + " of " + c.Grant.Grantee + " revoked"
	case CreateAlias:
		return c.Alias + " made again"
	case UpdateAlias:
		return c.Alias + " moved to " + keyID(c.KeyARN)
	case DeleteAlias:
		return c.Alias + " retired"
	case TagResource:
		return "the tag " + strings.Join(slices.Sorted(maps.Keys(c.Tags)), ", ")
	case CancelKeyDeletion:
		return "the deletion cancelled"
	case EnableKey:
		return "the key enabled"
	case DisableKey:
		return "the key disabled"
	}
	return string(c.Operation)
}

// keyID is the last part of a key's ARN; "the new key" while there is none.
func keyID(arn string) string {
	if arn == "" {
		return yetToBeMade
	}
	return arn[strings.LastIndexByte(arn, '/')+1:]
}

func rotatedOutcome(a *Action, key *inventory.Key) string {
	used := key.Rotation.OnDemandUsed()
	return join(fmt.Sprintf("%s has new key material (%s). %d of its %d rotations on demand are used.",
		a.name(), short(key.CurrentMaterial), used, inventory.OnDemandLimit), keepBytes(a), stillDecrypts)
}

func scheduledOutcome(a *Action, key *inventory.Key) string {
	return fmt.Sprintf("KMS now rotates %s by itself every %d days%s. Its material is the same as before. %s",
		a.name(), key.Rotation.PeriodDays, nextRotation(key.Rotation), stillDecrypts)
}

// replacedOutcome says what a replacement did, and what it does not do for those who name the old key.
func replacedOutcome(a *Action) string {
	return join(fmt.Sprintf("%s was replaced by %s.", a.name(), a.NewKeyARN), progress(a),
		"The old key stays enabled: what it has encrypted or signed still needs it, nothing was re-encrypted, and whoever "+
			"names it by id or ARN goes on using it. rotd watches that and says when it is quiet.",
		"To move the aliases back: rotd undo-alias "+a.ID+" --reason TEXT.")
}

func movedBackOutcome(a *Action) string {
	return join(progress(a), fmt.Sprintf("What was encrypted or signed meanwhile needs the key that was made, %s: it "+
		"stays enabled. Replacing again goes on with it.", a.NewKeyARN))
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
