package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap"

	"rotd/internal/admin"
	"rotd/internal/app"
	"rotd/internal/awssim"
	"rotd/internal/finding"
	"rotd/internal/inventory"
	"rotd/internal/state"
	"rotd/internal/usage"
)

// largeFleet is how many keys the benchmarks have.
const largeFleet = 100_000

// BenchmarkLargeState times what people ask of a daemon whose state has 100,000 keys, until the first byte of the
// answer is printed and until the last one is, command line and control socket included.
func BenchmarkLargeState(b *testing.B) {
	path := filepath.Join(b.TempDir(), "rotd.db")
	writeFleet(b, path, largeFleet)
	info, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("open", func(b *testing.B) {
		for b.Loop() {
			db, err := state.Open(state.Options{Path: path, Shard: "default", Now: noon})
			if err != nil {
				b.Fatal(err)
			}
			if err := db.Close(); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(info.Size())/largeFleet, "bytes/key")
	})
	b.Run("open-and-compact", func(b *testing.B) { compactFleet(b, path) })
	socket := runDaemon(b, path)
	for _, test := range []struct {
		name string
		args []string
	}{
		{"keys-list", []string{"keys", "list"}},
		{"keys-list-all", []string{"keys", "list", "--limit", "0"}},
		{"keys-list-jsonl", []string{"keys", "list", "-o", "jsonl"}},
		{"keys-list-json", []string{"keys", "list", "-o", "json"}},
		{"keys-list-csv", []string{"keys", "list", "-o", "csv"}},
		{"keys-list-search", []string{"keys", "list", "-o", "jsonl", "--search", "fleet-099"}},
		{"keys-show", []string{"keys", "show", "alias/fleet-077777"}},
		{"keys-impact", []string{"keys", "impact", busyAlias}},
		{"keys-contents", []string{"keys", "contents", busyAlias}},
		{"status", []string{"status"}},
		{"findings-list", []string{"findings", "list"}},
		{"report-html", []string{"report", "--format", "html", "--framework", "pci-dss-4.0.1"}},
		{"report-csv", []string{"report", "--format", "csv"}},
		{"report-json", []string{"report", "--format", "json", "--framework", "pci-dss-4.0.1"}},
		{"state-backup", []string{"state", "backup", filepath.Join(b.TempDir(), "copy.db"), "--force"}},
		{"state-check", []string{"state", "check"}},
	} {
		b.Run(test.name, func(b *testing.B) { timeCommand(b, socket, test.args) })
	}
}

// compactFleet opens copies of the state that have to be rewritten.
func compactFleet(b *testing.B, path string) {
	var after int64
	for b.Loop() {
		b.StopTimer()
		copied := filepath.Join(b.TempDir(), "rotd.db")
		raw, err := os.ReadFile(path)
		if err == nil {
			err = os.WriteFile(copied, raw, 0o600)
		}
		if err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		db, err := state.Open(state.Options{Path: copied, Shard: "default", Now: noon, Compact: true})
		if err != nil {
			b.Fatal(err)
		}
		if c := db.Opened.Compaction; c.Kept != "" {
			b.Fatal(c.Kept)
		}
		after = db.Size()
		b.StopTimer()
		if err := db.Close(); err != nil {
			b.Fatal(err)
		}
		_ = os.Remove(copied)
		b.StartTimer()
	}
	b.ReportMetric(float64(after)/largeFleet, "bytes/key")
}

// firstByte is a writer that remembers when it was first written to.
type firstByte struct {
	at    time.Time
	bytes int
}

func (w *firstByte) Write(p []byte) (int, error) {
	if w.at.IsZero() {
		w.at = time.Now()
	}
	w.bytes += len(p)
	return len(p), nil
}

func timeCommand(b *testing.B, socket string, args []string) {
	var first time.Duration
	var slowest time.Duration
	n, printed := 0, 0
	runtime.GC() // what the command before left is not this one's
	peak := liveHeap(b)
	for b.Loop() {
		var out firstByte
		var failed bytes.Buffer
		c := &cli{
			in: strings.NewReader(""), out: &out, err: &failed, now: time.Now,
			getenv: func(name string) string { return map[string]string{"ROTD_SOCKET": socket}[name] },
		}
		begun := time.Now()
		if status := execute(b.Context(), c, args); status != admin.ExitDone {
			b.Fatalf("%v ended with %d: %s", args, status, failed.String())
		}
		took := out.at.Sub(begun)
		first += took
		slowest = max(slowest, took)
		printed = out.bytes
		n++
	}
	b.ReportMetric(float64(printed)/(1<<20), "printed-MiB")
	b.ReportMetric(float64(peak())/(1<<20), "live-MiB")
	b.ReportMetric(float64(first.Microseconds())/1e3/float64(n), "first-ms")
	b.ReportMetric(float64(slowest.Microseconds())/1e3, "slowest-first-ms")
}

