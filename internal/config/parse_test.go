package config

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// known stands for the catalogue.
var known = Known{
	Rules:  []string{"rotation-turned-off", "rotation-period-extended", "key-disabled", "key-deletion-scheduled"},
	Checks: []string{"rotation-disabled", "key-unmanaged"},
	Remedies: map[string][]string{
		"rotation-turned-off": {"restore", "rotate"}, "rotation-period-extended": {"restore"},
		"key-deletion-scheduled": {"restore"},
	},
}

// golden compares what people read with a file.
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

func TestEverythingWrongIsToldAtOnce(t *testing.T) {
	files, err := filepath.Glob("testdata/wrong/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			_, err := Load(file, known)
			var wrong *Errors
			if !errors.As(err, &wrong) {
				t.Fatalf("Load = %v, want *Errors", err)
			}
			golden(t, strings.TrimSuffix(file, ".yaml")+".golden", wrong.Error()+"\n")
		})
	}
}

func TestWarningsTellOfWhatIsHardlyMeant(t *testing.T) {
	c, err := Load("testdata/careless.yaml", known)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, w := range c.Warnings {
		b.WriteString(w.String() + "\n")
	}
	golden(t, "testdata/careless.golden", b.String())
}

func TestAFileThatCannotBeReadIsNoProblemOfItsContent(t *testing.T) {
	_, err := Load(filepath.Join(t.TempDir(), "rotd.yaml"))
	var wrong *Errors
	if !errors.Is(err, os.ErrNotExist) || errors.As(err, &wrong) {
		t.Errorf("Load = %v, want that the file does not exist", err)
	}
}

func TestWhatIsNoTextIsRefusedWhole(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"too large", strings.Repeat("# x\n", MaxSize/4+1), "f: larger than 1048576 bytes"},
		{"not UTF-8", "shard: \xff", "f: not UTF-8 text"},
		{"NUL bytes", "shard: a\x00", "f: not text: it has NUL bytes"},
		{"brackets without end", "a: " + strings.Repeat("[", 100_000), "f:1:36: nested more than 32 deep"},
		{"dashes without end", strings.Repeat("- ", 100_000), "f:1:65: nested more than 32 deep"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse("f", []byte(tt.text))
			if err == nil || err.Error() != tt.want {
				t.Errorf("Parse = %v, want %s", err, tt.want)
			}
		})
	}
}

func TestAFileFullOfErrorsDoesNotFillTheScreen(t *testing.T) {
	_, err := Parse("f", []byte("trusted_accounts: ["+strings.Repeat("1,", 500)+"]\n"))
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != maxShown+1 || !strings.HasPrefix(lines[maxShown], "… and ") {
		t.Errorf("%d lines, the last %q", len(lines), lines[len(lines)-1])
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(Example))
	files, err := filepath.Glob("testdata/wrong/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte("schedules: {drift: TZ=}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Parse("fuzz", data, known)
		var wrong *Errors
		switch {
		case err == nil && len(c.Intake.Queues) == 0:
			t.Error("a configuration without a queue was accepted")
		case err != nil && !errors.As(err, &wrong):
			t.Errorf("not *Errors: %v", err)
		case err != nil && (len(wrong.Problems) == 0 || err.Error() == ""):
			t.Error("an error without a problem")
		case err != nil && strings.Contains(err.Error(), "the parser failed"):
			t.Logf("the YAML parser panics on %q", data)
		}
	})
}
