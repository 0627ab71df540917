package remediation

import (
	"testing"
	"time"
)

func TestWindows(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	at := func(text string) time.Time {
		when, err := time.Parse("2006-01-02 15:04", text)
		if err != nil {
			t.Fatal(err)
		}
		return when
	}
	night := Window{From: 22 * time.Hour, To: 4 * time.Hour, Zone: time.UTC}
	weekend := Window{
		Days: []time.Weekday{time.Saturday, time.Sunday}, From: 22 * time.Hour, To: 4 * time.Hour, Zone: time.UTC,
	}
	sunday := Window{Days: []time.Weekday{time.Sunday}, To: 24 * time.Hour, Zone: time.UTC}
	noon := Window{From: 12 * time.Hour, To: 13 * time.Hour, Zone: time.UTC}
	spring := Window{From: 2*time.Hour + 30*time.Minute, To: 5 * time.Hour, Zone: berlin}
	eight := Window{From: 8 * time.Hour, To: 9 * time.Hour, Zone: berlin}
	wednesday := Window{Days: []time.Weekday{time.Wednesday}, To: 2 * time.Hour, Zone: berlin}
	tests := []struct {
		name    string
		windows Windows
		now     string // UTC; 2026-11-03 is a Tuesday
		next    string // "": open
	}{
		{"no windows are always open", nil, "2026-11-03 12:00", ""},
		{"before it opens", Windows{night}, "2026-11-03 21:59", "2026-11-03 22:00"},
		{"it opens on the minute", Windows{night}, "2026-11-03 22:00", ""},
		{"past midnight it is still open", Windows{night}, "2026-11-03 03:59", ""},
		{"it closes on the minute", Windows{night}, "2026-11-03 04:00", "2026-11-03 22:00"},
		{"a day of the week is the one it opens on", Windows{weekend}, "2026-11-09 03:00", ""},
		{"the night before its day is no window", Windows{weekend}, "2026-11-07 03:00", "2026-11-07 22:00"},
		{"just over, a weekly one is a week away", Windows{sunday}, "2026-11-09 00:00", "2026-11-15 00:00"},
		{"the whole day is open", Windows{sunday}, "2026-11-08 23:59", ""},
		{"the nearest of several opens", Windows{weekend, noon}, "2026-11-03 11:00", "2026-11-03 12:00"},
		{"any of several may be open", Windows{weekend, noon}, "2026-11-03 12:30", ""},
		{"the zone's clock counts in summer", Windows{eight}, "2026-07-01 06:30", ""},
		{"the zone's clock counts in winter", Windows{eight}, "2026-12-01 06:30", "2026-12-01 07:00"},
		{"an hour that does not exist is not skipped", Windows{spring}, "2026-03-29 00:00", "2026-03-29 01:30"},
		{"the day is the zone's", Windows{wednesday}, "2026-11-03 23:30", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			next, open := tt.windows.Open(at(tt.now))
			switch {
			case open != (tt.next == ""):
				t.Errorf("open is %t", open)
			case !open && !next.Equal(at(tt.next)):
				t.Errorf("the next opens at %s, want %s", next.UTC(), tt.next)
			}
		})
	}
	if got := weekend.String(); got != "Sat, Sun 22:00–04:00 UTC" {
		t.Errorf("called %q", got)
	}
	if got := night.String(); got != "daily 22:00–04:00 UTC" {
		t.Errorf("called %q", got)
	}
}
