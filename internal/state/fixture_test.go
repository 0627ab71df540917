package state

import (
	"compress/gzip"
	"crypto/sha256"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"go.etcd.io/bbolt"

	"rotd/internal/audit"
	"rotd/internal/baseline"
	"rotd/internal/finding"
	"rotd/internal/history"
	"rotd/internal/incident"
	"rotd/internal/inventory"
	"rotd/internal/policy"
	"rotd/internal/reencrypt"
	"rotd/internal/remediation"
	"rotd/internal/suppression"
	"rotd/internal/usage"
)

// testdata/schema has for each schema N a state, N.db.gz, that the real rotd of that schema left after a full life, and
// what today's rotd reads in it, N.golden. A fixture is made once, by the last rotd of its schema, before SchemaVersion
// is raised, and is never written anew:
//
//	go test ./test/crash -run TestTheStoryLeavesAFixture -fixture "$PWD/internal/state/testdata/schema/N.db.gz"
//	go test ./internal/state -run TestAStateOfEverySchema -update

var updateFlag = flag.Bool("update", false, "write golden files anew")

func fixturePath(schema uint64) string { return fmt.Sprintf("testdata/schema/%d.db.gz", schema) }

// unpacked is a copy of a schema's fixture.
func unpacked(t *testing.T, schema uint64) (path string) {
	t.Helper()
	packed, err := os.Open(fixturePath(schema))
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	unpack, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(unpack)
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "state.db")
	write(t, path, content)
	return path
}

