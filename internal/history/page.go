package history

import (
	"fmt"
	"hash/fnv"
	"strings"
	"time"
)

// Page is a part of a timeline: at most limit lines that keep wants, behind the position after; next is the position
// of the last one, "" at the end.
func Page(lines []Line, after string, limit int, keep func(*Line) bool) (page []Line, next string) {
	for i := behind(lines, after); i < len(lines); i++ {
		if !keep(&lines[i]) {
			continue
		}
		if len(page) == limit {
			return page, page[limit-1].position()
		}
		page = append(page, lines[i])
	}
	return page, ""
}

// behind is where a timeline goes on. Lines before the position may have come meanwhile; where its line went, the
// position's time is what counts.
func behind(lines []Line, after string) int {
	if after == "" {
		return 0
	}
	stamped, _, _ := strings.Cut(after, " ")
	at, err := time.Parse(time.RFC3339Nano, stamped)
	if err != nil {
		return len(lines)
	}
	older := len(lines)
	for i := range lines {
		if lines[i].position() == after {
			return i + 1
		}
		if older == len(lines) && lines[i].At.Before(at) {
			older = i
		}
	}
	return older
}

// position tells a line from every other of its timeline.
func (l *Line) position() string {
	h := fnv.New64a()
	fmt.Fprintf(h, "%s\x00%s\x00%s", l.Kind, l.Text, l.SeenAt)
	return fmt.Sprintf("%s %016x", l.At.UTC().Format(time.RFC3339Nano), h.Sum64())
}
