package awssim

import (
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// What KMS does by itself. Each step returns the key as it is afterwards, nil when it is gone. k.mu is held.

func (k *KMS) finishCreating(key *KMSKey, at time.Time) *KMSKey {
	next := key.clone()
	next.readyAt = time.Time{}
	if next.State == types.KeyStateCreating {
		next.State = types.KeyStateEnabled
		if next.Origin == types.OriginTypeExternal {
			next.State = types.KeyStatePendingImport
		}
	}
	k.store(next, at)
	return next
}

func (k *KMS) rotateAutomatically(key *KMSKey, at time.Time) *KMSKey {
	next := key.clone()
	next.NextRotation = at.Add(days(key.RotationPeriod))
	return k.rotated(next, newMaterial(), types.RotationTypeAutomatic, at)
}

func (k *KMS) finishOnDemand(key *KMSKey, at time.Time) *KMSKey {
	next := key.clone()
	next.OnDemandStarted, next.onDemandDue = time.Time{}, time.Time{}
	material := newMaterial()
	if key.Origin == types.OriginTypeExternal {
		pending := key.pending()
		if pending == nil { // deleted meanwhile: the rotation comes to nothing
			k.store(next, at)
			return next
		}
		material = *pending
	}
	return k.rotated(next, material, types.RotationTypeOnDemand, at)
}

// rotated completes a rotation of a primary or single-Region key, and of its replicas.
func (k *KMS) rotated(next *KMSKey, m KMSMaterial, kind types.RotationType, at time.Time) *KMSKey {
	event := kmsEvent{name: "RotateKey", at: at, key: next, rotation: kind, to: m.ID}
	if c := next.current(); c != nil {
		event.previous = c.ID
	}
	next.rotateTo(m, kind, at)
	k.store(next, at)
	k.happened = append(k.happened, event)
	for _, region := range next.ReplicaRegions {
		if replica := k.latest(next.arnIn(region)); replica != nil {
			synced := replica.clone()
			synced.rotateTo(m, kind, at)
			k.store(synced, at)
			k.happened = append(k.happened, kmsEvent{name: "SynchronizeMultiRegionKey", at: at, key: synced})
		}
	}
	return next
}

// expireMaterial deletes what imported material has expired; the key waits for it to be imported again.
func (k *KMS) expireMaterial(key *KMSKey, at time.Time) *KMSKey {
	next := key.clone()
	for i := range next.Materials {
		m := &next.Materials[i]
		if m.Imported && !m.ValidTo.IsZero() && !m.ValidTo.After(at) {
			m.Imported, m.ValidTo = false, time.Time{}
		}
	}
	next.State = types.KeyStatePendingImport
	k.store(next, at)
	k.happened = append(k.happened, kmsEvent{name: "DeleteExpiredKeyMaterial", at: at, key: next})
	return next
}

// deleteKey ends a key at the end of its waiting time. A primary that waited for its last replica starts its own.
func (k *KMS) deleteKey(key *KMSKey, at time.Time) *KMSKey {
	k.drop(key, at)
	k.happened = append(k.happened, kmsEvent{name: "DeleteKey", at: at, key: key})
	if !key.replica() {
		return nil
	}
	if primary := k.latest(key.arnIn(key.PrimaryRegion)); primary != nil {
		next := primary.clone()
		next.ReplicaRegions = slices.DeleteFunc(next.ReplicaRegions, func(r string) bool { return r == key.Region })
		if next.State == types.KeyStatePendingReplicaDeletion && len(next.ReplicaRegions) == 0 {
			next.State = types.KeyStatePendingDeletion
			next.DeletionDate = at.Add(days(next.DeletionWindow))
		}
		k.store(next, at)
	}
	return nil
}
