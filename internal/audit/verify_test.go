package audit

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func noon() time.Time { return time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC) }

// log seals entries, one after the other, in one epoch.
type log struct {
	t     *testing.T
	epoch string
	head  Head
	lines []string
}

func newLog(t *testing.T) *log { return &log{t: t, epoch: Epoch("default", noon())} }

func (l *log) add(e Entry) *log {
	l.t.Helper()
	e.Time = noon()
	sealed, line, err := Seal(e, l.head, l.epoch)
	if err != nil {
		l.t.Fatal(err)
	}
	l.head, l.lines = sealed.Head(), append(l.lines, string(line))
	return l
}

// five is a log of five entries.
func five(t *testing.T) *log {
	t.Helper()
	l := newLog(t).add(Entry{Actor: Rotd, Event: LogBegan})
	for i := range 4 {
		l.add(Entry{Actor: "uid:1000 (ann)", Event: RotateRequested, Detail: map[string]string{"reason": fmt.Sprint(i)}})
	}
	return l
}

func (l *log) headAt(seq int) Head {
	l.t.Helper()
	v := NewVerifier()
	for _, line := range l.lines[:seq] {
		v.Add([]byte(line))
	}
	return v.End().Head
}

// texts are the breaks of a verdict, one line each.
func texts(v Verdict) []string {
	var all []string
	for _, b := range v.Breaks {
		all = append(all, fmt.Sprintf("line %d: %s: %s", b.Line, b.Kind, b.Text))
	}
	return all
}

func verify(lines []string, known ...Head) Verdict {
	v := NewVerifier(known...)
	for _, line := range lines {
		v.Add([]byte(line))
	}
	return v.End()
}

