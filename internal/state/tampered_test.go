package state

import (
	"os"
	"path/filepath"
	"testing"
)

func TestWhatIsDoneToTheOpenFileIsSeen(t *testing.T) {
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		name, want string
		do         func(path string)
	}{
		{"nothing", "", func(string) {}},
		{"deleted", "it was deleted, or moved away", func(path string) { check(os.Remove(path)) }},
		{"moved away", "it was deleted, or moved away", func(path string) { check(os.Rename(path, path+".old")) }},
		{"moved away and put back", "", func(path string) {
			check(os.Rename(path, path+".old"))
			check(os.Rename(path+".old", path))
		}},
		{"replaced by a copy of itself", "another file was put in its place", func(path string) {
			whole, err := os.ReadFile(path)
			check(err)
			check(os.WriteFile(path+".new", whole, 0o600))
			check(os.Rename(path+".new", path))
		}},
		{"cut off behind its first pages", "it was cut off: ", func(path string) {
			check(os.Truncate(path, int64(2*os.Getpagesize())))
		}},
		{"taken away with its folder, and a file put there", "its path leads nowhere any more: ", func(path string) {
			check(os.Rename(filepath.Dir(path), filepath.Dir(path)+".old"))
			check(os.WriteFile(filepath.Dir(path), nil, 0o600))
		}},
		{"given another name besides", "", func(path string) { check(os.Link(path, path+".link")) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "folder", "rotd.db")
			check(os.Mkdir(filepath.Dir(path), 0o700))
			db, err := Open(options(path))
			check(err)
			defer db.Close()
			test.do(path)
			got, err := db.Tampered()
			check(err)
			if len(got) > len(test.want) && test.want != "" {
				got = got[:len(test.want)]
			}
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestAStateThatGrowsIsNotTakenForCutOff(t *testing.T) {
	db := openTest(t)
	for n := range 4 {
		update(t, db, func(tx *Tx) error { return fill(tx, 100*n) })
		if what, err := db.Tampered(); what != "" || err != nil {
			t.Fatalf("after %d: %q, %v", n, what, err)
		}
	}
}
