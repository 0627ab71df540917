package traffic_test

import (
	"testing"

	"rotd/test/traffic"
)

func TestWorldsOfAnySizeHaveEveryAttack(t *testing.T) {
	for _, test := range []struct {
		name  string
		world traffic.World
	}{
		{"one account with the fewest keys", traffic.World{Seed: 5, Accounts: 1, Keys: 1, Weeks: 1}},
		{"many accounts with few keys", traffic.World{Seed: 6, Accounts: 12, Keys: 20, Weeks: 1}},
		{"more keys than products", traffic.World{Seed: 7, Accounts: 2, Keys: 200, Weeks: 1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := test.world
			w.Attacks = w.EveryAttack()
			played := map[string]int{}
			for r := range w.Records() {
				played[r.Attack]++
			}
			for _, script := range traffic.Scripts() {
				if played[script.Name] == 0 {
					t.Errorf("no record of %s", script.Name)
				}
			}
		})
	}
}

func BenchmarkRecords(b *testing.B) {
	b.ReportAllocs()
	n, size := 0, 0
	for b.Loop() {
		for r := range (traffic.World{Seed: 1, Keys: 200, Weeks: 1}).Records() {
			n++
			size += len(r.JSON)
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "records/s")
	b.ReportMetric(float64(size)/float64(n), "bytes/record")
}
