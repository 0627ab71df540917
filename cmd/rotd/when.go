package main

import (
	"fmt"
	"math"
	"strings"
	"time"

	spans "rotd/internal/span"
)

const day = 24 * time.Hour

// stamp is a time for people: `2026-03-14 12:00:05Z`.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05Z") }

// ago is how far a time is from now, roughly: `now`, `3m ago`, `in 12d`; `-` for none.
func ago(now, t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	d := now.Sub(t)
	switch {
	case d > -time.Second && d < time.Second:
		return "now"
	case d < 0:
		return "in " + span(-d)
	}
	return span(d) + " ago"
}

// span is a duration in its largest unit, two for hours under ten.
func span(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 10*time.Hour && d%time.Hour >= time.Minute:
		return fmt.Sprintf("%dh%dm", int(d.Hours()), int(d.Minutes())%60)
	case d < 2*day:
		return fmt.Sprintf("%dh", int(d.Hours()))
	case d < 2*365*day:
		return fmt.Sprintf("%dd", int(d/day))
	}
	return fmt.Sprintf("%dy", int(d/(365*day)))
}

// both is a time absolute and relative; `never` for none.
func both(now, t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return fmt.Sprintf("%s (%s)", stamp(t), ago(now, t))
}

// maxDays are as many as a duration holds.
const maxDays = int(math.MaxInt64 / day)

// parseDays reads a duration in whole days, such as 90d.
func parseDays(s string) (int, error) {
	var days int
	number, ok := strings.CutSuffix(s, "d")
	if n, err := fmt.Sscanf(number, "%d", &days); !ok || err != nil || n != 1 || fmt.Sprint(days) != number || days < 1 ||
		days > maxDays {
		return 0, fmt.Errorf("%q is no number of days such as 90d", s)
	}
	return days, nil
}

// parseSince reads a time, or how long ago: 90d, 36h, 2026-03-14, 2026-03-14T12:00:00Z.
func parseSince(now time.Time, s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if d, err := spans.Parse(s); err == nil && d > 0 {
		return now.Add(-d), nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is neither a time (2026-03-14T12:00:00Z) nor how long ago (24h, 90d)", s)
}
