package replay

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rotd/internal/audit"
	"rotd/internal/baseline"
	"rotd/internal/detection"
	"rotd/internal/inventory"
	"rotd/internal/state"
)

const account = "111122223333"

var began = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

func arnIn(region string, n int) string {
	return fmt.Sprintf("arn:aws:kms:%s:%s:key/00000000-0000-4000-8000-%012d", region, account, n)
}

// call is a Decrypt by one of three roles with one of four keys in two Regions, so long after the beginning.
func call(n int, after time.Duration) string {
	region := []string{"eu-west-1", "us-east-1"}[n%2]
	role := fmt.Sprintf("arn:aws:iam::%s:role/app-%d", account, n%3)
	return fmt.Sprintf(`{"eventVersion":"1.11","eventSource":"kms.amazonaws.com","eventName":"Decrypt",`+
		`"eventTime":%q,"eventID":"00000000-0000-4000-9000-%012d","awsRegion":%q,"recipientAccountId":%q,`+
		`"sourceIPAddress":"198.51.%d.7","userAgent":"x","eventType":"AwsApiCall","readOnly":true,`+
		`"requestParameters":{"encryptionContext":{"SecretARN":"s-%d"}},"responseElements":null,`+
		`"resources":[{"ARN":%q,"accountId":%q,"type":"AWS::KMS::Key"}],`+
		`"userIdentity":{"type":"AssumedRole","arn":"%s/s","accountId":%q,`+
		`"sessionContext":{"sessionIssuer":{"type":"Role","arn":%q,"accountId":%q}}}}`,
		began.Add(after).Format(time.RFC3339Nano), n, region, account, n%5, n%40, arnIn(region, n%4), account,
		strings.Replace(role, ":iam:", ":sts:", 1), account, role, account)
}

// calls are n of them, ten minutes apart, in the order of their times.
func calls(n int) (records []string) {
	for i := range n {
		records = append(records, call(i, time.Duration(i)*10*time.Minute))
	}
	return records
}

