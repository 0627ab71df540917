// Package span reads and writes lengths of time as rotd's files have them: 90d, 1d12h, 1h30m. Pure.
package span

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Day is 24 hours; KMS counts in days.
const Day = 24 * time.Hour

// Longest keeps sums of durations far from overflow.
const Longest = 36500 * Day

// Parse reads Go's durations, which may begin with whole days: 90d, 1d12h, 1h30m.
func Parse(s string) (time.Duration, error) {
	wrong := fmt.Errorf("%.80q is not a duration: write for example 90d, 36h or 1h30m", s)
	days, rest, hasDays := strings.Cut(s, "d")
	if !hasDays {
		days, rest = "0", s
	}
	n, err := strconv.ParseUint(days, 10, 32)
	if err != nil {
		return 0, wrong
	}
	var d time.Duration
	if rest != "" || !hasDays {
		if d, err = time.ParseDuration(rest); err != nil || strings.ContainsAny(rest, "+-") {
			return 0, wrong
		}
	}
	if time.Duration(n) > Longest/Day || d > Longest {
		return 0, fmt.Errorf("%.80s is longer than %s", s, Format(Longest))
	}
	return time.Duration(n)*Day + d, nil
}

// Format writes a length of time the way the files do.
func Format(d time.Duration) string {
	if d != 0 && d%Day == 0 {
		return strconv.Itoa(int(d/Day)) + "d"
	}
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
