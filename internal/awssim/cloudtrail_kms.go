package awssim

import (
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

const (
	kmsEventSource = "kms.amazonaws.com"
	kmsKeyResource = "AWS::KMS::Key"
	maxErrorText   = 1024 // bytes CloudTrail keeps of an error message or a user agent
)

// observe records a call of KMS in the caller's trail, and in that of the key's owner if that is another account and
// the call was allowed.
func (k *KMS) observe(c *call, _ any, err *APIError) {
	k.mu.Lock()
	kc := k.calls[c]
	delete(k.calls, c)
	k.mu.Unlock()
	if kc == nil { // refused before the operation ran
		kc = &kmsCall{call: c, now: k.sim.clock.Now(), eventID: k.sim.newUUID()}
	}
	record := kc.record(err)
	owner := kc.owner
	if owner == "" || record.hides() {
		k.trail.emit(record)
		return
	}
	record.SharedEventID = k.sim.newUUID()
	k.trail.emit(record)
	record.EventID, record.RecipientAccountID = kc.eventIDFor(owner), owner
	record.UserIdentity = c.Principal.outsider()
	k.trail.emit(record)
}

// eventIDFor is the id of the call's event in an account's trail.
func (c *kmsCall) eventIDFor(account string) string {
	if account == c.account() {
		return c.eventID
	}
	return c.ownerEventID
}

// hides says whether CloudTrail keeps back what a refused call was about.
func (r *Record) hides() bool {
	return r.ErrorCode == "AccessDenied" || r.ErrorCode == "NotFoundException" || r.ErrorCode == "ThrottlingException"
}

func (c *kmsCall) record(err *APIError) Record {
	r := Record{
		UserIdentity: c.Principal.identity(c.now), EventTime: c.now,
		EventSource: kmsEventSource, EventName: c.Operation,
		AWSRegion: c.Region, SourceIPAddress: c.SourceIP, UserAgent: c.UserAgent[:min(len(c.UserAgent), maxErrorText)],
		RequestID: c.RequestID, EventID: c.eventID, ReadOnly: kmsReadOnly(c.Operation), EventType: "AwsApiCall",
		RecipientAccountID: c.account(), TLSDetails: serviceTLS("kms", c.Region),
	}
	if err != nil {
		r.ErrorCode, r.ErrorMessage = err.Code, err.Message[:min(len(err.Message), maxErrorText)]
		if err.Code == "AccessDeniedException" {
			r.ErrorCode = "AccessDenied"
		}
	} else {
		r.ResponseElements, r.AdditionalEventData = c.response, c.additional
	}
	if r.hides() {
		return r
	}
	r.RequestParameters = c.requestParameters()
	for _, arn := range c.resources {
		r.Resources = append(r.Resources, kmsResource(arn))
	}
	return r
}

func kmsResource(arn string) RecordResource {
	parts, _ := parseARN(arn)
	return RecordResource{AccountID: parts.account, Type: kmsKeyResource, ARN: arn}
}

// requestParameters are the call's input without its secrets and with the defaults CloudTrail names; nil for none.
func (c *kmsCall) requestParameters() fields {
	in := c.members()
	for _, secret := range []string{
		"Plaintext", "CiphertextBlob", "GrantTokens", "Recipient", "ImportToken",
		"EncryptedKeyMaterial",
	} {
		delete(in, secret)
	}
	usually := func(name string, value any) {
		if in[name] == nil {
			in[name] = value
		}
	}
	switch c.Operation {
	case "Encrypt", "Decrypt":
		usually("EncryptionAlgorithm", "SYMMETRIC_DEFAULT")
	case "ReEncrypt":
		usually("SourceEncryptionAlgorithm", "SYMMETRIC_DEFAULT")
		usually("DestinationEncryptionAlgorithm", "SYMMETRIC_DEFAULT")
	case "GetKeyPolicy":
		usually("PolicyName", "default")
	case "PutKeyPolicy":
		usually("PolicyName", "default")
		usually("BypassPolicyLockoutSafetyCheck", false)
	case "CreateKey":
		usually("KeySpec", types.KeySpecSymmetricDefault)
		usually("CustomerMasterKeySpec", in["KeySpec"])
		usually("KeyUsage", types.KeyUsageTypeEncryptDecrypt)
		usually("Origin", types.OriginTypeAwsKms)
		usually("Description", "")
		usually("MultiRegion", false)
		usually("BypassPolicyLockoutSafetyCheck", false)
	}
	parameters, _ := trailElements(in).(fields)
	if len(parameters) == 0 {
		return nil
	}
	return parameters
}

// trailElements is a request or an answer as CloudTrail writes it: member names begin in lower case, times are for
// people. Encryption contexts are the caller's own words.
func trailElements(v any) any {
	switch v := v.(type) {
	case fields:
		out := make(fields, len(v))
		for name, member := range v {
			if !strings.HasSuffix(name, "EncryptionContext") {
				member = trailElements(member)
			}
			out[strings.ToLower(name[:min(1, len(name))])+name[min(1, len(name)):]] = member
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = trailElements(v[i])
		}
		return out
	case []fields:
		out := make([]any, len(v))
		for i := range v {
			out[i] = trailElements(v[i])
		}
		return out
	case time.Time:
		return v.UTC().Format("Jan 2, 2006, 3:04:05 PM")
	default:
		return v
	}
}
