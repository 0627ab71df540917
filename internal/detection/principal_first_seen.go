package detection

import (
	"fmt"

	"rotd/internal/events"
	"rotd/internal/finding"
)

func principalFirstSeen() Rule {
	return Rule{
		ID: "principal-first-seen", Title: "Somebody uses a key for the first time",
		Severity: finding.Medium, Mitre: []string{"T1078.004"}, Wants: wants(cryptographic()...), Remembers: true,
		Excused: OwnOrLet, PerPrincipal: true, Judge: judgePrincipalFirstSeen,
		Doc: Doc{
			Meaning: "A principal used a key that it had never used. Keys have few callers, and mostly the same ones: a " +
				"new one is a deployment somebody knows of, or a thief who has found a way in.",
			Condition: "A successful cryptographic call by a principal that has not used the key in the last 400 days, as " +
				"far as rotd has seen, on a key whose use rotd has learnt for the learning time. Not of AWS services and " +
				"their own roles, not on keys that got three new principals within four weeks, for which newcomers are " +
				"ordinary, nor on keys of more than 500 principals. LOW when the principal's own calls have been learnt for " +
				"the learning time, when ten or more principals share the key, and for a ReEncrypt within the key's account, " +
				"which shows nobody anything.",
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
	if o == nil || !o.NewPrincipal || o.KeyFor < c.learning || o.Newcomers >= restless || serviceItself(ev) {
		return nil
	}
	t, milder, known := c.target(ev), finding.Informational, ""
	if o.PrincipalFor >= c.learning {
		known = fmt.Sprintf("The principal itself is known for %s, from %s.", days(o.PrincipalFor), keys(o.Keys))
	}
	if o.PrincipalFor >= c.learning || o.Principals >= sharedByMany || ev.EventName == "ReEncrypt" && !leaves(ev) {
		milder = finding.Low
	}
	return one(Found{
		About: t, Milder: milder,
		Description: sentences(
			fmt.Sprintf("%s called %s on %s, which it had never used before.", who(ev), shown(ev.EventName), t.name()),
			fmt.Sprintf("rotd has learnt who uses this key for %s.", days(o.KeyFor)), known,
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
