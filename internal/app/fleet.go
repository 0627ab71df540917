package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"go.uber.org/zap"

	"rotd/internal/admin"
	"rotd/internal/awskms"
	"rotd/internal/awsorg"
	"rotd/internal/awss3"
	"rotd/internal/config"
	"rotd/internal/engine"
	"rotd/internal/material"
	"rotd/internal/state"
)

// fleet is the accounts and Regions that are looked after: the configured ones and, where configuration says so, those
// of the organization.
type fleet struct {
	d     *daemonProcess
	sdk   aws.Config
	first awskms.BeforeFirstUse

	// As configured at the start: a reload changes none of them, and may come while the fleet is refreshed.
	shard        string
	limits       config.Limits
	accounts     []config.Account
	organization config.Organization

	mu      sync.Mutex
	known   state.Organization
	clients map[awskms.Place]*awskms.Client // kept: a client's limiters know only its own requests
}

func (d *daemonProcess) newFleet(sdk aws.Config, first awskms.BeforeFirstUse) *fleet {
	return &fleet{
		d: d, sdk: sdk, first: first, shard: d.cfg.Shard, limits: d.cfg.Limits,
		accounts: d.cfg.Accounts, organization: d.cfg.Organization,
		clients: make(map[awskms.Place]*awskms.Client),
	}
}

// refresh lists the organization's accounts and returns the places to look after. While they cannot be listed those
// last known count.
func (f *fleet) refresh(ctx context.Context) ([]engine.Place, error) {
	if f.organization.RoleName == "" {
		return f.places(state.Organization{}), nil
	}
	var known state.Organization
	err := f.d.db.View(func(tx *state.Tx) (err error) { known, err = tx.Organization(); return err })
	if err != nil {
		return nil, fmt.Errorf("read the organization's accounts: %w", err)
	}
	listed, err := awsorg.New(f.sdk).Accounts(ctx)
	if err != nil {
		f.d.log.Error("cannot list the organization's accounts; those last known are swept", zap.Error(err),
			zap.Time("listed", known.ListedAt), zap.Int("accounts", len(known.Accounts)))
		known.LastError = err.Error()
	} else {
		known = state.Organization{ListedAt: time.Now().UTC()}
		for _, a := range listed {
			known.Accounts = append(known.Accounts, state.Member{ID: a.ID, Name: a.Name, State: a.State, Path: a.Path})
		}
	}
	if err := f.d.db.Update(func(tx *state.Tx) error { return tx.PutOrganization(&known) }); err != nil {
		return nil, fmt.Errorf("keep the organization's accounts: %w", err)
	}
	return f.places(known), nil
}

// trouble is why the organization's accounts could not be listed and when they last were; nil when they were.
func (f *fleet) trouble() (listed time.Time, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.known.LastError != "" {
		err = errors.New(f.known.LastError)
	}
	return f.known.ListedAt, err
}

// located is an account that is looked after, and where it is in the organization.
type located struct {
	config.Account
	path string
}

// places makes a client for every account and Region; the caller's own when there is none.
func (f *fleet) places(known state.Organization) []engine.Place {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.known = known
	var places []engine.Place
	for _, a := range f.chosen(known) {
		regions := a.Regions
		if len(regions) == 0 {
			regions = []string{f.d.home.Region}
		}
		for _, region := range regions {
			place := awskms.Place{Partition: f.d.home.Partition, Account: a.ID, Region: region}
			client := f.client(a.Account, place)
			p := engine.Place{Account: a.ID, Region: region, OrgPath: a.path, KMS: client}
			if a.EmergencyRoleARN != "" {
				cfg := awskms.Assume(f.sdk, a.EmergencyRoleARN, a.ExternalID, "rotd-emergency-"+f.shard, f.first)
				p.Emergency, p.EmergencyStore = client.As(cfg), awss3.New(cfg)
			}
			places = append(places, p)
		}
	}
	return places
}