// liveHeap watches what the process, daemon and command together, has reachable on its heap; peak is the most that a
// collection found.
func liveHeap(b *testing.B) (peak func() uint64) {
	var most atomic.Uint64
	ended := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		for tick := time.NewTicker(10 * time.Millisecond); ; {
			metrics.Read(sample)
			most.Store(max(most.Load(), sample[0].Value.Uint64()))
			select {
			case <-tick.C:
			case <-ended:
				tick.Stop()
				return
			}
		}
	})
	stop := sync.OnceFunc(func() { close(ended); watching.Wait() })
	b.Cleanup(stop)
	return func() uint64 { stop(); return most.Load() }
}

// runDaemon runs rotd over the state until the benchmark ends. KMS is cut off, so that no sweep finds the keys gone.
func runDaemon(b *testing.B, path string) (socket string) {
	b.Helper()
	sim := awssim.New(awssim.Options{Seed: 1})
	if err := sim.Start(); err != nil {
		b.Fatal(err)
	}
	sim.Outage("kms", true)
	queue := sim.CreateQueue("us-east-1", "111122223333", "rotd")
	user := sim.NewAccessKey("111122223333", "rotd")
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": sim.URL(), "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": user.AccessKeyID,
		"AWS_SECRET_ACCESS_KEY": user.SecretAccessKey, "AWS_CONFIG_FILE": os.DevNull,
		"AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_EC2_METADATA_DISABLED": "true",
	} {
		b.Setenv(name, value)
	}
	folder := b.TempDir()
	socket = filepath.Join(folder, "s")
	config := filepath.Join(folder, "rotd.yaml")
	text := fmt.Sprintf("state: {path: %s}\nadmin: {socket: %s, http: \"127.0.0.1:0\"}\nintake: {queues: [{url: %s}]}\n"+
		"accounts: [{id: \"111122223333\", regions: [us-east-1]}]\n"+
		"policies: [{name: fleet, match: {aliases: [\"alias/fleet-*\"]}, owner_tags: [owner], mode: observe, "+
		"rotation: {max_age: 365d, method: automatic, rationale: yearly}}]\n", path, socket, queue)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	go func() { ended <- app.Run(ctx, app.Options{ConfigPath: config, Version: "bench", Logger: zap.NewNop()}) }()
	b.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			b.Error(err)
		}
		if err := sim.Close(); err != nil {
			b.Error(err)
		}
	})
	client := admin.NewClient(socket)
	defer client.Close()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		if _, err := client.Status(b.Context()); err == nil {
			return socket
		} else if time.Now().After(deadline) {
			b.Fatal(err)
		}
	}
}

