package report

import (
	"crypto/sha256"
	"encoding/base64"
	"regexp"
	"strings"
	"testing"
)

func TestTheHTMLNeedsNothingElseAndRunsNothing(t *testing.T) {
	page := written(t, Query{Format: "html", Framework: "pci-dss-4.0.1"})
	sum := sha256.Sum256([]byte(style))
	policy := "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; base-uri 'none'; form-action 'none'"
	if !strings.Contains(page, `content="`+strings.ReplaceAll(policy, "+", "&#43;")+`"`) &&
		!strings.Contains(page, `content="`+policy+`"`) {
		t.Error("the content security policy is not there, or not this style's")
	}
	if !strings.Contains(page, "<style>"+style+"</style>") {
		t.Error("the style is not as its hash has it")
	}
	for _, forbidden := range []string{
		`<script`, `<link`, `<img`, `<iframe`, `@import`, `src=`, `style="`, `onclick`, `javascript:`, "\u202e", "\x1b",
	} {
		if strings.Contains(page, forbidden) {
			t.Errorf("%q is in the page", forbidden)
		}
	}
	// The only addresses are of things in the page itself.
	for _, m := range regexp.MustCompile(`(?:href|url)[=(]"?([^")]*)`).FindAllStringSubmatch(page, -1) {
		if !strings.HasPrefix(m[1], "#") {
			t.Errorf("refers to %q", m[1])
		}
	}
}

func TestEveryOpenTagOfTheHTMLIsClosed(t *testing.T) {
	void := map[string]bool{"meta": true, "rect": true, "line": true, "br": true, "!doctype": true}
	var open []string
	for _, m := range regexp.MustCompile(`<(/?)([a-z!][a-z0-9]*)([^>]*)>`).FindAllStringSubmatch(
		strings.ReplaceAll(written(t, Query{Format: "html", Framework: "security-hub"}), style, ""), -1) {
		name := m[2]
		switch {
		case m[1] == "/":
			if len(open) == 0 || open[len(open)-1] != name {
				t.Fatalf("</%s> closes %q", name, open)
			}
			open = open[:len(open)-1]
		case void[name] && name != "rect", strings.HasSuffix(m[3], "/"):
		default:
			open = append(open, name)
		}
	}
	if len(open) > 0 {
		t.Errorf("left open: %q", open)
	}
}
