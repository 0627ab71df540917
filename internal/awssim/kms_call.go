package awssim

import (
	"time"

	"github.com/go-json-experiment/json"
)

// fields are the members of an answer, named as on the wire.
type fields = map[string]any

// kmsCall is one call of KMS with what CloudTrail will say about it.
type kmsCall struct {
	*call
	now time.Time

	eventID      string // of the event in the caller's trail
	ownerEventID string // of that in the trail of the key's owner, if that is another account

	resources  []string // ARNs in CloudTrail's order
	owner      string   // account of the key, when a call crossed accounts with success
	response   fields   // responseElements; nil for none
	additional fields   // additionalEventData; nil for none
}

// about notes what the call is about, for CloudTrail.
func (c *kmsCall) about(arn string) { c.resources = append(c.resources, arn) }

// names notes the key the call names first, for the oracle.
func (c *kmsCall) names(arn string) {
	if c.Resource == "" {
		c.Resource = arn
	}
}

// changed notes that the call changed the key's state; KMS answers nothing, CloudTrail says which key it was.
func (c *kmsCall) changed(key *KMSKey) {
	c.Effect = true
	c.response = fields{"keyId": key.ARN}
}

// answers is the call's answer, told to CloudTrail too. Times are time.Time.
func (c *kmsCall) answers(f fields) any {
	c.response, _ = trailElements(f).(fields)
	return wire(f)
}

// wire is an answer as the protocol has it: times are seconds since 1970.
func wire(v any) any {
	switch v := v.(type) {
	case fields:
		out := make(fields, len(v))
		for name, member := range v {
			out[name] = wire(member)
		}
		return out
	case []fields:
		out := make([]any, len(v))
		for i := range v {
			out[i] = wire(v[i])
		}
		return out
	case time.Time:
		return epoch(v)
	default:
		return v
	}
}

// handle makes an operation of a function that runs with the service's state in hand.
func handle[In any](k *KMS, run func(c *kmsCall, in In) (any, error)) operation {
	return func(c *call) (result any, err error) {
		k.locked(func() {
			kc := &kmsCall{call: c, now: k.sim.clock.Now(), eventID: k.sim.newUUID(), ownerEventID: k.sim.newUUID()}
			k.calls[c] = kc
			var in In
			if err = k.admit(kc); err != nil {
				return
			}
			if err = decodeJSON(c, &in); err != nil {
				return
			}
			result, err = run(kc, in)
		})
		return result, err
	}
}

// kmsAction is the IAM action behind an operation where it has another name.
func kmsAction(operation string) string {
	if operation == "ReEncrypt" {
		return "kms:ReEncryptFrom"
	}
	return ""
}

func (k *KMS) operations() map[string]operation {
	return map[string]operation{
		"CreateKey":                       handle(k, k.createKey),
		"ReplicateKey":                    handle(k, k.replicateKey),
		"DescribeKey":                     handle(k, k.describeKey),
		"ListKeys":                        handle(k, k.listKeys),
		"EnableKey":                       handle(k, k.enableKey),
		"DisableKey":                      handle(k, k.disableKey),
		"ScheduleKeyDeletion":             handle(k, k.scheduleKeyDeletion),
		"CancelKeyDeletion":               handle(k, k.cancelKeyDeletion),
		"CreateAlias":                     handle(k, k.createAlias),
		"UpdateAlias":                     handle(k, k.updateAlias),
		"DeleteAlias":                     handle(k, k.deleteAlias),
		"ListAliases":                     handle(k, k.listAliases),
		"TagResource":                     handle(k, k.tagResource),
		"UntagResource":                   handle(k, k.untagResource),
		"ListResourceTags":                handle(k, k.listResourceTags),
		"GetKeyPolicy":                    handle(k, k.getKeyPolicy),
		"PutKeyPolicy":                    handle(k, k.putKeyPolicy),
		"EnableKeyRotation":               handle(k, k.enableKeyRotation),
		"DisableKeyRotation":              handle(k, k.disableKeyRotation),
		"GetKeyRotationStatus":            handle(k, k.getKeyRotationStatus),
		"RotateKeyOnDemand":               handle(k, k.rotateKeyOnDemand),
		"ListKeyRotations":                handle(k, k.listKeyRotations),
		"ListGrants":                      handle(k, k.listGrants),
		"CreateGrant":                     handle(k, k.createGrant),
		"RevokeGrant":                     handle(k, k.revokeGrant),
		"GetParametersForImport":          handle(k, k.getParametersForImport),
		"ImportKeyMaterial":               handle(k, k.importKeyMaterial),
		"GetKeyLastUsage":                 handle(k, k.getKeyLastUsage),
		"Encrypt":                         handle(k, k.encrypt),
		"Decrypt":                         handle(k, k.decrypt),
		"ReEncrypt":                       handle(k, k.reEncrypt),
		"GenerateDataKey":                 handle(k, k.generateDataKey),
		"GenerateDataKeyWithoutPlaintext": handle(k, k.generateDataKeyWithoutPlaintext),
	}
}

// kmsReadOnly says whether CloudTrail calls an operation read-only: cryptographic ones are.
func kmsReadOnly(operation string) bool {
	switch operation {
	case "DescribeKey", "ListKeys", "ListAliases", "ListResourceTags", "GetKeyPolicy", "GetKeyRotationStatus",
		"ListKeyRotations", "ListGrants", "GetKeyLastUsage", "Encrypt", "Decrypt", "ReEncrypt", "GenerateDataKey",
		"GenerateDataKeyWithoutPlaintext", "GetParametersForImport":
		return true
	}
	return false
}

// members are the call's input by name, for CloudTrail; nil when the body is not an object.
func (c *kmsCall) members() (in fields) {
	if json.Unmarshal(c.Body, &in) != nil {
		return nil
	}
	return in
}
