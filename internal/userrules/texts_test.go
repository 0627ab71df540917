package userrules

import (
	"strings"
	"testing"

	"cel.dev/cel-go/common/types"
	"github.com/google/go-cmp/cmp"
)

func TestTextsAtAPath(t *testing.T) {
	parameters := decode(t, record(obj{"requestParameters": obj{
		"name": "x", "days": 7, "share": 0.5, "public": true, "nothing": nil, "none": []string{}, "quoted": "a\"b\u00fc",
		"rules": []obj{{"port": 22, "nets": []string{"10.0.0.0/8"}}, {"port": 80}, {"nets": []any{"0.0.0.0/0", nil}}},
		"inner": obj{"a": obj{"b": "deep"}},
	}})).RequestParameters
	for _, tt := range []struct{ name, path, want string }{
		{"a text", "name", "x"},
		{"a whole number", "days", "7"},
		{"a number with a fraction", "share", "0.5"},
		{"a truth value", "public", "true"},
		{"a text as it is meant", "quoted", "a\"bü"},
		{"null is nothing", "nothing", ""},
		{"an empty list is nothing", "none", ""},
		{"what is missing is nothing", "missing", ""},
		{"nothing is in a text", "name.x", ""},
		{"any element's", "rules.port", "22|80"},
		{"any element's elements", "rules.nets", "10.0.0.0/8|0.0.0.0/0"},
		{"deep inside", "inner.a.b", "deep"},
		{"an object is its JSON and all that is in it", "inner", `{"a":{"b":"deep"}}|{"b":"deep"}|deep`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			list := texts((&scene{left: maxRead}).value(parameters), types.String(tt.path))
			if diff := cmp.Diff(tt.want, strings.Join(listOf(list), "|")); diff != "" {
				t.Errorf("texts (-want +got):\n%s", diff)
			}
		})
	}
}

func TestComparingTexts(t *testing.T) {
	l := language(t)
	big := record(obj{"requestParameters": obj{"text": strings.Repeat("a", 200_000)}})
	for _, tt := range []struct {
		name, when string
		record     obj
		want       bool
		err        string
	}{
		{"a text and a pattern", `like(event.userAgent, "AWS-cli/*")`, record(), true, ""},
		{"a text and patterns", `like(event.userAgent, ["x", "aws-cli/?.31"])`, record(), true, ""},
		{"texts and a pattern", `like(texts(event.requestParameters, "operations"), "encrypt")`, record(), true, ""},
		{"texts and patterns", `like(event.resources.map(r, r.ARN), ["x", "*:key/*"])`, record(), true, ""},
		{"none of them", `like(texts(event.requestParameters, "operations"), ["x", "y*"])`, record(), false, ""},
		{"no texts", `like(texts(event.requestParameters, "missing"), "*")`, record(), false, ""},
		{"no document", `like(texts(event.responseElements, "a.b"), "*")`, record(), false, ""},
		{"the opposite of nothing", `!like(texts(event.responseElements, "a.b"), "*")`, record(), true, ""},
		{"a long text", `like(texts(event.requestParameters, "text"), "*a*a*b*")`, big, false, ""},
		{
			"a long text too often", `like(texts(event.requestParameters, "text"), ["` + strings.Repeat(`b*", "`, 30) + `"])`,
			big, false, "it goes over more than 4 MiB of the record's JSON",
		},
		{
			"texts of what is no document", `texts(event.requestParameters.keyId, "x").size() == 0`, record(), false,
			"evaluate: an object of rotd is used as something else",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := compiled(t, l, Draft{When: tt.when}).Users.Judge(around(), decode(t, tt.record))
			said := ""
			if err != nil {
				said = err.Error()
			}
			if (len(got) == 1) != tt.want || said != tt.err {
				t.Errorf("%s: got %d, %v; want %v, %s", tt.when, len(got), err, tt.want, tt.err)
			}
		})
	}
}

func TestFieldsByPath(t *testing.T) {
	all := EventFields()
	for path, want := range map[string]Kind{
		"eventName": Text, "readOnly": Truth, "eventTime": Moment, "requestParameters": Document, "resources.ARN": Resources,
		"userIdentity.arn": Text, "userIdentity.sessionContext.sessionIssuer.userName": Text,
		"userIdentity.sessionContext.attributes.creationDate": Moment,
	} {
		if got, ok := all[path]; !ok || got != want {
			t.Errorf("%s: want %d, got %d, %t", path, want, got, ok)
		}
	}
	for _, path := range []string{"userIdentity", "resources", ""} {
		if _, ok := all[path]; ok {
			t.Errorf("%q is no field", path)
		}
	}
}
