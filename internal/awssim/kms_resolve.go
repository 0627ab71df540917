package awssim

import (
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// reach says which keys an operation can be asked about, as its documentation has it.
type reach int

const (
	ownKey   reach = iota // key id or key ARN, in the caller's account
	anyKey                // key id or key ARN, in any account
	anyAlias              // key id, key ARN, alias or alias ARN, in any account
)

var keyIDPattern = regexp.MustCompile(`^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|mrk-[0-9a-f]{32})$`)

// key finds the key a call names, as it really is, and checks that the caller may do this to it. k.mu is held.
func (k *KMS) key(c *kmsCall, ref string, r reach) (*KMSKey, error) {
	arn, err := k.resolve(c, ref, r, c.now)
	if err != nil {
		return nil, err
	}
	c.names(arn)
	key := k.settle(arn, c.now)
	if key == nil {
		return nil, notFound(arn)
	}
	if err := k.authorize(c, key, "kms:"+c.Operation); err != nil {
		return nil, err
	}
	c.uses(key)
	return key, nil
}

// readKey is key for an operation that reads: what it is shown may be stale.
func (k *KMS) readKey(c *kmsCall, ref string, r reach) (*KMSKey, error) {
	if _, err := k.key(c, ref, r); err != nil {
		return nil, err
	}
	seen := c.now.Add(-k.opts.StaleFor)
	arn, err := k.resolve(c, ref, r, seen)
	if err != nil {
		return nil, err
	}
	if key := k.keys[arn].history.seenAt(seen); key != nil {
		return key, nil
	}
	c.resources = nil
	return nil, notFound(arn)
}

// uses notes a key the call is about, and whose it is.
func (c *kmsCall) uses(key *KMSKey) {
	c.about(key.ARN)
	if key.Account != c.account() {
		c.owner = key.Account
	}
}

// resolve turns a key id, key ARN, alias or alias ARN into a key ARN as known at the given time.
func (k *KMS) resolve(c *kmsCall, ref string, r reach, seen time.Time) (arn string, err error) {
	switch {
	case ref == "":
		return "", apiErrorf("ValidationException", 0, "1 validation error detected: Value null at 'keyId' failed "+
			"to satisfy constraint: Member must not be null")
	case strings.HasPrefix(ref, "alias/") && r == anyAlias:
		return k.target(aliasARN(c.Region, c.account(), ref), seen)
	case !strings.HasPrefix(ref, "arn:"):
		if !keyIDPattern.MatchString(ref) {
			return "", apiErrorf("NotFoundException", 0, "Invalid keyId '%s'", ref)
		}
		return keyARN(c.Region, c.account(), ref), nil
	}
	parts, ok := parseARN(ref)
	kind, _, _ := strings.Cut(parts.resource, "/")
	switch {
	case !ok || parts.service != "kms" || kind != "key" && kind != "alias":
		return "", apiErrorf("InvalidArnException", 0, "Invalid arn %s", ref)
	case parts.region != c.Region || parts.partition != partitionOf(c.Region):
		return "", apiErrorf("NotFoundException", 0, "Invalid arn %s", parts.region)
	case kind == "alias" && r != anyAlias:
		return "", apiErrorf("InvalidArnException", 0, "Key Aliases are not supported for this operation.")
	case r == ownKey && parts.account != c.account():
		return "", denied(c, "kms:"+c.Operation, ref)
	case kind == "alias":
		return k.target(ref, seen)
	}
	return ref, nil
}

// target is the ARN of the key an alias points to.
func (k *KMS) target(alias string, seen time.Time) (string, error) {
	var a *kmsAlias
	if h := k.aliases[alias]; h != nil {
		a = h.seenAt(seen)
	}
	if a == nil {
		return "", apiErrorf("NotFoundException", 0, "Alias %s is not found.", alias)
	}
	return keyARN(a.region, a.account, a.target), nil
}

func notFound(arn string) *APIError {
	return apiErrorf("NotFoundException", 0, "Key '%s' does not exist", arn)
}

func invalidState(key *KMSKey, what string) *APIError {
	return apiErrorf("KMSInvalidStateException", 0, "%s %s.", key.ARN, what)
}

func unsupported(key *KMSKey, why string) *APIError {
	return apiErrorf("UnsupportedOperationException", 0, "%s %s", key.ARN, why)
}

// usable tells why a key in this state can be neither used nor have its rotation changed; nil when it can.
func (key *KMSKey) usable() error {
	switch key.State {
	case types.KeyStateEnabled:
		return nil
	case types.KeyStateDisabled:
		return apiErrorf("DisabledException", 0, "%s is disabled.", key.ARN)
	default:
		return invalidState(key, "is "+stateWords(key.State))
	}
}

// manageable tells why a key in this state cannot be changed in its name, tags or policy; nil when it can.
func (key *KMSKey) manageable() error {
	if key.deleting() {
		return invalidState(key, "is "+stateWords(key.State))
	}
	return nil
}

func (key *KMSKey) deleting() bool {
	return key.State == types.KeyStatePendingDeletion || key.State == types.KeyStatePendingReplicaDeletion
}

func stateWords(s types.KeyState) string {
	switch s {
	case types.KeyStatePendingDeletion:
		return "pending deletion"
	case types.KeyStatePendingReplicaDeletion:
		return "pending replica deletion"
	case types.KeyStatePendingImport:
		return "pending import"
	default:
		return strings.ToLower(string(s))
	}
}
