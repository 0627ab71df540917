package counting

import (
	"math/rand"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func entry(id byte, after time.Duration) Entry {
	return Entry{At: noon.Add(after).Unix(), ID: [8]byte{id}}
}

func TestFullest(t *testing.T) {
	const m, window = time.Minute, 10 * time.Minute
	type step struct {
		id   byte
		at   time.Duration
		want int
	}
	tests := []struct {
		name  string
		steps []step
	}{
		{"distinct ids inside the window are counted", []step{{'a', 0, 1}, {'b', m, 2}, {'c', 9 * m, 3}}},
		{"repeating an id adds nothing", []step{{'a', 0, 1}, {'a', m, 1}, {'b', m, 2}, {'a', 2 * m, 2}}},
		{"a window is shorter than its length", []step{{'a', 0, 1}, {'b', 10 * m, 1}, {'c', 19 * m, 2}}},
		{"the first may come last", []step{{'c', 9 * m, 1}, {'b', 5 * m, 2}, {'a', 0, 3}}},
		{"the middle may come last", []step{{'a', 0, 1}, {'c', 9 * m, 2}, {'b', 5 * m, 3}}},
		{"what is apart on both sides is not added up", []step{{'a', 0, 1}, {'c', 14 * m, 1}, {'b', 7 * m, 2}}},
		{"an id counts again when it happens again", []step{{'a', 0, 1}, {'b', 60 * m, 1}, {'a', 61 * m, 2}}},
		{"a jump ahead forgets nothing before it", []step{{'a', 0, 1}, {'z', 1000 * m, 1}, {'b', m, 2}, {'c', 2 * m, 3}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var s Series
			for i, step := range test.steps {
				s, _ = s.With(entry(step.id, step.at), window)
				s = s.Newest()
				if got := s.Fullest(noon.Add(step.at), window); got != step.want {
					t.Errorf("step %d: %d, want %d", i, got, step.want)
				}
			}
		})
	}
}

func TestOneThingRepeatedDrivesOutNoOther(t *testing.T) {
	var s Series
	s, _ = s.With(entry('a', 0), time.Hour)
	s, _ = s.With(entry('b', time.Second), time.Hour)
	for i := range 10 * Max {
		s, _ = s.With(entry('x', time.Duration(i)*time.Second), time.Hour)
		s = s.Newest()
	}
	if got := s.Fullest(noon, time.Hour); got != 3 || len(s) != 4 {
		t.Errorf("%d ids in %d entries, want 3 in 4", got, len(s))
	}
}

func TestWithSaysWhetherAnythingChanged(t *testing.T) {
	s, changed := Series(nil).With(entry('a', 0), time.Hour)
	if !changed {
		t.Error("the first changes the series")
	}
	if _, changed = s.With(entry('a', 0), time.Hour); changed {
		t.Error("the same again changes nothing")
	}
	s, _ = s.With(entry('a', time.Minute), time.Hour)
	if _, changed = s.With(entry('a', time.Second), time.Hour); changed {
		t.Error("one between two of its kind changes nothing")
	}
}

func TestTheMiddleOfThreeIsLeftOutWhenTheyAreLessThanAWindowApart(t *testing.T) {
	for apart, want := range map[time.Duration]int{time.Hour - time.Second: 2, time.Hour: 3} {
		var s Series
		for _, at := range []time.Duration{0, time.Minute, apart} {
			s, _ = s.With(entry('a', at), time.Hour)
		}
		if len(s) != want {
			t.Errorf("of three within %v %d are left, want %d", apart, len(s), want)
		}
	}
}

// TestCountsAreThoseOfTheWholeHistory compares with a count over everything that ever happened.
func TestCountsAreThoseOfTheWholeHistory(t *testing.T) {
	const window = 20 * time.Second
	for seed := range int64(300) {
		random := rand.New(rand.NewSource(seed))
		var (
			s   Series
			all []Entry
		)
		for range 40 {
			e := entry(byte(random.Intn(6)), time.Duration(random.Intn(60))*time.Second)
			all = append(all, e)
			s, _ = s.With(e, window)
			at := time.Unix(e.At, 0)
			if got, want := s.Fullest(at, window), plainly(all, at, window); got != want {
				t.Fatalf("seed %d, %d entries: %d, want %d", seed, len(all), got, want)
			}
		}
	}
}

func plainly(all []Entry, at time.Time, window time.Duration) int {
	fullest := 0
	for from := at.Add(time.Second - window); !from.After(at); from = from.Add(time.Second) {
		ids := make(map[[8]byte]bool)
		for _, e := range all {
			if e.At >= from.Unix() && e.At < from.Add(window).Unix() {
				ids[e.ID] = true
			}
		}
		fullest = max(fullest, len(ids))
	}
	return fullest
}

func BenchmarkAFullSeries(b *testing.B) {
	var s Series
	for i := range Max {
		s, _ = s.With(entry(byte(i), time.Duration(i)*time.Second), time.Hour)
	}
	b.ReportAllocs()
	for b.Loop() {
		with, _ := s.With(entry(0xff, time.Minute), time.Hour)
		_ = with.Fullest(noon, time.Hour)
	}
}
