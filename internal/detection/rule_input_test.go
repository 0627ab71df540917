package detection

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"rotd/internal/events"
	"rotd/internal/finding"
)

// everyName are the names of all events that rules want by name, by source.
func everyName() map[string][]string {
	names := make(map[string][]string)
	for _, r := range Rules() {
		for _, w := range r.Wants {
			for _, name := range w.Names {
				if !slices.Contains(names[w.Source], name) {
					names[w.Source] = append(names[w.Source], name)
				}
			}
		}
	}
	return names
}

// parametersOf everything, each with the same value.
func parametersOf(value any) object {
	p := make(object)
	for _, name := range []string{
		"keyId", "aliasName", "targetKeyId", "granteePrincipal", "granteeServicePrincipal", "operations", "policy",
		"tags", "tagKeys", "replicaRegion", "primaryRegion", "origin", "importType", "expirationModel", "validTo",
		"customKeyStoreId", "customKeyStoreName", "xksProxyUriEndpoint", "bypassPolicyLockoutSafetyCheck",
		"pendingWindowInDays", "rotationPeriodInDays", "name", "trailName", "kmsKeyId", "eventSelectors",
		"advancedEventSelectors", "constraints", "retiringPrincipal", "encryptionContext", "keyMaterialId", "recipient",
		"bucketName", "key", "x-amz-server-side-encryption-aws-kms-key-id", "queueUrl", "topicArn", "subscriptionArn",
		"rule", "eventBusName", "state", "roleName",
	} {
		p[name] = value
	}
	return p
}

// oddities are changes to a record that no rule may stumble over.
func oddities() map[string]object {
	odd := make(map[string]object)
	for _, member := range []string{
		"userIdentity", "requestParameters", "responseElements", "resources", "awsRegion", "recipientAccountId",
		"sourceIPAddress", "userAgent", "additionalEventData", "eventType",
	} {
		odd["no "+member] = object{member: nil}
	}
	odd["nothing"] = object{
		"userIdentity": nil, "requestParameters": nil, "responseElements": nil, "resources": nil, "awsRegion": nil,
		"recipientAccountId": nil,
	}
	odd["an empty identity"] = object{"userIdentity": object{}}
	odd["an identity of nulls"] = object{"userIdentity": object{
		"type": nil, "arn": nil, "accountId": nil, "sessionContext": nil, "invokedBy": nil,
	}}
	odd["resources of nulls"] = object{"resources": []any{object{"ARN": nil, "type": nil}}}
	odd["an alias alone"] = object{"resources": nil, "requestParameters": object{
		"keyId": "alias/nobody", "aliasName": "alias/nobody",
	}}
	for name, value := range map[string]any{
		"nulls": nil, "numbers": -1, "objects": object{"a": nil}, "lists": []any{nil, object{"tagKey": nil}, 1, "x"},
		"hostile text": hostile, "long text": strings.Repeat("é", 3000), "truth": true,
	} {
		odd["parameters that are "+name] = object{"requestParameters": parametersOf(value), "resources": nil}
		odd["answers that are "+name] = object{"responseElements": object{
			"keyMetadata": object{"arn": value, "origin": value}, "replicaKeyMetadata": object{"arn": value},
			"grantId": value, "customKeyStoreId": value, "keyId": value,
		}}
	}
	odd["an alias's ARN alone"] = object{"resources": nil, "requestParameters": object{"keyId": aliasARN}}
	for _, partition := range []string{"aws", "aws-cn", "aws-us-gov", "aws-eusc", "aws-iso", "aws-iso-b"} {
		odd["partition "+partition] = aboutKey("arn:" + partition + ":kms:x-y-1:111122223333:key/k")
	}
	odd["a name of the caller's choice"] = object{"userIdentity": session("admin", hostile), "userAgent": hostile}
	return odd
}

func TestNoRecordBreaksARule(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes seconds, and finds panics alone")
	}
	judge := NewJudge(Settings{})
	worlds := map[string]*world{"known": carefulWorld(), "unknown": {memory: make(map[string]remembered)}}
	for source, names := range everyName() {
		for _, name := range names {
			for oddity, change := range oddities() {
				for where, w := range worlds {
					for _, code := range []string{"", "AccessDenied", "DisabledException"} {
						r := record(name, object{"eventSource": source, "errorCode": code, "eventID": fmt.Sprint(name, oddity, code)})
						maps.Copy(r, change)
						found, panics := judge.Event(w.context(), decode(t, r))
						for _, p := range panics {
							t.Fatalf("%s, %s, %s: %v\n%s", name, oddity, where, p, p.Stack)
						}
						for i := range found {
							checkFinding(t, &found[i])
							checkPrintable(t, &found[i])
						}
					}
				}
			}
		}
	}
}

// TestNullAnywhereBreaksNoRule puts null in the place of each member of every record in which a rule's tests find
// something, one at a time.
func TestNullAnywhereBreaksNoRule(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes seconds, and finds panics alone")
	}
	judge := NewJudge(Settings{})
	for _, record := range knownRecords(t) {
		worlds := fuzzWorlds()
		for n := 0; ; n++ {
			odd, ok := changed(record, n, []byte("null"))
			if !ok {
				break
			}
			ev, _, err := events.NewDecoder(nil).DecodeRecord(odd)
			if err != nil {
				continue // without what every record has
			}
			for name, w := range worlds {
				judgeAnyhow(t, judge, name, w, &ev)
			}
		}
	}
}

// quoted are others' words within a text.
var quoted = regexp.MustCompile(`"(?:\\.|[^"\\])*"`)

func checkPrintable(t *testing.T, f *finding.Finding) {
	t.Helper()
	for _, text := range append([]string{f.Title, f.Description, f.Why}, f.Remedy...) {
		if i := strings.IndexFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }); i >= 0 {
			t.Errorf("%s: an odd character in %q", f.RuleID, text)
		}
		ours := quoted.ReplaceAllString(text, `""`)
		if strings.Contains(ours, "%!") || strings.Contains(ours, "  ") || strings.HasPrefix(ours, " ") {
			t.Errorf("%s: no sentence: %q", f.RuleID, text)
		}
	}
}

func TestNamesOfEventsAreKMSsOwn(t *testing.T) {
	judge := NewJudge(Settings{})
	for _, names := range everyName() {
		for _, name := range names {
			for _, other := range []string{
				strings.ToLower(name), strings.ToUpper(name), strings.ToLower(name[:1]) + name[1:],
			} {
				found, panics := judge.Event(newWorld().context(), decode(t, record(other)))
				if len(found) > 0 || len(panics) > 0 {
					t.Errorf("%s: found %v, panics %v", other, found, panics)
				}
			}
		}
	}
}
