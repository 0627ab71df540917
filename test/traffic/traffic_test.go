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
			"one world", traffic.World{Seed: 1},
			"d88dd660d1bc213dfd7d52ed9e4a6ec4e338101ef15a63326fefce63f5ada33c",
		},
		{
			"another world", traffic.World{Seed: 2, Accounts: 5, Keys: 300, Weeks: 4},
			"8d16a25ac99e5b4aa0a76cb41ee5bfbdfa20cf0a594c600eff3ebe73b3b6b0db",
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
