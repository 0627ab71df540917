package replay

import (
	"time"

	"rotd/internal/events/trail"
)

// Delivery is to the day in a file's path what it may be to an event's time: later by up to two days, and never earlier
// but by what clocks are apart.
const (
	deliveredLate  = 2 * 24 * time.Hour
	deliveredEarly = 24 * time.Hour
)

// ValidatedDays are the days whose log files are held against digests: none of those before Since, which only teach.
func (o *Options) ValidatedDays() trail.Days {
	return trail.Days{From: o.Since, To: o.Archive().Days.To}
}

// Archive is where the log files are, without those of days that the options leave out.
func (o *Options) Archive() *trail.Archive {
	a := &trail.Archive{Store: o.Store, Limits: o.Limits, Validates: o.Validation != nil}
	if !o.Since.IsZero() && o.Lead >= 0 {
		a.Days.From = o.Since.Add(-o.Lead - deliveredEarly)
	}
	if !o.Until.IsZero() {
		a.Days.To = o.Until.Add(deliveredLate)
	}
	return a
}
