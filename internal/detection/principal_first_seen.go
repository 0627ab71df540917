package detection

import (
	"fmt"
	"time"

	"rotd/internal/baseline"
	"rotd/internal/events"
	"rotd/internal/finding"
)

func principalFirstSeen() Rule {
	return Rule{
		ID: "principal-first-seen", Title: "Somebody uses a key for the first time",
		Severity: finding.Medium, Mitre: []string{"T1078.004"}, Wants: wants(cryptographic()...), Remembers: true,
		Params:  strangerParams(),
		Excused: OwnOrLet, PerPrincipal: true, Judge: judgePrincipalFirstSeen,
		Doc: Doc{
			Meaning: "A principal used a key that it had never used. Keys have few callers, and mostly the same ones: a " +
				"new one is a deployment somebody knows of, or a thief who has found a way in. Most are the former: a new caller " +
				"alone is for lists, one that nobody knows and that reads on is for people.",
			Condition: "A successful cryptographic call by a principal that has not used the key in the last 400 days, as " +
				"far as rotd has seen, on a key whose use rotd has learnt for the learning time. LOW; and MEDIUM when a stranger " +
				"makes use of the key within the day: it signs, makes a MAC or derives a secret, or decrypts five different " +
				"things within an hour (10 secrets, parameters or volumes, 100 S3 objects or log files; without an encryption " +
				"context: five times). A stranger is a principal that rotd has met anywhere no more than a week before, on a " +
				"key that fewer than ten others use. A ReEncrypt within the key's account shows nobody anything, and is LOW. " +
				"Not of AWS services and their own roles, not on keys that had got three new principals within the four weeks " +
				"before, for which newcomers are ordinary, nor on keys of more than 500 principals.",
			Tuning: "`principals.allow` of the policy makes a principal's use expected: it is INFORMATIONAL. " +
				"`detections.learning` is how long a key's use is learnt first (14d).",
			FalsePositives: "A new service, a renamed role, a job that runs once in two years.",
			Response: "Ask the key's owners whether they expect this caller. If so, add it to `principals.allow`; if not, " +
				"see what else it did, and take the permission away.",
		},
	}
}

func judgePrincipalFirstSeen(c *Context, ev *events.Event) []Found {
	o := c.Observed
	if o == nil || o.UsedFor >= firstDay || o.Crowded || o.Others == 0 || o.KeyFor-o.UsedFor < c.learning ||
		o.Newcomers >= c.param(restless) || serviceItself(ev) {
		return nil
	}
	stranger := o.PrincipalFor-o.UsedFor < strangerFor && o.Others < c.param(sharedByMany)
	grave := stranger && c.makesUseOf(ev)
	if !o.NewPrincipal && !grave {
		return nil
	}
	t, milder, known, read := c.target(ev), finding.Low, "", ""
	if grave {
		milder = finding.Informational
	}
	if o.PrincipalFor-o.UsedFor >= strangerFor {
		known = fmt.Sprintf("The principal itself is known for %s, from %s.", days(o.PrincipalFor), keys(o.Keys))
	}
	began := "it had never used before"
	if !o.NewPrincipal {
		began = "it used for the first time at " + stamp(ev.EventTime.Add(-o.UsedFor).Truncate(time.Hour))
	}
	if o.Hour.Distinct > 1 {
		read = fmt.Sprintf("It has decrypted about %d different %s within an hour.", o.Hour.Distinct, things(o.Class))
	}
	return one(Found{
		About: t, Milder: milder,
		Description: sentences(
			fmt.Sprintf("%s called %s on %s, which %s.", who(ev), shown(ev.EventName), t.name(), began),
			read, fmt.Sprintf("rotd has learnt who uses this key for %s.", days(o.KeyFor)), known,
			cameFrom(ev)),
		Remedy: []string{
			"Ask the key's owners whether they expect this caller. Who else uses the key:",
			"rotd keys usage " + argument(t.id),
			"If it is expected, add the principal to principals.allow of the key's policy.",
			"If not, see everything it did with the key, and take its permission away:",
			t.history(),
		},
	})
}

// makesUseOf reports whether a stranger does more with a key than try it out: speak in the key's name, or read several
// things.
func (c *Context) makesUseOf(ev *events.Event) bool {
	o := c.Observed
	switch ev.EventName {
	case "Sign", "GenerateMac", "DeriveSharedSecret", "Decapsulate":
		return true
	case "Decrypt", "ReEncrypt":
	default:
		return false
	}
	if o.Class != baseline.NoContext {
		return o.Hour.Distinct >= c.several(o.Class)
	}
	if ev.EventName == "ReEncrypt" && !leaves(ev) {
		return false
	}
	series := "first-seen\x00" + ev.Key.ARN + "\x00" + ev.UserIdentity.PrincipalARN()
	return c.Memory.Count(series, firstTold(ev), ev.EventTime, baseline.Window) >= c.several(o.Class)
}

func keys(n int) string {
	if n == 1 {
		return "one other key"
	}
	return fmt.Sprintf("%d other keys", n)
}

// cameFrom says where a call came from, in a sentence.
func cameFrom(ev *events.Event) string {
	if ev.SourceIPAddress == "" {
		return ""
	}
	return fmt.Sprintf("The call came from %s.", shown(ev.SourceIPAddress))
}
