package trail

import (
	"errors"
	"io"
)

// The framer's hands: they move over the text and collect it into value.

// more makes sure that there is a byte at pos.
func (f *framer) more() error {
	if f.pos < f.end || f.ahead(1) {
		return nil
	}
	return f.err
}

// ahead reports whether n bytes follow, and sees to it that they are in buf.
func (f *framer) ahead(n int) bool {
	for f.end-f.pos < n && f.err == nil {
		f.end = copy(f.buf[:], f.buf[f.pos:f.end])
		f.pos = 0
		var got int
		got, f.err = f.r.Read(f.buf[f.end:])
		f.end += got
	}
	return f.end-f.pos >= n
}

// take collects the next n bytes of the buffer, as far as values are kept.
func (f *framer) take(n int) {
	keep := min(n, maxValue-len(f.value))
	f.value = append(f.value, f.buf[f.pos:f.pos+keep]...)
	f.skip(n)
}

func (f *framer) skip(n int) {
	f.pos += n
	f.read += int64(n)
}

// next moves to the next byte that is no space and returns it without taking it.
func (f *framer) next() (byte, error) {
	for {
		if err := f.more(); err != nil {
			return 0, err
		}
		c := f.buf[f.pos]
		if !isSpace(c) {
			return c, nil
		}
		f.skip(1)
	}
}

// nextInside is next inside a value: the spaces belong to it.
func (f *framer) nextInside() (byte, error) {
	for {
		if err := f.more(); err != nil {
			return 0, err
		}
		c := f.buf[f.pos]
		if !isSpace(c) {
			return c, nil
		}
		f.take(1)
	}
}

// nest takes everything up to the bracket that closes what stands at depth.
func (f *framer) nest(depth int) error {
	for {
		if err := f.more(); err != nil {
			return cutShort(err)
		}
		n, inString := 0, false
		for chunk := f.buf[f.pos:f.end]; n < len(chunk) && !inString; n++ {
			switch chunk[n] {
			case '"':
				inString = true
			case '{', '[':
				depth++
			case '}', ']':
				if depth--; depth == 0 {
					f.take(n + 1)
					return nil
				}
			}
		}
		f.take(n)
		if inString {
			if err := f.text(); err != nil {
				return err
			}
		}
	}
}

// text takes the rest of a string whose opening quote was taken.
func (f *framer) text() error {
	for escaped := false; ; {
		if err := f.more(); err != nil {
			return cutShort(err)
		}
		chunk := f.buf[f.pos:f.end]
		n := 0
		for ; n < len(chunk); n++ {
			switch {
			case escaped:
				escaped = false
			case chunk[n] == '\\':
				escaped = true
			case chunk[n] == '"':
				f.take(n + 1)
				return nil
			}
		}
		f.take(n)
	}
}

// scalar takes a number or a literal, which reaches up to what can follow one.
func (f *framer) scalar() error {
	for {
		f.take(1)
		switch err := f.more(); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		if c := f.buf[f.pos]; isSpace(c) || c == ',' || c == ']' || c == '}' {
			return nil
		}
	}
}

// line takes up to the end of the line, which it skips.
func (f *framer) line() error {
	for {
		switch err := f.more(); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		chunk := f.buf[f.pos:f.end]
		for n, c := range chunk {
			if c == '\n' {
				f.take(n)
				f.skip(1)
				return nil
			}
		}
		f.take(len(chunk))
	}
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }
