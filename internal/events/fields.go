package events

// field is a member name that rotd reads at some level of an envelope, a record or a native event.
type field uint8

const (
	fUnknown field = iota
	fAccessKeyID
	fAccount
	fAccountID
	fAdditionalEventData
	fAddendum
	fARN
	fAttributes
	fAWSRegion
	fBucket
	fCreationDate
	fDetail
	fDetailType
	fErrorCode
	fErrorMessage
	fEvent
	fEventCategory
	fEventID
	fEventName
	fEventSource
	fEventTime
	fEventType
	fEventVersion
	fID
	fInvokedBy
	fKey
	fLowerARN
	fLowerType
	fMessage
	fMFAAuthenticated
	fName
	fObject
	fPrincipalID
	fReadOnly
	fRecipientAccountID
	fRecords
	fRegion
	fRequestID
	fRequestParameters
	fResources
	fResponseElements
	fS3
	fS3Bucket
	fS3ObjectKey
	fServiceEventDetails
	fSessionContext
	fSessionIssuer
	fSharedEventID
	fSource
	fSourceIdentity
	fSourceIPAddress
	fTime
	fType
	fUserAgent
	fUserIdentity
	fUserName
	fVPCEndpointAccount
	fVPCEndpointID
	fieldCount
)

// fieldNames is each field as JSON spells it.
var fieldNames = [fieldCount]string{
	fAccessKeyID:         "accessKeyId",
	fAccount:             "account",
	fAccountID:           "accountId",
	fAdditionalEventData: "additionalEventData",
	fAddendum:            "addendum",
	fARN:                 "ARN",
	fAttributes:          "attributes",
	fAWSRegion:           "awsRegion",
	fBucket:              "bucket",
	fCreationDate:        "creationDate",
	fDetail:              "detail",
	fDetailType:          "detail-type",
	fErrorCode:           "errorCode",
	fErrorMessage:        "errorMessage",
	fEvent:               "Event",
	fEventCategory:       "eventCategory",
	fEventID:             "eventID",
	fEventName:           "eventName",
	fEventSource:         "eventSource",
	fEventTime:           "eventTime",
	fEventType:           "eventType",
	fEventVersion:        "eventVersion",
	fID:                  "id",
	fInvokedBy:           "invokedBy",
	fKey:                 "key",
	fLowerARN:            "arn",
	fLowerType:           "type",
	fMessage:             "Message",
	fMFAAuthenticated:    "mfaAuthenticated",
	fName:                "name",
	fObject:              "object",
	fPrincipalID:         "principalId",
	fReadOnly:            "readOnly",
	fRecipientAccountID:  "recipientAccountId",
	fRecords:             "Records",
	fRegion:              "region",
	fRequestID:           "requestID",
	fRequestParameters:   "requestParameters",
	fResources:           "resources",
	fResponseElements:    "responseElements",
	fS3:                  "s3",
	fS3Bucket:            "s3Bucket",
	fS3ObjectKey:         "s3ObjectKey",
	fServiceEventDetails: "serviceEventDetails",
	fSessionContext:      "sessionContext",
	fSessionIssuer:       "sessionIssuer",
	fSharedEventID:       "sharedEventID",
	fSource:              "source",
	fSourceIdentity:      "sourceIdentity",
	fSourceIPAddress:     "sourceIPAddress",
	fTime:                "time",
	fType:                "Type",
	fUserAgent:           "userAgent",
	fUserIdentity:        "userIdentity",
	fUserName:            "userName",
	fVPCEndpointAccount:  "vpcEndpointAccountId",
	fVPCEndpointID:       "vpcEndpointId",
}

// fieldsByLength finds a field by comparing a name only with those as long as itself: a handful at most.
var fieldsByLength = func() (table [32][]field) {
	for f := fUnknown + 1; f < fieldCount; f++ {
		n := len(fieldNames[f])
		table[n] = append(table[n], f)
	}
	return table
}()

func fieldOf(name string) field {
	if len(name) >= len(fieldsByLength) {
		return fUnknown
	}
	for _, f := range fieldsByLength[len(name)] {
		if fieldNames[f] == name {
			return f
		}
	}
	return fUnknown
}
