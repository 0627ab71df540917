package main

import (
	"encoding/csv"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"

	"rotd/internal/admin"
)

// printer prints the rows of a list as they come; nothing of a list is kept.
type printer[T any] interface {
	rows(rows []T) error
	// end says where the list goes on and whether it is all there is: what stands beside the last page's rows.
	end(last admin.Page[T]) error
}

func newPrinter[T any](c *cli, l listing[T]) printer[T] {
	switch c.output {
	case "json":
		return &jsonPrinter[T]{c: c, schema: l.schema}
	case "jsonl", "csv":
		return newRowWriter(c, l)
	}
	return &tablePrinter[T]{c: c, l: l}
}

// tablePrinter prints a table. Its columns grow when a later page needs it.
type tablePrinter[T any] struct {
	c     *cli
	l     listing[T]
	any   bool
	table *table[T]
}

func (p *tablePrinter[T]) rows(rows []T) error {
	if len(rows) == 0 {
		return nil
	}
	p.any = true
	if l := p.l; l.print != nil {
		l.print(rows)
		return nil
	}
	if p.table == nil {
		p.table = newTable(p.c, p.c.out, p.l.columns)
	}
	p.table.write(rows)
	return nil
}

func (p *tablePrinter[T]) end(admin.Page[T]) error {
	if !p.any {
		fmt.Fprintln(p.c.out, p.l.none)
	}
	return nil
}

// jsonPrinter prints one JSON object around all rows, indented.
type jsonPrinter[T any] struct {
	c      *cli
	schema string
	begun  bool
}

func (p *jsonPrinter[T]) rows(rows []T) error {
	for _, row := range rows {
		raw, err := admin.Marshal(row)
		if err != nil {
			return fmt.Errorf("write JSON: %w", err)
		}
		text := jsontext.Value(raw)
		if err := text.Indent(jsontext.WithIndentPrefix("    "), jsontext.WithIndent("  ")); err != nil {
			return fmt.Errorf("write JSON: %w", err)
		}
		between := ",\n    "
		if !p.begun {
			between = p.head() + "[\n    "
		}
		p.begun = true
		if err := write(p.c.out, append([]byte(between), cleanJSON(text)...)); err != nil {
			return err
		}
	}
	return nil
}

func (p *jsonPrinter[T]) head() string {
	return fmt.Sprintf("{\n  \"schema\": %q,\n  \"items\": ", p.schema)
}

func (p *jsonPrinter[T]) end(last admin.Page[T]) error {
	items := "\n  ]"
	if !p.begun {
		items = p.head() + "[]"
	}
	unreadable := ""
	if len(last.Unreadable) > 0 {
		ids, err := admin.Marshal(last.Unreadable)
		if err != nil {
			return fmt.Errorf("write JSON: %w", err)
		}
		unreadable = ",\n  \"unreadable\": " + string(cleanJSON(ids))
	}
	return write(p.c.out, fmt.Appendf(nil, "%s,\n  \"next\": %q,\n  \"partial\": %t%s\n}\n",
		items, last.Next, last.Partial, unreadable))
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

func (w *rowWriter[T]) end(admin.Page[T]) error { return nil }

func (w *rowWriter[T]) rows(rows []T) error {
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