// TestEverySchemaHasAFixtureAndAMigration fails when SchemaVersion is raised without a step that leads there, or
// without a state of the schema before.
func TestEverySchemaHasAFixtureAndAMigration(t *testing.T) {
	var steps, want []uint64
	for _, step := range migrations() {
		steps = append(steps, step.to)
	}
	for schema := uint64(1); schema <= SchemaVersion; schema++ {
		if schema > 1 {
			want = append(want, schema)
		}
		if _, err := os.Stat(fixturePath(schema)); err != nil {
			t.Errorf("schema %d: %v; it is made by the last rotd of that schema, as fixture_test.go says", schema, err)
			continue
		}
		file, err := OpenCopy(unpacked(t, schema))
		if err != nil {
			t.Fatal(err)
		}
		db := &DB{file: file, path: file.Name(), bounds: defaultBounds()}
		if err := db.mapReadOnly(); err != nil {
			t.Fatal(err)
		}
		version, shard, err := db.identity()
		if err != nil || version != schema || shard != "default" {
			t.Errorf("the fixture of schema %d is of schema %d and shard %q: %v", schema, version, shard, err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
	same(t, "the schemas that migrations lead to", steps, want)
}

// TestAStateOfEverySchemaIsReadWhole opens what each schema's rotd left, and reads every entry as what it is.
func TestAStateOfEverySchemaIsReadWhole(t *testing.T) {
	for schema := uint64(1); schema <= SchemaVersion; schema++ {
		t.Run(fmt.Sprint("schema ", schema), func(t *testing.T) {
			db := openAt(t, unpacked(t, schema)) // what must be true between buckets is looked at when it is closed
			if o := db.Opened; o.New || o.SetAside != "" || (o.Backup != "") != (schema < SchemaVersion) {
				t.Fatalf("opened: %+v", o)
			}
			var got strings.Builder
			view(t, db, func(tx *Tx) error { return readAll(t, tx, &got) })
			golden := fmt.Sprintf("testdata/schema/%d.golden", schema)
			if *updateFlag {
				write(t, golden, []byte(got.String()))
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			same(t, "what is read", got.String(), string(want))
		})
	}
}

// unfilled are the buckets that no story fills in so short a time.
func unfilled() []string {
	return []string{
		bucketProofs + "/nonces", // used where admin.roles name AWS identities
	}
}

// readAll writes every entry down as today's rotd reads it.
func readAll(t *testing.T, tx *Tx, to io.Writer) error {
	t.Helper()
	readers := readers()
	for _, name := range slices.Sorted(maps.Keys(layout())) {
		paths := []string{name}
		for _, sub := range layout()[name] {
			paths = append(paths, name+"/"+sub)
		}
		if len(paths) > 1 {
			paths = paths[1:]
		}
		for _, path := range paths {
			bucket, sub, _ := strings.Cut(path, "/")
			b := tx.bucket(bucket)
			if sub != "" {
				b = tx.sub(bucket, sub)
			}
			n := entriesUnder(b)
			fmt.Fprintf(to, "== %s: %d\n", path, n)
			if n == 0 && !slices.Contains(unfilled(), path) {
				t.Errorf("the fixture has nothing in bucket %s", path)
			}
			if err := writeEntries(b, readers[path], to); err != nil {
				return fmt.Errorf("bucket %s: %w", path, err)
			}
		}
	}
	return nil
}

func writeEntries(b *bbolt.Bucket, reader func(k, v []byte) (string, error), to io.Writer) error {
	return b.ForEach(func(k, v []byte) error {
		if v == nil { // an hour's events: nothing but many ids
			sum := sha256.New()
			err := writeEntries(b.Bucket(k), reader, sum)
			fmt.Fprintf(to, "%x\t%d entries, SHA-256 %x\n", k, entriesUnder(b.Bucket(k)), sum.Sum(nil))
			return err
		}
		key, value := readable(k), readable(v)
		if reader != nil {
			var err error
			if value, err = reader(k, v); err != nil {
				return err
			}
		}
		_, err := fmt.Fprintf(to, "%s\t%s\n", key, value)
		return err
	})
}

// readable is text as it is, and of anything else its bytes.
func readable(raw []byte) string {
	text := string(raw)
	if strings.ContainsFunc(text, func(r rune) bool { return !strconv.IsPrint(r) }) {
		return strconv.QuoteToASCII(text)
	}
	return text
}

// readers decode the entries of buckets; those of others are numbers, names and hashes, and stand as they are.
func readers() map[string]func(k, v []byte) (string, error) {
	return map[string]func(k, v []byte) (string, error){
		bucketKeys: readAs[inventory.Key], bucketAssignments: readAs[policy.Assignment],
		bucketPlaces: readAs[Coverage], bucketFindings: readAs[finding.Finding], bucketActions: readAs[remediation.Action],
		bucketOutbox: readAs[jsontext.Value], bucketQuarantine + "/items": readAs[Quarantined], bucketJobs: readAs[Run],
		bucketAudit: readAs[audit.Entry], bucketIncidents: readAs[incident.Incident], bucketMoving: readAs[reencrypt.Job],
		bucketMoves: readAs[reencrypt.Move], bucketUntold: readAs[Untold], bucketSuppressions: readAs[suppression.Kept],
		bucketDeadlines: readAs[remediation.Deadline],
		bucketHistory:   readHistory,
		bucketUsage + "/" + usageKeys: func(_, v []byte) (string, error) {
			rec, err := usage.Decode(v)
			return asJSON(rec, err)
		},
		bucketUsage + "/" + usageLog: func(_, v []byte) (string, error) {
			var tuples []usage.Tuple
			err := usage.DecodeTuples(v, func(t *usage.Tuple) bool { tuples = append(tuples, *t); return true })
			return asJSON(tuples, err)
		},
		bucketBaselines + "/" + baselineKeys: func(_, v []byte) (string, error) {
			k, err := baseline.DecodeKey(v)
			if err != nil {
				return "", err
			}
			return fmt.Sprintf("%d principals, %x", k.Principals(), k.Append(nil)), nil
		},
		bucketBaselines + "/" + baselinePrincipals: func(_, v []byte) (string, error) {
			p, err := baseline.DecodePrincipal(v[8:])
			if err != nil {
				return "", err
			}
			return fmt.Sprintf("%s, %x", p.Last().UTC(), p.Append(nil)), nil
		},
	}
}

func readHistory(k, v []byte) (string, error) {
	if _, _, at := historyKey(k); at.IsZero() {
		return readAs[history.Drop](k, v)
	}
	return readAs[history.Entry](k, v)
}

func readAs[T any](k, v []byte) (string, error) {
	value, err := decode[T](k, v)
	return asJSON(value, err)
}

func asJSON(value any, err error) (string, error) {
	if err != nil {
		return "", err
	}
	raw, err := json.Marshal(value, json.Deterministic(true))
	return string(raw), err
}
