package awssim

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

const (
	minRotationPeriod     = 90
	maxRotationPeriod     = 2560
	defaultRotationPeriod = 365

	// automaticGuard is how long before a scheduled rotation none can be asked for.
	automaticGuard = 20 * time.Minute
)

type enableKeyRotationInput struct {
	keyInput
	RotationPeriodInDays *int
}

func (k *KMS) enableKeyRotation(c *kmsCall, in enableKeyRotationInput) (any, error) {
	key, err := k.scheduledKey(c, in.KeyID)
	if err != nil {
		return nil, err
	}
	period := defaultRotationPeriod
	if in.RotationPeriodInDays != nil {
		period = *in.RotationPeriodInDays
	}
	if period < minRotationPeriod || period > maxRotationPeriod {
		return nil, apiErrorf("ValidationException", 0, "1 validation error detected: Value '%d' at "+
			"'rotationPeriodInDays' failed to satisfy constraint: Member must be between 90 and 2560", period)
	}
	next := key.clone()
	if !key.RotationEnabled || period != key.RotationPeriod {
		next.RotationEnabled, next.RotationPeriod = true, period
		next.NextRotation = c.now.Add(days(period))
	}
	k.store(next, c.now)
	c.changed(next)
	return nil, nil
}

func (k *KMS) disableKeyRotation(c *kmsCall, in keyInput) (any, error) {
	key, err := k.scheduledKey(c, in.KeyID)
	if err != nil {
		return nil, err
	}
	next := key.clone()
	next.RotationEnabled, next.RotationPeriod, next.NextRotation = false, 0, time.Time{}
	k.store(next, c.now)
	c.changed(next)
	return nil, nil
}

// scheduledKey is the key a call names, if its rotation schedule can be set.
func (k *KMS) scheduledKey(c *kmsCall, ref string) (*KMSKey, error) {
	key, err := k.key(c, ref, ownKey)
	switch {
	case err != nil:
		return nil, err
	case !key.rotatable():
		return nil, unsupported(key, "origin is "+string(key.Origin)+", key spec "+string(key.Spec)+
			" which is not valid for this operation.")
	case key.replica():
		return nil, unsupported(key, "is a replica key, which is not valid for this operation.")
	}
	return key, key.usable()
}

// getKeyRotationStatus answers for a replica with what its primary has: rotation is a shared property.
func (k *KMS) getKeyRotationStatus(c *kmsCall, in keyInput) (any, error) {
	key, err := k.readKey(c, in.KeyID, anyKey)
	if err != nil {
		return nil, err
	}
	external := key.Origin == types.OriginTypeExternal
	if !key.symmetric() || !key.rotatable() && !external || external && key.State == types.KeyStatePendingImport {
		return nil, unsupported(key, "origin is "+string(key.Origin)+", key spec "+string(key.Spec)+
			" which is not valid for this operation.")
	}
	shared := key
	if key.replica() {
		if e := k.keys[key.arnIn(key.PrimaryRegion)]; e != nil {
			if p := e.history.seenAt(c.now.Add(-k.opts.StaleFor)); p != nil {
				shared = p
			}
		}
	}
	enabled := shared.RotationEnabled && !key.deleting() // and so again when the deletion is cancelled
	answer := fields{"KeyId": key.ID, "KeyRotationEnabled": enabled}
	if enabled {
		answer["RotationPeriodInDays"], answer["NextRotationDate"] = shared.RotationPeriod, shared.NextRotation
	}
	setTime(answer, "OnDemandRotationStartDate", shared.OnDemandStarted)
	return wire(answer), nil
}

// rotateKeyOnDemand only begins the rotation. What it begins counts, whatever becomes of it.
func (k *KMS) rotateKeyOnDemand(c *kmsCall, in keyInput) (any, error) {
	key, err := k.key(c, in.KeyID, ownKey)
	if err != nil {
		return nil, err
	}
	if err := key.rotatableOnDemand(c.now); err != nil {
		return nil, err
	}
	next := key.clone()
	next.OnDemandUsed++
	next.OnDemandStarted, next.onDemandDue = c.now, c.now.Add(k.opts.RotationDelay)
	k.store(next, c.now)
	c.Effect = true
	c.Params = map[string]any{"OnDemandUsed": next.OnDemandUsed}
	return c.answers(fields{"KeyId": key.ID}), nil
}

func (key *KMSKey) rotatableOnDemand(now time.Time) error {
	external := key.Origin == types.OriginTypeExternal
	switch {
	case !key.rotatable() && (!external || !key.symmetric()):
		return unsupported(key, "origin is "+string(key.Origin)+", key spec "+string(key.Spec)+
			" which is not valid for this operation.")
	case key.replica():
		return unsupported(key, "is a replica key, which is not valid for this operation.")
	}
	if err := key.usable(); err != nil {
		return err
	}
	switch {
	case external && key.pending() == nil:
		return invalidState(key, "has no key material pending rotation")
	case !key.OnDemandStarted.IsZero():
		return apiErrorf("ConflictException", 0, "An on-demand rotation of %s is in progress.", key.ARN)
	case key.RotationEnabled && key.NextRotation.Sub(now) <= automaticGuard:
		return apiErrorf("ConflictException", 0, "An automatic rotation of %s is in progress or due.", key.ARN)
	case key.OnDemandUsed >= onDemandLimit:
		return apiErrorf("LimitExceededException", 0, "%s has reached its limit of %d on-demand rotations.",
			key.ARN, onDemandLimit)
	}
	return nil
}
