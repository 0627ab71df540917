package trail

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"rotd/internal/events"
)

// framer finds where records begin and end by counting brackets outside strings. It does not check the grammar inside
// them: a record that is malformed is so by itself, and the next one is found all the same.
type framer struct {
	r    io.Reader
	each Each

	// lines says that every record stands on a line of its own, so that the next is found after one that is cut.
	lines bool

	buf      [bufferSize]byte
	pos, end int
	err      error  // from r
	read     int64  // bytes taken out of buf
	value    []byte // what is being collected, no more than maxValue bytes of it
	stats    Stats
	own      error // from each
}

const maxValue = events.MaxRecord + 1

// file reads everything up to the end.
func (f *framer) file() error {
	for first := true; ; first = false {
		c, err := f.next()
		switch {
		case errors.Is(err, io.EOF) && !first:
			return nil
		case errors.Is(err, io.EOF):
			return fmt.Errorf("%w: empty", ErrNotJSON)
		case err != nil:
			return err
		}
		if err := f.top(c, first); err != nil {
			return err
		}
	}
}

// top reads one value at the top of the file, which begins with c.
func (f *framer) top(c byte, first bool) error {
	f.value = f.value[:0]
	switch {
	case c == '[':
		return f.list()
	case c == '{' && (!f.lines || f.wrapped()):
		return f.object()
	case c != '{' && first && !f.lines:
		return ErrNotJSON
	}
	if err := f.line(); err != nil {
		return err
	}
	return f.record()
}

// wrapped reports whether a list of records begins here rather than a record.
func (f *framer) wrapped() bool {
	const start = `{"Records"`
	return f.ahead(len(start)) && string(f.buf[f.pos:f.pos+len(start)]) == start
}

// list hands out an array's elements.
func (f *framer) list() error {
	f.skip(1)
	if c, err := f.next(); err != nil {
		return cutShort(err)
	} else if c == ']' {
		f.skip(1)
		return nil
	}
	for {
		f.value = f.value[:0]
		if err := f.element(); err != nil {
			return err
		}
		if err := f.record(); err != nil {
			return err
		}
		c, err := f.next()
		if err != nil {
			return cutShort(err)
		}
		switch c {
		case ']':
			f.skip(1)
			return nil
		case ',':
			f.skip(1)
			if _, err := f.next(); err != nil {
				return cutShort(err)
			}
		default:
			return fmt.Errorf("found %q where records are parted by a comma", c)
		}
	}
}

// object reads an object at the top of the file: the wrapper around a list of records, a digest, or a record.
func (f *framer) object() error {
	f.take(1)
	digest, listed := false, false
	for {
		name, ok, err := f.member()
		switch {
		case err != nil:
			return err
		case !ok && listed && (name != "" || f.buf[f.pos] != '}'):
			return fmt.Errorf("found %q after the list of records", f.buf[f.pos])
		case !ok:
			if err := f.nest(1); err != nil {
				return err
			}
			return f.closeObject(digest, listed)
		case name == `"Records"` && f.buf[f.pos] == '[':
			listed = true
			if err := f.list(); err != nil {
				return err
			}
			f.value = f.value[:0]
			continue
		case name == `"digestStartTime"` || name == `"digestS3Bucket"`:
			digest = true
		}
		if err := f.element(); err != nil {
			return err
		}
	}
}

func (f *framer) closeObject(digest, listed bool) error {
	switch {
	case listed:
		f.lines = false
		return nil
	case digest:
		f.stats.Digest = true
		return nil
	}
	// A record alone on its line: the others, if any, will be so too.
	if f.ahead(1) && isSpace(f.buf[f.pos]) && !bytes.ContainsAny(f.value, "\r\n") {
		f.lines = true
	}
	return f.record()
}

// member takes an object's next name, quotes included, and its colon, and stops before the value. It is not ok at the
// object's end, and where a name or a colon should be and is not: counting brackets goes on from there.
func (f *framer) member() (name string, ok bool, err error) {
	c, err := f.nextInside()
	if err == nil && c == ',' {
		f.take(1)
		c, err = f.nextInside()
	}
	if err != nil || c != '"' {
		return "", false, cutShort(err)
	}
	start := len(f.value)
	f.take(1)
	if err := f.text(); err != nil {
		return "", false, err
	}
	name = string(f.value[start:])
	if c, err = f.nextInside(); err != nil || c != ':' {
		return name, false, cutShort(err)
	}
	f.take(1)
	_, err = f.nextInside()
	return name, true, cutShort(err)
}

// element takes the value that begins here; nothing where there is none.
func (f *framer) element() error {
	switch f.buf[f.pos] {
	case '{', '[':
		return f.nest(0)
	case '}', ']', ',':
		return nil
	case '"':
		f.take(1)
		return f.text()
	}
	return f.scalar()
}

// record hands out what was collected.
func (f *framer) record() error {
	f.stats.Records++
	f.own = f.each(f.value)
	return f.own
}

func cutShort(err error) error {
	if errors.Is(err, io.EOF) {
		return ErrCutShort
	}
	return err
}
