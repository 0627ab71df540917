package baseline

import "time"

// monday is a Monday at midnight.
var monday = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

func at(day, hour, minute int) time.Time {
	return monday.Add(time.Duration(day)*24*time.Hour + time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute)
}

// secret is the context of the n-th secret.
func secret(n int) Context {
	var m ContextMaker
	m.Add("SecretARN", string(rune('a'+n%26))+string(rune('a'+n/26)))
	return m.Context()
}

// reads has a principal read so many secrets, one after the other within some minutes, and answers what was seen of the
// last.
func (k *Key) reads(principal string, when time.Time, secrets int) (last Observed) {
	for n := range secrets {
		last = Observed{}
		k.Observe(&Use{
			At: when.Add(time.Duration(n) * time.Second), Principal: IDOf(principal), Context: secret(n), Decrypts: true,
			Symmetric: true,
		}, &last)
	}
	return last
}
