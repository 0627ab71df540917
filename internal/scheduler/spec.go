package scheduler

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// ParseSpec reads when a job is due: five cron fields (minute hour day-of-month month day-of-week), a word such as
// @hourly, or "@every 6h". Times are UTC unless the spec begins with CRON_TZ=Area/City.
func ParseSpec(spec string) (cron.Schedule, error) {
	spec = strings.TrimSpace(spec)
	if spec == "" {
		return nil, errors.New("empty schedule")
	}
	zone, fields, zoned := strings.Cut(spec, " ")
	if !zoned || !strings.HasPrefix(zone, "CRON_TZ=") && !strings.HasPrefix(zone, "TZ=") {
		zone, fields = "CRON_TZ=UTC", spec
	}
	if name := zone[strings.Index(zone, "=")+1:]; name == "" || name == "Local" {
		return nil, errors.New("a time zone must be named, as in CRON_TZ=Europe/Paris")
	}
	fields = strings.TrimSpace(fields)
	if every, ok := strings.CutPrefix(fields, "@every "); ok {
		return parseEvery(every)
	}
	// cron slices a zone up to the first space without looking for it: it must not get one without.
	if strings.HasPrefix(fields, "CRON_TZ=") || strings.HasPrefix(fields, "TZ=") {
		return nil, errors.New("a time zone without a schedule behind it")
	}
	schedule, err := cron.ParseStandard(zone + " " + fields)
	if err != nil {
		return nil, err
	}
	if schedule.Next(time.Now()).IsZero() {
		return nil, errors.New("is never due")
	}
	return schedule, nil
}

func parseEvery(every string) (cron.Schedule, error) {
	d, err := time.ParseDuration(strings.TrimSpace(every))
	if err != nil {
		return nil, fmt.Errorf("@every needs a duration such as 6h or 15m: %w", err)
	}
	if d < time.Second {
		return nil, fmt.Errorf("@every %v is shorter than a second", d)
	}
	return cron.Every(d), nil
}
