package trail_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"go.uber.org/zap/zaptest"

	"rotd/internal/awss3"
	"rotd/internal/awssim"
	"rotd/internal/events/trail"
)

// newStore is a bucket of a simulated S3 and the client that reads it, which retries nothing by itself.
func newStore(t *testing.T, allow ...string) (*awssim.Sim, *awss3.Client) {
	t.Helper()
	sim := awssim.New(awssim.Options{Seed: 1, Logger: zaptest.NewLogger(t)})
	if err := sim.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := sim.Close(); err != nil {
			t.Error(err)
		}
	})
	sim.CreateBucket("eu-west-1", "111122223333", "trail")
	return sim, awss3.New(sim.As(sim.NewAccessKey("111122223333", "reader", allow...), "us-east-1"))
}

func put(t *testing.T, sim *awssim.Sim, key, body string) {
	t.Helper()
	if err := sim.PutObject("trail", key, []byte(body), nil); err != nil {
		t.Fatal(err)
	}
}

// readAll is what an archive hands out: the files that were read, skipped ones in brackets, and the records.
func readAll(t *testing.T, a *trail.Archive, paths ...string) (files, records []string) {
	t.Helper()
	for file, err := range a.Files(t.Context(), paths...) {
		if err != nil {
			t.Fatal(err)
		}
		if file.Skipped != "" {
			files = append(files, "("+file.Path+")")
			continue
		}
		files = append(files, file.Path)
		if _, err := a.Read(t.Context(), &file, func(raw []byte) error {
			records = append(records, string(raw))
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	return files, records
}

func TestAnArchiveInS3IsReadInTheOrderOfItsKeys(t *testing.T) {
	sim, store := newStore(t)
	for i := range 40 {
		put(t, sim, fmt.Sprintf("AWSLogs/1/CloudTrail/eu-west-1/2026/03/14/f%02d.json", i),
			fmt.Sprintf(`{"Records":[{"n":%d}]}`, i))
	}
	put(t, sim, "AWSLogs/1/CloudTrail-Digest/eu-west-1/2026/03/14/d.json.gz", "{}")
	put(t, sim, "AWSLogs/1/CloudTrail/eu-west-1/2026/03/14/z.jsonl", // too large to be fetched ahead
		`{"n":40}`+"\n"+`{"n":41,"x":"`+strings.Repeat("x", 3<<20)+`"}`)
	put(t, sim, "AWSLogs/notes.txt", "no log file")
	put(t, sim, "elsewhere/f.json", `{"Records":[{"n":99}]}`)

	files, records := readAll(t, &trail.Archive{Store: store}, "s3://trail/AWSLogs/")
	if len(files) != 42 || files[0] != "(s3://trail/AWSLogs/1/CloudTrail-Digest/eu-west-1/2026/03/14/d.json.gz)" ||
		!slices.IsSorted(files[1:]) {
		t.Errorf("files:\n%s", strings.Join(files, "\n"))
	}
	if len(records) != 42 {
		t.Fatalf("%d records", len(records))
	}
	for i, raw := range records {
		if !strings.HasPrefix(raw, fmt.Sprintf(`{"n":%d`, i)) {
			t.Errorf("record %d is %.20s", i, raw)
		}
	}
}

func TestAListingLeapsOverTheDaysThatAreNotWanted(t *testing.T) {
	sim, store := newStore(t)
	var want []string
	for _, region := range []string{"eu-west-1", "us-east-1"} {
		for day := range 28 {
			for i := range 60 {
				key := fmt.Sprintf("AWSLogs/1/CloudTrail/%s/2026/02/%02d/f%03d.json", region, day+1, i)
				put(t, sim, key, `{"Records":[]}`)
				if day+1 == 14 || day+1 == 15 {
					want = append(want, "s3://trail/"+key)
				}
			}
		}
	}
	put(t, sim, "AWSLogs/export.jsonl", `{}`)
	want = append(want, "s3://trail/AWSLogs/export.jsonl")
	days := trail.Days{
		From: time.Date(2026, 2, 14, 12, 0, 0, 0, time.UTC), To: time.Date(2026, 2, 15, 1, 0, 0, 0, time.UTC),
	}
	got, _ := readAll(t, &trail.Archive{Store: store, Days: days}, "s3://trail/")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if n := len(sim.Requests(awssim.OfOperation("ListObjectsV2"))); n != 5 {
		t.Errorf("%d pages were listed, want the first, and one from behind each leap", n)
	}
}

// breaking is a bucket of one object, and loses the connection in the middle of its first readings.
type breaking struct {
	body string
	left int
}

func (b *breaking) Get(context.Context, awss3.Location) (*awss3.Object, error) {
	body := io.Reader(strings.NewReader(b.body))
	if b.left--; b.left >= 0 {
		body = io.MultiReader(strings.NewReader(b.body[:20]), iotest.ErrReader(io.ErrUnexpectedEOF))
	}
	return &awss3.Object{Body: io.NopCloser(body)}, nil
}

func (b *breaking) ListAfter(context.Context, awss3.Location, string) iter.Seq2[awss3.Listed, error] {
	return func(yield func(awss3.Listed, error) bool) {
		yield(awss3.Listed{Location: awss3.Location{Bucket: "trail", Key: "f.json"}, Size: int64(len(b.body))}, nil)
	}
}

func TestABrokenConnectionIsTriedAgainAndHandsOutNothingTwice(t *testing.T) {
	for _, test := range []struct {
		name  string
		times int
		want  []string
		fails bool
	}{
		{"once", 1, []string{`{"n":1}`, `{"n":2}`, `{"n":3}`}, false},
		{"three times", 3, []string{`{"n":1}`, `{"n":2}`, `{"n":3}`}, false},
		{"every time", 99, []string{`{"n":1}`}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := &trail.Archive{Store: &breaking{`{"Records":[{"n":1},{"n":2},{"n":3}]}`, test.times}}
				for file, err := range a.Files(t.Context(), "s3://trail/") {
					if err != nil {
						t.Fatal(err)
					}
					var got []string
					_, err := a.Read(t.Context(), &file, func(raw []byte) error {
						got = append(got, string(raw))
						return nil
					})
					if diff := cmp.Diff(test.want, got); diff != "" || (err != nil) != test.fails {
						t.Errorf("error %v, records (-want +got):\n%s", err, diff)
					}
				}
			})
		})
	}
}

