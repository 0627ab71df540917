package baseline

import "slices"

// small is up to how many different things within an hour nobody looks at: such hours are not remembered.
const small = 8

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

// Usual is what is usual of something that happens now and then.
type Usual struct {
	N int // in how many hours it happened
	// Median and Spread of the counts in those hours. Spread is the median absolute deviation: unlike a mean and its
	// standard deviation neither moves when one of the hours was an attack. Hampel, "The Influence Curve and Its Role in
	// Robust Estimation", 1974.
	Calls, Distinct Robust
	Most            Counts // the greatest of each
}

// Robust is a sample's median and median absolute deviation.
type Robust struct{ Median, Spread int }

// usual sums up the bursts of a class that lie around an hour's time of the day, on days of its kind; with any of all
// times.
func usual(all []burst, class Class, hour uint32, anyTime bool) (u Usual) {
	var calls, distinct [MaxBursts]int
	for _, b := range all {
		if b.class != class || b.hour >= hour || !anyTime && !sameTime(b.hour, hour) {
			continue
		}
		calls[u.N], distinct[u.N] = int(b.calls), int(b.distinct)
		u.N++
	}
	if u.N == 0 {
		return u
	}
	u.Most = Counts{slices.Max(calls[:u.N]), slices.Max(distinct[:u.N])}
	u.Calls, u.Distinct = robust(calls[:u.N]), robust(distinct[:u.N])
	return u
}

// sameTime reports whether two hours are of the same kind of day, a working day or not, and at most three hours apart
// in it: summer time moves jobs by an hour, a queue by another. Days are UTC's.
func sameTime(a, b uint32) bool {
	const dayHours, near = 24, 3
	apart := (a%dayHours + dayHours - b%dayHours) % dayHours
	return min(apart, dayHours-apart) <= near && weekend(a) == weekend(b)
}

// weekend reports whether an hour lies in a Saturday or Sunday; 1970 began on a Thursday.
func weekend(hour uint32) bool {
	day := hour / 24 % 7
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
