package events

import (
	"bytes"
	"errors"
	"testing"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
)

// FuzzDecode looks for bodies that panic, that are lost uncounted, or that mean something else inside an SNS wrapper.
func FuzzDecode(f *testing.F) {
	for _, envelope := range envelopes() {
		f.Add([]byte(envelope.body))
		f.Add(wrapSNS([]byte(envelope.body)))
	}
	for _, name := range []string{"decrypt.json", "rotate-key.json", "rotate-key-native.json"} {
		f.Add(fixture(f, name))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		decoder := NewDecoder(kmsAndTrail{})
		c, err := decoder.Decode(body)
		if err != nil {
			if _, ok := errors.AsType[*MalformedError](err); !ok {
				t.Fatalf("not a MalformedError: %v", err)
			}
			return
		}
		if c.Records()+len(c.Objects) == 0 {
			t.Fatal("a body that counts as nothing")
		}
		for i := range c.Events {
			checkEvent(t, &c.Events[i])
		}
		if wrapped, err := decoder.decode(wrapSNS(body), maxSNSWrappers+1); err != nil && len(body) < MaxBody/8 {
			t.Fatalf("inside SNS: %v", err)
		} else if diff := cmp.Diff(summarize(c), summarize(withKind(wrapped))); err == nil && diff != "" {
			t.Fatalf("inside SNS it means something else:\n%s", diff)
		}
	})
}

func withKind(c Content) Content {
	c.Kind = c.kind()
	return c
}

// checkEvent holds what every Event promises, and asks everything that is read lazily.
func checkEvent(t *testing.T, e *Event) {
	if e.EventID == "" || e.EventSource == "" || e.EventName == "" {
		t.Fatalf("an event without what every event has: %+v", e)
	}
	for _, part := range []RawJSON{
		e.RequestParameters, e.ResponseElements, e.AdditionalEventData,
		e.ServiceEventDetails, e.Addendum, e.Raw,
	} {
		if part != nil && !jsontext.Value(part).IsValid(jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true)) {
			t.Fatalf("a raw part that is no JSON: %q", part)
		}
	}
	e.FoldKey()
	e.PolicyText()
	e.EncryptionContext()
	e.KeyMaterialID()
	e.PendingWindowInDays()
	e.RequestStrings("operations")
	e.UserIdentity.PrincipalARN()
	e.UserIdentity.SessionName()
}

// FuzzScannerAgrees holds the scanner against an independent parser: they must accept the same texts.
func FuzzScannerAgrees(f *testing.F) {
	for _, text := range []string{
		`{}`, `[1,2.5e+3,-0]`, `{"a":{"b":[null,true,false,"\u00e9\n"]}}`, `01`, `"\ud83d"`,
		`[1,]`, `{"a":1,"a":2}`, ` "x" `, `1 2`, `-`, `1.e5`, `"` + "\x1f" + `"`, `tru`, `{"a"}`,
	} {
		f.Add([]byte(text))
	}
	f.Add(fixture(f, "decrypt.json"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if !utf8.Valid(text) || bytes.Count(text, []byte{'['})+bytes.Count(text, []byte{'{'}) > maxDepth {
			return
		}
		v, err := ParseRaw(string(text))
		want := jsontext.Value(text).IsValid(jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true))
		if (err == nil) != want {
			t.Fatalf("%q: error %v, but valid is %v", text, err, want)
		}
		if err != nil {
			return
		}
		unique := jsontext.Value(text).IsValid(jsontext.AllowInvalidUTF8(true))
		if err := uniqueNames(v, span{0, int32(len(v))}); (err == nil) != unique {
			t.Fatalf("%q: error %v, but unique is %v", text, err, unique)
		}
		if v[0] == '"' {
			got, err := jsontext.AppendUnquote(nil, v)
			if err == nil && string(got) != v.Text() {
				t.Fatalf("%s is %q, want %q", v, v.Text(), got)
			}
		}
	})
}
