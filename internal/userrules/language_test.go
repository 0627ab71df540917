package userrules

import (
	"strings"
	"testing"

	"rotd/internal/detection"
)

func TestWhatExpressionsSee(t *testing.T) {
	l := language(t)
	unknownKey := record(obj{"resources": nil, "requestParameters": nil})
	tests := []struct {
		name   string
		when   string
		record obj
		want   bool
	}{
		{"a field by CloudTrail's name", `event.eventName == "Decrypt" && event.vpcEndpointId == "vpce-0abc"`, nil, true},
		{"whose the endpoint is", `trusted(event.vpcEndpointAccountId)`, nil, true},
		{"the time", `event.eventTime.getHours() == 12 && event.eventTime < timestamp("2027-01-01T00:00:00Z")`, nil, true},
		{"an absent text is empty and not there", `event.errorCode == "" && !has(event.errorCode)`, nil, true},
		{"an error", `has(event.errorCode)`, record(obj{"errorCode": "AccessDenied"}), true},
		{"the session's issuer", `event.userIdentity.sessionContext.sessionIssuer.userName == "pay"`, nil, true},
		{
			"MFA as CloudTrail writes it",
			`event.userIdentity.sessionContext.attributes.mfaAuthenticated == "false"`, nil, true,
		},
		{
			"MFA of which nobody knows", `event.userIdentity.sessionContext.attributes.mfaAuthenticated == ""`,
			record(obj{"userIdentity": obj{"type": "Root"}}), true,
		},
		{"a resource", `event.resources.exists(r, r.type == "AWS::KMS::Key" && r.ARN.endsWith("90ab"))`, nil, true},
		{"a resource by place", `event.resources[0].accountId == "111122223333"`, nil, true},
		{"a resource that is not there", `event.resources[1].accountId == "111122223333"`, nil, false},
		{"a parameter", `event.requestParameters.encryptionContext["aws:s3:arn"].startsWith("arn:aws:s3")`, nil, true},
		{"a whole number", `event.requestParameters.pendingWindowInDays < 8`, nil, true},
		{"a number with a fraction", `event.requestParameters.share == 0.5`, nil, true},
		{"a truth value", `event.requestParameters.bypass == true`, nil, true},
		{"a list", `"Encrypt" in event.requestParameters.operations`, nil, true},
		{"a list of another length", `size(event.requestParameters.operations) == 3`, nil, false},
		{"a parameter's name", `"keyId" in event.requestParameters && !("plaintext" in event.requestParameters)`, nil, true},
		{"an object among texts", `event.requestParameters.encryptionContext in ["a", "b"]`, nil, false},
		{"an object among a map's names", `event.requestParameters.encryptionContext in {"a": 1}`, nil, false},
		{"an object as a name", `{event.requestParameters.encryptionContext: 1}.size() == 1`, nil, true},
		{
			"an object as a text, in its canonical form", `string(event.requestParameters.encryptionContext) == "{}"`,
			record(obj{"requestParameters": obj{"encryptionContext": obj{}}}), true,
		},
		{"a list as a text", `string(event.requestParameters.operations) == '["Decrypt","Encrypt"]'`, nil, true},
		{"what is not there as a text", `string(event.responseElements) == "{}"`, nil, true},
		{"all parameters' names", `event.requestParameters.exists(name, name.startsWith("pending"))`, nil, true},
		{"a parameter that is not there does not match", `event.requestParameters.missing == "x"`, nil, false},
		{"nor does its opposite", `event.requestParameters.missing != "x"`, nil, false},
		{"null is not there", `has(event.requestParameters.nothing)`, nil, false},
		{"what may be missing has another value", `event.requestParameters.?missing.orValue("x") == "x"`, nil, true},
		{"no parameters at all", `has(event.requestParameters) || has(event.requestParameters.keyId)`, unknownKey, false},
		{"the principal and the session", `principal.endsWith("role/pay") && session == "session"`, nil, true},
		{"a trusted account", `trusted(event.recipientAccountId) && !trusted("999999999999")`, nil, true},
		{"an address in a network", `cidr(event.sourceIPAddress, "203.0.113.0/24")`, nil, true},
		{
			"a service's name is in no network", `cidr(event.sourceIPAddress, "0.0.0.0/0")`,
			record(obj{"sourceIPAddress": "s3.amazonaws.com"}), false,
		},
		{
			"an IPv6 address",
			`cidr(event.sourceIPAddress, "2001:db8::/32")`, record(obj{"sourceIPAddress": "2001:db8::1"}), true,
		},
		{"the key", `key.known && "alias/payments" in key.aliases && key.tags.team == "pay"`, nil, true},
		{"a tag that is not there", `key.tags.owner == "x"`, nil, false},
		{"the key's age", `event.eventTime - key.created > duration("720h")`, nil, true},
		{
			"a key that is not known",
			`!key.known && key.state == "" && size(key.tags) == 0 && !has(policy.name)`, unknownKey, true,
		},
		{"the policy", `policy.name == "payments" && policy.max_age == duration("2160h") && policy.allowed`, nil, true},
		{"a pattern", `event.userAgent.matches("^aws-cli/[0-9]")`, nil, true},
		{"text without case", `event.userAgent.upperAscii() == "AWS-CLI/2.31"`, nil, true},
		{"not rotd's own", `!own`, nil, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := test.record
			if r == nil {
				r = record()
			}
			rule := compiled(t, l, Draft{When: test.when})
			got, err := rule.Users.Judge(around(), decode(t, r))
			if err != nil || (len(got) == 1) != test.want {
				t.Errorf("%s: got %d, %v; want %v", test.when, len(got), err, test.want)
			}
		})
	}
}