// folder is a folder of one log file with records.
func folder(t *testing.T, records ...string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "f.jsonl"), []byte(strings.Join(records, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func newState(t *testing.T) *state.DB {
	t.Helper()
	db, err := state.Open(state.Options{Path: filepath.Join(t.TempDir(), "rotd.db"), Shard: "default", Now: began})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func read(t *testing.T, o Options) *Lessons {
	t.Helper()
	o.Judge = detection.NewJudge(detection.Settings{Learning: detection.DefaultLearning})
	l, err := ReadLessons(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

func teach(t *testing.T, db *state.DB, o Options) Taught {
	t.Helper()
	taught, err := read(t, o).Teach(t.Context(), db, entry())
	if err != nil {
		t.Fatal(err)
	}
	return taught
}

func entry() audit.Entry {
	return audit.Entry{Time: began, Actor: "uid:0 (root)", Event: audit.ArchiveTaught}
}

// usual is what a state knows to be usual, as bytes by name.
func usual(t *testing.T, db *state.DB) map[string]string {
	t.Helper()
	all := map[string]string{}
	if err := db.View(func(tx *state.Tx) error {
		for n := range 4 {
			for _, region := range []string{"eu-west-1", "us-east-1"} {
				k, err := tx.KeyBaseline(arnIn(region, n))
				if err != nil {
					return err
				}
				all[arnIn(region, n)] = string(k.Append(nil))
			}
		}
		for n := range 3 {
			name := fmt.Sprintf("arn:aws:iam::%s:role/app-%d", account, n)
			p, err := tx.PrincipalBaseline(baseline.IDOf(name))
			if err != nil {
				return err
			}
			all[name] = string(p.Append(nil))
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestAnArchiveTeachesTheSameInWhicheverOrderItsRecordsAre(t *testing.T) {
	records := calls(600)
	want := newState(t)
	teach(t, want, Options{Paths: []string{folder(t, records...)}})

	shuffled := append(slices.Clone(records), records[:50]...) // some are there twice
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(shuffled), func(i, j int) {
		shuffled[i], shuffled[j] = shuffled[j], shuffled[i]
	})
	l := read(t, Options{Paths: []string{folder(t, shuffled[:300]...), folder(t, shuffled[300:]...)}})
	l.sorter.most = 64 // what follows is spilled; what was read is sorted anew
	all := l.sorter.all
	l.sorter.all = nil
	for i := range all {
		if err := l.sorter.add(&all[i]); err != nil {
			t.Fatal(err)
		}
	}
	l.atOnce = 100
	db := newState(t)
	taught, err := l.Teach(t.Context(), db, entry())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Taught{
		Files: 2, Records: 650, Learnt: 600, Keys: 4, Principals: 3, Repeated: 50,
		First: began, Last: began.Add(599 * 10 * time.Minute),
	}, taught); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(l.sorter.runs) != 10 {
		t.Errorf("%d runs were spilled", len(l.sorter.runs))
	}
	if diff := cmp.Diff(usual(t, want), usual(t, db)); diff != "" {
		t.Errorf("another order taught something else (-in order +shuffled):\n%s", diff)
	}
}

func TestAnArchiveTeachesOnceAndGoesOnWhereItWasBrokenOff(t *testing.T) {
	paths := []string{folder(t, calls(500)...)}
	want := newState(t)
	teach(t, want, Options{Paths: paths})
	once := usual(t, want)

	again := teach(t, want, Options{Paths: paths})
	if again.Learnt != 0 || again.Before != 500 {
		t.Errorf("a second time: %+v", again)
	}
	if diff := cmp.Diff(once, usual(t, want)); diff != "" {
		t.Errorf("a second time taught something (-once +twice):\n%s", diff)
	}

	db := newState(t)
	l := read(t, Options{Paths: paths})
	l.atOnce = 100
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	part, err := l.Teach(&after{ctx, cancel, 3}, db, entry())
	if !errors.Is(err, context.Canceled) || part.Learnt != 200 {
		t.Fatalf("broken off after %+v with error %v", part, err)
	}
	rest := teach(t, db, Options{Paths: paths})
	if rest.Learnt != 300 || rest.Before != 200 {
		t.Errorf("going on: %+v", rest)
	}
	if diff := cmp.Diff(once, usual(t, db)); diff != "" {
		t.Errorf("what was broken off taught something else (-once +in two parts):\n%s", diff)
	}
}

// after is a context that ends when it is asked for the n-th time.
type after struct {
	context.Context
	cancel context.CancelFunc
	n      int
}

func (a *after) Err() error {
	if a.n--; a.n <= 0 {
		a.cancel()
	}
	return a.Context.Err()
}

func TestSeveralArchivesTeachInTheOrderOfTheirTimes(t *testing.T) {
	records := calls(400)
	want := newState(t)
	teach(t, want, Options{Paths: []string{folder(t, records...)}})
	db := newState(t)
	for _, part := range [][]string{records[:150], records[100:300], records[300:]} {
		teach(t, db, Options{Paths: []string{folder(t, part...)}})
	}
	if diff := cmp.Diff(usual(t, want), usual(t, db)); diff != "" {
		t.Errorf("(-in one +in three):\n%s", diff)
	}
	late := teach(t, db, Options{Paths: []string{folder(t, call(0, -time.Hour))}})
	if late.Learnt != 0 || late.Before != 1 {
		t.Errorf("what is earlier than what was taught: %+v", late)
	}
}

func TestSinceAndUntilBoundWhatIsLearnt(t *testing.T) {
	db := newState(t)
	taught := teach(t, db, Options{
		Paths: []string{folder(t, calls(100)...)}, Since: began.Add(100 * time.Minute), Until: began.Add(300 * time.Minute),
	})
	if diff := cmp.Diff(Taught{
		Files: 1, Records: 100, Learnt: 20, Keys: 4, Principals: 3, First: began.Add(100 * time.Minute),
		Last: began.Add(290 * time.Minute),
	}, taught); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestOfATimeThatHasNotComeNothingIsLearnt(t *testing.T) {
	now := began.Add(50 * 10 * time.Minute)
	records := append(calls(100), call(100, 366*24*time.Hour))
	db := newState(t)
	taught := teach(t, db, Options{Paths: []string{folder(t, records...)}, Now: now})
	if taught.Learnt != 57 || taught.Future != 44 || !taught.Last.Equal(now.Add(time.Hour)) {
		t.Errorf("%+v", taught)
	}
	// Nor is what comes until then taken for taught.
	rest := teach(t, db, Options{Paths: []string{folder(t, calls(100)...)}, Now: now.Add(24 * time.Hour)})
	if rest.Learnt != 43 || rest.Before != 57 || rest.Future != 0 {
		t.Errorf("a day later: %+v", rest)
	}
}

func TestWhatIsOfOneSecondIsTaughtWhole(t *testing.T) {
	var records []string
	for n := range 30 { // ten each second, in fractions of it
		records = append(records, call(n, time.Duration(n)*100*time.Millisecond))
	}
	paths := []string{folder(t, records...)}
	want := newState(t)
	teach(t, want, Options{Paths: paths})

	db := newState(t)
	l := read(t, Options{Paths: paths})
	l.atOnce = 5
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	part, err := l.Teach(&after{ctx, cancel, 2}, db, entry())
	if !errors.Is(err, context.Canceled) || part.Learnt != 10 {
		t.Fatalf("broken off after %+v with error %v", part, err)
	}
	if rest := teach(t, db, Options{Paths: paths}); rest.Learnt != 20 || rest.Before != 10 {
		t.Errorf("going on: %+v", rest)
	}
	if diff := cmp.Diff(usual(t, want), usual(t, db)); diff != "" {
		t.Errorf("(-in one +in two):\n%s", diff)
	}
}

func TestSinceIsWithinAndUntilIsNotWhateverTheFilesAreNamed(t *testing.T) {
	since, until := time.Hour, 2*time.Hour
	var records []string
	for n, at := range []time.Duration{
		since - time.Second, since - time.Millisecond, since, since + time.Millisecond,
		until - time.Second, until - time.Millisecond, until, until + time.Millisecond,
	} {
		records = append(records, call(n, at))
	}
	o := Options{
		Paths: []string{folder(t, records...)}, Since: began.Add(since), Until: began.Add(until), // "f.jsonl" tells no day
	}
	if taught := teach(t, newState(t), o); taught.Learnt != 4 || !taught.First.Equal(o.Since) ||
		!taught.Last.Equal(o.Until.Add(-time.Second)) {
		t.Errorf("taught %+v", taught)
	}
	o.Judge = detection.NewJudge(detection.Settings{})
	got, err := Run(t.Context(), o)
	if s := got.Summary; err != nil || s.Records != 8 || s.Outside != 4 || !s.First.Equal(o.Since) ||
		!s.Last.Equal(o.Until.Add(-time.Second)) {
		t.Errorf("%+v, error %v", got.Summary, err)
	}
}

func TestOfKeysThatAreNotThereNothingIsLearntOrKept(t *testing.T) {
	db := newState(t)
	update := func(fn func(tx *state.Tx) error) {
		t.Helper()
		if err := db.Update(fn); err != nil {
			t.Fatal(err)
		}
	}
	inventoried := func(region string) func(tx *state.Tx) error {
		return func(tx *state.Tx) error {
			return tx.PutPlace(state.Coverage{Account: account, Region: region, FirstSeen: began, LastComplete: began})
		}
	}
	update(inventoried("us-east-1"))
	update(func(tx *state.Tx) error {
		return tx.PutKey(&inventory.Key{ARN: arnIn("us-east-1", 1), Account: account, Region: "us-east-1", ID: "1"})
	})
	foreign := strings.ReplaceAll(call(1000, time.Hour), "key/0", "key/f")
	foreign = strings.Replace(foreign, "eu-west-1:"+account, "eu-west-1:999988887777", 1)
	taught := teach(t, db, Options{Paths: []string{folder(t, append(calls(8), foreign)...)}})
	// Keys 1 and 3 are us-east-1's, of which the inventory knows 1; of eu-west-1 there is no inventory yet.
	if taught.Learnt != 6 || taught.Strangers != 2 || taught.Keys != 3 {
		t.Errorf("taught %+v", taught)
	}
	some := func() (some []string) {
		empty := string(new(baseline.Key).Append(nil))
		for name, raw := range usual(t, db) {
			if strings.Contains(name, ":key/") && raw != empty {
				some = append(some, name)
			}
		}
		slices.Sort(some)
		return some
	}
	want := []string{arnIn("eu-west-1", 0), arnIn("eu-west-1", 2), arnIn("us-east-1", 1)}
	if diff := cmp.Diff(want, some()); diff != "" {
		t.Errorf("learnt of (-want +got):\n%s", diff)
	}
	dropped, err := db.Retain(began)
	if err != nil || dropped.Strangers != 0 {
		t.Errorf("before an inventory: %+v, %v", dropped, err)
	}
	update(inventoried("eu-west-1"))
	if dropped, err = db.Retain(began); err != nil || dropped.Strangers != 2 {
		t.Errorf("after an inventory that did not find them: %+v, %v", dropped, err)
	}
	if diff := cmp.Diff(want[2:], some()); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
}

func TestNamesAreNumberedOnce(t *testing.T) {
	var n names
	got := map[string]uint32{}
	for _, text := range []string{"a", "b", "a"} {
		got[text] = n.of(text)
	}
	if diff := cmp.Diff(map[string]uint32{"a": 1, "b": 2}, got); diff != "" || n.text(2) != "b" {
		t.Errorf("(-want +got):\n%s\n%v", diff, slices.Collect(maps.Values(got)))
	}
}
