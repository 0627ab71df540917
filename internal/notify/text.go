package notify

import (
	"fmt"
	"strings"
	"time"
)

// Bounds of single values in a message, in bytes.
const (
	longName  = 300 // ARNs, names
	longTool  = 80  // ids, short names
	longAgent = 40  // user agents: the tool comes first, the rest is in CloudTrail
	longTitle = 160
	longText  = 2000 // descriptions, outcomes
	longError = 500
	longStep  = 500 // one line of a remedy, which may be a command with two ARNs
	maxRemedy = 8   // lines
)

// Text renders a group for somebody who reads it on a phone at night. The first five lines say: how grave and what;
// which key, account and Region; who; whether it was expected; what rotd did or will do. Then why it matters, the exact
// commands, and the ids.
func Text(g Group) Message {
	m := envelope(g)
	switch first := &g.Alerts[0]; {
	case g.Storm:
		m.Body = stormText(g)
	case first.Incident != nil:
		m.Body = incidentText(first)
	case first.Kind == InventoryDigest && first.Digest != nil:
		m.Body = digestText(first)
	case first.Finding != nil && first.Kind == FindingResolved:
		m.Body = resolvedText(first)
	case first.Action != nil && strings.HasPrefix(string(first.Kind), "action-"):
		m.Body = actionText(first)
	case first.Finding != nil:
		m.Body = findingText(first)
	default:
		m.Body = selfText(first)
	}
	if !g.Storm {
		m.Body += others(g.Alerts[1:])
	}
	return m
}

// page puts a message's text together: paragraphs apart, the ids last.
type page struct{ b strings.Builder }

// lines adds lines as they are.
func (p *page) lines(lines ...string) {
	for _, l := range lines {
		p.b.WriteString(l)
		p.b.WriteByte('\n')
	}
}

// paragraph adds a text after an empty line; nothing for an empty text.
func (p *page) paragraph(text string) {
	if text != "" {
		p.lines("", text)
	}
}

// list adds a headline and lines below it; nothing without lines.
func (p *page) list(headline string, lines []string) {
	if len(lines) == 0 {
		return
	}
	p.lines("", headline)
	for _, l := range lines {
		p.lines("  " + l)
	}
}

// pairs adds names and values below each other, leaving out empty values.
func (p *page) pairs(pairs ...[2]string) {
	p.lines("")
	for _, pair := range pairs {
		if pair[1] != "" {
			p.lines(fmt.Sprintf("%-11s %s", pair[0], pair[1]))
		}
	}
}

func (p *page) text() string { return p.b.String() }

// stamp writes a time for people; empty for the zero time.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}

// span writes how long something took, coarsely.
func span(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", max(d/time.Second, 0))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", d/time.Minute)
	case d < 2*day:
		return fmt.Sprintf("%d h", d/time.Hour)
	default:
		return fmt.Sprintf("%d days", d/day)
	}
}

// sentence ends a text with a full stop unless it has an end.
func sentence(s string) string {
	if s == "" || strings.ContainsAny(s[len(s)-1:], ".!?") {
		return s
	}
	return s + "."
}

func selfText(a *Alert) string {
	var p page
	p.lines(
		a.Severity.String()+": "+selfTitle(a),
		fmt.Sprintf("Where: rotd, shard %s", quoted(a.Shard, longName)),
		"Who: rotd itself",
		"Expected: not judged; this is about rotd, not about a key",
		"rotd: "+line(sentence(a.Note), longError),
	)
	commands, head := []string{"rotd status", "rotd health"}, ""
	if a.Audit != nil {
		head = a.Audit.String()
		commands = append(commands, "rotd audit verify --head "+head)
	}
	p.list("Commands:", commands)
	p.pairs([2]string{"audit log", head}, [2]string{"told", stamp(a.Created)},
		[2]string{"alert_id", line(a.ID, longName)})
	return p.text()
}

func selfTitle(a *Alert) string {
	if a.Kind == Heartbeat {
		return "rotd is at work"
	}
	return "rotd needs somebody's attention"
}
