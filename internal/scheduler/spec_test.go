package scheduler

import (
	"testing"
	"time"
)

func TestSpecsSayWhenAJobIsDue(t *testing.T) {
	from := time.Date(2026, 3, 28, 12, 0, 0, 0, time.UTC)
	for _, tc := range []struct{ name, spec, next string }{
		{"five fields are UTC", "17 3 * * *", "2026-03-29T03:17:00Z"},
		{"a word is UTC", "@daily", "2026-03-29T00:00:00Z"},
		{"an interval", "@every 90m", "2026-03-28T13:30:00Z"},
		{"a zone in winter time", "CRON_TZ=Europe/Paris 0 14 * * *", "2026-03-28T13:00:00Z"},
		{"a zone's word", "CRON_TZ=Europe/Paris @daily", "2026-03-28T23:00:00Z"},
		{"the short form of a zone", "TZ=Asia/Tokyo 0 0 * * *", "2026-03-28T15:00:00Z"},
		{"space around", "  */15 * * * * ", "2026-03-28T12:15:00Z"},
		{"names of months and days", "0 9 * APR MON", "2026-04-06T09:00:00Z"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, err := ParseSpec(tc.spec)
			if err != nil {
				t.Fatal(err)
			}
			diff(t, "next", s.Next(from).UTC().Format(time.RFC3339), tc.next)
		})
	}
}

func TestSpecsThatCannotBeAreRefused(t *testing.T) {
	for _, tc := range []struct{ name, spec, want string }{
		{"nothing", " ", "empty schedule"},
		{"a zone alone", "CRON_TZ=UTC", "a time zone without a schedule behind it"},
		{"a zone without a name", "CRON_TZ= @daily", "a time zone must be named, as in CRON_TZ=Europe/Paris"},
		{"two zones", "TZ=UTC TZ=UTC", "a time zone without a schedule behind it"},
		{"an unknown zone", "CRON_TZ=Mars/Base @daily", "provided bad location Mars/Base: unknown time zone Mars/Base"},
		{"a day that never comes", "0 0 30 2 *", "is never due"},
		{"an interval under a second", "@every 10ms", "@every 10ms is shorter than a second"},
		{"a negative interval", "@every -1h", "@every -1h0m0s is shorter than a second"},
		{"an unknown word", "@sometimes", "unrecognized descriptor: @sometimes"},
		{"a minute too large", "60 * * * *", "end of range (60) above maximum (59): 60"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := ParseSpec(tc.spec)
			if err == nil {
				t.Fatal("no error")
			}
			diff(t, "error", err.Error(), tc.want)
		})
	}
}

func FuzzParseSpec(f *testing.F) {
	for _, seed := range []string{"* * * * *", "@every 1h", "CRON_TZ=UTC", "TZ= 1", "*/0 * * * *", "TZ=UTC\t@daily"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, spec string) {
		s, err := ParseSpec(spec)
		if err != nil {
			return
		}
		now := time.Now()
		if next := s.Next(now); !next.After(now) {
			t.Errorf("%q is next due at %v", spec, next)
		}
	})
}
