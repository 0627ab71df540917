package awskms

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// perSecond lets eager callers in for a while of fake time and says at what rate they got through.
func perSecond(t *testing.T, l *limits, op operation, lane Lane, during time.Duration) float64 {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), during)
	defer cancel()
	n := 0
	for l.wait(ctx, op, lane) == nil {
		n++
	}
	<-ctx.Done()
	return float64(n) / during.Seconds()
}

func about(got, want float64) bool { return got > want*0.9-0.2 && got < want*1.1+0.2 }

func TestLanesHaveTheirPartOfTheQuota(t *testing.T) {
	tests := []struct {
		name string
		op   operation
		lane Lane
		want float64 // requests a second at a quarter of the quota
	}{
		{"a sweep has the share, but for its burst", describeKey, Sweep, 480},
		{"re-reads have a tenth", describeKey, Reread, 50},
		{"actions have a tenth of the reads", listKeyRotations, Act, 2.5},
		{"actions have all of the changes", rotateKeyOnDemand, Act, 1.25},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if got := perSecond(t, newLimits(region, 0.25, 0), tt.op, tt.lane, 20*time.Second); !about(got, tt.want) {
					t.Errorf("%.2f requests a second, want about %.2f", got, tt.want)
				}
			})
		})
	}
}

func TestReEncryptionsHaveTheirShareOfTheRegionsSharedQuota(t *testing.T) {
	tests := []struct {
		name, region string
		share, most  float64
		want         float64 // a second
	}{
		{"a Region with the most", "us-east-1", 0.25, 0, 25_000},
		{"a Region with more", "eu-central-1", 0.25, 0, 5_000},
		{"any other", "ca-central-1", 0.125, 0, 1250},
		{"no more than configured", "us-east-1", 0.25, 1000, 1000},
		{"a bound above the share", "ca-central-1", 0.125, 50_000, 1250},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			place := Place{Account: account, Region: tt.region}
			client := newClient(newFake(0), place, Options{QuotaShare: tt.share, ReEncrypts: tt.most})
			if got := client.ReEncryptRate(); got != tt.want {
				t.Errorf("%.0f re-encryptions a second, want %.0f", got, tt.want)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		if got := perSecond(t, newLimits(region, 0.25, 100), reEncrypt, Sweep, 20*time.Second); !about(got, 100) {
			t.Errorf("%.2f re-encryptions a second, want about 100", got)
		}
	})
}

func TestTheLanesTogetherStayUnderTheShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimits(region, 0.25, 0)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		var n [lanes]atomic.Int64
		for lane := range lanes {
			go func() {
				for l.wait(ctx, describeKey, lane) == nil {
					n[lane].Add(1)
				}
			}()
		}
		<-ctx.Done()
		synctest.Wait()
		sweep, reread, act := n[Sweep].Load(), n[Reread].Load(), n[Act].Load()
		if all := float64(sweep+reread+act) / 20; all > 500 || all < 450 {
			t.Errorf("%.0f requests a second, the share is 500", all)
		}
		if !about(float64(reread)/20, 50) || !about(float64(act)/20, 50) {
			t.Errorf("re-reads got %d, actions %d", reread, act)
		}
	})
}

func TestASweepStarvesNoAction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimits(region, 0.25, 0)
		ctx, cancel := context.WithCancel(t.Context())
		for range 50 {
			go func() {
				for l.wait(ctx, listKeyRotations, Sweep) == nil {
				}
			}()
		}
		time.Sleep(time.Minute)
		started := time.Now()
		if err := l.wait(ctx, listKeyRotations, Act); err != nil || time.Since(started) > 0 {
			t.Errorf("an action waited %s behind a sweep: %v", time.Since(started), err)
		}
		cancel()
	})
}

func TestThrottlingHalvesAndTimeRestores(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimits(region, 0.25, 0)
		rate := func() float64 { return perSecond(t, l, getKeyRotationStatus, Sweep, 5*time.Second) }
		for range 20 { // throttled together: one halving
			l.learn(getKeyRotationStatus, Throttled)
		}
		if got := rate(); !about(got, 120) {
			t.Errorf("after throttling %.1f a second, want about 120", got)
		}
		l.learn(getKeyRotationStatus, Throttled)
		if got := rate(); !about(got, 60) {
			t.Errorf("throttled again %.1f a second, want about 60", got)
		}
		if got := perSecond(t, l, getKeyRotationStatus, Act, 5*time.Second); got > 25 {
			t.Errorf("actions go on at %.1f a second", got)
		}
		if got := perSecond(t, l, describeKey, Sweep, 5*time.Second); !about(got, 480) {
			t.Errorf("another operation was slowed to %.1f", got)
		}
		l.learn(getKeyRotationStatus, AccessDenied)
		time.Sleep(2 * time.Minute)
		if got := rate(); !about(got, 240) {
			t.Errorf("two minutes later %.1f a second, want 240 again", got)
		}
		for range 100 {
			l.learn(getKeyRotationStatus, Throttled)
			time.Sleep(2 * time.Second)
		}
		if got := rate(); got < 240*slowest*0.8 {
			t.Errorf("always throttled it came to a stop: %.1f a second", got)
		}
	})
}

func TestWaitingEndsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := newLimits(region, 0.25, 0).wait(ctx, describeKey, Sweep); !errors.Is(err, context.Canceled) {
		t.Errorf("wait = %v", err)
	}
}
