package awskms

import (
	"maps"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/google/go-cmp/cmp"

	"rotd/internal/awssim"
	"rotd/internal/inventory"
)

// inventoryOf sweeps and remembers, as the engine does.
func inventoryOf(t *testing.T, c *Client, memory map[string]*inventory.Key, ask Ask) Coverage {
	t.Helper()
	ask.Known = func(arn string) *inventory.Key { return memory[arn] }
	read := map[string]*inventory.Key{}
	done, err := c.SweepInventory(t.Context(), ask, func(p Page) error {
		for _, k := range p.Keys {
			read[k.ARN] = k
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(memory, read)
	return done
}

func TestASecondInventoryAsksOnlyForWhatIsDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(1000)
		f.latency = 10 * time.Millisecond
		c, memory := f.client(Options{QuotaShare: 1}), map[string]*inventory.Key{}
		due := func(k *inventory.Key) inventory.Facts { return k.Due(time.Now(), time.Time{}) }
		if done := inventoryOf(t, c, memory, Ask{Due: due}); done.Read != 1000 {
			t.Fatalf("first: %+v", done)
		}
		first := f.total()
		if got := inventoryOf(t, c, memory, Ask{Due: due}); got != (Coverage{Total: 1000, Fresh: 1000}) || !got.Complete() {
			t.Errorf("right after: %+v", got)
		}
		if n := f.total() - first; n != 2 {
			t.Errorf("%d requests when nothing was due, want a page of keys and one of aliases", n)
		}
		time.Sleep(inventory.StateAge)
		before := f.total()
		inventoryOf(t, c, memory, Ask{Due: due})
		if n := f.total() - before; n != 2+2*1000 {
			t.Errorf("%d requests an hour later, want state and status of every key", n)
		}
		time.Sleep(inventory.ConfigAge)
		before = f.count(getKeyPolicy)
		inventoryOf(t, c, memory, Ask{Due: due})
		if n := f.count(getKeyPolicy) - before; n != 1000 {
			t.Errorf("%d policies read a day later, want all", n)
		}
	})
}

func TestPoliciesAreReadAgainSpreadOverTheDay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(1000)
		c, memory := f.client(Options{QuotaShare: 1}), map[string]*inventory.Key{}
		due := func(k *inventory.Key) inventory.Facts { return k.Due(time.Now(), time.Time{}) }
		inventoryOf(t, c, memory, Ask{Due: due})
		for hour := 6; hour <= 24; hour += 6 {
			before := f.count(getKeyPolicy)
			time.Sleep(6 * time.Hour)
			inventoryOf(t, c, memory, Ask{Due: due})
			if n := f.count(getKeyPolicy) - before; n > 700 {
				t.Errorf("%d of 1000 policies read at hour %d", n, hour)
			}
		}
		for arn, k := range memory {
			if time.Since(k.FullAt) > inventory.ConfigAge {
				t.Errorf("%s was last read whole %s ago", arn, time.Since(k.FullAt))
			}
		}
	})
}

func TestASweepReachesItsShareOfTheQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(20_000)
		f.latency = 15 * time.Millisecond
		c := f.client(Options{QuotaShare: 0.95})
		started := time.Now()
		inventoryOf(t, c, map[string]*inventory.Key{}, Ask{})
		share := float64(f.count(getKeyRotationStatus)) / time.Since(started).Seconds() / (1000 * 0.95)
		if share < 0.93 {
			t.Errorf("the sweep reached %.1f %% of its share", share*100)
		}
		if n := f.count(listKeyRotations) + f.count(listGrants) + f.count(getKeyLastUsage); n != 0 {
			t.Errorf("%d dear facts held it up", n)
		}
	})
}

func TestTenMinutesOfThrottlingNeitherEndASweepNorFailAKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(300)
		f.latency = 10 * time.Millisecond
		began := time.Now()
		f.answer = func(operation, string) error {
			if time.Since(began) < 10*time.Minute {
				return apiError("ThrottlingException")
			}
			return nil
		}
		done := inventoryOf(t, f.client(Options{}), map[string]*inventory.Key{}, Ask{})
		if diff := cmp.Diff(Coverage{Total: 300, Read: 300}, done); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if took := time.Since(began); took > 15*time.Minute {
			t.Errorf("it took %s", took)
		}
	})
}

func TestEndlessThrottlingIsToldInTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(300)
		f.answer = func(op operation, _ string) error {
			if op == getKeyPolicy {
				return apiError("ThrottlingException")
			}
			return nil
		}
		began := time.Now()
		done := inventoryOf(t, f.client(Options{}), map[string]*inventory.Key{}, Ask{})
		if done.Failed != 300 || done.Complete() {
			t.Errorf("%+v", done)
		}
		if took := time.Since(began); took < bearFor || took > 2*bearFor {
			t.Errorf("it took %s", took)
		}
	})
}

