package report

import (
	"bufio"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"strings"
	"time"

	"rotd/internal/cost"
)

var (
	//go:embed html.css
	style string
	//go:embed html.tmpl
	markup string
)

// htmlWriter writes one file that needs nothing else: no script, no image, no font, and a policy that forbids them.
type htmlWriter struct {
	out       *bufio.Writer
	page      *template.Template
	framework *Framework
	head      *Head
	kept      *body
	err       error
}

func newHTML(out *bufio.Writer, f *Framework) *htmlWriter {
	page, err := template.New("report").Funcs(template.FuncMap{
		"stamp": stampAny, "date": dateAny, "line": oneLine, "scope": scope, "keys": keys, "outcomes": outcomes,
		"outcome": outcomeTag, "answer": answerTag, "words": rotationWords, "short": short, "lower": strings.ToLower,
		"bars": bars, "histogram": histogram, "groups": newGroupTable,
	}).Parse(markup)
	return &htmlWriter{out: out, page: page, framework: f, err: err}
}

func (w *htmlWriter) write(name string, data any) error {
	if w.err != nil {
		return fmt.Errorf("the report's template: %w", w.err)
	}
	if err := w.page.ExecuteTemplate(w.out, name, data); err != nil {
		return fmt.Errorf("write the report's %s: %w", name, err)
	}
	return nil
}

func (w *htmlWriter) begin(h *Head) error {
	w.head = h
	sum := sha256.Sum256([]byte(style))
	return w.write("begin", map[string]any{
		"Head": h, "Framework": w.framework, "CSS": template.CSS(style), //nolint:gosec // our own file
		"CSP": "sha256-" + base64.StdEncoding.EncodeToString(sum[:]),
	})
}

func (w *htmlWriter) summary(b *body) error {
	w.kept = b
	return w.write("summary", b)
}

func (w *htmlWriter) row(r *Row) error { return w.write("row", r) }

func (w *htmlWriter) end(e *ending) error {
	return w.write("end", map[string]any{
		"Exceptions": w.kept.Summary.Exceptions, "Notes": methodNotes(w.kept), "Ending": e,
	})
}

// groupTable is a table of groups.
type groupTable struct {
	Title, None, Currency string
	Groups                []Group
	Total                 *Counts // nil: the only group says it
	Cost                  cost.Money
}

func newGroupTable(title, none string, groups []Group, total Counts, month Cost) groupTable {
	t := groupTable{Title: title, None: none, Groups: groups, Currency: month.Currency, Cost: month.Total}
	if len(groups) != 1 {
		t.Total = &total
	}
	return t
}

func outcomeTag(o Outcome) template.HTML { return tag(o, o.Words()) }

func answerTag(a Answer) template.HTML { return tag(a.outcome(), a.Words()) }

// tag says a standing in a word and a sign, so that it is told without colour.
func tag(o Outcome, words string) template.HTML {
	return template.HTML(fmt.Sprintf(`<span class="tag t-%s">%s %s</span>`, //nolint:gosec // our own words
		template.HTMLEscapeString(string(o)), o.mark(), template.HTMLEscapeString(words)))
}

// stampAny takes times and pointers to them, as templates have both.
func stampAny(t any) string {
	switch t := t.(type) {
	case time.Time:
		return stampOr(t)
	case *time.Time:
		return stampOr(*t)
	}
	return ""
}

func dateAny(t any) string {
	switch t := t.(type) {
	case time.Time:
		return date(&t)
	case *time.Time:
		return date(t)
	}
	return ""
}

// rotationWords is KMS's type of rotation for people.
func rotationWords(kind string) string {
	return oneLine(strings.ToLower(strings.ReplaceAll(kind, "_", " ")))
}

// short is the beginning of a material's 64 digits; the whole of it is in the other formats, and shown when pointed at.
func short(s string) string {
	s = oneLine(s)
	if len(s) > 16 {
		return s[:16] + "…"
	}
	return s
}
