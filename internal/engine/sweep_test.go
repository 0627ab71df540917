package engine

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/google/go-cmp/cmp"

	"rotd/internal/awskms"
	"rotd/internal/awssim"
	"rotd/internal/finding"
	"rotd/internal/state"
)

// requests counts the requests of KMS operations.
func (w *world) requests(operations ...string) int {
	return len(w.sim.Requests(awssim.OfService("kms"), func(r awssim.Request) bool {
		return slices.Contains(operations, r.Operation)
	}))
}

func TestOnePlaceThatCannotBeReadEndsNoOther(t *testing.T) {
	const (
		lent, closed = "222233334444", "333344445555"
		elsewhere    = "ap-east-1"
	)
	role := func(account string) string { return "arn:aws:iam::" + account + ":role/rotd-member" }
	w := newWorld(t, silent, func(w *world) {
		w.sim.AddRole(awssim.Role{ARN: role(lent), ExternalID: "shard-1"})
		w.places = func(cfg aws.Config) (places []Place) {
			for _, p := range []awskms.Place{
				{Account: closed, Region: region}, {Account: lent, Region: region}, {Account: account, Region: elsewhere},
			} {
				at := cfg
				if p.Account != account {
					at = awskms.Assume(cfg, role(p.Account), "shard-1", "rotd-default", nil)
				}
				p.Partition = "aws"
				places = append(places, Place{Account: p.Account, Region: p.Region, KMS: awskms.New(at, p,
					awskms.Options{QuotaShare: 1})})
			}
			return places
		}
	})
	w.key(awssim.KeyOptions{RotationPeriod: 365})
	_, err := w.sim.KMS().CreateKey(awssim.KeyOptions{Account: lent, Region: region})
	w.check(err)
	w.sim.Plan(awssim.Fault{
		Service: "kms", Match: func(in awssim.Incoming) bool { return in.Region == elsewhere },
		Err: &awssim.APIError{Code: "UnrecognizedClientException", Status: 400},
	})
	if err := w.engine.Sweep(t.Context(), Inventory); err == nil || strings.Contains(err.Error(), lent) ||
		!strings.Contains(err.Error(), closed) {
		t.Errorf("got %v", err)
	}
	got := map[string]string{}
	w.view(func(tx *state.Tx) error {
		for _, p := range w.engine.Places() {
			c, err := tx.Place(p.Account, p.Region)
			if err != nil {
				return err
			}
			switch {
			case c.FirstSeen.IsZero() && c.LastError == "":
				got[p.String()] = "not swept"
			case c.FirstSeen.IsZero():
				got[p.String()] = "failed"
			default:
				got[p.String()] = "complete"
			}
		}
		return nil
	})
	if diff := cmp.Diff(map[string]string{
		account + " in " + region: "complete", lent + " in " + region: "complete",
		closed + " in " + region: "failed", account + " in " + elsewhere: "failed",
	}, got); diff != "" {
		t.Errorf("coverage (-want +got):\n%s", diff)
	}
	w.view(func(tx *state.Tx) error {
		for place, want := range map[string]bool{account: true, lent: true, closed: false} {
			if armed, err := w.engine.armed(tx, place, region); armed != want || err != nil {
				t.Errorf("automatic actions in %s: %t, %v", place, armed, err)
			}
		}
		return nil
	})
	said := map[string]string{}
	for _, f := range w.findings() {
		if f.RuleID == "sweep-incomplete" && f.Severity == finding.High {
			said[f.Subject.ID] = f.Description + strings.Join(f.Remedy, " ")
		}
	}
	if len(said) != 2 || !strings.Contains(said[closed+"/"+region], "sts:AssumeRole") ||
		!strings.Contains(said[account+"/"+elsewhere], "enabled in the account") {
		t.Errorf("said: %q", said)
	}
}

// cutOff sweeps until something holds, and no further.
func (w *world) cutOff(kind string, holds func() bool) {
	w.Helper()
	ctx, cancel := context.WithCancel(w.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- w.engine.Sweep(ctx, kind) }()
	w.await("the moment to cut the sweep off", holds)
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		w.Fatalf("the sweep was not cut off: %v", err)
	}
	w.stop()
	w.share = 1 // it need not be slow any more
	w.start()
}

// again is how many requests may be made twice: those of a lost connection are.
const again = 3

