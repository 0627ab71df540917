package baseline

import "slices"

// Small is up to how many different things of a class within an hour nobody looks at: such hours are not remembered,
// and say nothing of what is read when much is.
func Small(class Class) int {
	switch class {
	case Secrets, Parameters, Volumes:
		return 8
	case Objects:
		return 128
	case NoContext, Logs, Services, Own, classes:
	}
	return 32
}

// burst is an hour in which a principal read many things with a key.
type burst struct {
	hour            uint32
	class           Class
	calls, distinct uint32
}

// Hours of one part of a day are one burst: what is remembered of a principal that is busy all day is then days, not
// hours.
const partHours = 3

// learn remembers an hour's counts.
func learn(all []burst, b burst) []burst {
	for i := len(all) - 1; i >= 0; i-- {
		if all[i].class == b.class && all[i].hour/partHours == b.hour/partHours {
			all[i].calls, all[i].distinct = max(all[i].calls, b.calls), max(all[i].distinct, b.distinct)
			return all
		}
	}
	at, _ := slices.BinarySearchFunc(all, b.hour, func(x burst, hour uint32) int { return int(x.hour) - int(hour) })
	all = slices.Insert(all, at, b)
	return all[max(len(all)-MaxBursts, 0):]
}

// Usual is what is usual of something that happens on some days: of each day the fullest hour.
type Usual struct {
	N int // on how many days it happened
	// Median and Spread of the counts in those hours. Spread is the median absolute deviation: unlike a mean and its
	// standard deviation neither moves when one of the hours was an attack. Hampel, "The Influence Curve and Its Role in
	// Robust Estimation", 1974.
	Calls, Distinct Robust
	Most            Counts // the greatest of each
}

// Robust is a sample's median and median absolute deviation.
type Robust struct{ Median, Spread int }

// Times says which hours are like one.
type Times int

// Times.
const (
	AnyTime   Times = iota // all there are
	TimeOfDay              // around its time of the day
	SameTime               // around its time of the day, on days of its kind: working days, or Saturdays and Sundays
)

// usual sums up the bursts of some classes in the hours before one that are like it.
func usual(all []burst, of classSet, hour uint32, times Times) (u Usual) {
	var calls, distinct [MaxBursts]int
	last := uint32(0) // how many days before the hour
	for i := len(all) - 1; i >= 0; i-- {
		b := &all[i]
		if !of.has(b.class) || b.hour >= hour || times > AnyTime && !sameTime(b.hour, hour) ||
			times == SameTime && weekend(b.hour) != weekend(hour) {
			continue
		}
		if day := (hour - b.hour + dayHours/2) / dayHours; u.N == 0 || day != last {
			u.N, last = u.N+1, day
		}
		calls[u.N-1] = max(calls[u.N-1], int(b.calls))
		distinct[u.N-1] = max(distinct[u.N-1], int(b.distinct))
	}
	return u.of(calls[:u.N], distinct[:u.N])
}

// of fills in what follows from the counts of N days, which it uses up.
func (u Usual) of(calls, distinct []int) Usual {
	if u.N > 0 {
		u.Most = Counts{slices.Max(calls), slices.Max(distinct)}
		u.Calls, u.Distinct = robust(calls), robust(distinct)
	}
	return u
}

const dayHours = 24

// sameTime reports whether two hours are at most three hours apart in their days: summer time moves jobs by an hour, a
// queue by another. Days are UTC's.
func sameTime(a, b uint32) bool {
	const near = 3
	apart := (a%dayHours + dayHours - b%dayHours) % dayHours
	return min(apart, dayHours-apart) <= near
}

// weekend reports whether an hour lies in a Saturday or Sunday; 1970 began on a Thursday.
func weekend(hour uint32) bool {
	day := hour / dayHours % 7
	return day == 2 || day == 3
}

// robust uses up the sample, which is not empty.
func robust(sample []int) Robust {
	median := middle(sample)
	for i, x := range sample {
		sample[i] = max(x-median, median-x)
	}
	return Robust{median, middle(sample)}
}

// middle is the lower median: of two hours the quieter one.
func middle(sample []int) int {
	slices.Sort(sample)
	return sample[(len(sample)-1)/2]
}
