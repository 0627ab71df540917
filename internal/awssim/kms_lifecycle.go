package awssim

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

func (k *KMS) enableKey(c *kmsCall, in keyInput) (any, error) {
	return k.setEnabled(c, in, types.KeyStateEnabled)
}

func (k *KMS) disableKey(c *kmsCall, in keyInput) (any, error) {
	return k.setEnabled(c, in, types.KeyStateDisabled)
}

func (k *KMS) setEnabled(c *kmsCall, in keyInput, state types.KeyState) (any, error) {
	key, err := k.key(c, in.KeyID, ownKey)
	if err != nil {
		return nil, err
	}
	if key.State != types.KeyStateEnabled && key.State != types.KeyStateDisabled {
		return nil, invalidState(key, "is "+stateWords(key.State))
	}
	next := key.clone()
	next.State = state
	if state == types.KeyStateEnabled && next.RotationEnabled && !next.stalled && next.NextRotation.Before(c.now) {
		next.NextRotation = c.now // a rotation missed while disabled is made up for now
	}
	k.store(next, c.now)
	k.settle(next.ARN, c.now)
	c.changed(next)
	return nil, nil
}

const (
	minDeletionWindow = 7
	maxDeletionWindow = 30
)

type scheduleKeyDeletionInput struct {
	keyInput
	PendingWindowInDays *int
}

func (k *KMS) scheduleKeyDeletion(c *kmsCall, in scheduleKeyDeletionInput) (any, error) {
	key, err := k.key(c, in.KeyID, ownKey)
	if err != nil {
		return nil, err
	}
	if err := key.manageable(); err != nil {
		return nil, err
	}
	window := maxDeletionWindow
	if in.PendingWindowInDays != nil {
		window = *in.PendingWindowInDays
	}
	if window < minDeletionWindow || window > maxDeletionWindow {
		return nil, apiErrorf("ValidationException", 0, "1 validation error detected: Value '%d' at "+
			"'pendingWindowInDays' failed to satisfy constraint: Member must be between 7 and 30", window)
	}
	next := key.clone()
	next.State, next.DeletionWindow = types.KeyStatePendingDeletion, window
	next.DeletionDate = c.now.Add(days(window))
	answer := fields{"KeyId": key.ARN, "PendingWindowInDays": window}
	if len(key.ReplicaRegions) > 0 { // the waiting time begins when the last replica is gone
		next.State, next.DeletionDate = types.KeyStatePendingReplicaDeletion, time.Time{}
	}
	answer["KeyState"] = next.State
	setTime(answer, "DeletionDate", next.DeletionDate)
	k.store(next, c.now)
	c.Effect = true
	return c.answers(answer), nil
}

func (k *KMS) cancelKeyDeletion(c *kmsCall, in keyInput) (any, error) {
	key, err := k.key(c, in.KeyID, ownKey)
	if err != nil {
		return nil, err
	}
	if !key.deleting() {
		return nil, invalidState(key, "is not pending deletion")
	}
	next := key.clone()
	next.State = types.KeyStateDisabled
	if key.Origin == types.OriginTypeExternal && !key.importedWhole() {
		next.State = types.KeyStatePendingImport
	}
	next.DeletionDate, next.DeletionWindow = time.Time{}, 0
	k.store(next, c.now)
	c.Effect = true
	return c.answers(fields{"KeyId": key.ARN}), nil
}

// importedWhole says whether an EXTERNAL key has all material that was ever current.
func (key *KMSKey) importedWhole() bool {
	whole := false
	for _, m := range key.Materials {
		if m.State == types.KeyMaterialStateCurrent || m.State == types.KeyMaterialStateNonCurrent {
			if !m.Imported {
				return false
			}
			whole = true
		}
	}
	return whole
}
