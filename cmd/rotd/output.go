package main

import (
	"encoding/csv"
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

const tableLimit = 100

// list fetches page after page and prints the rows.
func list[T any](c *cli, l listing[T], f listFlags, fetch func(admin.Range) (*admin.Page[T], error)) error {
	limit := f.limit
	switch {
	case limit < 0:
		return wrongUse(f.cmd, "--limit %d is negative; 0 is for all", limit)
	case !f.cmd.Flags().Changed("limit") && c.output == "table":
		limit = tableLimit
	}
	whole := admin.Page[T]{Schema: l.schema, Next: f.after, Items: []T{}}
	var rows *rowWriter[T]
	if c.output == "jsonl" || c.output == "csv" {
		rows = newRowWriter(c, l)
	}
	printed := 0
	for {
		r := admin.Range{After: whole.Next, Limit: admin.MaxRows}
		if limit > 0 {
			r.Limit = min(r.Limit, limit-printed)
		}
		page, err := fetch(r)
		if err != nil {
			return err
		}
		printed += len(page.Items)
		whole.Next, whole.Partial = page.Next, whole.Partial || page.Partial
		if rows != nil {
			if err := rows.write(page.Items); err != nil {
				return err
			}
		} else {
			whole.Items = append(whole.Items, page.Items...)
		}
		if page.Next == "" || limit > 0 && printed >= limit {
			break
		}
	}
	if rows == nil {
		if err := printPage(c, l, whole); err != nil {
			return err
		}
	}
	if whole.Partial {
		hint(c.err, "This is not everything: some accounts and Regions were not swept whole; see `rotd status`.")
	}
	if whole.Next != "" && c.output != "json" {
		hint(c.err, "There are more: --limit 0 shows all, --after %s goes on.", whole.Next)
	}
	return nil
}

// one prints a single object in a machine's format, as a list of one.
func one[T any](c *cli, l listing[T], item T) error {
	if c.output == "json" {
		return printPage(c, l, admin.Page[T]{Schema: l.schema, Items: []T{item}})
	}
	return newRowWriter(c, l).write([]T{item})
}

func printPage[T any](c *cli, l listing[T], page admin.Page[T]) error {
	switch {
	case c.output == "json":
		return c.printJSON(page)
	case len(page.Items) == 0:
		fmt.Fprintln(c.out, l.none)
	case l.print != nil:
		l.print(page.Items)
	default:
		printTable(c, c.out, l.columns, page.Items)
	}
	return nil
}

// printJSON prints a value, indented.
func (c *cli) printJSON(value any) error {
	raw, err := admin.Marshal(value)
	if err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	text := jsontext.Value(raw)
	if err := text.Indent(jsontext.WithIndent("  ")); err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	return write(c.out, append(cleanJSON(text), '\n'))
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

// rowWriter prints rows as they come, as JSON lines or CSV.
type rowWriter[T any] struct {
	c   *cli
	l   listing[T]
	csv *csv.Writer // nil: JSON lines
}

func newRowWriter[T any](c *cli, l listing[T]) *rowWriter[T] {
	w := &rowWriter[T]{c: c, l: l}
	if c.output == "csv" {
		w.csv = csv.NewWriter(c.out)
		var header []string
		for _, col := range l.columns {
			if col.name != "" {
				header = append(header, col.name)
			}
		}
		_ = w.csv.Write(header) // an error stays and is returned by write
	}
	return w
}

func (w *rowWriter[T]) write(rows []T) error {
	for _, row := range rows {
		if w.csv == nil {
			if err := w.c.printLine(w.l.kind, row); err != nil {
				return err
			}
			continue
		}
		var record []string
		for _, col := range w.l.columns {
			value := col.raw
			if value == nil {
				value = col.value
			}
			if col.name != "" {
				record = append(record, noFormula(clean(value(row))))
			}
		}
		_ = w.csv.Write(record)
	}
	if w.csv == nil {
		return nil
	}
	w.csv.Flush()
	if err := w.csv.Error(); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
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
