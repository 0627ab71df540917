package replay

import (
	"crypto/sha256"
	"slices"
	"time"

	"rotd/internal/counting"
	"rotd/internal/detection"
)

// maxNames bounds the memory that the catalogue's rules share, series and notes each: what they note of an
// archive of any size.
const maxNames = 1 << 18

// memory is what rules remember during a replay; it answers as the daemon's does.
type memory struct {
	series map[string]series
	notes  map[string]note
	most   int
	rooms  map[string]*memory
}

type series struct {
	entries counting.Series
	expires time.Time
}

type note struct {
	value   string
	expires time.Time
}

func newMemory(most int) *memory {
	return &memory{
		series: make(map[string]series), notes: make(map[string]note), most: most, rooms: make(map[string]*memory),
	}
}

// room is a users' rule's part of the memory.
func (m *memory) room(rule string, most int) detection.Memory {
	r := m.rooms[rule]
	if r == nil {
		r = newMemory(most)
		m.rooms[rule] = r
	}
	return r
}

// Count notes that id happened in series at a time, and returns how many distinct ids the fullest window has that holds
// that time.
func (m *memory) Count(name, id string, at time.Time, window time.Duration) int {
	s := m.series[name]
	if !s.expires.After(at) {
		s.entries = nil
	}
	hash := sha256.Sum256([]byte(id))
	entries, changed := s.entries.With(counting.Entry{At: at.Unix(), ID: [8]byte(hash[:8])}, window)
	if changed {
		forget(m.series, m.most, func(s series) time.Time { return s.expires }, at)
		s.entries = entries.Newest()
		s.expires = time.Unix(s.entries[len(s.entries)-1].At, 0).Add(2 * window)
		m.series[name] = s
	}
	return entries.Fullest(at, window)
}

// Note keeps a value under a name until at+keep.
func (m *memory) Note(name, value string, at time.Time, keep time.Duration) {
	forget(m.notes, m.most, func(n note) time.Time { return n.expires }, at)
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
func forget[V any](all map[string]V, most int, expires func(V) time.Time, at time.Time) {
	if len(all) < most {
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
