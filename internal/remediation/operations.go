package remediation

import (
	"fmt"
	"strings"

	"rotd/internal/inventory"
)

// operation is what must be known of a KMS operation to call it safely.
type operation struct {
	needs inventory.Facts // of the call's key, to judge before and after the call
	// once: a second call has a second effect, so that a lost answer is settled before the one repetition there may be.
	once bool
	// condition says from what was just read how things are with regard to the call.
	condition func(a *Action, c *Call, o *Observation) (condition, string)
	look      string // the AWS CLI's command that shows the effect
}

// condition is how things are with regard to a call.
type condition int

const (
	open  condition = iota // as planned on: the call may be made, or has not had its effect
	done                   // as the call would make it
	moved                  // neither: somebody changed what the call was planned on
	soon                   // KMS is at work, or does not agree with itself yet
)

// operationOf returns the row of an operation; false for one that no action may call.
func operationOf(op Operation) (operation, bool) {
	switch op {
	case EnableKeyRotation:
		return operation{inventory.FactState, false, ifScheduled, "get-key-rotation-status"}, true
	case RotateKeyOnDemand:
		return operation{inventory.FactState | inventory.FactHistory, true, ifRotated, "list-key-rotations"}, true
	case ImportKeyMaterial:
		return operation{
			inventory.FactState | inventory.FactHistory, false, ifImported,
			"list-key-rotations --include-key-material ALL_KEY_MATERIAL",
		}, true
	case CreateKey:
		return operation{inventory.FactState, true, ifCreated, "describe-key"}, true
	case ReplicateKey:
		return operation{inventory.FactState, false, ifReplicated, "describe-key"}, true
	case CreateGrant:
		return operation{inventory.FactState, false, ifGranted, "list-grants"}, true
	case RevokeGrant:
		return operation{inventory.FactState, false, ifRevoked, "list-grants"}, true
	case CreateAlias, UpdateAlias:
		return operation{inventory.FactState, false, ifPointed, "list-aliases"}, true
	case DeleteAlias:
		return operation{inventory.FactState, false, ifRetired, "list-aliases"}, true
	case TagResource:
		return operation{inventory.FactState | inventory.FactConfig, false, ifTagged, "list-resource-tags"}, true
	case CancelKeyDeletion:
		return operation{inventory.FactState, false, ifKept, "describe-key"}, true
	case EnableKey:
		return operation{inventory.FactState, false, ifInState("Enabled"), "describe-key"}, true
	case DisableKey:
		return operation{inventory.FactState, false, ifInState("Disabled"), "describe-key"}, true
	}
	return operation{}, false
}

// Needs are the facts about the call's key that must be read before and after a call.
func (op Operation) Needs() inventory.Facts {
	row, _ := operationOf(op)
	return row.needs
}

// NamesAlias reports whether the operation is about an alias, whose target must be read too.
func (op Operation) NamesAlias() bool {
	return op == CreateAlias || op == UpdateAlias || op == DeleteAlias
}

// Look is the AWS CLI's command that shows what became of a call.
func (c *Call) Look(arn string) string {
	row, _ := operationOf(c.Operation)
	return "aws kms " + row.look + " --key-id " + arn
}

func ifScheduled(a *Action, c *Call, o *Observation) (condition, string) {
	r := o.Facts.Key.Rotation
	if r.Enabled && r.PeriodDays == c.PeriodDays {
		return done, fmt.Sprintf("Automatic rotation is already on, every %d days.", c.PeriodDays)
	}
	if c.KeyARN == a.KeyARN && (r.Enabled != a.Before.Enabled || r.PeriodDays != a.Before.PeriodDays) {
		return moved, "Somebody changed the rotation schedule after this was planned."
	}
	return open, ""
}

