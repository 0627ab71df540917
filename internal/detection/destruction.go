package detection

import (
	"fmt"

	"rotd/internal/events"
)

// destruction is a call that puts a key out of use: at once, or for good after its waiting time.
type destruction struct {
	about target
	verb  string // to …, in a sentence
}

// destructive are the calls that a destruction can be.
func destructive() []Wanted {
	return wants("DisableKey", "ScheduleKeyDeletion", "DeleteImportedKeyMaterial", "PutKeyPolicy")
}

// destruction reads a destructive call, made or refused. A key policy is one only when it locks the owner out.
func (c *Context) destruction(ev *events.Event) (d destruction, ok bool) {
	switch ev.EventName {
	case "DisableKey":
		d.verb = "disable"
	case "ScheduleKeyDeletion":
		d.verb = "schedule the deletion of"
	case "DeleteImportedKeyMaterial":
		d.verb = "delete the imported material of"
	case "PutKeyPolicy":
		p := c.policyChange(ev)
		if out, _ := p.locksOut(); !out {
			return d, false
		}
		return destruction{about: p.about, verb: "lock its owner out of"}, true
	default:
		return d, false
	}
	d.about = c.target(ev)
	return d, true
}

// undo is the command that gives a key back after the call of that name, as far as a command can.
func (t *target) undo(eventName string) string {
	switch eventName {
	case "DisableKey":
		return t.cli("enable-key")
	case "ScheduleKeyDeletion":
		return t.cli("cancel-key-deletion")
	case "DeleteImportedKeyMaterial":
		return t.cli("get-parameters-for-import", "wrapping-algorithm", "RSAES_OAEP_SHA_256", "wrapping-key-spec",
			"RSA_4096")
	}
	return t.cli("put-key-policy", "policy-name", "default", "policy", "file://policy.json")
}

// callsOf lists everybody's calls of one operation in CloudTrail's history of the last 90 days.
func callsOf(eventName, region string) string {
	return awsCLI("cloudtrail lookup-events", region,
		"lookup-attributes", fmt.Sprintf("AttributeKey=EventName,AttributeValue=%s", eventName))
}
