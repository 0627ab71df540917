package config

import (
	"fmt"

	"rotd/internal/scheduler"
)

// schedule is a specification as the scheduler takes it.
func schedule(to *string) shape {
	return text(to, `a schedule such as "*/15 * * * *" or "@every 6h"`, checkSchedule)
}

func checkSchedule(s string) error {
	if _, err := scheduler.ParseSpec(s); err != nil {
		return fmt.Errorf("%q is not a schedule: %w; write for example \"*/15 * * * *\", "+
			"\"CRON_TZ=Europe/Berlin 17 3 * * *\" or \"@every 6h\"", shorten(s), err)
	}
	return nil
}
