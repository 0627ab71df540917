package userrules

import (
	"strconv"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"

	"rotd/internal/events"
)

// Names of the objects' types, as errors of the type check show them.
const (
	typeEvent      = "rotd.Event"
	typeIdentity   = "rotd.UserIdentity"
	typeContext    = "rotd.SessionContext"
	typeAttributes = "rotd.SessionAttributes"
	typeIssuer     = "rotd.SessionIssuer"
	typeResource   = "rotd.Resource"
	typeKey        = "rotd.Key"
	typePolicy     = "rotd.Policy"
)

// fields are an object's, by name.
type fields map[string]*types.FieldType

// objects are the objects that expressions see, by type. All but resources are read off the scene when they are named;
// nothing is built beforehand.
func objects() map[string]fields {
	return map[string]fields{
		typeEvent: eventFields(), typeIdentity: identityFields(), typeContext: contextFields(),
		typeAttributes: attributeFields(), typeIssuer: issuerFields(), typeResource: resourceFields(),
		typeKey: keyFields(), typePolicy: policyFields(),
	}
}

// eventFields are CloudTrail's own, by CloudTrail's names.
func eventFields() fields {
	return fields{
		"eventID":              text(func(s *scene) string { return s.ev.EventID }),
		"sharedEventID":        text(func(s *scene) string { return s.ev.SharedEventID }),
		"eventTime":            moment(func(s *scene) time.Time { return s.ev.EventTime }),
		"eventSource":          text(func(s *scene) string { return s.ev.EventSource }),
		"eventName":            text(func(s *scene) string { return s.ev.EventName }),
		"eventType":            text(func(s *scene) string { return s.ev.EventType }),
		"eventCategory":        text(func(s *scene) string { return s.ev.EventCategory }),
		"awsRegion":            text(func(s *scene) string { return s.ev.AWSRegion }),
		"recipientAccountId":   text(func(s *scene) string { return s.ev.RecipientAccountID }),
		"requestID":            text(func(s *scene) string { return s.ev.RequestID }),
		"errorCode":            text(func(s *scene) string { return s.ev.ErrorCode }),
		"errorMessage":         text(func(s *scene) string { return s.ev.ErrorMessage }),
		"sourceIPAddress":      text(func(s *scene) string { return s.ev.SourceIPAddress }),
		"userAgent":            text(func(s *scene) string { return s.ev.UserAgent }),
		"vpcEndpointId":        text(func(s *scene) string { return s.ev.VPCEndpointID }),
		"vpcEndpointAccountId": text(func(s *scene) string { return s.ev.VPCEndpointAccount }),
		"readOnly":             truth(func(s *scene) bool { return s.ev.ReadOnly }),
		"userIdentity":         part(typeIdentity),
		"resources":            resources(),
		"requestParameters":    document(func(s *scene) events.RawJSON { return s.ev.RequestParameters }),
		"responseElements":     document(func(s *scene) events.RawJSON { return s.ev.ResponseElements }),
		"additionalEventData":  document(func(s *scene) events.RawJSON { return s.ev.AdditionalEventData }),
		"serviceEventDetails":  document(func(s *scene) events.RawJSON { return s.ev.ServiceEventDetails }),
	}
}

func identityFields() fields {
	return fields{
		"type":           text(func(s *scene) string { return string(s.ev.UserIdentity.Type) }),
		"principalId":    text(func(s *scene) string { return s.ev.UserIdentity.PrincipalID }),
		"arn":            text(func(s *scene) string { return s.ev.UserIdentity.ARN }),
		"accountId":      text(func(s *scene) string { return s.ev.UserIdentity.AccountID }),
		"accessKeyId":    text(func(s *scene) string { return s.ev.UserIdentity.AccessKeyID }),
		"userName":       text(func(s *scene) string { return s.ev.UserIdentity.UserName }),
		"invokedBy":      text(func(s *scene) string { return s.ev.UserIdentity.InvokedBy }),
		"sessionContext": part(typeContext),
	}
}

func contextFields() fields {
	return fields{
		"attributes":     part(typeAttributes),
		"sessionIssuer":  part(typeIssuer),
		"sourceIdentity": text(func(s *scene) string { return s.ev.UserIdentity.SourceIdentity }),
	}
}

// attributeFields has mfaAuthenticated as the text that CloudTrail writes.
func attributeFields() fields {
	return fields{
		"mfaAuthenticated": text(func(s *scene) string {
			if !s.ev.UserIdentity.MFAKnown {
				return ""
			}
			return strconv.FormatBool(s.ev.UserIdentity.MFAAuthenticated)
		}),
		"creationDate": moment(func(s *scene) time.Time { return s.ev.UserIdentity.SessionCreated }),
	}
}

func issuerFields() fields {
	return fields{
		"type":        text(func(s *scene) string { return s.ev.UserIdentity.SessionIssuer.Type }),
		"principalId": text(func(s *scene) string { return s.ev.UserIdentity.SessionIssuer.PrincipalID }),
		"arn":         text(func(s *scene) string { return s.ev.UserIdentity.SessionIssuer.ARN }),
		"accountId":   text(func(s *scene) string { return s.ev.UserIdentity.SessionIssuer.AccountID }),
		"userName":    text(func(s *scene) string { return s.ev.UserIdentity.SessionIssuer.UserName }),
	}
}

func resourceFields() fields {
	return fields{
		"ARN":       of(cel.StringType, func(r *events.Resource) any { return r.ARN }, nil),
		"accountId": of(cel.StringType, func(r *events.Resource) any { return r.AccountID }, nil),
		"type":      of(cel.StringType, func(r *events.Resource) any { return r.Type }, nil),
	}
}

func resources() *types.FieldType {
	return of(cel.ListType(cel.ObjectType(typeResource)), func(s *scene) any {
		all := make([]*events.Resource, len(s.ev.Resources))
		for i := range s.ev.Resources {
			all[i] = &s.ev.Resources[i]
		}
		return all
	}, func(s *scene) bool { return len(s.ev.Resources) > 0 })
}

// of is a field that is read off a T. set says whether it is there, for has(…); nil: it always is.
func of[T any](kind *cel.Type, get func(*T) any, set func(*T) bool) *types.FieldType {
	return &types.FieldType{
		Type: kind,
		GetFrom: func(target any) (any, error) {
			t, ok := target.(*T)
			if !ok {
				return nil, errUnfit
			}
			return get(t), nil
		},
		IsSet: func(target any) bool {
			t, ok := target.(*T)
			return ok && (set == nil || set(t))
		},
	}
}

// text is a text that is empty where the record has none.
func text(get func(*scene) string) *types.FieldType {
	return of(cel.StringType, func(s *scene) any { return types.String(get(s)) },
		func(s *scene) bool { return get(s) != "" })
}

func truth(get func(*scene) bool) *types.FieldType {
	return of(cel.BoolType, func(s *scene) any { return types.Bool(get(s)) }, nil)
}

func moment(get func(*scene) time.Time) *types.FieldType {
	return of(cel.TimestampType, func(s *scene) any { return types.Timestamp{Time: get(s)} },
		func(s *scene) bool { return !get(s).IsZero() })
}

// part is an object within the scene.
func part(kind string) *types.FieldType {
	return of(cel.ObjectType(kind), func(s *scene) any { return s }, nil)
}

// document is JSON that has no fixed shape.
func document(get func(*scene) events.RawJSON) *types.FieldType {
	return of(cel.DynType, func(s *scene) any { return s.value(get(s)) },
		func(s *scene) bool { return get(s) != nil })
}