// chosen are the accounts to look after: the configured ones, then the organization's active ones, but for those
// excluded.
func (f *fleet) chosen(known state.Organization) []located {
	var all []located
	paths := make(map[string]string, len(known.Accounts))
	for _, m := range known.Accounts {
		paths[m.ID] = m.Path
	}
	for _, a := range f.accounts {
		all = append(all, located{a, paths[a.ID]})
	}
	for _, m := range known.Accounts {
		configured := slices.ContainsFunc(f.accounts, func(a config.Account) bool { return a.ID == m.ID })
		if configured || f.skips(m) {
			continue
		}
		a := config.Account{ID: m.ID, Regions: f.organization.Regions}
		if m.ID != f.d.home.Account {
			a.ExternalID = f.organization.ExternalID
			a.RoleARN = "arn:" + f.d.home.Partition + ":iam::" + m.ID + ":role/" + f.organization.RoleName
		}
		if name := f.organization.EmergencyRoleName; name != "" {
			a.EmergencyRoleARN = "arn:" + f.d.home.Partition + ":iam::" + m.ID + ":role/" + name
		}
		all = append(all, located{a, m.Path})
	}
	if len(all) == 0 {
		all = []located{{config.Account{ID: f.d.home.Account, Regions: f.organization.Regions}, ""}}
	}
	return all
}

// skips reports whether a member of the organization is not looked after.
func (f *fleet) skips(m state.Member) bool {
	active := awsorg.Account{State: m.State}
	return !active.Active() || slices.Contains(f.organization.Exclude, m.ID)
}

// client is the one client of a place. f.mu is held.
func (f *fleet) client(a config.Account, place awskms.Place) *awskms.Client {
	if c := f.clients[place]; c != nil {
		return c
	}
	cfg := f.sdk
	if a.RoleARN != "" {
		cfg = awskms.Assume(f.sdk, a.RoleARN, a.ExternalID, "rotd-"+f.shard, f.first)
	}
	c := awskms.New(cfg, place, awskms.Options{
		QuotaShare: f.limits.QuotaShare, ReEncrypts: float64(f.limits.ReEncrypts), Logger: f.d.log.Named("kms"),
		Observe:  f.d.observeKMS(place.Account, place.Region),
		Material: func() material.Source { return *f.d.material.Load() },
	})
	f.clients[place] = c
	return c
}

// trusting lets the organization's accounts that are looked after be no outsiders.
func (f *fleet) trusting(s *engine.Settings) *engine.Settings {
	if f.organization.RoleName == "" {
		return s
	}
	trusted, expected := s.Trusted, s.Expected
	s.Trusted = func(id string) bool { return trusted(id) || f.lookedAfter(id) }
	if expected != nil {
		s.Expected = func(id string) bool { return expected(id) || f.lookedAfter(id) }
	}
	return s
}

func (f *fleet) lookedAfter(id string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.ContainsFunc(f.known.Accounts, func(m state.Member) bool { return m.ID == id && !f.skips(m) })
}

// told is what people are told of the organization; nil when configuration does not ask for it.
func (f *fleet) told() *admin.Organization {
	if f.organization.RoleName == "" {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	o := &admin.Organization{
		ListedAt: f.known.ListedAt, LastError: f.known.LastError, Accounts: len(f.known.Accounts), Skipped: []state.Member{},
	}
	for _, m := range f.known.Accounts {
		configured := slices.ContainsFunc(f.accounts, func(a config.Account) bool { return a.ID == m.ID })
		if !configured && f.skips(m) {
			o.Skipped = append(o.Skipped, m)
		}
	}
	return o
}

// relist lists the organization's accounts again, before an inventory.
func (d *daemonProcess) relist(ctx context.Context) error {
	if d.fleet.organization.RoleName == "" {
		return nil
	}
	places, err := d.fleet.refresh(ctx)
	if err != nil || ctx.Err() != nil {
		return err
	}
	d.engine.SetPlaces(places)
	return d.engine.NoteListing(d.fleet.trouble())
}
