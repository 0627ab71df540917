package detection

import (
	"strings"

	"rotd/internal/events"
)

// probe is one of KMS's management events, in the fields that CloudTrail's selectors look at.
type probe struct {
	name     string
	service  bool // what KMS does by itself: AwsServiceEvent
	readOnly bool
}

// probes stand for what rotd hears of KMS.
var probes = [...]probe{
	{name: "Decrypt", readOnly: true},
	{name: "GenerateDataKey", readOnly: true},
	{name: "Encrypt", readOnly: true},
	{name: "DisableKeyRotation"},
	{name: "EnableKeyRotation"},
	{name: "RotateKeyOnDemand"},
	{name: "DisableKey"},
	{name: "ScheduleKeyDeletion"},
	{name: "PutKeyPolicy"},
	{name: "CreateGrant"},
	{name: "UpdateAlias"},
	{name: "DeleteImportedKeyMaterial"},
	{name: "RotateKey", service: true},
}

// unseen says which of KMS's management events the selectors of a PutEventSelectors leave out, as a sentence; it is
// empty when they deliver all of them.
func unseen(ev *events.Event) string {
	from := ev.RequestParameters
	if from == nil {
		from = ev.ResponseElements
	}
	classic, advanced := from.Get("eventSelectors"), from.Get("advancedEventSelectors")
	if classic == nil && advanced == nil {
		return "The new selectors are not in the record: read them; until then take KMS's events to be lost."
	}
	var lost []string
	reads, lostReads := 0, 0
	for _, p := range probes {
		missing := !p.delivered(classic, advanced)
		if p.readOnly {
			reads++
		}
		if missing {
			lost = append(lost, p.name)
		}
		if missing && p.readOnly {
			lostReads++
		}
	}
	switch {
	case len(lost) == 0:
		return ""
	case len(lost) == len(probes):
		return "None of KMS's management events is recorded by it any more."
	case lostReads == reads && len(lost) == reads:
		return "Only KMS's writes are recorded by it: every use of a key, Decrypt above all, goes unseen."
	case lostReads == 0 && len(lost) == len(probes)-reads:
		return "Only KMS's reads are recorded by it: every change to a key goes unseen."
	}
	return "KMS's events are recorded by it only in part; unseen go, for instance, " + listed(lost) + "."
}

// delivered reports whether any of the selectors delivers the event. A record has selectors of one kind.
func (p probe) delivered(classic, advanced events.RawJSON) bool {
	for s := range classic.Elements() {
		if p.passes(s) {
			return true
		}
	}
	for s := range advanced.Elements() {
		if p.passesAdvanced(s.Get("fieldSelectors")) {
			return true
		}
	}
	return false
}

// passes judges a selector of the first kind; what it leaves out is as CloudTrail takes it: everything.
func (p probe) passes(selector events.RawJSON) bool {
	if include, given := selector.Get("includeManagementEvents").Bool(); given && !include {
		return false
	}
	for source := range selector.Get("excludeManagementEventSources").Elements() {
		if strings.EqualFold(source.Text(), kmsSource) {
			return false
		}
	}
	switch strings.ToLower(selector.Get("readWriteType").Text()) {
	case "readonly":
		return p.readOnly
	case "writeonly":
		return !p.readOnly
	}
	return true
}

// passesAdvanced judges an advanced selector: all its fields must pass, and it must be for management events.
func (p probe) passesAdvanced(fields events.RawJSON) bool {
	management := false
	for field := range fields.Elements() {
		name := field.Get("field").Text()
		value, known := p.value(name)
		if !passesField(field, value, known) {
			return false
		}
		management = management || name == "eventCategory"
	}
	return management
}

// value is the event's value of a field; known is false for a field that differs from call to call, such as the caller.
func (p probe) value(field string) (value string, known bool) {
	switch field {
	case "eventCategory":
		return "Management", true
	case "eventSource":
		return kmsSource, true
	case "eventName":
		return p.name, true
	case "eventType":
		if p.service {
			return "AwsServiceEvent", true
		}
		return "AwsApiCall", true
	case "readOnly":
		if p.readOnly {
			return "true", true
		}
		return "false", true
	}
	return "", false
}

// passesField judges one field of an advanced selector as CloudTrail does: any of the operators that pick must match,
// and none of those that leave out. Of a field that differs from call to call, picking leaves most calls out, and
// leaving out some still delivers the others.
func passesField(field events.RawJSON, value string, known bool) bool {
	picks, picked := false, false
	for _, op := range matchers {
		for want := range field.Get(op.picks).Elements() {
			picks = true
			picked = picked || known && op.match(value, want.Text())
		}
		for unwanted := range field.Get(op.leavesOut).Elements() {
			if known && op.match(value, unwanted.Text()) {
				return false
			}
		}
	}
	return !picks || picked
}

// matchers are the operators of advanced selectors, in pairs.
var matchers = [...]struct {
	picks, leavesOut string
	match            func(value, pattern string) bool
}{
	{"equals", "notEquals", func(value, pattern string) bool { return value == pattern }},
	{"startsWith", "notStartsWith", strings.HasPrefix},
	{"endsWith", "notEndsWith", strings.HasSuffix},
}
