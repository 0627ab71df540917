// Package events turns what arrives about KMS into Events: CloudTrail's records, whatever envelopes they come in
// (EventBridge, SNS, S3 notifications, log files), and KMS's own EventBridge events, brought to the same shape.
//
// It is pure: bytes in, Events out, no clock, no network, no log. It does not receive messages (package queue), does
// not read log objects (package trail), and judges nothing (package detection).
//
// Where things are: envelopes are told apart in decode.go, a record becomes an Event in record.go, the key it is about
// is found in key.go, what rules read out of its raw parts is in request.go. To add an envelope, add a case to
// Decoder.decode, or to Decoder.eventBridge for a detail-type. To read another field, add it to fields.go and Event.
package events

import "time"

// Event is one CloudTrail record, or one native aws.kms event brought to the same shape. Field names are CloudTrail's.
// Strings and raw JSON share memory with the message body they were decoded from: clone what outlives the message. An
// Event is never written to after it was decoded.
type Event struct {
	EventID            string
	SharedEventID      string
	EventTime          time.Time // UTC, to the second
	EventVersion       Version
	EventSource        string // kms.amazonaws.com
	EventName          string // DisableKeyRotation
	EventType          string // AwsApiCall, AwsServiceEvent, AwsConsoleAction…
	EventCategory      string // Management, Data…; absent in older records
	AWSRegion          string
	RecipientAccountID string
	RequestID          string
	ErrorCode          string
	ErrorMessage       string
	SourceIPAddress    string // an address, a service name, `AWS Internal` or `AWS Internal/…`
	UserAgent          string
	VPCEndpointID      string
	VPCEndpointAccount string // whose the endpoint is; not in every record
	ReadOnly           bool
	Native             bool // an aws.kms EventBridge event, not a CloudTrail record

	UserIdentity Identity
	Resources    []Resource

	// Raw JSON values, nil when absent or null.
	RequestParameters   RawJSON
	ResponseElements    RawJSON
	AdditionalEventData RawJSON
	ServiceEventDetails RawJSON
	Addendum            RawJSON

	// Key is the KMS key the record is about, as far as the record itself says; see KeyRef.
	Key KeyRef
	// TargetKey is the second key of a record that names two: ReEncrypt's destination, UpdateAlias's new target.
	TargetKey KeyRef
	// Alias is the alias name (`alias/…`) the record is about, if any.
	Alias string

	// Raw is the record as it arrived.
	Raw RawJSON
}

// RawJSON is a JSON value as it arrived, checked against JSON's grammar. Its methods read it without building anything.
type RawJSON []byte

// Version is CloudTrail's eventVersion; 1.11 is newer than 1.9.
type Version struct{ Major, Minor int }

// Resource is one entry of a record's resources. ARN may be an alias's even when Type says AWS::KMS::Key.
type Resource struct {
	ARN       string
	AccountID string
	Type      string
}

// KeyRef names a key the way a record does: by ARN where it gives one, else by key id, alias or alias ARN, to be
// resolved through the inventory. The zero value names none.
type KeyRef struct {
	ARN string // arn:<partition>:kms:<region>:<account>:key/<id>; empty when the record gives no account for it
	// Name is what the record says when it gives no key ARN: a key id, `alias/…` or an alias ARN.
	Name string
}

// IsZero reports whether the record names no key.
func (k KeyRef) IsZero() bool { return k == KeyRef{} }

// IdentityType is userIdentity.type; Absent for service events.
type IdentityType string

// Identity types CloudTrail is known to use. An unknown one is kept as it is.
const (
	Absent             IdentityType = ""
	Root               IdentityType = "Root"
	IAMUser            IdentityType = "IAMUser"
	AssumedRole        IdentityType = "AssumedRole"
	Role               IdentityType = "Role"
	FederatedUser      IdentityType = "FederatedUser"
	Directory          IdentityType = "Directory"
	AWSAccount         IdentityType = "AWSAccount"
	AWSService         IdentityType = "AWSService"
	IdentityCenterUser IdentityType = "IdentityCenterUser"
	SAMLUser           IdentityType = "SAMLUser"
	WebIdentityUser    IdentityType = "WebIdentityUser"
	Unknown            IdentityType = "Unknown"
)

// Identity is userIdentity.
type Identity struct {
	Type        IdentityType
	PrincipalID string
	ARN         string
	AccountID   string
	AccessKeyID string
	UserName    string
	InvokedBy   string

	MFAAuthenticated bool
	MFAKnown         bool // the record says whether MFA was used
	SessionCreated   time.Time
	SessionIssuer    SessionIssuer
	SourceIdentity   string
}

// SessionIssuer is userIdentity.sessionContext.sessionIssuer; zero when absent or empty.
type SessionIssuer struct {
	Type        string
	PrincipalID string
	ARN         string
	AccountID   string
	UserName    string
}

// PrincipalARN is the identity that findings, baselines and allow lists go by: the session issuer's ARN of an assumed
// role, else the identity's own ARN, else `service:<invokedBy>`, else `account:<id>`, else "". The session name is
// chosen by the caller and never part of it.
func (i Identity) PrincipalARN() string {
	switch {
	case i.SessionIssuer.ARN != "":
		return i.SessionIssuer.ARN
	case i.ARN != "":
		return withoutSessionName(i.ARN)
	case i.InvokedBy != "":
		return "service:" + i.InvokedBy
	case i.AccountID != "":
		return "account:" + i.AccountID
	}
	return ""
}

// SessionName is the caller-chosen part of an assumed role's ARN, "" when there is none.
func (i Identity) SessionName() string {
	_, session := splitSessionARN(i.ARN)
	return session
}

// Denied reports whether the call was refused for want of permission.
func (e *Event) Denied() bool {
	switch e.ErrorCode {
	case "AccessDenied", "AccessDeniedException", "Client.UnauthorizedOperation":
		return true
	}
	return false
}

// Failed reports whether the call had an error of any kind.
func (e *Event) Failed() bool { return e.ErrorCode != "" }
