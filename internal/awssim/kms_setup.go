package awssim

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// KeyOptions describe a key that exists before the story begins. Account and Region are required; the rest has the
// defaults of CreateKey. No event is recorded.
type KeyOptions struct {
	Account, Region string
	ID              string // default: random
	Description     string
	Spec            types.KeySpec
	Usage           types.KeyUsageType // default: the first that the spec allows
	Origin          types.OriginType
	Manager         types.KeyManagerType
	State           types.KeyState
	CustomKeyStore  string // its id; needed for the origins AWS_CLOUDHSM and EXTERNAL_KEY_STORE
	MultiRegion     bool   // a primary
	Replicas        []string
	Aliases         []string // alias/… names; alias/aws/… for AWS managed keys
	Tags            map[string]string
	Policy          string
	Created         time.Time // default: now

	DeletionDate   time.Time        // set: the key is pending deletion
	RotationPeriod int              // days; 0: automatic rotation is off
	NextRotation   time.Time        // default: whole periods after Created
	History        []PastRotation   // oldest first
	Imported       []ImportedSecret // of EXTERNAL keys and their replicas, oldest first; none: PendingImport

	Used          time.Time // the last use that KMS tells of; zero: none
	OnDemandSince time.Time // set: a rotation on demand that never ends
	Stalled       bool      // KMS makes none of the rotations that come due
	// Says are members of DescribeKey's answer in place of the true ones: what KMS may say tomorrow.
	Says map[string]string
}

// PastRotation is a rotation that is complete.
type PastRotation struct {
	At   time.Time
	Type types.RotationType
}

// ImportedSecret is key material imported into an EXTERNAL key; each one after the first replaced the one before on
// demand.
type ImportedSecret struct {
	ValidTo time.Time // zero: does not expire
	At      time.Time // of the rotation to it; ignored for the first
	Pending bool      // imported, but not rotated to yet
}

// CreateKey makes a key, its aliases and its replicas, and returns its ARN.
func (k *KMS) CreateKey(o KeyOptions) (arn string, err error) {
	k.locked(func() { arn, err = k.create(o, k.sim.clock.Now()) })
	return arn, err
}

func (k *KMS) create(o KeyOptions, now time.Time) (string, error) {
	key := o.key(now)
	if err := key.complete(); err != nil {
		return "", fmt.Errorf("awssim: making a key: %w", err)
	}
	if o.State != "" {
		key.State = o.State
	}
	if !o.DeletionDate.IsZero() {
		key.State, key.DeletionDate = types.KeyStatePendingDeletion, o.DeletionDate
		key.DeletionWindow = maxDeletionWindow
	}
	for _, past := range o.History {
		key.rotateTo(newMaterial(), past.Type, past.At)
		if past.Type == types.RotationTypeOnDemand {
			key.OnDemandUsed++
		}
	}
	if k.latest(key.ARN) != nil {
		return "", fmt.Errorf("awssim: %s exists", key.ARN)
	}
	key.OnDemandStarted, key.stalled, key.says = o.OnDemandSince, o.Stalled, maps.Clone(o.Says)
	k.store(key, time.Time{})
	if !o.Used.IsZero() {
		k.keys[key.ARN].usage = kmsUsage{at: o.Used, operation: "Decrypt", eventID: randomHex(16), requestID: randomHex(16)}
	}
	for _, region := range o.Replicas {
		replica := key.replicaIn(region, key.Created, 0)
		if len(o.Imported) > 0 { // into the replicas, too
			replica.Materials, replica.State = slices.Clone(key.Materials), key.State
		}
		k.addReplica(k.latest(key.ARN), replica, time.Time{})
	}
	for _, name := range o.Aliases {
		k.storeAlias(&kmsAlias{key.Account, key.Region, name, key.ID, key.Created, key.Created}, time.Time{})
	}
	return key.ARN, nil
}

