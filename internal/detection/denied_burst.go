package detection

import (
	"fmt"
	"time"

	"rotd/internal/events"
	"rotd/internal/finding"
)

func deniedBurst() Rule {
	return Rule{
		ID: "denied-burst", Title: "A principal was refused again and again",
		Severity: finding.Medium, Wants: wants(), Remembers: true,
		Params: deniedParams(), PerPrincipal: true, Judge: judgeDeniedBurst,
		Doc: Doc{
			Meaning: "KMS refused one principal many times in a short while: somebody tries out what stolen credentials are " +
				"good for, or an application lost a permission and is failing.",
			Condition: fmt.Sprintf("%d KMS calls by one principal refused for want of permission within %s of event time, "+
				"whichever is told last; repeated records of one call count once. HIGH when a call of the same principal that "+
				"uses or changes something succeeds within %s after them; a success that is told before the refusals does not "+
				"count. LOW from the fourth day within four weeks on which the principal is refused so. Not: calls that an AWS "+
				"service makes, such as AWS Config's refused Decrypts; rotd's own, of which sweep-incomplete tells.",
				deniedParams()[first].Default, days(deniedWindow), days(deniedFollow)),
			Tuning: "`detections.severity`.",
			FalsePositives: "An application whose permissions were changed: it is refused until somebody mends that, and " +
				"succeeds then. One that works with one key and is refused another.",
			Response: "Find out whose principal it is. If nobody is deploying anything, treat its credentials as stolen. " +
				"After a success see first what it got.",
		},
	}
}

// Names under which memory keeps bursts: the latest of all, which spares ordinary calls a look at their principal's.
const (
	noteDenied   = "denied-burst"
	noteDeniedBy = "denied-burst\x00"
)

func judgeDeniedBurst(c *Context, ev *events.Event) []Found {
	switch {
	case c.Own || byService(ev):
		return nil
	case ev.Denied():
		return deniedAgain(c, ev)
	case ev.Failed() || isReading(ev.EventName) || c.Memory.Noted(noteDenied, ev.EventTime) == "":
		return nil
	}
	return succeededAfter(c, ev)
}

// deniedAgain counts a refusal.
func deniedAgain(c *Context, ev *events.Event) []Found {
	principal := ev.UserIdentity.PrincipalARN()
	if principal == "" {
		return nil
	}
	n := c.Memory.Count("denied\x00"+principal, firstTold(ev), ev.EventTime, deniedWindow)
	if n < c.param(first) {
		return nil
	}
	if c.Memory.Noted(noteDeniedBy+principal, ev.EventTime) == "" {
		c.noteLatest(noteDenied, ev.EventTime, deniedFollow)
		c.Memory.Note(noteDeniedBy+principal, noteTime(ev.EventTime), ev.EventTime, deniedFollow)
	}
	t, milder := c.target(ev), finding.Informational
	if c.habit("denied-burst", principal, ev.EventTime) {
		milder = finding.Low
	}
	lastly := shown(ev.EventName)
	if !ev.Key.IsZero() {
		lastly += " on " + t.name()
	}
	return one(Found{
		About: t, Subject: place(ev), Milder: milder,
		Description: fmt.Sprintf("KMS refused %s %d calls within %s, lastly %s. Somebody tries out what these "+
			"credentials are good for, or an application lost a permission and is failing.", who(ev), n, days(deniedWindow),
			lastly),
		Remedy: []string{
			"Find out whose principal this is, and whether anything was deployed or changed just now.",
			lookupAccessKey(ev, ev.AWSRegion),
			"If nobody did, take the credentials away before they fit somewhere.",
		},
	})
}

// succeededAfter finds a success of a principal that was refused before.
func succeededAfter(c *Context, ev *events.Event) []Found {
	principal := ev.UserIdentity.PrincipalARN()
	since := c.Memory.Noted(noteDeniedBy+principal, ev.EventTime)
	if principal == "" || since == "" || noteTime(ev.EventTime) <= since {
		return nil
	}
	t := c.target(ev)
	return one(Found{
		About: t, Subject: place(ev), Severity: finding.High,
		Title: "A principal that was refused again and again has succeeded",
		Description: fmt.Sprintf("%s, and KMS let it, after refusing the same principal %d calls or more "+
			"within %s. If these credentials are stolen, they fit here.", called(ev, &t), c.param(first),
			days(deniedWindow)),
		Remedy: []string{
			"Find out whose principal this is. If somebody mended a permission just now, this is its proof.",
			"If not, see what it got:",
			lookupAccessKey(ev, ev.AWSRegion),
			"To stop it, first see whom that breaks:",
			"rotd contain " + argument(t.id) + " --dry-run",
		},
	})
}

// noteTime is a time as memory keeps it: later ones compare as greater.
func noteTime(at time.Time) string { return at.UTC().Format(time.RFC3339) }

// noteLatest keeps when something happened last to anybody.
func (c *Context) noteLatest(name string, at time.Time, keep time.Duration) {
	if c.Memory.Noted(name, at) < noteTime(at) {
		c.Memory.Note(name, noteTime(at), at, keep)
	}
}
