package detection

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"rotd/internal/finding"
	"rotd/internal/remediation"
)

// containedEntries are the findings about keys that people contain.
func containedEntries() []Entry {
	return []Entry{
		{
			ID: containmentFailedID, Kind: KindSelf, Title: "A key could not be contained", Severity: finding.High,
			Ends: "When a later containment of the key does what failed.",
			Doc: Doc{
				Meaning:   "Whoever was to be cut off may not be: a person's measure was not done, or KMS does not show it.",
				Condition: "An action of `rotd contain` ended as failed. One finding per key and measure.",
				Response:  "rotd actions show says what was done and what was not; take the measure again, or by hand.",
			},
		},
		{
			ID: ContainedDeadlineID, Kind: KindSelf, Title: "A key that rotd disabled has a deadline",
			Severity: finding.Critical,
			Ends:     "When the key is enabled again, or a person answers for it (`rotd findings ack`).",
			Doc: Doc{
				Meaning: "What is under a disabled key stands still, and some of it is lost for good after days: databases " +
					"after 7.",
				Condition: "`rotd contain KEY --disable` has disabled the key, also when KMS shows that only after the action " +
					"failed. Told at once (LOW), and again after 1 day " +
					"(MEDIUM), 3 and 5 days (HIGH) and 6 days (CRITICAL).",
				Response: "Enable the key again, or move what is under it, before the deadline.",
			},
		},
	}
}

const containmentFailedID = "containment-failed"

// ContainedDeadlineID is the finding that reminds of a key that rotd disabled.
const ContainedDeadlineID = "contained-key-deadline"

// ContainedDeadline reminds of what is lost for good when a key that rotd disabled stays so. Each reminder that is due
// is a point of its own, and graver than the one before.
func ContainedDeadline(d *remediation.Deadline, at time.Time) finding.Finding {
	f := own(ContainedDeadlineID, finding.Low, finding.Subject{Type: finding.Key, ID: d.KeyARN}, "", at)
	f.Partition, f.KeyARN, f.Alias = arnPart(d.KeyARN, arnPartition), d.KeyARN, d.Alias
	f.Account, f.Region, f.Policy = d.Account, d.Region, d.Policy
	f.ActionIDs = []string{d.ActionID}
	grades := []finding.Severity{finding.Medium, finding.High, finding.High, finding.Critical}
	for i, after := range remediation.Reminders() {
		if at.Sub(d.Since) >= after {
			f.Points, f.Severity = append(f.Points, days(after)), grades[i]
		}
	}
	switch ends := d.Ends(at); {
	case !ends.After(at):
		f.Title = "What is under a disabled key may be lost for good"
	case len(d.Losses) == 0: // none that rotd knows of
		f.Title = "What is under a disabled key may be lost for good from " + stamp(ends) + " on"
	default:
		f.Title = "What is under a disabled key is lost for good from " + stamp(ends) + " on"
	}
	f.Description = clip(sentences(
		fmt.Sprintf("%s has been disabled since %s, by action %s.", shown(keyName(d.Alias, d.KeyARN)), stamp(d.Since),
			shown(d.ActionID)),
		lossesOf(d, at),
		databases(d, at),
	), maxDescription)
	f.Remedy = containedRemedy(d)
	return f
}

// lossesOf says what is known to be under the key, and when it is lost.
func lossesOf(d *remediation.Deadline, at time.Time) string {
	var known []string
	for i := range d.Losses[:min(len(d.Losses), maxListed)] {
		l := &d.Losses[i]
		when := "since then"
		switch {
		case l.At.After(at):
			when = "from " + stamp(l.At) + " on"
		case !l.At.IsZero():
			when = "since " + stamp(l.At)
		}
		text := fmt.Sprintf("%s, %s: %s", l.Who, when, l.What)
		if l.Evidence != "" {
			text += " [" + shown(l.Evidence) + "]"
		}
		known = append(known, text)
	}
	if len(known) == 0 {
		return "rotd knows of nothing under it that is lost for good, and may not know all."
	}
	if more := len(d.Losses) - len(known); more > 0 {
		known = append(known, fmt.Sprintf("and %d more", more))
	}
	return "What cannot be undone: " + strings.Join(known, "; ") + "."
}

func databases(d *remediation.Deadline, at time.Time) string {
	until := d.Since.Add(remediation.DatabasesLast)
	if until.After(at) {
		return "Databases that rotd knows nothing of may be lost 7 days after their key was disabled: " + stamp(until) + "."
	}
	return "Databases that rotd knows nothing of may be lost since " + stamp(until) +
		", 7 days after their key was disabled."
}

// containedRemedy is how to have everything back.
func containedRemedy(d *remediation.Deadline) []string {
	remedy := []string{
		"If the key may be used again, enable it:",
		"rotd contain " + argument(d.KeyARN) + " --undo " + argument(d.ActionID) + " --reason 'it is safe again'",
		awsCLI("kms enable-key", d.Region, "key-id", d.KeyARN),
		"Otherwise see what is under it and move what is needed: rotd keys contents " + argument(d.KeyARN),
	}
	for i := range d.Losses {
		l := &d.Losses[i]
		then := l.Who + ", once it is enabled: " + l.Recovers
		if l.Recovers != "" && !slices.Contains(remedy, then) && len(remedy) < 6 { // the engine adds two more
			remedy = append(remedy, then)
		}
	}
	return remedy
}

// ContainmentFailed tells that a call which a person chose to contain a key was not done, or is not shown by KMS.
func ContainmentFailed(shard string, a *remediation.Action, at time.Time) finding.Finding {
	f := containmentFailed(a, a.Current(), at)
	f.Shard, f.Partition = shard, arnPart(a.KeyARN, arnPartition)
	f.KeyARN, f.Alias, f.Account, f.Region, f.Policy = a.KeyARN, a.Alias, a.Account, a.Region, a.Policy
	f.ActionIDs = []string{a.ID}
	f.Title = "A key could not be contained: " + string(a.Current().Operation) + " failed"
	last := ""
	if a.LastError != "" {
		last = "KMS last said: " + shown(a.LastError) + "."
	}
	f.Description = clip(sentences(
		fmt.Sprintf("Action %s on %s failed; whoever was to be cut off may not be.", shown(a.ID),
			shown(keyName(a.Alias, a.KeyARN))),
		clip(a.Outcome, maxDescription/2), last), maxDescription)
	f.Remedy = []string{
		"rotd actions show " + argument(a.ID),
		a.Current().Look(a.CallKey()) + " --region " + argument(a.Region),
		"rotd contain " + argument(a.KeyARN) + " --dry-run",
	}
	return f
}

// ContainmentDone are the fingerprints of the failures that a containment has made good.
func ContainmentDone(a *remediation.Action) (fingerprints []string) {
	for i := range a.Calls {
		f := containmentFailed(a, &a.Calls[i], time.Time{})
		fingerprints = append(fingerprints, f.Fingerprint)
	}
	return fingerprints
}

// containmentFailed begins the finding of one call, by what it was to do.
func containmentFailed(a *remediation.Action, c *remediation.Call, at time.Time) finding.Finding {
	about := string(c.Operation) + " " + c.Alias
	if c.Grant != nil {
		about += " " + c.Grant.ID
	}
	return own(containmentFailedID, finding.High, finding.Subject{Type: finding.Key, ID: a.KeyARN}, about, at)
}
