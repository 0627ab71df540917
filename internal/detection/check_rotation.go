package detection

import (
	"fmt"

	"rotd/internal/inventory"
	"rotd/internal/policy"
	"rotd/internal/remediation"
)

// awsManaged is KMS's word for keys that AWS manages and rotates by itself.
const awsManaged = "AWS"

// rotationApplies says why a key's rotation is not judged, or cannot be; ok is true when it is. Ten years of false
// positives of other tools are about exactly these keys.
func (c *KeyContext) rotationApplies() (v Verdict, ok bool) {
	if v, ok = c.rotatesHere(); !ok {
		return v, false
	}
	if v, ok = c.inUse(); !ok {
		return v, false
	}
	switch {
	case c.Policy == nil:
		return notJudged("no policy matches the key"), false
	case c.Policy.Rotation.Method == policy.None:
		return notJudged("policy " + c.Policy.Name + " only watches its keys (method none)"), false
	}
	return c.enabled()
}

// rotatesHere says why a key's rotation is judged elsewhere, by nobody, or cannot be, whatever is asked of it.
func (c *KeyContext) rotatesHere() (v Verdict, ok bool) {
	v, ok = c.customerKey()
	k := c.Key
	switch {
	case !ok && v.Result == NotJudged && k.GoneAt == nil:
		return notJudged("AWS manages this key and rotates it itself"), false
	case !ok || k.MultiRegion != "REPLICA":
		return v, ok
	case c.Primary == nil:
		return notJudged("a replica is judged at its primary, which is out of rotd's view"), false
	}
	return notJudged("a replica is judged at its primary, " + k.PrimaryARN), false
}

// inUse says that no alias points at a key any more that was replaced, or yet at one that replaces another: it is kept
// for what it has encrypted or signed, or has no callers yet. ok is true of every other key.
func (c *KeyContext) inUse() (v Verdict, ok bool) {
	l := c.Key.Lineage
	switch {
	case len(c.Key.Aliases) > 0:
	case c.Replacing:
		return notJudged("rotd is replacing the key, or another by it"), false
	case l == nil:
	case l.ReplacedBy != "":
		return notJudged("the key was replaced by " + shown(l.ReplacedBy) + ", which is judged instead"), false
	case l.Replaces != "":
		return notJudged("the key was made to replace " + shown(l.Replaces) + ", and no alias points at it yet"), false
	}
	return Verdict{}, true
}

func (c *KeyContext) enabled() (v Verdict, ok bool) {
	if c.Key.State != "Enabled" {
		return notJudged("the key is " + shown(c.Key.State) + ", and KMS rotates enabled keys only"), false
	}
	return Verdict{}, true
}

// historyApplies says why a key's rotations are not judged, or cannot be, whatever its policy asks.
func (c *KeyContext) historyApplies() (v Verdict, ok bool) {
	if v, ok = c.rotatesHere(); !ok {
		return v, false
	}
	if v, ok = c.enabled(); !ok {
		return v, false
	}
	k := c.Key
	switch e := remediation.Eligibility(k); {
	case e.Kind == remediation.KindUnknown:
		return unverifiable(e.Reason), false
	case !e.OnDemand && e.Kind != remediation.KindImported:
		return notJudged(e.Reason), false
	case k.WasDenied("GetKeyRotationStatus") || k.Rotation == nil:
		return unverifiable("the key's rotation status could not be read"), false
	}
	return Verdict{}, true
}

// scheduleApplies adds to rotationApplies what automatic rotation needs: a key that can, a policy that asks for it, and
// a status that could be read.
func (c *KeyContext) scheduleApplies() (v Verdict, ok bool) {
	if v, ok = c.rotationApplies(); !ok {
		return v, false
	}
	if e := remediation.Eligibility(c.Key); !e.Automatic {
		return notJudged(e.Reason), false
	}
	want := c.Policy.Rotation
	if want.Method != policy.Auto && want.Method != policy.Automatic || want.PeriodDays() == 0 {
		return notJudged("policy " + c.Policy.Name + " does not ask for automatic rotation"), false
	}
	if c.Key.WasDenied("GetKeyRotationStatus") || c.Key.Rotation == nil {
		return unverifiable("the key's rotation status could not be read"), false
	}
	return Verdict{}, true
}

// on is the checked key as a target, for its name and commands.
func (c *KeyContext) on() *target {
	t := targetOfKey(c.Key)
	return &t
}

func targetOfKey(k *inventory.Key) target {
	t := target{key: k, arn: k.ARN, id: k.ARN, partition: k.Partition, account: k.Account, region: k.Region}
	if len(k.Aliases) > 0 {
		t.alias = k.Aliases[0]
	}
	return t
}

// asked says what the policy asks for.
func asked(p *policy.Policy, what string) string {
	because := ""
	if p.Rotation.Rationale != "" {
		because = " (" + shown(p.Rotation.Rationale) + ")"
	}
	return fmt.Sprintf("policy %s asks for %s%s", shown(p.Name), what, because)
}
