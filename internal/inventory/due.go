package inventory

import (
	"hash/fnv"
	"time"
)

// Facts are parts of what KMS tells of a key, each read by calls of its own.
type Facts uint8

// The parts, from the cheapest to the dearest.
const (
	FactState   Facts = 1 << iota // DescribeKey and GetKeyRotationStatus
	FactConfig                    // ListResourceTags and GetKeyPolicy
	FactHistory                   // ListKeyRotations, 100 a second
	FactGrants                    // ListGrants, 100 a second
	FactUse                       // GetKeyLastUsage, 5 a second

	// FactsCheap are what sweeps read.
	FactsCheap = FactState | FactConfig
	// FactsCostly are read beside sweeps, the longest due first.
	FactsCostly = FactHistory | FactGrants
	// FactsWhole is what a key read whole has been asked for.
	FactsWhole = FactsCheap | FactsCostly
)

// Has reports whether any of the parts is among them.
func (f Facts) Has(part Facts) bool { return f&part != 0 }

// How old facts may become before they are read again by themselves. Events read a key again at once; drift sweeps
// read the state of keys that can rotate at each run. What a check cannot tell from facts of their age it calls
// unverifiable.
const (
	StateAge   = time.Hour
	ConfigAge  = 24 * time.Hour
	configAge  = 6 * time.Hour // the least: keys are spread between, so that no sweep re-reads all of them
	HistoryAge = 7 * 24 * time.Hour
	GrantsAge  = 24 * time.Hour
	UseAge     = 7 * 24 * time.Hour

	// usageLag is how late KMS itself knows of a use.
	usageLag = time.Hour
	// staleAgain is how soon a history is asked for again that does not show the current material: KMS takes a while to
	// agree with itself.
	staleAgain = time.Minute
)

// Due are the cheap facts about a key, as it is known, that an inventory must read: those past their age, and those
// from before somebody asked for fresh ones. Of a key that is not known, or was gone, everything is due.
func (k *Key) Due(now, asked time.Time) Facts {
	switch {
	case k == nil || k.FullAt.IsZero() || k.GoneAt != nil, k.FullAt.Before(asked), k.partlyDenied(),
		now.Sub(k.FullAt) >= k.configAge():
		return FactsCheap
	case k.Manager == managerCustomer && now.Sub(k.ReadAt) >= StateAge:
		return FactState
	}
	return 0
}

const (
	managerCustomer = "CUSTOMER"
	stateEnabled    = "Enabled"
)

// configAge is the key's own between the least and the most.
func (k *Key) configAge() time.Duration {
	const parts = 1000
	h := fnv.New32a()
	_, _ = h.Write([]byte(k.ARN)) // a hash takes everything
	return configAge + (ConfigAge-configAge)*time.Duration(h.Sum32()%parts)/parts
}

// partlyDenied says that KMS refused something cheap: each sweep asks again, so that a permission given is noticed.
func (k *Key) partlyDenied() bool {
	for _, op := range k.Denied {
		switch op {
		case "ListKeyRotations", "ListGrants", "GetKeyLastUsage",
			"ListAliases": // asked once for all keys, at each sweep
		default:
			return true
		}
	}
	return false
}

// HistoryCurrent says that the rotations known of the key are all there are: they were read no earlier than its state,
// or they name as current the very material that the state names.
func (k *Key) HistoryCurrent() bool {
	r := k.Rotation
	if r == nil || r.HistoryAt.IsZero() {
		return false
	}
	return !r.HistoryAt.Before(k.ReadAt) || r.HistoryMaterial != "" && r.HistoryMaterial == k.CurrentMaterial
}

// historySettled says that asking for the key's rotations again brings nothing new before they are past their age: all
// of them are known, or KMS has none to tell while the key is in its state.
func (k *Key) historySettled() bool {
	return k.HistoryCurrent() || k.Rotation != nil && !k.Rotation.NoHistoryAt.IsZero() &&
		!k.Rotation.NoHistoryAt.Before(k.StateSince)
}

// FactsDueAt is when the key's rotations and grants are to be asked for again; zero when they never were.
func (k *Key) FactsDueAt() time.Time {
	switch {
	case k.FactsAskedAt.IsZero():
		return time.Time{}
	case k.Rotation != nil && !k.historySettled() && !k.WasDenied("ListKeyRotations"):
		return k.FactsAskedAt.Add(staleAgain)
	case k.Grants == nil || k.WasDenied("ListGrants"):
		return k.FactsAskedAt.Add(GrantsAge)
	}
	return later(k.Grants.ReadAt.Add(GrantsAge), k.FactsAskedAt.Add(staleAgain))
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// FactsDue are the dear facts to ask for at a time.
func (k *Key) FactsDue(now time.Time) (due Facts) {
	if k.FactsAskedAt.IsZero() {
		return FactsCostly
	}
	if k.Rotation != nil && (!k.historySettled() || now.Sub(k.Rotation.HistoryAsked()) >= HistoryAge) {
		due |= FactHistory
	}
	if due == 0 || k.Grants == nil || now.Sub(k.Grants.ReadAt) >= GrantsAge {
		due |= FactGrants
	}
	return due
}

// UseDueAt is when KMS is to be asked again for the key's last use. Zero, before all others: the key was taken out of
// use, and people want to know who will miss it. As KMS knows uses late, it is asked once more after that time.
func (k *Key) UseDueAt() time.Time {
	late := k.UseAskedAt.Add(usageLag)
	switch out := k.State != stateEnabled; {
	case out && (k.UseAskedAt.IsZero() || !late.After(k.StateSince)):
		return time.Time{}
	case out && k.UseAskedAt.Before(k.StateSince.Add(usageLag)):
		return late
	case k.UseAskedAt.IsZero():
		return k.FirstRead
	}
	return k.UseAskedAt.Add(UseAge)
}

// HasCostlyFacts says that KMS has rotations, grants and a last use to tell of the key.
func (k *Key) HasCostlyFacts() bool {
	return k.Manager == managerCustomer && k.GoneAt == nil && !k.ReadAt.IsZero()
}