// writeFleet writes a state as an inventory of n keys leaves it, some of them with findings.
func writeFleet(tb testing.TB, path string, n int) {
	tb.Helper()
	db, err := state.Open(state.Options{Path: path, Shard: "default", Now: noon})
	if err != nil {
		tb.Fatal(err)
	}
	for from := 0; from < n; from += 1_000 {
		if err := db.Update(func(tx *state.Tx) error {
			for i := from; i < min(from+1_000, n); i++ {
				if err := writeFleetKey(tx, i); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			tb.Fatal(err)
		}
	}
	writeBusyKey(tb, db)
	if err := db.Close(); err != nil {
		tb.Fatal(err)
	}
}

// busyKey is a key that much hangs on.
const busyKey, busyAlias = 55_555, "alias/fleet-055555"

// writeBusyKey gives a key 50 principals that called for 90 days, 100 grants and as many tables.
func writeBusyKey(tb testing.TB, db *state.DB) {
	tb.Helper()
	const of = 50
	now, k := time.Now(), fleetKey(busyKey)
	k.Grants = &inventory.Grants{ReadAt: now, Count: inventory.MaxGrants}
	var uses usage.Batch
	for age := range 90 * of {
		u := usage.Use{
			Key: k.ARN, Principal: fmt.Sprintf("arn:aws:iam::111122223333:role/service-%d", age%of), Operation: 1,
			Alias: busyAlias, At: now.Add(-time.Duration(age) * day / of),
		}
		u.Network, _ = usage.Source(fmt.Sprintf("10.0.%d.1", age%of))
		if age%2 == 0 {
			u.Service, u.Shape, u.Vouched = "dynamodb.amazonaws.com", "aws:dynamodb:tableName", true
			u.Resource = usage.Resource("aws:dynamodb:tableName", fmt.Sprintf("table-%d", age%(4*of)))
		}
		uses.Add(&u)
	}
	for i := range inventory.MaxGrants {
		k.Grants.List = append(k.Grants.List, inventory.Grant{
			ID: fmt.Sprintf("%064x", i), Grantee: fmt.Sprintf("arn:aws:iam::111122223333:role/service-%d", i),
			Operations: []string{"Decrypt", "GenerateDataKey"}, Created: now,
		})
	}
	if err := db.Update(func(tx *state.Tx) error {
		if _, _, err := tx.AppendUsage(&uses, now); err != nil {
			return err
		}
		return tx.PutKey(k)
	}); err != nil {
		tb.Fatal(err)
	}
	if _, err := db.FoldUsage(tb.Context(), now); err != nil {
		tb.Fatal(err)
	}
}

func writeFleetKey(tx *state.Tx, i int) error {
	k := fleetKey(i)
	if err := tx.PutKey(k); err != nil {
		return err
	}
	if err := tx.NoteUse(k.ARN, noon.Add(-time.Duration(i)*time.Second)); err != nil || i%4 != 0 {
		return err
	}
	return tx.PutFinding(&finding.Finding{
		ID: fmt.Sprintf("fnd_01JPK%021d", i), RuleID: "rotation-overdue", Severity: finding.Severity(i / 4 % 5),
		Title:       "A key is overdue for rotation",
		Description: strings.Repeat("The key's material is older than its policy allows. ", 4),
		Remedy:      []string{"rotd rotate " + k.ARN + " --reason 'overdue'"}, Fingerprint: fmt.Sprintf("v1:%064x", i),
		Status: finding.Open, Episode: 1, Count: 1, FirstSeen: noon, LastSeen: noon, KeyARN: k.ARN, Account: k.Account,
		Region: k.Region, Subject: finding.Subject{Type: finding.Key, ID: k.ARN}, Mitre: []string{},
	})
}

// fleetKey has all that keys have in a well-kept account: tags, a policy of about 1 KB, a history.
func fleetKey(i int) *inventory.Key {
	id := fmt.Sprintf("%08x-12ab-34cd-56ef-%012x", uint32(i)*2_654_435_761, i)
	k := &inventory.Key{
		ARN: "arn:aws:kms:us-east-1:111122223333:key/" + id, ID: id, Partition: "aws", Account: "111122223333",
		Region: "us-east-1", Description: "Encrypts the tables of service " + id[:8], State: "Enabled", Manager: "CUSTOMER",
		Origin: "AWS_KMS", Spec: "SYMMETRIC_DEFAULT", Usage: "ENCRYPT_DECRYPT", Created: before(700 * day),
		CurrentMaterial: strings.Repeat(id[:8], 8), Aliases: []string{fmt.Sprintf("alias/fleet-%06d", i)},
		Tags:   map[string]string{"team": "payments", "env": "prod", "owner": "team-" + id[:3], "cost-center": "4711"},
		ReadAt: noon, FullAt: noon, WholeBy: noon, FirstRead: before(90 * day),
		Policy: fmt.Sprintf(fleetPolicy, id[:8], id[:8], id[:8]),
	}
	next := noon.Add(100 * day)
	k.Rotation = &inventory.Rotation{Enabled: true, PeriodDays: 365, Next: &next, HistoryAt: noon}
	for year := range 2 {
		k.Rotation.History = append(k.Rotation.History, inventory.Rotated{
			At: before(time.Duration(600-365*year) * day), Type: "AUTOMATIC",
		})
	}
	if i%1_000 == 7 {
		k.Rotation.History = append(k.Rotation.History, inventory.Rotated{At: before(day), Type: "ON_DEMAND"})
	}
	return k
}

const fleetPolicy = `{"Version":"2012-10-17","Id":"service-%s","Statement":[{"Sid":"Enable IAM policies",` +
	`"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"kms:*","Resource":"*"},` +
	`{"Sid":"Use of the key","Effect":"Allow","Principal":{"AWS":["arn:aws:iam::111122223333:role/service-%s-writer",` +
	`"arn:aws:iam::111122223333:role/service-%s-reader"]},"Action":["kms:Encrypt","kms:Decrypt","kms:ReEncrypt*",` +
	`"kms:GenerateDataKey*","kms:DescribeKey"],"Resource":"*","Condition":{"StringEquals":{"kms:ViaService":` +
	`"dynamodb.us-east-1.amazonaws.com","kms:CallerAccount":"111122223333"}}},{"Sid":"Attachment of resources",` +
	`"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:role/deployer"},"Action":["kms:CreateGrant",` +
	`"kms:ListGrants","kms:RevokeGrant"],"Resource":"*","Condition":{"Bool":{"kms:GrantIsForAWSResource":"true"}}}]}`
