package report

import (
	"encoding/xml"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// tool finds a program that the test needs and that not every machine has.
func tool(t *testing.T, name, pkg string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	switch {
	case err == nil:
		return path
	case os.Getenv("CI") == "true":
		t.Fatalf("no %s: install %s", name, pkg)
	}
	t.Skipf("no %s: install %s", name, pkg)
	return ""
}

// sheet is a page of a PDF and its words, in points from the upper left.
type sheet struct {
	Width  float64 `xml:"width,attr"`
	Height float64 `xml:"height,attr"`
	Words  []struct {
		XMin float64 `xml:"xMin,attr"`
		XMax float64 `xml:"xMax,attr"`
		YMin float64 `xml:"yMin,attr"`
		YMax float64 `xml:"yMax,attr"`
		Text string  `xml:",chardata"`
	} `xml:"word"`
}

// printed is a page of HTML as a browser prints it.
func printed(t *testing.T, page string) []sheet {
	t.Helper()
	browser, reader := tool(t, "chromium", "chromium"), tool(t, "pdftotext", "poppler-utils")
	dir := t.TempDir()
	html, pdf, words := filepath.Join(dir, "r.html"), filepath.Join(dir, "r.pdf"), filepath.Join(dir, "r.xml")
	if err := os.WriteFile(html, []byte(page), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, command := range [][]string{
		{
			browser, "--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer",
			"--user-data-dir=" + filepath.Join(dir, "profile"), "--print-to-pdf=" + pdf, "file://" + html,
		},
		{reader, "-bbox", pdf, words},
	} {
		out, err := exec.CommandContext(t.Context(), command[0], command[1:]...).CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", command[0], err, out)
		}
	}
	raw, err := os.ReadFile(words)
	if err != nil {
		t.Fatal(err)
	}
	var document struct {
		Pages []sheet `xml:"body>doc>page"`
	}
	decoder := xml.NewDecoder(strings.NewReader(string(raw)))
	decoder.Strict, decoder.Entity = false, xml.HTMLEntity
	if err := decoder.Decode(&document); err != nil || len(document.Pages) == 0 {
		t.Fatalf("%d pages, %v", len(document.Pages), err)
	}
	return document.Pages
}

// squeezed is a text without its spaces: where lines break, and a browser's hyphens in names, are not its matter.
func squeezed(text string) string { return strings.Join(strings.Fields(text), "") }

func TestThePrintedReportAnswersAnAuditorOnPaper(t *testing.T) {
	pages := printed(t, written(t, Query{Format: "html", Framework: "pci-dss-4.0.1"}))
	var whole strings.Builder
	for i, p := range pages {
		if len(p.Words) < 20 {
			t.Errorf("page %d has %d words", i+1, len(p.Words))
		}
		for _, w := range p.Words {
			whole.WriteString(w.Text)
			if w.XMin < 0 || w.YMin < 0 || w.XMax > p.Width || w.YMax > p.Height {
				t.Errorf("page %d: %q is off the paper", i+1, w.Text)
			}
		}
	}
	text := whole.String()
	for _, k := range fleet() {
		if k.GoneAt == nil && !strings.Contains(text, k.ARN) {
			t.Errorf("%s is not on paper", k.ARN)
		}
	}
	// What an auditor reads, in this order: what the report cannot speak for, the answers, what they rest on, each key.
	rest := text
	for _, passage := range []string{
		"Key rotation report", "Could not be verified",
		"444455556666/us-east-1: 1 of its 7 keys could not be read: DescribeKey: ThrottlingException.",
		"Accounts and Regions, and when each was last read whole", "PCI DSS 4.0.1",
		"3.7.4 (b) Keys are changed at the end of their cryptoperiod", "✕ not met",
		"Not so for 3 of the 11 keys that it concerns.", "What is left to people", "Keys that speak against it",
		"alias/pay-legacy", "The cryptoperiods that are defined", "How the keys stand",
		"alias/pay-cards", "PCI DSS 4.0.1 3.7.4: quarterly, as the acquirer asks",
	} {
		_, after, found := strings.Cut(rest, squeezed(passage))
		if !found {
			t.Errorf("%q is not on paper, or not in its place", passage)
			continue
		}
		rest = after
	}
}
