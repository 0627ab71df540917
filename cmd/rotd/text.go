package main

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"rotd/internal/finding"
)

// Styles, for terminals only.
type style string

const (
	plain  style = ""
	bold   style = "\x1b[1m"
	dim    style = "\x1b[2m"
	red    style = "\x1b[31m"
	alarm  style = "\x1b[1;31m"
	green  style = "\x1b[32m"
	yellow style = "\x1b[33m"
	off    style = "\x1b[0m"
)

// styled wraps text in a style where out is a terminal and colours are wanted.
func (c *cli) styled(s style, text string) string {
	if s == plain || text == "" || !c.colours() {
		return text
	}
	return string(s) + text + string(off)
}

func (c *cli) colours() bool {
	return c.terminal.out && !c.noColor && c.getenv("NO_COLOR") == "" && c.getenv("TERM") != "dumb"
}

func severityStyle(s finding.Severity) style {
	switch s {
	case finding.Critical:
		return alarm
	case finding.High:
		return red
	case finding.Medium:
		return yellow
	case finding.Low, finding.Informational:
	}
	return plain
}

// columns is how wide text may be.
func (c *cli) columns() int {
	if c.terminal.width > 0 {
		return min(c.terminal.width, 100)
	}
	return 80
}

// wrap breaks text into lines of at most width; a word that is longer stands alone.
func wrap(text string, width int) []string {
	var lines []string
	line, length := "", 0
	for word := range strings.FieldsSeq(clean(text)) {
		n := utf8.RuneCountInString(word)
		if length > 0 && length+1+n > width {
			lines = append(lines, line)
			line, length = "", 0
		}
		if length > 0 {
			line, length = line+" ", length+1
		}
		line, length = line+word, length+n
	}
	if length > 0 || len(lines) == 0 {
		lines = append(lines, line)
	}
	return lines
}

// paragraph prints wrapped text with an indent.
func (c *cli) paragraph(indent, text string) {
	for _, line := range wrap(text, c.columns()-len(indent)) {
		fmt.Fprintln(c.out, strings.TrimRight(indent+line, " "))
	}
}

// labelWidth is the width of the labels of a block of fields.
const labelWidth = 14

// field prints `label  text`, wrapped under itself; nothing when there is no text.
func (c *cli) field(label, text string) { c.labelled(labelWidth, label, text) }

// labelled is field with labels of another width.
func (c *cli) labelled(width int, label, text string) {
	if text == "" {
		return
	}
	for i, line := range wrap(text, c.columns()-width-2) {
		if i > 0 {
			label = ""
		}
		fmt.Fprintf(c.out, "  %s%s\n", c.styled(dim, fmt.Sprintf("%-*s", width, label)), line)
	}
}

// heading prints a heading after an empty line.
func (c *cli) heading(text string) { fmt.Fprintf(c.out, "\n%s\n", c.styled(bold, text)) }

// remedy prints what to do: sentences wrapped, commands whole, so that they can be copied.
func (c *cli) remedy(lines []string) {
	for _, line := range lines {
		if isCommand(line) {
			fmt.Fprintln(c.out, "    "+c.styled(bold, clean(line)))
			continue
		}
		c.paragraph("  ", line)
	}
}

func isCommand(line string) bool {
	return strings.HasPrefix(line, "aws ") || strings.HasPrefix(line, "rotd ")
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// hint tells something beside the output, where it does not get into a pipe.
func hint(w io.Writer, format string, args ...any) { fmt.Fprintf(w, format+"\n", args...) }
