package detection

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"rotd/internal/events"
	"rotd/internal/finding"
)

// contents are the members of a record that say what a call was about.
func contents() []string {
	return []string{
		"requestParameters", "responseElements", "resources", "additionalEventData", "serviceEventDetails", "addendum",
	}
}

// contentless are the rules that find something in a record that says of a call only its name, who made it, from
// where, and what came of it. To every other rule such a record says nothing.
func contentless() []string {
	return []string{
		// The call's name says what was done, if not to which key, trail or store.
		"key-deleted", "key-deletion-cancelled", "key-deletion-scheduled", "key-destruction-denied", "key-disabled",
		"key-mass-destruction", "key-policy-changed", "key-replicated", "key-store-changed", "material-deleted",
		"material-expired", "material-imported", "rotation-turned-off", "rotation-unplanned", "trail-blinded",
		// Who called, and from where, is what they judge.
		"denied-burst", "instance-credentials-elsewhere", "reconnaissance", "region-unexpected", "root-used-key",
		"rotd-role-misused", "write-without-mfa",
	}
}

// FuzzRules looks for records that panic a rule, get more than a line of printable text into a finding, or have a rule
// find what the record does not say. Every rule judges every record, in worlds that know its key and in one that does
// not, again and again as bursts are made of it. One member of the record is something else, since few changes of
// single bytes leave a record that can be decoded.
func FuzzRules(f *testing.F) {
	if testing.Short() {
		f.Skip("the seeds alone take seconds")
	}
	odd := oddValues()
	for i, record := range knownRecords(f) {
		f.Add(record, uint8(i), []byte(odd[i%len(odd)])) // somewhere in it
	}
	judge := NewJudge(Settings{Learning: DefaultLearning})
	f.Fuzz(func(t *testing.T, record []byte, member uint8, with []byte) {
		record, _ = changed(record, int(member), with)
		content, err := events.NewDecoder(judge).Decode(record)
		if err != nil {
			return
		}
		for name, w := range fuzzWorlds() {
			for i := range content.Events[:min(len(content.Events), 20)] {
				for again := range varieties {
					judgeAnyhow(t, judge, name, w, varied(content.Events[i], again))
				}
			}
		}
		for i := range content.Events[:min(len(content.Events), 20)] {
			judgeWithoutContent(t, judge, content.Events[i].Raw)
		}
	})
}

// knownRecords are records in which the rules' tests find something.
func knownRecords(t testing.TB) (all [][]byte) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "records", "*.jsonl"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no records: %v", err)
	}
	for _, file := range files {
		lines, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, slices.Collect(bytes.Lines(lines))...)
	}
	return all
}

// oddValues are what may stand in a member's place.
func oddValues() []string {
	return []string{"null", `""`, `{"a":[null]}`, `"arn:aws-iso-b:kms:us-isob-east-1:111122223333:alias/x"`}
}

// changed is a record with another value, JSON or else a text, in the place of its n-th member, however deep. It is as
// it was, and ok false, when it has no such member.
func changed(record []byte, n int, with []byte) (raw []byte, ok bool) {
	var whole map[string]any
	if json.Unmarshal(record, &whole) != nil {
		return record, false
	}
	var value any
	if json.Unmarshal(with, &value) != nil {
		value = string(with)
	}
	replaceNth(whole, &n, value)
	raw, err := json.Marshal(whole)
	if err != nil || n >= 0 {
		return record, false
	}
	return raw, true
}

// replaceNth counts the members down in the order of their names, and gives the one at which n is 0 another value.
func replaceNth(in any, n *int, with any) {
	next := func(value any, put func(any)) {
		if *n == 0 {
			put(with)
		}
		*n--
		replaceNth(value, n, with)
	}
	switch in := in.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(in)) {
			next(in[name], func(v any) { in[name] = v })
		}
	case []any:
		for i := range in {
			next(in[i], func(v any) { in[i] = v })
		}
	}
}

