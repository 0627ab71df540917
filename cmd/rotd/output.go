package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"

	"rotd/internal/admin"
)

// checkOutput refuses an unknown -o.
func (c *cli) checkOutput() error {
	formats := []string{"table", "json", "jsonl", "csv"}
	if !slices.Contains(formats, c.output) {
		return exit(admin.ExitUsage, "-o %q: choose one of %s", c.output, strings.Join(formats, ", "))
	}
	return nil
}

// noCSV refuses -o csv where there are no rows.
func (c *cli) noCSV() error {
	if c.output == "csv" {
		return exit(admin.ExitUsage, "-o csv is for lists; choose table, json or jsonl")
	}
	return nil
}

// listing says how rows of one kind are shown.
type listing[T any] struct {
	schema  string // of -o json
	kind    string // type of -o jsonl
	none    string // what a table says of no rows
	columns []column[T]
	print   func(rows []T) // where a table does not do; nil: a table
}

// listFlags are those every list has.
type listFlags struct {
	cmd   *cobra.Command
	limit int
	after string
}

func (f *listFlags) add(cmd *cobra.Command) {
	f.cmd = cmd
	cmd.Flags().IntVar(&f.limit, "limit", 0, "rows at most, 0 for all (default: 100 in a table, all otherwise)")
	cmd.Flags().StringVar(&f.after, "after", "", "go on where `next` of -o json says")
}

const (
	tableLimit = 100
	// firstRows is how many rows are asked for first: people see them at once, and the rest comes in larger pages.
	firstRows = 100
)

// list fetches page after page and prints the rows of each before it asks for the next.
func list[T any](c *cli, l listing[T], f listFlags, fetch func(admin.Range) (*admin.Page[T], error)) error {
	limit := f.limit
	switch {
	case limit < 0:
		return wrongUse(f.cmd, "--limit %d is negative; 0 is for all", limit)
	case !f.cmd.Flags().Changed("limit") && c.output == "table":
		limit = tableLimit
	}
	out := newPrinter(c, l)
	last := admin.Page[T]{Schema: l.schema, Next: f.after}
	for printed, rows := 0, firstRows; ; rows = admin.MaxRows {
		r := admin.Range{After: last.Next, Limit: rows}
		if limit > 0 {
			r.Limit = min(r.Limit, limit-printed)
		}
		page, err := fetch(r)
		if err != nil {
			return err
		}
		printed += len(page.Items)
		last.Next, last.Partial = page.Next, last.Partial || page.Partial
		last.Unreadable = append(last.Unreadable, page.Unreadable...)
		if err := out.rows(page.Items); err != nil {
			return err
		}
		if page.Next == "" || limit > 0 && printed >= limit {
			break
		}
	}
	if err := out.end(last); err != nil {
		return err
	}
	if last.Partial {
		hint(c.err, "This is not everything: some accounts and Regions were not swept whole; see `rotd status`.")
	}
	if ids := last.Unreadable; len(ids) > 0 {
		const named = 5
		hint(c.err, "The state holds %s that cannot be read: %s. See `rotd state check`.",
			plural(len(ids), "row of this list", "rows of this list"),
			clean(strings.Join(ids[:min(len(ids), named)], ", ")))
	}
	if last.Next != "" && c.output != "json" {
		hint(c.err, "There are more: --limit 0 shows all, --after %s goes on.", last.Next)
	}
	return nil
}

// one prints a single object in a machine's format, as a list of one.
func one[T any](c *cli, l listing[T], item T) error {
	if c.output == "json" {
		return printPage(c, l, admin.Page[T]{Schema: l.schema, Items: []T{item}})
	}
	return newRowWriter(c, l).rows([]T{item})
}

// printPage prints a list of which all rows are there.
func printPage[T any](c *cli, l listing[T], page admin.Page[T]) error {
	out := newPrinter(c, l)
	if err := out.rows(page.Items); err != nil {
		return err
	}
	return out.end(page)
}

// printJSON prints a value, indented.
func (c *cli) printJSON(value any) error {
	raw, err := indented(value)
	if err != nil {
		return err
	}
	return write(c.out, raw)
}

// indented is a value as JSON for people.
func indented(value any) ([]byte, error) {
	raw, err := admin.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("write JSON: %w", err)
	}
	text := jsontext.Value(raw)
	if err := text.Indent(jsontext.WithIndent("  ")); err != nil {
		return nil, fmt.Errorf("write JSON: %w", err)
	}
	return append(cleanJSON(text), '\n'), nil
}

// printLine prints a value as one JSON object with its type in front.
func (c *cli) printLine(kind string, value any) error {
	raw, err := admin.Marshal(value)
	if err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	head := fmt.Sprintf(`{"type":%q`, kind)
	if len(raw) > len("{}") {
		head += ","
	}
	return write(c.out, append(append([]byte(head), cleanJSON(raw[1:])...), '\n'))
}

// noFormula keeps a spreadsheet from taking somebody's alias for a formula.
func noFormula(s string) string {
	if s != "" && strings.ContainsRune("=+-@", rune(s[0])) && s != "-" {
		return "'" + s
	}
	return s
}

func write(w io.Writer, b []byte) error {
	if _, err := w.Write(b); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

// errDeclined is a person's no.
var errDeclined = errors.New("declined; nothing was done")
