package history

import (
	"cmp"
	"slices"
	"time"
)

// Clocks of rotd, KMS and CloudTrail differ, and KMS may show a change only minutes after the call.
const (
	shownWithin = 5 * time.Minute // a reading that began so long after a call may not show it yet
	clockMargin = 2 * time.Minute
	maxEvidence = 10
)

// Explains reports whether the evidence may be what brought a change about: the operation can do that, and its time
// lies between the two readings.
func (ev *Evidence) Explains(change *Entry) bool {
	does, ok := operations[ev.Operation]
	return ok && slices.Contains(does, change.Kind) && ev.during(change) && ev.fits(change)
}

// Explained are the changes that the evidence explains: those that happened around its time if there are any, else
// those that clocks and late answers may have put beside it.
func Explained(changes []Entry, ev *Evidence) (which []int) {
	var beside []int
	for i := range changes {
		switch c := &changes[i]; {
		case !ev.Explains(c):
		case ev.beside(c):
			beside = append(beside, i)
		default:
			which = append(which, i)
		}
	}
	if len(which) == 0 {
		return beside
	}
	return which
}

func (ev *Evidence) during(change *Entry) bool {
	return !ev.last().Before(change.NotBefore.Add(-shownWithin)) && !ev.At.After(change.SeenAt.Add(clockMargin))
}

// Changes are the kinds of changes an operation can bring about; none of one that changes nothing which is followed.
func Changes(operation string) []Kind { return operations[operation] }

// operations are KMS's calls and service events, with what they can change: first what they are for.
var operations = map[string][]Kind{
	"CreateKey":                 {Created},
	"EnableKey":                 {State, Schedule},
	"DisableKey":                {State, Schedule},
	"ScheduleKeyDeletion":       {State, Deletion, Schedule},
	"CancelKeyDeletion":         {State, Deletion, Schedule},
	"DeleteKey":                 {Gone},
	"EnableKeyRotation":         {Schedule},
	"DisableKeyRotation":        {Schedule},
	"RotateKeyOnDemand":         {Rotations, Material},
	"RotateKey":                 {Rotations, Material},
	"ImportKeyMaterial":         {State, ValidTo, Material, Schedule},
	"DeleteImportedKeyMaterial": {State, ValidTo, Material, Schedule},
	"DeleteExpiredKeyMaterial":  {State, ValidTo, Material, Schedule},
	"PutKeyPolicy":              {Policy, Denied, Schedule},
	"UpdateKeyDescription":      {Description},
	"CreateAlias":               {Aliases},
	"UpdateAlias":               {Aliases},
	"DeleteAlias":               {Aliases},
	"TagResource":               {Tags},
	"UntagResource":             {Tags},
	"CreateGrant":               {Grants},
	"RevokeGrant":               {Grants},
	"RetireGrant":               {Grants},
	"ReplicateKey":              {MultiRegion},
	"UpdatePrimaryRegion":       {MultiRegion, State},
	"SynchronizeMultiRegionKey": {MultiRegion, Schedule, Material, Rotations},
}

// states are what an operation leaves a key in, where it decides that.
var states = map[string][]string{
	"EnableKey":                 {"Enabled"},
	"DisableKey":                {"Disabled"},
	"ScheduleKeyDeletion":       {"PendingDeletion", "PendingReplicaDeletion"},
	"CancelKeyDeletion":         {"Disabled", "PendingImport", "Enabled"},
	"ImportKeyMaterial":         {"Enabled"},
	"DeleteImportedKeyMaterial": {"PendingImport"},
	"DeleteExpiredKeyMaterial":  {"PendingImport"},
}

