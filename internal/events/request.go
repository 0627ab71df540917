package events

// What rules read out of a record's raw parts, parsed when asked and never before.

// maxContextPairs is how many pairs of an encryption context are read; KMS itself takes 8 KB of it at most.
const maxContextPairs = 64

// RequestString is the string at a path inside requestParameters, "" when there is none.
func (e *Event) RequestString(path ...string) string { return e.RequestParameters.Get(path...).Text() }

// RequestInt is the whole number at a path inside requestParameters.
func (e *Event) RequestInt(path ...string) (int, bool) {
	n, ok := e.RequestParameters.Get(path...).Int()
	return int(n), ok
}

// RequestBool is the truth value at a path inside requestParameters.
func (e *Event) RequestBool(path ...string) (value, ok bool) {
	return e.RequestParameters.Get(path...).Bool()
}

// RequestStrings is the strings of the array at a path inside requestParameters, such as a grant's operations.
func (e *Event) RequestStrings(path ...string) []string {
	var all []string
	for v := range e.RequestParameters.Get(path...).Elements() {
		if v[0] == '"' {
			all = append(all, v.Text())
		}
	}
	return all
}

// PendingWindowInDays is ScheduleKeyDeletion's waiting time. KMS's default, when the caller gave none, is 30; ok is
// false then.
func (e *Event) PendingWindowInDays() (days int, ok bool) { return e.RequestInt("pendingWindowInDays") }

// RotationPeriodInDays is EnableKeyRotation's period; ok is false when the caller left it to KMS's default of 365.
func (e *Event) RotationPeriodInDays() (days int, ok bool) {
	return e.RequestInt("rotationPeriodInDays")
}

// PolicyText is the key policy a CreateKey, PutKeyPolicy or ReplicateKey brings, as JSON text, whether the record has
// it as a string or as an object; "" when it brings none.
func (e *Event) PolicyText() string {
	policy := e.RequestParameters.Get("policy")
	if len(policy) > 0 && policy[0] == '{' {
		return alias(policy)
	}
	return policy.Text()
}

// BypassesPolicyLockoutCheck reports whether the caller set bypassPolicyLockoutSafetyCheck.
func (e *Event) BypassesPolicyLockoutCheck() bool {
	bypass, _ := e.RequestBool("bypassPolicyLockoutSafetyCheck")
	return bypass
}

// EncryptionContext is the context of a cryptographic call, the source's for ReEncrypt; nil when it has none. At most
// 64 pairs are read.
func (e *Event) EncryptionContext() map[string]string { return pairs(e.RawEncryptionContext()) }

// DestinationEncryptionContext is the context ReEncrypt encrypts with.
func (e *Event) DestinationEncryptionContext() map[string]string {
	return pairs(e.RawDestinationEncryptionContext())
}

// RawEncryptionContext is EncryptionContext as it stands in the record, for those who look at every call.
func (e *Event) RawEncryptionContext() RawJSON {
	if e.EventName == "ReEncrypt" {
		return e.RequestParameters.Get("sourceEncryptionContext")
	}
	return e.RequestParameters.Get("encryptionContext")
}

// RawDestinationEncryptionContext is DestinationEncryptionContext as it stands in the record.
func (e *Event) RawDestinationEncryptionContext() RawJSON {
	return e.RequestParameters.Get("destinationEncryptionContext")
}

func pairs(object RawJSON) map[string]string {
	var context map[string]string
	for name, value := range object.Members() {
		if len(context) == maxContextPairs {
			break
		}
		if context == nil {
			context = make(map[string]string)
		}
		context[name] = value.Text()
	}
	return context
}

// KeyMaterialID is the key material a cryptographic call used, ReEncrypt's the one it decrypted with; "" in records
// older than that field.
func (e *Event) KeyMaterialID() string {
	if e.EventName == "ReEncrypt" {
		return e.AdditionalEventData.Get("sourceKeyMaterialId").Text()
	}
	return e.AdditionalEventData.Get("keyMaterialId").Text()
}

// DestinationKeyMaterialID is the key material ReEncrypt encrypted with.
func (e *Event) DestinationKeyMaterialID() string {
	return e.AdditionalEventData.Get("destinationKeyMaterialId").Text()
}

// RotationDetails is what a RotateKey service event says about the rotation. Records from before 2025 name the key
// alone.
type RotationDetails struct {
	KeyID                 string
	RotationType          string // AUTOMATIC or ON_DEMAND
	KeyOrigin             string
	PreviousKeyMaterialID string
	CurrentKeyMaterialID  string
}

// RotationDetails reads serviceEventDetails.
func (e *Event) RotationDetails() RotationDetails {
	details := e.ServiceEventDetails
	return RotationDetails{
		KeyID:                 details.Get("keyId").Text(),
		RotationType:          details.Get("rotationType").Text(),
		KeyOrigin:             details.Get("keyOrigin").Text(),
		PreviousKeyMaterialID: details.Get("previousKeyMaterialId").Text(),
		CurrentKeyMaterialID:  details.Get("currentKeyMaterialId").Text(),
	}
}
