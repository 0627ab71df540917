package remediation

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"rotd/internal/inventory"
	"rotd/internal/policy"
)

// Replacement is how a key is to be replaced.
type Replacement struct {
	Spec          string           // of the new key; empty: the old key's
	WithoutGrants bool             // leave grants to whoever made them
	Replicas      []*inventory.Key // the old key's replicas that rotd can read
	// Made is the new key that an earlier replacement made, which did not come to its end or was undone: it is gone on
	// with. nil: there is none.
	Made *inventory.Key
	// Claimed is the ARN of a key whose tags say that it replaces this one, and that rotd does not know to have made;
	// empty: there is none.
	Claimed string
}

// PlanReplace makes the action that replaces a key: a new key like it, what rotation its policy asks for, its grants as
// far as they can be given again, its replicas, its aliases one by one, and tags by which the two know each other. The
// old key stays as it is. When it cannot be made it returns false and a sentence that says so. The key should have been
// read just now, whole; warnings are what a person may not expect to come of it.
func PlanReplace(key *inventory.Key, p *policy.Policy, how Replacement, why Why, now time.Time) (
	a Action, ok bool, reason string, warnings []string,
) {
	if can := replaceable(key); !can.Possible {
		return Action{}, false, can.Reason, nil
	}
	for _, obstacle := range []string{
		replacedBefore(key), unlike(key, how.Spec), unlistedGrants(key, &how), unreached(key, &how), unfit(key, &how),
	} {
		if obstacle != "" {
			return Action{}, false, obstacle, nil
		}
	}
	a = begun(Replace, NewKey, key, p, why, now)
	if how.Made == nil {
		a.Calls = append(a.Calls, Call{Operation: CreateKey, New: newLike(key, how.Spec)})
	}
	if days := scheduleOf(key, p); days > 0 {
		a.Calls = append(a.Calls, Call{Operation: EnableKeyRotation, PeriodDays: days})
	}
	grants, left := grantsToGive(key, &how)
	for i := range grants {
		a.Calls = append(a.Calls, Call{Operation: CreateGrant, Grant: &grants[i]})
	}
	for _, replica := range how.Replicas {
		a.Calls = append(a.Calls, Call{Operation: ReplicateKey, Region: replica.Region, New: &NewKeySpec{
			Description: replica.Description, Policy: replica.Policy, Tags: successorTags(replica),
		}})
	}
	for _, k := range append([]*inventory.Key{key}, how.Replicas...) {
		for _, alias := range k.Aliases {
			c := Call{Operation: UpdateAlias, Alias: alias, FromARN: k.ARN, Undo: moveAlias(alias, k.ARN)}
			if k != key {
				c.Region = k.Region
			}
			a.Calls = append(a.Calls, c)
		}
	}
	a.Calls = append(a.Calls, Call{
		Operation: TagResource, KeyARN: key.ARN, Tags: map[string]string{ReplacedByTag: yetToBeMade},
	})
	if how.Made != nil {
		a.adopt(how.Made.ARN)
	}
	return a, true, "", replaceWarnings(key, &how, left)
}

// planDueReplacement makes the action that a policy of method replace asks for once a key is too old.
func (g Guardrails) planDueReplacement(key *inventory.Key, p *policy.Policy, why Why, now time.Time) (
	Action, bool, string,
) {
	switch by, overdue := overdueFor(key, p.Rotation.MaxAge, now); {
	case !overdue:
		return Action{}, false, "The key is as its policy asks."
	case by <= g.OverdueGrace:
		return Action{}, false, fmt.Sprintf("The key is overdue by %s; it is replaced only after %s.", days(by),
			days(g.OverdueGrace))
	case len(key.Aliases) == 0:
		return Action{}, false, "No alias points at the key, so that a new one would serve nobody."
	}
	a, ok, reason, _ := PlanReplace(key, p, Replacement{Replicas: why.Replicas}, why, now)
	if ok {
		reason = "A new key, by CreateKey, and the aliases moved to it."
	}
	return a, ok, reason
}

