package state

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"rotd/internal/finding"
)

// TestWhatWasReportedCommittedSurvivesSIGKILL kills a process that commits one after the other, again and again.
func TestWhatWasReportedCommittedSurvivesSIGKILL(t *testing.T) {
	const kills = 20
	path := filepath.Join(t.TempDir(), "state.db")
	random := rand.New(rand.NewPCG(5, 6))
	reported := -1
	for life := range kills {
		writer := child(t, "commit", path)
		out, err := writer.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		var complaint strings.Builder
		writer.Stderr = &complaint
		if err := writer.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for left := 1 + random.IntN(25); lines.Scan(); left-- {
			if _, err := fmt.Sscan(lines.Text(), &reported); err != nil {
				t.Fatal(err)
			}
			if left == 0 {
				_ = writer.Process.Kill() // what it still reports is read to the end
			}
		}
		if err := writer.Wait(); err == nil || complaint.Len() > 0 {
			t.Fatalf("life %d ended by itself: %v %s", life, err, complaint.String())
		}

		db, err := Open(options(path))
		if err != nil {
			t.Fatal(err)
		}
		same(t, "opened", db.Opened, Opening{})
		inOrder(t, db)
		update(t, db, func(tx *Tx) error {
			waiting := tx.WaitingCount()
			if waiting <= reported || waiting > reported+2 { // at most one commit may be durable and not reported
				t.Errorf("life %d: %d commits are there, %d were reported", life, waiting, reported+1)
			}
			for i := range reported + 1 {
				fresh, err := tx.MarkSeen(uuid(i), day())
				f, _ := tx.Finding(testFinding(i, finding.Open).ID)
				if fresh || err != nil || f == nil {
					t.Errorf("life %d: commit %d of %d is lost: %v", life, i, reported+1, err)
				}
			}
			return nil
		})
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// commitForEver commits numbered transactions and prints each number when it is durable.
func commitForEver(path string) error {
	db, err := Open(options(path))
	if err != nil {
		return err
	}
	next := 0
	if err := db.View(func(tx *Tx) error { next = tx.WaitingCount(); return nil }); err != nil {
		return err
	}
	for ; ; next++ {
		err := db.Update(func(tx *Tx) error {
			_, errSeen := tx.MarkSeen(uuid(next), day())
			_, errAlert := tx.PutAlert(fmt.Appendf(nil, "%d", next))
			return errors.Join(errSeen, errAlert, tx.PutFinding(testFinding(next, finding.Open)))
		})
		if err != nil {
			return err
		}
		fmt.Fprintln(os.Stdout, next)
	}
}

// TestADiskThatIsFullIsSaidAndOutlived: the child's disk is full at several sizes; it checks itself what follows.
func TestADiskThatIsFullIsSaidAndOutlived(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	if out, err := child(t, "full", path).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	db := openAt(t, path)
	same(t, "opened", db.Opened, Opening{})
}

// fillDisk writes until no more may be written, makes room and goes on, as often as there are ways to fail: the file
// cannot grow, its pages cannot be written, nothing can.
func fillDisk(path string) error {
	signal.Ignore(syscall.SIGXFSZ)
	db, err := Open(options(path))
	if err != nil {
		return err
	}
	written := 0
	for _, limit := range []uint64{uint64(db.Size()), 64 << 10, 8 << 10, 4 << 10, 0} {
		if err := limitFileSize(limit); err != nil {
			return err
		}
		added, full := writeUntilRefused(db)
		written += added
		// bbolt does not wrap what the system says about resizing, so only the text can be compared.
		text := full.Error()
		if !strings.HasPrefix(text, "write state "+path+": ") || !strings.HasSuffix(text, "file too large") {
			return fmt.Errorf("limit %d: %w", limit, full)
		}
		added, _ = writeUntilRefused(db) // smaller ones may still find free pages
		written += added
		if err := waiting(db, written); err != nil {
			return fmt.Errorf("limit %d, full: %w", limit, err)
		}
		if err := limitFileSize(^uint64(0)); err != nil {
			return err
		}
		if err := addAlert(db, 10); err != nil {
			return fmt.Errorf("limit %d, room again: %w", limit, err)
		}
		written++
		if err := errors.Join(waiting(db, written), db.Check()); err != nil {
			return fmt.Errorf("limit %d, room again: %w", limit, err)
		}
	}
	return db.Close()
}

// TestAStateThatCouldNotBeBegunIsNoDamagedOne: the child's disk has no room for a new state, and then has.
func TestAStateThatCouldNotBeBegunIsNoDamagedOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	if out, err := child(t, "begin", path).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// beginOnAFullDisk begins a state where there is room for a part of it, and again where there is enough.
func beginOnAFullDisk(path string) error {
	signal.Ignore(syscall.SIGXFSZ)
	for _, room := range []uint64{1, 4 << 10, 12 << 10, 16 << 10, 40 << 10} {
		if err := limitFileSize(room); err != nil {
			return err
		}
		if _, err := Open(options(path)); err == nil {
			return fmt.Errorf("%d bytes are enough for a state", room)
		}
		if err := limitFileSize(^uint64(0)); err != nil {
			return err
		}
		if info, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%d bytes: %+v is left of what could not be begun: %w", room, info, err)
		}
	}
	db, err := Open(options(path))
	if err != nil {
		return err
	}
	if db.Opened != (Opening{New: true}) {
		return fmt.Errorf("opened %+v", db.Opened)
	}
	return db.Close()
}

func writeUntilRefused(db *DB) (written int, err error) {
	for ; err == nil; written++ {
		err = addAlert(db, 64<<10)
	}
	return written - 1, err
}

func addAlert(db *DB, size int) error {
	return db.Update(func(tx *Tx) error { _, err := tx.PutAlert(make([]byte, size)); return err })
}

func waiting(db *DB, want int) error {
	return db.View(func(tx *Tx) error {
		if got := tx.WaitingCount(); got != want || len(tx.WaitingAlerts(want+1)) != want {
			return fmt.Errorf("%d alerts wait, %d were written", got, want)
		}
		return nil
	})
}

// limitFileSize lets this process write no file beyond a size; ^0 is no limit.
func limitFileSize(size uint64) error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	limit.Cur = min(size, limit.Max)
	return syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit)
}

