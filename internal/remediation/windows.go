package remediation

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Window is a time of the week in which keys may be acted on.
type Window struct {
	Days []time.Weekday // on which it opens; none: on every day
	From time.Duration  // since midnight, when it opens
	To   time.Duration  // since midnight, when it closes, on the next day when not after From
	Zone *time.Location // whose clock that is
}

// Windows are the times in which keys may be acted on; none: at any time.
type Windows []Window

// Open says whether keys may be acted on now and, when they may not, when the next window opens.
func (w Windows) Open(now time.Time) (next time.Time, open bool) {
	if len(w) == 0 {
		return time.Time{}, true
	}
	for i := range w {
		// One that opened yesterday may still be open; in a week every day comes once.
		for day := -1; day <= 7; day++ {
			opens, closes, ok := w[i].on(now.In(w[i].Zone), day)
			switch {
			case !ok || !closes.After(now):
			case !opens.After(now):
				return time.Time{}, true
			case next.IsZero() || opens.Before(next):
				next = opens
			}
		}
	}
	return next, false
}

// on is when the window opens and closes on the day that is so many days after now's; ok is false when it does not
// open then. Clocks that are put forward or back move with the zone: 02:30 is what the time package makes of it.
func (w *Window) on(now time.Time, days int) (opens, closes time.Time, ok bool) {
	at := func(days int, since time.Duration) time.Time {
		y, m, d := now.Date()
		return time.Date(y, m, d+days, 0, int(since.Minutes()), 0, 0, w.Zone)
	}
	opens = at(days, w.From)
	if len(w.Days) > 0 && !slices.Contains(w.Days, at(days, 0).Weekday()) {
		return opens, closes, false
	}
	if w.To > w.From {
		return opens, at(days, w.To), true
	}
	return opens, at(days+1, w.To), true
}

// String is a window as people say it: `Sat, Sun 22:00–04:00 Europe/Berlin`.
func (w *Window) String() string {
	days := make([]string, 0, len(w.Days))
	for _, d := range w.Days {
		days = append(days, d.String()[:3])
	}
	if len(days) == 0 {
		days = append(days, "daily")
	}
	minutes := func(d time.Duration) string { return fmt.Sprintf("%02d:%02d", d/time.Hour, d/time.Minute%60) }
	return fmt.Sprintf("%s %s–%s %s", strings.Join(days, ", "), minutes(w.From), minutes(w.To), w.Zone)
}
