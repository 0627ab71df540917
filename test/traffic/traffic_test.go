package traffic_test

import (
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"runtime"
	"strings"
	"testing"
	"time"

	"rotd/internal/events"
	"rotd/test/traffic"
)

var update = flag.Bool("update", false, "write the golden files anew")

// small is a world that a test has time for.
func small() traffic.World { return traffic.World{Seed: 1, Keys: 40, Weeks: 3} }

func attacked() traffic.World {
	w := small()
	w.Attacks = w.EveryAttack()
	return w
}

func TestEveryRecordDecodes(t *testing.T) {
	decoder := events.NewDecoder(nil)
	for r := range attacked().Records() {
		e, _, err := decoder.DecodeRecord(r.JSON)
		if err != nil {
			t.Fatalf("%v in %s", err, r.JSON)
		}
		if got, want := e.EventTime, r.Time.Truncate(time.Second); !got.Equal(want) {
			t.Fatalf("the record says %v, its time is %v", got, want)
		}
		if e.EventSource != "kms.amazonaws.com" || e.Failed() || strings.HasPrefix(e.EventName, "List") {
			continue
		}
		if e.Key.ARN == "" {
			t.Fatalf("no key in %s", r.JSON)
		}
	}
}

func TestASeedGivesTheSameRecordsForEver(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("other processors may round the last bit of a chance differently")
	}
	const first = 20000
	for _, test := range []struct {
		name  string
		world traffic.World
		want  string
	}{
		{
			"one world",
			traffic.World{Seed: 1},
			"4d219460d02fc5bab34b4fcee36d154530710b279f0764b008d6b58065b275e6",
		},
		{
			"another world",
			traffic.World{Seed: 2, Accounts: 5, Keys: 300, Weeks: 4},
			"b3ed621365b02860b81911420ec62ec4804ee649ed83cb3b9799dea1051ea170",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			hash, n := sha256.New(), 0
			for r := range test.world.Records() {
				hash.Write(r.JSON)
				hash.Write(r.Delivered.AppendFormat(nil, time.RFC3339Nano))
				if n++; n == first {
					break
				}
			}
			if got := hex.EncodeToString(hash.Sum(nil)); got != test.want {
				t.Errorf("the first %d records hash to %s, not %s", first, got, test.want)
			}
		})
	}
}
