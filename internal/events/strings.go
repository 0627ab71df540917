package events

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
	"unsafe"
)

// unquote is the text of a JSON string the scanner has accepted. Without escapes, as nearly always, it shares memory
// with quoted.
func unquote(quoted []byte) string { return alias(unquoteBytes(quoted)) }

func unquoteBytes(quoted []byte) []byte {
	inner := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(inner, '\\') < 0 {
		return inner
	}
	return unescape(make([]byte, 0, len(inner)), inner)
}

// alias is b as a string without a copy. Bodies and records are never written to once they are being decoded, which
// is what makes this safe; it saves some thirty allocations a record.
func alias(b []byte) string {
	return unsafe.String(unsafe.SliceData(b), len(b)) //nolint:gosec // see above
}

func unescape(dst, src []byte) []byte {
	for len(src) > 0 {
		i := bytes.IndexByte(src, '\\')
		if i < 0 {
			return append(dst, src...)
		}
		dst = append(dst, src[:i]...)
		c := src[i+1]
		src = src[i+2:]
		switch c {
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u':
			var r rune
			r, src = unicodeEscape(src)
			dst = utf8.AppendRune(dst, r)
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

// unicodeEscape reads what follows \u, a surrogate pair whole. Half a pair becomes U+FFFD: CloudTrail cuts a
// userAgent at 1 KB wherever that falls, and a caller must not choose one that makes the record undecodable.
func unicodeEscape(src []byte) (rune, []byte) {
	r, _ := hex4(src, 0)
	src = src[4:]
	if !utf16.IsSurrogate(r) {
		return r, src
	}
	if len(src) >= 6 && src[0] == '\\' && src[1] == 'u' {
		if low, ok := hex4(src, 2); ok {
			if whole := utf16.DecodeRune(r, low); whole != utf8.RuneError {
				return whole, src[6:]
			}
		}
	}
	return utf8.RuneError, src
}

func hex4(text []byte, i int) (rune, bool) {
	if i+4 > len(text) {
		return 0, false
	}
	var r rune
	for _, c := range text[i : i+4] {
		switch {
		case isDigit(c):
			r = r<<4 | rune(c-'0')
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			r = r<<4 | rune(c|0x20-'a'+10)
		default:
			return 0, false
		}
	}
	return r, true
}

// plainRun is the offset, from i on, of the first byte that a string cannot hold as it is: a quote, a backslash or a
// control character; len(text) when there is none. It looks at eight bytes at a time: strings are most of a record.
func plainRun(text []byte, i int) int {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	for ; i+8 <= len(text); i += 8 {
		w := binary.LittleEndian.Uint64(text[i:])
		quote, slash := w^(ones*'"'), w^(ones*'\\')
		// Each term sets the high bit of the bytes it is about; only bytes above a true one can be wrongly set.
		hits := ((w-ones*0x20)&^w | (quote-ones)&^quote | (slash-ones)&^slash) & highs
		if hits != 0 {
			return i + bits.TrailingZeros64(hits)/8
		}
	}
	for i < len(text) && text[i] != '"' && text[i] != '\\' && text[i] >= 0x20 {
		i++
	}
	return i
}
