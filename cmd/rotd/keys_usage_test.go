package main

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"rotd/internal/admin"
	"rotd/internal/inventory"
	"rotd/internal/usage"
)

// names are what usage calls by an id in these tests.
func names(id uint32) string {
	return map[uint32]string{
		20: "arn:aws:iam::111122223333:role/pay-api",
		21: "arn:aws:iam::444455556666:role/reporting/nightly-export-of-cards",
		22: "service:dynamodb.amazonaws.com", 23: "arn:aws:iam::111122223333:user/" + evil,
		24: "alias/pay-cards", 30: "dynamodb.amazonaws.com", 40: "table\x1ftenant", 41: "purpose\x1f\x1b]0;x\x07",
	}[id]
}

// someRecord is a key that three principals use by day, one of them through DynamoDB, and a fourth did once.
func someRecord() *usage.Record {
	rec := &usage.Record{}
	pay, _ := usage.Source("10.0.4.17")
	other, _ := usage.Source("2001:db8:7::1")
	for hour := range uint32(40 * 24) {
		at := usage.HourOf(noon) - 1 - hour
		if working := at%24 >= 7 && at%24 < 19 && (at/24+4)%7 < 5; !working && hour%5 != 0 {
			continue
		}
		count := 3 + hour*7919%50
		rec.Fold(&usage.Tuple{
			Principal: 20, Operation: 1, Network: pay, Shape: 40, Alias: 24, Hour: at,
			Calls: usage.Calls{Count: count, Last: 60, Contexts: 1 << (hour % 40)},
		})
		rec.Fold(&usage.Tuple{
			Principal: 22, Operation: 3, Service: 30, Hour: at, Calls: usage.Calls{Count: count / 3, Last: 1},
		})
		if at%24 == 2 {
			rec.Fold(&usage.Tuple{Principal: 21, Operation: 7, Network: other, Hour: at, Calls: usage.Calls{Count: 1, Last: 1}})
		}
	}
	rec.Fold(&usage.Tuple{
		Principal: 23, Operation: 2, Network: other, Shape: 41, Hour: usage.HourOf(noon) - 3,
		Calls: usage.Calls{Count: 1, Contexts: 1},
	})
	rec.Bound(noon, usage.MaxPrincipals)
	return rec
}

func someUsage(since time.Time) *admin.KeyUsage {
	u := someRecord().Summarize(usage.NewWindow(since, noon), names)
	return &admin.KeyUsage{Usage: *u, WatchedSince: before(40 * day)}
}

func TestUsageAsPeopleSeeIt(t *testing.T) {
	utf8Terminal := map[string]string{"LANG": "en_GB.UTF-8"}
	tests := []struct {
		name   string
		env    map[string]string
		change func(d *fakeDaemon)
		args   []string
		status admin.ExitStatus
	}{
		{name: "keys-usage", env: utf8Terminal},
		{name: "keys-usage-hours", env: utf8Terminal, args: []string{"--since", "36h"}},
		{name: "keys-usage-quarter-ascii", args: []string{"--since", "90d"}, change: func(d *fakeDaemon) {
			d.keys[0].LastUsage = &inventory.LastUsage{
				ReadAt: before(2 * time.Hour), TrackedSince: before(300 * day), At: at(-10 * time.Minute), Operation: "Decrypt",
			}
		}},
		{name: "keys-usage-none", change: func(d *fakeDaemon) {
			d.usage = func(since time.Time) *admin.KeyUsage {
				u := (&usage.Record{}).Summarize(usage.NewWindow(since, noon), names)
				return &admin.KeyUsage{Usage: *u, WatchedSince: before(3 * day)}
			}
			d.keys[0].LastUse = time.Time{}
			d.keys[0].LastUsage = &inventory.LastUsage{ReadAt: before(2 * time.Hour), TrackedSince: before(300 * day)}
		}},
		{name: "keys-usage-many", env: utf8Terminal, change: func(d *fakeDaemon) {
			d.usage = func(since time.Time) *admin.KeyUsage {
				rec := &usage.Record{}
				for i := range uint32(usage.MaxPrincipals + 3) {
					n, _ := usage.Source(fmt.Sprintf("10.0.%d.1", i%200))
					rec.Fold(&usage.Tuple{
						Principal: 100 + i, Operation: 1, Network: n, Hour: usage.HourOf(noon) - i%200,
						Calls: usage.Calls{Count: 1 + i*i*i},
					})
				}
				rec.Bound(noon, usage.MaxPrincipals)
				u := rec.Summarize(usage.NewWindow(since, noon), func(id uint32) string {
					return fmt.Sprintf("arn:aws:iam::111122223333:role/worker-%d", id)
				})
				return &admin.KeyUsage{Usage: *u, WatchedSince: before(40 * day)}
			}
		}},
		{name: "keys-usage-json", args: []string{"--since", "2h", "-o", "json"}},
		{name: "keys-usage-csv", args: []string{"-o", "csv"}},
		{name: "keys-usage-since-nonsense", args: []string{"--since", "soon"}, status: admin.ExitUsage},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d := newFakeDaemon()
			if test.change != nil {
				test.change(d)
			}
			env := map[string]string{"ROTD_SOCKET": serve(t, d)}
			maps.Copy(env, test.env)
			s := newSession(env)
			if got := s.run(t, append([]string{"keys", "usage", "alias/pay-cards"}, test.args...)...); got != test.status {
				t.Errorf("exit status %d, want %d", got, test.status)
			}
			shown := s.out.String()
			if s.err.Len() > 0 {
				shown += "--- stderr\n" + s.err.String()
			}
			golden(t, test.name, shown)
			fits(t, s)
		})
	}
}

