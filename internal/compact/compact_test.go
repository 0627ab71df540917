package compact

import (
	"encoding/binary"
	"errors"
	"testing"
)

func TestNumbersAreReadAsTheyWereWritten(t *testing.T) {
	raw := binary.AppendUvarint([]byte{3, 7}, 300)
	raw = binary.AppendUvarint(raw, 2)
	raw = binary.BigEndian.AppendUint64(raw, 1<<40)
	r := NewReader(raw)
	r.Version(3)
	if a, b, c, d := r.Byte(), r.Number(), r.From(40), r.Fixed(); a != 7 || b != 300 || c != 42 || d != 1<<40 {
		t.Errorf("read %d, %d, %d, %d", a, b, c, d)
	}
	if err := r.End(); err != nil {
		t.Error(err)
	}
}

func TestWhatCannotBeRightIsDamage(t *testing.T) {
	tests := []struct {
		name string
		raw  []byte
		read func(r *Reader)
	}{
		{"nothing where a number should be", nil, func(r *Reader) { r.Number() }},
		{"a number cut off", []byte{0x80}, func(r *Reader) { r.Number() }},
		{"one beyond its limit", []byte{9}, func(r *Reader) { r.Uvarint(8) }},
		{"a sum beyond 32 bits", []byte{2}, func(r *Reader) { r.From(1<<32 - 2) }},
		{"more things than bytes", []byte{2, 0}, func(r *Reader) { r.Count(10) }},
		{"another version", []byte{2}, func(r *Reader) { r.Version(1) }},
		{"eight bytes cut off", []byte{1, 2, 3}, func(r *Reader) { r.Fixed() }},
		{"no byte", nil, func(r *Reader) { r.Byte() }},
		{"bytes that nobody reads", []byte{1, 2}, func(r *Reader) { r.Byte() }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := NewReader(test.raw)
			test.read(&r)
			if err := r.End(); !errors.Is(err, ErrDamaged) {
				t.Errorf("error %v", err)
			}
			if n := r.Number(); n != 0 {
				t.Errorf("reads %d after it", n)
			}
		})
	}
}

// TestHashesStayWhatTheyAre: sets of them are in the state.
func TestHashesStayWhatTheyAre(t *testing.T) {
	if got := Pair("SecretARN", "arn:aws:secretsmanager:eu-west-1:111122223333:secret:a"); got != 0x78c9a5f84128e86c {
		t.Errorf("%#x", got)
	}
	if Pair("ab", "c") == Pair("a", "bc") {
		t.Error("where one text ends does not matter")
	}
	if got := Spread(1); got != 0xb456bcfc34c2cb2c {
		t.Errorf("%#x", got)
	}
}
