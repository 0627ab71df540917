package sigma_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rotd/internal/config"
	"rotd/internal/sigma"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestFilesOfSigmaRules(t *testing.T) {
	for _, name := range []string{"rules", "wrong"} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join("testdata", name)
			data, err := os.ReadFile(path + ".yml")
			if err != nil {
				t.Fatal(err)
			}
			outcomes := sigma.Convert(sigma.Read(name+".yml", data), nil)
			golden(t, path+".golden", told(outcomes)+"\n"+string(sigma.Write(outcomes)))
		})
	}
}

// told is what came of rules.
func told(outcomes []sigma.Outcome) string {
	var b strings.Builder
	for _, o := range outcomes {
		fmt.Fprintf(&b, "# %s:%d %s: imported %t\n", o.Rule.File, o.Rule.Line, o.Rule.Title, o.Imported())
		for _, title := range o.Counted() {
			fmt.Fprintf(&b, "#   counted by %s\n", title)
		}
		for _, p := range o.Refused() {
			fmt.Fprintf(&b, "#   %s\n", p)
		}
	}
	return b.String()
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// FuzzImport reads anything, and has what was imported loaded as a daemon would.
func FuzzImport(f *testing.F) {
	for _, name := range []string{"rules", "wrong"} {
		data, err := os.ReadFile(filepath.Join("testdata", name+".yml"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
		for doc := range strings.SplitSeq(string(data), "---\n") {
			f.Add([]byte(doc))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		outcomes := sigma.Convert(sigma.Read("rules.yml", data), []string{"kms.amazonaws.com"})
		for i := range outcomes {
			if !outcomes[i].Imported() {
				continue
			}
			text := sigma.Write(outcomes[i : i+1])
			_, err := config.ParseRules("rules.yaml", text)
			if err != nil && !expected(err) {
				t.Fatalf("%v\nin\n%s", err, text)
			}
		}
	})
}

// expected reports whether a rule is refused for what only loading it can know: what it costs, and values of events,
// networks and sources that Sigma lets through.
func expected(err error) bool {
	for line := range strings.SplitSeq(err.Error(), "\n") {
		known := false
		for _, says := range []string{
			"too expensive", "memory keeps", "is no window", "exceeds", "limit", "is not an event source",
			"is not an event name", "bytes are more than", "nobody knows what it costs",
		} {
			known = known || strings.Contains(line, says)
		}
		if !known {
			return false
		}
	}
	return true
}