// replacedBefore says that a key was replaced and serves nobody any more, "" when that is not so.
func replacedBefore(key *inventory.Key) string {
	if key.Successor() == "" || len(key.Aliases) > 0 {
		return ""
	}
	return "The key was replaced by " + key.Successor() + " already, and no alias points at it: replace that one."
}

// unlike says why the new key's spec does not do, "" when it does: an alias moves only between keys of one usage and of
// one type.
func unlike(key *inventory.Key, spec string) string {
	if spec == "" || spec == key.Spec {
		return ""
	}
	if family(spec) == "" || family(spec) != family(key.Spec) {
		return fmt.Sprintf("KMS moves an alias only between keys of the same type, and %s is not of the type of %s.", spec,
			key.Spec)
	}
	return ""
}

// family is what key specs have in common that serve the same callers; "" for one that rotd does not know.
func family(spec string) string {
	for _, prefix := range []string{
		"SYMMETRIC_", "RSA_", "ECC_NIST_EDWARDS", "ECC_NIST_P", "ECC_SECG_", "HMAC_", "SM2", "ML_DSA_", "ML_KEM_",
	} {
		if strings.HasPrefix(spec, prefix) {
			return prefix
		}
	}
	return ""
}

func unlistedGrants(key *inventory.Key, how *Replacement) string {
	switch {
	case how.WithoutGrants:
		return ""
	case key.Grants == nil || key.WasDenied("ListGrants"):
		return "The key's grants could not be listed. Let rotd's role call kms:ListGrants, or leave grants to those who " +
			"made them: --without-grants."
	case key.Grants.Count > len(key.Grants.List):
		return fmt.Sprintf("The key has %d grants, of which rotd keeps %d. Leave them to those who made them: "+
			"--without-grants.", key.Grants.Count, len(key.Grants.List))
	}
	return ""
}

// unreached says which replicas rotd cannot read, "" when it can read all: their aliases would stay behind.
func unreached(key *inventory.Key, how *Replacement) string {
	for _, arn := range key.ReplicaARNs {
		i := slices.IndexFunc(how.Replicas, func(k *inventory.Key) bool { return k.ARN == arn })
		switch {
		case i < 0:
			return "The key has a replica that rotd cannot read, " + arn + ": its aliases would stay with the old key. " +
				"Add its Region to the account in rotd.yaml."
		case how.Replicas[i].WasDenied("GetKeyPolicy") || how.Replicas[i].Policy == "" || !how.Replicas[i].NamesTold():
			return "The policy, tags or aliases of the replica " + arn + " could not be read. Let rotd's role call " +
				"kms:GetKeyPolicy, kms:ListResourceTags and kms:ListAliases there."
		}
	}
	return ""
}

// unfit says why the key that an earlier replacement made cannot be gone on with, "" when it can or there is none.
func unfit(key *inventory.Key, how *Replacement) string {
	made, wanted := how.Made, newLike(key, how.Spec)
	switch {
	case how.Claimed != "":
		return "The tags of " + how.Claimed + " say that it replaces this key, and rotd's state does not know to have made " +
			"it. If an earlier rotd did, move the aliases to it by hand; if not, find out who gave it the tag " +
			ReplacesTag + ", and remove that."
	case made == nil:
		return ""
	}
	var differs string
	switch {
	case made.Spec != wanted.Spec:
		differs = "is " + made.Spec + " and not " + wanted.Spec
	case made.Usage != wanted.Usage || made.Origin != wanted.Origin:
		differs = "is for " + made.Usage + " and of origin " + made.Origin
	case (made.MultiRegion != "") != wanted.MultiRegion:
		differs = "is not multi-Region as the old key is"
	case made.Policy != wanted.Policy:
		differs = "has another key policy"
	case made.State != "Enabled":
		differs = "is " + made.State
	default:
		return ""
	}
	return "An earlier replacement made " + made.ARN + ", which " + differs + ": rotd makes no second one. Put that " +
		"right and replace again; or, if nothing needs that key, schedule its deletion first."
}

