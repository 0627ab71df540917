package report

import (
	"fmt"
	"unicode/utf8"
)

// Geometry of the charts; the template draws them.

const (
	maxBars   = 14
	barLeft   = 190.0
	barWidth  = 510.0
	barStep   = 24
	histTall  = 120.0
	histLeft  = 24
	histStep  = 65
	histFloor = 160.0
)

type barChart struct {
	Height int
	Bars   []bar
}

type bar struct {
	Label   string
	Y, Text int
	Keys    string
	Parts   []part
}

type part struct {
	X, W  string
	Class Outcome
	Title string
}

// bars draws each group as a whole of 100 %, in parts by outcome; nil when there is no group.
func bars(groups []Group, none string) *barChart {
	if len(groups) == 0 {
		return nil
	}
	chart := &barChart{}
	for i := range groups[:min(len(groups), maxBars)] {
		g := &groups[i]
		y := i*barStep + 4
		b := bar{Label: cut(g.Title(none), 26), Y: y, Text: y + 12, Keys: keys(g.Keys)}
		x := barLeft
		for _, o := range []Outcome{InOrder, Excepted, Unverifiable, NoPolicy, Drift, NotJudged} {
			n := g.Of(o)
			if n == 0 {
				continue
			}
			w := barWidth * float64(n) / float64(g.Keys)
			b.Parts = append(b.Parts, part{
				X: decimal(x), W: decimal(w), Class: o, Title: fmt.Sprintf("%s: %s", o.Words(), keys(n)),
			})
			x += w
		}
		chart.Bars = append(chart.Bars, b)
	}
	chart.Height = len(chart.Bars)*barStep + 4
	return chart
}

type histogramChart struct {
	Label string
	Bars  []histogramBar
}

type histogramBar struct {
	X, Mid, Keys        int
	Y, H, Above         string
	Class, Title, Label string
}

// histogram draws keys by the share of their cryptoperiod that has passed; nil when there is none.
func histogram(buckets []Bucket) *histogramChart {
	most := 0
	for _, b := range buckets {
		most = max(most, b.Keys)
	}
	if most == 0 {
		return nil
	}
	chart := &histogramChart{}
	for i, b := range buckets {
		h := histTall * float64(b.Keys) / float64(most)
		label, class := fmt.Sprintf("%d–%d%%", b.From, b.To), "f-young"
		if b.To == 0 {
			label, class = fmt.Sprintf("over %d%%", b.From), "f-drift"
		}
		x := histLeft + i*histStep
		if b.To == 0 {
			x += 8
		}
		chart.Bars = append(chart.Bars, histogramBar{
			X: x, Mid: x + 27, Keys: b.Keys, Y: decimal(histFloor - h), H: decimal(h), Above: decimal(histFloor - h - 5),
			Class: class, Title: fmt.Sprintf("%s: %s", label, keys(b.Keys)), Label: label,
		})
		if i > 0 {
			chart.Label += ", "
		}
		chart.Label += fmt.Sprintf("%s: %d", label, b.Keys)
	}
	return chart
}

func decimal(f float64) string { return fmt.Sprintf("%.1f", f) }

// cut shortens a label to so many characters.
func cut(s string, most int) string {
	s = oneLine(s)
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most-1]) + "…"
}