// fits reports whether the change goes the way the operation goes.
func (ev *Evidence) fits(change *Entry) bool {
	switch change.Kind {
	case State:
		var state string
		wanted, decides := states[ev.Operation]
		return !decides || decode(change.After, &state) == nil && slices.Contains(wanted, state)
	case Schedule:
		return ev.fitsSchedule(change)
	case Aliases:
		var before, after []string
		if decode(change.Before, &before) != nil || decode(change.After, &after) != nil {
			return false
		}
		return slices.Contains(before, ev.Alias) != slices.Contains(after, ev.Alias)
	case Deletion:
		return (ev.Operation == "ScheduleKeyDeletion") == (change.After != nil)
	case Material:
		var material string
		return ev.Material == "" || decode(change.After, &material) == nil && material == ev.Material
	case Description, ValidTo, MultiRegion, OrgPath, Tags, Policy, Denied, Rotations, Grants, Gone:
	case Created, FirstSeen, Rotated, Reported, Dropped:
	}
	return true
}

// fitsSchedule: rotation goes off with the key, and comes back with it. A policy only decides whether rotd may know.
func (ev *Evidence) fitsSchedule(change *Entry) bool {
	var before, after *Automatic
	if decode(change.Before, &before) != nil || decode(change.After, &after) != nil {
		return false
	}
	on := after != nil && after.Enabled
	switch ev.Operation {
	case "PutKeyPolicy":
		return before != nil && before.Unknown || after != nil && after.Unknown
	case "EnableKeyRotation", "EnableKey", "CancelKeyDeletion":
		return on
	case "DisableKeyRotation", "DisableKey", "ScheduleKeyDeletion":
		return !on
	}
	return true
}

// several reports whether a change of this kind may be the work of several calls between two readings. Of the others
// the last call decides what a reading shows.
func several(kind Kind) bool {
	return slices.Contains([]Kind{Aliases, Tags, Grants, Rotations, Material, MultiRegion}, kind)
}

// Explain gives a change its evidence out of what is known: events and rotd's own actions. taken are other changes, and
// what explains one of the same kind explains no second.
func Explain(change *Entry, known []Evidence, taken []Entry) {
	var fitting []Evidence
	for i := range known {
		ev := &known[i]
		if ev.Explains(change) && !slices.ContainsFunc(taken, func(e Entry) bool {
			return e.Kind == change.Kind && e.hasEvidence(ev)
		}) {
			fitting = merged(fitting, *ev)
		}
	}
	byTime := func(a, b Evidence) int { return a.last().Compare(b.last()) }
	if !several(change.Kind) && len(fitting) > 1 {
		fitting = []Evidence{slices.MaxFunc(fitting, func(a, b Evidence) int {
			return cmp.Or(cmp.Compare(a.likeliness(change), b.likeliness(change)), byTime(a, b))
		})}
	}
	slices.SortStableFunc(fitting, byTime)
	change.Evidence = fitting[max(len(fitting)-maxEvidence, 0):]
}

// likeliness is higher for a call between the two readings than for one beside, and for one that is for this than for
// one that brings it along.
func (ev *Evidence) likeliness(change *Entry) (n int) {
	if !ev.beside(change) {
		n += 2
	}
	if operations[ev.Operation][0] == change.Kind {
		n++
	}
	return n
}

// beside reports whether the evidence is of before or after the readings, as far as whole seconds tell.
func (ev *Evidence) beside(change *Entry) bool {
	return ev.last().Before(change.NotBefore.Truncate(time.Second)) || ev.At.After(change.SeenAt)
}

func (e *Entry) hasEvidence(ev *Evidence) bool {
	return slices.ContainsFunc(e.Evidence, func(o Evidence) bool { return o.same(ev) })
}

// same reports whether two are evidence of one call: the event, or the action whose call the event tells of.
func (ev *Evidence) same(o *Evidence) bool {
	if ev.EventID != "" && o.EventID != "" {
		return ev.EventID == o.EventID
	}
	return ev.ActionID != "" && ev.ActionID == o.ActionID && ev.Operation == o.Operation
}

// merged adds evidence once: an event tells more than the action that made its call.
func merged(all []Evidence, ev Evidence) []Evidence {
	for i := range all {
		if all[i].same(&ev) {
			if all[i].EventID == "" {
				all[i] = ev
			}
			return all
		}
	}
	return append(all, ev)
}
