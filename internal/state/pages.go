package state

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
)

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

// meta is one of the two pages that say where everything is; the newer valid one counts.
type meta struct {
	pageSize                   int64
	root, freelist, high, txid uint64
}

// element is an entry of a page: of a branch key and child, of a leaf the rest.
type element struct {
	key, value []byte
	child      uint64
	bucket     bool
}

// newestMeta chooses the meta page as bbolt does.
func newestMeta(file io.ReaderAt) (meta, error) {
	all, err := metas(file)
	if err != nil {
		return meta{}, err
	}
	return all[0], nil
}

// metas reads the meta pages that are whole, the newer first; there is one at least, or an error.
func metas(file io.ReaderAt) ([]meta, error) {
	first, okFirst, err := readMeta(file, 0)
	if err != nil {
		return nil, err
	}
	for at := int64(minPageSize); at <= maxPageSize; at *= 2 {
		if okFirst && at != first.pageSize {
			continue
		}
		second, ok, err := readMeta(file, at)
		ok = ok && second.pageSize == at
		switch {
		case err != nil:
			return nil, err
		case ok && !okFirst:
			return []meta{second}, nil
		case ok && second.txid > first.txid:
			return []meta{second, first}, nil
		case ok:
			return []meta{first, second}, nil
		case okFirst:
			return []meta{first}, nil
		}
	}
	return nil, damage("neither of its first two pages describes a state")
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
