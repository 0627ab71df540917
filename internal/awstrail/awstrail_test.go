package awstrail_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rotd/internal/awssim"
	"rotd/internal/awstrail"
	"rotd/internal/events/trail"
)

func TestPublicKeysAreThoseOfARegionAndTime(t *testing.T) {
	sim := awssim.New(awssim.Options{Seed: 1})
	if err := sim.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := sim.Close(); err != nil {
			t.Error(err)
		}
	})
	noon := time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)
	month := func(n int) time.Time { return noon.AddDate(0, n, 0) }
	for _, k := range []awssim.DigestKey{
		{Region: "eu-west-1", Fingerprint: "old", DER: []byte("1"), From: month(-9), To: month(-3)},
		{Region: "eu-west-1", Fingerprint: "now", DER: []byte("2"), From: month(-3), To: month(3)},
		{Region: "us-east-1", Fingerprint: "elsewhere", DER: []byte("3"), From: month(-9), To: month(3)},
	} {
		sim.AddDigestKey(k)
	}
	client := awstrail.New(sim.As(sim.NewAccessKey("111122223333", "analyst"), "us-east-1"))
	got, err := client.PublicKeys(t.Context(), "eu-west-1", month(-1), noon)
	want := []trail.PublicKey{{Fingerprint: "now", DER: []byte("2"), From: month(-3), To: month(3)}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("error %v, keys (-want +got):\n%s", err, diff)
	}
	if got, err = client.PublicKeys(t.Context(), "eu-west-1", month(-8), noon); len(got) != 2 || err != nil {
		t.Errorf("over two keys' time: %v, %v", got, err)
	}
	denied := awstrail.New(sim.As(sim.NewAccessKey("111122223333", "nobody", "s3:GetObject"), "us-east-1"))
	if _, err := denied.PublicKeys(t.Context(), "eu-west-1", noon, noon); err == nil ||
		!strings.Contains(err.Error(), "eu-west-1, which needs cloudtrail:ListPublicKeys: ") {
		t.Errorf("denied: %v", err)
	}
}
