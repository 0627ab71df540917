package detection

import (
	"fmt"

	"rotd/internal/baseline"
	"rotd/internal/events"
	"rotd/internal/finding"
)

func decryptSpike() Rule {
	return Rule{
		ID: "decrypt-spike", Title: "Somebody decrypts far more different things than usual",
		Severity: finding.High, Mitre: []string{"T1555.006", "T1530"}, Wants: wants("Decrypt", "ReEncrypt"),
		Params: spikeParams(), Remembers: true, Excused: Own, PerPrincipal: true, Judge: judgeDecryptSpike,
		Doc: Doc{
			Meaning: "Within an hour a principal decrypted many different things with a key, far more than it ever does at " +
				"that time of the day and week. Who has stolen credentials reads everything they open, at once.",
			Condition: "Within an hour of event time a principal's Decrypt calls with a key (and ReEncrypt, to a key of " +
				"another account) have at least 15 different secrets, 25 parameters, 25 volumes, 1,500 S3 objects or 100 " +
				"contexts of other kinds; and both the number of calls and that of different contexts are far above the " +
				"principal's own baseline for that key, the fullest hour of each day around that time of the day, on working " +
				"days or weekends: more than three times their median, and more than six times their median absolute deviation " +
				"above it. Hours of up to 8 different secrets, parameters or volumes, 128 objects or 32 other contexts are left " +
				"out of the baseline. With no more than one such day known, more than twice what the principal has ever read " +
				"within an hour, with whichever key, or, of one that reads in bulk on more than six days at other times, more " +
				"than that once and far above those days; with up to six such days, more than the most ever once. A count of " +
				"calls alone never fires, " +
				"nor do log files. Twice as many secrets or parameters on one day of UTC count alike, against its own days: " +
				"who reads slowly enough is in no hour's count. Once rotd has learnt the key's use for the learning time. LOW " +
				"when reading in bulk is what the caller is there for, a role that is not of IAM Identity Center: it has done " +
				"so around that time of the day on more than six days, and now reads no more than eight times their median, " +
				"which is what a job makes up for that did not run for a week; or it has done so at any time on two days or " +
				"more, and now reads no more than four times its most, as pipelines do.",
			Tuning: "`detections.learning` is how long a key's use is learnt first (14d). One finding per key, principal and " +
				"kind of context.",
			FalsePositives: "A migration at an unusual time, the first run of a new pipeline, somebody who copies a bucket.",
			Response: "Ask whoever holds the credentials. If nobody knows: revoke the sessions, and take what was read for " +
				"known to somebody else. Secrets that were read have to be changed.",
		},
	}
}

func judgeDecryptSpike(c *Context, ev *events.Event) []Found {
	o := c.Observed
	if o == nil || o.KeyFor < c.learning {
		return nil
	}
	floor := c.spikeFloor(o.Class)
	if floor == 0 {
		return nil
	}
	if o.Hour.Distinct >= floor {
		hour := spike{"an hour", "hours", o.Hour, o.Usual(baseline.SameTime), o.Usual(baseline.TimeOfDay)}
		if found := c.spike(ev, &hour); found != nil {
			return found
		}
	}
	if o.Day.Distinct >= c.param(spikeDay)*floor {
		usual := o.UsualDay()
		return c.spike(ev, &spike{"a day", "days", o.Day, usual, usual})
	}
	return nil
}

// spike is what a principal read with a key within a span, and what it usually reads within one like it; with other
// kinds of days, as a job does.
type spike struct {
	span, spans string // in words
	read        baseline.Counts
	usual, job  baseline.Usual
}

// spike finds what is far above the usual.
func (c *Context) spike(ev *events.Event, s *spike) []Found {
	o := c.Observed
	all, usual := o.UsualOfPrincipal(), s.usual
	growth := c.param(spikeGrowth)
	limit := baseline.Counts{Calls: growth * all.Most.Calls, Distinct: growth * all.Most.Distinct}
	if usual.N > spikeSeldom {
		limit = baseline.Counts{Calls: c.farAbove(usual.Calls), Distinct: c.farAbove(usual.Distinct)}
		if usual.N <= spikeFew {
			limit = baseline.Counts{
				Calls: max(limit.Calls, all.Most.Calls), Distinct: max(limit.Distinct, all.Most.Distinct),
			}
		}
	} else {
		if usual = all; all.N > spikeFew { // never at this time, and often enough at others to know what is much
			limit = baseline.Counts{
				Calls:    min(limit.Calls, max(c.farAbove(all.Calls), all.Most.Calls)),
				Distinct: min(limit.Distinct, max(c.farAbove(all.Distinct), all.Most.Distinct)),
			}
		}
	}
	if s.read.Distinct <= limit.Distinct || s.read.Calls <= limit.Calls {
		return nil
	}
	t, milder := c.target(ev), finding.Informational
	if !ofPerson(ev) && c.byTrade(s, &all) {
		milder = finding.Low
	}
	return one(Found{
		About: t, Milder: milder, Discriminator: things(o.Class),
		Description: sentences(
			fmt.Sprintf("Within %s %s decrypted about %d different %s with %s, in %d calls.", s.span, who(ev),
				s.read.Distinct, things(o.Class), t.name(), s.read.Calls),
			usually(s, &usual, o.Class), cameFrom(ev),
			"What was decrypted has to be taken for known to whoever did it."),
		Remedy: []string{
			"Ask whoever holds these credentials whether it was them, and why.",
			"What the caller used the key for, hour by hour:",
			"rotd keys usage " + argument(t.id),
			"If nobody knows, revoke the role's sessions or the user's access keys at once, then change what was read.",
			"What the key is worth to whom, before anything is cut off:",
			"rotd contain " + argument(t.id) + " --dry-run",
		},
	})
}

// byTrade reports whether reading in bulk is what a machine is there for, and this no more than a job has to make up
// for after some days, or than a pipeline grows.
func (c *Context) byTrade(s *spike, all *baseline.Usual) bool {
	return s.job.N > spikeFew && s.read.Distinct <= c.param(spikeBacklog)*s.job.Distinct.Median ||
		all.N > spikeSeldom && s.read.Distinct <= c.param(spikeRelease)*all.Most.Distinct
}

// usually says what is usual, in a sentence.
func usually(s *spike, usual *baseline.Usual, class baseline.Class) string {
	if usual.N == 0 {
		return fmt.Sprintf("It never read more than %d of them within an hour.", baseline.Small(class))
	}
	return fmt.Sprintf("In %s like this it reads about %d of them; it has never read more than %d.",
		s.spans, usual.Distinct.Median, usual.Most.Distinct)
}

// things names what contexts of a class are about.
func things(class baseline.Class) string {
	switch class {
	case baseline.Secrets:
		return "secrets"
	case baseline.Parameters:
		return "parameters"
	case baseline.Volumes:
		return "volumes"
	case baseline.Services:
		return "resources of AWS services"
	case baseline.NoContext, baseline.Logs, baseline.Objects, baseline.Own:
	}
	return "encryption contexts"
}