func TestVerify(t *testing.T) {
	whole := five(t)
	other := newLog(t)
	other.epoch = Epoch("other", noon())
	other.add(Entry{Actor: Rotd, Event: LogBegan}).add(Entry{Actor: Rotd, Event: Paused}).
		add(Entry{Actor: Rotd, Event: Paused})
	swap := func(lines []string, i, j int) []string {
		lines = slices.Clone(lines)
		lines[i], lines[j] = lines[j], lines[i]
		return lines
	}
	hash := func(l *log, seq int) string { return l.headAt(seq).Hash[:12] + "…" }
	altered := strings.Replace(whole.lines[2], `"reason":"1"`, `"reason":"9"`, 1)
	digest, err := Digest([]byte(altered))
	if err != nil {
		t.Fatal(err)
	}
	resealed := newLog(t)
	resealed.head = whole.headAt(2)
	resealed.add(Entry{Actor: "uid:0 (root)", Event: RotateRequested})
	restored := &log{t: t, epoch: Epoch("default", noon().Add(time.Hour)), head: whole.headAt(3), lines: whole.lines[:3:3]}
	restored.add(Entry{Actor: Rotd, Event: LogBegan, Detail: map[string]string{"because": "restored from a copy"}}).
		add(Entry{Actor: Rotd, Event: DaemonStarted})

	tests := []struct {
		name  string
		lines []string
		known []Head
		want  []string
		notes []string
	}{
		{"a whole log is in order", whole.lines, nil, nil, nil},
		{"a whole log has the heads that were told", whole.lines, []Head{whole.headAt(2), whole.head}, nil, nil},
		{"an empty log is in order", nil, nil, nil, nil},
		{
			"an entry that says something else was altered", slices.Replace(slices.Clone(whole.lines), 2, 3, altered), nil,
			[]string{
				"line 3: altered: Entry 3 was altered: what it says has the hash " + digest[:12] + "…, it carries " +
					hash(whole, 3) + ".",
			},
			nil,
		},
		{
			"an entry that was written anew is not the one the next was written after",
			slices.Replace(slices.Clone(whole.lines), 2, 3, resealed.lines[0]), nil,
			[]string{
				"line 4: altered: Entry 3 is not the one that entry 4 was written after: that had the hash " + hash(whole, 3) +
					", this one has " + resealed.head.Hash[:12] + "….",
			},
			nil,
		},
		{"an entry that was taken out is missing", slices.Delete(slices.Clone(whole.lines), 2, 3), nil, []string{
			"line 3: missing: Entry 3 is missing before entry 4.",
		}, nil},
		{"entries that were taken out are missing", slices.Delete(slices.Clone(whole.lines), 1, 3), nil, []string{
			"line 2: missing: Entries 2 to 3 are missing before entry 4.",
		}, nil},
		{"entries that were swapped are out of order", swap(whole.lines, 2, 3), nil, []string{
			"line 3: missing: Entry 3 is missing before entry 4.",
			"line 4: out-of-order: Entry 3 comes after entry 4.",
			"line 5: missing: Entry 4 is missing before entry 5.",
		}, nil},
		{
			"an end that was cut off shows by a head that was told", whole.lines[:3],
			[]Head{whole.head},
			[]string{
				"line 0: truncated: The log ends with entry 3, but entry 5 was told of elsewhere. Entries 4 to 5 are missing " +
					"at its end.",
			},
			nil,
		},
		{"an end that was cut off shows by nothing else", whole.lines[:3], nil, nil, nil},
		{
			"an end that was written anew shows by a head that was told",
			append(slices.Clone(whole.lines[:2]), resealed.lines...),
			[]Head{whole.headAt(3)},
			[]string{
				"line 3: altered: Entry 3 is not the one that was told: that had the hash " + hash(whole, 3) +
					", this one has " + resealed.head.Hash[:12] + "…. It or one before it was written anew.",
			},
			nil,
		},
		{"a beginning that was cut off is missing", whole.lines[2:], nil, []string{
			"line 0: missing: Entries 1 to 2 are missing at the beginning, and no entry says that retention removed them. " +
				"If this is a later part of a log, name the last entry before it: --head 2:HASH.",
		}, nil},
		{
			"a later part is in order behind a head that was told", whole.lines[2:],
			[]Head{whole.headAt(2)},
			nil,
			[]string{"Entries 1 to 2 are not here; the first entry follows the one that was told."},
		},
		{
			"a head from before a later part cannot be compared", whole.lines[2:],
			[]Head{whole.headAt(1), whole.headAt(2)},
			nil,
			[]string{
				"Entries 1 to 2 are not here; the first entry follows the one that was told.",
				"Entry 1, which was told of elsewhere, is from before the first entry here (3) and cannot be compared.",
			},
		},
		{
			"what retention removed is named by the log itself",
			five(t).add(Entry{Actor: Rotd, Event: LogDropped, Detail: map[string]string{
				Through: "2", OfHash: whole.headAt(2).Hash,
			}}).lines[2:], nil, nil,
			[]string{"Entries 1 to 2 are no longer kept: the log says so and names the last of them."},
		},
		{
			"what retention removed is not what was cut off",
			five(t).add(Entry{Actor: Rotd, Event: LogDropped, Detail: map[string]string{
				Through: "2", OfHash: whole.headAt(2).Hash,
			}}).lines[3:], nil,
			[]string{
				"line 0: missing: Entries 1 to 3 are missing at the beginning, and no entry says that retention removed " +
					"them. If this is a later part of a log, name the last entry before it: --head 3:HASH.",
			},
			nil,
		},
		{"another log's entry is told", append(slices.Clone(whole.lines[:2]), other.lines[2]), nil, []string{
			"line 3: altered: Entry 2 is not the one that entry 3 was written after: that had the hash " + hash(other, 2) +
				", this one has " + hash(whole, 2) + ".",
			"line 3: other-epoch: Entry 3 is of the log other@2026-11-28T12:00:00Z, the entry before it of " +
				"default@2026-11-28T12:00:00Z.",
		}, nil},
		{
			"a restored state's log goes on in an epoch of its own", restored.lines,
			[]Head{whole.headAt(3)},
			nil,
			[]string{"Entry 4 begins default@2026-11-28T13:00:00Z: restored from a copy."},
		},
		{
			"a restored state's log has not what came after the copy", restored.lines, []Head{whole.headAt(4)}, []string{
				"line 4: altered: Entry 4 is not the one that was told: that had the hash " + hash(whole, 4) +
					", this one has " + restored.headAt(4).Hash[:12] + "…. It or one before it was written anew. Entry 4 says " +
					"that the state was replaced then: what the log before it had from there on is not in this one.",
			}, []string{"Entry 4 begins default@2026-11-28T13:00:00Z: restored from a copy."},
		},
		{
			"a line that is no entry is told, and what follows is compared among itself",
			slices.Replace(slices.Clone(whole.lines), 1, 2, "{"), nil,
			[]string{
				"line 2: unreadable: The line is no entry of an audit log: it is not one JSON object of the right form.",
			},
			nil,
		},
		{
			"an entry of a newer schema is not judged",
			[]string{strings.Replace(whole.lines[0], Schema, "rotd.audit/2", 1)},
			nil,
			[]string{
				`line 1: unreadable: The entry is of schema "rotd.audit/2"; this rotd verifies rotd.audit/1.`,
			},
			nil,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := verify(test.lines, test.known...)
			if diff := cmp.Diff(test.want, texts(got)); diff != "" {
				t.Errorf("breaks (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.notes, append([]string(nil), got.Notes...)); diff != "" {
				t.Errorf("notes (-want +got):\n%s", diff)
			}
			if got.Whole != (len(test.want) == 0) {
				t.Errorf("whole is %t", got.Whole)
			}
		})
	}
}

func TestALogMayComeInPieces(t *testing.T) {
	l := five(t)
	log := "\n" + strings.Join(l.lines, "\r\n")
	for _, size := range []int{1, 7, len(log)} {
		v := NewVerifier(l.head)
		for piece := range slices.Chunk([]byte(log), size) {
			if n, err := v.Write(piece); n != len(piece) || err != nil {
				t.Fatal(n, err)
			}
		}
		if got := v.End(); !got.Whole || got.Entries != 5 {
			t.Errorf("in pieces of %d: %d entries, %v", size, got.Entries, texts(got))
		}
	}
}

