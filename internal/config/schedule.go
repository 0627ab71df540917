package config

import (
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// schedule is a cron specification as the scheduler takes it.
func schedule(to *string) shape {
	return text(to, `a schedule such as "*/15 * * * *" or "@every 6h"`, checkSchedule)
}

func checkSchedule(s string) error {
	const right = `write for example "*/15 * * * *", "CRON_TZ=Europe/Berlin 17 3 * * *" or "@every 6h"`
	// cron v3.0.1 panics on a zone without a specification after it.
	if strings.HasPrefix(s, "TZ=") || strings.HasPrefix(s, "CRON_TZ=") {
		if !strings.Contains(s, " ") {
			return fmt.Errorf("%q is only a time zone: %s", shorten(s), right)
		}
	}
	parsed, err := cron.ParseStandard(s)
	if err != nil {
		return fmt.Errorf("%q is not a schedule (%v): %s", shorten(s), err, right)
	}
	if every, ok := strings.CutPrefix(s, "@every "); ok {
		if d, err := time.ParseDuration(every); err != nil || d < time.Second {
			return fmt.Errorf("%q is more often than once a second: %s", shorten(s), right)
		}
	}
	// Any year does: what comes in none is a 31st of February.
	if parsed.Next(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return fmt.Errorf("%q never comes: %s", shorten(s), right)
	}
	return nil
}
