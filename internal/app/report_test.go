package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"

	"rotd/internal/awss3"
	"rotd/internal/awssim"
	"rotd/internal/config"
	"rotd/internal/engine"
	"rotd/internal/history"
	"rotd/internal/inventory"
	"rotd/internal/policy"
	"rotd/internal/report"
	"rotd/internal/state"
)

// reporting is a daemon with so many keys in its state, as far as reports need one.
func reporting(t testing.TB, keys int) *daemonProcess {
	t.Helper()
	cfg := config.Default()
	cfg.Policies = policy.Set{{
		Name: "all", Rotation: policy.Rotation{
			MaxAge: 365 * 24 * time.Hour, Automatic: 365 * 24 * time.Hour, Method: policy.Auto,
		},
	}}
	db, err := state.Open(state.Options{Path: filepath.Join(t.TempDir(), "rotd.db"), Shard: "default", Now: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	d := &daemonProcess{opts: Options{Version: "1.2.3"}, cfg: cfg, db: db, log: zap.NewNop()}
	d.prices.Store(&cfg.Prices)
	d.engine = engine.New(engine.Options{
		DB: db, Settings: settings(cfg, "111122223333"), Logger: zap.NewNop(),
		Places: []engine.Place{
			{Account: "111122223333", Region: "us-east-1"}, {Account: "111122223333", Region: "eu-west-1"},
		},
	})
	now := time.Now().UTC()
	for begun := 0; begun < keys; begun += 5000 {
		err := db.Update(func(tx *state.Tx) error {
			for i := begun; i < min(begun+5000, keys); i++ {
				if err := tx.PutKey(someKey(i, now)); err != nil {
					return err
				}
			}
			return tx.PutPlace(state.Coverage{
				Account: "111122223333", Region: "us-east-1", LastComplete: now, LastSweep: now, LastKind: "inventory", Keys: keys,
			})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return d
}

// someKey is a key with the key policy that KMS gives a key by itself.
func someKey(i int, now time.Time) *inventory.Key {
	id := fmt.Sprintf("%08x-12ab-34cd-56ef-1234567890ab", i)
	next := now.Add(100 * 24 * time.Hour)
	return &inventory.Key{
		ARN: "arn:aws:kms:us-east-1:111122223333:key/" + id, ID: id, Partition: "aws", Account: "111122223333",
		Region: "us-east-1", State: "Enabled", Manager: "CUSTOMER", Origin: "AWS_KMS", Spec: "SYMMETRIC_DEFAULT",
		Usage: "ENCRYPT_DECRYPT", Created: now.Add(-1000 * 24 * time.Hour), Aliases: []string{fmt.Sprintf("alias/key-%d", i)},
		Tags: map[string]string{"team": "payments", "env": "prod"}, CurrentMaterial: strings.Repeat("a", 64),
		Policy: `{"Version":"2012-10-17","Id":"key-default-1","Statement":[{"Sid":"Enable IAM User Permissions",` +
			`"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"kms:*","Resource":"*"}]}`,
		Rotation: &inventory.Rotation{
			Enabled: true, PeriodDays: 365, Next: &next, HistoryAt: now,
			History: []inventory.Rotated{
				{At: now.Add(-265 * 24 * time.Hour), Type: "AUTOMATIC", Material: strings.Repeat("a", 64)},
			},
		},
		ReadAt: now, FullAt: now, FirstRead: now,
	}
}

func TestAReportHasEveryKeyAndSaysWhichPlaceWasNeverRead(t *testing.T) {
	d := reporting(t, 601) // more than two pages
	d.up.Store(true)
	var b strings.Builder
	if err := (&backend{d}).Report(t.Context(), report.Query{Format: "json"}, &b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"unverified":["111122223333/eu-west-1: it was never read."]`, `"total":{"keys":601,"in_order":601,`,
		`"complete":{"keys":601,"counted":601}`,
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%s is not in the report", want)
		}
	}
	if got := strings.Count(b.String(), `"arn":"arn:aws:kms:us-east-1`); got != 601 {
		t.Errorf("%d keys", got)
	}
}

func TestTheEventThatToldOfTheLastRotationIsEvidence(t *testing.T) {
	now := time.Now().UTC()
	for name, test := range map[string]struct {
		told history.Evidence
		want bool
	}{
		"of the same material": {history.Evidence{Material: strings.Repeat("a", 64), At: now}, true},
		"of other material":    {history.Evidence{Material: strings.Repeat("b", 64), At: now}, false},
		"without a material, at the time of the rotation": {
			history.Evidence{At: now.Add(-265*24*time.Hour + time.Minute)}, true,
		},
		"without a material, later": {history.Evidence{At: now}, false},
	} {
		t.Run(name, func(t *testing.T) {
			d := reporting(t, 1)
			test.told.EventID, test.told.Operation = "7c9e6679-7425-40de-944b-e07fc1f90ae7", "RotateKey"
			err := d.db.Update(func(tx *state.Tx) error {
				return tx.AddHistory(someKey(0, now).ARN, &history.Entry{
					Kind: history.EventKind("RotateKey"), SeenAt: now, Kept: now, Evidence: []history.Evidence{test.told},
				})
			})
			if err != nil {
				t.Fatal(err)
			}
			var b strings.Builder
			if err := d.writeReport(t.Context(), report.Query{Format: "json"}, &b); err != nil {
				t.Fatal(err)
			}
			if got := strings.Contains(b.String(), `"event_id":"7c9e6679-7425-40de-944b-e07fc1f90ae7"`); got != test.want {
				t.Errorf("the event is in the report: %t", got)
			}
		})
	}
}

func TestAnExceptionIsNamedWithItsApprover(t *testing.T) {
	d := reporting(t, 2)
	changed := *d.engine.Settings()
	until := time.Now().UTC().Add(24 * time.Hour).Truncate(time.Second)
	changed.Policies = policy.Set{{
		Name: "quarterly", Rotation: policy.Rotation{
			MaxAge: 90 * 24 * time.Hour, Automatic: 90 * 24 * time.Hour, Method: policy.Auto,
		},
	}}
	changed.Exceptions = policy.Exceptions{{
		Name: "vendor", Keys: []string{"alias/key-1"}, Author: "ann", Approver: "ciso", Reason: "pinned", Expires: until,
	}}
	d.engine.Reload(&changed)
	var b strings.Builder
	if err := d.writeReport(t.Context(), report.Query{Format: "json"}, &b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"total":{"keys":2,"in_order":0,"drift":1,"excepted":1,`,
		`"exceptions":[{"name":"vendor","checks":["rotation-period-too-long","rotation-overdue"],"author":"ann",` +
			`"approver":"ciso","reason":"pinned","expires":"` + until.Format(time.RFC3339) + `"}]`,
		`"exceptions":[{"name":"vendor","covers":["alias/key-1"],"author":"ann",`,
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%s is not in %s", want, b.String())
		}
	}
}

func TestNoReportBeforeTheDaemonIsUp(t *testing.T) {
	d := reporting(t, 1)
	if err := (&backend{d}).Report(t.Context(), report.Query{Format: "csv"}, io.Discard); err == nil {
		t.Error("want an error")
	}
}

func TestAReportStopsWithItsContext(t *testing.T) {
	d := reporting(t, 1000)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := d.writeReport(ctx, report.Query{Format: "csv"}, io.Discard)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestScheduledReportsAreKeptWholeAndTheOldestGo(t *testing.T) {
	d := reporting(t, 3)
	dir := filepath.Join(t.TempDir(), "reports")
	r := &config.Report{Name: "monthly", Format: "csv", To: dir, Keep: 2}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		t.Fatal(err)
	}
	strangers := []string{"rotd-default-monthly-pci-20260101T060000Z.html", "notes.txt"}
	for _, name := range append(strangers, ".rotd-report-monthly.123") {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for month := range 4 {
		at := time.Date(2026, time.Month(month+1), 1, 6, 0, 0, 0, time.UTC)
		if err := d.shelve(t.Context(), r, at); err != nil {
			t.Fatal(err)
		}
	}
	want := append([]string{
		"rotd-default-monthly-20260301T060000Z.csv", "rotd-default-monthly-20260401T060000Z.csv",
	}, strangers...)
	slices.Sort(want)
	if diff := cmp.Diff(want, files(t, dir)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	got, err := os.ReadFile(filepath.Join(dir, "rotd-default-monthly-20260401T060000Z.csv"))
	if err != nil || strings.Count(string(got), "\r\n") != 4 {
		t.Errorf("%q, %v", got, err)
	}
}

func TestAScheduledReportThatFailsLeavesNothing(t *testing.T) {
	d := reporting(t, 1000)
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := &config.Report{Name: "monthly", Format: "csv", To: dir, Keep: 2}
	if err := d.shelve(ctx, r, time.Now()); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if left := files(t, dir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	r.To = filepath.Join(dir, "file")
	if err := os.WriteFile(r.To, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	err := d.shelve(t.Context(), r, time.Now())
	if err == nil || !strings.Contains(err.Error(), "write report monthly: open "+r.To) {
		t.Errorf("got %v", err)
	}
}

func TestScheduledReportsAreKeptInS3(t *testing.T) {
	sim := awssim.New(awssim.Options{Seed: 1, Logger: zap.NewNop()})
	if err := sim.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := sim.Close(); err != nil {
			t.Error(err)
		}
	})
	sim.CreateBucket("us-east-1", "111122223333", "audit")
	d := reporting(t, 3)
	d.store = awss3.New(sim.As(sim.NewAccessKey("111122223333", "rotd"), "us-east-1"))
	r := &config.Report{Name: "monthly", Format: "csv", To: "s3://audit/kms", Keep: 2}
	for month := range 3 {
		if err := d.shelve(t.Context(), r, time.Date(2026, time.Month(month+1), 1, 6, 0, 0, 0, time.UTC)); err != nil {
			t.Fatal(err)
		}
	}
	var names []string
	for o, err := range d.store.List(t.Context(), awss3.Location{Bucket: "audit"}) {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, o.Key)
	}
	if diff := cmp.Diff([]string{
		"kms/rotd-default-monthly-20260201T060000Z.csv", "kms/rotd-default-monthly-20260301T060000Z.csv",
	}, names); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(d.db.Path()), ".rotd-report*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	r.To = "s3://nowhere/kms"
	if err := d.shelve(t.Context(), r, time.Now()); err == nil || !strings.Contains(err.Error(), "s3://nowhere/kms") {
		t.Errorf("got %v", err)
	}
}

func files(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestEachReportIsAJob(t *testing.T) {
	d := reporting(t, 0)
	jobs := d.reportJobs([]config.Report{{Name: "monthly", Schedule: "0 6 1 * *"}, {Name: "b", Schedule: "@daily"}})
	var names []string
	for _, j := range jobs {
		names = append(names, j.Name+" "+j.Spec)
	}
	if diff := cmp.Diff([]string{"report-monthly 0 6 1 * *", "report-b @daily"}, names); diff != "" {
		t.Errorf("jobs (-want +got):\n%s", diff)
	}
}

// firstByte notes when the first byte came, and counts.
type firstByte struct {
	began time.Time
	first time.Duration
	bytes int64
}

func (f *firstByte) Write(p []byte) (int, error) {
	if f.bytes == 0 {
		f.first = time.Since(f.began)
	}
	f.bytes += int64(len(p))
	return len(p), nil
}

// BenchmarkReport writes a report on 100,000 keys, and says when its first byte came.
func BenchmarkReport(b *testing.B) {
	d := reporting(b, 100_000)
	for _, q := range []report.Query{
		{Format: "json"}, {Format: "html", Framework: "pci-dss-4.0.1"}, {Format: "csv"}, {Format: "ocsf"}, {Format: "text"},
	} {
		b.Run(q.Format, func(b *testing.B) {
			for b.Loop() {
				w := &firstByte{began: time.Now()}
				if err := d.writeReport(b.Context(), q, w); err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(w.first.Microseconds())/1000, "ms-to-first-byte")
				b.ReportMetric(float64(w.bytes)/(1<<20), "MiB")
			}
		})
	}
}
