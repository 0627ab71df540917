package usage

import (
	"encoding/binary"
	"math"
)

// reader reads numbers off bytes; after the first that cannot be right all are 0 and err is set.
type reader struct {
	b   []byte
	at  int
	err error
}

func (r *reader) fail() { r.at, r.err = len(r.b), ErrDamaged }

// uvarint is a number of at most limit.
func (r *reader) uvarint(limit uint64) uint64 {
	if r.at < len(r.b) && r.b[r.at] < 0x80 && uint64(r.b[r.at]) <= limit { // most are
		r.at++
		return uint64(r.b[r.at-1])
	}
	v, n := binary.Uvarint(r.b[r.at:])
	if n <= 0 || v > limit {
		r.fail()
		return 0
	}
	r.at += n
	return v
}

func (r *reader) number() uint32 { return uint32(r.uvarint(math.MaxUint32)) } //nolint:gosec // bounded

// count is how many of something follow, each at least a byte long.
func (r *reader) count(limit int) int {
	return int(r.uvarint(uint64(min(limit, len(r.b)-r.at)))) //nolint:gosec // bounded
}

func (r *reader) byte() uint8 {
	if r.at == len(r.b) {
		r.fail()
		return 0
	}
	r.at++
	return r.b[r.at-1]
}

func (r *reader) fixed() uint64 {
	if len(r.b)-r.at < 8 {
		r.fail()
		return 0
	}
	r.at += 8
	return binary.BigEndian.Uint64(r.b[r.at-8:])
}

func (r *reader) version() {
	if r.byte() != formatVersion {
		r.fail()
	}
}

// end wants nothing to follow.
func (r *reader) end() error {
	if r.err == nil && r.at < len(r.b) {
		r.fail()
	}
	return r.err
}
