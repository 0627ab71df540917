package usage

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"rotd/internal/compact"
)

// noon is when these tests happen.
func noon() time.Time { return time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) }

// busy is a record of a key with so many principals, each of which calls in one hour of a few for so many days.
// Together they name 20 resources.
func busy(principals, days, every int) *Record {
	rec := &Record{Folded: 1 << 40}
	r := rand.New(rand.NewPCG(1, 2))
	now := HourOf(noon())
	for p := range principals {
		for age := r.IntN(every); age < days*24; age += 1 + r.IntN(2*every) {
			rec.Fold(&Tuple{
				Principal: uint32(FirstName + 1000*p), Operation: uint8(1 + 2*r.IntN(2)),
				Network: network4 | Network(r.IntN(2)), Service: uint32(FirstName + 3), Shape: uint32(FirstName + 5 + p%3),
				Resource: uint32(FirstName + 200 + 7*r.IntN(20)), Vouched: r.IntN(2) > 0,
				Alias: uint32(p % 3 / 2 * (FirstName + 9)),
				Hour:  now - uint32(age),
				Calls: Calls{Count: uint32(1 + r.IntN(80)), First: uint16(r.IntN(1800)), Last: 1800, Contexts: 1 << r.IntN(64)},
			})
		}
	}
	rec.Bound(noon(), MaxPrincipals)
	return rec
}

func TestARecordIsReadAsItWasWritten(t *testing.T) {
	everything := cmp.Options{cmpopts.EquateEmpty()}
	for name, rec := range map[string]*Record{
		"empty":           {},
		"one call":        busy(1, 1, 24),
		"a busy key":      busy(50, 90, 2),
		"an idle key":     busy(20, 90, 24*20),
		"more than fits":  busy(MaxPrincipals+10, 2, 24),
		"counts are huge": {Pairs: []Pair{{Principal: 16, Track: Track{Days: Series{{0, math.MaxUint32}}}}}},
		"only resources":  {Held: Held{Resources: []Holding{{16, 490_000, true}, {90, 480_000, false}}, MoreResources: true}},
	} {
		t.Run(name, func(t *testing.T) {
			raw := rec.Encode()
			got, err := Decode(raw)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(rec, got, everything); diff != "" {
				t.Errorf("record (-written +read):\n%s", diff)
			}
			header, err := DecodeHeader(raw)
			want := Header{rec.Folded, rec.Trimmed, rec.Principals(), rec.LastUse()}
			if err != nil || header != want {
				t.Errorf("header %+v, %v; want %+v", header, err, want)
			}
		})
	}
}

