package detection

import "time"

// habit reports whether a principal has done something on more than three days of four weeks, this one included: then
// it is its way, and nothing that anybody has to be told of as news. Memory keeps the days.
func (c *Context) habit(what, principal string, at time.Time) bool {
	day := at.UTC().Format(time.DateOnly)
	return c.Memory.Count("habit\x00"+what+"\x00"+principal, day, at, habitSpan) > habitDays
}
