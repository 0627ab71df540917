package report

import (
	"encoding/csv"
	"strings"
	"testing"
)

func TestNoCellOfTheCSVIsAFormulaOrTwoLines(t *testing.T) {
	text := written(t, Query{Format: "csv"})
	if strings.Contains(strings.ReplaceAll(text, "\r\n", ""), "\n") {
		t.Error("a line does not end as RFC 4180 has it")
	}
	records, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(records) != 17 {
		t.Errorf("%d lines", len(records))
	}
	for _, record := range records {
		for i, c := range record {
			if c != "" && strings.ContainsRune("=+-@\t\r", rune(c[0])) {
				t.Errorf("%s: %q", records[0][i], c)
			}
		}
	}
}

func TestCells(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "alias/pay": "alias/pay", "=1+1": "'=1+1", "+1": "'+1", "-1": "'-1", "@SUM": "'@SUM", "\t=1": "' =1",
		"\r=1": "' =1", "\n=1": "' =1", "a\r\nb": "a  b", "a=b": "a=b", "\u202ex": "?x", "\x1b[2J": "?[2J", "é": "é",
	} {
		if got := cell(in); got != want {
			t.Errorf("cell(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzCell(f *testing.F) {
	f.Add("=1")
	f.Add("\u200b=1")
	f.Fuzz(func(t *testing.T, s string) {
		got := cell(s)
		if got != "" && strings.ContainsRune("=+-@\t\r\n", rune(got[0])) || strings.ContainsAny(got, "\r\n\x1b") {
			t.Errorf("cell(%q) = %q", s, got)
		}
	})
}
