package detection

import (
	"fmt"
	"strings"

	"rotd/internal/events"
	"rotd/internal/finding"
)

func keyReplicated() Rule {
	return Rule{
		ID: "key-replicated", Title: "A key was replicated to a Region that is not approved",
		Severity: finding.High, Wants: wants("ReplicateKey", "UpdatePrimaryRegion"),
		Excused: Own, Judge: judgeKeyReplicated,
		Doc: Doc{
			Meaning: "A multi-Region key was copied to a Region that nobody looks after, or its primary moved there. The " +
				"replica has the same material under a policy of its own: whoever is let in there decrypts everything.",
			Condition: "ReplicateKey or UpdatePrimaryRegion that succeeded, to a Region that is not among those rotd looks " +
				"after; to any where those are not known, as in a replay without a configuration. One finding for each " +
				"replica and operation: KMS records a moved primary in both Regions.",
			Tuning:         "`regions` in rotd.yaml's `accounts` and `organization`: rotd looks after the Region then.",
			FalsePositives: "A Region that is taken into use and not told to rotd yet.",
			Response: "If the Region is in use, add it to rotd.yaml. If not, disable the replica, and see in that Region's " +
				"CloudTrail what was decrypted with it.",
		},
	}
}

func judgeKeyReplicated(c *Context, ev *events.Event) []Found {
	if ev.Failed() {
		return nil
	}
	region := replicatedTo(ev)
	if region != "" && c.Region != nil && c.Region(region) {
		return nil
	}
	source := c.target(ev)
	replica := source
	if region != "" {
		replica = c.targetOf(ev, events.KeyRef{ARN: arnIn(source.arn, region), Name: source.id})
		replica.region = region
	}
	f := Found{About: replica, Discriminator: ev.EventName, Remedy: []string{
		"If the Region is in use, add it to `regions` in rotd.yaml. If not, see who is let in there, and disable the key:",
		replica.cli("get-key-policy", "policy-name", "default"),
		replica.cli("disable-key"),
		"Then see what was done with it there:", replica.history(),
	}}
	did, so := "replicated %s to %s", "The replica has the same material under a key policy of its own."
	if ev.EventName == "UpdatePrimaryRegion" {
		f.Title = "A key's primary was moved to a Region that is not approved"
		did, so = "moved the primary of %s to %s", "Rotation and replicas of the key are decided there from now on."
		former := "FORMER-REGION"
		if ev.AWSRegion != region && ev.AWSRegion != "" {
			former = ev.AWSRegion
		}
		f.Remedy = append(f.Remedy, "To move the primary back:",
			replica.cli("update-primary-region", "primary-region", former))
	}
	to, approved := shown(region), "It is not among the Regions that rotd looks after."
	switch {
	case region == "":
		to, approved = "a Region that the record does not tell", "Whether rotd looks after that one is not known."
	case c.Region == nil:
		approved = "Which Regions are approved is not known here."
	}
	f.Description = sentences(who(ev)+" "+fmt.Sprintf(did, source.name(), to)+".", approved, so)
	return one(f)
}

// replicatedTo is the Region that gets the replica or the primary, "" when the record does not say.
func replicatedTo(ev *events.Event) string {
	if ev.EventName == "UpdatePrimaryRegion" {
		return ev.RequestString("primaryRegion")
	}
	if region := ev.RequestString("replicaRegion"); region != "" {
		return region
	}
	return arnPart(ev.ResponseElements.Get("replicaKeyMetadata", "arn").Text(), arnRegion)
}

// arnIn is the ARN of the same key in another Region, "" when arn is none.
func arnIn(arn, region string) string {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 {
		return ""
	}
	parts[arnRegion] = region
	return strings.Join(parts, ":")
}
