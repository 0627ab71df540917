package awssim

import (
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

type createKeyInput struct {
	KeySpec, CustomerMasterKeySpec types.KeySpec
	KeyUsage                       types.KeyUsageType
	Origin                         types.OriginType
	Description, Policy            string
	CustomKeyStoreID               string `json:"CustomKeyStoreId"`
	MultiRegion                    bool
	BypassPolicyLockoutSafetyCheck bool
	Tags                           []kmsTag
}

func (k *KMS) createKey(c *kmsCall, in createKeyInput) (any, error) {
	c.tagged(in.Tags)
	if err := k.authorizeAny(c); err != nil {
		return nil, err
	}
	if err := c.mayTag(in.Tags); err != nil {
		return nil, err
	}
	key := &KMSKey{
		Account: c.account(), Region: c.Region, Created: c.now, Manager: types.KeyManagerTypeCustomer,
		Description: in.Description, Spec: in.KeySpec, Usage: in.KeyUsage, Origin: in.Origin,
		State: types.KeyStateEnabled, Policy: in.Policy,
	}
	if key.Spec == "" {
		key.Spec = in.CustomerMasterKeySpec
	}
	if in.MultiRegion {
		key.PrimaryRegion = c.Region
	}
	if err := key.complete(); err != nil {
		return nil, err
	}
	if key.CustomKeyStoreID = in.CustomKeyStoreID; key.Origin == types.OriginTypeAwsCloudhsm ||
		key.Origin == types.OriginTypeExternalKeyStore {
		return nil, apiErrorf("CustomKeyStoreNotFoundException", 0, "Custom key store %q does not exist",
			in.CustomKeyStoreID) // such keys are made by KMS.CreateKey alone
	}
	if err := checkPolicy(c.Principal, key.Policy, in.BypassPolicyLockoutSafetyCheck); err != nil {
		return nil, err
	}
	var err error
	if key.Tags, err = withTags(nil, in.Tags); err != nil {
		return nil, err
	}
	k.store(key, c.now)
	c.Effect = true
	c.about(key.ARN)
	c.names(key.ARN)
	return c.answers(fields{"KeyMetadata": key.metadata()}), nil
}

// tagged tells conditions of the tags that a request gives.
func (c *kmsCall) tagged(tags []kmsTag) {
	c.context = make(map[string]string)
	for _, t := range tags {
		c.context["aws:RequestTag/"+t.TagKey] = t.TagValue
	}
}

// mayTag tells whether the caller may give a new key its tags, which is a permission besides that to make it.
func (c *kmsCall) mayTag(tags []kmsTag) error {
	const action = "kms:TagResource"
	if made := keyARN(c.Region, c.account(), "new"); len(tags) > 0 && !c.permits(action, made) {
		return unpermitted(c.call, action, made)
	}
	return nil
}

// complete checks what was asked for against what KMS can make, and fills in what it left open.
func (key *KMSKey) complete() error {
	if key.Spec == "" {
		key.Spec = types.KeySpecSymmetricDefault
	}
	if key.Origin == "" {
		key.Origin = types.OriginTypeAwsKms
	}
	if key.Usage == "" {
		key.Usage = types.KeyUsageTypeEncryptDecrypt // the API's default, whatever the spec
	}
	custom := key.Origin == types.OriginTypeAwsCloudhsm || key.Origin == types.OriginTypeExternalKeyStore
	switch {
	case !slices.Contains(key.Origin.Values(), key.Origin):
		return invalidValue("origin", string(key.Origin))
	case keyUsages(key.Spec) == nil:
		return invalidValue("keySpec", string(key.Spec))
	case !slices.Contains(keyUsages(key.Spec), key.Usage):
		return apiErrorf("ValidationException", 0, "KeyUsage %s is not compatible with KeySpec %s", key.Usage, key.Spec)
	case custom && key.multiRegion():
		return apiErrorf("UnsupportedOperationException", 0, "Custom key stores do not support multi-Region keys.")
	case custom && key.Spec != types.KeySpecSymmetricDefault:
		return apiErrorf("UnsupportedOperationException", 0, "Custom key stores hold symmetric encryption keys only.")
	}
	key.identify()
	if key.Policy == "" {
		key.Policy = defaultKeyPolicy(key.Region, key.Account)
	}
	if key.symmetric() && key.Origin == types.OriginTypeAwsKms {
		key.Materials = []KMSMaterial{newMaterial()}
	}
	if key.Origin == types.OriginTypeExternal && key.State == types.KeyStateEnabled && len(key.Materials) == 0 {
		key.State = types.KeyStatePendingImport
	}
	return nil
}

func (key *KMSKey) identify() {
	if key.ID == "" {
		id := randomHex(16)
		key.ID = fmt.Sprintf("%s-%s-4%s-a%s-%s", id[:8], id[8:12], id[13:16], id[17:20], id[20:])
		if key.multiRegion() {
			key.ID = "mrk-" + id
		}
	}
	key.ARN = keyARN(key.Region, key.Account, key.ID)
}

func defaultKeyPolicy(region, account string) string {
	return fmt.Sprintf(`{
  "Version" : "2012-10-17",
  "Id" : "key-default-1",
  "Statement" : [ {
    "Sid" : "Enable IAM User Permissions",
    "Effect" : "Allow",
    "Principal" : {
      "AWS" : "arn:%s:iam::%s:root"
    },
    "Action" : "kms:*",
    "Resource" : "*"
  } ]
}`, partitionOf(region), account)
}

func invalidValue(member, value string) *APIError {
	return apiErrorf("ValidationException", 0, "1 validation error detected: Value '%s' at '%s' failed to satisfy "+
		"constraint: Member must satisfy enum value set", value, member)
}
