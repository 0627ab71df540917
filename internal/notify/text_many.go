package notify

import (
	"fmt"
	"strings"

	"rotd/internal/finding"
)

// others tells of what else there is about the same key, or whatever it is, a few lines each.
func others(alerts []Alert) string {
	if len(alerts) == 0 {
		return ""
	}
	var p page
	p.lines("", fmt.Sprintf("Also about this %s (%d):", thing(&alerts[0]), len(alerts)))
	for i := range alerts {
		a := &alerts[i]
		p.lines("- " + brief(a))
		switch {
		case a.Action != nil && a.Finding == nil:
			p.lines("  " + requesterLine(a.Action))
		case a.Finding != nil && a.Kind == FindingResolved:
			p.lines("  "+overLine(a.Finding), "  rotd: "+doing(a))
		case a.Finding != nil:
			p.lines("  "+whoLine(a.Finding), "  "+expectedLine(a.Finding), "  rotd: "+doing(a))
		}
		p.lines("  " + ids(a))
	}
	return p.text()
}

// thing is what an alert is about, in a word.
func thing(a *Alert) string {
	if a.Finding == nil || a.Finding.KeyARN != "" {
		return "key"
	}
	switch t := a.Finding.Subject.Type; t {
	case finding.AccountRegion:
		return "account and Region"
	case finding.Store:
		return "key store"
	case finding.Rotd:
		return "daemon"
	default:
		return string(t)
	}
}

// brief is an alert in one line, without its key.
func brief(a *Alert) string {
	switch {
	case a.Incident != nil:
		return incidentHeadline(a) + " (" + line(a.Incident.ID, longTool) + ")"
	case a.Action != nil && strings.HasPrefix(string(a.Kind), "action-"):
		return actionHeadline(a)
	case a.Finding != nil:
		return headline(a)
	}
	return a.Severity.String() + ": " + line(a.Note, longTitle)
}

func ids(a *Alert) string {
	var s []string
	add := func(name, value string) {
		if value != "" {
			s = append(s, name+" "+named(value, longTitle))
		}
	}
	if a.Finding != nil {
		add("eventID", a.Finding.EventID)
		add("finding_id", a.Finding.ID)
	}
	if a.Action != nil {
		add("action_id", a.Action.ID)
	}
	if a.Incident != nil {
		add("incident_id", a.Incident.ID)
	}
	add("alert_id", a.ID)
	return strings.Join(s, ", ")
}

// stormText names every key that one rule fired for.
func stormText(g Group) string {
	first := &g.Alerts[0]
	var p page
	about := "Where"
	if thing(first) == "key" {
		about = "Keys"
	}
	p.lines(
		fmt.Sprintf("%s, %d times at once%s", brief(first), len(g.Alerts), part(g)),
		fmt.Sprintf("%s: %d, named below%s", about, distinct(g, (*Alert).about), stormWhere(g)),
	)
	over := first.Kind == FindingResolved
	if over {
		p.lines("Over: all of them; each finding says why")
	} else {
		p.lines("Who: "+stormWho(g), stormExpected(g))
	}
	p.lines("rotd: tells these together, since nobody reads them one by one; each is kept as a finding.")
	if first.Finding != nil && !over {
		p.paragraph(prose(first.Finding.Description, longText))
	}
	p.list("Commands:", []string{"rotd findings list"})
	p.lines("", "All of them, with finding_id and alert_id:")
	for i := range g.Alerts {
		p.lines("- " + stormLine(&g.Alerts[i]))
	}
	return p.text()
}

func part(g Group) string {
	if g.Parts < 2 {
		return ""
	}
	return fmt.Sprintf(" (part %d of %d)", g.Part, g.Parts)
}

func stormWhere(g Group) string {
	place := func(a *Alert) string {
		account, region := a.place()
		return account + "/" + region
	}
	if n := distinct(g, place); n > 1 {
		return fmt.Sprintf(", in %d accounts and Regions", n)
	}
	return where(g.Alerts[0].place())
}

