package policy

import (
	"slices"
	"strings"
	"time"

	"rotd/internal/inventory"
)

// Exception lets keys off some checks until a day: somebody answered for it, and it ends by itself.
type Exception struct {
	Name     string
	Keys     []string  // aliases, ids, ARNs and alias ARNs, with * and ? as wildcards
	Checks   []string  // ids of the checks that the keys are let off; empty: every rotation-* check
	Author   string    // who asked for it
	Approver string    // who allowed it; may be empty
	Reason   string    // why, for auditors
	Expires  time.Time // from then on it counts for nothing, and is a finding
}

// Exceptions are all of rotd.yaml's, in its order.
type Exceptions []Exception

// For returns the first exception that lets the key off a check at a time, nil when none does.
func (x Exceptions) For(k *inventory.Key, checkID string, at time.Time) *Exception {
	for i := range x {
		if !x[i].Expired(at) && x[i].CoversCheck(checkID) && x[i].CoversKey(k) {
			return &x[i]
		}
	}
	return nil
}

// Expired reports whether the exception counts for nothing any more.
func (x *Exception) Expired(at time.Time) bool { return !at.Before(x.Expires) }

// Until is when the exception ends, for people: a day as it is written in rotd.yaml, or a time.
func (x *Exception) Until() string {
	if at := x.Expires.UTC(); at.Equal(at.Truncate(24 * time.Hour)) {
		return at.Format(time.DateOnly)
	}
	return x.Expires.UTC().Format(time.RFC3339)
}

// CoversCheck reports whether the exception is about a check.
func (x *Exception) CoversCheck(id string) bool {
	if len(x.Checks) == 0 {
		return strings.HasPrefix(id, "rotation-")
	}
	return slices.Contains(x.Checks, id)
}

// CoversKey reports whether the exception names a key: by its id, its ARN, an alias or an alias's ARN.
func (x *Exception) CoversKey(k *inventory.Key) bool {
	if k == nil {
		return false
	}
	if matchesAny(x.Keys, k.ARN) || matchesAny(x.Keys, k.ID) {
		return true
	}
	base := strings.TrimSuffix(k.ARN, "key/"+k.ID)
	return slices.ContainsFunc(k.Aliases, func(alias string) bool {
		return matchesAny(x.Keys, alias) || matchesAny(x.Keys, base+alias)
	})
}

// Scope is what the exception lets keys off, for people.
func (x *Exception) Scope() string {
	if len(x.Checks) == 0 {
		return "every rotation-* check"
	}
	return strings.Join(x.Checks, ", ")
}
