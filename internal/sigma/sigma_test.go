package sigma

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rotd/internal/detection"
)

// ruleOf is a Sigma rule with that detection.
func ruleOf(detection string) string {
	return "title: A rule\nlogsource: {product: aws, service: cloudtrail}\ndetection:\n" + indented(detection)
}

func indented(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n  ") + "\n"
}

// one converts a file with one rule.
func one(t *testing.T, text string, sources ...string) Outcome {
	t.Helper()
	outcomes := Convert(Read("rule.yml", []byte(text)), sources)
	if len(outcomes) != 1 {
		t.Fatalf("want one rule, got %d", len(outcomes))
	}
	return outcomes[0]
}

func TestSelectionsInCEL(t *testing.T) {
	for _, tt := range []struct{ name, selection, when string }{
		{"a name is compared as AWS spells it", "eventName: Decrypt", `event.eventName == "Decrypt"`},
		{"a source is in small letters", "eventSource: KMS.amazonaws.com", `event.eventSource == "kms.amazonaws.com"`},
		{
			"a list is any of it, each once", "eventName: [Decrypt, Encrypt, Decrypt]",
			`event.eventName in ["Decrypt", "Encrypt"]`,
		},
		{
			"a mapping is all of it", "{eventName: Decrypt, errorCode: AccessDenied}",
			`event.eventName == "Decrypt" && like(event.errorCode, "AccessDenied")`,
		},
		{
			"a list of mappings is any of them", "[{eventName: Decrypt}, {errorCode: AccessDenied}]",
			`event.eventName == "Decrypt" || like(event.errorCode, "AccessDenied")`,
		},
		{"a name with wildcards", "eventName: Create*", `like(event.eventName, "Create*")`},
		{
			"names with wildcards and without", "eventName: [Decrypt, Create*]",
			`event.eventName == "Decrypt" || like(event.eventName, "Create*")`,
		},
		{"contains", "userAgent|contains: boto", `like(event.userAgent, "*boto*")`},
		{"startswith any of some", "eventName|startswith: [Create, Put]", `like(event.eventName, ["Create*", "Put*"])`},
		{"endswith", "userIdentity.arn|endswith: /admin", `like(event.userIdentity.arn, "*/admin")`},
		{
			"contains all of some", "userAgent|contains|all: [a, b]",
			`like(event.userAgent, "*a*") && like(event.userAgent, "*b*")`,
		},
		{
			"a member of a document", "requestParameters.origin: EXTERNAL",
			`like(texts(event.requestParameters, "origin"), "EXTERNAL")`,
		},
		{
			"a member deep in a document", "responseElements.keyMetadata.origin: EXTERNAL",
			`like(texts(event.responseElements, "keyMetadata.origin"), "EXTERNAL")`,
		},
		{
			"a document as a whole", "requestParameters|contains: secret",
			`like(texts(event.requestParameters, ""), "*secret*")`,
		},
		{
			"a resource", "resources.ARN|startswith: 'arn:aws:kms:'",
			`like(event.resources.map(r, r.ARN), "arn:aws:kms:*")`,
		},
		{
			"a number", "requestParameters.pendingWindowInDays: 7",
			`like(texts(event.requestParameters, "pendingWindowInDays"), "7")`,
		},
		{
			"a truth value", "requestParameters.multiRegion: true",
			`like(texts(event.requestParameters, "multiRegion"), "true")`,
		},
		{"readOnly", "readOnly: 'False'", `!event.readOnly`},
		{"null is missing", "errorCode: null", `!has(event.errorCode)`},
		{"nothing is empty", "errorCode: ''", `!has(event.errorCode)`},
		{
			"null in a document is missing", "requestParameters.keyId: null",
			`!(texts(event.requestParameters, "keyId").size() > 0)`,
		},
		{
			"nothing in a document is empty", "requestParameters.keyId: ''",
			`"" in texts(event.requestParameters, "keyId")`,
		},
		{
			"null among values", "errorCode: [null, AccessDenied]",
			`like(event.errorCode, "AccessDenied") || !has(event.errorCode)`,
		},
		{"* is what is there", "errorCode: '*'", `has(event.errorCode)`},
		{"exists", "errorCode|exists: true", `has(event.errorCode)`},
		{"exists not", "requestParameters.x|exists: false", `!(texts(event.requestParameters, "x").size() > 0)`},
		{"a document exists", "responseElements|exists: true", `has(event.responseElements)`},
		{
			"a resource exists", "resources.accountId|exists: true",
			`event.resources.map(r, r.accountId).exists(v, v != "")`,
		},
		{"re regards case", "userIdentity.arn|re: '.+:role/x'", `event.userIdentity.arn.matches(".+:role/x")`},
		{"re with flags", "userAgent|re|i|s: 'a.b'", `event.userAgent.matches("(?is)a.b")`},
		{
			"re that nothing is like needs something", "userAgent|re: '^.*$'",
			`has(event.userAgent) && event.userAgent.matches("^.*$")`,
		},
		{
			"re in a document", "requestParameters.x|re: 'a+'",
			`texts(event.requestParameters, "x").exists(v, v.matches("a+"))`,
		},
		{
			"cidr", "sourceIPAddress|cidr: [10.0.0.0/8, 'fd00::/8']",
			`cidr(event.sourceIPAddress, "10.0.0.0/8") || cidr(event.sourceIPAddress, "fd00::/8")`,
		},
		{"less", "requestParameters.days|lt: 8", `texts(event.requestParameters, "days").exists(v, ` +
			`v.matches("^-?[0-9]+[.]?[0-9]*$") && double(v) < 8.0)`},
		{"cased", "userAgent|cased: Boto", `event.userAgent == "Boto"`},
		{"cased contains", "userAgent|contains|cased: Boto", `event.userAgent.matches("(?s)^.*Boto.*$")`},
		{"cased in a document", "requestParameters.x|cased: Y", `texts(event.requestParameters, "x").exists(v, v == "Y")`},
		{"neq", "userIdentity.type|neq: AWSService", `!like(event.userIdentity.type, "AWSService")`},
		{
			"another field", "userIdentity.arn|fieldref: requestParameters.arn",
			`has(event.userIdentity.arn) && event.userIdentity.arn in texts(event.requestParameters, "arn")`,
		},
		{
			"another field of texts", "userIdentity.accountId|fieldref: recipientAccountId",
			`has(event.userIdentity.accountId) && event.userIdentity.accountId == event.recipientAccountId`,
		},
		{"quotes and backslashes", `userAgent|contains: 'a"\b'`, `like(event.userAgent, "*a\"\\\\b*")`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rules := Read("rule.yml", []byte(ruleOf("x: "+flow1(tt.selection)+"\ncondition: x")))
			if len(rules[0].Problems) > 0 {
				t.Fatal(rules[0].Problems)
			}
			if got := rules[0].when.inline(looseOr); got != tt.when {
				t.Errorf("\nwant %s\n got %s", tt.when, got)
			}
		})
	}
}