func ifRotated(a *Action, _ *Call, o *Observation) (condition, string) {
	const why = "The key got new material after this was planned."
	key, was := o.Facts.Key, a.Before
	other := key.CurrentMaterial != "" && key.CurrentMaterial != was.Material
	switch used := key.Rotation.OnDemandUsed(); {
	case used > was.OnDemandUsed && other:
		return done, why
	case key.Rotation.InProgress != nil:
		return soon, "Another rotation of this key is in progress; rotd waits for it."
	case key.Rotation.Pending != nil && key.Rotation.Pending.State == pendingMultiRegion:
		return soon, "KMS does not show yet that every replica has the imported material."
	case other, used != was.OnDemandUsed:
		return moved, why
	}
	return open, ""
}

func ifImported(a *Action, c *Call, o *Observation) (condition, string) {
	key := o.Facts.Key
	if c.KeyARN == a.KeyARN && key.CurrentMaterial != a.Before.Material {
		return moved, "The key got new material after this was planned."
	}
	p := key.Rotation.Pending
	if p != nil && p.Imported() && (c.Material == ExistingKeyMaterial || p.Material != "") {
		return done, "Material has been imported already and waits for a rotation."
	}
	return open, ""
}

func ifCreated(_ *Action, _ *Call, o *Observation) (condition, string) {
	if o.Made != "" {
		return done, "The new key is there already."
	}
	return open, ""
}

func ifReplicated(_ *Action, c *Call, o *Observation) (condition, string) {
	for _, arn := range o.Facts.Key.ReplicaARNs {
		if arnRegion(arn) == c.Region {
			return done, "The key has a replica in " + c.Region + " already."
		}
	}
	return open, ""
}

func ifGranted(_ *Action, _ *Call, o *Observation) (condition, string) {
	if o.Granted {
		return done, "The grant is there already."
	}
	return open, ""
}

func ifRevoked(_ *Action, _ *Call, o *Observation) (condition, string) {
	if !o.Granted {
		return done, "The grant is there no more."
	}
	return open, ""
}

func ifPointed(_ *Action, c *Call, o *Observation) (condition, string) {
	switch o.Target {
	case c.KeyARN:
		return done, c.Alias + " points at the key already."
	case c.FromARN: // empty of an alias that is to be made
		return open, ""
	case "":
		return moved, c.Alias + " is there no more."
	}
	return moved, c.Alias + " points at " + o.Target + " by now."
}

func ifRetired(_ *Action, c *Call, o *Observation) (condition, string) {
	switch o.Target {
	case "":
		return done, c.Alias + " is there no more."
	case c.KeyARN:
		return open, ""
	}
	return moved, c.Alias + " points at " + o.Target + " by now."
}

func ifTagged(_ *Action, c *Call, o *Observation) (condition, string) {
	for key, value := range c.Tags {
		if o.Facts.Key.Tags[key] != value {
			return open, ""
		}
	}
	return done, "The key is tagged already."
}

func ifKept(_ *Action, _ *Call, o *Observation) (condition, string) {
	switch state := o.Facts.Key.State; state {
	case pendingDeletion:
		return open, ""
	case "Disabled", "Enabled":
		return done, "The key is not scheduled for deletion any more."
	default:
		return moved, "The key is " + state + " by now."
	}
}

func ifInState(wanted string) func(*Action, *Call, *Observation) (condition, string) {
	return func(a *Action, c *Call, o *Observation) (condition, string) {
		switch state := o.Facts.Key.State; {
		case state == wanted:
			return done, "The key is " + wanted + " already."
		case state == c.KeyState:
			return open, ""
		case a.At > 0 && state == a.Calls[a.At-1].KeyState:
			return soon, "KMS still shows the key as " + state + "."
		default:
			return moved, "The key is " + state + " by now."
		}
	}
}

// arnRegion is the Region in an ARN; "" when it is none.
func arnRegion(arn string) string {
	parts := strings.SplitN(arn, ":", 5)
	if len(parts) < 5 {
		return ""
	}
	return parts[3]
}
