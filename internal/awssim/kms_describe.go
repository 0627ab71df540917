package awssim

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// metadata is the key as DescribeKey tells it. Times are time.Time.
func (key *KMSKey) metadata() fields {
	algorithms, names := keyAlgorithms(key.Spec, key.Usage)
	m := fields{
		"AWSAccountId": key.Account, "Arn": key.ARN, "CreationDate": key.Created, "Description": key.Description,
		"CustomerMasterKeySpec": key.Spec, "KeySpec": key.Spec, "KeyUsage": key.Usage, "KeyId": key.ID,
		"Enabled": key.State == types.KeyStateEnabled, "KeyManager": key.Manager, "KeyState": key.State,
		"MultiRegion": key.multiRegion(), "Origin": key.Origin, algorithms: names,
	}
	if current := key.current(); current != nil {
		m["CurrentKeyMaterialId"] = current.ID
		if key.Origin == types.OriginTypeExternal && current.Imported {
			m["ExpirationModel"] = expirationModel(current)
			setTime(m, "ValidTo", key.firstExpiry())
		}
	}
	if key.CustomKeyStoreID != "" {
		m["CustomKeyStoreId"] = key.CustomKeyStoreID
	}
	setTime(m, "DeletionDate", key.DeletionDate)
	if key.State == types.KeyStatePendingReplicaDeletion {
		m["PendingDeletionWindowInDays"] = key.DeletionWindow
	}
	if key.multiRegion() {
		m["MultiRegionConfiguration"] = key.multiRegionConfiguration()
	}
	for name, value := range key.says {
		m[name] = value
	}
	return m
}

func (key *KMSKey) multiRegionConfiguration() fields {
	kind := types.MultiRegionKeyTypePrimary
	if key.replica() {
		kind = types.MultiRegionKeyTypeReplica
	}
	replicas := make([]fields, len(key.ReplicaRegions))
	for i, region := range key.ReplicaRegions {
		replicas[i] = fields{"Arn": key.arnIn(region), "Region": region}
	}
	return fields{
		"MultiRegionKeyType": kind, "ReplicaKeys": replicas,
		"PrimaryKey": fields{"Arn": key.arnIn(key.PrimaryRegion), "Region": key.PrimaryRegion},
	}
}

func expirationModel(m *KMSMaterial) types.ExpirationModelType {
	if m.ValidTo.IsZero() {
		return types.ExpirationModelTypeKeyMaterialDoesNotExpire
	}
	return types.ExpirationModelTypeKeyMaterialExpires
}

// firstExpiry is when the first of the key's imported materials expires; zero for never.
func (key *KMSKey) firstExpiry() (first time.Time) {
	for _, m := range key.Materials {
		if m.Imported && !m.ValidTo.IsZero() && (first.IsZero() || m.ValidTo.Before(first)) {
			first = m.ValidTo
		}
	}
	return first
}

// setTime adds a time to an answer unless it is zero.
func setTime(f fields, name string, t time.Time) {
	if !t.IsZero() {
		f[name] = t
	}
}

// describeKey shows a replica's set as the primary has it.
func (k *KMS) describeKey(c *kmsCall, in keyInput) (any, error) {
	key, err := k.readKey(c, in.KeyID, anyAlias)
	if err != nil {
		return nil, err
	}
	metadata := key.metadata()
	if primary := k.latest(key.arnIn(key.PrimaryRegion)); key.replica() && primary != nil {
		shown := key.clone()
		shown.ReplicaRegions = primary.ReplicaRegions
		metadata = shown.metadata()
	}
	return wire(fields{"KeyMetadata": metadata}), nil
}

// keyInput is the input of operations that take a key and nothing else.
type keyInput struct {
	KeyID string `json:"KeyId"`
}