// flow1 makes a mapping of one line.
func flow1(selection string) string {
	if strings.ContainsAny(selection[:1], "[{") {
		return selection
	}
	return "\n    " + selection
}

func TestConditions(t *testing.T) {
	const selections = "a: {errorCode: A}\nb: {errorCode: B}\nfilter_1: {errorCode: F}\nfilter_2: {errorCode: G}\n" +
		"_hidden: {errorCode: H}\n"
	short := strings.NewReplacer(`like(event.errorCode, "`, "", `")`, "")
	for _, tt := range []struct{ condition, when string }{
		{"a", "A"},
		{"a and b", "A && B"},
		{"a AND NOT b", "A && !B"},
		{"a or b and not filter_1", "A || B && !F"},
		{"(a or b) and filter_1", "(A || B) && F"},
		{"not (a or b)", "!(A || B)"},
		{"not not a", "!!A"},
		{"a and (b and filter_1)", "A && B && F"},
		{"a and not 1 of filter_*", "A && !(F || G)"},
		{"a and not any of filter_*", "A && !(F || G)"},
		{"all of filter_*", "F && G"},
		{"1 of a", "A"},
		{"1 of them", "A || B || F || G"},
		{"all of them", "A && B && F && G"},
		{"_hidden", "H"},
		{"[a, b and not filter_1]", "A || B && !F"},
	} {
		t.Run(tt.condition, func(t *testing.T) {
			rule := Read("rule.yml", []byte(ruleOf(selections+"condition: "+tt.condition)))[0]
			if len(rule.Problems) > 0 {
				t.Fatal(rule.Problems)
			}
			if got := short.Replace(rule.when.inline(looseOr)); got != tt.when {
				t.Errorf("want %s, got %s", tt.when, got)
			}
		})
	}
}

