package awssim

import (
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

type replicateKeyInput struct {
	KeyID                          string `json:"KeyId"`
	ReplicaRegion                  string
	Description, Policy            string
	BypassPolicyLockoutSafetyCheck bool
	Tags                           []kmsTag
}

// replicateKey makes a replica in another Region, where CloudTrail records a CreateKey.
func (k *KMS) replicateKey(c *kmsCall, in replicateKeyInput) (any, error) {
	primary, err := k.key(c, in.KeyID, ownKey)
	if err != nil {
		return nil, err
	}
	switch {
	case !primary.multiRegion() || primary.replica():
		return nil, unsupported(primary, "is not a multi-Region primary key.")
	case in.ReplicaRegion == "" || partitionOf(in.ReplicaRegion) != partitionOf(c.Region):
		return nil, apiErrorf("ValidationException", 0, "Invalid replica Region %q", in.ReplicaRegion)
	case in.ReplicaRegion == c.Region || slices.Contains(primary.ReplicaRegions, in.ReplicaRegion):
		return nil, apiErrorf("AlreadyExistsException", 0, "%s already exists", primary.arnIn(in.ReplicaRegion))
	}
	if err := primary.usable(); err != nil {
		return nil, err
	}
	c.tagged(in.Tags)
	if !c.permits("kms:CreateKey", "*") { // in the replica's Region
		return nil, unpermitted(c.call, "kms:CreateKey", "*")
	}
	if err := c.mayTag(in.Tags); err != nil {
		return nil, err
	}
	replica := primary.replicaIn(in.ReplicaRegion, c.now, k.opts.ReplicationDelay)
	replica.Description = in.Description
	if in.Policy != "" {
		replica.Policy = in.Policy
	}
	if err := checkPolicy(c.Principal, replica.Policy, in.BypassPolicyLockoutSafetyCheck); err != nil {
		return nil, err
	}
	if replica.Tags, err = withTags(nil, in.Tags); err != nil {
		return nil, err
	}
	k.addReplica(primary, replica, c.now)
	c.Effect = true
	shown := replica.clone()
	shown.ReplicaRegions = append(slices.Clone(primary.ReplicaRegions), replica.Region)
	slices.Sort(shown.ReplicaRegions)
	k.happened = append(k.happened, kmsEvent{name: "CreateKey", at: c.now, key: shown, call: c})
	return c.answers(fields{
		"ReplicaKeyMetadata": shown.metadata(), "ReplicaPolicy": replica.Policy, "ReplicaTags": tagList(replica.Tags),
	}), nil
}

// replicaIn is a new replica of a primary, which stays Creating for a while.
func (key *KMSKey) replicaIn(region string, now time.Time, delay time.Duration) *KMSKey {
	r := &KMSKey{
		ARN: key.arnIn(region), Account: key.Account, Region: region, ID: key.ID, PrimaryRegion: key.Region,
		Spec: key.Spec, Usage: key.Usage, Origin: key.Origin, Manager: key.Manager, Created: now,
		Policy: defaultKeyPolicy(region, key.Account), State: types.KeyStateEnabled,
	}
	if key.Origin == types.OriginTypeAwsKms {
		r.Materials = slices.Clone(key.Materials)
	}
	switch {
	case delay > 0:
		r.State, r.readyAt = types.KeyStateCreating, now.Add(delay)
	case key.Origin == types.OriginTypeExternal:
		r.State = types.KeyStatePendingImport
	}
	return r
}

// addReplica stores a replica and makes its primary know it. k.mu is held.
func (k *KMS) addReplica(primary, replica *KMSKey, since time.Time) {
	k.store(replica, since)
	next := primary.clone()
	next.ReplicaRegions = append(next.ReplicaRegions, replica.Region)
	slices.Sort(next.ReplicaRegions)
	k.store(next, since)
}