func BenchmarkMarkSeen(b *testing.B) {
	for name, id := range map[string]func(i int) (string, time.Time){
		"ordered": func(i int) (string, time.Time) {
			return uuid(i), day().Add(time.Duration(i) * time.Millisecond)
		},
		"random in an hour": func(int) (string, time.Time) {
			return uuid(rand.Int()), day().Add(rand.N(time.Hour))
		},
	} {
		b.Run(name, func(b *testing.B) {
			db := openTest(b)
			b.ReportAllocs()
			for i := 0; i < b.N; {
				update(b, db, func(tx *Tx) error {
					for range min(1000, b.N-i) {
						if _, err := tx.MarkSeen(id(i)); err != nil {
							return err
						}
						i++
					}
					return nil
				})
			}
		})
	}
}

func BenchmarkPutFinding(b *testing.B) {
	db := openTest(b)
	b.ReportAllocs()
	for i := 0; i < b.N; {
		update(b, db, func(tx *Tx) error {
			for range min(100, b.N-i) {
				if err := tx.PutFinding(testFinding(i, finding.Open)); err != nil {
					return err
				}
				i++
			}
			return nil
		})
	}
}

// BenchmarkOpen opens a state of half a million events and 20,000 keys, some 60 MB.
func BenchmarkOpen(b *testing.B) {
	db := openTest(b)
	db.bolt.NoSync = true
	for i := 0; i < 500_000; {
		update(b, db, func(tx *Tx) error {
			for range 10_000 {
				if _, err := tx.MarkSeen(uuid(i), day().Add(time.Duration(i)*time.Second)); err != nil {
					return err
				}
				i++
			}
			for j := range 400 {
				if err := tx.PutKey(testKey(i+j, "alias/some-name")); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := errors.Join(db.bolt.Sync(), db.Close()); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		db, err := Open(options(db.path))
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(db.Size())
		if err := db.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
