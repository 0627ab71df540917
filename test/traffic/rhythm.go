package traffic

import "time"

// zone is where people are: its clock with summer time, and its holidays.
type zone struct {
	name     string
	winter   int // hours ahead of UTC
	summer   func(year int) (from, to int64)
	holidays map[string]bool // "01-02", month and day, local
}

// Summer time begins and ends on Sundays.
func sunday(year int, month time.Month, nth int, hour int) int64 {
	first := time.Date(year, month, 1, hour, 0, 0, 0, time.UTC)
	if nth < 0 { // the last
		last := time.Date(year, month+1, 0, hour, 0, 0, 0, time.UTC)
		return last.AddDate(0, 0, -int(last.Weekday())).UnixMilli()
	}
	return first.AddDate(0, 0, (7-int(first.Weekday()))%7+7*(nth-1)).UnixMilli()
}

func europeanSummer(year int) (from, to int64) {
	return sunday(year, time.March, -1, 1), sunday(year, time.October, -1, 1)
}

func americanSummer(year int) (from, to int64) {
	return sunday(year, time.March, 2, 7), sunday(year, time.November, 1, 6)
}

func noSummer(int) (from, to int64) { return 0, 0 }

var zones = []zone{
	{"Berlin", 1, europeanSummer, map[string]bool{
		"01-01": true, "04-03": true, "04-06": true, "05-01": true, "05-14": true, "05-25": true,
		"10-03": true, "12-24": true, "12-25": true, "12-26": true, "12-31": true,
	}},
	{"New York", -5, americanSummer, map[string]bool{
		"01-01": true, "01-19": true, "05-25": true, "06-19": true, "07-03": true, "09-07": true,
		"11-26": true, "11-27": true, "12-24": true, "12-25": true,
	}},
	{"Bengaluru", 5, noSummer, map[string]bool{
		"01-26": true, "03-04": true, "05-01": true, "08-15": true, "10-02": true, "11-09": true, "12-25": true,
	}},
}

const (
	hourMillis = int64(time.Hour / time.Millisecond)
	dayMillis  = 24 * hourMillis
)

// calendar answers what people's clocks show, without asking package time for each call.
type calendar struct {
	zone     zone
	index    int      // of the zone
	from, to [4]int64 // summer times of the years from the first
	first    int
	days     map[int64]day
}

type day struct{ rest, monthEnd bool }

func newCalendar(index int, start time.Time) *calendar {
	z := zones[index]
	c := &calendar{zone: z, index: index, first: start.Year() - 1, days: map[int64]day{}}
	for i := range c.from {
		c.from[i], c.to[i] = z.summer(c.first + i)
	}
	return c
}

// local is the day since 1970 and the hour of it, with its fraction.
func (c *calendar) local(at int64) (date int64, hour float64) {
	shown := at + int64(c.zone.winter)*hourMillis
	for i := range c.from {
		if at >= c.from[i] && at < c.to[i] {
			shown += hourMillis
		}
	}
	date = shown / dayMillis
	return date, float64(shown-date*dayMillis) / float64(hourMillis)
}

func (c *calendar) day(date int64) day {
	if d, ok := c.days[date]; ok {
		return d
	}
	t := time.UnixMilli(date * dayMillis).UTC()
	d := day{
		rest:     t.Weekday() == time.Saturday || t.Weekday() == time.Sunday || c.zone.holidays[t.Format("01-02")],
		monthEnd: t.AddDate(0, 0, 2).Day() <= 3, // the last two days and the first
	}
	c.days[date] = d
	return d
}

// rhythm is how busy somebody is at a time: 1 is a usual busy hour.
type rhythm func(c *calendar, at int64) float64

// most is above what any rhythm says.
const most = 2.5

// office is people at work.
func office(c *calendar, at int64) float64 {
	date, hour := c.local(at)
	switch {
	case c.day(date).rest:
		return 0.01
	case hour < 7 || hour >= 21:
		return 0.01
	case hour < 9 || hour >= 18:
		return 0.15
	case hour >= 12 && hour < 13:
		return 0.45
	}
	return 1
}

// customers are people at home: less at night, most in the evening, weekends too.
func customers(c *calendar, at int64) float64 {
	date, hour := c.local(at)
	level := [24]float64{
		.30, .22, .18, .16, .16, .20, .32, .50, .62, .68, .70, .74,
		.80, .76, .72, .72, .76, .84, .94, 1, 1, .90, .70, .46,
	}[int(hour)]
	if c.day(date).rest {
		level *= 1.1
	}
	return level
}

// business is machines that serve people at work, and books that are closed at the end of a month.
func business(c *calendar, at int64) float64 {
	date, hour := c.local(at)
	level := 0.2
	if hour >= 7 && hour < 19 {
		level = 1
	}
	d := c.day(date)
	if d.rest {
		level *= 0.25
	}
	if d.monthEnd {
		level *= 1.9
	}
	return level
}

func steady(*calendar, int64) float64 { return 0.7 }

// again is when somebody who calls so often a day at usual busy hours has the next turn, by thinning.
func (s *stage) again(perDay float64, c *calendar, r rhythm, scale func(at int64) float64) int64 {
	at := s.now
	gap := float64(dayMillis) / (perDay * most)
	for {
		at += max(int64(s.dice.exponential()*gap), 1)
		if at >= s.end {
			return never
		}
		level := r(c, at)
		if scale != nil {
			level *= scale(at)
		}
		if s.dice.float()*most < level {
			return at
		}
	}
}
