package notify

import (
	"fmt"
	"slices"
	"strings"

	"rotd/internal/incident"
)

// MaxMembers bounds the findings that one alert about an incident names.
const MaxMembers = 15

const (
	// perIncident bounds the keys that an incident's first lines name, and its commands are given for.
	perIncident = 3
	firstLines  = 80 // columns
)

// incidentText tells an incident: what it is and whether anybody is woken, what to do first, and what happened so far.
func incidentText(a *Alert) string {
	i := a.Incident
	story := i.Automatic.Tells()
	var p page
	for _, l := range []string{incidentHeadline(a), incidentKeys(a), incidentWho(i), incidentIs(i), incidentPage(a)} {
		p.lines(clip(l, firstLines))
	}
	if a.Finding != nil {
		p.paragraph(prose(a.Finding.Description, longText))
	}
	p.list("What to do first:", numbered(story.Do))
	if a.Finding != nil {
		p.list("Next, about what is new:", remedy(a.Finding))
	}
	p.list("Commands:", incidentCommands(i, story))
	p.list("What happened, in order of time (* is new):", incidentTimeline(i))
	p.pairs(
		[2]string{"story", line(i.Automatic.Story, longTool)},
		[2]string{"since", stamp(i.Automatic.First)},
		[2]string{"finding_id", newID(a)},
		[2]string{"incident_id", line(i.ID, longName)},
		[2]string{"alert_id", line(a.ID, longName)},
	)
	return p.text()
}

func incidentHeadline(a *Alert) string {
	raised := ""
	if a.Kind == IncidentRaised {
		raised = " (raised)"
	}
	return fmt.Sprintf("%s%s: %s", a.Severity, raised, line(a.Incident.Reason, longTitle))
}

// incidentIs says that nobody announced it, which incident it is, and how much there is of it.
func incidentIs(i *incident.Incident) string {
	return fmt.Sprintf("Expected: NO, %d findings in %s", i.Automatic.Findings(), line(i.ID, longTool))
}

// incidentWho is whoever the incident follows.
func incidentWho(i *incident.Incident) string {
	switch n := len(i.Principals); n {
	case 0:
		return "Who: nobody that rotd can name"
	case 1:
		return "Who: " + person(i.Principals[0])
	default:
		return fmt.Sprintf("Who: %d, first %s", n, person(i.Principals[0]))
	}
}

// person is a principal by the last part of its name alone; the whole ARN is in its finding.
func person(arn string) string {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || parts[4] == "" {
		return named(arn, longTool)
	}
	who := parts[5][strings.LastIndexByte(parts[5], '/')+1:]
	return named(who, longTool) + " of account " + named(parts[4], longTool)
}

// incidentKeys are how many keys there are, and the first few.
func incidentKeys(a *Alert) string {
	names := keyNames(a.Incident)
	switch n := max(len(a.Incident.Keys), len(names)); {
	case n == 0:
		return "Where: " + strings.TrimPrefix(where(a.place()), ", ")
	case n > 1:
		return fmt.Sprintf("Keys: %d in %s, %s", n, keyAccounts(a.Incident),
			strings.Join(names[:min(len(names), perIncident)], ", "))
	}
	return "Key: " + strings.Join(names, ", ") + where(a.place())
}

// keyAccounts is the account of an incident's keys, or how many there are.
func keyAccounts(i *incident.Incident) string {
	var all []string
	for _, m := range i.Automatic.Members {
		if m.Key != "" && !slices.Contains(all, m.Account) {
			all = append(all, m.Account)
		}
	}
	if len(all) == 1 {
		return named(all[0], longTool)
	}
	return fmt.Sprintf("%d accounts", len(all))
}

// keyNames are the names of an incident's keys, each once; those that something new is told of come first.
func keyNames(i *incident.Incident) []string {
	var fresh, rest []string
	for _, m := range i.Automatic.Members {
		switch name := memberName(&m); {
		case m.Key == "":
		case m.New:
			fresh = append(fresh, name)
		default:
			rest = append(rest, name)
		}
	}
	var all []string
	for _, name := range slices.Concat(fresh, rest) {
		if !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	return all
}

// memberName names what a finding of an incident is about.
func memberName(m *incident.Member) string {
	switch {
	case m.Alias != "":
		return quoted(m.Alias, longTool)
	case m.Key != "":
		return named(keyID(m.Key), longTool)
	}
	return quoted(resource(m.Subject.ID), longTool)
}

// incidentPage is whether this wakes anybody, and why.
func incidentPage(a *Alert) string {
	told := a.Incident.Automatic
	switch {
	case a.Kind == IncidentRaised && told.Severity > told.Told:
		return "rotd: pages again, because what was told before was " + told.Told.String()
	case a.Kind == IncidentRaised:
		return "rotd: pages again: what was told before is over, or was something else"
	}
	return "rotd: no new page: same incident, and nothing graver than what was told"
}

// newID is the id of the gravest finding that is new.
func newID(a *Alert) string {
	if a.Finding == nil {
		return ""
	}
	return line(a.Finding.ID, longName) + ruleNote(a.Finding)
}

func numbered(lines []string) []string {
	steps := make([]string, len(lines))
	for i, l := range lines {
		steps[i] = fmt.Sprintf("%d. %s", i+1, l)
	}
	return steps
}

// incidentCommands look closer and help: for the first keys, each once.
func incidentCommands(i *incident.Incident, story *incident.Story) []string {
	commands := []string{"rotd incident timeline " + argument(i.ID)}
	keys := i.Affected()
	for _, c := range story.Commands {
		if !strings.Contains(c, "{key}") {
			commands = append(commands, c)
			continue
		}
		for _, arn := range keys[:min(len(keys), perIncident)] {
			filled := strings.NewReplacer("{key}", argument(arn), "{incident}", argument(i.ID))
			commands = append(commands, filled.Replace(c))
		}
	}
	return append(commands, "rotd incident close "+argument(i.ID)+" --reason 'how it ended'")
}

func incidentTimeline(i *incident.Incident) []string {
	lines := make([]string, 0, len(i.Automatic.Members)+1)
	for k := range i.Automatic.Members {
		lines = append(lines, memberLine(&i.Automatic.Members[k], i.Principals))
	}
	if n := i.Automatic.More; n > 0 {
		lines = append(lines, fmt.Sprintf("  and %d more: rotd incident timeline has them", n))
	}
	return lines
}

// memberLine is a finding in one line, without whoever the first lines name alone.
func memberLine(m *incident.Member, known []string) string {
	mark, over := "  ", ""
	if m.New {
		mark = "* "
	}
	if m.Over {
		over = "over: "
	}
	s := fmt.Sprintf("%s%s %s%s: %s, %s", mark, m.At.UTC().Format("15:04:05"), over, m.Severity,
		line(m.Title, longTitle), memberName(m))
	if m.Principal != "" && !slices.Equal(known, []string{m.Principal}) {
		s += ", by " + person(m.Principal)
	}
	if m.Action != "" {
		s += ", rotd answers it: " + line(m.Action, longTool)
	}
	return s + " (" + line(m.Finding, longTool) + ")"
}
