package history

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

const (
	maxLines   = 200     // of a difference
	maxLine    = 200     // bytes of one of its lines
	maxCompare = 1 << 20 // pairs of lines compared; past it one text replaces the other
	around     = 2       // unchanged lines shown around what changed
)

// difference compares two key policies line by line, laid out alike: `+` is new, `-` is gone, ` ` is around them, and
// `…` stands for what is left out. Nil when they differ in layout only.
func difference(before, after string) []string {
	a, b := laidOut(before), laidOut(after)
	from := 0
	for from < len(a) && from < len(b) && a[from] == b[from] {
		from++
	}
	toA, toB := len(a), len(b)
	for toA > from && toB > from && a[toA-1] == b[toB-1] {
		toA, toB = toA-1, toB-1
	}
	if max(toA, toB) == from {
		return nil
	}
	lead := max(from-around, 0)
	d := folded{}
	d.cut(lead > 0)
	d.add(' ', a[lead:from])
	middle(&d, a[from:toA], b[from:toB])
	tail := min(toA+around, len(a))
	d.add(' ', a[toA:tail])
	d.cut(tail < len(a))
	return d.lines()
}

// laidOut is JSON with one value a line, or text as it is when it is no JSON.
func laidOut(text string) []string {
	if text == "" {
		return nil
	}
	value := jsontext.Value(strings.Clone(text))
	if err := value.Indent(jsontext.WithIndent("  ")); err == nil {
		text = string(value)
	}
	return strings.Split(text, "\n")
}

// middle is the difference of two texts that share neither their first line nor their last.
func middle(d *folded, a, b []string) {
	if len(a)*len(b) > maxCompare {
		d.add('-', a)
		d.add('+', b)
		return
	}
	common := longest(a, b)
	i, j := 0, 0
	for i < len(a) && j < len(b) {
		switch at := common[i*(len(b)+1)+j:]; {
		case a[i] == b[j]:
			d.add(' ', a[i:i+1])
			i, j = i+1, j+1
		case common[(i+1)*(len(b)+1)+j] >= at[1]:
			d.add('-', a[i:i+1])
			i++
		default:
			d.add('+', b[j:j+1])
			j++
		}
	}
	d.add('-', a[i:])
	d.add('+', b[j:])
}

// longest has for every pair of positions how many lines what follows has in common at most.
func longest(a, b []string) []int32 {
	width := len(b) + 1
	common := make([]int32, (len(a)+1)*width)
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				common[i*width+j] = common[(i+1)*width+j+1] + 1
			} else {
				common[i*width+j] = max(common[(i+1)*width+j], common[i*width+j+1])
			}
		}
	}
	return common
}

// folded gathers the lines of a difference.
type folded struct{ all []string }

func (d *folded) add(sign byte, lines []string) {
	for _, line := range lines {
		d.all = append(d.all, string(sign)+" "+clip(line, maxLine))
	}
}

func (d *folded) cut(something bool) {
	if something {
		d.all = append(d.all, left)
	}
}

// left stands for lines that are left out.
const left = "…"

// lines are those around changes, at most maxLines.
func (d *folded) lines() []string {
	var kept []string
	for i, line := range d.all {
		if near(d.all, i) {
			kept = append(kept, line)
		} else if len(kept) > 0 && kept[len(kept)-1] != left {
			kept = append(kept, left)
		}
	}
	if len(kept) > maxLines {
		kept = append(kept[:maxLines:maxLines], left)
	}
	return kept
}

// near reports whether a line is, or is close to, one that changed.
func near(lines []string, i int) bool {
	for j := max(i-around, 0); j <= min(i+around, len(lines)-1); j++ {
		if lines[j][0] == '+' || lines[j][0] == '-' {
			return true
		}
	}
	return lines[i] == left
}
