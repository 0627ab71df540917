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

	getParametersForImport: 1,
	importKeyMaterial:      15,
}

// changes says that an operation changes a key, or is asked for that alone: no sweep waits in its way.
func (op operation) changes() bool {
	return op == getParametersForImport ||
		!strings.HasPrefix(string(op), "List") && !strings.HasPrefix(string(op), "Get") && op != describeKey
}

// Lane is a part of rotd's share of a quota, so that none starves another.
type Lane int

// Lanes.
const (
	Sweep  Lane = iota // inventory, drift and dear facts: the whole share, less what the others take at the moment
	Reread             // keys that events touched: a tenth
	Act                // what actions read and change: a tenth of the reads, all of the changes
	lanes              // how many there are
)

// part is what a lane has of rotd's share of an operation's quota.
func (l Lane) part(op operation) float64 {
	switch {
	case op.changes():
		return 1
	case l == Sweep:
		return 0.96 // with the burst on top a second never holds more than the share
	}
	return 0.1
}

// burst is for how long a lane may save up turns that it did not take.
func (l Lane) burst() time.Duration {
	if l == Sweep {
		return time.Second / 25
	}
	return time.Second / 10
}
