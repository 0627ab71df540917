package reencrypt

import (
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
)

func TestALineOfAManifestIsRead(t *testing.T) {
	tests := []struct {
		name, line string
		want       Line
	}{
		{"a blob alone", `{"ciphertext":"AQID"}`, Line{Blob: Blob{Ciphertext: []byte{1, 2, 3}}}},
		{
			"everything", `{"id":"row 7","ciphertext":"AQID","context":{"table":"cards"},"source_key":"alias/old",` +
				`"destination_context":{"table":"cards","v":"2"}}`,
			Line{ID: "row 7", Blob: Blob{
				Ciphertext: []byte{1, 2, 3}, Context: map[string]string{"table": "cards"}, Source: "alias/old",
				Destination: map[string]string{"table": "cards", "v": "2"},
			}},
		},
		{
			"no context any more", `{"ciphertext":"AQID","context":{"a":"b"},"destination_context":{}}`,
			Line{Blob: Blob{
				Ciphertext: []byte{1, 2, 3}, Context: map[string]string{"a": "b"}, Destination: map[string]string{},
			}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ParseLine([]byte(tt.line))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhatIsWrongWithALineIsSaidWithoutRepeatingIt(t *testing.T) {
	tests := []struct{ name, line, err string }{
		{"no JSON", `secret`, "it is not one JSON object"},
		{"an array", `["secret"]`, "it is not one JSON object"},
		{"two objects", `{"ciphertext":"AQID"} {"ciphertext":"AQID"}`, "it is not one JSON object"},
		{"a member twice", `{"ciphertext":"AQID","ciphertext":"AQID"}`, "it is not one JSON object"},
		{
			"an unknown member", `{"ciphertxt":"secret"}`,
			"it has a member that is none of id, ciphertext, context, source_key, destination_context",
		},
		{"no ciphertext", `{"id":"1"}`, `"ciphertext" is missing or empty`},
		{"no base64", `{"ciphertext":"secret!"}`, `"ciphertext" is not in base64`},
		{"a ciphertext that is a number", `{"ciphertext":1}`, `"ciphertext" is not in base64`},
		{"a context of numbers", `{"ciphertext":"AQID","context":{"secret":1}}`, `"context" is not an object of strings`},
		{
			"a context with an empty name", `{"ciphertext":"AQID","context":{"":"secret"}}`,
			"a context has an empty name, which KMS does not take",
		},
		{"an id that is a number", `{"ciphertext":"AQID","id":5}`, `"id" is not a string`},
		{
			"more than KMS takes", `{"ciphertext":"` + strings.Repeat("AAAA", 2049) + `"}`,
			"the ciphertext has 6147 bytes, KMS takes 6144",
		},
		{"a line without end", strings.Repeat(" ", MaxLine+1), "the line has more than 65536 bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := ParseLine([]byte(tt.line))
			if err == nil || err.Error() != tt.err {
				t.Errorf("%v, want %s", err, tt.err)
			}
		})
	}
}

func TestTheNewContextIsTheOldOneUnlessAnotherIsNamed(t *testing.T) {
	context := map[string]string{"a": "b"}
	for _, raw := range []string{
		`{"ciphertext":"AQID","context":{"a":"b"}}`, `{"ciphertext":"AQID","destination_context":{"a":"b"}}`,
	} {
		line, err := ParseLine([]byte(raw))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(context, line.NewContext()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", raw, diff)
		}
		sent, err := json.Marshal(&line.Blob) // on its way to the daemon nothing of it changes
		if err != nil {
			t.Fatal(err)
		}
		var arrived Blob
		if err := json.Unmarshal(sent, &arrived); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(line.Blob, arrived); diff != "" {
			t.Errorf("%s (-sent +arrived):\n%s", raw, diff)
		}
	}
}

func FuzzALineIsReadOrRefusedAndNothingOfItIsTold(f *testing.F) {
	f.Add(`{"id":"1","ciphertext":"AQID","context":{"a":"b"},"source_key":"k","destination_context":{}}`)
	f.Add(`{"ciphertext":1}`)
	f.Add("\xff{")
	f.Fuzz(func(t *testing.T, raw string) {
		line, err := ParseLine([]byte(raw))
		switch {
		case err != nil && line != nil, err == nil && (len(line.Ciphertext) == 0 || len(line.Ciphertext) > MaxCiphertext):
			t.Errorf("%+v, %v", line, err)
		case err != nil && len(raw) > 40 && strings.Contains(err.Error(), raw[20:40]):
			t.Errorf("the error repeats the line: %v", err)
		}
	})
}

func TestAFailuresReasonHasABound(t *testing.T) {
	if f := Fail("X", strings.Repeat("y", 5000)); len(f.Message) > 1100 {
		t.Errorf("%d bytes", len(f.Message))
	}
	var j Job
	for range MaxFailures + 5 {
		j.Fails("1", Fail("X", "y"))
	}
	if len(j.Failures) != MaxFailures || j.Failed != MaxFailures+5 {
		t.Errorf("%d kept of %d", len(j.Failures), j.Failed)
	}
}

func TestARefusalSaysWhatToDo(t *testing.T) {
	for code, says := range map[string]string{
		"InvalidCiphertextException": "its context is not the one it was sealed with",
		"IncorrectKeyException":      "another key than the source key",
		"AccessDeniedException":      "as KMS says it (needed: kms:ReEncryptFrom on the key it is under",
		"DisabledException":          "as KMS says it (enable it: aws kms enable-key)",
		"KMSInvalidStateException":   "as KMS says it (is it to be deleted? Cancel that",
		"NotFoundException":          "as KMS says it (is source_key right?",
	} {
		if f := Refusal(code, "as KMS says it"); f.Code != code || !strings.Contains(f.Message, says) {
			t.Errorf("%s: %s", f.Code, f.Message)
		}
	}
}
