package notify

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

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

// asReceived writes a message with all that SNS gets.
func asReceived(m Message, body string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Subject: %s\n", m.Subject)
	for _, name := range slices.Sorted(maps.Keys(m.Attributes)) {
		fmt.Fprintf(&b, "Attribute %s: %s\n", name, m.Attributes[name])
	}
	return b.String() + "\n" + body
}

func TestMessagesForPeople(t *testing.T) {
	for name, group := range samples() {
		t.Run(name, func(t *testing.T) {
			m := Text(group)
			golden(t, filepath.Join("testdata", name+".txt"), asReceived(m, m.Body))
		})
	}
}

func TestMessagesForPrograms(t *testing.T) {
	all := samples()
	for _, name := range []string{"opened-will-be-restored", "action-failed", "resolved", "digest", "group", "storm"} {
		t.Run(name, func(t *testing.T) {
			m := JSON(all[name])
			body := jsontext.Value(m.Body)
			if err := body.Indent(jsontext.WithIndent("  ")); err != nil {
				t.Fatalf("%v in %s", err, m.Body)
			}
			golden(t, filepath.Join("testdata", name+".json"), asReceived(m, string(body)+"\n"))
		})
	}
}
