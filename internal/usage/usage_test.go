package usage

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestSource(t *testing.T) {
	for _, test := range []struct{ source, network, service string }{
		{"203.0.113.77", "203.0.113.0/24", ""},
		{"::ffff:203.0.113.77", "203.0.113.0/24", ""},
		{"2001:db8:7:8::1", "2001:db8:7::/48", ""},
		{"fe80::1%eth0", "fe80::/48", ""},
		{"0.0.0.1", "0.0.0.0/24", ""},
		{"::1", "::/48", ""},
		{"s3.amazonaws.com", "", "s3.amazonaws.com"},
		{"AWS Internal", "", "AWS Internal"},
		{"AWS Internal/2.0 (x; y)", "", "AWS Internal"},
		{"", "", ""},
	} {
		network, service := Source(test.source)
		if network.String() != test.network || service != test.service {
			t.Errorf("%q: network %q, service %q", test.source, network, service)
		}
		if (network == 0) != (test.network == "") {
			t.Errorf("%q: network number %d", test.source, network)
		}
	}
}

func TestOperationsKeepTheirNumbers(t *testing.T) {
	for name, want := range map[string]uint8{"Decrypt": 1, "GenerateDataKey": 3, "ReEncrypt": 7, "Decapsulate": 14} {
		if code, ok := Operation(name); !ok || code != want || operationName(uint64(code)) != name {
			t.Errorf("%s: %d, %t", name, code, ok)
		}
	}
	for _, name := range []string{"", "DescribeKey", "decrypt"} {
		if code, ok := Operation(name); ok {
			t.Errorf("%q is operation %d", name, code)
		}
	}
}

func shape(pairs ...string) (string, uint64) {
	var s Shaper
	for i := 0; i < len(pairs); i += 2 {
		s.Add(pairs[i], pairs[i+1])
	}
	return s.Shape()
}

func TestAShapeIsNamesInOrderWithoutValues(t *testing.T) {
	one, contexts := shape("table", "orders", "aws:dynamodb:arn", "x")
	other, same := shape("aws:dynamodb:arn", "x", "table", "orders")
	if one != other || contexts != same {
		t.Errorf("the order counts: %q %x, %q %x", one, contexts, other, same)
	}
	if diff := cmp.Diff([]string{"aws:dynamodb:arn", "table"}, ShapeNames(one)); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	if none, contexts := shape(); none != "" || contexts != 0 || ShapeNames(none) != nil {
		t.Errorf("no context is %q, %x", none, contexts)
	}
	if a, b := fst(shape("a\x1fb", "")), fst(shape("a", "", "b", "")); a == b {
		t.Errorf("a name is taken for two: %q", a)
	}
	var many []string
	for i := range 100 {
		many = append(many, fmt.Sprintf("%03d%0200d", i, i), "v")
	}
	long, _ := shape(many...)
	if names := ShapeNames(long); len(names) != maxShapeNames+1 || names[maxShapeNames] != more || len(long) > 1200 {
		t.Errorf("a long shape has %d names and %d bytes", len(names), len(long))
	}
}

func fst[A, B any](a A, _ B) A { return a }

func TestDistinctContexts(t *testing.T) {
	for want, tolerance := range map[int]int{0: 0, 1: 0, 3: 1, 20: 6, 100: 40} {
		set := uint64(0)
		for i := range want {
			_, bit := shape("tenant", fmt.Sprint(i))
			set |= bit
		}
		if got, atLeast := Distinct(set); got < want-tolerance || got > want+tolerance || atLeast {
			t.Errorf("%d contexts are about %d (%t)", want, got, atLeast)
		}
	}
	if n, atLeast := Distinct(math.MaxUint64); n != 256 || !atLeast {
		t.Errorf("all of them: %d, %t", n, atLeast)
	}
}

func TestWindows(t *testing.T) {
	now := time.Date(2026, 3, 29, 14, 30, 0, 0, time.UTC) // the day on which Europe's clocks go forward
	for _, test := range []struct {
		name string
		ago  time.Duration
		from string
		by   string
		n    int
	}{
		{"nothing but now", 0, "2026-03-29T14:00:00Z", "hour", 1},
		{"the future", -time.Hour, "2026-03-29T14:00:00Z", "hour", 1},
		{"two days by the hour", 48 * time.Hour, "2026-03-27T14:00:00Z", "hour", 49},
		{"more by the day", 49 * time.Hour, "2026-03-27T00:00:00Z", "day", 3},
		{"a month", 30 * 24 * time.Hour, "2026-02-27T00:00:00Z", "day", 31},
		{"no more than is kept", 1000 * 24 * time.Hour, "2025-12-30T00:00:00Z", "day", KeepDays},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := NewWindow(now.Add(-test.ago).In(time.FixedZone("", 3600)), now)
			u := (&Record{}).Summarize(w, nil)
			if got := w.From.Format(time.RFC3339); got != test.from || u.By != test.by || len(u.Counts) != test.n {
				t.Errorf("from %s by %s, %d counts", got, u.By, len(u.Counts))
			}
		})
	}
}

func TestCountsStayAtTheMostThatFits(t *testing.T) {
	s := Series{}.add(7, math.MaxUint32-1).add(7, 5).add(3, 1).add(5, 2)
	if diff := cmp.Diff(Series{{3, 1}, {5, 2}, {7, math.MaxUint32}}, s); diff != "" {
		t.Errorf("series (-want +got):\n%s", diff)
	}
}

func TestServicesThatFindNoRoomAreAddedUp(t *testing.T) {
	rec := &Record{}
	const all = MaxServices + 4
	for i := range uint32(all) {
		rec.Fold(&Tuple{
			Principal: 99, Operation: 1, Service: FirstName + i, Shape: FirstName + 50 + i, Hour: HourOf(noon()) - all + i,
			Calls: Calls{Count: 1 + i, Contexts: 1},
		})
		rec.Bound(noon(), MaxPrincipals)
	}
	u := rec.Summarize(NewWindow(noon().AddDate(0, 0, -2), noon()), func(id uint32) string { return fmt.Sprint(id) })
	services, contexts := map[string]uint64{}, uint64(0)
	for _, s := range u.Services {
		services[s.Name] = s.Calls
	}
	for _, c := range u.Contexts {
		contexts += c.Calls
	}
	if len(services) != MaxServices+1 || services[""] != 1+2+3+4 || contexts != u.Calls || u.Calls != all*(all+1)/2 {
		t.Errorf("%d calls, services %v, %d calls with contexts", u.Calls, services, contexts)
	}
	if p := u.Principals[0]; len(p.Services) != MaxServices || cmp.Diff(p.More, []string{"services", "contexts"}) != "" {
		t.Errorf("the principal has %d services and more of %v", len(p.Services), p.More)
	}
	rec.Bound(noon().AddDate(0, 0, 1), MaxPrincipals)
	if rec.Pairs[0].More != moreServices|moreShapes {
		t.Errorf("full sets forgot that they left some out")
	}
}