// key is the key without what complete fills in.
func (o KeyOptions) key(now time.Time) *KMSKey {
	key := &KMSKey{
		Account: o.Account, Region: o.Region, ID: o.ID, Description: o.Description, Spec: o.Spec, Usage: o.Usage,
		Origin: o.Origin, Manager: o.Manager, State: types.KeyStateEnabled, CustomKeyStoreID: o.CustomKeyStore,
		Tags: maps.Clone(o.Tags), Policy: o.Policy, Created: o.Created,
	}
	if key.Tags == nil {
		key.Tags = map[string]string{}
	}
	if key.Manager == "" {
		key.Manager = types.KeyManagerTypeCustomer
	}
	if usages := keyUsages(o.Spec); o.Usage == "" && len(usages) > 0 {
		key.Usage = usages[0]
	}
	if o.MultiRegion || len(o.Replicas) > 0 {
		key.PrimaryRegion = o.Region
	}
	if key.Created.IsZero() {
		key.Created = now
	}
	if o.RotationPeriod > 0 {
		key.RotationEnabled, key.RotationPeriod, key.NextRotation = true, o.RotationPeriod, o.NextRotation
		if key.NextRotation.IsZero() {
			periods := int(now.Sub(key.Created)/days(o.RotationPeriod)) + 1
			key.NextRotation = key.Created.Add(days(periods * o.RotationPeriod))
		}
	}
	o.importInto(key)
	return key
}

func (o KeyOptions) importInto(key *KMSKey) {
	for i, secret := range o.Imported {
		m := newMaterial()
		m.Imported, m.ValidTo = true, secret.ValidTo
		switch {
		case secret.Pending:
			m.State = types.KeyMaterialStatePendingRotation
			key.Materials = append(key.Materials, m)
		case i == 0:
			key.Materials = append(key.Materials, m)
		default:
			key.rotateTo(m, types.RotationTypeOnDemand, secret.At)
			key.OnDemandUsed++
		}
	}
}

// AddImported adds material to an EXTERNAL key as ImportKeyMaterial does: the first enables the key, any further
// waits for a rotation on demand.
func (k *KMS) AddImported(arn string, validTo time.Time) (err error) {
	k.locked(func() {
		now := k.sim.clock.Now()
		key := k.settle(arn, now)
		if key == nil || key.Origin != types.OriginTypeExternal {
			err = fmt.Errorf("awssim: %s is no key for imported material", arn)
			return
		}
		next := key.clone()
		KeyOptions{Imported: []ImportedSecret{{ValidTo: validTo, Pending: len(key.Materials) > 0}}}.importInto(next)
		if next.State == types.KeyStatePendingImport && next.importedWhole() {
			next.State = types.KeyStateEnabled
		}
		k.store(next, now)
	})
	return err
}

// Retag replaces a key's tags. No event is recorded.
func (k *KMS) Retag(arn string, tags map[string]string) (err error) {
	k.locked(func() {
		now := k.sim.clock.Now()
		key := k.settle(arn, now)
		if key == nil {
			err = fmt.Errorf("awssim: there is no key %s", arn)
			return
		}
		next := key.clone()
		next.Tags = maps.Clone(tags)
		k.store(next, now)
	})
	return err
}

// Key is the truth about a key now, whatever readers over HTTP are shown; ok is false when there is none.
func (k *KMS) Key(arn string) (key KMSKey, ok bool) {
	k.locked(func() {
		latest := k.settle(arn, k.sim.clock.Now())
		if latest == nil {
			return
		}
		key, ok = *latest.clone(), true
		key.Aliases = k.aliasesOf(latest)
		for i := range key.Materials {
			key.Materials[i].secret = [32]byte{}
		}
	})
	return key, ok
}

// Keys are the ARNs of an account's keys in a Region, sorted.
func (k *KMS) Keys(account, region string) (arns []string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, id := range k.index(k.keyIDs, account, region).list {
		arns = append(arns, keyARN(region, account, id))
	}
	slices.Sort(arns)
	return arns
}

// OnDemandRotations is how many rotations on demand KMS has ever begun, over all keys.
func (k *KMS) OnDemandRotations() (n int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, e := range k.keys {
		if key := e.history.latest(); key != nil {
			n += key.OnDemandUsed
		}
	}
	return n
}
