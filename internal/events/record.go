package events

import (
	"bytes"
	"time"
)

// MaxRecord is how long one record may be, in bytes: no longer than an SQS message.
const MaxRecord = 1 << 20

// DecodeRecord decodes one CloudTrail record on its own, as it stands in a log file. wanted is false for a record no
// rule wants, of which only source and name were looked at. The error is always a *MalformedError. raw may be reused
// afterwards: a wanted record is copied.
func (d *Decoder) DecodeRecord(raw []byte) (event Event, wanted bool, err error) {
	m, err := parse(raw, MaxRecord)
	if err != nil {
		return Event{}, false, err
	}
	if reason, err := d.unwanted(&m); err != nil || reason != wantedRecord {
		return Event{}, false, err
	}
	m.body = bytes.Clone(raw) // the fields stand at the same places in the copy
	event, err = m.event()
	return event, err == nil, err
}

// add decodes a scanned record into c, or counts it there as ignored.
func (d *Decoder) add(c *Content, m *members) error {
	reason, err := d.unwanted(m)
	if err != nil {
		return err
	}
	if reason != wantedRecord {
		c.Ignored[reason]++
		return nil
	}
	event, err := m.event()
	if err != nil {
		return err
	}
	c.Events = append(c.Events, event)
	return nil
}

// unwanted looks at as little of a record as tells whether a rule wants it.
func (d *Decoder) unwanted(m *members) (IgnoredReason, error) {
	source, name := m.required(fEventSource), m.required(fEventName)
	category, kind := m.text(fEventCategory), m.text(fEventType)
	switch {
	case m.err != nil:
		return wantedRecord, m.err
	case !isCall(category, kind):
		return NotACall, nil
	case d.wants != nil && !d.wants.Wants(source, name):
		return NotWanted, nil
	}
	return wantedRecord, nil
}

// isCall tells records of calls and service events from what CloudTrail writes in the same shape about them:
// Insights name the API whose rate was unusual, network activity is about VPC endpoints, aggregates sum up.
func isCall(category, kind string) bool {
	switch category {
	case "Insight", "NetworkActivity", "Aggregated":
		return false
	}
	return kind != "AwsCloudTrailInsight" && kind != "AwsVpceEvent"
}

// event reads a whole record.
func (m *members) event() (Event, error) {
	e := Event{
		EventID:             m.required(fEventID),
		SharedEventID:       m.text(fSharedEventID),
		EventTime:           m.time(fEventTime),
		EventVersion:        ParseVersion(m.raw(fEventVersion).Text()),
		EventSource:         m.required(fEventSource),
		EventName:           m.required(fEventName),
		EventType:           m.text(fEventType),
		EventCategory:       m.text(fEventCategory),
		AWSRegion:           m.text(fAWSRegion),
		RecipientAccountID:  m.text(fRecipientAccountID),
		RequestID:           m.text(fRequestID),
		ErrorCode:           m.text(fErrorCode),
		ErrorMessage:        m.text(fErrorMessage),
		SourceIPAddress:     m.text(fSourceIPAddress),
		UserAgent:           m.text(fUserAgent),
		VPCEndpointID:       m.text(fVPCEndpointID),
		VPCEndpointAccount:  m.text(fVPCEndpointAccount),
		UserIdentity:        m.identity(),
		Resources:           m.resources(),
		RequestParameters:   m.part(fRequestParameters),
		ResponseElements:    m.part(fResponseElements),
		AdditionalEventData: m.part(fAdditionalEventData),
		ServiceEventDetails: m.part(fServiceEventDetails),
		Addendum:            m.part(fAddendum),
		Raw:                 m.body[m.self.from:m.self.to:m.self.to],
	}
	e.ReadOnly, _ = m.flag(fReadOnly)
	if m.err != nil {
		return Event{}, m.err
	}
	e.resolveKeys()
	return e, nil
}

func (m *members) required(f field) string {
	text := m.text(f)
	if text == "" {
		m.missing(f)
	}
	return text
}

// time is a record's or an envelope's time, in UTC and to the second.
func (m *members) time(f field) time.Time {
	text := m.required(f)
	if m.err != nil {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		m.err = malformed(ReasonBadTime, int(m.at[f].from), "%q is not a time", fieldNames[f])
		return time.Time{}
	}
	return t.UTC().Truncate(time.Second)
}

// part is one of the raw parts that rules look into by paths of their own.
func (m *members) part(f field) RawJSON {
	v := m.raw(f)
	if v != nil && m.err == nil {
		m.err = uniqueNames(m.body, m.at[f])
	}
	return v
}

func (m *members) resources() []Resource {
	if m.raw(fResources) == nil || m.err != nil {
		return nil
	}
	var all []Resource
	err := m.each(fResources, func(_ int, at span) error {
		var r members
		if err := r.scan(m.body, at); err != nil {
			return err
		}
		all = append(all, Resource{ARN: r.text(fARN), AccountID: r.text(fAccountID), Type: r.text(fLowerType)})
		return r.err
	})
	m.keep(err)
	return all
}
