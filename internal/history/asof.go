package history

import (
	"fmt"
	"slices"
	"time"

	"rotd/internal/inventory"
)

// Kept is everything kept of a key's history.
type Kept struct {
	Entries []Entry // of each kind in the order they were written
	Dropped map[Kind]Drop
}

// Drop says that older entries of a kind are kept no longer.
type Drop struct {
	Count int       `json:"count"`
	Until time.Time `json:"until"` // the newest of them counts from then
}

// Past is a key as rotd knew it at a time.
type Past struct {
	AsOf  time.Time     `json:"as_of"`
	Known time.Time     `json:"known_since"` // the first reading; nothing is known of before
	Key   inventory.Key `json:"key"`         // with zero values for what is not known
	// Unknown are the facts that cannot be known for then, and why.
	Unknown []Doubt `json:"unknown"`
	// Doubts are facts that changed between two readings around then: which side of it the time is on is not known.
	Doubts []Doubt `json:"doubts"`
}

// Doubt is a fact and what is doubtful about it, in words.
type Doubt struct {
	Fact Kind   `json:"fact"`
	Why  string `json:"why"`
}

// BeforeKnownError says that rotd did not know the key yet.
type BeforeKnownError struct{ Since time.Time }

func (e *BeforeKnownError) Error() string {
	return "nothing is known of the key as it was before " + stamp(e.Since) + ", when rotd first read it"
}

// AsOf walks back from the key as it is to the key as rotd knew it at a time.
func AsOf(current *inventory.Key, kept *Kept, at time.Time) (*Past, error) {
	if at.Before(current.FirstRead) {
		return nil, &BeforeKnownError{Since: current.FirstRead}
	}
	w := &walk{kept: kept, past: &Past{
		AsOf: at, Known: current.FirstRead, Key: *current, Unknown: []Doubt{}, Doubts: []Doubt{},
	}}
	k := &w.past.Key
	rotations, grants := slices.Clone(rotationsOf(current)), pastGrants{now: current.Grants}
	for _, f := range followed {
		w.back(f.kind, func(e *Entry) error { return f.set(k, e.Before) }, func() { _ = f.set(k, nil) })
	}
	w.back(Rotations, func(e *Entry) (err error) { rotations, err = rotationsBefore(rotations, e); return err },
		func() { rotations = nil })
	w.back(Grants, grants.undo, func() { grants.now = nil })
	if k.Rotation != nil {
		rotation := *k.Rotation
		// What follows the clock, not a change, is of now.
		rotation.History, rotation.Next, rotation.InProgress = until(rotations, at), nil, nil
		rotation.HistoryAt = time.Time{}
		k.Rotation = &rotation
	}
	if k.Grants = grants.now; grants.lost {
		w.unknown(Grants, "which grants there were: of so many, rotd keeps the number")
	}
	k.LastUsage, k.ReadAt, k.RefusedAt = nil, time.Time{}, time.Time{}
	k.FullAt, k.WholeBy, k.AliasesAt = time.Time{}, time.Time{}, time.Time{}
	return w.past, w.err
}

// walk takes changes back, kind by kind, newest first.
type walk struct {
	kept *Kept
	past *Past
	err  error
}

// back undoes the changes of a kind that came after the time; forget is for what cannot be undone.
func (w *walk) back(kind Kind, undo func(*Entry) error, forget func()) {
	for i := range slices.Backward(w.kept.Entries) {
		e := &w.kept.Entries[i]
		if e.Kind != kind {
			continue
		}
		if !e.Effective().After(w.past.AsOf) {
			return
		}
		if err := undo(e); err != nil {
			if w.err == nil {
				w.err = fmt.Errorf("the %s before %s: %w", kind, stamp(e.SeenAt), err)
			}
			return
		}
		if e.At().IsZero() && !e.NotBefore.After(w.past.AsOf) {
			w.past.Doubts = append(w.past.Doubts, Doubt{kind, "changed between " + stamp(e.NotBefore) + " and " +
				stamp(e.SeenAt) + ", shown is what was known before"})
		}
	}
	if drop, ok := w.kept.Dropped[kind]; ok && drop.Until.After(w.past.AsOf) {
		forget()
		w.unknown(kind, "changes of before "+stamp(drop.Until)+" are kept no longer")
	}
}

func (w *walk) unknown(kind Kind, why string) {
	w.past.Unknown = append(w.past.Unknown, Doubt{kind, why})
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05Z") }
