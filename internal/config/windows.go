package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // a container may have no files of its own about time zones

	"rotd/internal/pattern"
	"rotd/internal/remediation"
	"rotd/internal/suggest"
)

// window is one maintenance window.
func window(w *remediation.Window) shape {
	return object{
		fields: []field{
			{
				key: "days", doc: "Days of the week on which it opens: mon to sun; none: every day.",
				value: list[time.Weekday]{
					fresh: func() time.Weekday { return noDay },
					shape: weekday,
					keep:  func(d time.Weekday) { w.Days = append(w.Days, d) },
					id: func(d time.Weekday) string {
						if d == noDay {
							return ""
						}
						return d.String()
					},
				},
			},
			{key: "from", doc: "When it opens.", need: `from: "22:00"`, value: timeOfDay(&w.From)},
			{
				key: "to", doc: "When it closes; on the next day when that is not after from.", need: `to: "04:00"`,
				value: timeOfDay(&w.To),
			},
			{key: "zone", doc: "Time zone of from and to; UTC if not given.", value: zone(&w.Zone)},
		},
	}
}

const noDay time.Weekday = -1 // what is written is no day

func weekday(d *time.Weekday) shape {
	days := map[string]time.Weekday{
		"mon": time.Monday, "tue": time.Tuesday, "wed": time.Wednesday, "thu": time.Thursday, "fri": time.Friday,
		"sat": time.Saturday, "sun": time.Sunday,
	}
	names := slices.Sorted(maps.Keys(days))
	slices.SortFunc(names, func(a, b string) int { return int(days[a]+6)%7 - int(days[b]+6)%7 })
	return scalar{
		want: "a day of the week: " + enumerate(names), text: stringText,
		about: map[string]any{"type": "string", "enum": names},
		set: func(value string) (err error) {
			day, ok := days[value]
			if !ok {
				return fmt.Errorf("%q is not %s%s", shorten(value), enumerate(names), suggest.DidYouMean(value, names))
			}
			*d = day
			return nil
		},
	}
}

var clockTime = pattern.New(`^(([01]\d|2[0-3]):[0-5]\d|24:00)$`)

// timeOfDay is the time since midnight. In quotes: YAML may take 22:00 for a number.
func timeOfDay(to *time.Duration) shape {
	return scalar{
		want: `a time of the day in quotes, such as "22:00"`, text: stringText,
		about: map[string]any{"type": "string", "pattern": clockTime().String()},
		set: func(value string) error {
			if !clockTime.MatchString(value) {
				return fmt.Errorf("%q is not a time of the day: write it in quotes, from \"00:00\" to \"24:00\"", shorten(value))
			}
			d, err := time.ParseDuration(strings.Replace(value, ":", "h", 1) + "m")
			*to = d
			return err
		},
	}
}

func zone(to **time.Location) shape {
	return scalar{
		want: "a time zone such as Europe/Berlin", text: stringText, about: map[string]any{"type": "string"},
		set: func(value string) error {
			where, err := time.LoadLocation(value)
			if err != nil || value == "" || value == "Local" {
				return fmt.Errorf("%q is not a time zone: write for example Europe/Berlin or UTC", shorten(value))
			}
			*to = where
			return nil
		},
	}
}
