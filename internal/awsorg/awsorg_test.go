package awsorg

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"rotd/internal/awssim"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const management = "111122223333"

func world(t *testing.T) (*awssim.Sim, *Client) {
	t.Helper()
	sim := awssim.New(awssim.Options{})
	if err := sim.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := sim.Close(); err != nil {
			t.Error(err)
		}
	})
	cfg := sim.As(sim.NewAccessKey(management, "rotd"), "us-east-1")
	return sim, New(cfg)
}

func TestAllAccountsAreListedWhateverTheirState(t *testing.T) {
	sim, client := world(t)
	want := []Account{}
	for i := range 45 { // three pages
		m := awssim.OrgAccount{
			ID: strings.Repeat("0", 10) + string(rune('0'+i/10)) + string(rune('0'+i%10)), Name: "app\x07", State: "ACTIVE",
			Path: "o-example/r-root/ou-root-prod/",
		}
		if i == 7 {
			m.State = "SUSPENDED"
		}
		sim.AddOrgAccount(m)
		want = append(want, Account{m.ID, m.Name, m.State, m.Path})
	}
	got, err := client.Accounts(t.Context())
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if !got[6].Active() || got[7].Active() {
		t.Errorf("active: %+v, %+v", got[6], got[7])
	}
}

func TestAListingIsWholeOrFails(t *testing.T) {
	sim, client := world(t)
	if _, err := client.Accounts(t.Context()); err == nil {
		t.Error("an organization without accounts was listed")
	}
	for range 30 {
		sim.AddOrgAccount(awssim.OrgAccount{ID: "222233334444", State: "ACTIVE"})
	}
	sim.Plan(awssim.Fault{
		Operation: "ListAccounts", Nth: 2, Times: 1,
		Err: &awssim.APIError{Code: "AccessDeniedException", Message: "not yours", Status: 400},
	})
	got, err := client.Accounts(t.Context())
	if err == nil || len(got) != 0 || !strings.Contains(err.Error(), "not yours") {
		t.Errorf("%v, %v", got, err)
	}
	sim.Plan(awssim.Fault{
		Operation: "ListAccounts", Nth: 1, Times: 2,
		Err: &awssim.APIError{Code: "TooManyRequestsException", Status: 400},
	})
	if got, err = client.Accounts(t.Context()); err != nil || len(got) != 30 {
		t.Errorf("after throttling: %d, %v", len(got), err)
	}
}
