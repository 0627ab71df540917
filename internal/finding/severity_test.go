package finding

import (
	"encoding/json"
	"testing"
)

func TestSeverityIsItsLabel(t *testing.T) {
	for severity, label := range map[Severity]string{
		Informational: "INFORMATIONAL", Low: "LOW", Medium: "MEDIUM", High: "HIGH", Critical: "CRITICAL",
	} {
		raw, err := json.Marshal(severity)
		if err != nil || string(raw) != `"`+label+`"` {
			t.Errorf("%d is written as %s: %v", severity, raw, err)
		}
		var back Severity
		if err := json.Unmarshal(raw, &back); err != nil || back != severity {
			t.Errorf("%s is read as %v: %v", raw, back, err)
		}
	}
	if got := Severity(9).String(); got != "Severity(9)" {
		t.Errorf("a severity there is none of is %s", got)
	}
}

func TestSeveritiesAreOrdered(t *testing.T) {
	order := []Severity{Informational, Low, Medium, High, Critical}
	for i := 1; i < len(order); i++ {
		if order[i-1] >= order[i] {
			t.Errorf("%v is not below %v", order[i-1], order[i])
		}
	}
}

func TestParseSeverity(t *testing.T) {
	for label, want := range map[string]Severity{"HIGH": High, "high": High, "Critical": Critical} {
		if got, err := ParseSeverity(label); err != nil || got != want {
			t.Errorf("%s is %v: %v", label, got, err)
		}
	}
	const says = `severity "urgent" is none of INFORMATIONAL, LOW, MEDIUM, HIGH, CRITICAL`
	if _, err := ParseSeverity("urgent"); err == nil || err.Error() != says {
		t.Errorf("got %v, want %s", err, says)
	}
	var s Severity
	if err := s.UnmarshalText([]byte("")); err == nil {
		t.Error("no severity was read as one")
	}
}
