package remediation

import (
	"fmt"
	"strings"
	"time"

	"rotd/internal/inventory"
)

// Imports say how keys with imported material get new material. The zero value imports none.
type Imports struct {
	Source   string        // what gives the bytes, for people; empty: nothing is configured
	ValidFor time.Duration // after which imported material expires; 0: never
	// Obstacle says why rotd cannot import into a replica, "" when it can; nil: nothing is known against any.
	Obstacle func(arn string) string
}

// maxValidFor is a little less than KMS allows: its clock and rotd's may differ.
const maxValidFor = 365*24*time.Hour - 10*time.Minute

// pendingRotation is KMS's word for material that the primary key and all its replicas have.
const (
	pendingRotation    = "PENDING_ROTATION"
	pendingMultiRegion = "PENDING_MULTI_REGION_IMPORT_AND_ROTATION"
)

// plan imports new material into the key, then the same into its replicas, and rotates to it. Material that waits for
// its rotation already, imported by hand or by an action that ended in between, is not imported again.
func (i Imports) plan(a Action, key *inventory.Key) (Action, bool, string) {
	pending := key.Rotation.Pending
	if pending.Imported() && pending.State == pendingRotation {
		a.Method = NewMaterial
		return a, true, "The material that has been imported already, by RotateKeyOnDemand."
	}
	if why := i.missing(key); why != "" {
		return Action{}, false, why
	}
	a.Method = ImportedMaterial
	first := Call{Operation: ImportKeyMaterial, KeyARN: key.ARN, Material: NewKeyMaterial}
	if i.ValidFor > 0 {
		until := a.Created.Add(min(i.ValidFor, maxValidFor)).Truncate(time.Second)
		first.ValidTo = &until
	}
	if pending != nil { // a replica lacks it, or it was deleted again: only the same bytes will do
		first.Material = ExistingKeyMaterial
	}
	a.Calls = append(a.Calls, first)
	for _, replica := range key.ReplicaARNs {
		again := first
		again.KeyARN, again.Material = replica, ExistingKeyMaterial
		a.Calls = append(a.Calls, again)
	}
	a.Calls = append(a.Calls, Call{Operation: RotateKeyOnDemand, KeyARN: key.ARN})
	return a, true, "New material, by ImportKeyMaterial and RotateKeyOnDemand."
}

// missing says what rotd lacks to import material into the key and all its replicas, and how it is done by hand; ""
// when it lacks nothing. Half an import would leave the key waiting.
func (i Imports) missing(key *inventory.Key) string {
	if i.Source == "" {
		return join("The key's material is imported, and rotd.yaml names no source of new material (imported_material). "+
			"Name one, or import material by hand and ask again: rotd then rotates to it.", byHand(key, key.ReplicaARNs))
	}
	var obstacles []string
	for _, replica := range key.ReplicaARNs {
		if i.Obstacle == nil {
			break
		}
		if why := i.Obstacle(replica); why != "" {
			obstacles = append(obstacles, replica+": "+why)
		}
	}
	if len(obstacles) == 0 {
		return ""
	}
	return join("The key can rotate only when all its replicas have the new material, and rotd cannot import it into "+
		strings.Join(obstacles, "; ")+". Change that, or import material by hand and ask again: rotd then rotates to it.",
		byHand(key, key.ReplicaARNs))
}

// byHand are the commands that import material into a key and its replicas.
func byHand(key *inventory.Key, replicas []string) string {
	commands := make([]string, 0, 1+len(replicas))
	for n, arn := range append([]string{key.ARN}, replicas...) {
		kind := NewKeyMaterial
		if n > 0 {
			kind = ExistingKeyMaterial
		}
		commands = append(commands, fmt.Sprintf(
			"aws kms import-key-material --region %s --key-id %s --import-type %s …", arnRegion(arn), arn, kind))
	}
	return "By hand, each after aws kms get-parameters-for-import: " + strings.Join(commands, "; ") + "."
}

// Expires is when the material that the action imports expires, and with it the key's use; nil: never, or it imports
// none.
func (a *Action) Expires() *time.Time {
	for n := range a.Calls {
		if a.Calls[n].ValidTo != nil {
			return a.Calls[n].ValidTo
		}
	}
	return nil
}

// CodeNoMaterial is the code of an answer that is not KMS's: there was nothing to import.
const CodeNoMaterial = "NoKeyMaterial"

// wrongMaterial says in words that KMS did not take the bytes.
func wrongMaterial(a *Action) string {
	if a.Current().Material == NewKeyMaterial {
		return "KMS did not take the material: the key had it before. The source (imported_material) must give new bytes " +
			"for every ROTD_MATERIAL."
	}
	return "KMS did not take the material for " + a.CallKey() + ": it is not what was imported first. The source " +
		"(imported_material) must give the same bytes for the same ROTD_MATERIAL. When it does, rotd rotate goes on."
}

// keepBytes says what having imported material takes from now on; "" when the action imported none.
func keepBytes(a *Action) string {
	if a.Method != ImportedMaterial {
		return ""
	}
	text := "Keep the imported bytes: KMS gives them to nobody, and a key that has lost them works again only with them."
	if at := a.Expires(); at != nil {
		return "The material expires at " + stamp(*at) + "; if any material of the key does, nothing can be encrypted or " +
			"decrypted with it until the same bytes are imported again. " + text
	}
	return text
}
