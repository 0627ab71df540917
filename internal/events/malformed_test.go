package events

import (
	"errors"
	"strings"
	"testing"
)

func reasonOf(t *testing.T, err error) Reason {
	t.Helper()
	if err == nil {
		return "none"
	}
	why, ok := errors.AsType[*MalformedError](err)
	if !ok {
		t.Fatalf("not a MalformedError: %v", err)
	}
	if why.Offset < 0 || why.Detail == "" {
		t.Errorf("says too little: %+v", why)
	}
	return why.Reason
}

func nested(depth int) string { return strings.Repeat("[", depth) + strings.Repeat("]", depth) }

func TestDecodeRefusesWhatItCannotRead(t *testing.T) {
	kms := func(extra string) string { return record("kms.amazonaws.com", "DisableKey", extra) }
	without := func(member string) string { return strings.Replace(kms(""), member, "", 1) }
	for _, test := range []struct {
		name, body string
		want       Reason
	}{
		{"nothing", "", ReasonEmpty},
		{"only spaces", " \n\t ", ReasonEmpty},
		{"more than 1 MiB", `{"eventID":"` + strings.Repeat("a", MaxBody) + `"}`, ReasonTooLarge},
		{"text that is no JSON", "hello", ReasonWrongType},
		{"an array", "[]", ReasonWrongType},
		{"a string", `"{}"`, ReasonWrongType},
		{"an object of no known shape", `{"hello":"world"}`, ReasonUnknownShape},
		{"an empty object", `{}`, ReasonUnknownShape},
		{"text after the value", kms("") + "x", ReasonTrailing},
		{"a second value", kms("") + kms(""), ReasonTrailing},
		{"cut short", kms("")[:80], ReasonSyntax},
		{"a comma too many", `{"eventID":"e",}`, ReasonSyntax},
		{"no colon", `{"eventID" "e"}`, ReasonSyntax},
		{"a name that is no string", `{1:2}`, ReasonSyntax},
		{"a leading zero", kms(`,"x":01`), ReasonSyntax},
		{"a bare minus", kms(`,"x":-`), ReasonSyntax},
		{"a fraction without digits", kms(`,"x":1.`), ReasonSyntax},
		{"an exponent without digits", kms(`,"x":1e+`), ReasonSyntax},
		{"a literal misspelt", kms(`,"x":nul`), ReasonSyntax},
		{"NaN", kms(`,"x":NaN`), ReasonSyntax},
		{"an unknown escape", kms(`,"x":"\x41"`), ReasonSyntax},
		{"an escape cut short", kms(`,"x":"\u00`), ReasonSyntax},
		{"a line break in a string", kms(",\"x\":\"a\nb\""), ReasonSyntax},
		{"a NUL byte in a string", kms(",\"x\":\"a\x00b\""), ReasonSyntax},
		{"a NUL byte between members", kms("\x00"), ReasonSyntax},
		{"a byte order mark", "\ufeff" + kms(""), ReasonWrongType},
		{"UTF-8 that is none", kms(",\"x\":\"\xff\""), ReasonUTF8},
		{"UTF-8 too long for its rune", kms(",\"x\":\"\xc0\xaf\""), ReasonUTF8},
		{"a surrogate as UTF-8", kms(",\"x\":\"\xed\xa0\x80\""), ReasonUTF8},
		{"64 levels of nesting are enough", kms(`,"x":` + nested(63)), "none"},
		{"65 levels are too many", kms(`,"x":` + nested(64)), ReasonTooDeep},
		{"half a megabyte of brackets", kms(`,"x":` + strings.Repeat("[", 1<<19)), ReasonTooDeep},
		{"nesting in requestParameters", kms(`,"requestParameters":` + nested(100)), ReasonTooDeep},
		{"a number of 100,000 digits in a part is kept", kms(`,"requestParameters":{"n":` +
			strings.Repeat("9", 100000) + `}`), "none"},
		{"no eventID", without(`"eventID":"e-1",`), ReasonMissingField},
		{"no eventTime", without(`"eventTime":"2026-11-20T08:31:47Z",`), ReasonMissingField},
		{"no eventSource", without(`"eventSource":"kms.amazonaws.com",`), ReasonMissingField},
		{"no eventName", without(`,"eventName":"DisableKey"`), ReasonMissingField},
		{"eventName null", `{"eventSource":"kms.amazonaws.com","eventName":null}`, ReasonMissingField},
		{"eventName empty", record("kms.amazonaws.com", "", ""), ReasonMissingField},
		{"eventName a number", `{"eventSource":"kms.amazonaws.com","eventName":5}`, ReasonWrongType},
		{"eventTime that is no time", strings.Replace(kms(""), "2026-11-20T08:31:47Z", "yesterday", 1), ReasonBadTime},
		{"errorCode a number", kms(`,"errorCode":5`), ReasonWrongType},
		{"readOnly a number", kms(`,"readOnly":5`), ReasonWrongType},
		{"userIdentity a string", kms(`,"userIdentity":"root"`), ReasonWrongType},
		{"an identity's arn an array", kms(`,"userIdentity":{"arn":[]}`), ReasonWrongType},
		{
			"mfaAuthenticated a word", kms(`,"userIdentity":{"sessionContext":{"attributes":{"mfaAuthenticated":"maybe"}}}`),
			ReasonWrongType,
		},
		{
			"a sessionIssuer's arn a number", kms(`,"userIdentity":{"sessionContext":{"sessionIssuer":{"arn":1}}}`),
			ReasonWrongType,
		},
		{"resources an object", kms(`,"resources":{}`), ReasonWrongType},
		{"a resource that is a string", kms(`,"resources":["arn"]`), ReasonWrongType},
		{"a resource whose ARN is a number", kms(`,"resources":[{"ARN":1}]`), ReasonWrongType},
		{"eventName given twice", kms(`,"eventName":"Decrypt"`), ReasonDuplicateKey},
		{"eventName given twice, once escaped", kms(`,"event\u004eame":"Decrypt"`), ReasonDuplicateKey},
		{
			"eventName given twice in a record not wanted otherwise",
			record("ec2.amazonaws.com", "RunInstances", `,"eventSource":"kms.amazonaws.com"`), ReasonDuplicateKey,
		},
		{"an identity's arn given twice", kms(`,"userIdentity":{"arn":"a","arn":"b"}`), ReasonDuplicateKey},
		{"mfaAuthenticated given twice", kms(`,"userIdentity":{"sessionContext":{"attributes":` +
			`{"mfaAuthenticated":"true","mfaAuthenticated":"false"}}}`), ReasonDuplicateKey},
		{"a sessionIssuer's arn given twice", kms(`,"userIdentity":{"sessionContext":{"sessionIssuer":` +
			`{"arn":"a","arn":"a"}}}`), ReasonDuplicateKey},
		{"a resource's ARN given twice", kms(`,"resources":[{"ARN":"a","ARN":"b"}]`), ReasonDuplicateKey},
		{"keyId given twice", kms(`,"requestParameters":{"keyId":"a","keyId":"b"}`), ReasonDuplicateKey},
		{
			"a context's name given twice", kms(`,"requestParameters":{"encryptionContext":{"a":"1","\u0061":"2"}}`),
			ReasonDuplicateKey,
		},
		{
			"a name given twice among many", kms(`,"requestParameters":{"x":[{` +
				`"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"h":1,"i":1,"j":1,"k":1,"l":1,"m":1,"n":1,"n":2}]}`),
			ReasonDuplicateKey,
		},
		{"a field that is not read given twice", kms(`,"tlsDetails":{"a":1,"a":2},"apiVersion":1,"apiVersion":2`), "none"},
		{
			"an envelope's detail given twice", `{"source":"aws.kms","detail-type":"x","detail":{},"detail":{}}`,
			ReasonDuplicateKey,
		},
		{
			"an envelope without detail", `{"source":"aws.kms","detail-type":"AWS API Call via CloudTrail"}`,
			ReasonMissingField,
		},
		{"an envelope whose detail is null", eventBridge("aws.kms", viaAPICall, "null"), ReasonMissingField},
		{"an envelope whose detail is a string", eventBridge("aws.kms", viaAPICall, `"x"`), ReasonWrongType},
		{
			"an envelope whose detail is malformed", eventBridge("aws.kms", viaAPICall, `{"eventName":"Decrypt"}`),
			ReasonMissingField,
		},
		{"a detail-type that is a number", `{"source":"aws.kms","detail-type":1,"detail":{}}`, ReasonWrongType},
		{
			"a native event without id", `{"source":"aws.kms","detail-type":"KMS CMK Rotation","detail":{}}`,
			ReasonMissingField,
		},
		{
			"a native event without detail", `{"source":"aws.kms","detail-type":"KMS CMK Rotation","id":"x"}`,
			ReasonMissingField,
		},
		{"a native event whose resource is a number", strings.Replace(
			eventBridge("aws.kms", "KMS CMK Rotation", `{"key-id":"k"}`), `[]`, `[1]`, 1), ReasonWrongType},
		{
			"a native event that gives key-id twice",
			eventBridge("aws.kms", "KMS CMK Rotation", `{"key-id":"a","keyId":"b"}`), ReasonDuplicateKey,
		},
		{"Records that is null", `{"Records":null}`, ReasonWrongType},
		{"Records that is an object", `{"Records":{}}`, ReasonWrongType},
		{
			"Records of more brackets than records", `{"Records":[` + strings.Repeat("{},", maxElements) + `{}]}`,
			ReasonTooMany,
		},
		{"a syntax error inside a list", `{"Records":[{"eventID":}]}`, ReasonSyntax},
		{"a delivery without keys", `{"s3Bucket":"trail"}`, ReasonMissingField},
		{"a delivery without bucket", `{"s3ObjectKey":["a.json"]}`, ReasonMissingField},
		{"a delivery whose key is a number", `{"s3Bucket":"trail","s3ObjectKey":[1]}`, ReasonWrongType},
		{
			"an object created without a key", eventBridge("aws.s3", "Object Created", `{"bucket":{"name":"b"}}`),
			ReasonMissingField,
		},
		{"an SNS message of an unknown type", `{"Type":"Surprise","Message":"x"}`, ReasonUnknownShape},
		{"an SNS message of no text", `{"Type":"Notification"}`, ReasonEmpty},
		{"an SNS message that is an object", `{"Type":"Notification","Message":{}}`, ReasonWrongType},
		{"an SNS message that is malformed inside", `{"Type":"Notification","Message":"{\"a\":"}`, ReasonSyntax},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := NewDecoder(kmsAndTrail{}).Decode([]byte(test.body))
			if got := reasonOf(t, err); got != test.want {
				t.Errorf("reason %q, want %q (%v)", got, test.want, err)
			}
		})
	}
}

