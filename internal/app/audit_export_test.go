package app

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rotd/internal/audit"
)

// chain is an audit log of so many entries.
func chain(t *testing.T, epoch string, n int) auditLines {
	t.Helper()
	b := auditLines{epoch: epoch, first: 1}
	var head audit.Head
	for range n {
		e, line, err := audit.Seal(audit.Entry{Time: time.Unix(1, 0).UTC(), Actor: audit.Rotd, Event: "x"}, head, epoch)
		if err != nil {
			t.Fatal(err)
		}
		head, b.lines = e.Head(), append(b.lines, line)
	}
	return b
}

// from are the entries from the n-th on.
func (b auditLines) from(n uint64) auditLines {
	b.lines, b.first = b.lines[n-1:], n
	return b
}

func TestTheAuditFileHasEachEntryOnce(t *testing.T) {
	log := chain(t, "default@1", 5)
	whole := string(log.text(0))
	two := string(log.text(0))[:len(whole)-len(log.text(2))]
	earlier := chain(t, "default@0", 9)
	other := string(earlier.text(0))
	for _, test := range []struct {
		name, there string
		batch       auditLines
		want        string
	}{
		{"a new file", "", log, whole},
		{"the entries that follow", two, log.from(3), whole},
		{"entries that a crash kept rotd from noting", two, log, whole},
		{"all of them", whole, log, whole},
		{"an entry that was cut off", whole[:len(whole)-20], log.from(3), whole},
		{"nothing but an entry that was cut off", whole[:20], log, whole},
		{"another epoch's entries", other, log, other + whole},
		{"a line that is none of rotd's", "hello\n", log, "hello\n" + whole},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "audit.jsonl")
			if test.there != "" {
				if err := os.WriteFile(path, []byte(test.there), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if err := appendAudit(path, test.batch); err != nil {
				t.Fatal(err)
			}
			got, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, string(got)); diff != "" {
				t.Errorf("the file (-want +got):\n%s", diff)
			}
		})
	}
}
