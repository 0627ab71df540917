package awssim

import (
	"bufio"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/go-json-experiment/json"
)

// TestRecordsHaveTheMembersOfTheDocumentedOnes compares the golden records with AWS's own examples of the same event.
func TestRecordsHaveTheMembersOfTheDocumentedOnes(t *testing.T) {
	examples := documentedRecords(t)
	paths, err := filepath.Glob("testdata/cloudtrail/*.json")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no golden records (%v)", err)
	}
	for _, path := range paths {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var ours map[string]any
		if err := json.Unmarshal(raw, &ours); err != nil {
			t.Fatal(err)
		}
		if ours["errorCode"] != nil {
			continue // what a refused call leaves out is held by its golden file
		}
		name, _ := ours["eventName"].(string)
		for _, theirs := range examples[name] {
			for _, member := range slices.Sorted(maps.Keys(theirs)) {
				if list, ok := theirs[member].([]any); ok && len(list) == 0 {
					continue
				}
				if _, ok := ours[member]; !ok && !incidental(member) {
					t.Errorf("%s has no %s, which AWS's example of %s has", path, member, name)
				}
			}
		}
	}
}

// incidental members depend on who calls from where, not on the operation.
func incidental(member string) bool {
	return slices.Contains([]string{
		"errorCode", "errorMessage", "sharedEventID", "vpcEndpointId", "additionalEventData",
	}, member)
}

// documentedRecords are AWS's example records by event name; the test is skipped where they are not at hand.
func documentedRecords(t *testing.T) map[string][]map[string]any {
	t.Helper()
	file, err := os.Open("../../../shared/testdata/cloudtrail/examples/kms-operations.jsonl")
	if err != nil {
		t.Skipf("AWS's example records are not at hand: %v", err)
	}
	defer file.Close()
	examples := map[string][]map[string]any{}
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		var r map[string]any
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		name, _ := r["eventName"].(string)
		examples[name] = append(examples[name], r)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return examples
}
