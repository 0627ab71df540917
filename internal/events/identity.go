package events

import (
	"strings"
	"time"
)

// identity reads a record's userIdentity. Which of its parts exist depends on its type; none at all for service
// events. Parts rotd does not know are left alone.
func (m *members) identity() Identity {
	var id, context, part members
	if !m.object(fUserIdentity, &id) {
		return Identity{}
	}
	identity := Identity{
		Type:        IdentityType(id.text(fLowerType)),
		PrincipalID: id.text(fPrincipalID),
		ARN:         id.text(fLowerARN),
		AccountID:   id.text(fAccountID),
		AccessKeyID: id.text(fAccessKeyID),
		UserName:    id.text(fUserName),
		InvokedBy:   id.text(fInvokedBy),
	}
	if id.object(fSessionContext, &context) {
		identity.SourceIdentity = context.text(fSourceIdentity)
		if context.object(fAttributes, &part) {
			identity.MFAAuthenticated, identity.MFAKnown = part.flag(fMFAAuthenticated)
			identity.SessionCreated = sessionTime(part.text(fCreationDate))
			context.keep(part.err)
		}
		if context.object(fSessionIssuer, &part) {
			identity.SessionIssuer = part.issuer()
			context.keep(part.err)
		}
		id.keep(context.err)
	}
	m.keep(id.err)
	return identity
}

func (m *members) issuer() SessionIssuer {
	return SessionIssuer{
		Type:        m.text(fLowerType),
		PrincipalID: m.text(fPrincipalID),
		ARN:         m.text(fLowerARN),
		AccountID:   m.text(fAccountID),
		UserName:    m.text(fUserName),
	}
}

// keep takes over what went wrong in an object inside m.
func (m *members) keep(err error) {
	if m.err == nil {
		m.err = err
	}
}

// sessionTime reads a session's creationDate in the two formats CloudTrail uses, and gives the zero time for others:
// nothing rests on it alone.
func sessionTime(text string) time.Time {
	for _, layout := range [...]string{time.RFC3339, "Jan 2, 2006, 3:04:05 PM"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

// withoutSessionName is an assumed role's ARN without the session name its caller chose; any other ARN as it is.
func withoutSessionName(arn string) string {
	role, _ := splitSessionARN(arn)
	return role
}

// splitSessionARN splits arn:<partition>:sts::<account>:assumed-role/<role>/<session> before its session name.
func splitSessionARN(arn string) (role, session string) {
	const kind = ":assumed-role/"
	start := strings.Index(arn, kind)
	if start < 0 {
		return arn, ""
	}
	start += len(kind)
	end := strings.IndexByte(arn[start:], '/')
	if end < 0 {
		return arn, ""
	}
	return arn[:start+end], arn[start+end+1:]
}
