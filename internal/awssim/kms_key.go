package awssim

import (
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// onDemandLimit is how often a key's material can be rotated on demand in the key's whole life.
const onDemandLimit = 25

// KMSKey is one version of a KMS key as the simulator knows it: the truth a test may hold anybody's account against.
// A version is never changed once it is stored: a change is a clone with the difference.
type KMSKey struct {
	ARN     string
	Account string
	Region  string
	ID      string // a UUID, or mrk- and 32 hex digits

	Description string
	Spec        types.KeySpec
	Usage       types.KeyUsageType
	Origin      types.OriginType
	Manager     types.KeyManagerType
	State       types.KeyState
	Created     time.Time
	Policy      string
	Tags        map[string]string
	Aliases     []string // alias/… names; filled in by KMS.Key only

	CustomKeyStoreID string
	PrimaryRegion    string   // "" for a single-Region key
	ReplicaRegions   []string // of the primary; sorted

	DeletionWindow int       // days, while pending deletion
	DeletionDate   time.Time // zero unless PendingDeletion

	RotationEnabled bool
	RotationPeriod  int       // days
	NextRotation    time.Time // of the automatic schedule; zero when off
	OnDemandStarted time.Time // zero unless an on-demand rotation is running
	OnDemandUsed    int       // on-demand rotations ever started, of 25
	Materials       []KMSMaterial

	onDemandDue time.Time
	readyAt     time.Time // while Creating
	stalled     bool      // no rotation that comes due is made
	says        map[string]string
}

// KMSMaterial is one piece of key material, in the order it was associated.
type KMSMaterial struct {
	ID           string // 64 hex digits
	State        types.KeyMaterialState
	RotationDate time.Time          // zero for the first and for pending material
	RotationType types.RotationType // "" likewise
	Imported     bool               // EXTERNAL keys: the bytes are there
	ValidTo      time.Time          // EXTERNAL keys: zero when the material does not expire

	secret [32]byte
}

func (k *KMSKey) clone() *KMSKey {
	c := *k
	c.Tags = maps.Clone(k.Tags)
	c.Aliases = slices.Clone(k.Aliases)
	c.ReplicaRegions = slices.Clone(k.ReplicaRegions)
	c.Materials = slices.Clone(k.Materials)
	return &c
}

func (k *KMSKey) multiRegion() bool { return k.PrimaryRegion != "" }
func (k *KMSKey) replica() bool     { return k.multiRegion() && k.PrimaryRegion != k.Region }

// symmetric says whether the key is a symmetric encryption key, the only kind whose material has versions.
func (k *KMSKey) symmetric() bool {
	return k.Spec == types.KeySpecSymmetricDefault && k.Usage == types.KeyUsageTypeEncryptDecrypt
}

// rotatable says whether KMS can rotate the key by itself; rotatable on demand are imported keys too.
func (k *KMSKey) rotatable() bool { return k.symmetric() && k.Origin == types.OriginTypeAwsKms }

// arnIn is the ARN of the related multi-Region key in another Region.
func (k *KMSKey) arnIn(region string) string { return keyARN(region, k.Account, k.ID) }

// CurrentMaterial is the id of the material that encrypts, "" when the key has none.
func (k *KMSKey) CurrentMaterial() string {
	if m := k.current(); m != nil {
		return m.ID
	}
	return ""
}

// current is the material that encrypts, nil when the key has none.
func (k *KMSKey) current() *KMSMaterial {
	i := slices.IndexFunc(k.Materials, func(m KMSMaterial) bool { return m.State == types.KeyMaterialStateCurrent })
	if i < 0 {
		return nil
	}
	return &k.Materials[i]
}

func (k *KMSKey) material(id string) *KMSMaterial {
	i := slices.IndexFunc(k.Materials, func(m KMSMaterial) bool { return m.ID == id })
	if i < 0 {
		return nil
	}
	return &k.Materials[i]
}

// rotateTo makes the material current, whose predecessor stays able to decrypt. It is for a clone alone.
func (k *KMSKey) rotateTo(m KMSMaterial, kind types.RotationType, at time.Time) {
	if c := k.current(); c != nil {
		c.State = types.KeyMaterialStateNonCurrent
	}
	m.State, m.RotationType, m.RotationDate = types.KeyMaterialStateCurrent, kind, at
	if known := k.material(m.ID); known != nil {
		*known = m
		return
	}
	k.Materials = append(k.Materials, m)
}

// days is a number of days as a duration; KMS counts rotation periods and waiting times in days of 24 hours.
func days(n int) time.Duration { return time.Duration(n) * 24 * time.Hour }

// pending is the imported material that the next on-demand rotation makes current, nil for none.
func (k *KMSKey) pending() *KMSMaterial {
	i := slices.IndexFunc(k.Materials, func(m KMSMaterial) bool {
		return m.State == types.KeyMaterialStatePendingRotation
	})
	if i < 0 {
		return nil
	}
	return &k.Materials[i]
}
