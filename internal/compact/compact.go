// Package compact is for records that are as small as they can be: it reads numbers off bytes, and makes hashes of
// texts that are not kept.
package compact

import (
	"encoding/binary"
	"errors"
	"math"
)

// ErrDamaged says that bytes are not what was written.
var ErrDamaged = errors.New("damaged record")

// Reader reads numbers off bytes; after the first that cannot be right all are 0 and Err is set.
type Reader struct {
	b   []byte
	at  int
	err error
}

// NewReader reads b.
func NewReader(b []byte) Reader { return Reader{b: b} }

// Fail says that what was read cannot be right.
func (r *Reader) Fail() { r.at, r.err = len(r.b), ErrDamaged }

// Err is ErrDamaged once something could not be right.
func (r *Reader) Err() error { return r.err }

// End wants nothing to follow.
func (r *Reader) End() error {
	if r.err == nil && r.at < len(r.b) {
		r.Fail()
	}
	return r.err
}

// Uvarint is a number of at most limit.
func (r *Reader) Uvarint(limit uint64) uint64 {
	if r.at < len(r.b) && r.b[r.at] < 0x80 && uint64(r.b[r.at]) <= limit { // most are
		r.at++
		return uint64(r.b[r.at-1])
	}
	v, n := binary.Uvarint(r.b[r.at:])
	if n <= 0 || v > limit {
		r.Fail()
		return 0
	}
	r.at += n
	return v
}

// Number is one of 32 bits.
func (r *Reader) Number() uint32 { return uint32(r.Uvarint(math.MaxUint32)) } //nolint:gosec // bounded

// From is one of 32 bits, written by how much it is above n.
func (r *Reader) From(n uint32) uint32 {
	return n + uint32(r.Uvarint(uint64(math.MaxUint32-n))) //nolint:gosec // bounded
}

// Count is how many of something follow, each at least a byte long.
func (r *Reader) Count(limit int) int {
	return int(r.Uvarint(uint64(min(limit, len(r.b)-r.at)))) //nolint:gosec // bounded
}

// Byte is one byte.
func (r *Reader) Byte() uint8 {
	if r.at == len(r.b) {
		r.Fail()
		return 0
	}
	r.at++
	return r.b[r.at-1]
}

// Fixed is 64 bits in eight bytes.
func (r *Reader) Fixed() uint64 {
	if len(r.b)-r.at < 8 {
		r.Fail()
		return 0
	}
	r.at += 8
	return binary.BigEndian.Uint64(r.b[r.at-8:])
}

// Version wants a byte.
func (r *Reader) Version(want uint8) {
	if r.Byte() != want {
		r.Fail()
	}
}
