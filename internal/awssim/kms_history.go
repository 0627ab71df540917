package awssim

import (
	"slices"
	"time"
)

// history keeps the versions of one value that a reader may still be shown. KMS is eventually consistent: for a while
// after a change some reads answer with what was before it.
type history[T any] struct {
	versions []dated[T] // oldest first
}

type dated[T any] struct {
	since time.Time
	value T
}

// put adds a version and drops those that nobody reading at or after oldest could still be shown.
func (h *history[T]) put(since, oldest time.Time, value T) {
	h.versions = append(h.versions, dated[T]{since, value})
	for len(h.versions) > 1 && !h.versions[1].since.After(oldest) {
		h.versions = slices.Delete(h.versions, 0, 1)
	}
}

// latest is the newest version, the zero value when there is none.
func (h *history[T]) latest() (value T) {
	if len(h.versions) == 0 {
		return value
	}
	return h.versions[len(h.versions)-1].value
}

// seenAt is the version a reader is shown whose knowledge ends at the given time, the zero value before the first.
func (h *history[T]) seenAt(at time.Time) (value T) {
	for _, v := range slices.Backward(h.versions) {
		if !v.since.After(at) {
			return v.value
		}
	}
	return value
}

// nameIndex is a set of names listed in order, page by page. Sorting waits for the first listing, so that a hundred
// thousand keys are set up in a moment.
type nameIndex struct {
	list   []string
	sorted bool
}

func (n *nameIndex) add(name string) {
	n.list = append(n.list, name)
	n.sorted = false
}

func (n *nameIndex) remove(name string) {
	if i := slices.Index(n.list, name); i >= 0 {
		n.list = slices.Delete(n.list, i, i+1)
	}
}

// page returns up to limit names after the given one for which keep holds, and whether there are more.
func (n *nameIndex) page(after string, limit int, keep func(string) bool) (page []string, more bool) {
	if !n.sorted {
		slices.Sort(n.list)
		n.sorted = true
	}
	start, found := slices.BinarySearch(n.list, after)
	if found {
		start++
	}
	for _, name := range n.list[start:] {
		if !keep(name) {
			continue
		}
		if len(page) == limit {
			return page, true
		}
		page = append(page, name)
	}
	return page, false
}