func TestTuplesAreReadAsTheyWereWritten(t *testing.T) {
	tuples := []Tuple{
		{Key: 18, Principal: 17, Operation: 1, Hour: 490_000, Calls: Calls{Count: 3, First: 1, Last: 3599}},
		{Key: 16, Principal: 17, Operation: 2, Network: network6 | 7, Service: 20, Hour: 489_000, Calls: Calls{Count: 1}},
		{
			Key: 16, Principal: math.MaxUint32, Operation: 3, Shape: 21, Hour: 490_001,
			Resource: 22, Vouched: true, Alias: 23, Calls: Calls{Count: 1, Contexts: 1 << 63},
		},
	}
	raw := EncodeTuples(tuples) // sorts them
	var got []Tuple
	if err := DecodeTuples(raw, func(tu *Tuple) bool { got = append(got, *tu); return true }); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(tuples, got); diff != "" {
		t.Errorf("tuples (-written +read):\n%s", diff)
	}
	got = nil
	for key := range uint32(20) {
		if err := DecodeTuplesOf(key+1, raw, func(tu *Tuple) { got = append(got, *tu) }); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(tuples, got); diff != "" {
		t.Errorf("tuples, key by key (-written +read):\n%s", diff)
	}
	if tuples[0].Key != 16 || len(raw) > 75 {
		t.Errorf("first key %d, %d bytes", tuples[0].Key, len(raw))
	}
}

func TestWhatIsCutShortIsDamaged(t *testing.T) {
	record, log := busy(3, 10, 5).Encode(), EncodeTuples([]Tuple{{Key: 16, Principal: 17, Shape: 18, Hour: 490_000}})
	for n := range record {
		if _, err := Decode(record[:n]); !errors.Is(err, compact.ErrDamaged) {
			t.Errorf("%d bytes of a record: %v", n, err)
		}
	}
	for n := range log {
		if err := DecodeTuples(log[:n], func(*Tuple) bool { return true }); !errors.Is(err, compact.ErrDamaged) {
			t.Errorf("%d bytes of a log entry: %v", n, err)
		}
	}
	if _, err := Decode(append(record, 0)); !errors.Is(err, compact.ErrDamaged) {
		t.Errorf("a byte too many: %v", err)
	}
}

// FuzzDecode wants any bytes to be an error or a record that is written and read again as it is, and that can be folded
// into, bounded and summed up.
func FuzzDecode(f *testing.F) {
	f.Add((&Record{}).Encode())
	f.Add(busy(2, 3, 5).Encode())
	f.Add(busy(30, 90, 24).Encode())
	f.Fuzz(func(t *testing.T, raw []byte) {
		_, _ = DecodeHeader(raw)
		rec, err := Decode(raw)
		if err != nil {
			return
		}
		again, err := Decode(rec.Encode())
		if err != nil {
			t.Fatalf("written anew: %v", err)
		}
		if diff := cmp.Diff(rec, again, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("written anew (-before +after):\n%s", diff)
		}
		rec.Fold(&Tuple{
			Principal: 16, Operation: 1, Service: 17, Shape: 18, Resource: 19, Alias: 20, Network: 1, Hour: HourOf(noon()),
			Calls: Calls{Count: 1},
		})
		rec.Bound(noon(), 10)
		if _, err := Decode(rec.Encode()); err != nil {
			t.Fatalf("folded into and bounded: %v", err)
		}
		rec.Summarize(NewWindow(noon().AddDate(0, 0, -90), noon()), func(uint32) string { return "" })
		rec.Summarize(NewWindow(noon().Add(-time.Hour), noon()), func(uint32) string { return "" })
		rec.Held.Contents(func(uint32) string { return "" })
	})
}

func FuzzDecodeTuples(f *testing.F) {
	f.Add(EncodeTuples([]Tuple{
		{Key: 16, Principal: 17, Shape: 18, Resource: 19, Alias: 20, Hour: 490_000, Calls: Calls{Count: 1}},
	}))
	f.Fuzz(func(t *testing.T, raw []byte) {
		_ = DecodeTuplesOf(17, raw, func(*Tuple) {})
		rec := &Record{}
		_ = DecodeTuples(raw, func(tu *Tuple) bool {
			rec.Fold(tu)
			return len(rec.Pairs) < 1000
		})
		rec.Bound(noon(), MaxPrincipals)
		if _, err := Decode(rec.Encode()); err != nil {
			t.Fatal(err)
		}
	})
}

// BenchmarkFold folds one call into a record of 50 principals, as the daemon does it: read, folded, bounded, written.
func BenchmarkFold(b *testing.B) {
	for _, every := range []int{2, 24, 24 * 7} {
		raw := busy(50, 90, every).Encode()
		b.Run(fmt.Sprintf("a call in %dh", every), func(b *testing.B) {
			b.ReportAllocs()
			pairs := 0
			for b.Loop() {
				rec, err := Decode(raw)
				if err != nil {
					b.Fatal(err)
				}
				rec.Fold(&Tuple{Principal: FirstName, Operation: 1, Hour: HourOf(noon()), Calls: Calls{Count: 1}})
				rec.Bound(noon(), MaxPrincipals)
				pairs = len(rec.Pairs)
				raw = rec.Encode()
			}
			b.ReportMetric(float64(len(raw))/float64(pairs), "B/pair")
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*pairs), "ns/pair")
		})
	}
}
