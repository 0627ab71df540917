package notify

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-json-experiment/json"

	"rotd/internal/finding"
)

// TestEveryRulesAlertIsWhatPeopleRead renders what each rule's and check's tests found first. Whoever reads an alert on
// a telephone reads its first five lines.
func TestEveryRulesAlertIsWhatPeopleRead(t *testing.T) {
	const lines, columns = 5, 80
	paths, err := filepath.Glob(filepath.Join("..", "detection", "testdata", "findings", "*.json"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no findings: %v", err)
	}
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".json")
		if name == "self" { // many findings, about rotd
			continue
		}
		t.Run(name, func(t *testing.T) {
			raw, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			var f finding.Finding
			if err := json.Unmarshal(raw, &f); err != nil {
				t.Fatal(err)
			}
			f.ID, f.Status, f.Episode = "fnd_01JD3Q5W0000000000000000A1", finding.Open, 1
			message := Text(Group{Alerts: []Alert{opened(&f)}})
			golden(t, filepath.Join("testdata", "rules", name+".txt"), asReceived(message, message.Body))
			for i, line := range strings.SplitN(message.Body, "\n", lines+1)[:lines] {
				if n := utf8.RuneCountInString(line); n > columns {
					t.Errorf("line %d has %d columns, at most %d fit: %s", i+1, n, columns, line)
				}
			}
		})
	}
}
