package replay

import (
	"bufio"
	"bytes"
	"cmp"
	"container/heap"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"

	"rotd/internal/baseline"
)

// lesson is what one event teaches, in few bytes: an archive has hundreds of millions of them.
type lesson struct {
	at         int64 // unix seconds
	event      [16]byte
	place, key uint32 // numbers in names; key 0: a call that uses none
	principal  baseline.ID
	network    uint64
	thing      uint64
	class      baseline.Class
	flags      uint8
}

const (
	flagDecrypts = 1 << iota
	flagSymmetric
)

// lessonSize is that of a lesson on disk.
const lessonSize = 8 + 16 + 4 + 4 + 8 + 8 + 8 + 1 + 1

// compare orders by time; repetitions of an event come next to each other.
func (l *lesson) compare(other *lesson) int {
	return cmp.Or(cmp.Compare(l.at, other.at), bytes.Compare(l.event[:], other.event[:]))
}

func (l *lesson) append(raw []byte) []byte {
	raw = binary.BigEndian.AppendUint64(raw, uint64(l.at)) //nolint:gosec // and back
	raw = append(raw, l.event[:]...)
	raw = binary.BigEndian.AppendUint32(raw, l.place)
	raw = binary.BigEndian.AppendUint32(raw, l.key)
	raw = binary.BigEndian.AppendUint64(raw, uint64(l.principal))
	raw = binary.BigEndian.AppendUint64(raw, l.network)
	raw = binary.BigEndian.AppendUint64(raw, l.thing)
	return append(raw, byte(l.class), l.flags)
}

func (l *lesson) decode(raw *[lessonSize]byte) {
	l.at = int64(binary.BigEndian.Uint64(raw[0:])) //nolint:gosec // written by append
	copy(l.event[:], raw[8:])
	l.place = binary.BigEndian.Uint32(raw[24:])
	l.key = binary.BigEndian.Uint32(raw[28:])
	l.principal = baseline.ID(binary.BigEndian.Uint64(raw[32:]))
	l.network = binary.BigEndian.Uint64(raw[40:])
	l.thing = binary.BigEndian.Uint64(raw[48:])
	l.class, l.flags = baseline.Class(raw[56]), raw[57]
}

// inMemory is how many lessons are sorted in memory: some 20 MB.
const inMemory = 1 << 18

// sorter puts lessons in order: sorted runs go to a file without a name, and are merged from there.
type sorter struct {
	most int // in memory
	all  []lesson
	file *os.File // nil: everything is in memory
	runs []int64  // where each run ends
}

func (s *sorter) add(l *lesson) error {
	if s.all = append(s.all, *l); len(s.all) < s.most {
		return nil
	}
	return s.spill()
}

func (s *sorter) sort() { slices.SortFunc(s.all, func(a, b lesson) int { return a.compare(&b) }) }

// spill writes what is in memory as a run.
func (s *sorter) spill() (err error) {
	if s.file == nil {
		if s.file, err = os.CreateTemp("", "rotd-lessons-"); err != nil {
			return fmt.Errorf("sort what is learnt: %w", err)
		}
		if err := os.Remove(s.file.Name()); err != nil { // it stays until it is closed, however rotd ends
			return fmt.Errorf("sort what is learnt: %w", err)
		}
	}
	s.sort()
	out, raw := bufio.NewWriter(s.file), make([]byte, 0, lessonSize)
	for i := range s.all {
		if _, err := out.Write(s.all[i].append(raw)); err != nil {
			return fmt.Errorf("sort what is learnt: %w", err)
		}
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("sort what is learnt: %w", err)
	}
	var end int64
	if len(s.runs) > 0 {
		end = s.runs[len(s.runs)-1]
	}
	s.runs = append(s.runs, end+int64(len(s.all))*lessonSize)
	s.all = s.all[:0]
	return nil
}

// sorted goes over everything that was added, in order.
func (s *sorter) sorted() iter.Seq2[lesson, error] {
	return func(yield func(lesson, error) bool) {
		s.sort()
		heads, err := s.heads()
		for err == nil && len(heads) > 0 {
			head := heads[0]
			if !yield(head.lesson, nil) {
				return
			}
			switch err = head.advance(); {
			case err == nil:
				heap.Fix(&heads, 0)
			case errors.Is(err, io.EOF):
				heap.Pop(&heads)
				err = nil
			}
		}
		if err != nil {
			yield(lesson{}, fmt.Errorf("sort what is learnt: %w", err))
		}
	}
}

// heads are the beginnings of all runs, the one in memory included.
func (s *sorter) heads() (all heads, err error) {
	left := s.all
	all = append(all, &head{next: func(l *lesson) error {
		if len(left) == 0 {
			return io.EOF
		}
		*l, left = left[0], left[1:]
		return nil
	}})
	var begin int64
	for _, end := range s.runs {
		in := bufio.NewReaderSize(io.NewSectionReader(s.file, begin, end-begin), 1<<15)
		all = append(all, &head{next: func(l *lesson) error {
			var raw [lessonSize]byte
			if _, err := io.ReadFull(in, raw[:]); err != nil {
				return err
			}
			l.decode(&raw)
			return nil
		}})
		begin = end
	}
	all = slices.DeleteFunc(all, func(h *head) bool {
		e := h.advance()
		if e != nil && !errors.Is(e, io.EOF) {
			err = e
		}
		return e != nil
	})
	heap.Init(&all)
	return all, err
}

func (s *sorter) close() error {
	if s.file == nil {
		return nil
	}
	return s.file.Close()
}

// head is the next lesson of a run.
type head struct {
	lesson
	next func(*lesson) error // io.EOF at the end
}

func (h *head) advance() error { return h.next(&h.lesson) }

// heads is a heap of them, the earliest first.
type heads []*head

func (h heads) Len() int           { return len(h) }
func (h heads) Less(i, j int) bool { return h[i].compare(&h[j].lesson) < 0 }
func (h heads) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *heads) Push(x any)        { *h = append(*h, x.(*head)) } //nolint:forcetypeassert // heap's interface

// Pop takes the last one away.
func (h *heads) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}
