package main

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/spf13/cobra"

	"rotd/internal/admin"
)

// paged is a list of rows that is given out in pages of two, and wants each page printed before the next is asked for.
func paged(t *testing.T, s *session, rows []string) func(admin.Range) (*admin.Page[string], error) {
	t.Helper()
	printed, asked := 0, 0
	return func(r admin.Range) (*admin.Page[string], error) {
		if asked > 0 && s.out.Len() <= printed {
			t.Errorf("page %d is asked for, and the one before not printed", asked+1)
		}
		printed = s.out.Len()
		asked++
		from := 0
		if r.After != "" {
			fmt.Sscan(r.After, &from)
		}
		page := &admin.Page[string]{Items: rows[from:min(from+2, len(rows))]}
		if from+2 < len(rows) {
			page.Next = fmt.Sprint(from + 2)
		}
		return page, nil
	}
}

func TestListsArePrintedAsTheyCome(t *testing.T) {
	l := listing[string]{
		schema: "rotd.words/1", kind: "word", none: "No words.",
		columns: []column[string]{
			{title: "WORD", name: "word", flex: true, value: func(s string) string { return s }},
			{title: "LENGTH", name: "length", right: true, value: func(s string) string { return fmt.Sprint(len(s)) }},
		},
	}
	rows := []string{"a", "bb", "a much longer one", "d", strings.Repeat("e", 90)}
	for output, want := range map[string]string{
		"csv": "word,length\na,1\nbb,2\na much longer one,17\nd,1\n" + rows[4] + ",90\n",
		"table": "WORD  LENGTH\n" +
			"a          1\n" +
			"bb         2\n" +
			"a much longer one      17\n" +
			"d                       1\n" +
			strings.Repeat("e", 71) + "…      90\n",
		"json": `{"schema":"rotd.words/1","items":["a","bb","a much longer one","d","` + rows[4] +
			`"],"next":"","partial":false}`,
	} {
		t.Run(output, func(t *testing.T) {
			s := newSession(nil)
			s.cli.output = output
			cmd := &cobra.Command{}
			var flags listFlags
			flags.add(cmd)
			if err := cmd.Flags().Set("limit", "0"); err != nil {
				t.Fatal(err)
			}
			if err := list(s.cli, l, flags, paged(t, s, rows)); err != nil {
				t.Fatal(err)
			}
			got := s.out.String()
			if output == "json" {
				var page any
				if err := json.Unmarshal([]byte(got), &page); err != nil {
					t.Fatal(err)
				}
				raw, err := json.Marshal(page, json.Deterministic(true))
				if err != nil {
					t.Fatal(err)
				}
				var wanted any
				if err := json.Unmarshal([]byte(want), &wanted); err != nil {
					t.Fatal(err)
				}
				again, _ := json.Marshal(wanted, json.Deterministic(true))
				got, want = string(raw), string(again)
			}
			if got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
			if output == "table" {
				for line := range strings.Lines(got) {
					if utf8.RuneCountInString(line) > 81 {
						t.Errorf("wider than the terminal: %q", line)
					}
				}
			}
		})
	}
}
