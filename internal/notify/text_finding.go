package notify

import (
	"fmt"
	"strings"

	"rotd/internal/finding"
)

func findingText(a *Alert) string {
	f := a.Finding
	var p page
	p.lines(headline(a), subjectLine(f), whoLine(f), expectedLine(f), "rotd: "+doing(a))
	if f.Late {
		p.paragraph("Late: the event's own time is over 15 days old or an hour ahead. It cannot be trusted, and " +
			"nothing is done by itself because of it.")
	}
	p.paragraph(prose(f.Description, longText))
	p.list("Next:", remedy(f))
	p.list("Look closer:", findingCommands(a))
	p.pairs(findingPairs(a)...)
	return p.text()
}

// resolvedText is short, and does not ask who it was: nobody has to do anything.
func resolvedText(a *Alert) string {
	f := a.Finding
	var p page
	p.lines(headline(a), subjectLine(f), overLine(f), "rotd: "+doing(a))
	p.pairs(
		[2]string{"finding_id", line(f.ID, longName) + ruleNote(f)},
		[2]string{"alert_id", line(a.ID, longName)},
		[2]string{"show", "rotd findings show " + argument(f.ID)},
	)
	return p.text()
}

// overLine is why, when and after how long an episode ended.
func overLine(f *finding.Finding) string {
	lasted := ""
	if f.ResolvedAt != nil {
		lasted = fmt.Sprintf(" (%s, after %s)", stamp(*f.ResolvedAt), span(f.ResolvedAt.Sub(f.FirstSeen)))
	}
	over := line(strings.TrimRight(f.ResolvedBy, "."), longError)
	if over == "" {
		over = "it is over"
	}
	return "Over: " + over + lasted
}

// headline is how grave and what.
func headline(a *Alert) string {
	f := a.Finding
	title := line(f.Title, longTitle)
	switch a.Kind {
	case FindingRaised:
		return fmt.Sprintf("%s (raised): %s", a.Severity, title)
	case FindingMore:
		return fmt.Sprintf("%s (more than told before): %s", a.Severity, title)
	case FindingReminder:
		return fmt.Sprintf("%s (still open after %s): %s", f.Severity, span(a.Created.Sub(f.FirstSeen)), title)
	case FindingResolved:
		return fmt.Sprintf("RESOLVED (was %s): %s", f.Severity, title)
	default:
		return fmt.Sprintf("%s: %s", a.Severity, title)
	}
}

// subjectLine is which key, account and Region.
func subjectLine(f *finding.Finding) string {
	var what string
	switch {
	case f.KeyARN != "" || f.Subject.Type == finding.Key:
		what = keyLabel(f.Alias, f.KeyARN)
	case f.Subject.Type == finding.Alias:
		what = "Alias: " + quoted(resource(f.Subject.ID), longName)
	case f.Subject.Type == finding.Trail:
		what = "Trail: " + quoted(resource(f.Subject.ID), longName)
	case f.Subject.Type == finding.Queue:
		what = "Queue: " + line(f.Subject.ID, longName)
	case f.Subject.Type == finding.Store:
		what = "Key store: " + quoted(f.Subject.ID, longName)
	case f.Subject.Type == finding.Rotd:
		what = "Where: rotd, shard " + quoted(f.Subject.ID, longName)
	case f.Account == "" && f.Region == "":
		what = "Where: not known"
	default:
		return "Where: " + strings.TrimPrefix(where(f.Account, f.Region), ", ")
	}
	return what + where(f.Account, f.Region)
}

// keyLabel names a key by its alias, else by its id.
func keyLabel(alias, arn string) string {
	if alias != "" {
		return "Key: " + quoted(alias, longName)
	}
	return "Key: " + named(keyID(arn), longName)
}

func keyID(arn string) string { return strings.TrimPrefix(resource(arn), "key/") }

// resource is the last part of an ARN; anything else is left as it is.
func resource(arn string) string {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) == 6 && parts[0] == "arn" {
		return parts[5]
	}
	return arn
}

func where(account, region string) string {
	s := ""
	if account != "" {
		s += ", account " + named(account, longTool)
	}
	if region != "" {
		s += ", " + named(region, longTool)
	}
	return s
}

