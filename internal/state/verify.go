package state

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"
)

// bbolt trusts its file: opened damaged, it panics in a goroutine of its own, follows a page to itself for ever, or
// reads past the end of its mapping, and each of these ends the process. So every page in use is read and judged here
// first, with plain reads, before bbolt may map the file.

// Numbers of bbolt's file format, version 2.
const (
	boltMagic   = 0xED0CDAED
	boltVersion = 2
	metaLength  = 64 // in a meta page, behind the page's header
	metaSummed  = 56 // what the checksum covers

	headerLength  = 16 // of a page, of an element and of a bucket alike
	branchPage    = 0x01
	leafPage      = 0x02
	freelistPage  = 0x10
	bucketElement = 0x01
	noFreelist    = ^uint64(0)

	minPageSize = 1 << 10
	maxPageSize = 1 << 24
	maxDepth    = 64 // a tree over a petabyte is not that deep
)

// damagedError says what is wrong with the content of a file.
type damagedError struct {
	what  string
	aside string // where the file was moved
}

func (e *damagedError) Error() string { return "damaged: " + e.what }

func damage(format string, args ...any) error {
	return &damagedError{what: fmt.Sprintf(format, args...)}
}

// meta is one of the two pages that say where everything is; the newer valid one counts.
type meta struct {
	pageSize                   int64
	root, freelist, high, txid uint64
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

// element is an entry of a page: of a branch key and child, of a leaf the rest.
type element struct {
	key, value []byte
	child      uint64
	bucket     bool
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

// newestMeta chooses the meta page as bbolt does.
func newestMeta(file io.ReaderAt) (meta, error) {
	first, okFirst, err := readMeta(file, 0)
	if err != nil {
		return meta{}, err
	}
	for at := int64(minPageSize); at <= maxPageSize; at *= 2 {
		if okFirst && at != first.pageSize {
			continue
		}
		second, ok, err := readMeta(file, at)
		switch {
		case err != nil:
			return meta{}, err
		case ok && second.pageSize == at && (!okFirst || second.txid > first.txid):
			return second, nil
		case okFirst:
			return first, nil
		}
	}
	return meta{}, damage("neither of its first two pages describes a state")
}

// readMeta reads a meta page; ok says that it is one and whole.
func readMeta(file io.ReaderAt, at int64) (m meta, ok bool, err error) {
	var raw [headerLength + metaLength]byte
	if _, err := file.ReadAt(raw[:], at); errors.Is(err, io.EOF) {
		return m, false, nil
	} else if err != nil {
		return m, false, fmt.Errorf("read the state: %w", err)
	}
	b := raw[headerLength:]
	sum := fnv.New64a()
	sum.Write(b[:metaSummed])
	native := binary.NativeEndian
	if native.Uint32(b) != boltMagic || native.Uint32(b[4:]) != boltVersion ||
		native.Uint64(b[metaSummed:]) != sum.Sum64() {
		return m, false, nil
	}
	m = meta{
		pageSize: int64(native.Uint32(b[8:])), root: native.Uint64(b[16:]),
		freelist: native.Uint64(b[32:]), high: native.Uint64(b[40:]), txid: native.Uint64(b[48:]),
	}
	return m, m.pageSize >= minPageSize && m.pageSize <= maxPageSize, nil
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

// elements appends a branch's or leaf's entries to into. bbolt writes their data without gaps, in order.
func elements(page []byte, into []element) ([]element, error) {
	native := binary.NativeEndian
	branch := native.Uint16(page[8:]) == branchPage
	count := int(native.Uint16(page[10:]))
	data := uint64(headerLength + count*headerLength)
	if data > uint64(len(page)) {
		return nil, fmt.Errorf("%d entries do not fit", count)
	}
	for i := range count {
		at := headerLength + i*headerLength
		raw := page[at : at+headerLength]
		var e element
		var position, keyLength, valueLength uint64
		if branch {
			position, keyLength = uint64(native.Uint32(raw)), uint64(native.Uint32(raw[4:]))
			e.child = native.Uint64(raw[8:])
		} else {
			flags := native.Uint32(raw)
			if flags > bucketElement {
				return nil, fmt.Errorf("entry %d is of an unknown kind", i)
			}
			e.bucket = flags == bucketElement
			position, keyLength = uint64(native.Uint32(raw[4:])), uint64(native.Uint32(raw[8:]))
			valueLength = uint64(native.Uint32(raw[12:]))
		}
		end := data + keyLength + valueLength
		if uint64(at)+position != data || keyLength == 0 || end > uint64(len(page)) {
			return nil, fmt.Errorf("entry %d is not where it should be", i)
		}
		e.key, e.value = page[data:data+keyLength], page[data+keyLength:end]
		into = append(into, e)
		data = end
	}
	return into, nil
}

// ordered checks that keys ascend from low on, which is the first one exactly, and stay below high; nil is no bound.
// (bbolt finds a page's entry in its parent by the page's first key; where they differ its next write ruins the tree.)
func ordered(elems []element, low, high []byte) error {
	for i := 1; i < len(elems); i++ {
		if bytes.Compare(elems[i-1].key, elems[i].key) >= 0 {
			return fmt.Errorf("key %d is out of order", i)
		}
	}
	switch {
	case low != nil && (len(elems) == 0 || !bytes.Equal(low, elems[0].key)):
		return errors.New("its first key is not the one it is known by")
	case len(elems) > 0 && high != nil && bytes.Compare(elems[len(elems)-1].key, high) >= 0:
		return errors.New("its last key belongs to the next page")
	}
	return nil
}
