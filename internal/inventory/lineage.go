package inventory

import "time"

// Lineage ties a key to the key it replaced and to the one that replaced it.
type Lineage struct {
	ID         string    `json:"lineage_id"` // ARN of the line's first key
	Replaces   string    `json:"replaces,omitempty"`
	ReplacedBy string    `json:"replaced_by,omitempty"` // empty: not replaced, or its aliases were moved back
	At         time.Time `json:"replaced_at,omitzero"`  // when it was replaced
}

// Successor is the ARN of the key that replaced this one; empty: none did.
func (k *Key) Successor() string {
	if k.Lineage == nil {
		return ""
	}
	return k.Lineage.ReplacedBy
}

// LineageID is the line of keys that this one belongs to: its own ARN, unless it replaced another.
func (k *Key) LineageID() string {
	if k.Lineage == nil {
		return k.ARN
	}
	return k.Lineage.ID
}