func TestEventsThatCannotBeJudged(t *testing.T) {
	l := language(t)
	long := strings.Repeat("a", 60_000)
	many := make([]string, 3000)
	for i := range many {
		many[i] = strings.Repeat("b", 20)
	}
	tests := []struct {
		name, when string
		record     obj
		want       string
	}{
		{
			"a value of another kind", `event.requestParameters.pendingWindowInDays.startsWith("7")`, nil,
			"evaluate: no such overload: a value is of another kind than the expression wants",
		},
		{
			"an object that memory is to keep", `distinct(event.requestParameters.encryptionContext, "1h") > 1`, nil,
			"evaluate: no such overload: distinct: a value is of another kind than the expression wants",
		},
		{
			"a map that is not the record's as a text", `string(key.tags) == ""`, nil,
			"evaluate: string(…) writes what the record has as JSON, and no other maps and lists",
		},
		{
			"what is written again and again", `event.requestParameters.all.all(x, string(event.requestParameters) != x)`,
			record(obj{"requestParameters": obj{"all": many[:200], "big": long}}),
			"it goes over more than 4 MiB of the record's JSON",
		},
		{
			"a long text costs too much", `event.requestParameters.text.matches("^(a|b|ab)+(c|d|cd)+(e|f|ef)+$")`,
			record(obj{"requestParameters": obj{"text": strings.Repeat(long, 5)}}),
			"it costs more than 100000 steps on this event",
		},
		{
			"a long list costs too much", `event.requestParameters.all.all(x, x.contains("b") && !x.contains("aaaaa"))`,
			record(obj{"requestParameters": obj{"all": slicesRepeat(many, 10)}}),
			"it costs more than 100000 steps on this event",
		},
		{
			"what is gone over again and again", `event.requestParameters.all.all(x, event.requestParameters.last != x)`,
			record(obj{"requestParameters": obj{"all": many[:200], "big": long, "last": "z"}}),
			"it goes over more than 4 MiB of the record's JSON",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := test.record
			if r == nil {
				r = record()
			}
			rule := compiled(t, l, Draft{When: test.when})
			got, err := rule.Users.Judge(around(), decode(t, r))
			if got != nil || err == nil || err.Error() != test.want {
				t.Errorf("got %v, %v; want %q", got, err, test.want)
			}
		})
	}
}

func slicesRepeat(all []string, n int) (more []string) {
	for range n {
		more = append(more, all...)
	}
	return more
}

func TestAPanicInsideIsTheRulesFailure(t *testing.T) {
	rule := compiled(t, language(t), Draft{When: `count("10m") > 3`})
	judge := detection.NewJudge(detection.Settings{Users: []detection.Rule{withEvents(rule)}})
	c := around()
	c.Rooms = nil // never so; whatever panics is contained
	c.Known = nil
	_, panics := judge.Event(c, decode(t, record(obj{"eventSource": "mine.amazonaws.com"})))
	if len(panics) != 1 || panics[0].RuleID != "mine" || panics[0].Err == nil {
		t.Errorf("got %+v", panics)
	}
}

func withEvents(r detection.Rule) detection.Rule {
	r.Wants = []detection.Wanted{{Source: "mine.amazonaws.com"}}
	return r
}

