package notify

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json"

	"rotd/internal/finding"
	"rotd/internal/incident"
	"rotd/internal/remediation"
)

// wellFormed holds what SNS and readers rely on, whatever an alert says.
func wellFormed(t *testing.T, m Message) {
	t.Helper()
	if len(m.Subject) == 0 || len(m.Subject) >= 100 {
		t.Errorf("the subject has %d characters: %q", len(m.Subject), m.Subject)
	}
	if strings.ContainsFunc(m.Subject, func(r rune) bool { return r < ' ' || r > '~' }) {
		t.Errorf("the subject is not printable ASCII: %q", m.Subject)
	}
	size := len(m.Body)
	for name, value := range m.Attributes {
		size += len(name) + len(value) + len("String")
		if value == "" || strings.ContainsFunc(value, unicode.IsControl) {
			t.Errorf("attribute %s is %q", name, value)
		}
	}
	if size > 256<<10 {
		t.Errorf("%d bytes are more than SNS takes", size)
	}
	if len(m.Attributes) > 10 {
		t.Errorf("%d attributes: raw delivery to SQS drops messages with more than 10", len(m.Attributes))
	}
	if !utf8.ValidString(m.Body) {
		t.Error("the body is not UTF-8")
	}
	for _, id := range []string{m.GroupID, m.DedupeID} {
		if len(id) == 0 || len(id) > 128 {
			t.Errorf("%q cannot be a FIFO id", id)
		}
	}
}

// readable holds what text for people is: five lines that say what they always say, four when it is over, then an empty
// one; nothing that is invisible or breaks a line.
func readable(t *testing.T, body string) {
	t.Helper()
	lines := strings.Split(body, "\n")
	starts := [][]string{
		{"CRITICAL", "HIGH", "MEDIUM", "LOW", "INFORMATIONAL", "DONE"},
		{"Key: ", "Keys: ", "Alias: ", "Trail: ", "Queue: ", "Key store: ", "Where: "},
		{"Who: "},
		{"Expected: "},
		{"rotd: "},
	}
	if strings.HasPrefix(body, "RESOLVED") {
		starts = [][]string{{"RESOLVED"}, starts[1], {"Over: "}, starts[4]}
	}
	if len(lines) < len(starts)+2 || lines[len(starts)] != "" {
		t.Fatalf("no %d lines at the top:\n%s", len(starts), body)
	}
	for i, allowed := range starts {
		ok := false
		for _, start := range allowed {
			ok = ok || strings.HasPrefix(lines[i], start)
		}
		if !ok {
			t.Errorf("line %d is %q", i+1, lines[i])
		}
	}
	for _, r := range body {
		if r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029') {
			t.Fatalf("the body has %U", r)
		}
	}
}

func TestEveryMessageIsWhatSNSTakesAndPeopleRead(t *testing.T) {
	for name, group := range samples() {
		t.Run(name, func(t *testing.T) {
			text := Text(group)
			wellFormed(t, text)
			readable(t, text.Body)
			document := JSON(group)
			wellFormed(t, document)
			if document.Subject != text.Subject || document.DedupeID != text.DedupeID {
				t.Error("the two formats are not about the same thing")
			}
		})
	}
}

