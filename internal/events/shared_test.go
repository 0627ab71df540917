package events

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// sharedTrail is a folder of logs not part of this repository; tests over it run where it exists.
func sharedTrail(t *testing.T, parts ...string) string {
	t.Helper()
	path := filepath.Join(append([]string{"..", "..", "..", "shared", "testdata", "cloudtrail"}, parts...)...)
	if _, err := os.Stat(path); err != nil {
		t.Skip("no extra logs beside the repository:", path)
	}
	return path
}

func TestPublishedExamplesDecode(t *testing.T) {
	text, err := os.ReadFile(sharedTrail(t, "examples", "kms-operations.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	records := 0
	for line := range bytes.Lines(text) {
		records++
		checkResolved(t, line)
	}
	if records != 71 {
		t.Errorf("%d records, want 71", records)
	}
}

func TestRealRecordsDecode(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(sharedTrail(t, "real", "attack-2023-07-10"), "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	records, kms := 0, 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		c, err := NewDecoder(nil).Decode(text)
		if err != nil || len(c.Malformed) > 0 {
			t.Errorf("%s: %d malformed, error %v", filepath.Base(file), len(c.Malformed), err)
		}
		records += c.Records()
		for _, e := range c.Events {
			if e.EventSource == kmsSource {
				kms++
				checkResolved(t, e.Raw)
			}
		}
	}
	if records != 2900 || kms != 240 {
		t.Errorf("%d records of which %d are KMS's, want 2900 and 240", records, kms)
	}
}

// checkResolved decodes a record and holds its key against its resources, read in another way.
func checkResolved(t *testing.T, raw []byte) {
	t.Helper()
	e, _, err := NewDecoder(nil).DecodeRecord(raw)
	if err != nil {
		t.Errorf("%.80s: %v", raw, err)
		return
	}
	var plain struct{ Resources []struct{ ARN string } }
	if err := json.Unmarshal(raw, &plain); err != nil {
		t.Fatal(err)
	}
	for _, r := range plain.Resources {
		if strings.Contains(r.ARN, ":key/") {
			if e.Key.ARN != r.ARN {
				t.Errorf("%s %s: key %+v, want %s", e.EventName, e.EventID, e.Key, r.ARN)
			}
			return
		}
	}
}
