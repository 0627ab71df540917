package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// column is one column of a list. Tables have those with a Title, CSV all with a name.
type column[T any] struct {
	title string // in tables
	name  string // in CSV
	value func(row T) string
	raw   func(row T) string // in CSV; nil: value
	style func(row T) style
	flex  bool // is cut when the terminal is too narrow
	below bool // goes into a second line when the terminal is too narrow
	right bool
}

// least is how narrow a flexible column may get.
const least = 12

// printTable prints rows; width 0 cuts nothing.
func printTable[T any](c *cli, w io.Writer, columns []column[T], rows []T) {
	newTable(c, w, columns).write(rows)
}

// table prints rows page by page: its columns get as wide as the widest page so far needs.
type table[T any] struct {
	c      *cli
	w      io.Writer
	shown  []column[T]
	widths []int // of the pages so far, before any was cut
	header []string
	begun  bool
}

func newTable[T any](c *cli, w io.Writer, columns []column[T]) *table[T] {
	t := &table[T]{c: c, w: w}
	for _, col := range columns {
		if col.title != "" {
			t.shown, t.header = append(t.shown, col), append(t.header, col.title)
		}
	}
	t.widths = make([]int, len(t.shown))
	return t
}

func (t *table[T]) write(rows []T) {
	cells, widths := layOut(t.shown, rows)
	for i := range widths {
		widths[i] = max(widths[i], t.widths[i])
	}
	t.widths = slices.Clone(widths)
	upper, second := t.fold(widths)
	if !t.begun {
		fmt.Fprintln(t.w, t.c.styled(dim, line(t.shown, t.header, widths, upper, nil)))
		t.begun = true
	}
	indent := indentOf(t.c.terminal.width, cells, widths, upper, second)
	for r, row := range rows {
		style := func(i int, text string) string {
			if t.shown[i].style == nil {
				return text
			}
			return t.c.styled(t.shown[i].style(row), text)
		}
		fmt.Fprintln(t.w, line(t.shown, cells[r], widths, upper, style))
		if len(second) > 0 {
			text := cut(lower(cells[r], second), t.c.terminal.width-indent)
			fmt.Fprintln(t.w, t.c.styled(dim, strings.Repeat(" ", indent)+text))
		}
	}
}

// fold says which columns go into a row's first line and which below it, and makes the first fit the terminal.
func (t *table[T]) fold(widths []int) (upper, second []int) {
	for i := range t.shown {
		upper = append(upper, i)
	}
	width := t.c.terminal.width
	if width == 0 || total(widths, upper) <= width {
		return upper, nil
	}
	upper = nil
	for i, col := range t.shown {
		if col.below {
			second = append(second, i)
		} else {
			upper = append(upper, i)
		}
	}
	shrink(t.shown, widths, upper, width)
	return upper, second
}

// layOut renders every cell and measures the columns.
func layOut[T any](columns []column[T], rows []T) (cells [][]string, widths []int) {
	widths = make([]int, len(columns))
	for i, col := range columns {
		widths[i] = utf8.RuneCountInString(col.title)
	}
	for _, row := range rows {
		texts := make([]string, len(columns))
		for i, col := range columns {
			texts[i] = clean(col.value(row))
			widths[i] = max(widths[i], utf8.RuneCountInString(texts[i]))
		}
		cells = append(cells, texts)
	}
	return cells, widths
}

func total(widths, which []int) int {
	sum := 2 * (len(which) - 1)
	for _, i := range which {
		sum += widths[i]
	}
	return sum
}

// shrink takes what is too much from the flexible columns, from the widest first.
func shrink[T any](columns []column[T], widths, which []int, width int) {
	for over := total(widths, which) - width; over > 0; over-- {
		widest := -1
		for _, i := range which {
			if columns[i].flex && widths[i] > least && (widest < 0 || widths[i] > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			return
		}
		widths[widest]--
	}
}

// line is one line of the table. The last cell is not filled up.
func line[T any](columns []column[T], cells []string, widths, which []int, style func(int, string) string) string {
	var b strings.Builder
	for n, i := range which {
		text := cut(cells[i], widths[i])
		fill := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(text))
		if style != nil {
			text = style(i, text)
		}
		switch {
		case columns[i].right:
			text = fill + text
		case n < len(which)-1:
			text += fill
		}
		if n > 0 {
			b.WriteString("  ")
		}
		b.WriteString(text)
	}
	return strings.TrimRight(b.String(), " ")
}

// indentOf puts second lines under the last column, or as far to the left of it as the longest of them needs.
func indentOf(width int, cells [][]string, widths, upper, second []int) int {
	indent := 0
	for _, i := range upper[:len(upper)-1] {
		indent += widths[i] + 2
	}
	for _, row := range cells {
		indent = min(indent, width-utf8.RuneCountInString(lower(row, second)))
	}
	return max(indent, 2)
}

// lower is the text of a row's second line.
func lower(cells []string, second []int) string {
	var parts []string
	for _, i := range second {
		if cells[i] != "" {
			parts = append(parts, cells[i])
		}
	}
	return strings.Join(parts, "  ")
}

// cut shortens text to width.
func cut(text string, width int) string {
	if utf8.RuneCountInString(text) <= width {
		return text
	}
	return string([]rune(text)[:max(width-1, 0)]) + "…"
}
