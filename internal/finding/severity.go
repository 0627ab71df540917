package finding

import (
	"fmt"
	"strings"
)

// Severity is one of Security Hub's severity labels, ordered.
type Severity int

// Severities, from the least to the gravest.
const (
	Informational Severity = iota
	Low
	Medium
	High
	Critical
)

var severityNames = [...]string{"INFORMATIONAL", "LOW", "MEDIUM", "HIGH", "CRITICAL"}

// String gives Security Hub's label.
func (s Severity) String() string {
	if s < Informational || s > Critical {
		return fmt.Sprintf("Severity(%d)", int(s))
	}
	return severityNames[s]
}

// ParseSeverity reads a label, in any case.
func ParseSeverity(label string) (Severity, error) {
	for i, name := range severityNames {
		if strings.EqualFold(name, label) {
			return Severity(i), nil
		}
	}
	return 0, fmt.Errorf("severity %q is none of %s", label, strings.Join(severityNames[:], ", "))
}

// MarshalText writes the label.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the label.
func (s *Severity) UnmarshalText(text []byte) error {
	parsed, err := ParseSeverity(string(text))
	if err != nil {
		return err
	}
	*s = parsed
	return nil
}
