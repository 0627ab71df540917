package trail

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"

	"rotd/internal/events"
)

func zip(t testing.TB, parts ...string) []byte {
	t.Helper()
	var out bytes.Buffer
	for _, part := range parts {
		w := gzip.NewWriter(&out)
		if _, err := io.WriteString(w, part); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return out.Bytes()
}

// read streams r and returns what was handed out.
func read(t testing.TB, r io.Reader, limits Limits, lines bool) ([]string, Stats, error) {
	t.Helper()
	var got []string
	stats, err := stream(t.Context(), r, limits, lines, func(raw []byte) error {
		got = append(got, string(raw))
		return nil
	})
	if stats.Records != len(got) {
		t.Errorf("stats say %d records, handed out %d", stats.Records, len(got))
	}
	return got, stats, err
}

func TestStreamFindsTheRecords(t *testing.T) {
	const a, b = `{"eventID":"a","x":{"y":["}",{}]}}`, `{"eventID":"b\"\\","z":"[{"}`
	for _, test := range []struct {
		name, text string
		lines      bool
		want       []string
	}{
		{"a log file", `{"Records":[` + a + `,` + b + `]}`, false, []string{a, b}},
		{
			"a log file amid spaces and other members",
			" {\n \"v\": {\"Records\": 1},\n \"Records\" : [\n" + a + " ,\r\n" + b + "\t] , \"w\":[2]}\n ", false,
			[]string{a, b},
		},
		{"an empty log file", `{"Records":[]}`, false, nil},
		{"an empty log file with spaces", `{"Records": [ ] }`, false, nil},
		{"an array", `[` + a + `, ` + b + `]`, false, []string{a, b}},
		{"an empty array", `[]`, false, nil},
		{"one record", a, false, []string{a}},
		{"JSON lines", a + "\n" + b + "\n", false, []string{a, b}},
		{"JSON lines with empty ones, carriage returns and no end", "\n" + a + "\r\n\r\n" + b, false, []string{a, b}},
		{
			"records spread over several lines", "{\n \"a\":1\n}\n{\n \"b\":[\n{\n}\n]}\n", false,
			[]string{"{\n \"a\":1\n}", "{\n \"b\":[\n{\n}\n]}"},
		},
		{"records one after the other", a + b, false, []string{a, b}},
		{
			"log files one after the other", `{"Records":[` + a + `]}` + "\n" + `{"Records":[` + b + `]}`, false,
			[]string{a, b},
		},
		{
			"log files on lines of their own", `{"Records":[` + a + `]}` + "\n" + `{"Records":[` + b + `]}`, true,
			[]string{a, b},
		},
		{"an array of what are no records", `[1, "a,]" ,null,[2],{}]`, false, []string{"1", `"a,]"`, "null", "[2]", "{}"}},
		{"an array with holes", `[,` + a + `,]`, false, []string{"", a, ""}},
		{"a record malformed inside its brackets", `{"Records":[{"a" 5,,},` + b + `]}`, false, []string{`{"a" 5,,}`, b}},
		{"a record without a value", `{"a":}` + "\n" + b, false, []string{`{"a":}`, b}},
		{"a record without a colon", `{"a"}` + "\n" + b, false, []string{`{"a"}`, b}},
		{"Records that is no array", `{"Records":{"a":1}}`, false, []string{`{"Records":{"a":1}}`}},
		{"a cut line among JSON lines", a + "\n" + `{"a":{"b":"c` + "\n" + b + "\n", false, []string{a, `{"a":{"b":"c`, b}},
		{"a cut first line of JSON lines", `{"a":{` + "\n" + b + "\n", true, []string{`{"a":{`, b}},
		{"text among JSON lines", a + "\nhello\n" + b, false, []string{a, "hello", b}},
		{"text after a log file", `{"Records":[` + a + `]} and more`, false, []string{a, "and more"}},
	} {
		for _, form := range []struct {
			name string
			r    io.Reader
		}{
			{"plain", strings.NewReader(test.text)},
			{"gzip", bytes.NewReader(zip(t, test.text))},
			{"gzip of several members", bytes.NewReader(zip(t, test.text[:len(test.text)/2], test.text[len(test.text)/2:]))},
			{"plain, byte by byte", iotest.OneByteReader(strings.NewReader(test.text))},
			{"gzip, with the last data comes the end", iotest.DataErrReader(bytes.NewReader(zip(t, test.text)))},
		} {
			t.Run(test.name+", "+form.name, func(t *testing.T) {
				got, stats, err := read(t, form.r, Limits{}, test.lines)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Errorf("records (-want +got):\n%s", diff)
				}
				if stats.Bytes != int64(len(test.text)) {
					t.Errorf("%d bytes, want %d", stats.Bytes, len(test.text))
				}
			})
		}
	}
}

