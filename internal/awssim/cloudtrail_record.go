package awssim

import (
	"strings"
	"time"
)

// Record is a CloudTrail record, version 1.11. What is empty and has no omitempty is written as null, as CloudTrail
// does. EmitRecord fills in what every record has.
type Record struct {
	EventVersion        string           `json:"eventVersion"`
	UserIdentity        *UserIdentity    `json:"userIdentity"`
	EventTime           time.Time        `json:"eventTime"`
	EventSource         string           `json:"eventSource"` // kms.amazonaws.com
	EventName           string           `json:"eventName"`
	AWSRegion           string           `json:"awsRegion"`
	SourceIPAddress     string           `json:"sourceIPAddress"`
	UserAgent           string           `json:"userAgent,omitempty"`
	ErrorCode           string           `json:"errorCode,omitempty"`
	ErrorMessage        string           `json:"errorMessage,omitempty"`
	RequestParameters   map[string]any   `json:"requestParameters"`
	ResponseElements    map[string]any   `json:"responseElements"`
	AdditionalEventData map[string]any   `json:"additionalEventData,omitempty"`
	RequestID           string           `json:"requestID,omitempty"`
	EventID             string           `json:"eventID"`
	ReadOnly            bool             `json:"readOnly"`
	Resources           []RecordResource `json:"resources,omitempty"`
	EventType           string           `json:"eventType"` // AwsApiCall, AwsServiceEvent, AwsConsoleAction …
	ManagementEvent     bool             `json:"managementEvent"`
	RecipientAccountID  string           `json:"recipientAccountId"`
	SharedEventID       string           `json:"sharedEventID,omitempty"`
	ServiceEventDetails map[string]any   `json:"serviceEventDetails,omitempty"`
	EventCategory       string           `json:"eventCategory"`
	TLSDetails          *TLSDetails      `json:"tlsDetails,omitempty"`
}

// UserIdentity says who acted. KMS acting by itself has no type.
type UserIdentity struct {
	Type           string          `json:"type,omitempty"`
	PrincipalID    string          `json:"principalId,omitempty"`
	ARN            string          `json:"arn,omitempty"`
	AccountID      string          `json:"accountId,omitempty"`
	AccessKeyID    string          `json:"accessKeyId,omitempty"`
	UserName       string          `json:"userName,omitempty"`
	SessionContext *SessionContext `json:"sessionContext,omitempty"`
	InvokedBy      string          `json:"invokedBy,omitempty"`
}

// SessionContext is there for temporary credentials.
type SessionContext struct {
	SessionIssuer *SessionIssuer    `json:"sessionIssuer,omitempty"`
	Attributes    SessionAttributes `json:"attributes"`
}

// SessionIssuer is the role that was assumed.
type SessionIssuer struct {
	Type        string `json:"type"`
	PrincipalID string `json:"principalId"`
	ARN         string `json:"arn"`
	AccountID   string `json:"accountId"`
	UserName    string `json:"userName"`
}

// SessionAttributes are strings, mfaAuthenticated too.
type SessionAttributes struct {
	CreationDate     string `json:"creationDate"`
	MFAAuthenticated string `json:"mfaAuthenticated"`
}

// RecordResource is something a record is about. KMS calls aliases keys, too.
type RecordResource struct {
	AccountID string `json:"accountId"`
	Type      string `json:"type,omitempty"`
	ARN       string `json:"ARN"`
}

// TLSDetails say how the caller was connected.
type TLSDetails struct {
	TLSVersion               string `json:"tlsVersion"`
	CipherSuite              string `json:"cipherSuite"`
	ClientProvidedHostHeader string `json:"clientProvidedHostHeader"`
}

const awsInternal = "AWS Internal"

// identity is a principal as CloudTrail names it at a time.
func (p *Principal) identity(at time.Time) *UserIdentity {
	u := &UserIdentity{
		Type: p.Type, PrincipalID: p.PrincipalID, ARN: p.ARN, AccountID: p.Account, AccessKeyID: p.AccessKeyID,
		UserName: p.UserName,
	}
	if p.Type != "AssumedRole" {
		return u
	}
	u.UserName = ""
	issuer, _, _ := strings.Cut(p.PrincipalID, ":")
	began := at.Truncate(time.Hour)
	if !p.Expires.IsZero() {
		began = p.Expires.Add(-time.Hour)
	}
	u.SessionContext = &SessionContext{
		SessionIssuer: &SessionIssuer{
			Type: "Role", PrincipalID: issuer, ARN: p.SessionIssuerARN, AccountID: p.Account,
			UserName: p.SessionIssuerARN[strings.LastIndexByte(p.SessionIssuerARN, '/')+1:],
		},
		Attributes: SessionAttributes{
			CreationDate: began.UTC().Format(time.RFC3339), MFAAuthenticated: "false",
		},
	}
	return u
}

// outsider is a principal as the trail of another account names it.
func (p *Principal) outsider() *UserIdentity {
	return &UserIdentity{Type: "AWSAccount", PrincipalID: p.PrincipalID, AccountID: p.Account}
}

// serviceTLS is how an SDK of today reaches a service.
func serviceTLS(service, region string) *TLSDetails {
	suffix := ".amazonaws.com"
	if partitionOf(region) == "aws-cn" {
		suffix += ".cn"
	}
	return &TLSDetails{
		TLSVersion: "TLSv1.3", CipherSuite: "TLS_AES_128_GCM_SHA256",
		ClientProvidedHostHeader: service + "." + region + suffix,
	}
}
