package report

import "time"

// stampOr is a time for people; never for none.
func stampOr(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return stamp(t)
}

func date(t *time.Time) string {
	if t == nil || t.IsZero() {
		return "–"
	}
	return t.UTC().Format(time.DateOnly)
}
