package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// day is 24 hours; KMS counts in days.
const day = 24 * time.Hour

// longest keeps sums of durations far from overflow.
const longest = 36500 * day

// parseDuration reads Go's durations, which may begin with whole days: 90d, 1d12h, 1h30m.
func parseDuration(s string) (time.Duration, error) {
	wrong := fmt.Errorf("%q is not a duration: write for example 90d, 36h or 1h30m", shorten(s))
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
	if time.Duration(n) > longest/day || d > longest {
		return 0, fmt.Errorf("%s is longer than %s", shorten(s), formatDuration(longest))
	}
	return time.Duration(n)*day + d, nil
}

// formatDuration writes a duration the way the file does.
func formatDuration(d time.Duration) string {
	if d != 0 && d%day == 0 {
		return strconv.Itoa(int(d/day)) + "d"
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