func TestAnInventoryThatWasCutOffGoesOnWhereItWas(t *testing.T) {
	const keys = 600
	w := newWorld(t, silent, func(w *world) { w.share = 0.25 })
	for range keys {
		w.key(awssim.KeyOptions{RotationPeriod: 365})
	}
	kept := func() (n int) {
		w.view(func(tx *state.Tx) error { n = tx.KeyCount(); return nil })
		return n
	}
	w.cutOff(Inventory, func() bool { return kept() > 0 })
	before, had := w.requests("GetKeyPolicy"), kept()
	w.check(w.engine.Sweep(t.Context(), Inventory))
	if n := w.requests("GetKeyPolicy") - before; n < keys-had || n > keys-had+again {
		t.Errorf("%d keys were read, want the %d that were not before", n, keys-had)
	}
	c, err := w.engine.coverage(&w.engine.Places()[0])
	if err != nil || c.Keys != keys || c.FirstSeen.IsZero() {
		t.Errorf("coverage %+v, %v", c, err)
	}
}

func TestADriftSweepThatWasCutOffGoesOnWhereItWas(t *testing.T) {
	const keys, page = 600, 250
	w := newWorld(t, silent)
	for range keys {
		w.key(awssim.KeyOptions{RotationPeriod: 365})
	}
	w.check(w.engine.Sweep(t.Context(), Inventory))
	w.stop()
	w.share = 0.25
	w.start()
	w.cutOff(Drift, func() bool {
		c, err := w.engine.coverage(&w.engine.Places()[0])
		return err == nil && c.DriftAfter != ""
	})
	before := w.requests("GetKeyRotationStatus")
	w.check(w.engine.Sweep(t.Context(), Drift))
	if n := w.requests("GetKeyRotationStatus") - before; n > keys-page+again {
		t.Errorf("%d keys were read again of %d", n, keys)
	}
	before = w.requests("GetKeyRotationStatus")
	w.check(w.engine.Sweep(t.Context(), Drift))
	if n := w.requests("GetKeyRotationStatus") - before; n < keys {
		t.Errorf("the next drift sweep read %d keys of %d", n, keys)
	}
}

func TestAPersonsInventoryReadsEverythingFresh(t *testing.T) {
	w := newWorld(t, silent)
	arn := w.key(awssim.KeyOptions{RotationPeriod: 365})
	w.check(w.engine.Sweep(t.Context(), Inventory))
	before := w.requests("DescribeKey", "GetKeyPolicy")
	w.check(w.engine.Sweep(t.Context(), Inventory))
	if n := w.requests("DescribeKey", "GetKeyPolicy") - before; n != 0 {
		t.Errorf("a second inventory asked %d times for what it knew", n)
	}
	w.check(w.engine.AskFresh())
	w.stop() // what was asked for survives
	w.start()
	w.disableRotation(w.engineer, arn)
	w.check(w.engine.Sweep(t.Context(), Inventory))
	if f := w.found("rotation-disabled"); f == nil || f.Status != finding.Open {
		t.Errorf("got %+v", f)
	}
	before = w.requests("DescribeKey", "GetKeyPolicy")
	w.check(w.engine.Sweep(t.Context(), Inventory))
	if n := w.requests("DescribeKey", "GetKeyPolicy") - before; n != 0 {
		t.Errorf("it is still asked for: %d requests", n)
	}
}

func TestOtherPoliciesHaveEveryKeyReadAnew(t *testing.T) {
	w := newWorld(t, silent)
	w.key(awssim.KeyOptions{RotationPeriod: 365})
	read := func() int {
		before := w.requests("GetKeyPolicy")
		w.check(w.engine.Sweep(t.Context(), Inventory))
		return w.requests("GetKeyPolicy") - before
	}
	w.check(w.engine.JudgesBy("1.2.3 a"))
	first := read()
	w.check(w.engine.JudgesBy("1.2.3 a"))
	same := read()
	w.check(w.engine.JudgesBy("1.2.3 b"))
	if other := read(); first != 1 || same != 0 || other != 1 {
		t.Errorf("read %d times at first, %d by the same, %d by others", first, same, other)
	}
}

