package keypolicy

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseReadsEveryElement(t *testing.T) {
	got := mustParse(t, `{
	  "version": "2012-10-17", "Id": "x", "Comment": {"by": ["me"]},
	  "Statement": {
	    "Sid": "s", "Effect": "Deny",
	    "NotPrincipal": {"AWS": ["111122223333", "arn:aws-cn:iam::111122223333:role/r"], "Service": "s3.amazonaws.com"},
	    "NotAction": ["kms:Get*"], "NotResource": "arn:aws:kms:*",
	    "Condition": {"foranyvalue:stringnotlikeifexists": {"aws:X": ["a", 1.50, true]}, "Odd": {"k": "v"}},
	    "Note": 1
	  }
	}`)
	want := &Policy{
		Version: "2012-10-17", ID: "x",
		Statements: []Statement{{
			Sid: "s", Effect: Deny, NotPrincipal: true, NotAction: true, NotResource: true,
			Principals: []Principal{
				{Kind: WholeAccount, Type: "AWS", Value: "111122223333", Account: "111122223333"},
				{
					Kind: Identity, Type: "AWS", Value: "arn:aws-cn:iam::111122223333:role/r", Account: "111122223333",
					Partition: "aws-cn",
				},
				{Kind: Service, Type: "Service", Value: "s3.amazonaws.com"},
			},
			Actions: []string{"kms:Get*"}, Resources: []string{"arn:aws:kms:*"},
			Conditions: []Condition{
				{Operator: "ForAnyValue:StringNotLikeIfExists", Key: "aws:X", Values: []string{"a", "1.50", "true"}},
				{Operator: "Odd", Key: "k", Values: []string{"v"}},
			},
		}},
		Unknown: []string{"Comment", "Statement.Note"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Parse (-want +got):\n%s", diff)
	}
}

func TestParseErrorsSayWhereAndWhat(t *testing.T) {
	const ok = `"Effect":"Allow","Principal":"*","Action":"kms:*"`
	tests := []struct{ name, text, want string }{
		{"not JSON", `{"Statement": [}`, `key policy: line 1, column 16: Statement[0] is not valid JSON: `},
		{
			"cut off", `{"Statement": [`,
			`key policy: line 1, column 16: Statement[0] is not valid JSON: it ends too early`,
		},
		{"a list", `[]`, `key policy: line 1, column 1: the policy must be an object, not a list`},
		{"no statement", `{"Version":"2012-10-17"}`, `key policy: line 1, column 25: the policy has no Statement`},
		{
			"a name twice", `{"Statement":[],"Statement":[]}`,
			`key policy: line 1, column 17: the policy is not valid JSON: duplicate`,
		},
		{
			"a name in two spellings", `{"Statement":[],"statement":[]}`,
			`statement is given twice, in different spellings`,
		},
		{"two policies", `{"Statement":[]} {}`, `the policy is followed by something else`},
		{
			"a statement that is text", "{\n\"Statement\":\n[\"x\"]}",
			`key policy: line 3, column 2: Statement[0] must be an object, not a string`,
		},
		{"no effect", `{"Statement":{"Principal":"*","Action":"kms:*"}}`, `Statement has no Effect`},
		{"an odd effect", `{"Statement":{"Effect":"Maybe"}}`, `Statement.Effect must be Allow or Deny, not "Maybe"`},
		{
			"no principal", `{"Statement":[{"Effect":"Allow","Action":"kms:*"}]}`,
			`Statement[0] has neither Principal nor NotPrincipal`,
		},
		{
			"no action", `{"Statement":[{"Effect":"Allow","Principal":"*"}]}`,
			`Statement[0] has neither Action nor NotAction`,
		},
		{
			"both principals", `{"Statement":[{` + ok + `,"NotPrincipal":"*"}]}`,
			`Statement[0] has both Principal and NotPrincipal`,
		},
		{
			"both actions", `{"Statement":[{` + ok + `,"NotAction":"kms:*"}]}`,
			`Statement[0] has both Action and NotAction`,
		},
		{
			"a principal that is a number", `{"Statement":[{"Principal":{"AWS":[111122223333]}}]}`,
			`Statement[0].Principal.AWS[0] must be a string, not a number`,
		},
		{
			"an action that is an object", `{"Statement":[{"Action":{}}]}`,
			`Statement[0].Action must be a string, not an object`,
		},
		{
			"a condition that is a list", `{"Statement":[{` + ok + `,"Condition":[]}]}`,
			`Statement[0].Condition must be an object, not a list`,
		},
		{
			"a condition's value that is null", `{"Statement":[{` + ok + `,"Condition":{"Null":{"k":null}}}]}`,
			`Statement[0].Condition.Null.k must be a string, number or boolean, not null`,
		},
		{"too deep", `{"x":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `}`, `x is nested too deeply`},
		{"invalid UTF-8", "{\"Statement\":{\"Sid\":\"\xff\"}}", `is not valid JSON: invalid UTF-8`},
		{"control characters in names are not repeated", `{"\u001b[2Jx":{"a":{}}}}`, "the policy"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse([]byte(tt.text))
			if _, ok := errors.AsType[*ParseError](err); !ok {
				t.Fatalf("Parse = %v, want a ParseError", err)
			}
			if !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\x1b") {
				t.Errorf("error = %q\nwant it to contain %q", err, tt.want)
			}
		})
	}
}

func TestABareEndIsTooEarly(t *testing.T) {
	if got := cause(io.EOF); got != "it ends too early" {
		t.Error(got)
	}
}

func TestParseBounds(t *testing.T) {
	if _, err := Parse([]byte(`{"Statement":[]}` + strings.Repeat(" ", MaxBytes))); err == nil ||
		!strings.Contains(err.Error(), "more than the 262144 that are read") {
		t.Errorf("a policy of more than MaxBytes: %v", err)
	}
	const empty = `{"Statement":[]}`
	if p := mustParse(t, empty+strings.Repeat(" ", MaxBytes-len(empty))); len(p.Statements) != 0 {
		t.Errorf("a policy of just MaxBytes has %d statements", len(p.Statements))
	}
	p := mustParse(t, `{"Statement":[]`+strings.Repeat(`,"u":1`, 1)+`,"`+strings.Repeat("n", 5000)+`":1}`)
	if len(p.Unknown) != 2 || len(p.Unknown[1]) > maxName {
		t.Errorf("Unknown = %q", p.Unknown)
	}
}

func TestParseValue(t *testing.T) {
	quoted := `"{\n  \"Statement\" : [ {\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"*\"},\"Action\":\"kms:*\"} ]\n}"`
	object := `{"Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"kms:*"}]}`
	fromString, err := ParseValue([]byte(quoted))
	if err != nil {
		t.Fatal(err)
	}
	fromObject, err := ParseValue([]byte(object))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(fromObject, fromString); diff != "" {
		t.Errorf("string and object differ:\n%s", diff)
	}
	for _, none := range []string{``, `null`, `""`, ` "\n" `} {
		if _, err := ParseValue([]byte(none)); !errors.Is(err, ErrNone) {
			t.Errorf("ParseValue(%q) = %v, want ErrNone", none, err)
		}
	}
	for _, bad := range []string{`"{`, `12`, `"\ud800"`, `"` + strings.Repeat("x", 7*MaxBytes) + `"`} {
		if _, err := ParseValue([]byte(bad)); err == nil || errors.Is(err, ErrNone) {
			t.Errorf("ParseValue(%.20q) = %v, want an error", bad, err)
		}
	}
}

func TestMatch(t *testing.T) {
	tests := []struct {
		pattern, s string
		want       bool
	}{
		{"", "", true},
		{"", "a", false},
		{"*", "", true},
		{"**", "abc", true},
		{"?", "", false},
		{"?", "a", true},
		{"kms:*", "kms:decrypt", true},
		{"kms:re*from", "kms:reencryptfrom", true},
		{
			"kms:re*from", "kms:reencryptto",
			false,
		},
		{"*a*b*c*", "xxaxxbxxcxx", true},
		{"*a*b*c*", "cba", false},
		{"a*a*a*b", "aaaaaaaaaa", false},
		{
			"a?c*",
			"abcde", true,
		},
		{"*?*?*", "ab", true},
		{"*?*?*", "a", false},
		{"abc", "abcd", false},
		{"abcd", "abc", false},
		{
			"*bc", "abcbc",
			true,
		},
	}
	for _, tt := range tests {
		if got := match(tt.pattern, tt.s); got != tt.want {
			t.Errorf("match(%q, %q) = %v, want %v", tt.pattern, tt.s, got, tt.want)
		}
	}
}

func TestCatalogueFitsItsSet(t *testing.T) {
	if len(catalogue) >= 63 {
		t.Fatalf("%d actions do not fit a set of 64 bits with one for the unknown", len(catalogue))
	}
	if len(bitsByName) != len(catalogue) {
		t.Error("the catalogue names an action twice")
	}
	if putKeyPolicy == 0 || readingSet == 0 || !dangerousSet.has(putKeyPolicy) {
		t.Error("actions the judgement rests on are missing")
	}
}