func TestWhatCannotBeTurnedIsSaid(t *testing.T) {
	for _, tt := range []struct{ name, rule, problem string }{
		{
			"another product", "title: x\nlogsource: {product: windows, category: process_creation}\ndetection: {}",
			"2:1: not for CloudTrail: its logsource is product: windows, category: process_creation",
		},
		{
			"no title", "logsource: {product: aws, service: cloudtrail}\ndetection: {a: {errorCode: x}, condition: a}",
			"1:1: title is missing",
		},
		{"no detection", "title: x", "1:1: detection is missing: this is no Sigma rule"},
		{"no rule", "- a", "1:1: want a Sigma rule as a mapping, not a list"},
		{"no YAML", "title: [", "1:8: not YAML: sequence end token ']' not found"},
		{
			"a level that is none", "level: grave\n" + ruleOf("a: {errorCode: x}\ncondition: a"),
			`1:1: level: want informational, low, medium, high or critical, not "grave"`,
		},
		{
			"a collection", "action: global\n" + ruleOf("a: {errorCode: x}\ncondition: a"),
			"1:1: collections of rules (action: …) are not read: write each rule out",
		},
		{"no condition", ruleOf("a: {errorCode: x}"), "3:1: condition is missing"},
		{"keywords", ruleOf("a: [evil]\ncondition: a"), "4:3: " + noKeywords},
		{"a keyword", ruleOf("a: evil\ncondition: a"), "4:3: " + noKeywords},
		{"keywords with a modifier", ruleOf("a: {'|contains': x}\ncondition: a"), "4:7: |contains: " + noKeywords},
		{"an empty selection", ruleOf("a: {}\ncondition: a"), "4:3: an empty selection"},
		{
			"an empty list", ruleOf("a: {errorCode: []}\ncondition: a"),
			"4:7: errorCode: an empty list: nothing is one of none",
		},
		{
			"a mapping for a value", ruleOf("a: {errorCode: {b: c}}\ncondition: a"),
			"4:7: errorCode: want a value or a list of values, not a mapping",
		},
		{"a field twice", ruleOf("a: {errorCode: b, errorCode: c}\ncondition: a"), "4:21: errorCode is written twice"},
		{
			"a field of nobody", ruleOf("a: {userIdentity.typ: x}\ncondition: a"),
			`4:7: userIdentity.typ: "userIdentity.typ" is nothing that rotd reads of a record: did you mean userIdentity.type?`,
		},
		{
			"base64", ruleOf("a: {userAgent|base64: x}\ncondition: a"),
			`4:7: userAgent|base64: the modifier "base64" cannot be turned into CEL`,
		},
		{
			"expand", ruleOf("a: {userAgent|expand: '%x%'}\ncondition: a"),
			`4:7: userAgent|expand: the modifier "expand" cannot be turned into CEL`,
		},
		{
			"windash", ruleOf("a: {userAgent|windash|contains: -x}\ncondition: a"),
			`4:7: userAgent|windash|contains: the modifier "windash" cannot be turned into CEL`,
		},
		{
			"modifiers that do not go together", ruleOf("a: {userAgent|re|contains: x}\ncondition: a"),
			"4:7: userAgent|re|contains: re does not go together with contains, startswith, endswith or cased",
		},
		{
			"two comparisons", ruleOf("a: {userAgent|re|cidr: x}\ncondition: a"),
			"4:7: userAgent|re|cidr: re and cidr do not go together",
		},
		{
			"a flag of nothing", ruleOf("a: {userAgent|i: x}\ncondition: a"),
			"4:7: userAgent|i: the modifier i belongs to re",
		},
		{
			"a pattern that is not RE2's", ruleOf("a: {userAgent|re: '(?=x)'}\ncondition: a"),
			"4:7: userAgent|re: rotd's regular expressions are RE2's: error parsing regexp: invalid or unsupported Perl " +
				"syntax: `(?=`",
		},
		{
			"no network", ruleOf("a: {sourceIPAddress|cidr: 10.0.0.1}\ncondition: a"),
			`4:7: sourceIPAddress|cidr: "10.0.0.1" is no network`,
		},
		{
			"a network of IPv4 as IPv6", ruleOf("a: {sourceIPAddress|cidr: '::ffff:10.0.0.0/104'}\ncondition: a"),
			"4:7: sourceIPAddress|cidr: ::ffff:10.0.0.0/104 is IPv4 written as IPv6, which no address is compared as: " +
				"write 10.0.0.0/8",
		},
		{
			"no number", ruleOf("a: {requestParameters.n|gt: many}\ncondition: a"),
			`4:7: requestParameters.n|gt: "many" is no number`,
		},
		{
			"exists maybe", ruleOf("a: {errorCode|exists: maybe}\ncondition: a"),
			`4:7: errorCode|exists: want true or false, not "maybe"`,
		},
		{"a time", ruleOf("a: {eventTime: x}\ncondition: a"), "4:7: eventTime: a time cannot be compared as Sigma does"},
		{
			"counting", ruleOf("a: {errorCode: x}\ncondition: a | count() by userIdentity.arn > 5"),
			"5:3: condition: counting in a condition (| count() by userIdentity.arn > 5) cannot be turned into CEL: " +
				`write it with count("5m", event.userIdentity.arn) or distinct(…), or as a correlation rule of Sigma's`,
		},
		{"timeframe", ruleOf("a: {errorCode: x}\ntimeframe: 5m\ncondition: a"), "5:3: " + noTimeframe},
		{
			"a selection that is not there", ruleOf("a: {errorCode: x}\ncondition: a and b"),
			`5:3: condition: there is no selection "b"`,
		},
		{
			"selections that are not there", ruleOf("a: {errorCode: x}\ncondition: 1 of b*"),
			`5:3: condition: there is no selection named like "b*"`,
		},
		{
			"two of some", ruleOf("a: {errorCode: x}\ncondition: 2 of a*"),
			`5:3: condition: "2" of cannot be turned into CEL: write 1 of or all of`,
		},
		{"an open bracket", ruleOf("a: {errorCode: x}\ncondition: (a"), "5:3: condition: a ( has no )"},
		{
			"two selections in a row", ruleOf("a: {errorCode: x}\ncondition: a a"),
			`5:3: condition: "a" does not belong there`,
		},
		{
			"nothing after and", ruleOf("a: {errorCode: x}\ncondition: a and"),
			"5:3: condition: ends where a selection has to be",
		},
		{
			"nothing after of", ruleOf("a: {errorCode: x}\ncondition: 1 of"),
			"5:3: condition: ends where selections have to be",
		},
		{
			"brackets without end", ruleOf("a: {errorCode: x}\ncondition: '" + strings.Repeat("(", 40) + "'"),
			"5:3: condition: nested more than 32 deep",
		},
		{
			"no source", ruleOf("a: {errorCode: x}\ncondition: a"),
			"it names no eventSource, so that rotd would have to look at every event of AWS: with --source it is asked " +
				"about those of a source",
		},
		{
			"two sources at once", ruleOf("a: {eventSource: a.b.com}\nb: {eventSource: b.b.com}\ncondition: a and b"),
			"it can never match: what it asks of eventSource and eventName excludes itself",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := one(t, tt.rule)
			if o.Imported() {
				t.Fatalf("imported: %s", o.Draft.When)
			}
			if diff := cmp.Diff([]string{tt.problem}, texts(o.Problems)); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

func texts(problems []Problem) (all []string) {
	for _, p := range problems {
		all = append(all, p.String())
	}
	return all
}

func TestRulesAreAskedAboutTheEventsTheyImply(t *testing.T) {
	const kms, iam = "kms.amazonaws.com", "iam.amazonaws.com"
	for _, tt := range []struct {
		name, detection string
		sources         []string
		events          []detection.Wanted
		remarks         []string
	}{
		{
			name: "a source and names", detection: "a: {eventSource: " + kms + ", eventName: [Decrypt, Encrypt]}\ncondition: a",
			events: []detection.Wanted{{Source: kms, Names: []string{"Decrypt", "Encrypt"}}},
		},
		{
			name: "a source alone", detection: "a: {eventSource: " + kms + "}\ncondition: a",
			events: []detection.Wanted{{Source: kms}},
		},
		{
			name: "a source and names in different selections",
			detection: "a: {eventSource: " + kms + "}\nb: {eventName: Decrypt}\nf: {eventName: Encrypt}\n" +
				"condition: a and b and not f",
			events: []detection.Wanted{{Source: kms, Names: []string{"Decrypt"}}},
		},
		{
			name: "either of two",
			detection: "a: {eventSource: " + kms + ", eventName: Decrypt}\n" +
				"b: {eventSource: " + iam + ", eventName: PutRolePolicy}\n" +
				"c: {eventSource: " + kms + ", eventName: Encrypt}\ncondition: 1 of them",
			events: []detection.Wanted{
				{Source: kms, Names: []string{"Decrypt", "Encrypt"}}, {Source: iam, Names: []string{"PutRolePolicy"}},
			},
			remarks: []string{"rotd hears of iam.amazonaws.com only if its queue or trail brings them"},
		},
		{
			name:      "names of one and all of it",
			detection: "a: {eventSource: " + kms + ", eventName: Decrypt}\nb: {eventSource: " + kms + "}\ncondition: a or b",
			events:    []detection.Wanted{{Source: kms}},
		},
		{
			name:      "names with wildcards narrow nothing",
			detection: "a: {eventSource: " + kms + ", eventName: [Decrypt, Put*]}\ncondition: a",
			events:    []detection.Wanted{{Source: kms}},
		},
		{
			name: "a source given for a rule that names none", detection: "a: {userIdentity.type: Root}\ncondition: a",
			sources: []string{kms}, events: []detection.Wanted{{Source: kms}},
			remarks: []string{"it names no eventSource: it is asked about kms.amazonaws.com alone"},
		},
		{
			name:      "a source given for a rule that names one",
			detection: "a: {eventSource: cloudtrail.amazonaws.com}\ncondition: a",
			sources:   []string{kms}, events: []detection.Wanted{{Source: "cloudtrail.amazonaws.com"}},
		},
		{
			name: "a name that AWS does not have", detection: "a: {eventSource: " + kms + ", eventName: decrypt}\ncondition: a",
			events:  []detection.Wanted{{Source: kms, Names: []string{"decrypt"}}},
			remarks: []string{"eventName decrypt is looked for as it is written, and AWS's names begin with capitals"},
		},
		{
			name:      "a field's name as a value",
			detection: "a: {eventSource: " + kms + ", userIdentity.arn|contains: requestParameters.userName}\ncondition: a",
			events:    []detection.Wanted{{Source: kms}},
			remarks: []string{"userIdentity.arn is compared with the text \"requestParameters.userName\", not with the field " +
				"of that name (fieldref)"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := one(t, ruleOf(tt.detection), tt.sources...)
			if !o.Imported() {
				t.Fatal(o.Problems)
			}
			if diff := cmp.Diff(tt.events, o.Draft.Events); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.remarks, o.Remarks); diff != "" {
				t.Errorf("remarks (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNoWordsOfSigmasAuthorsAreExpressions(t *testing.T) {
	const rule = "\nlogsource: {product: aws, service: cloudtrail}\n" +
		"detection: {a: {eventSource: kms.amazonaws.com}, condition: a}\n"
	const own = "{{principal}} called {{event.eventName}} of {{event.eventSource}}"
	for name, tt := range map[string]struct{ file, message string }{
		"a description": {
			"title: A\ndescription: Say {{session}}, {{{session}}} and {{{{{session}}" + rule,
			own + ". Say { {session}}, { { {session}}} and { { { { {session}}",
		},
		"a description that becomes one when it is cleaned": {
			"title: A\ndescription: \"{\\u0001{session}}\"" + rule, own + ". { {session}}",
		},
		"the name of a field that is counted": {
			"title: Many\ncorrelation: {type: value_count, rules: [a], timespan: 5m, " +
				"condition: {gte: 5, field: 'requestParameters.{{{session'}}\n---\ntitle: A\nname: a" + rule,
			own + `, {{distinct(texts(event.requestParameters, "{{{session")[0], "5m")}} different ` +
				"requestParameters.{ { {session within 5m.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := Convert(Read("rules.yml", []byte(tt.file)), nil)[0]
			if diff := cmp.Diff(tt.message, got.Draft.Message); diff != "" {
				t.Errorf("%v (-want +got):\n%s", got.Problems, diff)
			}
		})
	}
}

func TestARuleThatIsCountedStandsAndFallsWithItsCorrelations(t *testing.T) {
	const base = "title: Base\nname: base\nlogsource: {product: aws, service: cloudtrail}\n" +
		"detection: {a: {SOURCE}, condition: a}\n---\ntitle: Many\ncorrelation: {type: KIND, rules: base, timespan: 5m, " +
		"condition: {gte: 5}GENERATE}\n"
	for name, tt := range map[string]struct {
		source, kind, more string
		counted, refused   []string
	}{
		"one that is imported": {
			source: "eventSource: kms.amazonaws.com", kind: "event_count", counted: []string{"Many"},
		},
		"one that cannot be converted": {
			source: "eventName: Decrypt", kind: "event_count",
			refused: []string{`it is there to be counted by "Many", which is not imported`},
		},
		"one that cannot be read": {
			source: "eventSource: kms.amazonaws.com", kind: "temporal",
			refused: []string{`it is there to be counted by "Many", which is not imported`},
		},
		"one that leaves it a rule of its own": {
			source: "eventSource: kms.amazonaws.com", kind: "temporal", more: ", generate: true",
		},
		"another that is imported": {
			source: "eventSource: kms.amazonaws.com", kind: "temporal",
			more:    "}\n---\ntitle: Others\ncorrelation: {type: event_count, rules: base, timespan: 5m, condition: {gte: 5}",
			counted: []string{"Others"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			file := strings.NewReplacer("SOURCE", tt.source, "KIND", tt.kind, "GENERATE", tt.more).Replace(base)
			outcomes := Convert(Read("rules.yml", []byte(file)), nil)
			if diff := cmp.Diff(tt.counted, outcomes[0].Counted()); diff != "" {
				t.Errorf("counted (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.refused, texts(outcomes[0].Refused())); diff != "" {
				t.Errorf("refused (-want +got):\n%s", diff)
			}
		})
	}
}

func TestIdsAreTitlesAndUnique(t *testing.T) {
	var file strings.Builder
	for _, title := range []string{
		"KMS: a Key's End!", "kms a key s end", strings.Repeat("word ", 20), strings.Repeat("word ", 21), "§",
	} {
		fmt.Fprintf(&file, "---\ntitle: %q\n%s", title,
			ruleOf("a: {eventSource: kms.amazonaws.com}\ncondition: a")[len("title: A rule\n"):])
	}
	var ids []string
	for _, o := range Convert(Read("rules.yml", []byte(file.String())), nil) {
		ids = append(ids, o.Draft.ID)
	}
	want := []string{
		"sigma-kms-a-key-s-end", "sigma-kms-a-key-s-end-2",
		"sigma-word-word-word-word-word-word-word-word-word-word-word",
		"sigma-word-word-word-word-word-word-word-word-word-word-word-2", "sigma",
	}
	if diff := cmp.Diff(want, ids); diff != "" {
		t.Errorf("ids (-want +got):\n%s", diff)
	}
}
