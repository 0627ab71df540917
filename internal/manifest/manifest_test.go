package manifest

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"rotd/internal/reencrypt"
)

const to = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"

// daemon answers like one: the same for the same blob, and only what is sent in order.
type daemon struct {
	t       *testing.T
	sent    int64 // blobs that were answered
	asked   int
	atMost  int                              // outcomes in an answer; 0: all
	instead func(asked int) (*Answer, error) // of an answer; nil, nil: none
}

func (d *daemon) send(_ context.Context, first int64, blobs []reencrypt.Blob) (Answer, error) {
	d.asked++
	if first > d.sent {
		d.t.Errorf("blobs from %d on, %d were answered", first, d.sent)
	}
	if d.instead != nil {
		if answer, err := d.instead(d.asked); err != nil {
			return Answer{}, err
		} else if answer != nil {
			return *answer, nil
		}
	}
	var a Answer
	for i := range blobs {
		if d.atMost > 0 && i == d.atMost {
			break
		}
		var o reencrypt.Outcome
		if bytes.HasPrefix(blobs[i].Ciphertext, []byte("bad")) {
			o.Failure = reencrypt.Refusal("InvalidCiphertextException", "")
		} else {
			o.Moved = reencrypt.Moved{Ciphertext: append([]byte("new "), blobs[i].Ciphertext...), From: "old", To: to}
		}
		a.Outcomes = append(a.Outcomes, o)
	}
	d.sent = first + int64(len(a.Outcomes))
	return a, nil
}

// written is a manifest of these lines, and where its results go.
func written(t *testing.T, lines ...string) (path, out string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "blobs.jsonl")
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	return path, path + ".out"
}

func blob(id, text string) string {
	return fmt.Sprintf(`{"id":%q,"ciphertext":%q}`, id, base64.StdEncoding.EncodeToString([]byte(text)))
}

// many is a manifest with something wrong now and then.
func many(n int) (lines []string) {
	for i := range n {
		switch {
		case i%97 == 5:
			lines = append(lines, "{}")
		case i%89 == 7:
			lines = append(lines, "", blob(fmt.Sprint(i), fmt.Sprint("bad ", i)))
		default:
			lines = append(lines, blob(fmt.Sprint(i), fmt.Sprint("blob ", i)))
		}
	}
	return lines
}

// run goes through a manifest as the command does: on with the journal that is there, or with a new one.
func run(t *testing.T, path, out string, d *daemon) (*Tally, error) {
	t.Helper()
	survey, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	j, err := Open(out, false)
	if err != nil {
		return nil, err
	}
	defer j.Close()
	want := Header{Manifest: survey.SHA256, To: to, Job: "mov_1"}
	if j.Header.Job == "" {
		if err := j.Begin(want); err != nil {
			t.Fatal(err)
		}
	} else if err := j.Header.Continues(want); err != nil {
		return nil, err
	}
	return (&Run{
		Path: path, Survey: survey, Journal: j, Send: d.send, Progress: func(*Tally, string) {}, Patience: time.Minute,
	}).Do(t.Context())
}

