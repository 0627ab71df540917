package notify

import (
	"cmp"
	"slices"
	"time"

	"rotd/internal/finding"
)

// maxWorst bounds the findings that a digest names.
const maxWorst = 20

// Digest tells what the first complete inventory of an account and Region found, all at once.
type Digest struct {
	Account string    `json:"account"`
	Region  string    `json:"region"`
	At      time.Time `json:"at"`   // when the inventory was complete
	Keys    int       `json:"keys"` // read
	Total   int       `json:"findings"`
	Counts  []Count   `json:"counts"` // gravest first
	Worst   []Named   `json:"worst"`  // gravest first, at most 20
}

// Count is how many findings of one rule or check there are, at one severity.
type Count struct {
	RuleID   string           `json:"rule_id"`
	Severity finding.Severity `json:"severity"`
	Findings int              `json:"findings"`
}

// Named is a finding in a list.
type Named struct {
	ID       string           `json:"id"`
	RuleID   string           `json:"rule_id"`
	Severity finding.Severity `json:"severity"`
	Title    string           `json:"title"`
	KeyARN   string           `json:"key_arn,omitempty"`
	Alias    string           `json:"alias,omitempty"`
}

// NewDigest counts the findings of an inventory and names the gravest.
func NewDigest(account, region string, at time.Time, keys int, findings []finding.Finding) *Digest {
	d := &Digest{Account: account, Region: region, At: at, Keys: keys, Total: len(findings)}
	type kind struct {
		rule     string
		severity finding.Severity
	}
	counts := map[kind]int{}
	for i := range findings {
		counts[kind{findings[i].RuleID, findings[i].Severity}]++
	}
	for k, n := range counts {
		d.Counts = append(d.Counts, Count{RuleID: k.rule, Severity: k.severity, Findings: n})
	}
	slices.SortFunc(d.Counts, func(a, b Count) int {
		return cmp.Or(cmp.Compare(b.Severity, a.Severity), cmp.Compare(a.RuleID, b.RuleID))
	})
	sorted := slices.Clone(findings)
	slices.SortStableFunc(sorted, func(a, b finding.Finding) int {
		return cmp.Or(cmp.Compare(b.Severity, a.Severity), cmp.Compare(a.RuleID, b.RuleID),
			cmp.Compare(a.Alias, b.Alias), cmp.Compare(a.KeyARN, b.KeyARN))
	})
	for _, f := range sorted[:min(len(sorted), maxWorst)] {
		d.Worst = append(d.Worst, Named{
			ID: f.ID, RuleID: f.RuleID, Severity: f.Severity,
			Title: line(f.Title, longTitle), KeyARN: line(f.KeyARN, longName), Alias: line(f.Alias, longName),
		})
	}
	return d
}

// Gravest is the highest severity in the digest, INFORMATIONAL when it has no findings.
func (d *Digest) Gravest() finding.Severity {
	if len(d.Counts) == 0 {
		return finding.Informational
	}
	return d.Counts[0].Severity
}
