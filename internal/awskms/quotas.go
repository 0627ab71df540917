package awskms

import (
	"strings"
	"time"
)

// operation is a KMS operation by AWS's name.
type operation string

// The operations rotd uses.
const (
	listKeys             operation = "ListKeys"
	listAliases          operation = "ListAliases"
	describeKey          operation = "DescribeKey"
	getKeyRotationStatus operation = "GetKeyRotationStatus"
	listKeyRotations     operation = "ListKeyRotations"
	listResourceTags     operation = "ListResourceTags"
	getKeyPolicy         operation = "GetKeyPolicy"
	listGrants           operation = "ListGrants"
	getKeyLastUsage      operation = "GetKeyLastUsage"
	enableKeyRotation    operation = "EnableKeyRotation"
	rotateKeyOnDemand    operation = "RotateKeyOnDemand"
	createKey            operation = "CreateKey"
	replicateKey         operation = "ReplicateKey"
	createGrant          operation = "CreateGrant"
	revokeGrant          operation = "RevokeGrant"
	createAlias          operation = "CreateAlias"
	updateAlias          operation = "UpdateAlias"
	deleteAlias          operation = "DeleteAlias"
	tagResource          operation = "TagResource"
	cancelKeyDeletion    operation = "CancelKeyDeletion"
	enableKey            operation = "EnableKey"
	disableKey           operation = "DisableKey"
	reEncrypt            operation = "ReEncrypt"

	getParametersForImport operation = "GetParametersForImport"
	importKeyMaterial      operation = "ImportKeyMaterial"
)

// quotas are AWS's limits in requests a second for an account and Region, shared with everything else that runs there.
var quotas = map[operation]float64{
	listKeys:             500,
	listAliases:          500,
	describeKey:          2000,
	getKeyRotationStatus: 1000,
	listKeyRotations:     100,
	listResourceTags:     2000,
	getKeyPolicy:         1000,
	listGrants:           100,
	getKeyLastUsage:      5,
	enableKeyRotation:    15,
	rotateKeyOnDemand:    5,
	createKey:            5,
	replicateKey:         5,
	createGrant:          50,
	revokeGrant:          50,
	createAlias:          5,
	updateAlias:          5,
	deleteAlias:          15,
	tagResource:          10,
	cancelKeyDeletion:    5,
	enableKey:            5,
	disableKey:           5,
	reEncrypt:            10_000, // where cryptographicQuotas has no more

	getParametersForImport: 1,
	importKeyMaterial:      15,
}

// cryptographicQuotas are AWS's limits on ReEncrypt in the Regions that have more than the others. They are shared with
// every Encrypt, Decrypt, GenerateDataKey… under a symmetric key in the account and Region, those that S3 and other
// services make for it too. Keys in custom key stores have 1,800 a second, which rotd does not know of: it slows down
// when KMS says so.
var cryptographicQuotas = map[string]float64{
	"us-east-1": 100_000, "us-west-2": 100_000, "eu-west-1": 100_000,
	"us-east-2": 20_000, "ap-southeast-1": 20_000, "ap-southeast-2": 20_000, "ap-northeast-1": 20_000,
	"eu-central-1": 20_000, "eu-west-2": 20_000,
}

// quota is AWS's limit on an operation in a Region.
func quota(op operation, region string) float64 {
	if more, ok := cryptographicQuotas[region]; ok && op == reEncrypt {
		return more
	}
	return quotas[op]
}

// changes says that an operation changes a key, or is asked for that alone: no sweep waits in its way.
func (op operation) changes() bool {
	if op == getParametersForImport {
		return true
	}
	reads := strings.HasPrefix(string(op), "List") || strings.HasPrefix(string(op), "Get") || op == describeKey
	return !reads && op != reEncrypt
}

// Lane is a part of rotd's share of a quota, so that none starves another.
type Lane int

// Lanes.
const (
	Sweep  Lane = iota // what is done in bulk: the whole share, less what the others take at the moment
	Reread             // keys that events touched: a tenth
	Act                // what actions read and change: a tenth of the reads, all of the changes
	lanes              // how many there are
)

// part is what a lane has of rotd's share of an operation's quota.
func (l Lane) part(op operation) float64 {
	switch {
	case op.changes(), op == reEncrypt && l == Sweep: // nobody else re-encrypts
		return 1
	case l == Sweep:
		return 0.96 // with the burst on top a second never holds more than the share
	}
	return 0.1
}

// burst is for how long a lane may save up turns that it did not take. Re-encryptions come in batches, between which
// their results are made durable.
func (l Lane) burst(op operation) time.Duration {
	switch {
	case op == reEncrypt:
		return time.Second / 5
	case l == Sweep:
		return time.Second / 25
	}
	return time.Second / 10
}