// Whoever chooses the names in an event chooses them as long and as awkward as they can.
func TestTheLongestMessagesFit(t *testing.T) {
	for _, awkward := range []string{`"`, `\`, "\x00", "\n", "\U0001F512", "\xff", "é"} {
		worst := Alert{ID: "v1:" + strings.Repeat("f", 64), Kind: FindingOpened, Created: at("03:00:00")}
		f, act := &finding.Finding{}, &remediation.Action{}
		fill(reflect.ValueOf(f).Elem(), strings.Repeat(awkward, 5_000))
		fill(reflect.ValueOf(act).Elem(), strings.Repeat(awkward, 5_000))
		worst.Finding, worst.Action = f, act
		worst.Note, worst.Shard = strings.Repeat(awkward, 5_000), "default"
		grown := Alert{ID: worst.ID, Kind: IncidentGrew, Created: worst.Created, Incident: &incident.Incident{
			Automatic: &incident.Automatic{Members: make([]incident.Member, incident.MaxMembers)},
		}}
		fill(reflect.ValueOf(grown.Incident).Elem(), strings.Repeat(awkward, 5_000))
		for i := range grown.Incident.Automatic.Members {
			fill(reflect.ValueOf(&grown.Incident.Automatic.Members[i]).Elem(), strings.Repeat(awkward, 5_000))
		}
		grown.Finding = f
		incidents := Group{Alerts: slices.Repeat([]Alert{grown}, maxTogether/2)}
		incidents.Alerts = append(incidents.Alerts, worst)
		group, storm := Group{}, Group{Storm: true, Part: 1, Parts: 9}
		for range maxTogether {
			group.Alerts = append(group.Alerts, worst)
		}
		for range maxStorm {
			storm.Alerts = append(storm.Alerts, worst)
		}
		for _, g := range []Group{group, storm, incidents} {
			for _, m := range []Message{Text(g), JSON(g)} {
				wellFormed(t, m)
			}
			readable(t, Text(g).Body)
		}
	}
}

// fill sets every text of a struct, and makes every list of texts long.
func fill(v reflect.Value, s string) {
	switch v.Kind() {
	case reflect.String:
		if v.Type() == reflect.TypeFor[string]() { // other kinds of strings are rotd's own words
			v.SetString(s)
		}
	case reflect.Struct:
		for _, field := range v.Fields() {
			if field.CanSet() {
				fill(field, s)
			}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 100, 100))
		for i := range v.Len() {
			fill(v.Index(i), s)
		}
	}
}

func TestEveryRotationResultSaysWhatARotationDoesNotDo(t *testing.T) {
	for _, state := range []remediation.State{
		remediation.Succeeded, remediation.Failed, remediation.Cancelled, remediation.Expired,
	} {
		for _, act := range []*remediation.Action{onDemand(state), restoring(state)} {
			body := Text(Group{Alerts: []Alert{ended(act, finding.High)}}).Body
			for _, said := range []string{"stays decryptable", "ReEncrypt", "grants", "key policy", "disable the key"} {
				if !strings.Contains(body, said) {
					t.Errorf("%s %s does not say %q", act.Method, state, said)
				}
			}
		}
	}
}

func TestJSONGivesBackWhatItWasGiven(t *testing.T) {
	var got struct {
		Schema string  `json:"schema"`
		ID     string  `json:"alert_id"`
		Items  []Alert `json:"items"`
	}
	want := samples()["group"]
	if err := json.Unmarshal([]byte(JSON(want).Body), &got); err != nil {
		t.Fatal(err)
	}
	if got.Schema != "rotd.alert/1" || got.ID != want.Alerts[0].ID || len(got.Items) != len(want.Alerts) {
		t.Errorf("schema %q, alert_id %q, %d items", got.Schema, got.ID, len(got.Items))
	}
	for i, a := range got.Items {
		if a.ID != want.Alerts[i].ID || a.Kind != want.Alerts[i].Kind {
			t.Errorf("item %d is %s %s", i, a.ID, a.Kind)
		}
	}
}

func TestTheSameAlertsAreTheSameMessageForAFIFOTopic(t *testing.T) {
	g := samples()["group"]
	if again := samples()["group"]; Text(g).DedupeID != Text(again).DedupeID {
		t.Error("the dedupe id changes")
	}
	fewer := Group{Alerts: g.Alerts[:2]}
	if Text(g).DedupeID == Text(fewer).DedupeID || Text(g).GroupID != Text(fewer).GroupID {
		t.Error("other alerts about the same key are the same message, or about another key")
	}
}

func TestWordsOfOthersStayWords(t *testing.T) {
	tests := []struct{ name, got, want string }{
		{"a line break", line("a\r\nb\u2028c\u0085d", 50), "a  b c d"},
		{"control and direction", line("a\x1b[2J\u202Eb\u200b\ufeff", 50), "a?[2J?b??"},
		{"what is no UTF-8", line("a\xff\xfeb", 50), "a??b"},
		{"too much", line("abcdefghij", 8), "abcde..."},
		{"too much, not through a character", line("aééééé", 8), "aéé..."},
		{"the end of a quotation", quoted(`a" said "b`, 50), `"a' said 'b"`},
		{"a link", quoted("https://evil.example", 50), `"https[:]//evil.example"`},
		{"lines that pretend", prose("a\nNext:\n  b\n", 50), "a\n| Next:\n|   b"},
		{"a harmless argument", argument("arn:aws:kms:eu-west-1:1:key/x"), "arn:aws:kms:eu-west-1:1:key/x"},
		{"an argument with spaces", argument("again after act_1"), "'again after act_1'"},
		{"an argument that is more", argument("x; rm 'y'"), "NAME-WITH-ODD-CHARACTERS"},
		{"an argument of two lines", argument("x\ny"), "NAME-WITH-ODD-CHARACTERS"},
		{"no argument", argument(""), "UNKNOWN"},
		{"a usual name", named("arn:aws:sts::1:assumed-role/a/b@c", 50), "arn:aws:sts::1:assumed-role/a/b@c"},
		{"a name that goes on", named("role/x, from 203.0.113.7", 50), `"role/x, from 203.0.113.7"`},
		{"a name with a link", named("role/https://evil.example", 50), `"role/https[:]//evil.example"`},
		{"no name", named("", 50), ""},
	}
	for _, tt := range tests {
		if tt.got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, tt.got, tt.want)
		}
	}
}

func FuzzText(f *testing.F) {
	f.Add("jane", "aws-cli/2", "alias/x", "a\nb", "203.0.113.7")
	f.Add("\u202e", "\x00", "", "\n\n\n", "AWS Internal")
	f.Fuzz(func(t *testing.T, session, agent, alias, description, ip string) {
		fd := turnedOff()
		fd.SessionName, fd.UserAgent, fd.Alias, fd.Description, fd.SourceIP = session, agent, alias, description, ip
		fd.Title, fd.PrincipalARN, fd.EventID, fd.Why = description, session, agent, alias
		fd.Remedy = []string{description, agent}
		a := opened(fd)
		a.Note = description
		g := Group{Alerts: []Alert{a, a}}
		m := Text(g)
		wellFormed(t, m)
		readable(t, m.Body)
		wellFormed(t, JSON(g))
	})
}
