package cost

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rotd/internal/inventory"
	"rotd/internal/policy"
)

var noon = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

// key is a key that rotates yearly, was rotated so many times and last 100 days ago.
func key(rotated int, change ...func(*inventory.Key)) *inventory.Key {
	next := noon.Add(265 * day)
	k := &inventory.Key{
		ARN: "arn:aws:kms:us-east-1:111122223333:key/1", State: "Enabled", Manager: "CUSTOMER", Origin: "AWS_KMS",
		Spec: "SYMMETRIC_DEFAULT", Usage: "ENCRYPT_DECRYPT", Created: noon.Add(-3000 * day), Aliases: []string{"alias/x"},
		Account:  "111122223333",
		Rotation: &inventory.Rotation{Enabled: true, PeriodDays: 365, Next: &next, HistoryAt: noon},
	}
	for i := range rotated {
		at := noon.Add(-100*day - time.Duration(rotated-1-i)*365*day)
		k.Rotation.History = append(k.Rotation.History, inventory.Rotated{At: at, Type: "AUTOMATIC"})
	}
	for _, c := range change {
		c(k)
	}
	return k
}

func TestWhatAKeyCostsAMonth(t *testing.T) {
	state := func(s string) func(*inventory.Key) { return func(k *inventory.Key) { k.State = s } }
	for name, test := range map[string]struct {
		key  *inventory.Key
		want Month
	}{
		"never rotated":                  {key(0), Month{Key: unit}},
		"rotated once":                   {key(1), Month{Key: unit, Rotations: unit}},
		"the second rotation is charged": {key(2), Month{Key: unit, Rotations: 2 * unit}},
		"later ones are free":            {key(9), Month{Key: unit, Rotations: 2 * unit}},
		"a disabled key is charged":      {key(1, state("Disabled")), Month{Key: unit, Rotations: unit}},
		"scheduled for deletion": {
			key(1, state("PendingDeletion")), Month{Free: "the key is scheduled for deletion"},
		},
		"waiting for its replicas to be gone": {
			key(1, state("PendingReplicaDeletion")), Month{Free: "the key is scheduled for deletion"},
		},
		"managed by AWS": {
			key(1, func(k *inventory.Key) { k.Manager = "AWS" }), Month{Free: "AWS manages the key"},
		},
		"gone": {
			key(1, func(k *inventory.Key) { k.GoneAt = &noon }), Month{Free: "KMS no longer knows the key"},
		},
		"in a custom store": {
			key(0, func(k *inventory.Key) { k.Origin, k.Rotation = "AWS_CLOUDHSM", nil }), Month{Key: unit},
		},
		"a replica is a key of its own": {
			key(1, func(k *inventory.Key) { k.MultiRegion = "REPLICA" }), Month{Key: unit, Rotations: unit},
		},
		"asymmetric": {
			key(0, func(k *inventory.Key) { k.Spec, k.Rotation = "RSA_2048", nil }), Month{Key: unit},
		},
		"its rotations could not be read": {
			key(0, func(k *inventory.Key) { k.Rotation = nil }), Month{Key: unit, AtLeast: true},
		},
		"its rotations were never listed": {
			key(0, func(k *inventory.Key) { k.Rotation.HistoryAt = time.Time{} }), Month{Key: unit, AtLeast: true},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, Default().Of(test.key)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestMoney(t *testing.T) {
	for in, want := range map[string]string{
		"1": "1.00", "1.00": "1.00", "0.0625": "0.06", "0.005": "0.01", "999999.999999": "1000000.00", "0": "0.00",
		"0.000001": "0.00",
	} {
		m, err := ParseMoney(in)
		if err != nil || m.String() != want {
			t.Errorf("%q: %s, %v", in, m, err)
		}
	}
	if got := Money(-2_345_000).String(); got != "-2.35" {
		t.Errorf("negative: %s", got)
	}
	for _, in := range []string{
		"", "-1", "1.", ".5", "1e3", "1,00", "10000000", "1000000.1", "1.0000001", "0x1", " 1", "+1",
	} {
		if m, err := ParseMoney(in); err == nil {
			t.Errorf("%q is read as %s", in, m)
		}
	}
}

func TestMoneyIsTextInJSON(t *testing.T) {
	for _, want := range []string{"12.50", "-3.00"} {
		var m Money
		if err := m.UnmarshalText([]byte(want)); err != nil {
			t.Fatal(err)
		}
		if got, _ := m.MarshalText(); string(got) != want {
			t.Errorf("%s became %s", want, got)
		}
	}
}

func asking(method policy.Method, maxAge, automatic time.Duration) *policy.Policy {
	return &policy.Policy{Name: "p", Rotation: policy.Rotation{Method: method, MaxAge: maxAge, Automatic: automatic}}
}

func TestWhatAPolicyMakesOfAKeyInAYear(t *testing.T) {
	off := func(k *inventory.Key) { k.Rotation.Enabled, k.Rotation.Next, k.Rotation.PeriodDays = false, nil, 0 }
	hmac := func(k *inventory.Key) { k.Spec, k.Usage, k.Rotation = "HMAC_256", "GENERATE_VERIFY_MAC", nil }
	const quarter, year = 90 * day, 365 * day
	for name, test := range map[string]struct {
		key    *inventory.Key
		policy *policy.Policy
		want   Outlook
	}{
		"yearly, as it is": {
			key(1), asking(policy.Auto, year, year), Outlook{Now: 2 * unit, Then: 3 * unit, Rotations: 1},
		},
		"overdue at once, then quarterly: only the second rotation is charged": {
			key(1), asking(policy.Auto, quarter, quarter), Outlook{Now: 2 * unit, Then: 3 * unit, Rotations: 5},
		},
		"quarterly, and both are charged already": {
			key(5), asking(policy.Automatic, quarter, quarter), Outlook{Now: 3 * unit, Then: 3 * unit, Rotations: 4},
		},
		"turned on": {
			key(0, off), asking(policy.Automatic, year, year), Outlook{Now: unit, Then: 2 * unit, Rotations: 1},
		},
		"turned on, and rotated on demand since it is overdue": {
			key(0, off), asking(policy.Auto, year, year), Outlook{Now: unit, Then: 3 * unit, Rotations: 2},
		},
		"on demand, every half year": {
			key(1), asking(policy.OnDemand, 180*day, 0), Outlook{Now: 2 * unit, Then: 3 * unit, Rotations: 2},
		},
		"replaced yearly: each new key is charged": {
			key(0, hmac), asking(policy.Replace, year, 0), Outlook{Now: unit, Then: 3 * unit, Replacements: 2},
		},
		"only watched":  {key(1), asking(policy.None, 0, 0), Outlook{Now: 2 * unit, Then: 2 * unit}},
		"no policy":     {key(1), nil, Outlook{Now: 2 * unit, Then: 2 * unit}},
		"cannot rotate": {key(0, hmac), asking(policy.Auto, year, year), Outlook{Now: unit, Then: unit}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, Default().outlook(test.key, test.policy, noon, 7*day)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestComparison(t *testing.T) {
	yearly, quarterly := *asking(policy.Automatic, 365*day, 365*day), *asking(policy.Automatic, 90*day, 90*day)
	yearly.Name, quarterly.Name = "yearly", "quarterly"
	quarterly.Match.Aliases = []string{"alias/pay"}
	renamed := yearly
	renamed.Rotation.Rationale = "said otherwise"
	c := NewComparison(Default(), policy.Set{yearly}, policy.Set{quarterly, renamed}, noon, 7*day)
	c.Add(key(0))
	c.Add(key(1, func(k *inventory.Key) { k.Aliases = []string{"alias/pay"} }))
	c.Add(key(1, func(k *inventory.Key) { k.Manager = "AWS" }))
	c.Add(key(1, func(k *inventory.Key) { k.GoneAt = &noon }))
	if c.Keys != 2 || c.Asked != 1 {
		t.Errorf("%d keys, %d asked otherwise", c.Keys, c.Asked)
	}
	if diff := cmp.Diff(map[Move]int{{"yearly", "quarterly"}: 1}, c.Moved); diff != "" {
		t.Errorf("moved (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([2]Outlook{
		{Now: 3 * unit, Then: 5 * unit, Rotations: 2}, {Now: 3 * unit, Then: 5 * unit, Rotations: 5},
	}, [2]Outlook{c.Current, c.Other}); diff != "" {
		t.Errorf("outlooks (-want +got):\n%s", diff)
	}
}