func read(t *testing.T, path string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestEveryLineHasItsResultInTheManifestsOrder(t *testing.T) {
	path, out := written(t, blob("a", "one"), "", "no JSON", blob("b", "bad"), "   ", strings.Repeat("x", 80_000),
		blob("", "two"))
	survey, err := Read(path)
	if err != nil || survey.Lines != 5 || survey.Blobs != 3 {
		t.Fatalf("%+v, %v", survey, err)
	}
	tally, err := run(t, path, out, &daemon{t: t})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"line":1,"id":"a","ciphertext":"bmV3IG9uZQ==","source_key":"old","key":"` + to + `"}
{"line":3,"error":{"code":"bad-line","message":"it is not one JSON object"}}
{"line":4,"id":"b","error":{"code":"InvalidCiphertextException","message":"KMS cannot open it: it is damaged or no ` +
		`ciphertext of KMS, its context is not the one it was sealed with, or its key is in another Region"}}
{"line":6,"error":{"code":"bad-line","message":"the line has more than 65536 bytes"}}
{"line":7,"ciphertext":"bmV3IHR3bw==","source_key":"old","key":"` + to + `"}
`
	if diff := cmp.Diff(want, read(t, out)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if tally.Lines != 5 || tally.Moved != 2 || tally.Failed != 3 || tally.Bad != 2 || len(tally.First) != 3 {
		t.Errorf("%+v", tally)
	}
	for _, left := range []string{".journal", ".part"} {
		if _, err := os.Stat(out + left); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is left behind", left)
		}
	}
}

func TestARunThatWasCutOffAnywhereGoesOnWhereItStopped(t *testing.T) {
	path, out := written(t, many(1700)...)
	if _, err := run(t, path, out, &daemon{t: t}); err != nil {
		t.Fatal(err)
	}
	whole := read(t, out)
	killed := errors.New("killed")
	for _, cut := range []int{0, 1, 70, len(whole) / 4, len(whole) / 3, len(whole)/2 + 1, len(whole) - 1, len(whole)} {
		t.Run(fmt.Sprintf("after %d bytes", cut), func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "out")
			d := &daemon{t: t, instead: func(int) (*Answer, error) { return nil, killed }}
			if _, err := run(t, path, out, d); !errors.Is(err, killed) {
				t.Fatal(err)
			}
			if err := os.WriteFile(out+".part", []byte(whole[:cut]), 0o600); err != nil {
				t.Fatal(err)
			}
			done := strings.Count(whole[:cut], "\n")
			d = &daemon{t: t, sent: 1 << 40}
			tally, err := run(t, path, out, d)
			if err != nil {
				t.Fatal(err)
			}
			if got := read(t, out); got != whole {
				t.Errorf("the results differ from those of a run that was not cut off")
			}
			if tally.Lines != 1700 || done == 1700 && d.asked > 0 {
				t.Errorf("%d lines, %d batches after %d lines", tally.Lines, d.asked, done)
			}
		})
	}
}

func TestAKillBetweenTheLastTwoStepsLosesNothing(t *testing.T) {
	path, out := written(t, many(20)...)
	if _, err := run(t, path, out, &daemon{t: t}); err != nil {
		t.Fatal(err)
	}
	whole := read(t, out)
	survey, _ := Read(path)
	header := fmt.Sprintf(`{"manifest":%q,"to":%q,"job":"mov_1"}`, survey.SHA256, to)
	if err := os.WriteFile(out+".journal", []byte(header), 0o600); err != nil {
		t.Fatal(err)
	}
	d := &daemon{t: t}
	if _, err := run(t, path, out, d); err != nil || d.asked > 0 || read(t, out) != whole {
		t.Errorf("%d batches, %v", d.asked, err)
	}
}

func TestWhatHasNoOutcomeIsSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path, out := written(t, many(600)...)
		d := &daemon{t: t, atMost: 37, instead: func(asked int) (*Answer, error) {
			switch {
			case asked%5 == 0:
				return &Answer{Waiting: "KMS throttles"}, nil
			case asked%7 == 0:
				return nil, fmt.Errorf("%w: the daemon went away", ErrLater)
			}
			return nil, nil
		}}
		tally, err := run(t, path, out, d)
		if err != nil || tally.Lines != 600 || strings.Count(read(t, out), "\n") != 600 {
			t.Errorf("%+v, %v", tally, err)
		}
	})
}

func TestARunGivesUpWhenNothingMovesAndKeepsWhatIsDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path, out := written(t, many(600)...)
		began := time.Now()
		d := &daemon{t: t, instead: func(asked int) (*Answer, error) {
			if asked > 1 {
				return &Answer{Waiting: "rotd is paused"}, nil
			}
			return nil, nil
		}}
		tally, err := run(t, path, out, d)
		if !errors.Is(err, ErrGaveUp) || !strings.Contains(err.Error(), "rotd is paused") || tally.Lines != 500 {
			t.Errorf("%+v, %v", tally, err)
		}
		if waited := time.Since(began); waited < time.Minute || waited > 2*time.Minute {
			t.Errorf("gave up after %v", waited)
		}
		d.instead = nil
		if tally, err = run(t, path, out, d); err != nil || tally.Lines != 600 {
			t.Errorf("%+v, %v", tally, err)
		}
	})
}

