package report

import (
	"fmt"
	"slices"
	"strings"
)

// How controls judge one key.

// byChecks takes the gravest word of the control's checks.
func byChecks(c *Control, r *Row) (Outcome, string) {
	if o, why, ok := ours(r); !ok {
		return o, why
	}
	o, why := NotJudged, []string(nil)
	for _, id := range c.Checks {
		v, loaded := r.verdict(id)
		if !loaded {
			return Unverifiable, "the check " + id + " is not loaded"
		}
		switch {
		case v.Outcome.rank() < o.rank(), len(why) == 0:
			o, why = v.Outcome, []string{v.Reason}
		case v.Outcome == o:
			why = append(why, v.Reason)
		}
	}
	return o, strings.Join(distinct(why), "; ")
}

// ours says why a key is none that its owner could rotate or answer for.
func ours(r *Row) (o Outcome, why string, ok bool) {
	switch {
	case r.Manager == "AWS":
		return NotJudged, "AWS manages the key", false
	case r.Manager != "CUSTOMER":
		return Unverifiable, "KMS did not describe the key to rotd", false
	}
	return InOrder, "", true
}

// periodDefined asks that somebody has said how old the key's material may become.
func periodDefined(_ *Control, r *Row) (Outcome, string) {
	if o, why, ok := ours(r); !ok {
		return o, why
	}
	switch {
	case r.MultiRegion == "REPLICA":
		return NotJudged, "a replica's material is its primary's"
	case deleting(r):
		return NotJudged, "the key is scheduled for deletion"
	case r.Cryptoperiod != nil && r.Cryptoperiod.MaxAgeDays > 0:
		return InOrder, fmt.Sprintf("policy %s: %d days", r.Policy, r.Cryptoperiod.MaxAgeDays)
	case r.Cryptoperiod != nil:
		return Drift, fmt.Sprintf("policy %s defines no cryptoperiod (method %s)", r.Policy, r.Cryptoperiod.Method)
	case slices.Contains(r.Denied, "ListResourceTags") || slices.Contains(r.Denied, "ListAliases"):
		return Unverifiable, "the key's tags or aliases, by which policies match, could not be read"
	}
	if v, ok := r.verdict("key-unmanaged"); ok && (v.Outcome == Excepted || v.Outcome == Unverifiable) {
		return v.Outcome, v.Reason
	}
	return NoPolicy, "no policy matches the key, so no cryptoperiod is defined for it"
}

// changedInTime asks that the material is younger than its cryptoperiod, and that something will change it in time. A
// key with a cryptoperiod whose age cannot be judged is never passed over.
func changedInTime(c *Control, r *Row) (Outcome, string) {
	if o, why, ok := ours(r); !ok {
		return o, why
	}
	o, why := byChecks(c, r)
	if o != InOrder && o != NotJudged {
		return o, why
	}
	switch age, _ := r.verdict("rotation-overdue"); {
	case age.Outcome == InOrder:
		return InOrder, age.Reason
	case r.MultiRegion == "REPLICA":
		return NotJudged, age.Reason
	case outOfUse(r):
		return NotJudged, "the key is " + r.State + ": nothing can be encrypted with it"
	case r.Cryptoperiod == nil || r.Cryptoperiod.MaxAgeDays == 0:
		return NotJudged, "no cryptoperiod is defined for the key"
	default:
		return Unverifiable, age.Reason
	}
}

// retired shows that keys out of use encrypt nothing.
func retired(_ *Control, r *Row) (Outcome, string) {
	if o, why, ok := ours(r); !ok {
		return o, why
	}
	switch {
	case outOfUse(r):
		return InOrder, "the key is " + r.State + ": KMS encrypts nothing with it"
	case r.State == "Enabled" || r.State == "Updating":
		return NotJudged, "the key is in use"
	}
	return Unverifiable, "whether KMS encrypts with a key that is " + r.State + " is not known"
}

// outOfUse says that KMS encrypts nothing with a key in this state. While KMS is updating a multi-Region key it does,
// and of a state that KMS has got since nothing is known.
func outOfUse(r *Row) bool {
	switch r.State {
	case "Creating", "Disabled", "PendingDeletion", "PendingImport", "PendingReplicaDeletion", "Unavailable":
		return true
	}
	return false
}

// rotationOn asks of every key that can rotate automatically that it does, whatever its policy says.
func rotationOn(_ *Control, r *Row) (Outcome, string) {
	if o, why, ok := ours(r); !ok {
		return o, why
	}
	switch {
	case r.MultiRegion == "REPLICA":
		return NotJudged, "a replica rotates with its primary"
	case r.Spec != "SYMMETRIC_DEFAULT":
		return NotJudged, "no symmetric encryption key: " + r.Spec
	case r.Origin != "AWS_KMS":
		return NotJudged, "KMS did not make its material: " + r.Origin
	case r.State != "Enabled":
		return NotJudged, "the key is " + r.State
	case r.Automatic == nil:
		return Unverifiable, "the key's rotation status could not be read"
	case *r.Automatic:
		return InOrder, fmt.Sprintf("automatic rotation is on, every %d days", r.PeriodDays)
	}
	if v, ok := r.verdict("rotation-disabled"); ok && v.Outcome == Excepted {
		return Excepted, v.Reason
	}
	return Drift, "automatic rotation is off"
}

// periodAdvised asks that the cryptoperiod is no longer than NIST advises for the kind of key.
func periodAdvised(c *Control, r *Row) (Outcome, string) {
	if o, why := periodDefined(c, r); o != InOrder {
		if o == NotJudged {
			return o, why
		}
		return NotJudged, "no cryptoperiod is defined for the key"
	}
	most, kind := advised(r)
	if most == 0 {
		return NotJudged, "no advice for the usage " + r.Usage
	}
	if days := r.Cryptoperiod.MaxAgeDays; days > most {
		return Drift, fmt.Sprintf("policy %s allows %d days; advised for %s are at most %d", r.Policy, days, kind, most)
	}
	return InOrder, fmt.Sprintf("%d days, of at most %d advised for %s", r.Cryptoperiod.MaxAgeDays, most, kind)
}

// advised is the longest originator-usage period that SP 800-57 Part 1 suggests for such a key, in days.
func advised(r *Row) (most int, kind string) {
	const year = 366 // a policy of three years may have a leap day
	switch r.Usage {
	case "ENCRYPT_DECRYPT":
		if r.Spec == "SYMMETRIC_DEFAULT" {
			return 2 * year, "a symmetric encryption or wrapping key"
		}
		return 2 * year, "a key transport key"
	case "GENERATE_VERIFY_MAC":
		return 2 * year, "a symmetric authentication key"
	case "SIGN_VERIFY":
		return 3 * year, "a private signature key"
	case "KEY_AGREEMENT", "ENCAPSULATE_DECAPSULATE":
		return 2 * year, "a static key agreement key"
	}
	return 0, ""
}

func deleting(r *Row) bool {
	return r.State == "PendingDeletion" || r.State == "PendingReplicaDeletion"
}