func TestWhatIsWrongWithExpressions(t *testing.T) {
	l := language(t)
	tests := []struct {
		name, when string
		line, col  int
		want       string
	}{
		{"a field that is not there", `event.evntName == "x"`, 1, 6, "undefined field 'evntName': did you mean eventName?"},
		{"a name that is not there", `evnt == "x"`, 1, 1, "undeclared reference to 'evnt' (did you mean 'event'?)"},
		{"on another line", "has(event.errorCode) &&\n  event.nope == 1", 2, 8, "undefined field 'nope'"},
		{
			"types that do not fit", `event.eventName == 1`, 1, 17,
			"found no matching overload for '_==_' applied to '(string, int)'",
		},
		{"no condition", `event.eventName`, 1, 1, `want true or false, such as event.eventName == "Decrypt", not string`},
		{"a time", `event.eventTime`, 1, 1, `want true or false, such as event.eventName == "Decrypt", not timestamp`},
		{
			"who knows what", `event.requestParameters.x`, 1, 1, `want true or false, such as event.eventName == "Decrypt", ` +
				"not dyn, of which nobody knows what it is before the event comes: compare it, or write string(…)",
		},
		{"no end", `event.eventName == `, 1, 20, "Syntax error: mismatched input '<EOF>'"},
		{"a pattern that is none", `event.userAgent.matches("[")`, 1, 25, "error parsing regexp: missing closing ]: `[`"},
		{
			"a pattern out of the event", `event.userAgent.matches(event.eventName)`, 1, 30,
			"a pattern has to stand here as it is, in quotes",
		},
		{"a window that is none", `count("10x") > 3`, 1, 7, `"10x" is not a duration: write for example 90d, 36h or 1h30m`},
		{"a window that is too long", `count("40d") > 3`, 1, 7, "40d is no window of rules: write 1s to 30d"},
		{
			"a window out of the event", `first_seen(principal, session)`, 1, 23,
			`a window has to stand here as it is, such as "10m" or "7d"`,
		},
		{"more than memory keeps", `count("10m") >= 65`, 1, 17, "no count comes to that: memory keeps 64 of a kind"},
		{
			"more than all that memory keeps", `64 < distinct(principal, "1h")`, 1, 1,
			"no count comes to that: memory keeps 64 of a kind",
		},
		{
			"a network that is none", `cidr(event.sourceIPAddress, "10.0.0.0")`, 1, 29,
			`"10.0.0.0" is no network: write for example "10.0.0.0/8"`,
		},
		{
			"a network of IPv4 as IPv6", `cidr(event.sourceIPAddress, "::ffff:10.0.0.0/104")`, 1, 29,
			"::ffff:10.0.0.0/104 is IPv4 written as IPv6, which no address is compared as: write 10.0.0.0/8",
		},
		{
			"an object of one's own", `rotd.Event{eventName: "x"} == event`, 1, 11,
			"rules make no objects: compare their fields",
		},
		{
			"a loop within a loop", `event.requestParameters.a.all(x, event.requestParameters.b.all(y, x == y))`, 1, 1,
			"too expensive: it may cost 2033412 steps an event, and 20000 are allowed: loops within loops and patterns over " +
				"long texts cost most",
		},
		{"nothing that runs programs", `exec("true")`, 1, 5, "undeclared reference to 'exec'"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, problems := l.Compile(&Draft{ID: "mine", When: test.when, Message: "x"})
			if len(problems) != 1 {
				t.Fatalf("got %+v", problems)
			}
			want := Problem{Part: "when", Line: test.line, Column: test.col, Message: test.want}
			if problems[0] != want {
				t.Errorf("\ngot  %+v\nwant %+v", problems[0], want)
			}
		})
	}
}

func TestNoExpressionIsLargerThanItMayBe(t *testing.T) {
	l := language(t)
	for name, when := range map[string]string{
		"long":   `event.eventName == "` + strings.Repeat("x", 5000) + `"`,
		"deep":   strings.Repeat("(", 200) + "true" + strings.Repeat(")", 200),
		"wide":   strings.Repeat("true || ", 500) + "true",
		"greedy": `event.userAgent.matches("((((a{100}){10}){10}){10})")`,
	} {
		if _, problems := l.Compile(&Draft{When: when, Message: "x"}); len(problems) == 0 {
			t.Errorf("%s is taken", name)
		}
	}
}
