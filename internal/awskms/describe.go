package awskms

import (
	"context"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"rotd/internal/inventory"
)

// reading is the reading of one key: what was known of it, renewed by each answer. A refused operation is recorded and
// leaves what was known; any other failure ends the reading.
type reading struct {
	c   *Client
	now time.Time
	key *inventory.Key
	// grantsKept is how many grants are listed one by one; the others are counted.
	grantsKept int
}

// begin starts from what was known of a key, of which at least the ARN.
func (c *Client) begin(prev *inventory.Key) *reading {
	k := *prev
	k.Denied = slices.Clone(prev.Denied)
	if prev.Rotation != nil {
		rotation := *prev.Rotation
		k.Rotation = &rotation
	}
	k.ID = keyID(k.ARN)
	k.Partition, k.Account, k.Region = c.place.Partition, c.place.Account, c.place.Region
	now := time.Now().UTC()
	if k.FirstRead.IsZero() {
		k.FirstRead = now
	}
	return &reading{c: c, now: now, key: &k, grantsKept: inventory.MaxGrants}
}

// allowed notes whether KMS refused an operation on the key, and passes on every other error.
func (r *reading) allowed(op operation, err error) (bool, error) {
	refused := Classify(err) == AccessDenied
	r.key.SetDenied(string(op), refused)
	if refused {
		return false, nil
	}
	return err == nil, err
}

// describe reads the key's metadata. It reports false when there is nothing more to read: the key is gone, or KMS does
// not describe it to rotd.
func (r *reading) describe(ctx context.Context) (bool, error) {
	out, err := read(ctx, r.c, describeKey, &kms.DescribeKeyInput{KeyId: &r.key.ARN}, r.c.api.DescribeKey)
	gone := Classify(err) == NotFound
	if gone {
		err = nil
	}
	if ok, err := r.allowed(describeKey, err); !ok {
		r.key.RefusedAt = r.now // what is known is as old as it was
		return false, err
	}
	r.key.ReadAt, r.key.RefusedAt = r.now, time.Time{}
	if gone {
		if r.key.GoneAt == nil {
			r.key.GoneAt = &r.now
		}
		return false, nil
	}
	r.key.GoneAt = nil
	setMetadata(r.key, out.KeyMetadata)
	return true, nil
}

func setMetadata(k *inventory.Key, m *types.KeyMetadata) {
	k.Description = aws.ToString(m.Description)
	k.State = string(m.KeyState)
	k.Manager = string(m.KeyManager)
	k.Origin = string(m.Origin)
	k.Spec = string(m.KeySpec)
	k.Usage = string(m.KeyUsage)
	k.Created = aws.ToTime(m.CreationDate).UTC()
	k.DeletionDate = utc(m.DeletionDate)
	k.ValidTo = utc(m.ValidTo)
	k.CustomKeyStore = aws.ToString(m.CustomKeyStoreId)
	k.CurrentMaterial = aws.ToString(m.CurrentKeyMaterialId)
	k.MultiRegion, k.PrimaryARN, k.ReplicaARNs = "", "", nil
	if regions := m.MultiRegionConfiguration; regions != nil {
		k.MultiRegion = string(regions.MultiRegionKeyType)
		if regions.PrimaryKey != nil {
			k.PrimaryARN = aws.ToString(regions.PrimaryKey.Arn)
		}
		for _, replica := range regions.ReplicaKeys {
			k.ReplicaARNs = append(k.ReplicaARNs, aws.ToString(replica.Arn))
		}
		slices.Sort(k.ReplicaARNs)
	}
}

func utc(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	u := t.UTC()
	return &u
}