func TestKeysWhoseAliasesMovedAreReadWhole(t *testing.T) {
	w := newWorld(t)
	from := w.key(awssim.KeyOptions{Aliases: []string{"alias/pay"}})
	w.key(awssim.KeyOptions{Aliases: []string{"alias/other"}})
	c, memory := w.client(), map[string]*inventory.Key{}
	due := func(k *inventory.Key) inventory.Facts { return k.Due(time.Now(), time.Time{}) }
	inventoryOf(t, c, memory, Ask{Due: due})
	to := w.key(awssim.KeyOptions{})
	inventoryOf(t, c, memory, Ask{Due: due})
	if _, err := kms.NewFromConfig(w.cfg).UpdateAlias(t.Context(), &kms.UpdateAliasInput{
		AliasName: aws.String("alias/pay"), TargetKeyId: &to,
	}); err != nil {
		t.Fatal(err)
	}
	done := inventoryOf(t, c, memory, Ask{Due: due})
	if done != (Coverage{Total: 3, Read: 2, Fresh: 1}) {
		t.Errorf("%+v", done)
	}
	if len(memory[from].Aliases) != 0 || memory[to].Name() != "alias/pay" {
		t.Errorf("%v and %v", memory[from].Aliases, memory[to].Aliases)
	}
}

func TestDearFactsOfAKey(t *testing.T) {
	w := newWorld(t)
	arn := w.key(awssim.KeyOptions{RotationPeriod: 365})
	for i := range 250 {
		if _, err := w.sim.KMS().AddGrant(arn, awssim.KMSGrant{
			Name: "grant-" + strconv.Itoa(i), Grantee: "arn:aws:iam::444455556666:role/app", Operations: []string{"Decrypt"},
		}); err != nil {
			t.Fatal(err)
		}
	}
	c := w.client()
	known, err := c.ReadDrift(t.Context(), &inventory.Key{ARN: arn})
	if err != nil {
		t.Fatal(err)
	}
	asked := len(w.sim.Requests(awssim.OfService("kms")))
	got, err := c.ReadFacts(t.Context(), known, inventory.FactsCostly|inventory.FactUse)
	if err != nil {
		t.Fatal(err)
	}
	if g := got.Grants; g == nil || g.Count != 250 || len(g.List) != inventory.MaxGrants ||
		g.List[7].Name != "grant-7" || g.List[7].Operations[0] != "Decrypt" || g.List[7].Grantee == "" {
		t.Errorf("grants %+v", got.Grants)
	}
	if got.LastUsage == nil || got.LastUsage.At != nil || got.LastUsage.TrackedSince.IsZero() {
		t.Errorf("last use %+v", got.LastUsage)
	}
	if !got.HistoryCurrent() || got.Rotation.HistoryMaterial != got.CurrentMaterial || !got.ReadAt.Equal(known.ReadAt) {
		t.Errorf("history %+v of material %s", got.Rotation, got.CurrentMaterial)
	}
	made := map[string]int{}
	for _, r := range w.sim.Requests(awssim.OfService("kms"))[asked:] {
		made[r.Operation]++
	}
	pages := made["ListGrants"] // KMS may give fewer a page than asked for
	if made["ListGrants"] = 0; pages < 3 || pages > 5 {
		t.Errorf("%d pages of grants", pages)
	}
	if want := map[string]int{"ListKeyRotations": 1, "ListGrants": 0, "GetKeyLastUsage": 1}; !maps.Equal(made, want) {
		t.Errorf("besides: %v", made)
	}
	if known.Grants != nil || !known.FactsAskedAt.IsZero() {
		t.Errorf("what was known changed: %+v", known)
	}
}

func TestAKeyOfWhichKMSTellsNoRotations(t *testing.T) {
	w := newWorld(t)
	arn := w.key(awssim.KeyOptions{RotationPeriod: 365})
	w.sim.Plan(awssim.Fault{
		Operation: "ListKeyRotations", Times: 1, Err: &awssim.APIError{Code: "UnsupportedOperationException", Status: 400},
	})
	c := w.client()
	none, err := c.ReadWhole(t.Context(), arn, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if r := none.Rotation; !r.HistoryAt.IsZero() || r.NoHistoryAt.IsZero() || none.HistoryCurrent() {
		t.Errorf("got %+v", r)
	}
	if due := none.FactsDueAt(); due.Before(none.FactsAskedAt.Add(inventory.GrantsAge)) {
		t.Errorf("asked again at %s", due)
	}
	told, err := c.ReadFacts(t.Context(), none, inventory.FactHistory)
	if err != nil {
		t.Fatal(err)
	}
	if r := told.Rotation; !told.HistoryCurrent() || !r.NoHistoryAt.IsZero() {
		t.Errorf("got %+v", r)
	}
}
