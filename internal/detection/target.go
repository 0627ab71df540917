package detection

import (
	"fmt"
	"time"

	"rotd/internal/events"
	"rotd/internal/finding"
	"rotd/internal/inventory"
	"rotd/internal/policy"
)

// target is the key an event is about, as far as event and inventory tell.
type target struct {
	key   *inventory.Key // as last read before the event; nil when it is not known
	arn   string         // empty when not even that is known
	id    string         // what commands call it: the ARN, else what the event says
	alias string
	// Where the key is, else where the event was.
	partition, account, region string
}

// target finds the key an event is about.
func (c *Context) target(ev *events.Event) target {
	return c.targetOf(ev, ev.Key)
}

func (c *Context) targetOf(ev *events.Event, ref events.KeyRef) target {
	var key *inventory.Key
	if c.Known != nil && !ref.IsZero() {
		key = c.Known.Key(ref, ev.RecipientAccountID, ev.AWSRegion)
	}
	t := target{key: key, arn: ref.ARN, id: ref.Name, alias: ev.Alias}
	if key != nil {
		t.arn = key.ARN
		if len(key.Aliases) > 0 {
			t.alias = key.Aliases[0]
		}
	}
	if t.arn != "" {
		t.id = t.arn
		t.partition, t.account = arnPart(t.arn, arnPartition), arnPart(t.arn, arnAccount)
		t.region = arnPart(t.arn, arnRegion)
		return t
	}
	if t.id == "" {
		t.id = "KEY-ID"
	}
	t.account, t.region, t.partition = ev.RecipientAccountID, ev.AWSRegion, events.Partition(ev.AWSRegion)
	if t.account == "" {
		t.account = ev.UserIdentity.AccountID
	}
	return t
}

// subject is the key, or the account and Region when the event tells no more.
func (t *target) subject() finding.Subject {
	if t.arn == "" {
		return finding.Subject{Type: finding.AccountRegion, ID: t.account + "/" + t.region}
	}
	return finding.Subject{Type: finding.Key, ID: t.arn}
}

// name is the key in a sentence.
func (t *target) name() string {
	switch {
	case t.alias != "":
		return shown(t.alias)
	case t.arn != "":
		return shown(t.arn)
	case t.id != "KEY-ID":
		return shown(t.id)
	}
	return "a key that the event does not name"
}

// cli is a command of `aws kms` on the key.
func (t *target) cli(command string, options ...string) string {
	return awsCLI("kms "+command, t.region, append([]string{"key-id", t.id}, options...)...)
}

// rotd is a command of rotd on the key, with a reason given.
func (t *target) rotd(command, options, reason string) string {
	if options != "" {
		options += " "
	}
	return fmt.Sprintf("rotd %s %s %s--reason '%s'", command, argument(t.id), options, reason)
}

// history finds every call about the key in CloudTrail's history of the last 90 days: who used it, who changed it.
func (t *target) history() string {
	return awsCLI("cloudtrail lookup-events", t.region, "lookup-attributes",
		"AttributeKey=ResourceName,AttributeValue="+t.id)
}

// policyOf is the rotation policy of the key, nil when none matches or the key is not known.
func (c *Context) policyOf(t *target) *policy.Policy {
	if c.Known == nil || t.key == nil {
		return nil
	}
	return c.Known.Policy(t.key)
}

// lastUse says in a sentence when the key was last used, and gives the time: zero when no use is known.
func (c *Context) lastUse(t *target) (time.Time, string) {
	if c.Known == nil || t.arn == "" {
		return time.Time{}, ""
	}
	return lastUse(latestUse(c.Known.LastUse(t.arn), t.key))
}

func lastUse(at time.Time) (time.Time, string) {
	if at.IsZero() {
		return at, "No event rotd has seen shows a use of the key; that proves none."
	}
	return at, fmt.Sprintf("The key was last seen used at %s.", stamp(at))
}

// latestUse is the later of the use that events show and the one that KMS itself told of, which may be from before rotd
// saw events at all; zero for none.
func latestUse(seen time.Time, key *inventory.Key) time.Time {
	if key == nil || key.LastUsage == nil || key.LastUsage.At == nil || key.LastUsage.At.Before(seen) {
		return seen
	}
	return *key.LastUsage.At
}

// who is the caller in a sentence.
func who(ev *events.Event) string {
	switch principal := ev.UserIdentity.PrincipalARN(); {
	case ev.EventType == "AwsServiceEvent":
		return "KMS itself"
	case principal != "":
		return shown(principal)
	}
	return "Somebody the event does not name"
}

// readAfter reports whether the key was read later than the finding last told of something; whole asks for a reading
// of tags, aliases and the key policy too. An older reading says nothing about it.
func readAfter(f *finding.Finding, key *inventory.Key, whole bool) bool {
	at := key.ReadAt
	if whole {
		at = key.FullAt
	}
	return at.After(f.LastSeen)
}
