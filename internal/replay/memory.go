package replay

import (
	"cmp"
	"slices"
	"time"
)

// Bounds of the memory: what rules note of an archive of any size.
const (
	maxSeries = 64      // ids a series remembers, as the daemon's memory
	maxNames  = 1 << 18 // series and notes, each
)

// memory is what rules remember during a replay; it answers as the daemon's does.
type memory struct {
	series map[string]series
	notes  map[string]note
}

type series struct {
	entries []entry // by time
	expires time.Time
}

type entry struct {
	at time.Time
	id string
}

type note struct {
	value   string
	expires time.Time
}

func newMemory() *memory {
	return &memory{series: make(map[string]series), notes: make(map[string]note)}
}

// Count notes that id happened in series at a time, and returns how many distinct ids fall into the window that ends
// there.
func (m *memory) Count(name, id string, at time.Time, window time.Duration) int {
	s := m.series[name]
	if !s.expires.After(at) {
		s.entries = nil
	}
	if !slices.ContainsFunc(s.entries, func(e entry) bool { return e.id == id }) {
		s.entries = append(s.entries, entry{at: at, id: id})
		slices.SortStableFunc(s.entries, func(a, b entry) int {
			return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.id, b.id))
		})
		s.entries = s.entries[max(len(s.entries)-maxSeries, 0):]
		s.expires = s.entries[len(s.entries)-1].at.Add(2 * window)
		forget(m.series, func(s series) time.Time { return s.expires }, at)
		m.series[name] = s
	}
	n := 0
	for _, e := range s.entries {
		if !e.at.After(at) && e.at.After(at.Add(-window)) {
			n++
		}
	}
	return n
}

// Note keeps a value under a name until at+keep.
func (m *memory) Note(name, value string, at time.Time, keep time.Duration) {
	forget(m.notes, func(n note) time.Time { return n.expires }, at)
	m.notes[name] = note{value: value, expires: at.Add(keep)}
}

// Noted returns what was noted under name and is still valid at the given time.
func (m *memory) Noted(name string, at time.Time) string {
	n, ok := m.notes[name]
	if !ok || !n.expires.After(at) {
		return ""
	}
	return n.value
}

// forget makes room when there are too many entries: first what expired, and if that is not half of them, what expires
// soonest.
func forget[V any](all map[string]V, expires func(V) time.Time, at time.Time) {
	if len(all) < maxNames {
		return
	}
	ends := make([]time.Time, 0, len(all))
	for _, v := range all {
		ends = append(ends, expires(v))
	}
	slices.SortFunc(ends, time.Time.Compare)
	limit := ends[len(ends)/2]
	if at.After(limit) {
		limit = at
	}
	for name, v := range all {
		if !expires(v).After(limit) {
			delete(all, name)
		}
	}
}
