package traffic_test

import (
	"slices"
	"testing"

	"rotd/internal/events"
	"rotd/internal/inventory"
	"rotd/test/traffic"
)

func TestOrdinaryRecordsAreAboutWhatIsKnown(t *testing.T) {
	w := small()
	known, around := map[string]inventory.Key{}, w.Surroundings()
	for _, k := range w.Inventory() {
		known[k.ARN] = k
	}
	decoder := events.NewDecoder(nil)
	for r := range w.Records() {
		e, _, err := decoder.DecodeRecord(r.JSON)
		if err != nil {
			t.Fatal(err)
		}
		k, ok := known[e.Key.ARN]
		if e.Key.ARN != "" && e.EventSource == "kms.amazonaws.com" && (!ok || k.Created.After(e.EventTime)) {
			t.Fatalf("no such key yet: %s", r.JSON)
		}
		if !slices.Contains(around.Accounts, e.RecipientAccountID) || !slices.Contains(around.Regions, e.AWSRegion) {
			t.Fatalf("another account or Region: %s", r.JSON)
		}
		if r.Own != slices.Contains(around.Rotd, e.UserIdentity.PrincipalARN()) {
			t.Fatalf("own is %v of %s", r.Own, r.JSON)
		}
		if a := e.UserIdentity.AccountID; a != "" && !slices.Contains(append(around.Trusted, around.Accounts...), a) {
			t.Fatalf("a stranger: %s", r.JSON)
		}
	}
}

func TestEveryKeyOfTheWorldCanBeFoundByItsAlias(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range (traffic.World{Seed: 4, Keys: 300}).Inventory() {
		name := k.Account + k.Region + k.Aliases[0]
		if seen[name] {
			t.Errorf("two keys have %s in %s, %s", k.Aliases[0], k.Account, k.Region)
		}
		seen[name] = true
	}
}