func stormWho(g Group) string {
	switch n := distinct(g, principal); n {
	case 0:
		return "nobody is named; rotd read these from KMS, or did them itself"
	case 1:
		for i := range g.Alerts {
			if who := principal(&g.Alerts[i]); who != "" {
				return named(who, longName) + ", alone"
			}
		}
		fallthrough
	default:
		return fmt.Sprintf("%d principals, named below", n)
	}
}

func stormExpected(g Group) string {
	expected := 0
	for i := range g.Alerts {
		if f := g.Alerts[i].Finding; f == nil || f.Expected {
			expected++
		}
	}
	if expected == len(g.Alerts) {
		return "Expected: yes, all of them"
	}
	return fmt.Sprintf("Expected: NO, %d of %d", len(g.Alerts)-expected, len(g.Alerts))
}

func principal(a *Alert) string {
	if a.Finding == nil {
		return ""
	}
	return a.Finding.PrincipalARN
}

// distinct counts the different values that are not empty.
func distinct(g Group, of func(*Alert) string) int {
	seen := map[string]bool{}
	for i := range g.Alerts {
		if v := of(&g.Alerts[i]); v != "" {
			seen[v] = true
		}
	}
	return len(seen)
}

// stormLine is bounded so that maxStorm of them fit one message.
func stormLine(a *Alert) string {
	account, region := a.place()
	s := fmt.Sprintf("%s %s %s %s/%s", grade(a), stormName(a), shortName(a), account, region)
	if who := principal(a); who != "" {
		s += " by " + named(resource(who), longTool)
	}
	if a.Finding != nil {
		s += " " + line(a.Finding.ID, longTool)
	}
	return line(s, 500) + " " + line(a.ID, longTool)
}

// stormName is what a storm is made of: a rule or check, else a kind of alert.
func stormName(a *Alert) string {
	if a.rule() != "" && !strings.HasPrefix(string(a.Kind), "action-") {
		return line(a.rule(), longTool)
	}
	return string(a.Kind)
}

// shortName names what an alert is about in few words: an alias in quotes, a key id, or the subject.
func shortName(a *Alert) string {
	switch {
	case a.Incident != nil:
		return line(a.Incident.ID, longTool)
	case a.Finding != nil && a.Finding.Alias != "":
		return quoted(a.Finding.Alias, longTool)
	case a.Action != nil && a.Action.Alias != "":
		return quoted(a.Action.Alias, longTool)
	case a.Finding != nil && a.Finding.KeyARN == "":
		return quoted(resource(a.Finding.Subject.ID), longTool)
	}
	return named(keyID(a.about()), longTool)
}

func digestText(a *Alert) string {
	d := a.Digest
	note := line(sentence(a.Note), longError)
	if note == "" {
		note = "changed nothing."
	}
	var p page
	p.lines(
		fmt.Sprintf("%s: first inventory, %d findings on %d keys", d.Gravest(), d.Total, d.Keys),
		"Where: account "+line(d.Account, longTool)+", "+line(d.Region, longTool),
		"Who: nobody in particular; this is how rotd found the keys at "+stamp(d.At),
		"Expected: not judged; this is where rotd begins, and what comes new from now on is told one by one",
		"rotd: "+note,
	)
	var counts []string
	for _, c := range d.Counts {
		counts = append(counts, fmt.Sprintf("%6d  %-13s  %s", c.Findings, c.Severity, line(c.RuleID, longTool)))
	}
	p.list("What was found:", counts)
	var worst []string
	for _, n := range d.Worst {
		name := named(keyID(n.KeyARN), longTool)
		if n.Alias != "" {
			name = quoted(n.Alias, longTool)
		}
		worst = append(worst, fmt.Sprintf("%s %s: %s (%s)",
			n.Severity, name, line(n.Title, longTitle), line(n.ID, longTool)))
	}
	headline := "All of them, gravest first:"
	if d.Total > len(d.Worst) {
		headline = fmt.Sprintf("The gravest %d of %d:", len(d.Worst), d.Total)
	}
	p.list(headline, worst)
	p.list("Commands:", []string{"rotd findings list", "rotd keys list"})
	p.pairs([2]string{"alert_id", line(a.ID, longName)})
	return p.text()
}
