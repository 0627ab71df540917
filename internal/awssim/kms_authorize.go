package awssim

import (
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// KMSDenial refuses calls as a policy would. Empty fields match all. Principal is the ARN of a user, a role or a
// session, Key a key's ARN, Operation a name such as GetKeyRotationStatus. Calls about no key match an empty Key only.
type KMSDenial struct{ Principal, Key, Operation string }

// Deny refuses calls from now on.
func (k *KMS) Deny(d KMSDenial) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.denials = append(k.denials, d)
}

// Undeny takes all denials back.
func (k *KMS) Undeny() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.denials = nil
}

func (d KMSDenial) matches(c *kmsCall, key string) bool {
	return (d.Operation == "" || d.Operation == c.Operation) && (d.Key == "" || d.Key == key) &&
		(d.Principal == "" || d.Principal == c.Principal.ARN || d.Principal == c.Principal.SessionIssuerARN)
}

// authorize tells whether the caller may do this to the key: denials, what AWS keeps to itself, the key's policy, the
// caller's own. k.mu is held.
func (k *KMS) authorize(c *kmsCall, key *KMSKey, action string) error {
	switch {
	case !c.permits(c.asked(action), key.ARN):
		return unpermitted(c.call, c.asked(action), key.ARN)
	case slices.ContainsFunc(k.denials, func(d KMSDenial) bool { return d.matches(c, key.ARN) }):
		return denied(c, action, key.ARN)
	case key.Manager == types.KeyManagerTypeAws && !managedKeyAllows(c.Operation):
		return denied(c, action, key.ARN)
	case key.Manager == types.KeyManagerTypeAws && key.Account == c.account():
		return nil
	case !parsePolicy(key.Policy).allows(c.Principal, action):
		return denied(c, action, key.ARN)
	}
	return nil
}

// authorizeAny is authorize for calls about no key in particular. k.mu is held.
func (k *KMS) authorizeAny(c *kmsCall) error {
	if !c.permits(c.Action, "*") {
		return unpermitted(c.call, c.Action, "*")
	}
	if slices.ContainsFunc(k.denials, func(d KMSDenial) bool { return d.matches(c, "") }) {
		return denied(c, "kms:"+c.Operation, "*")
	}
	return nil
}

// managedKeyAllows says what an AWS managed key lets its account's administrators do. Its cryptographic operations
// are for the AWS service that owns it, and its rotation status is refused to everybody.
func managedKeyAllows(operation string) bool {
	switch operation {
	case "DescribeKey", "GetKeyPolicy", "ListResourceTags", "ListAliases", "GetKeyLastUsage":
		return true
	}
	return false
}

// asked is the IAM action that is asked of the next key: ReEncrypt's first one is moved from, its second one to.
func (c *kmsCall) asked(action string) string {
	switch {
	case action != "kms:ReEncrypt":
		return action
	case len(c.resources) == 0:
		return "kms:ReEncryptFrom"
	}
	return "kms:ReEncryptTo"
}

func unpermitted(c *call, action, resource string) *APIError {
	return apiErrorf("AccessDeniedException", 0, "User: %s is not authorized to perform: %s on resource: %s because no "+
		"identity-based policy allows the %s action", c.Principal.ARN, action, resource, action)
}

func denied(c *kmsCall, action, resource string) *APIError {
	return apiErrorf("AccessDeniedException", 0, "User: %s is not authorized to perform: %s on resource: %s because "+
		"no resource-based policy allows the %s action", c.Principal.ARN, action, resource, action)
}
