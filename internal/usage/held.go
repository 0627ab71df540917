package usage

import (
	"cmp"
	"encoding/binary"
	"math"
	"slices"
	"strings"
	"time"
)

// KeepHeld is for how many days a resource stays known that no call names any more: data at rest is read seldom.
const KeepHeld = 400

// MaxHeld is how many resources are kept of a key: those that calls named last.
const MaxHeld = 500

// Held is what is known to be under a key: resources that encryption contexts named.
type Held struct {
	Resources     []Holding // by id
	MoreResources bool      // some had to be left out
}

// Holding is one resource.
type Holding struct {
	ID   uint32
	Last uint32 // hour
	// Vouched says that the service whose resource it is named it. Callers of KMS can name anything.
	Vouched bool
}

// see notes that a call named a resource.
func (h *Held) see(id, hour uint32, vouched bool) {
	i, ok := slices.BinarySearchFunc(h.Resources, id, func(r Holding, id uint32) int { return compare(r.ID, id) })
	if !ok {
		h.Resources = slices.Insert(h.Resources, i, Holding{ID: id})
	}
	r := &h.Resources[i]
	r.Last, r.Vouched = max(r.Last, hour), r.Vouched || vouched
}

// bound takes out what is too old and what is too much. What nobody but a caller named goes first: so many names can be
// made up, and then those that are true would go.
func (h *Held) bound(now time.Time) {
	oldest := less(DayOf(HourOf(now))+1, KeepHeld)
	h.Resources = slices.DeleteFunc(h.Resources, func(r Holding) bool { return DayOf(r.Last) < oldest })
	switch {
	case len(h.Resources) < MaxHeld:
		h.MoreResources = false
	case len(h.Resources) > MaxHeld:
		h.MoreResources = true
		slices.SortFunc(h.Resources, func(a, b Holding) int {
			if a.Vouched != b.Vouched {
				return map[bool]int{true: -1, false: 1}[a.Vouched]
			}
			return cmp.Or(compare(b.Last, a.Last), compare(a.ID, b.ID))
		})
		h.Resources = h.Resources[:MaxHeld]
		slices.SortFunc(h.Resources, func(a, b Holding) int { return compare(a.ID, b.ID) })
	}
}

// append writes it. An entry's low bit is what it has beside its id.
func (h *Held) append(b []byte) []byte {
	newest := uint32(0)
	for _, r := range h.Resources {
		newest = max(newest, r.Last)
	}
	b = binary.AppendUvarint(b, uint64(len(h.Resources)))
	if len(h.Resources) == 0 {
		return b
	}
	b = binary.AppendUvarint(b, uint64(newest)<<1|bit(h.MoreResources))
	id := uint32(0)
	for _, r := range h.Resources {
		b = binary.AppendUvarint(b, uint64(r.ID-id)<<1|bit(r.Vouched))
		id = r.ID
		b = binary.AppendUvarint(b, uint64(newest-r.Last))
	}
	return b
}

func (r *reader) held() (h Held) {
	n := r.Count(MaxHeld)
	if n == 0 {
		return h
	}
	head := r.Uvarint(math.MaxUint32<<1 | 1)
	newest := uint32(head >> 1) //nolint:gosec // bounded
	h.MoreResources = head&1 != 0
	h.Resources = make([]Holding, 0, n)
	id := uint32(0)
	for range n {
		by := r.Uvarint(math.MaxUint32<<1 | 1)
		id = r.above(id, uint32(by>>1))                    //nolint:gosec // bounded
		last := newest - uint32(r.Uvarint(uint64(newest))) //nolint:gosec // bounded
		if r.Err() != nil {
			return Held{}
		}
		h.Resources = append(h.Resources, Holding{ID: id, Last: last, Vouched: by&1 != 0})
	}
	return h
}

func bit(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// Resource is something that an encryption context names, as one text: the name in the context (aws:ebs:id) and the
// value (vol-…).
func Resource(name, value string) string { return name + shapeSeparator + value }

// Contents is what a key is known to hold.
type Contents struct {
	Items []Item // by context name and value
	More  bool   // there were more, for which there was no room
}

// Item is one resource that is under the key.
type Item struct {
	Name     string    `json:"context"` // the name in the encryption context: aws:ebs:id
	Value    string    `json:"value"`
	LastHour time.Time `json:"last_hour,omitzero"` // in which a call named it last
	// Vouched says that the service whose resource it is named it, not a caller of KMS alone.
	Vouched bool `json:"vouched"`
}

// Contents gives what is known its names.
func (h *Held) Contents(name func(id uint32) string) *Contents {
	c := &Contents{Items: []Item{}, More: h.MoreResources}
	for _, r := range h.Resources {
		if r.ID == Others {
			c.More = true
			continue
		}
		context, value, _ := strings.Cut(name(r.ID), shapeSeparator)
		c.Items = append(c.Items, Item{context, value, hourTime(r.Last), r.Vouched})
	}
	slices.SortFunc(c.Items, func(a, b Item) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Value, b.Value))
	})
	return c
}
