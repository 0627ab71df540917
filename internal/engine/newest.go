package engine

import (
	"slices"
	"time"

	"rotd/internal/inventory"
)

// newest brings a reading together with what became known while it was made: sweeps, events, actions and the background
// read at the same time, and a reading in part carries along what was known when it began. Of each part the newer is
// taken. Nil when the reading adds nothing.
func newest(known, read *inventory.Key) *inventory.Key {
	if known == nil {
		return read
	}
	newer, older := read, known
	if known.ReadAt.After(read.ReadAt) {
		newer, older = known, read
	}
	merged, carried := *newer, false
	wholeIsOlder := older.FullAt.After(newer.FullAt)
	if wholeIsOlder {
		carried = true
		merged.Tags, merged.Policy = older.Tags, older.Policy
		merged.FullAt, merged.WholeBy = older.FullAt, older.WholeBy
	}
	// A sweep lists all aliases before it reads the first key: who reads one key meanwhile has newer ones.
	if older.AliasesAt.After(newer.AliasesAt) || wholeIsOlder && older.AliasesAt.Equal(newer.AliasesAt) {
		carried = true
		merged.Aliases, merged.AliasesAt = older.Aliases, older.AliasesAt
	}
	if is, was := newer.Rotation, older.Rotation; is != nil && was != nil && was.HistoryAsked().After(is.HistoryAsked()) {
		carried = true
		rotation := *is
		rotation.History, rotation.HistoryAt = was.History, was.HistoryAt
		rotation.HistoryMaterial, rotation.NoHistoryAt = was.HistoryMaterial, was.NoHistoryAt
		rotation.Pending = was.Pending
		merged.Rotation = &rotation
	}
	if older.FactsAskedAt.After(newer.FactsAskedAt) {
		carried = true
		merged.Grants, merged.FactsAskedAt = older.Grants, older.FactsAskedAt
	}
	if older.UseAskedAt.After(newer.UseAskedAt) {
		carried = true
		merged.LastUsage, merged.UseAskedAt = older.LastUsage, older.UseAskedAt
	}
	if older.RefusedAt.After(newer.AskedAt()) {
		carried = true
		merged.RefusedAt = older.RefusedAt
	}
	if newer == known && !carried {
		return nil
	}
	if carried {
		merged.Denied = deniedOf(newer, older)
	}
	return &merged
}

// deniedOf takes what KMS refused of each operation from the reading that asked last.
func deniedOf(newer, older *inventory.Key) []string {
	var denied []string
	for _, op := range newer.Denied {
		if !askedAt(older, op).After(askedAt(newer, op)) {
			denied = append(denied, op)
		}
	}
	for _, op := range older.Denied {
		if askedAt(older, op).After(askedAt(newer, op)) {
			denied = append(denied, op)
		}
	}
	slices.Sort(denied)
	return slices.Compact(denied)
}

// askedAt is when KMS was last asked for what an operation tells.
func askedAt(k *inventory.Key, operation string) time.Time {
	switch operation {
	case "ListResourceTags", "GetKeyPolicy":
		return k.FullAt
	case "ListKeyRotations", "ListGrants":
		return k.FactsAskedAt
	case "GetKeyLastUsage":
		return k.UseAskedAt
	case "DescribeKey":
		return k.AskedAt()
	}
	return k.ReadAt
}
