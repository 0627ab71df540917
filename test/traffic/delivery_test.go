package traffic_test

import (
	"strings"
	"testing"
	"time"
)

func TestRecordsComeAsCloudTrailDeliversThem(t *testing.T) {
	var before, newest time.Time
	var late time.Duration
	seen := map[string]bool{}
	n, disorder, hours := 0, 0, 0
	for r := range small().Records() {
		n++
		if r.Delivered.Before(before) || r.Delivered.Before(r.Time) {
			t.Fatalf("delivered at %v after %v, of %v", r.Delivered, before, r.Time)
		}
		before = r.Delivered
		by := r.Delivered.Sub(r.Time)
		late += by
		if by > 15*time.Minute {
			hours++
		}
		if r.Time.Before(newest) {
			disorder++
		} else {
			newest = r.Time
		}
		_, id, _ := strings.Cut(string(r.JSON), `"eventID":"`)
		seen[id[:36]] = true
	}
	twice := n - len(seen)
	mean := late / time.Duration(n)
	t.Logf("%d records, %v late in the mean, %d in disorder, %d twice, %d hours late", n, mean, disorder, twice, hours)
	if mean < 3*time.Minute || mean > 5*time.Minute {
		t.Errorf("records are %v late in the mean", mean)
	}
	if disorder < n/10 {
		t.Errorf("only %d of %d records are in disorder", disorder, n)
	}
	if per := float64(twice) / float64(n); per < 0.0006 || per > 0.0014 {
		t.Errorf("%.4f of the records come twice", per)
	}
	if hours == 0 || hours > n/500 {
		t.Errorf("%d of %d records are hours late", hours, n)
	}
}