func TestAChartFitsItsWidth(t *testing.T) {
	for _, width := range []int{20, 40, 78, 200} {
		for _, n := range []int{1, 2, 48, 90} {
			counts := make([]uint64, n)
			for i := range counts {
				counts[i] = uint64(i * i * 1000)
			}
			ch, perBar := newChart(counts, width, true)
			if bars := (n + perBar - 1) / perBar; bars != len(ch.bars) {
				t.Errorf("%d counts in %d columns: %d bars of %d", n, width, len(ch.bars), perBar)
			}
			lines := ch.lines("a", "b")
			for _, line := range lines[:len(lines)-1] {
				if utf8.RuneCountInString(line) > width {
					t.Errorf("%d counts in %d columns: %q", n, width, line)
				}
			}
		}
	}
}

func TestACountThatIsNotZeroShows(t *testing.T) {
	ch, _ := newChart([]uint64{0, 1, 1_000_000, 0}, 40, false)
	lines := ch.lines("from", "to")
	if got, want := lines[chartHeight-1], "     │  ▁▁██"; got != want {
		t.Errorf("the lowest line is %q, want %q", got, want)
	}
	if got, want := lines[0], "1.0M ┤    ██"; got != want {
		t.Errorf("the highest line is %q, want %q", got, want)
	}
}

func TestShortCounts(t *testing.T) {
	for n, want := range map[uint64]string{
		0: "0", 999: "999", 1000: "1.0k", 9949: "9.9k", 9950: "10k", 999_499: "999k", 999_500: "1.0M", 1 << 63: "9.2E",
	} {
		if got := short(n); got != want || len(got) > 4 {
			t.Errorf("%d is %q, want %q", n, got, want)
		}
	}
}

func TestChartsAreASCIIWhereNothingElseShows(t *testing.T) {
	for _, test := range []struct {
		env   map[string]string
		ascii bool
	}{
		{map[string]string{}, true},
		{map[string]string{"LANG": "C"}, true},
		{map[string]string{"LANG": "en_GB.UTF-8"}, false},
		{map[string]string{"LANG": "en_GB.UTF-8", "LC_ALL": "C"}, true},
		{map[string]string{"LC_CTYPE": "C.utf8"}, false},
	} {
		if got := newSession(test.env).cli.ascii(); got != test.ascii {
			t.Errorf("%v: %t", test.env, got)
		}
	}
	if strings.ContainsFunc(strings.Join((&chart{bars: []uint64{1}, most: 1, ascii: true}).lines("a", "b")[:6], ""),
		func(r rune) bool { return r > 127 }) {
		t.Error("an ASCII chart has other characters")
	}
}
