package events

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestHelpersReadTheRequest(t *testing.T) {
	e := decodeOne(t, record("kms.amazonaws.com", "PutKeyPolicy", `,"requestParameters":{"keyId":"k",`+
		`"pendingWindowInDays":7,"rotationPeriodInDays":"400","bypassPolicyLockoutSafetyCheck":true,`+
		`"operations":["Decrypt",5,"CreateGrant"],"constraints":{"encryptionContextSubset":{"Department":"R\u0026D"}},`+
		`"policy":"{\n  \"Statement\": []\n}","huge":123456789012345678901234567890,"nothing":null}`))
	if days, ok := e.PendingWindowInDays(); days != 7 || !ok {
		t.Errorf("pending window %d, %v", days, ok)
	}
	if days, ok := e.RotationPeriodInDays(); days != 400 || !ok {
		t.Errorf("rotation period %d, %v", days, ok)
	}
	if !e.BypassesPolicyLockoutCheck() {
		t.Error("bypass not seen")
	}
	if got, want := e.RequestStrings("operations"), []string{"Decrypt", "CreateGrant"}; !slices.Equal(got, want) {
		t.Errorf("operations %q, want %q", got, want)
	}
	if got := e.RequestString("constraints", "encryptionContextSubset", "Department"); got != "R&D" {
		t.Errorf("department %q", got)
	}
	if got, want := e.PolicyText(), "{\n  \"Statement\": []\n}"; got != want {
		t.Errorf("policy %q, want %q", got, want)
	}
	for _, path := range [][]string{{"huge"}, {"nothing"}, {"absent"}, {"keyId", "deeper"}, {"operations"}} {
		if n, ok := e.RequestInt(path...); ok {
			t.Errorf("%v is the number %d", path, n)
		}
		if _, ok := e.RequestBool(path...); ok {
			t.Errorf("%v is a truth value", path)
		}
	}
	if got := string(e.RequestParameters.Get("huge")); got != "123456789012345678901234567890" {
		t.Errorf("huge number became %s", got)
	}
}

func TestHelpersReadNothingFromNothing(t *testing.T) {
	e := decodeOne(t, record("kms.amazonaws.com", "Decrypt", ""))
	if _, ok := e.PendingWindowInDays(); ok {
		t.Error("a pending window")
	}
	if e.PolicyText() != "" || e.BypassesPolicyLockoutCheck() || e.EncryptionContext() != nil || e.KeyMaterialID() != "" {
		t.Error("something from nothing")
	}
	if (e.RotationDetails() != RotationDetails{}) {
		t.Error("details from nothing")
	}
}

func TestPolicyMayBeAnObject(t *testing.T) {
	e := decodeOne(t, record("kms.amazonaws.com", "CreateKey", `,"requestParameters":{"policy":{"Statement":[]}}`))
	if got := e.PolicyText(); got != `{"Statement":[]}` {
		t.Errorf("policy %q", got)
	}
}

func TestReEncryptHasTwoOfEach(t *testing.T) {
	e := decodeOne(t, record("kms.amazonaws.com", "ReEncrypt", `,"requestParameters":{`+
		`"sourceEncryptionContext":{"a":"1"},"destinationEncryptionContext":{"b":"2"}},`+
		`"additionalEventData":{"sourceKeyMaterialId":"m1","destinationKeyMaterialId":"m2"}`))
	if diff := cmp.Diff(map[string]string{"a": "1"}, e.EncryptionContext()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]string{"b": "2"}, e.DestinationEncryptionContext()); diff != "" {
		t.Error(diff)
	}
	if e.KeyMaterialID() != "m1" || e.DestinationKeyMaterialID() != "m2" {
		t.Errorf("materials %q and %q", e.KeyMaterialID(), e.DestinationKeyMaterialID())
	}
}

func TestEncryptionContextIsBounded(t *testing.T) {
	context := `"k":"v"`
	for i := range 500 {
		context += fmt.Sprintf(`,"k%d":"v"`, i)
	}
	e := decodeOne(t, record("kms.amazonaws.com", "Decrypt", `,"requestParameters":{"encryptionContext":{`+context+`}}`))
	if got := len(e.EncryptionContext()); got != maxContextPairs {
		t.Errorf("%d pairs, want %d", got, maxContextPairs)
	}
}

func TestParseRawReadsJSONInsideAString(t *testing.T) {
	status, err := ParseRaw(` [{"keyHandle":"16","deletionStatus":"FAILURE"}] `)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for key := range status.Elements() {
		got = append(got, key.Get("deletionStatus").Text())
	}
	if !slices.Equal(got, []string{"FAILURE"}) {
		t.Errorf("statuses %q", got)
	}
	for _, text := range []string{"", "[", "[]]", `"\`, "x"} {
		if _, err := ParseRaw(text); err == nil {
			t.Errorf("%q was accepted", text)
		}
	}
}

func TestTextUndoesEscapes(t *testing.T) {
	for _, test := range []struct{ quoted, want string }{
		{`""`, ""},
		{`"plain"`, "plain"},
		{`"\"\\\/\b\f\n\r\t"`, "\"\\/\b\f\n\r\t"},
		{`"\u0041\u00e9\u20ac"`, "Aé€"},
		{`"\ud83d\ude00!"`, "😀!"},
		{`"\ud83d"`, "\ufffd"},
		{`"\ud83d\ud83d\ude00"`, "\ufffd😀"},
		{`"\ude00\u0041"`, "\ufffdA"},
		{`"\ud83dx\u0041"`, "\ufffdxA"},
	} {
		v, err := ParseRaw(test.quoted)
		if err != nil {
			t.Fatal(err)
		}
		if got := v.Text(); got != test.want {
			t.Errorf("%s is %q, want %q", test.quoted, got, test.want)
		}
	}
}
