package queue

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

// str reads a string and returns it unescaped: a slice of the buffer that nothing else will be written to.
func (d *decoder) str() ([]byte, error) {
	if err := d.expect('"'); err != nil {
		return nil, err
	}
	start := d.pos
	r := start + plain(d.data[start:])
	w := r // everything before w is unescaped, everything from r on is still to be read
	for r < len(d.data) {
		switch c := d.data[r]; {
		case c == '"':
			d.pos = r + 1
			return d.data[start:w:w], nil
		case c == '\\':
			nw, nr, err := d.unescape(w, r)
			if err != nil {
				d.pos = r
				return nil, err
			}
			w, r = nw, nr
		case c < ' ':
			d.pos = r
			return nil, fmt.Errorf("control character %#02x in a string", c)
		}
		w, r = d.shift(w, r)
	}
	d.pos = len(d.data)
	return nil, errTruncated
}

// shift moves the run of plain bytes at r down to w.
func (d *decoder) shift(w, r int) (int, int) {
	data := d.data
	// Eight bytes a step, as soon as the two ends are so far apart that what is written was already read.
	for r-w >= 8 && r+8 <= len(data) {
		v := binary.LittleEndian.Uint64(data[r:])
		binary.LittleEndian.PutUint64(data[w:], v)
		if mask := special(v); mask != 0 {
			k := bits.TrailingZeros64(mask) / 8
			return w + k, r + k
		}
		w, r = w+8, r+8
	}
	for r < len(data) && data[r] >= ' ' && data[r] != '"' && data[r] != '\\' {
		data[w] = data[r]
		w, r = w+1, r+1
	}
	return w, r
}

// plain counts the bytes of p before the first that is a quote, a backslash, or a control character.
func plain(p []byte) int {
	i := 0
	for ; i+8 <= len(p); i += 8 {
		if mask := special(binary.LittleEndian.Uint64(p[i:])); mask != 0 {
			return i + bits.TrailingZeros64(mask)/8
		}
	}
	for i < len(p) && p[i] >= ' ' && p[i] != '"' && p[i] != '\\' {
		i++
	}
	return i
}

// special marks, in the highest bit of each byte of v, the quotes, backslashes and control characters. Only the lowest
// mark is exact: the subtraction borrows from the bytes above it.
func special(v uint64) uint64 {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	quote := v ^ ones*'"'
	slash := v ^ ones*'\\'
	return ((quote-ones)&^quote | (slash-ones)&^slash | (v-ones*' ')&^v) & highs
}

// unescape writes what the escape at r stands for to w, and returns both moved on.
func (d *decoder) unescape(w, r int) (int, int, error) {
	if r+1 >= len(d.data) {
		return w, r, errTruncated
	}
	c := d.data[r+1]
	switch c {
	case '"', '\\', '/':
	case 'b':
		c = '\b'
	case 'f':
		c = '\f'
	case 'n':
		c = '\n'
	case 'r':
		c = '\r'
	case 't':
		c = '\t'
	case 'u':
		return d.unescapeRune(w, r)
	default:
		return w, r, fmt.Errorf("unknown escape %q", d.data[r:r+2])
	}
	d.data[w] = c
	return w + 1, r + 2, nil
}

func (d *decoder) unescapeRune(w, r int) (int, int, error) {
	c, ok := hex4(d.data[r:])
	if !ok {
		return w, r, errors.New(`\u without four hex digits`)
	}
	r += 6
	if utf16.IsSurrogate(c) {
		low, ok := hex4(d.data[r:])
		if pair := utf16.DecodeRune(c, low); ok && pair != utf8.RuneError {
			c, r = pair, r+6
		} else {
			c = utf8.RuneError
		}
	}
	return w + utf8.EncodeRune(d.data[w:], c), r, nil
}

// hex4 reads the \uXXXX that p begins with.
func hex4(p []byte) (rune, bool) {
	if len(p) < 6 || p[0] != '\\' || p[1] != 'u' {
		return 0, false
	}
	var c rune
	for _, h := range p[2:6] {
		switch {
		case h >= '0' && h <= '9':
			h -= '0'
		case h >= 'a' && h <= 'f':
			h -= 'a' - 10
		case h >= 'A' && h <= 'F':
			h -= 'A' - 10
		default:
			return 0, false
		}
		c = c<<4 | rune(h)
	}
	return c, true
}
