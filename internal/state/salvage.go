package state

import (
	"encoding/binary"
	"maps"
	"os"
	"slices"
)

// salvager reads what can be read of a damaged file. Where verify refuses the whole file for the first page that bbolt
// could not have written, this leaves out that page, and takes no part of it: half a page may be half a record.
type salvager struct {
	file     *os.File
	pageSize int64
	claimed  []bool // by page id: belongs to something that was read
}

// tree is a bucket that was found: pages of its own or, when small, what stands in its parent's.
type tree struct {
	root     uint64
	inline   []byte
	sequence uint64
}

// salvage finds the top-level buckets, by the meta page that leads to more of them, the newer of equals. Where both
// meta pages are lost it looks for what they led to. unread is how many pages of all these are lost.
func salvage(file *os.File) (s *salvager, top map[string]tree, unread int, err error) {
	info, err := file.Stat()
	if err != nil {
		return nil, nil, 0, err
	}
	all, err := metas(file)
	if err != nil {
		if s, top, unread = lostRoot(file, info.Size()); s == nil {
			return nil, nil, 0, err
		}
		return s, top, unread + 2, nil
	}
	for _, m := range all {
		pages := min(m.high, uint64(info.Size()/m.pageSize)) //nolint:gosec // sizes are positive
		one := newSalvager(file, m.pageSize, pages)
		found, lost := one.subs(tree{root: m.root})
		if s == nil || len(found) > len(top) {
			s, top, unread = one, found, lost
		}
	}
	return s, top, unread, nil
}

func newSalvager(file *os.File, pageSize int64, pages uint64) *salvager {
	s := &salvager{file: file, pageSize: pageSize, claimed: make([]bool, max(pages, 2))}
	s.claimed[0], s.claimed[1] = true, true
	return s
}

// lostRoot looks through all pages, of this machine's size, for the root of all buckets. Older ones stay behind in free
// pages: the one with the most commits is the last.
func lostRoot(file *os.File, size int64) (best *salvager, top map[string]tree, unread int) {
	first := slices.Min(slices.Collect(maps.Keys(layout())))
	most := uint64(0)
	pageSize := int64(os.Getpagesize())
	pages := uint64(size / pageSize) //nolint:gosec // sizes are positive
	page := make([]byte, pageSize)
	for id := uint64(2); id < pages; id++ {
		_, err := file.ReadAt(page, int64(id)*pageSize)
		if err != nil || !beginsWith(page, id, first) {
			continue
		}
		one := newSalvager(file, pageSize, pages)
		found, lost := one.subs(tree{root: id})
		commits := newSalvager(file, pageSize, pages).commits(found[bucketMeta])
		if len(found) > 0 && (best == nil || commits > most || commits == most && len(found) > len(top)) {
			best, top, unread, most = one, found, lost, commits
		}
	}
	return best, top, unread
}

// beginsWith reports whether a page is what it says it is and begins with a key.
func beginsWith(page []byte, id uint64, key string) bool {
	native := binary.NativeEndian
	kind := native.Uint16(page[8:])
	if native.Uint64(page) != id || kind != leafPage && kind != branchPage {
		return false
	}
	elems, err := elements(page, nil)
	return err == nil && len(elems) > 0 && string(elems[0].key) == key
}

// commits is the count of commits that plain values have, 0 when it cannot be read.
func (s *salvager) commits(meta tree) (n uint64) {
	_, _ = s.each(meta, func(e *element) error { // the function returns no error
		if string(e.key) == "commits" && len(e.value) == 16 {
			n = binary.BigEndian.Uint64(e.value)
		}
		return nil
	})
	return n
}

// subs returns the buckets in a bucket, and how many of its pages cannot be read.
func (s *salvager) subs(t tree) (found map[string]tree, unread int) {
	found = map[string]tree{}
	unread, _ = s.each(t, func(e *element) error { // the function returns no error
		if sub, ok := treeOf(e); ok {
			found[string(e.key)] = sub
		}
		return nil
	})
	return found, unread
}

// treeOf reads a bucket's header.
func treeOf(e *element) (t tree, ok bool) {
	if !e.bucket || len(e.value) < headerLength {
		return t, false
	}
	t = tree{root: binary.NativeEndian.Uint64(e.value), sequence: binary.NativeEndian.Uint64(e.value[8:])}
	if t.root == 0 {
		t.inline = e.value[headerLength:]
	}
	return t, true
}

// each visits the entries of a bucket that can be read, in order, and returns how many pages cannot. An error is fn's.
func (s *salvager) each(t tree, fn func(e *element) error) (unread int, err error) {
	if t.inline == nil {
		return s.walk(t.root, 0, nil, nil, fn)
	}
	if len(t.inline) < headerLength || binary.NativeEndian.Uint16(t.inline[8:]) != leafPage {
		return 1, nil
	}
	elems, err := elements(t.inline, nil)
	if err != nil || ordered(elems, nil, nil) != nil {
		return 1, nil //nolint:nilerr // what is wrong with it changes nothing: it is lost
	}
	return 0, visit(elems, fn)
}

func (s *salvager) walk(id uint64, depth int, low, high []byte, fn func(e *element) error) (unread int, err error) {
	elems, branch, ok := s.page(id, low, high)
	if !ok || depth == maxDepth {
		return 1, nil
	}
	if !branch {
		return 0, visit(elems, fn)
	}
	for i := range elems {
		next := high
		if i+1 < len(elems) {
			next = elems[i+1].key
		}
		n, err := s.walk(elems[i].child, depth+1, elems[i].key, next, fn)
		if unread += n; err != nil {
			return unread, err
		}
	}
	return unread, nil
}

func visit(elems []element, fn func(e *element) error) error {
	for i := range elems {
		if err := fn(&elems[i]); err != nil {
			return err
		}
	}
	return nil
}

// page reads a page with its overflow and claims it when bbolt could have written it there. A sector that the disk does
// not give is damage as any other.
func (s *salvager) page(id uint64, low, high []byte) (elems []element, branch, ok bool) {
	native := binary.NativeEndian
	head := make([]byte, headerLength)
	if !s.free(id, 0) || !s.read(head, id) || native.Uint64(head) != id {
		return nil, false, false
	}
	kind, overflow := native.Uint16(head[8:]), uint64(native.Uint32(head[12:]))
	if kind != leafPage && kind != branchPage || !s.free(id, overflow) {
		return nil, false, false
	}
	page := make([]byte, (1+overflow)*uint64(s.pageSize)) //nolint:gosec // free saw that it is inside the file
	if !s.read(page, id) {
		return nil, false, false
	}
	elems, err := elements(page, nil)
	branch = kind == branchPage
	if err != nil || ordered(elems, low, high) != nil || branch && len(elems) == 0 {
		return nil, false, false
	}
	for i := range overflow + 1 {
		s.claimed[id+i] = true
	}
	return elems, branch, true
}

// free reports whether a page and those that follow it are in the file and belong to nothing yet.
func (s *salvager) free(id, overflow uint64) bool {
	pages := uint64(len(s.claimed))
	if id >= pages || overflow >= pages-id {
		return false
	}
	for i := range overflow + 1 {
		if s.claimed[id+i] {
			return false
		}
	}
	return true
}

func (s *salvager) read(p []byte, id uint64) bool {
	_, err := s.file.ReadAt(p, int64(id)*s.pageSize) //nolint:gosec // free saw that it is inside the file
	return err == nil
}
