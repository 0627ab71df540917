package detection

import (
	"testing"

	"rotd/internal/baseline"
)

func TestFarAbove(t *testing.T) {
	for _, test := range []struct {
		name  string
		times int // the median
		usual baseline.Robust
		want  int
	}{
		{"three times the median of what hardly varies", 3, baseline.Robust{Median: 100, Spread: 1}, 300},
		{"six standard deviations above the median of what varies", 3, baseline.Robust{Median: 100, Spread: 50}, 544},
		{"a tenth of the median is the least spread", 1, baseline.Robust{Median: 100, Spread: 1}, 188},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := Context{params: make([]int, len(spikeParams()))}
			c.params[spikeTimes], c.params[spikeSpreads] = test.times, 6
			if got := c.farAbove(test.usual); got != test.want {
				t.Errorf("got %d, want %d", got, test.want)
			}
		})
	}
}