func TestStreamRecognisesADigest(t *testing.T) {
	text := `{"awsAccountId":"111122223333","digestStartTime":"2026-11-20T08:00:00Z","logFiles":[{"s3Object":"x"}]}`
	got, stats, err := read(t, strings.NewReader(text), Limits{}, false)
	if err != nil || len(got) != 0 || !stats.Digest {
		t.Errorf("handed out %q, stats %+v, error %v", got, stats, err)
	}
}

func TestStreamSaysWhatIsWrongWithAFile(t *testing.T) {
	records := `{"Records":[` + strings.Repeat(`{"eventID":"a"},`, 99) + `{"eventID":"z"}]}`
	zipped := zip(t, records)
	long := zip(t, `{"Records":["`+filler(1)+filler(2)+`",{"eventID":"z"}]}`)
	bomb := zip(t, `{"Records":[{"eventID":"a"},"`+strings.Repeat("a", 24<<20))
	for _, test := range []struct {
		name   string
		file   []byte
		limits Limits
		want   error
	}{
		{"empty", nil, Limits{}, ErrNotJSON},
		{"spaces", []byte(" \n"), Limits{}, ErrNotJSON},
		{"an empty gzip file", zip(t, ""), Limits{}, ErrNotJSON},
		{"text", []byte("hello"), Limits{}, ErrNotJSON},
		{"an image", []byte("\x89PNG\r\n\x1a\n"), Limits{}, ErrNotJSON},
		{"a gzip file inside another", zip(t, string(zipped)), Limits{}, ErrNotJSON},
		{"half a gzip header", zipped[:5], Limits{}, io.ErrUnexpectedEOF},
		{"half a gzip file", long[:len(long)/2], Limits{}, ErrCutShort},
		{"a gzip file without its last byte", zipped[:len(zipped)-1], Limits{}, ErrCutShort},
		{"a gzip file with a wrong checksum", flip(zipped, len(zipped)-8), Limits{}, gzip.ErrChecksum},
		{"text after a gzip file", append(bytes.Clone(zipped), "trailing text"...), Limits{}, gzip.ErrHeader},
		{"cut inside a string", []byte(records[:20]), Limits{}, ErrCutShort},
		{"cut inside a record", []byte(records[:40]), Limits{}, ErrCutShort},
		{"cut between records", []byte(records[:27]), Limits{}, ErrCutShort},
		{"cut after the list", []byte(records[:len(records)-1]), Limits{}, ErrCutShort},
		{"cut after a name", []byte(`{"Records"`), Limits{}, ErrCutShort},
		{"cut after a colon", []byte(`{"Records":`), Limits{}, ErrCutShort},
		{"cut after a bracket", []byte(`{"Records":[`), Limits{}, ErrCutShort},
		{"cut after a backslash", []byte(`["\`), Limits{}, ErrCutShort},
		{"a bracket that is never closed", []byte(strings.Repeat("[{", 1<<20)), Limits{}, ErrCutShort},
		{"more than may be unzipped", zipped, Limits{Bytes: 100}, ErrTooLarge},
		{"more than may be read", []byte(records), Limits{Bytes: 100}, ErrTooLarge},
		{"a bomb", bomb, Limits{}, ErrBomb},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, stats, err := read(t, bytes.NewReader(test.file), test.limits, false)
			damage, ok := errors.AsType[*FileError](err)
			if !ok || !errors.Is(err, test.want) {
				t.Fatalf("error %v, want a FileError with %v", err, test.want)
			}
			if diff := cmp.Diff(stats, damage.Stats); diff != "" {
				t.Errorf("the error has other stats:\n%s", diff)
			}
			if stats.Bytes > 20<<20 {
				t.Errorf("unzipped %d bytes of a bomb", stats.Bytes)
			}
		})
	}
	for _, text := range []string{`[{} {}]`, `{"Records":[{}}]}`, `{"Records":[] "x"}`, `{"Records":[],5}`} {
		if _, _, err := read(t, strings.NewReader(text), Limits{}, false); err == nil {
			t.Errorf("%s was read without an error", text)
		}
	}
}

func flip(file []byte, i int) []byte {
	file = bytes.Clone(file)
	file[i] ^= 1
	return file
}

func TestStreamHandsOutWhatStandsBeforeTheDamage(t *testing.T) {
	var text strings.Builder
	text.WriteString(`{"Records":[{"n":0}`)
	for i := range 20000 {
		fmt.Fprintf(&text, `,{"n":%d,"noise":"%x"}`, i+1, i*i*7919)
	}
	file := zip(t, text.String()+"]}")
	got, stats, err := read(t, bytes.NewReader(file[:len(file)*3/4]), Limits{}, false)
	if !errors.Is(err, ErrCutShort) {
		t.Fatalf("error %v, want %v", err, ErrCutShort)
	}
	if stats.Records < 10000 || stats.Records > 19000 || got[0] != `{"n":0}` {
		t.Errorf("%d records before the damage", stats.Records)
	}
}

func TestStreamCutsAHugeRecordAndGoesOn(t *testing.T) {
	huge := `{"eventID":"` + strings.Repeat("h", 3<<20) + `"}`
	for _, text := range []string{
		`{"Records":[{"n":1},` + huge + `,{"n":2}]}`,
		`{"n":1}` + "\n" + huge + "\n" + `{"n":2}`,
	} {
		got, _, err := read(t, strings.NewReader(text), Limits{}, false)
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != 3 || got[0] != `{"n":1}` || got[2] != `{"n":2}` || got[1] != huge[:events.MaxRecord+1] {
			t.Fatalf("%d records, the second of %d bytes", len(got), len(got[1]))
		}
		_, _, err = events.NewDecoder(nil).DecodeRecord([]byte(got[1]))
		if why, ok := errors.AsType[*events.MalformedError](err); !ok || why.Reason != events.ReasonTooLarge {
			t.Errorf("the decoder calls it %v", err)
		}
	}
}

func TestStreamReturnsForeignErrorsAsTheyAre(t *testing.T) {
	text := `[{},{},{}]`
	full := errors.New("disk full")
	stats, err := Stream(t.Context(), strings.NewReader(text), Limits{}, func([]byte) error { return full })
	if err != full || stats.Records != 1 { //nolint:errorlint // as it is
		t.Errorf("error %v after %d records", err, stats.Records)
	}
	broken := errors.New("connection reset")
	for name, file := range map[string][]byte{"plain": []byte(`[{},{}`), "gzip": zip(t, text)[:15]} {
		r := io.MultiReader(bytes.NewReader(file), iotest.ErrReader(broken))
		_, err := Stream(t.Context(), r, Limits{}, func([]byte) error { return nil })
		if _, own := errors.AsType[*FileError](err); own || !errors.Is(err, broken) {
			t.Errorf("%s: a broken connection became %v", name, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	r := io.MultiReader(strings.NewReader(`[{},`), readerFunc(func() { cancel() }), strings.NewReader(`{}]`))
	_, err = Stream(ctx, r, Limits{}, func([]byte) error { return nil })
	if _, own := errors.AsType[*FileError](err); own || !errors.Is(err, context.Canceled) {
		t.Errorf("cancellation became %v", err)
	}
}

// readerFunc is an empty reader that does something when it is reached.
type readerFunc func()

func (f readerFunc) Read([]byte) (int, error) {
	f()
	return 0, io.EOF
}

func TestStreamNeedsNoMoreMemoryForALargerFile(t *testing.T) {
	file := largeFile(t, 1000)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	stats, err := Stream(t.Context(), bytes.NewReader(file), Limits{}, func([]byte) error { return nil })
	runtime.ReadMemStats(&after)
	if err != nil || stats.Records != 1000 {
		t.Fatalf("%d records, error %v", stats.Records, err)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 1<<20 {
		t.Errorf("%d bytes allocated for a file of %d", used, stats.Bytes)
	}
}

// largeFile is a gzip log file of n records of some 2.3 KB.
func largeFile(t testing.TB, n int) []byte {
	t.Helper()
	var text strings.Builder
	text.WriteString(`{"Records":[`)
	for i := range n {
		if i > 0 {
			text.WriteByte(',')
		}
		fmt.Fprintf(&text, `{"eventVersion":"1.11","userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::111122223333:`+
			`user/u%d"},"eventTime":"2026-11-20T08:31:47Z","eventSource":"kms.amazonaws.com","eventName":"Decrypt",`+
			`"awsRegion":"eu-west-1","requestParameters":{"encryptionContext":{"aws:s3:arn":"arn:aws:s3:::b/%d"}},`+
			`"eventID":"%08x-0000-4000-8000-%012x","userAgent":"%s"}`, i%50, i, i, i*7919, filler(i))
	}
	text.WriteString(`]}`)
	return zip(t, text.String())
}

func filler(i int) string {
	var b strings.Builder
	for j := range 100 {
		fmt.Fprintf(&b, "md/%04x#linux ", (i*31+j*j*977)&0xffff)
	}
	return b.String()
}

func BenchmarkStream(b *testing.B) {
	file := largeFile(b, 20000)
	decoder := events.NewDecoder(nil)
	for _, bench := range []struct {
		name string
		each Each
	}{
		{"frame", func([]byte) error { return nil }},
		{"frame and decode", func(raw []byte) error {
			_, _, err := decoder.DecodeRecord(raw)
			return err
		}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			records := 0
			for b.Loop() {
				stats, err := Stream(b.Context(), bytes.NewReader(file), Limits{}, bench.each)
				if err != nil {
					b.Fatal(err)
				}
				records += stats.Records
				b.SetBytes(stats.Bytes)
			}
			b.ReportMetric(float64(records)/b.Elapsed().Seconds(), "records/s")
		})
	}
}

// FuzzStream looks for files that panic, hang, or are read differently when they come in small pieces.
func FuzzStream(f *testing.F) {
	for _, text := range []string{
		`{"Records":[{"a":1},{"b":"}"}]}`, "{\"a\":1}\n{\"b\":2}\n", `[1,2,[3]]`, `{"a":}`, `{"Records":[`,
	} {
		f.Add([]byte(text), false)
		f.Add(zip(f, text), true)
	}
	f.Fuzz(func(t *testing.T, file []byte, lines bool) {
		whole, _, err := read(t, bytes.NewReader(file), Limits{Bytes: 1 << 20}, lines)
		if _, own := errors.AsType[*FileError](err); err != nil && !own {
			t.Fatalf("not a FileError: %v", err)
		}
		if len(file) > 2 && file[0] == 0x1f {
			return // what was unzipped before a fault depends on the pieces
		}
		pieces, _, _ := read(t, iotest.HalfReader(bytes.NewReader(file)), Limits{Bytes: 1 << 20}, lines)
		if diff := cmp.Diff(whole, pieces); diff != "" {
			t.Fatalf("in pieces (-whole +pieces):\n%s", diff)
		}
	})
}