// whoLine is who, and from where. The principal's whole ARN, and what the caller chose, stand below.
func whoLine(f *finding.Finding) string {
	if ownWork(f) {
		return "Who: rotd itself, which noticed this at " + stamp(f.LastSeen)
	}
	if f.PrincipalARN == "" && f.EventID == "" {
		return "Who: not known; rotd found this by reading KMS at " + stamp(f.LastSeen)
	}
	s := "Who: " + caller(f.PrincipalARN)
	if f.SourceIP != "" {
		s += ", from " + named(f.SourceIP, longTool)
	}
	return s
}

// caller names a principal in few words: an ARN by its last part and its account.
func caller(arn string) string {
	if arn == "" {
		return "the event names nobody"
	}
	if parts := strings.SplitN(arn, ":", 6); len(parts) == 6 && parts[0] == "arn" && parts[4] != "" {
		return named(parts[5], longTool) + " of account " + named(parts[4], longTool)
	}
	return named(arn, longTool)
}

// chosen says what the caller chose freely: a hint, no proof.
func chosen(what string, most int) string {
	if what == "" {
		return ""
	}
	return quoted(what, most) + " (the caller's own words)"
}

// expectedLine is whether somebody was meant to do this, and why rotd thinks so.
func expectedLine(f *finding.Finding) string {
	why := line(strings.TrimRight(f.Why, "."), longError)
	switch {
	case f.Expected && why != "":
		return "Expected: yes, " + why
	case f.Expected:
		return "Expected: yes"
	case why != "":
		return "Expected: NO, " + why
	case ownWork(f):
		return "Expected: not judged; this is about rotd's own work"
	case f.EventID == "" && asksOtherwise(f):
		return "Expected: NO, policy " + quoted(f.Policy, longTool) + " asks for something else"
	case f.EventID == "" && f.Policy == "":
		return "Expected: NO, and no policy covers this"
	case f.EventID == "":
		return "Expected: NO, nobody told rotd of it"
	case f.Policy != "":
		return "Expected: NO, not rotd's own call, nor allowed by policy " + quoted(f.Policy, longTool)
	}
	return "Expected: NO, not rotd's own call, and no policy says who may do this"
}

// ownWork reports whether a finding is about rotd itself or what it works with, not about somebody's key.
func ownWork(f *finding.Finding) bool {
	switch f.RuleID {
	case "rotation-missed", "containment-failed", "contained-key-deadline":
		return true
	}
	return f.EventID == "" && f.KeyARN == ""
}

// asksOtherwise reports whether a check's finding is that the key is not as its policy asks.
func asksOtherwise(f *finding.Finding) bool {
	switch f.RuleID {
	case "rotation-disabled", "rotation-period-too-long", "rotation-overdue", "rotation-impossible", "key-unused":
		return f.Policy != ""
	}
	return false
}

func remedy(f *finding.Finding) []string {
	var lines []string
	for _, r := range f.Remedy[:min(len(f.Remedy), maxRemedy)] {
		lines = append(lines, line(r, longStep))
	}
	return lines
}

func findingPairs(a *Alert) [][2]string {
	f := a.Finding
	event := named(f.EventName, longName)
	if f.EventTime != nil {
		event += " at " + stamp(*f.EventTime)
	}
	seen := fmt.Sprintf("%d times since %s", f.Count, stamp(f.FirstSeen))
	if f.Count <= 1 {
		seen = ""
	}
	pairs := [][2]string{
		{"event", strings.TrimPrefix(event, " at ")},
		{"eventID", named(f.EventID, longName)},
		{"seen", seen},
		{"principal", named(f.PrincipalARN, longName)},
		{"session", chosen(f.SessionName, longTool)},
		{"user agent", chosen(f.UserAgent, longAgent)},
		{"key", named(f.KeyARN, longName)},
		{"policy", policyName(f.Policy)},
		{"mitre", line(strings.Join(f.Mitre, ", "), longName)},
		{"finding_id", line(f.ID, longName) + ruleNote(f)},
		{"alert_id", line(a.ID, longName)},
	}
	if a.Action != nil {
		pairs = append(pairs, [2]string{"action_id", line(a.Action.ID, longName)})
	}
	return pairs
}

func ruleNote(f *finding.Finding) string {
	return fmt.Sprintf(" (%s, episode %d)", line(f.RuleID, longTool), max(f.Episode, 1))
}

func policyName(name string) string {
	if name == "" {
		return ""
	}
	return quoted(name, longTool)
}
