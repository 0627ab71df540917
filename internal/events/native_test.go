package events

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestNativeEventBecomesItsTwin(t *testing.T) {
	native := decodeOne(t, string(fixture(t, "rotate-key-native.json")))
	trail := decodeOne(t, string(fixture(t, "rotate-key.json")))
	if !native.Native || trail.Native {
		t.Errorf("native: %v and %v", native.Native, trail.Native)
	}
	if diff := cmp.Diff(trail.RotationDetails(), native.RotationDetails()); diff != "" {
		t.Errorf("details (-CloudTrail +native):\n%s", diff)
	}
	// What only CloudTrail knows, and what names the message itself.
	own := cmpopts.IgnoreFields(Event{}, "EventID", "EventTime", "EventVersion", "Native", "Raw", "ResponseElements",
		"ServiceEventDetails")
	if diff := cmp.Diff(trail, native, own); diff != "" {
		t.Errorf("event (-CloudTrail +native):\n%s", diff)
	}
	if native.EventID != "3f0a9c1e-2b4d-4c6f-8a90-b1c2d3e4f506" {
		t.Errorf("event id %q is not the envelope's", native.EventID)
	}
}

func TestFoldKeyFoldsTwinsAndNothingElse(t *testing.T) {
	trail, native := string(fixture(t, "rotate-key.json")), string(fixture(t, "rotate-key-native.json"))
	const material = "fcde2b2edba56bf408601fb721fe9b5c338d10ee429ea04fae5511b68fbf8fb9"
	key := func(body string) string { e := decodeOne(t, body); return e.FoldKey() }
	rename := func(body, detailType, name string) string {
		body = strings.Replace(body, "KMS CMK Rotation", detailType, 1)
		return strings.Replace(body, `"RotateKey"`, `"`+name+`"`, 1)
	}
	if got, want := key(trail), "RotateKey\x00"+testKey+"\x00"+material; got != want {
		t.Errorf("rotation: %q, want %q", got, want)
	}
	for _, twins := range []struct{ name, trail, native string }{
		{"rotation", trail, native},
		{"deletion", rename(trail, "", "DeleteKey"), rename(native, "KMS CMK Deletion", "")},
		{
			"expiry", rename(trail, "", "DeleteExpiredKeyMaterial"),
			rename(native, "KMS Imported Key Material Expiration", ""),
		},
		{
			"rotation without material ids", strings.Replace(trail, "currentKeyMaterialId", "x", 1),
			strings.Replace(native, "current-key-material-id", "x", 1),
		},
	} {
		if a, b := key(twins.trail), key(twins.native); a == "" || a != b {
			t.Errorf("%s: %q and %q do not fold", twins.name, a, b)
		}
	}
	if key(trail) == key(strings.Replace(trail, material, strings.Repeat("0", 64), 1)) {
		t.Error("two rotations of one key fold")
	}
	nextDay := strings.Replace(rename(trail, "", "DeleteKey"), "2026-11-18T", "2026-11-19T", 1)
	if key(rename(trail, "", "DeleteKey")) == key(nextDay) {
		t.Error("deletions on two days fold")
	}
	for name, body := range map[string]string{
		"the call that asks for a rotation": strings.Replace(rename(trail, "", "RotateKeyOnDemand"),
			"AwsServiceEvent", "AwsApiCall", 1),
		"a call of the same name":     strings.Replace(trail, "AwsServiceEvent", "AwsApiCall", 1),
		"another service event":       rename(trail, "", "SynchronizeMultiRegionKey"),
		"a service event of no key":   record("kms.amazonaws.com", "RotateKey", `,"eventType":"AwsServiceEvent"`),
		"another service's namesake":  strings.Replace(trail, "kms.amazonaws.com", "xyz.amazonaws.com", 1),
		"the on-demand service event": rename(trail, "", "RotateKeyOnDemand"),
	} {
		if got := key(body); got != "" {
			t.Errorf("%s has the fold key %q", name, got)
		}
	}
}

func TestServiceDetailsTakeCloudTrailsSpelling(t *testing.T) {
	for _, test := range []struct{ detail, want string }{
		{`{}`, `{}`},
		{`{"key-id":"k"}`, `{"keyId":"k"}`},
		{
			` { "key-id" : "k-e-y" , "a-b-c" : { "d-e" : [1, 2] }, "plain":null } `,
			`{"keyId":"k-e-y","aBC":{ "d-e" : [1, 2] },"plain":null}`,
		},
		{`{"-":1,"x-":2,"-y":3,"é-é":4,"z--9":5}`, `{"":1,"x":2,"Y":3,"éé":4,"z9":5}`},
	} {
		e := decodeOne(t, eventBridge("aws.kms", "KMS CMK Deletion", test.detail))
		if got := string(e.ServiceEventDetails); got != test.want {
			t.Errorf("%s became %s, want %s", test.detail, got, test.want)
		}
	}
}