// fuzzWorlds are what may be known around a record. In one of them its caller has just made its key.
func fuzzWorlds() map[string]*world {
	known, late, own := carefulWorld(), carefulWorld(), carefulWorld()
	known.Note(noteCreated, noteTime(noon), noon, newKeyWindow)
	known.Note(noteCreatedBy+payARN, adminARN, noon, newKeyWindow)
	late.late, own.own = true, true
	return map[string]*world{
		"known": known, "late": late, "own": own, "unknown": {memory: make(map[string]remembered)},
	}
}

// varieties is how many calls are made of a record: more than any burst takes.
const varieties = counted

// varied is a record of the same call made once more: a burst is made of such.
func varied(ev events.Event, again int) *events.Event {
	if again > 0 {
		ev.EventID = fmt.Sprint(ev.EventID, again)
		ev.EventTime = ev.EventTime.Add(time.Duration(again) * time.Second)
		ev.Key.Name = fmt.Sprint(ev.Key.Name, again)
		if ev.ResponseElements.Get("grantId").Text() != "" {
			ev.ResponseElements = fmt.Appendf(nil, `{"grantId":"%d"}`, again)
		}
	}
	return &ev
}

func TestVariedRecordsMakeBursts(t *testing.T) {
	judge := NewJudge(Settings{Learning: DefaultLearning})
	for rule, r := range map[string]object{
		"key-mass-destruction": record("DisableKey", object{"resources": nil}, asking(object{"keyId": "alias/unknown"})),
		"grant-burst":          record("CreateGrant", object{"responseElements": object{"grantId": "1"}}),
		"denied-burst":         record("Decrypt", failing("AccessDenied")),
		"reconnaissance":       record("DescribeKey"),
		"new-key-bulk-use":     record("Decrypt"),
	} {
		t.Run(rule, func(t *testing.T) {
			ev, w, told := decode(t, r), fuzzWorlds()["known"], false
			for again := range varieties {
				for _, f := range judgeAnyhow(t, judge, "known", w, varied(*ev, again)) {
					told = told || f.RuleID == rule
				}
			}
			if !told {
				t.Errorf("nothing in %d calls", varieties)
			}
		})
	}
}

// judgeAnyhow has every rule judge an event, whichever it wants.
func judgeAnyhow(t *testing.T, judge *Judge, name string, w *world, ev *events.Event) []finding.Finding {
	t.Helper()
	c := w.context()
	if w.learnt != nil {
		c.Observed = w.observes(ev)
	}
	found, panics := judge.Event(c, ev)
	for _, p := range panics {
		t.Fatalf("%s: %v\n%s\n%s", name, p, p.Stack, ev.Raw)
	}
	for i := range found {
		checkFinding(t, &found[i])
		checkPrintable(t, &found[i])
		if t.Failed() {
			t.Fatalf("%s: %s finds %+v in\n%s", name, found[i].RuleID, found[i], ev.Raw)
		}
	}
	return found
}

// judgeWithoutContent takes away what a record says of its call, and has it judged.
func judgeWithoutContent(t *testing.T, judge *Judge, raw []byte) {
	t.Helper()
	ev, ok := withoutContent(raw)
	if !ok {
		return
	}
	for name, w := range fuzzWorlds() {
		for _, f := range judgeAnyhow(t, judge, name, w, &ev) {
			if !slices.Contains(contentless(), f.RuleID) {
				t.Fatalf("%s: %s finds %q in a record that says nothing of it:\n%s", name, f.RuleID, f.Description, ev.Raw)
			}
		}
	}
}

// withoutContent is a record with null in the place of everything that says what the call was about.
func withoutContent(raw []byte) (ev events.Event, ok bool) {
	var record map[string]json.RawMessage
	if json.Unmarshal(raw, &record) != nil {
		return ev, false
	}
	for _, member := range contents() {
		record[member] = json.RawMessage("null")
	}
	emptied, err := json.Marshal(record)
	if err != nil {
		return ev, false
	}
	ev, _, err = events.NewDecoder(nil).DecodeRecord(emptied)
	return ev, err == nil
}
