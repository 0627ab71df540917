package main

import (
	"fmt"
	"strings"
)

// How many lines a chart's bars may be high, and how many columns a bar wide.
const (
	chartHeight = 5
	widestBar   = 2
)

// chart is a small bar chart of counts over time.
type chart struct {
	bars  []uint64
	wide  int // columns of a bar
	most  uint64
	ascii bool // the terminal shows nothing else
}

// newChart makes a bar of every few counts, as many as it takes for all of them to fit into a width.
func newChart(counts []uint64, width int, ascii bool) (ch chart, perBar int) {
	ch.ascii = ascii
	const label = 6 // a count, shortened, and the axis
	perBar = max(1, (len(counts)+width-label-1)/max(width-label, 1))
	for len(counts) > 0 {
		n, sum := min(perBar, len(counts)), uint64(0)
		for _, c := range counts[:n] {
			sum += c
		}
		ch.bars, counts = append(ch.bars, sum), counts[n:]
		ch.most = max(ch.most, sum)
	}
	ch.wide = min(max((width-label)/max(len(ch.bars), 1), 1), widestBar)
	return ch, perBar
}

// lines are the chart's lines from the top, the axis included. from and to are what its ends are called.
func (ch *chart) lines(from, to string) []string {
	axis := [...]string{"┤", "│", "└", "─"}
	if ch.ascii {
		axis = [...]string{"+", "|", "+", "-"}
	}
	var lines []string
	for row := chartHeight; row >= 1; row-- {
		label, edge := "", axis[1]
		if row == chartHeight {
			label, edge = short(ch.most), axis[0]
		}
		var bars strings.Builder
		for _, n := range ch.bars {
			bars.WriteString(strings.Repeat(ch.cell(n, row), ch.wide))
		}
		lines = append(lines, strings.TrimRight(fmt.Sprintf("%4s %s%s", label, edge, bars.String()), " "))
	}
	lines = append(lines, fmt.Sprintf("%4s %s%s", "0", axis[2], strings.Repeat(axis[3], ch.wide*len(ch.bars))))
	gap := ch.wide*len(ch.bars) - len(from) - len(to)
	if gap < 2 {
		return append(lines, strings.Repeat(" ", 6)+from+" - "+to)
	}
	return append(lines, strings.Repeat(" ", 6)+from+strings.Repeat(" ", gap)+to)
}

// cell is what of a bar stands in a line, counted from the bottom. A count that is not zero shows.
func (ch *chart) cell(n uint64, row int) string {
	blocks := [...]string{" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"}
	if ch.ascii {
		blocks = [...]string{" ", ".", ".", ".", ":", ":", ":", "#", "#"}
	}
	if n == 0 || ch.most == 0 {
		return blocks[0]
	}
	eighths := max(int(float64(n)/float64(ch.most)*chartHeight*8+0.5), 1)
	return blocks[min(max(eighths-(row-1)*8, 0), 8)]
}

// short is a count in at most four characters.
func short(n uint64) string {
	units := [...]string{"", "k", "M", "G", "T", "P", "E"}
	f, unit := float64(n), 0
	for f >= 999.5 {
		f /= 1000
		unit++
	}
	if unit > 0 && f < 9.95 {
		return fmt.Sprintf("%.1f%s", f, units[unit])
	}
	return fmt.Sprintf("%.0f%s", f, units[unit])
}

// ascii reports whether the terminal may not show more than ASCII: its locale is not one of UTF-8.
func (c *cli) ascii() bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} { // the first that is set counts
		if locale := c.getenv(name); locale != "" {
			upper := strings.ToUpper(locale)
			return !strings.Contains(upper, "UTF-8") && !strings.Contains(upper, "UTF8")
		}
	}
	return true
}