func TestAJournalOfSomethingElseIsRefused(t *testing.T) {
	mine := Header{Manifest: "m", To: "t", From: "f", Job: "mov_1"}
	tests := []struct {
		name   string
		change func(*Header)
		says   string
	}{
		{"another manifest", func(h *Header) { h.Manifest = "x" }, "another manifest, or the manifest was changed since"},
		{"another destination", func(h *Header) { h.To = "x" }, "on its way to t"},
		{"another source", func(h *Header) { h.From = "" }, `--from "f"`},
		{"a dry run", func(h *Header) { h.DryRun = true }, "dry run"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			other := mine
			tt.change(&other)
			if err := mine.Continues(other); !errors.Is(err, ErrOther) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%v", err)
			}
		})
	}
	other := mine
	other.Job = "mov_2"
	if err := mine.Continues(other); err != nil {
		t.Error(err)
	}
}

func TestResultsThatAreThereAreKept(t *testing.T) {
	_, out := written(t)
	if err := os.WriteFile(out, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(out, false); !errors.Is(err, ErrThere) {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(out + ".journal"); !errors.Is(err, os.ErrNotExist) || read(t, out) != "precious" {
		t.Errorf("%v", err)
	}
	j, err := Open(out, true)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	if err := j.Begin(Header{Job: "mov_1"}); err != nil || read(t, out) != "precious" {
		t.Errorf("%v, and the old results are %q before the new ones are whole", err, read(t, out))
	}
	if _, err := Open(out, true); !errors.Is(err, ErrInUse) {
		t.Errorf("a second one at the same time: %v", err)
	}
}

func TestAManifestThatChangesWhileItIsReadGivesNoResults(t *testing.T) {
	path, out := written(t, many(10)...)
	d := &daemon{t: t, instead: func(asked int) (*Answer, error) {
		if asked > 1 {
			return nil, nil
		}
		file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		_, err = file.WriteString("\n" + blob("late", "late"))
		return nil, err
	}}
	if _, err := run(t, path, out, d); !errors.Is(err, ErrChanged) {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(out); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

func TestAFullDiskLosesNothing(t *testing.T) {
	path, out := written(t, many(1700)...)
	var before unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	full := before
	full.Cur = 120_000 // the second batch does not fit whole
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &full); err != nil {
		t.Fatal(err)
	}
	d := &daemon{t: t}
	_, err := run(t, path, out, d)
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	if !errors.Is(err, ErrNoRoom) {
		t.Fatalf("%v", err)
	}
	batches := d.asked
	tally, err := run(t, path, out, d)
	if err != nil || tally.Lines != 1700 || strings.Count(read(t, out), "\n") != 1700 {
		t.Errorf("%+v, %v", tally, err)
	}
	if again := d.asked - batches; again > 3 {
		t.Errorf("%d batches of 4 were sent again after room for one and a half", again)
	}
}

func FuzzAJournalInAnyStateIsGoneOnWithOrRefused(f *testing.F) {
	f.Add(`{"manifest":"m","to":"t","job":"mov_1"}`, `{"line":1,"ciphertext":"AQID"}`+"\n"+`{"line":2`)
	f.Add(``, ``)
	f.Fuzz(func(t *testing.T, header, part string) {
		out := filepath.Join(t.TempDir(), "out")
		for name, content := range map[string]string{".journal": header, ".part": part} {
			if err := os.WriteFile(out+name, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		j, err := Open(out, false)
		if err != nil {
			return
		}
		defer j.Close()
		if left := read(t, out+".part"); j.Header.Job != "" && !strings.HasPrefix(part, left) {
			t.Errorf("%q became %q", part, left)
		}
	})
}
