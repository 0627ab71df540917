package policy

import "time"

// Exception lets keys off some checks until a day: somebody answered for it, and it ends by itself.
type Exception struct {
	Name     string
	Keys     []string  // aliases, ids and ARNs, with * and ? as wildcards
	Checks   []string  // ids of the checks that the keys are let off; empty: every rotation-* check
	Author   string    // who asked for it
	Approver string    // who allowed it; may be empty
	Reason   string    // why, for auditors
	Expires  time.Time // from then on it counts for nothing, and is a finding
}
