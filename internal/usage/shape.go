package usage

import (
	"math"
	"math/bits"
	"slices"
	"strings"

	"rotd/internal/compact"
)

// The bounds of a shape: KMS takes 8 KB of encryption context, in as many pairs as fit.
const (
	maxShapeNames = 16
	maxShapeName  = 64
)

// shapeSeparator stands between a shape's names. AWS lets no control character into an encryption context.
const shapeSeparator = "\x1f"

// more stands for the names of a shape that has too many.
const more = "…"

// Shaper makes the shape of an encryption context of its pairs. The zero value has none yet.
type Shaper struct {
	names [maxShapeNames + 1]string
	n     int
	cut   bool
	sum   uint64
}

// Add adds a pair. Of the value nothing is kept but what it does to a sum.
func (s *Shaper) Add(name, value string) {
	s.sum += compact.Pair(name, value) // a sum, so that the order does not matter
	if s.n == maxShapeNames {
		s.cut = true
		return
	}
	s.names[s.n] = clip(name)
	s.n++
}

// Shape is the context without its values: its names in order, "" when there is none. Contexts is a set of 64 bits in
// which the context, values included, sets one: united over many calls it tells roughly how many contexts there were.
func (s *Shaper) Shape() (shape string, contexts uint64) {
	if s.n == 0 {
		return "", 0
	}
	names := s.names[:s.n]
	slices.Sort(names)
	if s.cut {
		names = append(names, more)
	}
	return strings.Join(names, shapeSeparator), 1 << (compact.Spread(s.sum) >> 58)
}

// ShapeNames are the names in a shape.
func ShapeNames(shape string) []string {
	if shape == "" {
		return nil
	}
	return strings.Split(shape, shapeSeparator)
}

// Distinct estimates by the empty ones of 64 slots how many contexts set the others: nearly exact for a few, useless
// beyond some hundred. atLeast says that there are more.
func Distinct(contexts uint64) (n int, atLeast bool) {
	empty := 64 - bits.OnesCount64(contexts)
	if empty == 0 {
		return 256, true
	}
	return int(math.Round(-64 * math.Log(float64(empty)/64))), false
}

func clip(name string) string {
	if strings.Contains(name, shapeSeparator) {
		name = strings.ReplaceAll(name, shapeSeparator, "?")
	}
	if len(name) > maxShapeName {
		return strings.ToValidUTF8(name[:maxShapeName], "") + more
	}
	return name
}

func joined(shape string) string { return strings.ReplaceAll(shape, shapeSeparator, ",") }
