package awskms

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"rotd/internal/inventory"
)

func unknown(string) *inventory.Key { return nil }

// everything asks for all facts of all keys, of which nothing is known.
var everything = Ask{Known: unknown}

// these hands over known keys in one part.
func these(keys ...*inventory.Key) func(func([]*inventory.Key) error) error {
	return func(start func([]*inventory.Key) error) error { return start(keys) }
}

func TestSweepInventoryHandsOverPagesInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(2300)
		f.latency = 20 * time.Millisecond
		var sizes []int
		next := 0
		done, err := f.client(Options{Concurrency: 16}).SweepInventory(t.Context(), everything, func(p Page) error {
			sizes = append(sizes, len(p.Keys))
			for _, k := range p.Keys {
				if k.ARN != fakeARN(next) {
					t.Fatalf("key %s where %s should be", k.ARN, fakeARN(next))
				}
				next++
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]int{250, 250, 250, 250, 250, 250, 250, 250, 250, 50}, sizes); diff != "" {
			t.Errorf("pages (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(Coverage{Total: 2300, Read: 2300}, done); diff != "" || !done.Complete() {
			t.Errorf("coverage (-want +got):\n%s", diff)
		}
		if f.most > 16+1 { // and the listing of the next page
			t.Errorf("%d requests at once", f.most)
		}
	})
}

func TestASweepStaysUnderItsShareOfEveryQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(600)
		f.latency = 5 * time.Millisecond
		c := f.client(Options{QuotaShare: 0.5})
		if _, err := c.SweepInventory(t.Context(), everything, func(Page) error { return nil }); err != nil {
			t.Fatal(err)
		}
		for op, times := range f.at {
			for i, from := range times {
				n := 0
				for _, at := range times[i:] {
					if at.Sub(from) < time.Second {
						n++
					}
				}
				if float64(n) > quotas[op]*0.5 {
					t.Fatalf("%d %s within a second, the share is %.0f", n, op, quotas[op]*0.5)
				}
			}
		}
	})
}

func TestOneKeysTroubleEndsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(6)
		f.answer = func(op operation, arn string) error {
			switch {
			case arn == fakeARN(1) && op == getKeyRotationStatus:
				panic("an answer like no other")
			case arn == fakeARN(2) && op == describeKey:
				return apiError("AccessDeniedException")
			case arn == fakeARN(3) && op == describeKey:
				return apiError("NotFoundException")
			case arn == fakeARN(4) && op == getKeyPolicy:
				return apiError("KMSInternalException")
			case arn == fakeARN(5) && op == listResourceTags:
				return apiError("AccessDeniedException")
			}
			return nil
		}
		core, logs := observer.New(zap.ErrorLevel)
		var page Page
		done, err := f.client(Options{Logger: zap.New(core)}).SweepInventory(t.Context(), everything,
			func(p Page) error { page = p; return nil })
		if err != nil {
			t.Fatal(err)
		}
		want := Coverage{Total: 6, Read: 4, Denied: 2, Gone: 1, Failed: 2}
		if diff := cmp.Diff(want, done); diff != "" || done.Complete() {
			t.Errorf("coverage (-want +got):\n%s", diff)
		}
		if len(page.Failed) != 2 || page.Failed[0].ARN != fakeARN(1) || page.Failed[1].ARN != fakeARN(4) ||
			!strings.Contains(page.Failed[0].Err.Error(), "panic: an answer like no other") {
			t.Errorf("failed: %+v", page.Failed)
		}
		if n := logs.FilterMessage("panic while reading a key").Len(); n != 1 {
			t.Errorf("%d panics logged", n)
		}
	})
}

func TestASweepEndsWithWhoeverTakesItsPages(t *testing.T) {
	full := errors.New("disk full")
	f := newFake(3000)
	done, err := f.client(Options{QuotaShare: 1}).SweepDrift(t.Context(),
		these(&inventory.Key{ARN: fakeARN(0)}), func(Page) error { return full })
	if !errors.Is(err, full) || done.Total != 1 {
		t.Errorf("%+v, %v", done, err)
	}
	synctest.Test(t, func(t *testing.T) {
		f.latency = time.Second
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		done, err := f.client(Options{}).SweepInventory(ctx, everything, func(Page) error { return nil })
		if !errors.Is(err, context.DeadlineExceeded) || done.Total != 0 {
			t.Errorf("%+v, %v", done, err)
		}
	})
}

func TestASweepWithoutPermissionToListFails(t *testing.T) {
	f := newFake(3)
	f.answer = func(op operation, _ string) error {
		if op == listKeys {
			return apiError("AccessDeniedException")
		}
		return nil
	}
	_, err := f.client(Options{}).SweepInventory(t.Context(), everything, func(Page) error { return nil })
	if Classify(err) != AccessDenied {
		t.Errorf("err = %v", err)
	}
}

func TestAliasesThatMayNotBeListedStayAsKnown(t *testing.T) {
	f := newFake(1)
	f.answer = func(op operation, _ string) error {
		if op == listAliases {
			return apiError("AccessDeniedException")
		}
		return nil
	}
	known := func(arn string) *inventory.Key { return &inventory.Key{ARN: arn, Aliases: []string{"alias/pay"}} }
	var got []string
	_, err := f.client(Options{}).SweepInventory(t.Context(), Ask{Known: known}, func(p Page) error {
		got = p.Keys[0].Aliases
		return nil
	})
	if diff := cmp.Diff([]string{"alias/pay"}, got); diff != "" || err != nil {
		t.Errorf("aliases (-want +got), %v:\n%s", err, diff)
	}
}
