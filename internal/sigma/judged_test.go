package sigma_test

import (
	"fmt"
	"strings"
	"testing"

	"rotd/internal/config"
	"rotd/internal/replay"
	"rotd/internal/sigma"
)

// ruleOf is a Sigma rule with that detection.
func ruleOf(detection string) string {
	return "title: A rule\nlogsource: {product: aws, service: cloudtrail}\ndetection:\n  " +
		strings.ReplaceAll(strings.TrimSpace(detection), "\n", "\n  ") + "\n"
}

// imported is the file of users' rules that Sigma rules come to.
func imported(t *testing.T, rules string) string {
	t.Helper()
	outcomes := sigma.Convert(sigma.Read("rule.yml", []byte(rules)), []string{"kms.amazonaws.com"})
	for i := range outcomes {
		if len(outcomes[i].Problems) > 0 {
			t.Fatal(outcomes[i].Problems)
		}
	}
	return string(sigma.Write(outcomes))
}

// judged lets the only rule of a file judge events, each a mapping in YAML, and returns how many it matches.
func judged(t *testing.T, rules string, events ...string) int {
	t.Helper()
	rules += "    tests:\n      - name: these events\n        matches: 0\n        events:\n"
	for _, e := range events {
		rules += "          - " + e + "\n"
	}
	loaded, err := config.ParseRules("rules.yaml", []byte(rules))
	if err != nil {
		t.Fatalf("%v\nin\n%s", err, rules)
	}
	trial, err := replay.Try(t.Context(), loaded[0].Rule, &loaded[0].Tests[0], nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range trial.Problems {
		if !strings.HasPrefix(p, "matches: ") {
			t.Error(p)
		}
	}
	return trial.Matches
}

func TestImportedRulesMatchWhatSigmaMeans(t *testing.T) {
	for _, tt := range []struct {
		name, selection string
		match, other    []string // events; what they do not say is as usual
	}{
		{
			name: "letters' case does not count", selection: "userIdentity.type: root",
			match: []string{"{userIdentity: {type: Root}}", "{userIdentity: {type: ROOT}}"},
			other: []string{"{userIdentity: {type: Roots}}", "{userIdentity: {type: IAMUser}}", "{}"},
		},
		{
			name: "a member of a document", selection: "requestParameters.a.b: x",
			match: []string{
				"{requestParameters: {a: {b: X}}}", "{requestParameters: {a: {b: [y, x]}}}",
				"{requestParameters: {a: [{c: x}, {b: x}]}}",
			},
			other: []string{
				"{}", "{requestParameters: {}}", "{requestParameters: {a: x}}", "{requestParameters: {a: {b: null}}}",
				"{requestParameters: {a: [1, x]}}", "{requestParameters: {a: {b: {c: y}}}}", "{requestParameters: {a: {b: 7}}}",
			},
		},
		{
			name: "a number", selection: "requestParameters.days: 7",
			match: []string{"{requestParameters: {days: 7}}", "{requestParameters: {days: '7'}}"},
			other: []string{"{requestParameters: {days: 70}}", "{requestParameters: {days: [8]}}", "{}"},
		},
		{
			name: "a truth value however it is written", selection: "requestParameters.public: 'True'",
			match: []string{"{requestParameters: {public: true}}", "{requestParameters: {public: 'true'}}"},
			other: []string{"{requestParameters: {public: false}}", "{requestParameters: {public: {a: b}}}", "{}"},
		},
		{
			name: "less than a number", selection: "requestParameters.days|lt: 8",
			match: []string{
				"{requestParameters: {days: 7}}", "{requestParameters: {days: 7.9}}", "{requestParameters: {days: [9, -1]}}",
			},
			other: []string{"{requestParameters: {days: 8}}", "{requestParameters: {days: soon}}", "{}"},
		},
		{
			name: "at least a number", selection: "requestParameters.days|gte: 8",
			match: []string{"{requestParameters: {days: 8}}"},
			other: []string{"{requestParameters: {days: 7}}", "{}"},
		},
		{
			name: "null and missing are the same", selection: "requestParameters.x: null",
			match: []string{"{}", "{requestParameters: {x: null}}", "{requestParameters: {y: 1}}"},
			other: []string{"{requestParameters: {x: 0}}", "{requestParameters: {x: ''}}", "{requestParameters: {x: {}}}"},
		},
		{
			name: "exists", selection: "requestParameters.x|exists: true",
			match: []string{"{requestParameters: {x: 0}}", "{requestParameters: {x: {y: z}}}"},
			other: []string{"{}", "{requestParameters: {x: null}}", "{requestParameters: {x: []}}"},
		},
		{
			name:      "contains all, in the whole of a document",
			selection: "requestParameters|contains|all: ['\"a\"', 'B*c', ':9']",
			match:     []string{`{requestParameters: {policy: '{"A":"bxc"}', n: 9}}`},
			other:     []string{`{requestParameters: {policy: '{"A":"bxd"}', n: 9}}`, "{}"},
		},
		{
			name: "wildcards and what is no wildcard", selection: `userAgent: 'a\*b?c*'`,
			match: []string{"{userAgent: 'a*bxc'}", "{userAgent: 'A*b-c/1.2'}", "{userAgent: 'a*bäcd'}"},
			other: []string{"{userAgent: 'axbxc'}", "{userAgent: 'a*bc'}", "{userAgent: 'xa*bxc'}"},
		},
		{
			name: "a regular expression is looked for", selection: "userAgent|re: 'py[0-9]'",
			match: []string{"{userAgent: xpy3x}"},
			other: []string{"{userAgent: xPY3x}", "{userAgent: ''}"},
		},
		{
			name: "a network", selection: "sourceIPAddress|cidr: 10.0.0.0/8",
			match: []string{"{sourceIPAddress: 10.1.2.3}"},
			other: []string{"{sourceIPAddress: 11.1.2.3}", "{sourceIPAddress: kms.amazonaws.com}"},
		},
		{
			name: "a resource", selection: "resources.ARN|endswith: /7",
			match: []string{"{resources: [{ARN: 'arn:aws:s3:::b/1'}, {ARN: 'arn:aws:s3:::b/7'}]}"},
			other: []string{"{resources: [{ARN: 'arn:aws:s3:::b/8'}]}", "{}"},
		},
		{
			name: "another field", selection: "userIdentity.arn|fieldref: requestParameters.arns",
			match: []string{"{userIdentity: {type: IAMUser, arn: a}, requestParameters: {arns: [b, a]}}"},
			other: []string{
				"{userIdentity: {type: IAMUser, arn: a}, requestParameters: {arns: [b]}}", "{requestParameters: {arns: ['']}}",
				"{}",
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rules := imported(t, ruleOf("s:\n  "+tt.selection+"\ncondition: s"))
			not := imported(t, ruleOf("all: {eventName: '*'}\ns:\n  "+tt.selection+"\ncondition: all and not s"))
			for i, e := range append(tt.match, tt.other...) {
				want := 0
				if i < len(tt.match) {
					want = 1
				}
				if got := judged(t, rules, e); got != want {
					t.Errorf("%s: want %d matches, got %d", e, want, got)
				}
				if got := judged(t, not, e); got != 1-want {
					t.Errorf("not, of %s: want %d matches, got %d", e, 1-want, got)
				}
			}
		})
	}
}

// Rules in the shape of those about KMS in SigmaHQ's repository.
func TestRulesAboutKMSMatch(t *testing.T) {
	for _, tt := range []struct {
		name, rule   string
		match, other []string
	}{
		{
			name: "names of one source",
			rule: "picked:\n  eventSource: kms.amazonaws.com\n  eventName: [ImportKeyMaterial, DeleteImportedKeyMaterial]\n" +
				"condition: picked",
			match: []string{"{eventName: ImportKeyMaterial}", "{eventName: DeleteImportedKeyMaterial, errorCode: AccessDenied}"},
			other: []string{
				"{eventName: GetParametersForImport}", "{eventName: ImportKeyMaterial, eventSource: acm.amazonaws.com}",
			},
		},
		{
			name: "names, but not of a service",
			rule: "picked:\n  eventSource: kms.amazonaws.com\n  eventName: [ConnectCustomKeyStore, CreateCustomKeyStore]\n" +
				"filter_service:\n  userIdentity.type: AWSService\ncondition: picked and not 1 of filter_*",
			match: []string{
				"{eventName: CreateCustomKeyStore, userIdentity: {type: IAMUser}}", "{eventName: ConnectCustomKeyStore}",
			},
			other: []string{
				"{eventName: CreateCustomKeyStore, userIdentity: {type: AWSService}}", "{eventName: DescribeCustomKeyStores}",
			},
		},
		{
			name: "either of two calls",
			rule: "off:\n  eventName: DisableKey\ndeleted:\n  eventName: ScheduleKeyDeletion\n  " +
				"requestParameters.pendingWindowInDays: 7\nkms: {eventSource: kms.amazonaws.com}\n" +
				"condition: kms and (off or deleted)",
			match: []string{
				"{eventName: DisableKey}", "{eventName: ScheduleKeyDeletion, requestParameters: {pendingWindowInDays: 7}}",
			},
			other: []string{
				"{eventName: EnableKey}", "{eventName: ScheduleKeyDeletion, requestParameters: {pendingWindowInDays: 30}}",
				"{eventName: ScheduleKeyDeletion}",
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rules := imported(t, ruleOf(tt.rule))
			for i, e := range append(tt.match, tt.other...) {
				want := 0
				if i < len(tt.match) {
					want = 1
				}
				if got := judged(t, rules, e); got != want {
					t.Errorf("%s: want %d matches, got %d", e, want, got)
				}
			}
		})
	}
}

func TestCorrelationsCount(t *testing.T) {
	const base = "name: denied\n" + "title: Denied\nlogsource: {product: aws, service: cloudtrail}\ndetection: " +
		"{a: {eventSource: kms.amazonaws.com, errorCode: AccessDenied}, condition: a}\n---\ntitle: Many denied\n" +
		"correlation:\n"
	call := func(second int, user, name, code string) string {
		return fmt.Sprintf("{eventTime: +%ds, userIdentity: {type: IAMUser, arn: %q}, eventName: %s, errorCode: %s}",
			second, user, name, code)
	}
	for _, tt := range []struct {
		name, correlation string
		events            []string
		matches           int
	}{
		{
			name:        "events of one principal",
			correlation: "{type: event_count, rules: [denied], group-by: [userIdentity.arn], timespan: 1m, condition: {gte: 3}}",
			events: []string{
				call(0, "ann", "Decrypt", "AccessDenied"), call(1, "joe", "Decrypt", "AccessDenied"),
				call(2, "ann", "Decrypt", "AccessDenied"), call(3, "ann", "Decrypt", "Throttled"),
				call(70, "ann", "Decrypt", "AccessDenied"), call(71, "ann", "Decrypt", "AccessDenied"),
				call(72, "ann", "Decrypt", "AccessDenied"),
			},
			matches: 1,
		},
		{
			name:        "more than a number, of anybody",
			correlation: "{type: event_count, rules: denied, timespan: 1m, condition: {gt: 2}}",
			events: []string{
				call(0, "ann", "Decrypt", "AccessDenied"), call(1, "joe", "Decrypt", "AccessDenied"),
				call(2, "jim", "Decrypt", "AccessDenied"),
			},
			matches: 1,
		},
		{
			name: "by a member of a document, without which nothing counts",
			correlation: "{type: event_count, rules: denied, group-by: requestParameters.keyId, timespan: 1m, " +
				"condition: {gte: 2}}",
			events: []string{
				call(0, "ann", "Decrypt", "AccessDenied"), call(1, "joe", "Decrypt", "AccessDenied"),
				"{errorCode: AccessDenied, requestParameters: {keyId: a}}",
				"{errorCode: AccessDenied, requestParameters: {keyId: b}}",
				"{errorCode: AccessDenied, requestParameters: {keyId: a}}",
			},
			matches: 1,
		},
		{
			name: "by the first resource",
			correlation: "{type: event_count, rules: denied, group-by: [resources.ARN, sourceIPAddress], timespan: 1m, " +
				"condition: {gte: 2}}",
			events: []string{
				"{errorCode: AccessDenied, resources: [{ARN: 'arn:aws:s3:::a'}]}", "{errorCode: AccessDenied}",
				"{errorCode: AccessDenied, resources: [{ARN: 'arn:aws:s3:::a'}]}",
			},
			matches: 1,
		},
		{
			name: "different values",
			correlation: "{type: value_count, rules: [denied], group-by: [userIdentity.arn, awsRegion], timespan: 1m, " +
				"condition: {gte: 2, field: eventName}}",
			events: []string{
				call(0, "ann", "Decrypt", "AccessDenied"), call(1, "ann", "Decrypt", "AccessDenied"),
				call(2, "joe", "Encrypt", "AccessDenied"), call(3, "ann", "Encrypt", "AccessDenied"),
			},
			matches: 1,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rules := imported(t, base+"  "+strings.NewReplacer("{type", "type", ", rules", "\n  rules",
				", group-by", "\n  group-by",
				", timespan", "\n  timespan", ", condition", "\n  condition").Replace(strings.TrimSuffix(tt.correlation, "}")))
			if got := judged(t, rules, tt.events...); got != tt.matches {
				t.Errorf("want %d matches, got %d of\n%s", tt.matches, got, rules)
			}
		})
	}
}
