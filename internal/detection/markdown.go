package detection

import (
	"fmt"
	"strings"
)

// Markdown is docs/detections.md: the whole catalogue.
func Markdown() string {
	var b strings.Builder
	b.WriteString(`# Detections

<!-- Generated from internal/detection by its tests (go test ./internal/detection -run Docs -update). Do not edit. -->

A **rule** judges one CloudTrail event, some with memory of earlier ones. A **check** judges one key as last read from
KMS. Ids are stable: configuration and alerts go by them. ` + "`rotd detections show ID`" + ` prints an entry.

- Severities are defaults; ` + "`detections.severity`" + ` in rotd.yaml replaces them, ` + "`detections.disable`" +
		` switches an entry off.
- What is **expected** is found all the same, with severity INFORMATIONAL, unless the entry says otherwise: it pages
  nobody.
- A rule wants calls that succeeded, unless its condition says otherwise.
- A finding is a series of episodes: repetition inside one is counted and does not page, the next one does.
- What a rule told as it happened a check that reads it later keeps and does not tell again, while the rule's finding is
  open and as grave (` + "`told_by`" + ` of the check's finding names it).
- What KMS refuses to tell is called unverifiable: never compliant, never drift.

`)
	kind := ""
	for _, e := range Catalogue() {
		if e.Kind != kind {
			kind = e.Kind
			fmt.Fprintf(&b, "## %s\n\n%s\n", headings[kind], index(kind))
		}
		b.WriteString(e.Markdown())
	}
	return b.String()
}

var headings = map[string]string{
	KindRule: "Rules", KindCheck: "Checks", KindSelf: "Findings about rotd itself",
}

// index is the table at the head of a kind.
func index(kind string) string {
	var b strings.Builder
	b.WriteString("| id | severity | what |\n|---|---|---|\n")
	for _, e := range Catalogue() {
		if e.Kind == kind {
			fmt.Fprintf(&b, "| [`%s`](#%s) | %s | %s |\n", e.ID, e.ID, e.Severity, e.Title)
		}
	}
	return b.String()
}

// Markdown is the entry's section of the documentation.
func (e *Entry) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "### %s\n\n**%s** · %s", e.ID, e.Severity, e.Title)
	if len(e.Mitre) > 0 {
		b.WriteString(" · MITRE ATT&CK " + strings.Join(e.Mitre, ", "))
	}
	fmt.Fprintf(&b, "\n\n%s\n\n", e.Doc.Meaning)
	for _, part := range [...]struct{ name, text string }{
		{"When", e.Doc.Condition},
		{"Events", codes(e.Events)},
		{"Expected", e.Expected},
		{"Ends", e.Ends},
		{"Remedies", codes(e.Remedies)},
		{"Tuning", e.Doc.Tuning},
		{"False positives", e.Doc.FalsePositives},
		{"Response", e.Doc.Response},
	} {
		if part.text != "" {
			fmt.Fprintf(&b, "- **%s**: %s\n", part.name, part.text)
		}
	}
	for _, p := range e.Params {
		fmt.Fprintf(&b, "- %s\n", p.Line(e.ID))
	}
	b.WriteString("\n")
	return b.String()
}

func codes(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return "`" + strings.Join(values, "`, `") + "`"
}
