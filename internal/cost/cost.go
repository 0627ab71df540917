// Package cost says what keys cost a month, and what other policies would make of it. It is pure: prices are the
// configuration's, the facts the inventory's. It counts keys and their rotations and nothing else: what requests cost
// depends on who else uses the keys, which no reading of KMS tells.
package cost

import (
	"rotd/internal/inventory"
)

// Prices is the price table of rotd.yaml.
type Prices struct {
	Currency         string
	KeyMonth         Money // a key, each month
	RotationMonth    Money // each rotation of its material that is charged, each month
	RotationsCharged int   // how many rotations of a key are charged at all; later ones are free
}

// Default is KMS's own: the key, its first and its second rotation of material.
func Default() Prices {
	return Prices{Currency: "USD", KeyMonth: 1 * unit, RotationMonth: 1 * unit, RotationsCharged: 2}
}

// Month is what one key costs each month.
type Month struct {
	Key       Money `json:"key"`
	Rotations Money `json:"rotations"`
	// AtLeast says that the rotations could not be read: there may be some that are charged.
	AtLeast bool   `json:"at_least,omitempty"`
	Free    string `json:"free,omitempty"` // why the key costs nothing
}

// Total is the whole of it.
func (m Month) Total() Money { return m.Key + m.Rotations }

// Of says what a key costs each month, by what KMS last told of it.
func (p Prices) Of(k *inventory.Key) Month {
	if why := free(k); why != "" {
		return Month{Free: why}
	}
	m := Month{Key: p.KeyMonth, Rotations: p.rotations(rotations(k))}
	m.AtLeast = mayRotate(k) && (k.Rotation == nil || k.Rotation.HistoryAt.IsZero())
	return m
}

// rotations are charged up to a number.
func (p Prices) rotations(n int) Money { return Money(min(n, p.RotationsCharged)) * p.RotationMonth }

func rotations(k *inventory.Key) int {
	if k.Rotation == nil {
		return 0
	}
	return len(k.Rotation.History)
}

// free says why KMS charges nothing for the key. A disabled key is charged, one of a custom store or with imported
// material too, and a replica is a key of its own.
func free(k *inventory.Key) string {
	switch {
	case k.GoneAt != nil:
		return "KMS no longer knows the key"
	case k.Manager == "AWS":
		return "AWS manages the key"
	case k.State == "PendingDeletion" || k.State == "PendingReplicaDeletion":
		return "the key is scheduled for deletion"
	}
	return ""
}

// mayRotate reports whether KMS keeps rotations of this kind of key.
func mayRotate(k *inventory.Key) bool {
	return k.Spec == "SYMMETRIC_DEFAULT" && (k.Origin == "AWS_KMS" || k.Origin == "EXTERNAL")
}
