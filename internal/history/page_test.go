package history

import (
	"fmt"
	"testing"
)

func TestATimelineIsReadPageByPage(t *testing.T) {
	line := func(minute int, text string) Line { return Line{At: at(minute), Kind: State, Text: text} }
	lines := []Line{line(9, "i"), line(5, "e"), line(5, "f"), line(3, "c"), line(1, "a")}
	all := func(*Line) bool { return true }
	texts := func(page []Line) (got string) {
		for i := range page {
			got += page[i].Text
		}
		return got
	}
	got, next := Page(lines, "", 2, all)
	same(t, "the first page", texts(got), "ie")
	newer := append([]Line{line(10, "j")}, lines...)
	got, _ = Page(newer, next, 2, all)
	same(t, "the second page, when another line came meanwhile", texts(got), "fc")
	got, _ = Page([]Line{line(9, "i"), line(3, "c")}, next, 2, all)
	same(t, "the second page, when its line went meanwhile", texts(got), "c")
	got, next = Page(lines, "", 5, all)
	same(t, "all in one page", fmt.Sprint(texts(got), next), "iefca")
	got, next = Page(lines, "", 2, func(l *Line) bool { return l.Text > "d" })
	same(t, "only some", texts(got), "ie")
	got, next = Page(lines, next, 2, func(l *Line) bool { return l.Text > "d" })
	same(t, "the rest of some", fmt.Sprint(texts(got), next), "f")
	got, _ = Page(lines, "rubbish", 2, all)
	same(t, "from nowhere", texts(got), "")
}