func TestWhatTheReaderRefusesIsNotTriedAgain(t *testing.T) {
	sim, store := newStore(t)
	put(t, sim, "f.json", `{"Records":[{"n":1},{"n":2}]}`)
	a, enough, n := &trail.Archive{Store: store}, errors.New("enough"), 0
	for file := range a.Files(t.Context(), "s3://trail/f") {
		_, err := a.Read(t.Context(), &file, func([]byte) error { n++; return enough })
		if !errors.Is(err, enough) || n != 1 {
			t.Errorf("error %v after %d records", err, n)
		}
	}
}

func TestErrorsOfS3AreAboutTheirObjectOrThePrefix(t *testing.T) {
	sim, _ := newStore(t)
	put(t, sim, "a.json", `{"Records":[]}`)
	client := func(allow ...string) *awss3.Client {
		return awss3.New(sim.As(sim.NewAccessKey("111122223333", "reader", allow...), "eu-west-1"))
	}
	for _, test := range []struct {
		name, path string
		store      *awss3.Client
		want       awss3.Class
	}{
		{"no bucket", "s3://nowhere/x", client(), awss3.Gone},
		{"no listing", "s3://trail/", client("s3:GetObject"), awss3.Denied},
		{"no reading", "s3://trail/", client("s3:ListBucket"), awss3.Denied},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := &trail.Archive{Store: test.store}
			n := 0
			for file, err := range a.Files(t.Context(), test.path) {
				if n++; err == nil {
					_, err = a.Read(t.Context(), &file, func([]byte) error { return nil })
				}
				if got := awss3.ClassOf(err); got != test.want || !strings.HasPrefix(file.Path, test.path) {
					t.Errorf("%s: %v is %s, want %s", file.Path, err, got, test.want)
				}
			}
			if n != 1 {
				t.Errorf("%d files", n)
			}
		})
	}
	for _, err := range new(trail.Archive).Files(t.Context(), "s3://") {
		if err == nil {
			t.Error("an address without a bucket is taken")
		}
	}
}

func TestWhoStopsEarlyLeavesNothingRunning(t *testing.T) {
	sim, store := newStore(t)
	for i := range 100 {
		put(t, sim, fmt.Sprintf("f%02d.json", i), `{"Records":[]}`)
	}
	a := &trail.Archive{Store: store}
	asked := func() int { return len(sim.Requests(awssim.OfOperation("GetObject"))) }
	if size := a.Size(t.Context(), "s3://trail/"); size != 100*14 || asked() > 0 {
		t.Errorf("size %d, and %d objects were asked for to tell it", size, asked())
	}
	for range a.Files(t.Context(), "s3://trail/") {
		break
	}
	if n := asked(); n > 17 {
		t.Errorf("%d objects were asked for", n)
	}
}

func TestAFileIsHashedUnzippedAndToItsEndWhateverStandsInIt(t *testing.T) {
	zipped := func(text string) string {
		var out bytes.Buffer
		w := gzip.NewWriter(&out)
		if _, err := io.WriteString(w, text); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	const text = `{"Records":[{"n":1}]}`
	for _, test := range []struct {
		name, body string
		hashed     string // "": it has no sum
	}{
		{"a plain file", text, text},
		{"a zipped file", zipped(text), text},
		{"spaces behind the end", text + " \n\n", text + " \n\n"},
		{"what is no list of records in its middle", `{"Records":[{"n":1}; ` + text, `{"Records":[{"n":1}; ` + text},
		{"what is no JSON", "hello", "hello"},
		{"a zipped file that is cut off", zipped(text)[:30], ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "f.json")
			if err := os.WriteFile(path, []byte(test.body), 0o600); err != nil {
				t.Fatal(err)
			}
			a := &trail.Archive{Validates: true}
			stats, _ := a.Read(t.Context(), &trail.File{Path: path}, func([]byte) error { return nil })
			var want *[sha256.Size]byte
			if test.hashed != "" {
				sum := sha256.Sum256([]byte(test.hashed))
				want = &sum
			}
			if diff := cmp.Diff(want, stats.Sum); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