// successorTags are the tags of a key's successor: the key's own, but for those that AWS and rotd gave it.
func successorTags(key *inventory.Key) map[string]string {
	tags := maps.Clone(key.Tags)
	maps.DeleteFunc(tags, func(name, _ string) bool {
		return strings.HasPrefix(name, "rotd:") || strings.HasPrefix(strings.ToLower(name), "aws:")
	})
	if tags == nil {
		tags = make(map[string]string)
	}
	tags[ReplacesTag] = key.ARN
	return tags
}

// newLike is what the new key is made as.
func newLike(key *inventory.Key, spec string) *NewKeySpec {
	if spec == "" {
		spec = key.Spec
	}
	return &NewKeySpec{
		Spec: spec, Usage: key.Usage, Origin: key.Origin, Description: key.Description,
		MultiRegion: key.MultiRegion != "", CustomKeyStore: key.CustomKeyStore, Policy: key.Policy,
		Tags: successorTags(key),
	}
}

// scheduleOf is the period of automatic rotation that the new key gets, in days: what the policy asks for, else what
// the old key has. 0: none.
func scheduleOf(key *inventory.Key, p *policy.Policy) int {
	enabled := *key // as the new key will be
	enabled.State = "Enabled"
	if !Eligibility(&enabled).Automatic {
		return 0
	}
	if p != nil && (p.Rotation.Method == policy.Auto || p.Rotation.Method == policy.Automatic) {
		if days := p.Rotation.PeriodDays(); days > 0 {
			return days
		}
	}
	if key.Rotation != nil && key.Rotation.Enabled {
		return key.Rotation.PeriodDays
	}
	return 0
}

// grantsToGive are the grants that make sense on the new key, and how many do not: those that AWS services made for
// what they keep under the old key, which nobody else can give.
func grantsToGive(key *inventory.Key, how *Replacement) (give []inventory.Grant, left int) {
	if key.Grants == nil {
		return nil, 0
	}
	if how.WithoutGrants {
		return nil, key.Grants.Count
	}
	for i := range key.Grants.List {
		g := key.Grants.List[i]
		if !strings.HasPrefix(g.Grantee, "arn:") || strings.HasSuffix(g.Retiring, ".amazonaws.com") {
			left++
			continue
		}
		give = append(give, g)
	}
	return give, left
}

func replaceWarnings(key *inventory.Key, how *Replacement, left int) (warnings []string) {
	warn := func(text string) { warnings = append(warnings, text) }
	if len(key.Aliases) == 0 {
		warn("The key has no alias: everybody who uses it names its id or ARN, and goes on using the old key.")
	}
	if strings.Contains(key.Policy, key.ID) {
		warn("The key policy names the old key's id: the new key gets it word for word. Read it.")
	}
	if strings.Contains(key.Policy, "kms:ResourceAliases") || strings.Contains(key.Policy, "kms:RequestAlias") {
		warn("The key policy decides by aliases (kms:ResourceAliases or kms:RequestAlias): with each alias that moves, " +
			"permissions move.")
	}
	if how.Spec != "" && how.Spec != key.Spec {
		warn("The new key is " + how.Spec + ", the old one " + key.Spec + ": callers must be able to work with it.")
	}
	if left > 0 {
		warn(fmt.Sprintf("%d grants are not given again: services made them for what they keep under the old key, or you "+
			"said --without-grants.", left))
	}
	if slices.ContainsFunc(how.Replicas, func(k *inventory.Key) bool { return k.Grants != nil && k.Grants.Count > 0 }) {
		warn("Replicas of the key have grants of their own, which are not given again: have those who made them make them " +
			"on the new replicas.")
	}
	if how.Made != nil {
		warn("An earlier replacement made " + how.Made.ARN + " and did not come to its end, or was undone: this goes on " +
			"with that key.")
	}
	return warnings
}