func TestALineThatIsTooLongIsNoEntry(t *testing.T) {
	l := five(t)
	v := NewVerifier(l.head)
	fmt.Fprintf(v, "%s\n%s\n%s\n", l.lines[0], strings.Repeat("x", 3*maxLine), strings.Join(l.lines[1:], "\n"))
	if got := v.End(); len(got.Breaks) != 1 || got.Breaks[0].Kind != Unreadable || got.Entries != 5 {
		t.Errorf("%d entries, %v", got.Entries, texts(got))
	}
}

func TestManyBreaksAreCounted(t *testing.T) {
	v := NewVerifier()
	for range maxBreaks + 7 {
		v.Add([]byte("no entry"))
	}
	if got := v.End(); len(got.Breaks) != maxBreaks || got.More != 7 {
		t.Errorf("%d breaks and %d more", len(got.Breaks), got.More)
	}
}

func TestALineMayBeWrittenAnotherWay(t *testing.T) {
	line := five(t).lines[1]
	head, rest, _ := strings.Cut(strings.TrimSuffix(line, "}"), ",")
	reordered := "{ " + rest + " ,\t" + strings.TrimPrefix(head, "{") + "}"
	want, err := Digest([]byte(line))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := Digest([]byte(reordered)); err != nil || got != want {
		t.Errorf("%s: %s, want %s (%v)", reordered, got, want, err)
	}
}

func TestAMemberMoreIsAnAlteration(t *testing.T) {
	l := five(t)
	l.lines[4] = strings.Replace(l.lines[4], "{", `{"approved":"yes",`, 1)
	if got := verify(l.lines); got.Whole {
		t.Error("a member that was added went unnoticed")
	}
}

func TestParseHead(t *testing.T) {
	h := five(t).head
	got, err := ParseHead(strings.ToUpper(h.String()))
	if err != nil || got != (Head{Seq: h.Seq, Hash: h.Hash}) {
		t.Errorf("%v, %v", got, err)
	}
	for _, bad := range []string{"", "5", "5:", "0:" + h.Hash, "5:" + h.Hash[1:], "x:" + h.Hash, h.Hash, "-1:" + h.Hash} {
		if got, err := ParseHead(bad); err == nil {
			t.Errorf("%q is %v", bad, got)
		}
	}
}

// hostile are texts that people and AWS may put into an entry.
func hostile() []string {
	return []string{
		"", "plain", "ü € 𝄞", `"quoted" \ back`, "line\nbreak\ttab\r", "\x00\x01\x1f\x7f\u0080\u2028\u2029",
		"<script>&amp;</script>", "\xff\xfe no UTF-8", "\ufffd", "{\"hash\":\"x\"}", "e\u0301",
	}
}

func TestAnyTextIsSealedAndFoundAgain(t *testing.T) {
	l := newLog(t)
	for _, text := range hostile() {
		l.add(Entry{Actor: text, Event: RotateRequested, Key: text, Detail: map[string]string{text + "x": text, "b": text}})
	}
	if got := verify(l.lines, l.head); !got.Whole {
		t.Errorf("%v", texts(got))
	}
}

func FuzzVerify(f *testing.F) {
	l := newLog(&testing.T{}).add(Entry{Actor: Rotd, Event: LogBegan}).add(Entry{Actor: Rotd, Event: LogDropped})
	f.Add(strings.Join(l.lines, "\n"))
	f.Add("{}\n[]\n{\"schema\":\"rotd.audit/1\",\"seq\":18446744073709551615,\"hash\":\"\"}")
	f.Fuzz(func(t *testing.T, input string) {
		lines := strings.Split(input, "\n")
		got := verify(lines)
		if got.Whole && got.Entries != uint64(len(lines)) {
			t.Errorf("%d of %d lines are entries, and all is in order", got.Entries, len(lines))
		}
	})
}

// recipe is the Python program in docs/audit.md.
func recipe(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/audit.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, found := strings.Cut(string(text), "```python\n")
	program, _, closed := strings.Cut(after, "```")
	if !found || !closed {
		t.Fatal("docs/audit.md has no program in Python")
	}
	return program
}

func TestThePythonRecipeVerifies(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not there")
	}
	program := recipe(t)
	l := newLog(t)
	for _, text := range hostile() {
		l.add(Entry{Actor: text, Event: RotateRequested, Detail: map[string]string{"reason": text, "b": text}})
	}
	run := func(lines []string) (string, error) {
		export := filepath.Join(t.TempDir(), "export.jsonl")
		if err := os.WriteFile(export, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.CommandContext(t.Context(), python, "-c", program, export).CombinedOutput()
		return string(out), err
	}
	if out, err := run(l.lines); err != nil || out != "whole, head "+l.head.String()+"\n" {
		t.Errorf("of a whole log it says %q (%v), want the head %s", out, err, l.head)
	}
	l.lines[3] = strings.Replace(l.lines[3], "quoted", "altered", 1)
	if out, err := run(l.lines); err == nil || !strings.Contains(out, "entry 4 ") {
		t.Errorf("of an altered log it says %q (%v)", out, err)
	}
}
