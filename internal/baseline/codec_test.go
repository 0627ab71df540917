package baseline

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rotd/internal/compact"
)

var opened = cmp.AllowUnexported(
	Key{}, Principal{}, pair{}, window{}, slot{}, burst{}, seen{}, Context{}, today{}, past{},
)

func busyKey() *Key {
	var k Key
	for day := range 10 {
		k.reads("batch", at(day, 2, 0), 60)
		k.reads("app", at(day, 9, 0), 5)
		k.reads(fmt.Sprint("visitor ", day), at(day, 10, 0), 1)
	}
	k.Observe(&Use{At: at(10, 0, 0), Principal: 9, Symmetric: true}, &Observed{})
	return &k
}

func travelling() *Principal {
	var p Principal
	for day := range 30 {
		p.Observe(&Use{At: at(day, 9, 0), Network: uint64(1<<24 + day*7)}, &Observed{})
	}
	return &p
}

func TestRecordsAreReadAsTheyWereWritten(t *testing.T) {
	for _, k := range []*Key{{}, busyKey()} {
		raw := k.Append(nil)
		again, err := DecodeKey(raw)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(again.Append(nil), raw) {
			t.Errorf("another record is written:\n%s", cmp.Diff(k, again, opened))
		}
	}
	for _, p := range []*Principal{{}, travelling()} {
		raw := p.Append(nil)
		again, err := DecodePrincipal(raw)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(again.Append(nil), raw) {
			t.Errorf("another record is written:\n%s", cmp.Diff(p, again, opened))
		}
	}
}

// TestARestartChangesNothing: a record that is written and read between any two uses says the same as one that is not.
func TestARestartChangesNothing(t *testing.T) {
	var whole Key
	restarted := &Key{}
	for day := range 4 {
		for n := range 30 {
			u := Use{
				At: at(day, 2, n*5), Principal: ID(1 + n%2), Context: secret(n * day), Decrypts: true, Symmetric: n%7 > 0,
			}
			var a, b Observed
			whole.Observe(&u, &a)
			restarted.Observe(&u, &b)
			if au, bu := a.Usual(AnyTime), b.Usual(AnyTime); au != bu {
				t.Fatalf("usual %+v, and after a restart %+v", au, bu)
			}
			a.pair, b.pair = nil, nil
			if a != b {
				t.Fatalf("%+v, and after a restart %+v", a, b)
			}
			var err error
			if restarted, err = DecodeKey(restarted.Append(nil)); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestAnOrdinaryPairTakesFewBytes(t *testing.T) {
	const principals, most = 50, 16
	var k Key
	for day := range 90 {
		for i := range principals {
			u := Use{
				At: at(day, i%24, i), Principal: IDOf(fmt.Sprint("role ", i)), Context: secret(i % 5), Decrypts: true,
				Symmetric: true,
			}
			k.Observe(&u, &Observed{})
		}
		k.Tidy()
	}
	k.Observe(&Use{At: at(91, 0, 0), Principal: IDOf("role 1")}, &Observed{})
	k.Tidy()
	if size := len(k.Append(nil)) / principals; size > most {
		t.Errorf("a pair takes %d bytes, want at most %d", size, most)
	}
}

func TestWhatIsTooOldIsForgotten(t *testing.T) {
	k, p := busyKey(), travelling()
	late := Use{At: at(500, 0, 0), Principal: 77, Network: 77}
	k.Observe(&late, &Observed{})
	p.Observe(&late, &Observed{})
	k.Tidy()
	p.Tidy()
	if len(k.pairs) != 1 || len(p.networks) != 1 {
		t.Errorf("%d principals and %d networks are kept", len(k.pairs), len(p.networks))
	}
}

func TestDamageIsSeen(t *testing.T) {
	raw := busyKey().Append(nil)
	for _, damaged := range [][]byte{nil, {2}, raw[:len(raw)-1], append(bytes.Clone(raw), 0)} {
		if _, err := DecodeKey(damaged); !errors.Is(err, compact.ErrDamaged) {
			t.Errorf("%d bytes: error %v", len(damaged), err)
		}
	}
	if _, err := DecodePrincipal(raw[:3]); !errors.Is(err, compact.ErrDamaged) {
		t.Errorf("error %v", err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(busyKey().Append(nil))
	f.Add(travelling().Append(nil))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if k, err := DecodeKey(raw); err == nil {
			var o Observed
			k.Observe(&Use{At: at(3, 0, 0), Principal: 1, Context: secret(1), Decrypts: true}, &o)
			o.Usual(AnyTime)
			k.Tidy()
			if _, err := DecodeKey(k.Append(nil)); err != nil {
				t.Errorf("what was written after a use cannot be read: %v", err)
			}
		}
		if p, err := DecodePrincipal(raw); err == nil {
			p.Observe(&Use{At: at(3, 0, 0), Network: 7}, &Observed{})
			if _, err := DecodePrincipal(p.Append(nil)); err != nil {
				t.Errorf("what was written after a use cannot be read: %v", err)
			}
		}
	})
}

func BenchmarkObserve(b *testing.B) {
	for _, principals := range []int{1, 50, 500} {
		b.Run(fmt.Sprint(principals), func(b *testing.B) {
			var k Key
			ids := make([]ID, principals)
			for i := range ids {
				ids[i] = IDOf(fmt.Sprint("role ", i))
			}
			contexts := make([]Context, 64)
			for i := range contexts {
				contexts[i] = secret(i)
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				u := Use{
					At: monday.Add(time.Duration(i) * time.Second), Principal: ids[i%principals], Context: contexts[i%64],
					Decrypts: true, Symmetric: true,
				}
				var o Observed
				k.Observe(&u, &o)
			}
		})
	}
}

func BenchmarkRecord(b *testing.B) {
	var k Key
	for i := range 50 {
		k.Observe(&Use{At: at(0, i%24, 0), Principal: IDOf(fmt.Sprint("role ", i))}, &Observed{})
	}
	raw := k.Append(nil)
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := DecodeKey(raw); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("append", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			raw = k.Append(raw[:0])
		}
	})
}