func TestSeveralPlacesAreSweptAtOnce(t *testing.T) {
	regions := []string{"us-east-1", "us-east-2", "us-west-1"}
	w := newWorld(t, silent, func(w *world) {
		w.places = func(cfg aws.Config) (places []Place) {
			for _, r := range regions {
				p := awskms.Place{Partition: "aws", Account: account, Region: r}
				places = append(places, Place{Account: account, Region: r, KMS: awskms.New(cfg, p, awskms.Options{})})
			}
			return places
		}
	})
	// Each waits for the others: one after the other they would never end.
	var mu sync.Mutex
	waiting, all := map[string]bool{}, make(chan struct{})
	w.sim.Plan(awssim.Fault{Operation: "ListKeys", Match: func(in awssim.Incoming) bool {
		mu.Lock()
		defer mu.Unlock()
		if waiting[in.Region] = true; len(waiting) == len(regions)+1 {
			select {
			case <-all:
			default:
				close(all)
			}
		}
		return true
	}, Do: func() {
		select {
		case <-all:
		case <-time.After(within):
			t.Error("places are swept one after the other")
		}
	}})
	w.check(w.engine.Sweep(t.Context(), Inventory))
}

func TestALargeFleetsDearFactsComeAfterItsFirstInventoryAndPageNobody(t *testing.T) {
	const keys, answered = 60, 50 // of which KMS shows the rotations while the sweep waits
	w := newWorld(t, silent)
	swept := make(chan struct{})
	var asked atomic.Int32
	w.sim.Plan(awssim.Fault{
		Operation: "ListKeyRotations", Match: func(awssim.Incoming) bool { return asked.Add(1) > answered },
		Do: func() { <-swept },
	})
	release := sync.OnceFunc(func() { close(swept) })
	t.Cleanup(release)
	for range keys {
		w.key(awssim.KeyOptions{
			RotationPeriod: 365, Created: time.Now().Add(-500 * day), Aliases: []string{"alias/a-" + uuid()},
		})
	}
	w.check(w.engine.Sweep(t.Context(), Inventory))
	c, err := w.engine.coverage(&w.engine.Places()[0])
	if err != nil || c.FirstSeen.IsZero() || !c.FirstFacts.IsZero() {
		t.Errorf("after the first inventory: %+v, %v", c, err)
	}
	release()
	w.await("every key's rotations", func() bool {
		c, err := w.engine.coverage(&w.engine.Places()[0])
		return err == nil && !c.FirstFacts.IsZero()
	})
	if n := len(w.findings()); n != keys {
		t.Errorf("%d findings, want each key overdue", n)
	}
	w.idleOutbox()
	if told := w.sim.Published(w.topic); len(told) != 2 || len(w.told(`"digest"`)) != 2 {
		t.Errorf("told in %d messages, want two digests", len(told))
	}
	if n := w.requests("ListKeyRotations"); n < keys || n > keys+factsAtOnce { // some were cut off with the sweep
		t.Errorf("rotations were asked for %d times", n)
	}
}

func TestTheLastUseOfAKeyThatIsTakenOutOfUseIsReadAtOnce(t *testing.T) {
	w := newWorld(t, silent)
	arn := w.key(awssim.KeyOptions{RotationPeriod: 365})
	w.check(w.engine.Sweep(t.Context(), Inventory))
	w.await("the key's last use", func() bool { return w.known(arn).LastUsage != nil })
	w.update(func(tx *state.Tx) error {
		key, err := tx.Key(arn)
		w.check(err)
		key.UseAskedAt = key.UseAskedAt.Add(-2 * time.Hour)
		return tx.PutKey(key)
	})
	_, err := w.kms(w.engineer).Encrypt(t.Context(), &kms.EncryptInput{KeyId: &arn, Plaintext: []byte("x")})
	w.check(err)
	_, err = w.kms(w.engineer).DisableKey(t.Context(), &kms.DisableKeyInput{KeyId: &arn})
	w.check(err)
	w.settle(w.aRecord("DisableKey", arn).bridged())
	w.await("the last use before it was disabled", func() bool { return w.known(arn).LastUsage.At != nil })
	if n := w.requests("GetKeyLastUsage"); n != 2 {
		t.Errorf("asked %d times", n)
	}
}

func TestTheLastUseIsReadInTheBackground(t *testing.T) {
	w := newWorld(t, silent)
	arn := w.key(awssim.KeyOptions{RotationPeriod: 365})
	w.check(w.engine.Sweep(t.Context(), Inventory))
	w.await("the key's last use", func() bool { return w.known(arn).LastUsage != nil })
	if k := w.known(arn); k.LastUsage.At != nil || k.UseAskedAt.IsZero() || k.Grants == nil {
		t.Errorf("got %+v", k)
	}
	if n := w.requests("GetKeyLastUsage"); n != 1 {
		t.Errorf("asked %d times", n)
	}
}
