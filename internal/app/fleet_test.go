package app

import (
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"rotd/internal/admin"
	"rotd/internal/awskms"
	"rotd/internal/awssim"
	"rotd/internal/config"
	"rotd/internal/engine"
	"rotd/internal/state"
)

const (
	home   = "111122223333"
	member = "222233334444"
	shut   = "333344445555"
	left   = "444455556666"
)

// fleetWorld is an organization of four accounts, one of them closed and one excluded.
func fleetWorld(t *testing.T, accounts ...config.Account) (*awssim.Sim, *fleet) {
	t.Helper()
	sim := awssim.New(awssim.Options{})
	if err := sim.Start(); err != nil {
		t.Fatal(err)
	}
	db, err := state.Open(state.Options{Path: filepath.Join(t.TempDir(), "rotd.db"), Shard: "default", Now: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
		if err := sim.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, a := range []awssim.OrgAccount{
		{ID: home, Name: "management", State: "ACTIVE", Path: "o-1/r-1/"},
		{ID: member, Name: "shop", State: "ACTIVE", Path: "o-1/r-1/ou-1-prod/"},
		{ID: shut, Name: "old", State: "SUSPENDED", Path: "o-1/r-1/ou-1-old/"},
		{ID: left, Name: "sandbox", State: "ACTIVE", Path: "o-1/r-1/"},
	} {
		sim.AddOrgAccount(a)
		sim.AddRole(awssim.Role{ARN: "arn:aws:iam::" + a.ID + ":role/rotd-member", ExternalID: "abc"})
	}
	d := &daemonProcess{
		db: db, log: zap.NewNop(), home: awskms.Place{Partition: "aws", Account: home, Region: "eu-west-1"},
		cfg: config.Default(),
	}
	d.parts.kms = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "kms"}, []string{"a", "r", "o", "c"})
	d.cfg.Accounts = accounts
	d.cfg.Organization = config.Organization{
		RoleName: "rotd-member", ExternalID: "abc", Regions: []string{"eu-west-1", "us-east-1"}, Exclude: []string{left},
	}
	d.fleet = d.newFleet(sim.As(sim.NewAccessKey(home, "rotd"), "eu-west-1"), nil)
	return sim, d.fleet
}

func names(places []engine.Place) (all []string) {
	for _, p := range places {
		all = append(all, p.Account+" "+p.Region+" "+p.OrgPath)
	}
	return all
}

// both are the places of the accounts that are looked after.
var both = []string{
	home + " eu-west-1 o-1/r-1/", home + " us-east-1 o-1/r-1/",
	member + " eu-west-1 o-1/r-1/ou-1-prod/", member + " us-east-1 o-1/r-1/ou-1-prod/",
}

func TestTheOrganizationsActiveAccountsAreLookedAfter(t *testing.T) {
	sim, f := fleetWorld(t)
	places, err := f.refresh(t.Context())
	if diff := cmp.Diff(both, names(places)); diff != "" || err != nil {
		t.Fatalf("%v (-want +got):\n%s", err, diff)
	}
	arn, err := sim.KMS().CreateKey(awssim.KeyOptions{Account: member, Region: "us-east-1"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := places[3].KMS.ReadWhole(t.Context(), arn, nil, nil); err != nil {
		t.Errorf("through the role: %v", err)
	}
	told := f.told()
	told.ListedAt = time.Time{}
	if diff := cmp.Diff(&admin.Organization{Accounts: 4, Skipped: []state.Member{
		{ID: shut, Name: "old", State: "SUSPENDED", Path: "o-1/r-1/ou-1-old/"},
		{ID: left, Name: "sandbox", State: "ACTIVE", Path: "o-1/r-1/"},
	}}, told); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	s := f.trusting(settings(f.d.cfg, home))
	for id, want := range map[string]bool{home: true, member: true, shut: false, left: false, "999900001111": false} {
		if s.Trusted(id) != want {
			t.Errorf("trusted %s: %t", id, !want)
		}
	}
	sim.SetOrgState(member, "PENDING_CLOSURE")
	again, err := f.refresh(t.Context())
	if diff := cmp.Diff(both[:2], names(again)); diff != "" || err != nil {
		t.Errorf("after one was closed: %v (-want +got):\n%s", err, diff)
	}
	if again[0].KMS != places[0].KMS {
		t.Error("the client of a place was made anew, and with it its limiters")
	}
}

func TestAccountsThatCannotBeListedAreThoseLastKnown(t *testing.T) {
	sim, f := fleetWorld(t)
	denied := awssim.Fault{
		Service: "organizations", Err: &awssim.APIError{Code: "AccessDeniedException", Message: "not yours", Status: 400},
	}
	first := sim.Plan(denied)
	places, err := f.refresh(t.Context())
	if diff := cmp.Diff([]string{home + " eu-west-1 ", home + " us-east-1 "}, names(places)); diff != "" || err != nil {
		t.Errorf("never listed: %v (-want +got):\n%s", err, diff)
	}
	if listed, err := f.trouble(); err == nil || !listed.IsZero() {
		t.Errorf("trouble: %s, %v", listed, err)
	}
	first.Remove()
	if _, err := f.refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	sim.Plan(denied)
	restarted := f.d.newFleet(f.sdk, nil)
	places, err = restarted.refresh(t.Context())
	if diff := cmp.Diff(both, names(places)); diff != "" || err != nil {
		t.Errorf("after a restart: %v (-want +got):\n%s", err, diff)
	}
	if listed, err := restarted.trouble(); err == nil || listed.IsZero() {
		t.Errorf("trouble: %s, %v", listed, err)
	}
}

func TestAConfiguredAccountIsAsConfigured(t *testing.T) {
	_, f := fleetWorld(t, config.Account{ID: member, Regions: []string{"ap-east-1"}})
	places, err := f.refresh(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []string{member + " ap-east-1 o-1/r-1/ou-1-prod/", both[0], both[1]}
	if got := names(places); !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}
