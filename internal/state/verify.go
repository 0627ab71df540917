package state

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// bbolt trusts its file: opened damaged, it panics in a goroutine of its own, follows a page to itself for ever, or
// reads past the end of its mapping, and each of these ends the process. So every page in use is read and judged here
// first, with plain reads, before bbolt may map the file.

// damagedError says what is wrong with the content of a file.
type damagedError struct {
	what  string
	aside string // where the file was moved
}

func (e *damagedError) Error() string { return "damaged: " + e.what }

// IsDamaged reports whether an error says that the content of a state is damaged.
func IsDamaged(err error) bool {
	_, is := errors.AsType[*damagedError](err)
	return is
}

func damage(format string, args ...any) error {
	return &damagedError{what: fmt.Sprintf(format, args...)}
}

// verifier walks a file's pages.
type verifier struct {
	file     *os.File
	pageSize int64
	claimed  []bool   // by page id: free, or already found in use
	levels   []*level // by depth: read into again and again
}

type level struct {
	page  []byte
	elems []element
}

// verify reads every page in use of a bbolt file, and returns a *damagedError for the first thing that bbolt itself
// could not have written. Errors of the disk come back as they are.
func verify(file *os.File) error {
	m, err := newestMeta(file)
	if err != nil {
		return err
	}
	info, err := file.Stat() // after the meta page, since a file in use grows
	if err != nil {
		return fmt.Errorf("read the state: %w", err)
	}
	if pages := info.Size() / m.pageSize; m.high < 2 || m.high > uint64(pages) { //nolint:gosec // sizes are positive
		return damage("%d pages are in use, but the file ends after %d", m.high, pages)
	}
	v := &verifier{file: file, pageSize: m.pageSize, claimed: make([]bool, m.high)}
	v.claimed[0], v.claimed[1] = true, true
	if m.freelist != noFreelist {
		if err := v.freelist(m.freelist); err != nil {
			return err
		}
	}
	return v.tree(m.root, 0, nil, nil)
}

// tree checks a page and what is below it: keys ascend from low to below high, and no page is used twice.
func (v *verifier) tree(id uint64, depth int, low, high []byte) error {
	l, kind, err := v.page(id, depth)
	if err != nil {
		return err
	}
	if kind != leafPage && kind != branchPage || kind == branchPage && len(l.elems) == 0 {
		return damage("page %d is neither branch nor leaf", id)
	}
	if err := ordered(l.elems, low, high); err != nil {
		return damage("page %d: %v", id, err)
	}
	for i := range l.elems {
		e := &l.elems[i]
		switch {
		case kind == branchPage:
			next := high
			if i+1 < len(l.elems) {
				next = l.elems[i+1].key
			}
			err = v.tree(e.child, depth+1, e.key, next)
		case e.bucket:
			err = v.bucket(e, depth)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// bucket checks a nested bucket, which has a tree of its own or, when small, one page inside the value.
func (v *verifier) bucket(e *element, depth int) error {
	if len(e.value) < headerLength {
		return damage("bucket %q is cut short", e.key)
	}
	if root := binary.NativeEndian.Uint64(e.value); root != 0 {
		return v.tree(root, depth+1, nil, nil)
	}
	inline := e.value[headerLength:]
	if len(inline) < headerLength || binary.NativeEndian.Uint16(inline[8:]) != leafPage {
		return damage("bucket %q is cut short", e.key)
	}
	elems, err := elements(inline, nil)
	if err == nil {
		err = ordered(elems, nil, nil)
	}
	if err != nil {
		return damage("bucket %q: %v", e.key, err)
	}
	for i := range elems {
		if elems[i].bucket {
			return damage("bucket %q has another one inside its own page", e.key)
		}
	}
	return nil
}

// freelist checks the list of free pages, which other writers than rotd keep in the file, and claims those pages.
func (v *verifier) freelist(id uint64) error {
	l, kind, err := v.page(id, 0)
	if err != nil {
		return err
	}
	ids := l.page[headerLength:]
	count := uint64(binary.NativeEndian.Uint16(l.page[10:]))
	if count == 0xFFFF {
		count, ids = binary.NativeEndian.Uint64(ids), ids[8:]
	}
	if kind != freelistPage || count > uint64(len(ids)/8) {
		return damage("page %d is no list of free pages", id)
	}
	for ; count > 0; count, ids = count-1, ids[8:] {
		if err := v.claim(binary.NativeEndian.Uint64(ids)); err != nil {
			return err
		}
	}
	return nil
}

func (v *verifier) claim(id uint64) error {
	if id >= uint64(len(v.claimed)) {
		return damage("page %d is past the last one, %d", id, len(v.claimed)-1)
	}
	if v.claimed[id] {
		return damage("page %d is used twice", id)
	}
	v.claimed[id] = true
	return nil
}

// page claims and reads a page with its overflow. The level is valid until the next page of the same depth.
func (v *verifier) page(id uint64, depth int) (l *level, kind uint16, err error) {
	if depth == maxDepth {
		return nil, 0, damage("page %d is more than %d levels deep", id, maxDepth)
	}
	if err := v.claim(id); err != nil {
		return nil, 0, err
	}
	if depth == len(v.levels) {
		v.levels = append(v.levels, &level{page: make([]byte, v.pageSize)})
	}
	l = v.levels[depth]
	l.page = l.page[:v.pageSize]
	at := int64(id) * v.pageSize //nolint:gosec // claim saw that it is inside the file
	if err := v.read(l.page, at); err != nil {
		return nil, 0, err
	}
	native := binary.NativeEndian
	if native.Uint64(l.page) != id {
		return nil, 0, damage("page %d says that it is page %d", id, native.Uint64(l.page))
	}
	kind = native.Uint16(l.page[8:])
	if overflow := uint64(native.Uint32(l.page[12:])); overflow > 0 {
		for next := id + 1; next <= id+overflow; next++ {
			if err := v.claim(next); err != nil {
				return nil, 0, err
			}
		}
		l.page = append(l.page, make([]byte, overflow*uint64(v.pageSize))...) //nolint:gosec // inside the file
		if err := v.read(l.page[v.pageSize:], at+v.pageSize); err != nil {
			return nil, 0, err
		}
	}
	if kind == branchPage || kind == leafPage {
		if l.elems, err = elements(l.page, l.elems[:0]); err != nil {
			return nil, 0, damage("page %d: %v", id, err)
		}
	}
	return l, kind, nil
}

func (v *verifier) read(p []byte, at int64) error {
	if _, err := v.file.ReadAt(p, at); errors.Is(err, io.EOF) {
		return damage("the file ends inside the page at %d", at)
	} else if err != nil {
		return fmt.Errorf("read the state: %w", err)
	}
	return nil
}
