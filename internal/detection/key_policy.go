package detection

import (
	"errors"
	"fmt"
	"strings"

	"rotd/internal/events"
	"rotd/internal/inventory"
	"rotd/internal/keypolicy"
)

// policyChange is the key policy that a CreateKey, PutKeyPolicy or ReplicateKey brings.
type policyChange struct {
	about  target
	text   string
	policy *keypolicy.Policy // nil when there is none or it cannot be read
	// unread says why a policy that the call brings cannot be judged; empty when it can or the call brings none.
	unread string
}

// policyChange reads the policy of an event and finds whose it is. A key created without a policy gets KMS's default,
// which lets in nobody but its own account.
func (c *Context) policyChange(ev *events.Event) policyChange {
	change := policyChange{about: c.policyOwner(ev), text: ev.PolicyText()}
	switch {
	case change.text != "":
		parsed, err := keypolicy.Parse([]byte(change.text))
		if err != nil && !errors.Is(err, keypolicy.ErrNone) {
			change.unread = fmt.Sprintf("The policy in the record cannot be read (%s).", clip(err.Error(), maxShown))
		}
		change.policy = parsed
	case ev.RequestParameters == nil || ev.EventName == "PutKeyPolicy":
		change.unread = "The policy is not in the record, which leaves out what is too large: read it."
	}
	return change
}

// policyOwner is the key whose policy the event sets: the new one, of CreateKey and ReplicateKey.
func (c *Context) policyOwner(ev *events.Event) target {
	path := []string{"keyMetadata", "arn"}
	if ev.EventName == "ReplicateKey" {
		path[0] = "replicaKeyMetadata"
	}
	if arn := ev.ResponseElements.Get(path...).Text(); arnPart(arn, arnResource) != "" {
		return c.targetOf(ev, events.KeyRef{ARN: arn})
	}
	t := c.target(ev)
	region := ev.RequestString("replicaRegion")
	if ev.EventName == "ReplicateKey" && region != "" && t.arn != "" {
		return c.targetOf(ev, events.KeyRef{ARN: arnIn(t.arn, region)})
	}
	return t
}

// owner is whose the policy is.
func (p *policyChange) owner() keypolicy.Owner {
	owner := keypolicy.Owner{Account: p.about.account, Partition: p.about.partition, Key: p.about.arn}
	if p.about.key != nil {
		owner.Organization = organization(p.about.key)
	}
	return owner
}

// set says in a sentence what the caller did.
func (p *policyChange) set(ev *events.Event) string {
	policy := " with a key policy of its own"
	if p.text == "" && p.unread == "" {
		policy = ""
	}
	switch ev.EventName {
	case "CreateKey":
		return fmt.Sprintf("%s created %s%s.", who(ev), p.about.name(), policy)
	case "ReplicateKey":
		return fmt.Sprintf("%s replicated %s to %s%s.", who(ev), p.about.name(), shown(p.about.region), policy)
	}
	return fmt.Sprintf("%s set the key policy of %s.", who(ev), p.about.name())
}

// remedy is how to look at the policy and put a former one back.
func (p *policyChange) remedy(first ...string) []string {
	return append(first,
		p.about.cli("get-key-policy", "policy-name", "default"),
		"Former policies are in the key's earlier PutKeyPolicy events:",
		p.about.history(),
		p.about.cli("put-key-policy", "policy-name", "default", "policy", "file://policy.json"))
}

// knownPolicy is a key's policy as last read, nil when it is not known.
func knownPolicy(key *inventory.Key) *keypolicy.Policy {
	if key == nil || key.Policy == "" {
		return nil
	}
	parsed, err := keypolicy.Parse([]byte(key.Policy))
	if err != nil {
		return nil
	}
	return parsed
}

// ownerOf is whose a key is.
func ownerOf(key *inventory.Key) keypolicy.Owner {
	return keypolicy.Owner{
		Account: key.Account, Partition: key.Partition, Organization: organization(key), Key: key.ARN,
	}
}

// whys lists the reasons of exposures, bounded.
func whys(exposures []keypolicy.Exposure) string {
	var texts []string
	for _, e := range exposures[:min(len(exposures), 3)] {
		texts = append(texts, clip(e.Why, 400))
		for _, unsure := range e.Unsure[:min(len(e.Unsure), 1)] {
			texts = append(texts, "Not sure: "+clip(unsure, maxShown)+".")
		}
	}
	if more := len(exposures) - 3; more > 0 {
		texts = append(texts, fmt.Sprintf("And %d more statements.", more))
	}
	return strings.Join(texts, " ")
}