func TestDecodeToleratesWhatItDoesNotKnow(t *testing.T) {
	for _, test := range []struct{ name, extra string }{
		{"unknown members", `,"somethingNew":{"a":[1,2,{"b":null}]},"another":1e400`},
		{"an unknown version", `,"userIdentity":{"type":"Martian","novelty":true}`},
		{"nulls everywhere", `,"userIdentity":null,"resources":null,"requestParameters":null,"errorCode":null,` +
			`"readOnly":null,"userAgent":null,"eventCategory":null`},
		{"parts that are no objects", `,"requestParameters":"text","responseElements":[1],"additionalEventData":5`},
		{"an empty session context", `,"userIdentity":{"sessionContext":{}}`},
		{"readOnly as a string", `,"readOnly":"true"`},
		{"half a surrogate pair", `,"userAgent":"cut \ud83d"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			body := record("kms.amazonaws.com", "DisableKey", test.extra)
			for _, version := range []string{`"1.11"`, `"2.0"`, `"next"`, `7`, `null`, `["1"]`} {
				body := strings.Replace(body, `"1.11"`, version, 1)
				if c, err := NewDecoder(nil).Decode([]byte(body)); err != nil || len(c.Events) != 1 {
					t.Errorf("version %s: %d events, error %v", version, len(c.Events), err)
				}
			}
		})
	}
}
