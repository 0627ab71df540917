package replay

import (
	"slices"
	"strings"

	"rotd/internal/detection"
	"rotd/internal/events"
	"rotd/internal/finding"
	"rotd/internal/inventory"
	"rotd/internal/policy"
)

// Stream judges records one after the other. Their own time is the clock; what is known of keys, and what is usual, is
// what the records told before, and what was known at the beginning.
type Stream struct {
	judge    *detection.Judge
	decoder  *events.Decoder
	seen     map[[16]byte]struct{} // eventIDs judged
	known    *known
	memory   *memory
	learning *learning
	own      map[string]bool   // accounts that are no outsiders
	region   func(string) bool // whether a Region is looked after; nil: that is not known
	itself   *detection.Itself
}

// Known is what is known before the first record.
type Known struct {
	Policies policy.Set
	Trusted  []string // accounts that are no outsiders, besides those whose records come
	Regions  []string // that are looked after; none: that is not known
	Keys     []inventory.Key
	Itself   *detection.Itself // what rotd's own work rests on; nil: that is not known
}

// NewStream begins a stream.
func NewStream(judge *detection.Judge, before *Known) *Stream {
	s := &Stream{
		judge: judge, decoder: events.NewDecoder(judge), seen: make(map[[16]byte]struct{}),
		known: newKnown(before.Policies), memory: newMemory(maxNames), learning: newLearning(), own: make(map[string]bool),
		itself: before.Itself,
	}
	for _, account := range before.Trusted {
		s.own[account] = true
	}
	if len(before.Regions) > 0 {
		s.region = func(region string) bool { return slices.Contains(before.Regions, region) }
	}
	for i := range before.Keys {
		s.known.add(&before.Keys[i])
	}
	return s
}

// Kind says what became of a record.
type Kind int

// Kinds.
const (
	Malformed Kind = iota
	Ignored        // wanted by no rule
	KMS
	Other // another service's that some rule wants
)

// Judged is what a record meant.
type Judged struct {
	Kind      Kind
	Duplicate bool // judged before, as one of its kind
	Event     events.Event
	Found     []finding.Finding
	Staged    []finding.Finding // what staged rules would have found
	Panics    []*detection.Panic
}

// Judge judges a record; own says that it is known to be one of rotd's own calls. The error says why it is malformed.
func (s *Stream) Judge(raw []byte, own bool) (j Judged, err error) {
	ev, wanted, err := s.decoder.DecodeRecord(raw)
	switch {
	case err != nil:
		return Judged{Kind: Malformed}, err
	case !wanted:
		return Judged{Kind: Ignored}, nil
	}
	j = Judged{Kind: Other, Event: ev}
	if ev.EventSource == kmsSource {
		j.Kind = KMS
	}
	id := seenID(ev.EventID)
	if _, j.Duplicate = s.seen[id]; j.Duplicate {
		return j, nil
	}
	s.seen[id] = struct{}{}
	if ev.RecipientAccountID != "" && !s.own[ev.RecipientAccountID] {
		s.own[strings.Clone(ev.RecipientAccountID)] = true
	}
	j.Found, j.Panics = s.judge.Event(&detection.Context{
		Known: s.known, Memory: s.memory, Own: own, Trusted: func(account string) bool { return s.own[account] },
		Policies: s.known.policies, Region: s.region, Itself: s.itself, Observed: s.learning.of(&ev),
		Rooms:  s.memory.room,
		Staged: func(f *finding.Finding) { j.Staged = append(j.Staged, *f) },
	}, &ev)
	s.known.learn(&ev)
	return j, nil
}

const kmsSource = "kms.amazonaws.com"
