package trail

import (
	"strings"
	"time"
)

// Days bounds the days on which log files were delivered. Their paths tell them: …/us-east-1/2026/03/14/name. A zero
// time is no bound, and a path that tells no day is within any.
type Days struct{ From, To time.Time }

const dayLayout = "2006/01/02"

// within reports whether a slash-separated path's day lies within.
func (d Days) within(path string) bool { return d.next(path) == "" }

// next is the key from behind which on a listing may go on after a path whose day lies outside; "" when it lies within.
func (d Days) next(path string) string {
	folder, day := dated(path)
	switch {
	case day == "":
		return ""
	case !d.From.IsZero() && day < d.From.UTC().Format(dayLayout):
		return folder + d.From.UTC().Format(dayLayout)
	case !d.To.IsZero() && day > d.To.UTC().Format(dayLayout):
		return folder + ":" // which follows the digits
	}
	return ""
}

// dated is the day that a path tells right before the file's name, and the folder of days it is in; "" for none.
func dated(path string) (folder, day string) {
	end := strings.LastIndexByte(path, '/')
	start := end - len(dayLayout)
	if start < 0 || start > 0 && path[start-1] != '/' {
		return "", ""
	}
	day = path[start:end]
	if _, err := time.Parse(dayLayout, day); err != nil {
		return "", ""
	}
	return path[:start], day
}

// ofDigests are the days on which the digests come that are of files of these: those of a day's last hour come on the
// next one.
func (d Days) ofDigests() Days {
	if !d.To.IsZero() {
		d.To = d.To.Add(24 * time.Hour)
	}
	return d
}
