package userrules

import (
	"time"

	"rotd/internal/finding"
	"rotd/internal/inventory"
)

// Test is events beside a rule, and what the rule has to make of them.
type Test struct {
	Name    string
	File    string // where it stands
	Line    int
	Now     time.Time // of its first event, unless that says otherwise; each that follows is a second later
	Keys    []inventory.Key
	Trusted []string // accounts that are no outsiders
	Records []Record
	Trail   string // a CloudTrail log file whose records come after those

	Matches  int // how many of the events the rule has to match
	Severity *finding.Severity
	Message  string // of the last match; empty: any
}

// Record is a CloudTrail record as JSON that says what matters to the test.
type Record map[string]any

// Trial is what came of a test.
type Trial struct {
	Rule     string   `json:"rule"`
	Test     string   `json:"test"`
	File     string   `json:"file"`
	Line     int      `json:"line"`
	Passed   bool     `json:"passed"`
	Matches  int      `json:"matches"`
	Problems []string `json:"problems,omitempty"` // what came out otherwise
}
