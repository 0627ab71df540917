package events

import "strings"

// nativeName is the name CloudTrail gives the service event that one of KMS's own EventBridge events is about; "" for
// other events.
func nativeName(source, detailType string) string {
	if source != "aws.kms" {
		return ""
	}
	switch detailType {
	case "KMS CMK Rotation":
		return "RotateKey"
	case "KMS Imported Key Material Expiration":
		return "DeleteExpiredKeyMaterial"
	case "KMS CMK Deletion":
		return "DeleteKey"
	}
	return ""
}

// native decodes one of KMS's own events into what CloudTrail's record of the same thing would be.
func (d *Decoder) native(m *members, name string) (Content, error) {
	if d.wants != nil && !d.wants.Wants(kmsSource, name) {
		return ignored(NotWanted), nil
	}
	var detail members
	if err := m.detail(&detail); err != nil {
		return Content{}, err
	}
	account := m.text(fAccount)
	e := Event{
		EventID:             m.required(fID),
		EventTime:           m.time(fTime),
		EventSource:         kmsSource,
		EventName:           name,
		EventType:           "AwsServiceEvent",
		EventCategory:       "Management",
		AWSRegion:           m.text(fRegion),
		RecipientAccountID:  account,
		SourceIPAddress:     "AWS Internal",
		UserAgent:           "AWS Internal",
		Native:              true,
		UserIdentity:        Identity{AccountID: account, InvokedBy: "AWS Internal"},
		Resources:           m.nativeResources(account),
		ServiceEventDetails: m.serviceDetails(),
		Raw:                 m.body[m.self.from:m.self.to:m.self.to],
	}
	if m.err != nil {
		return Content{}, m.err
	}
	e.resolveKeys()
	return Content{Events: []Event{e}}, nil
}

// nativeResources reads the resources of an EventBridge event: bare ARNs.
func (m *members) nativeResources(account string) []Resource {
	if m.raw(fResources) == nil || m.err != nil {
		return nil
	}
	var all []Resource
	m.keep(m.each(fResources, func(_ int, at span) error {
		arn := RawJSON(m.body[at.from:at.to]).Text()
		if arn == "" {
			return malformed(ReasonWrongType, int(at.from), "a resource is not a string")
		}
		all = append(all, Resource{ARN: arn, AccountID: account, Type: "AWS::KMS::Key"})
		return nil
	}))
	return all
}

// serviceDetails is the event's detail with its names in CloudTrail's spelling: key-id becomes keyId.
func (m *members) serviceDetails() RawJSON {
	if m.err != nil {
		return nil
	}
	out := []byte{'{'}
	s := scanner{text: m.body[:m.at[fDetail].to], pos: int(m.at[fDetail].from)}
	for s.pos++; s.peek() == '"' || s.take(','); {
		name, err := s.name()
		if err != nil {
			break
		}
		value, _ := s.value(1)
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(out, camelCase(string(m.body[name.from:name.to]))...)
		out = append(out, ':')
		out = append(out, m.body[value.from:value.to]...)
	}
	out = append(out, '}')
	m.keep(uniqueNames(out, span{0, int32(len(out))}))
	return out
}

// camelCase turns "key-id" into "keyId".
func camelCase(name string) string {
	first, rest, more := strings.Cut(name, "-")
	for more {
		var word string
		word, rest, more = strings.Cut(rest, "-")
		if word != "" && 'a' <= word[0] && word[0] <= 'z' {
			word = string(word[0]-'a'+'A') + word[1:]
		}
		first += word
	}
	return first
}

// FoldKey is the same for the records that tell of one thing KMS did by itself, CloudTrail's service event and KMS's
// own EventBridge event: of a rotation the key and its new material, otherwise the key, the name and the day. It is
// "" for every other record; above all for RotateKeyOnDemand, the call that asks for a rotation.
func (e *Event) FoldKey() string {
	if e.EventSource != kmsSource || e.EventType != "AwsServiceEvent" || e.Key.ARN == "" {
		return ""
	}
	switch e.EventName {
	case "RotateKey":
		if material := e.RotationDetails().CurrentKeyMaterialID; material != "" {
			return strings.Join([]string{e.EventName, e.Key.ARN, material}, "\x00")
		}
	case "DeleteExpiredKeyMaterial", "DeleteKey":
	default:
		return ""
	}
	return strings.Join([]string{e.EventName, e.Key.ARN, e.EventTime.Format("2006-01-02")}, "\x00")
}
