package history

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"rotd/internal/inventory"
)

// Of rotations and grants, which grow long, only what came and what went is kept.

func rotationsOf(k *inventory.Key) []inventory.Rotated {
	if k.Rotation == nil {
		return nil
	}
	return k.Rotation.History
}

func sameRotated(a, b inventory.Rotated) bool {
	return a.At.Equal(b.At) && a.Type == b.Type && a.Material == b.Material
}

// listedRotations reports whether KMS was ever asked for the key's rotations. The first list is no change: KMS dates
// what is in it.
func listedRotations(k *inventory.Key) bool {
	return k.Rotation != nil && !k.Rotation.HistoryAt.IsZero()
}

func diffRotations(changes []Entry, before, after *inventory.Key, now time.Time) []Entry {
	old, updated := rotationsOf(before), rotationsOf(after)
	if !listedRotations(before) || slices.EqualFunc(old, updated, sameRotated) {
		return changes
	}
	when := func(k *inventory.Key) window {
		if k.Rotation == nil {
			return described(k)
		}
		return window{began: k.Rotation.HistoryAt}
	}
	e := entry(Rotations, when(before), when(after), now)
	e.Before = encode(lacking(old, updated, sameRotated))
	e.After = encode(lacking(updated, old, sameRotated))
	return append(changes, e)
}

// rotationsBefore takes a change of the rotations back. Those that came stay: KMS's dates say which were there already.
func rotationsBefore(rotations []inventory.Rotated, e *Entry) ([]inventory.Rotated, error) {
	gone, _, err := rotationsIn(e)
	rotations = append(rotations, lacking(gone, rotations, sameRotated)...)
	slices.SortStableFunc(rotations, func(a, b inventory.Rotated) int { return a.At.Compare(b.At) })
	return rotations, err
}

// until leaves out the rotations of after a time.
func until(rotations []inventory.Rotated, at time.Time) []inventory.Rotated {
	return slices.DeleteFunc(rotations, func(r inventory.Rotated) bool { return r.At.After(at) })
}

// rotationsIn are those that an entry of the rotations says went and came.
func rotationsIn(e *Entry) (gone, came []inventory.Rotated, err error) {
	return gone, came, errors.Join(decode(e.Before, &gone), decode(e.After, &came))
}

// GrantSet is a key's grants before or after a change.
type GrantSet struct {
	Count int `json:"count"`
	// Only are the grants that were not there on the other side, when all of both sides are known.
	Only   []inventory.Grant `json:"only,omitempty"`
	InPart bool              `json:"in_part,omitzero"` // too many to be kept: which they were is not known
}

func sameGrant(a, b inventory.Grant) bool { return a.ID == b.ID }

func diffGrants(changes []Entry, before, after *inventory.Key, now time.Time) []Entry {
	old, updated := before.Grants, after.Grants
	if old == updated || updated == nil || old == nil {
		return changes // the first listing is no change
	}
	inPart := old.Count != len(old.List) || updated.Count != len(updated.List)
	gone, came := lacking(old.List, updated.List, sameGrant), lacking(updated.List, old.List, sameGrant)
	if old.Count == updated.Count && (inPart || len(gone)+len(came) == 0) {
		return changes
	}
	e := entry(Grants, window{began: old.ReadAt}, window{began: updated.ReadAt}, now)
	if inPart {
		gone, came = nil, nil
	}
	e.Before = encode(GrantSet{Count: old.Count, Only: gone, InPart: inPart})
	e.After = encode(GrantSet{Count: updated.Count, Only: came, InPart: inPart})
	return append(changes, e)
}

// pastGrants walks a key's grants back.
type pastGrants struct {
	now  *inventory.Grants
	lost bool // a change was crossed of which only the numbers are known
}

func (p *pastGrants) undo(e *Entry) error {
	var old, updated GrantSet
	if err := decode(e.Before, &old); err != nil {
		return err
	}
	if err := decode(e.After, &updated); err != nil || p.now == nil {
		return err
	}
	was := &inventory.Grants{ReadAt: e.NotBefore, Count: old.Count}
	p.lost = p.lost || old.InPart
	if !p.lost {
		was.List = append(lacking(p.now.List, updated.Only, sameGrant), old.Only...)
		slices.SortFunc(was.List, func(a, b inventory.Grant) int { return cmp.Compare(a.ID, b.ID) })
	}
	p.now = was
	return nil
}

// lacking are the items that others does not have.
func lacking[T any](items, others []T, same func(a, b T) bool) []T {
	var left []T
	for _, item := range items {
		if !slices.ContainsFunc(others, func(o T) bool { return same(item, o) }) {
			left = append(left, item)
		}
	}
	return left
}
