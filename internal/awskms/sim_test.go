package awskms

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"rotd/internal/awssim"
	"rotd/internal/inventory"
	"rotd/internal/material"
	"rotd/internal/remediation"
)

const (
	account = "111122223333"
	region  = "eu-west-1"

	ownPolicy = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",` +
		`"Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"kms:*","Resource":"*"}]}`
)

// world is an awssim, spoken to over HTTP by the SDK's own client.
type world struct {
	t     *testing.T
	sim   *awssim.Sim
	clock *awssim.Clock
	cfg   aws.Config

	source material.Source
}

func newWorld(t *testing.T) *world {
	t.Helper()
	clock := awssim.NewScaledClock(time.Now().UTC().Truncate(time.Second), 0)
	sim := awssim.New(awssim.Options{Clock: clock})
	if err := sim.Start(); err != nil {
		t.Fatal(err)
	}
	transport := HTTPClient()
	t.Cleanup(func() {
		transport.GetTransport().CloseIdleConnections()
		if err := sim.Close(); err != nil {
			t.Error(err)
		}
	})
	p := sim.NewAccessKey(account, "rotd")
	return &world{t: t, sim: sim, clock: clock, cfg: aws.Config{
		Region: region, BaseEndpoint: aws.String(sim.URL()), HTTPClient: transport,
		Credentials: credentials.NewStaticCredentialsProvider(p.AccessKeyID, p.SecretAccessKey, ""),
	}}
}

func (w *world) client() *Client {
	return New(Configure(w.cfg, "test", nil), Place{Partition: "aws", Account: account, Region: region},
		Options{QuotaShare: 1})
}

// clientOf works where an action's call does, and imports what w.source gives.
func (w *world) clientOf(a *remediation.Action) *Client {
	where := strings.SplitN(a.CallKey(), ":", 5)[3]
	return New(Configure(w.cfg, "test", nil), Place{Partition: "aws", Account: account, Region: where},
		Options{QuotaShare: 1, Material: func() material.Source { return w.source }})
}

func (w *world) key(o awssim.KeyOptions) string {
	w.t.Helper()
	if o.Account == "" {
		o.Account = account
	}
	o.Region = region
	arn, err := w.sim.KMS().CreateKey(o)
	if err != nil {
		w.t.Fatal(err)
	}
	return arn
}

// whenRead are the times of reading, which no table can know.
func whenRead() cmp.Option {
	return cmp.Options{
		cmpopts.IgnoreFields(inventory.Key{}, "WholeBy", "ReadAt", "FullAt", "AliasesAt", "FirstRead", "CurrentMaterial",
			"FactsAskedAt"),
		cmpopts.IgnoreFields(inventory.Rotation{}, "HistoryAt", "HistoryMaterial"),
		cmpopts.IgnoreFields(inventory.Rotated{}, "Material"),
		cmpopts.IgnoreFields(inventory.Grants{}, "ReadAt"),
	}
}

func TestSweepInventoryReadsEveryKindOfKey(t *testing.T) {
	w := newWorld(t)
	now := w.clock.Now()
	day := 24 * time.Hour
	ago := func(days int) time.Time { return now.Add(-time.Duration(days) * day) }
	at := func(t time.Time) *time.Time { return &t }
	base := inventory.Key{
		Partition: "aws", Account: account, Region: region, State: "Enabled", Manager: "CUSTOMER",
		Origin: "AWS_KMS", Spec: "SYMMETRIC_DEFAULT", Usage: "ENCRYPT_DECRYPT", Created: ago(400),
		Policy: ownPolicy,
		Tags:   map[string]string{},
		Grants: &inventory.Grants{},
	}
	tests := []struct {
		name string
		o    awssim.KeyOptions
		want func(*inventory.Key)
	}{
		{"rotating, with history, tags and aliases", awssim.KeyOptions{
			Description: "payments", RotationPeriod: 90, NextRotation: now.Add(50 * day),
			Tags:    map[string]string{"team": "pay"},
			Aliases: []string{"alias/pay-b", "alias/pay-a"},
			History: []awssim.PastRotation{{At: ago(200), Type: types.RotationTypeOnDemand}, {
				At:   ago(40),
				Type: types.RotationTypeAutomatic,
			}},
		}, func(k *inventory.Key) {
			k.Description, k.Tags, k.Aliases = "payments", map[string]string{"team": "pay"}, []string{
				"alias/pay-a",
				"alias/pay-b",
			}
			k.Rotation = &inventory.Rotation{
				Enabled: true, PeriodDays: 90, Next: at(now.Add(50 * day)),
				History: []inventory.Rotated{
					{At: ago(200), Type: "ON_DEMAND"}, {At: ago(40), Type: "AUTOMATIC"},
				},
			}
		}},
		{"not rotating", awssim.KeyOptions{}, func(k *inventory.Key) { k.Rotation = &inventory.Rotation{} }},
		{"disabled", awssim.KeyOptions{State: types.KeyStateDisabled}, func(k *inventory.Key) {
			k.State, k.Rotation = "Disabled", &inventory.Rotation{}
		}},
		{"pending deletion", awssim.KeyOptions{DeletionDate: now.Add(7 * day)}, func(k *inventory.Key) {
			k.State, k.DeletionDate, k.Rotation = "PendingDeletion", at(now.Add(7*day)), &inventory.Rotation{}
		}},
		{
			"asymmetric",
			awssim.KeyOptions{Spec: types.KeySpecRsa2048, Usage: types.KeyUsageTypeSignVerify},
			func(k *inventory.Key) {
				k.Spec, k.Usage = "RSA_2048", "SIGN_VERIFY"
			},
		},
		{"HMAC", awssim.KeyOptions{Spec: types.KeySpecHmac256}, func(k *inventory.Key) {
			k.Spec, k.Usage = "HMAC_256", "GENERATE_VERIFY_MAC"
		}},
		{"waiting for an import", awssim.KeyOptions{Origin: types.OriginTypeExternal}, func(k *inventory.Key) {
			k.Origin, k.State = "EXTERNAL", "PendingImport"
		}},
		{"imported and expiring", awssim.KeyOptions{
			Origin:   types.OriginTypeExternal,
			Imported: []awssim.ImportedSecret{{ValidTo: now.Add(30 * day)}},
		}, func(k *inventory.Key) {
			k.Origin, k.ValidTo, k.Rotation = "EXTERNAL", at(now.Add(30*day)), &inventory.Rotation{}
		}},
		{
			"in a custom key store",
			awssim.KeyOptions{Origin: types.OriginTypeAwsCloudhsm, CustomKeyStore: "cks-1"},
			func(k *inventory.Key) { k.Origin, k.CustomKeyStore = "AWS_CLOUDHSM", "cks-1" },
		},
		{
			"an AWS managed key",
			awssim.KeyOptions{Manager: types.KeyManagerTypeAws, Aliases: []string{"alias/aws/s3"}},
			func(k *inventory.Key) {
				k.Grants = nil
				k.Manager, k.Aliases, k.Policy, k.Tags = "AWS", []string{"alias/aws/s3"}, "", nil
			},
		},
	}
	want := map[string]inventory.Key{}
	names := map[string]string{}
	for _, tt := range tests {
		tt.o.Created, tt.o.Policy = ago(400), base.Policy
		arn := w.key(tt.o)
		k := base
		k.ARN, k.ID = arn, keyID(arn)
		tt.want(&k)
		want[arn], names[arn] = k, tt.name
	}
	c := w.client()
	done, err := c.SweepInventory(t.Context(), everything, func(p Page) error {
		for _, k := range p.Keys {
			t.Run(names[k.ARN], func(t *testing.T) {
				if k.HasCostlyFacts() {
					var err error
					if k, err = c.ReadFacts(t.Context(), k, inventory.FactsCostly); err != nil {
						t.Fatal(err)
					}
				}
				if diff := cmp.Diff(want[k.ARN], *k, whenRead(), cmpopts.EquateEmpty()); diff != "" {
					t.Errorf("read (-want +got):\n%s", diff)
				}
			})
		}
		return nil
	})
	if err != nil || !done.Complete() || done.Total != len(tests) || done.Denied != 0 {
		t.Errorf("coverage %+v, %v", done, err)
	}
	for _, r := range w.sim.Requests(awssim.OfService("kms")) {
		if r.ErrorCode != "" {
			t.Errorf("%s %s was refused: %s", r.Operation, r.Resource, r.ErrorCode)
		}
		if names[r.Resource] == "an AWS managed key" && r.Operation != "DescribeKey" {
			t.Errorf("%s was asked of an AWS managed key", r.Operation)
		}
	}
}

func TestRelatedMultiRegionKeysAreTied(t *testing.T) {
	w := newWorld(t)
	arn := w.key(awssim.KeyOptions{MultiRegion: true, Replicas: []string{"us-east-1"}})
	primary, err := w.client().ReadWhole(t.Context(), arn, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if primary.MultiRegion != "PRIMARY" || primary.PrimaryARN != arn || len(primary.ReplicaARNs) != 1 {
		t.Fatalf("primary %+v", primary)
	}
	c := New(w.cfg, Place{Partition: "aws", Account: account, Region: "us-east-1"}, Options{})
	replica, err := c.ReadWhole(t.Context(), primary.ReplicaARNs[0], nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if replica.MultiRegion != "REPLICA" || replica.PrimaryARN != arn || replica.MRKSet() != primary.MRKSet() {
		t.Errorf("replica %+v", replica)
	}
}

func TestWhatKMSRefusesToTellIsRecordedAndKept(t *testing.T) {
	w := newWorld(t)
	arn := w.key(awssim.KeyOptions{Tags: map[string]string{"team": "pay"}, RotationPeriod: 90})
	before, err := w.client().ReadWhole(t.Context(), arn, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, op := range []string{"ListKeyRotations", "ListResourceTags", "GetKeyPolicy"} {
		w.sim.KMS().Deny(awssim.KMSDenial{Key: arn, Operation: op})
	}
	after, err := w.client().ReadWhole(t.Context(), arn, nil, before)
	if err != nil {
		t.Fatal(err)
	}
	want := *before
	want.Denied = []string{"GetKeyPolicy", "ListKeyRotations", "ListResourceTags"}
	if diff := cmp.Diff(want, *after, whenRead()); diff != "" {
		t.Errorf("denied (-want +got):\n%s", diff)
	}
	if !after.Rotation.HistoryAt.Equal(before.Rotation.HistoryAt) {
		t.Error("rotations that were not read have a new time")
	}
	w.sim.KMS().Deny(awssim.KMSDenial{Key: arn, Operation: "GetKeyRotationStatus"})
	if after, err = w.client().ReadDrift(t.Context(), after); err != nil || after.Rotation != nil {
		t.Errorf("a status nobody may read: %+v, %v", after, err)
	}
	w.sim.KMS().Undeny()
	if after, err = w.client().ReadWhole(t.Context(), arn, nil, after); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(*before, *after, whenRead(), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("allowed again (-want +got):\n%s", diff)
	}
	w.sim.KMS().Deny(awssim.KMSDenial{Key: arn})
	refused, err := w.client().ReadWhole(t.Context(), arn, nil, after)
	if err != nil || !refused.WasDenied("DescribeKey") || !refused.ReadAt.Equal(after.ReadAt) ||
		!refused.FullAt.Equal(after.FullAt) || !refused.RefusedAt.After(after.ReadAt) {
		t.Errorf("a key that nobody may describe any more: %+v, %v", refused, err)
	}
	never, err := w.client().ReadWhole(t.Context(), arn, nil, nil)
	if err != nil || !never.WasDenied("DescribeKey") || !never.ReadAt.IsZero() || never.RefusedAt.IsZero() {
		t.Errorf("a key that nobody may describe: %+v, %v", never, err)
	}
	w.sim.KMS().Undeny()
	after, err = w.client().ReadWhole(t.Context(), arn, nil, refused)
	if err != nil || len(after.Denied) != 0 || !after.RefusedAt.IsZero() || !after.ReadAt.After(refused.ReadAt) {
		t.Errorf("described again: %+v, %v", after, err)
	}
}

func TestAKeyThatIsGone(t *testing.T) {
	w := newWorld(t)
	arn := "arn:aws:kms:eu-west-1:111122223333:key/00000000-0000-0000-0000-000000000000"
	got, err := w.client().ReadDrift(t.Context(), &inventory.Key{ARN: arn, State: "PendingDeletion"})
	if err != nil || got.GoneAt == nil || got.State != "PendingDeletion" {
		t.Fatalf("%+v, %v", got, err)
	}
	first := *got.GoneAt
	if got, err = w.client().ReadDrift(t.Context(), got); err != nil || !got.GoneAt.Equal(first) {
		t.Errorf("gone again: %+v, %v", got, err)
	}
}

func TestAliasesOfAPlace(t *testing.T) {
	w := newWorld(t)
	var want []string
	for i := range 130 { // more than a page
		name := "alias/k" + string(rune('a'+i/26)) + string(rune('a'+i%26))
		want = append(want, name)
		w.key(awssim.KeyOptions{Aliases: []string{name}})
	}
	got, err := w.client().Aliases(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for name, alias := range got.ByName {
		names = append(names, name)
		if !slices.Contains(got.Of(alias.KeyID), name) || alias.Updated.IsZero() {
			t.Errorf("%+v", alias)
		}
	}
	arn := w.key(awssim.KeyOptions{Aliases: []string{"alias/z2", "alias/z1"}})
	of, err := w.client().AliasesOf(t.Context(), arn)
	if diff := cmp.Diff([]string{"alias/z1", "alias/z2"}, of); diff != "" || err != nil {
		t.Errorf("one key's aliases (-want +got), %v:\n%s", err, diff)
	}
	slices.Sort(names)
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("aliases (-want +got):\n%s", diff)
	}
}

func TestWhoAmI(t *testing.T) {
	w := newWorld(t)
	got, err := WhoAmI(t.Context(), w.cfg)
	want := Identity{Partition: "aws", Account: account, ARN: "arn:aws:iam::" + account + ":user/rotd"}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("WhoAmI (-want +got), %v:\n%s", err, diff)
	}
	w.sim.Outage("sts", true)
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := WhoAmI(ctx, w.cfg); err == nil {
		t.Error("an identity out of nowhere")
	}
}

func TestARotationOnDemandIsSeenInItsTruth(t *testing.T) {
	w := newWorld(t)
	arn := w.key(awssim.KeyOptions{Created: w.clock.Now().Add(-time.Hour)})
	c := w.client().In(Act)
	read := func() *inventory.Key {
		t.Helper()
		k, err := c.ReadRotation(t.Context(), &inventory.Key{ARN: arn, Aliases: []string{"alias/pay"}})
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	before := read()
	r := c.RotateOnDemand(t.Context(), arn)
	if r.Class != OK || r.RequestID == "" {
		t.Fatalf("%+v", r)
	}
	if k := read(); k.Rotation.InProgress == nil || k.CurrentMaterial != before.CurrentMaterial {
		t.Errorf("under way: %+v", k)
	}
	w.clock.Advance(time.Minute)
	k := read()
	if k.Rotation.InProgress != nil || k.Rotation.OnDemandUsed() != 1 || k.CurrentMaterial == before.CurrentMaterial ||
		k.Rotation.History[0].Material != k.CurrentMaterial || k.Aliases[0] != "alias/pay" {
		t.Errorf("complete: %+v", k)
	}
	if r := c.EnableRotation(t.Context(), arn, 180); r.Class != OK || r.RequestID == "" {
		t.Fatalf("%+v", r)
	}
	if k := read(); !k.Rotation.Enabled || k.Rotation.PeriodDays != 180 || k.Rotation.Next == nil {
		t.Errorf("scheduled: %+v", k.Rotation)
	}
	if n := len(w.sim.EffectsOf("RotateKeyOnDemand")); n != 1 {
		t.Errorf("rotated %d times", n)
	}
}

// What can go wrong on the way or at KMS, told apart by what may be done next; each is asked for once.
func TestRotateOnDemandThatGoesWrong(t *testing.T) {
	used := make([]awssim.PastRotation, 25)
	for i := range used {
		used[i] = awssim.PastRotation{
			At:   time.Date(2025, 1, i+1, 0, 0, 0, 0, time.UTC),
			Type: types.RotationTypeOnDemand,
		}
	}
	created := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	fault := func(f awssim.Fault) *awssim.Fault { f.Operation = "RotateKeyOnDemand"; return &f }
	tests := []struct {
		name    string
		key     awssim.KeyOptions
		fault   *awssim.Fault
		want    Class
		kind    remediation.AnswerKind
		effects int
	}{
		{"the budget is spent", awssim.KeyOptions{History: used}, nil, LimitExceeded, remediation.Refused, 0},
		{
			"the key is disabled",
			awssim.KeyOptions{State: types.KeyStateDisabled},
			nil, Disabled, remediation.Refused,
			0,
		},
		{
			"the key is pending deletion",
			awssim.KeyOptions{DeletionDate: time.Now().Add(100 * time.Hour)},
			nil,
			InvalidState, remediation.Rejected, 0,
		},
		{
			"the key is asymmetric",
			awssim.KeyOptions{Spec: types.KeySpecRsa2048},
			nil, Unsupported,
			remediation.Refused, 0,
		},
		{
			"KMS throttles",
			awssim.KeyOptions{},
			fault(awssim.Fault{Err: &awssim.APIError{Code: "ThrottlingException"}}),
			Throttled, remediation.Rejected, 0,
		},
		{"KMS fails inside", awssim.KeyOptions{}, fault(awssim.Fault{Err: &awssim.APIError{
			Code: "KMSInternalException", Status: 500,
		}}), Internal, remediation.Lost, 0},
		{
			"the connection is cut before the effect",
			awssim.KeyOptions{},
			fault(awssim.Fault{DropConnection: true}),
			Ambiguous, remediation.Lost, 0,
		},
		{"the answer is lost after the effect", awssim.KeyOptions{}, fault(awssim.Fault{
			When: awssim.AfterEffect, DropConnection: true,
		}), Ambiguous, remediation.Lost, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			tt.key.Created = created
			arn := w.key(tt.key)
			if tt.fault != nil {
				w.sim.Plan(*tt.fault)
			}
			r := w.client().RotateOnDemand(t.Context(), arn)
			if r.Class != tt.want || r.Answer().Kind != tt.kind {
				t.Errorf("%s, %s (%v); want %s, %s", r.Class, r.Answer().Kind, r.Err, tt.want, tt.kind)
			}
			if n := len(w.sim.Requests(awssim.OfOperation("RotateKeyOnDemand"))); n != 1 {
				t.Errorf("asked %d times", n)
			}
			if n := len(w.sim.EffectsOf("RotateKeyOnDemand")); n != tt.effects {
				t.Errorf("%d effects, want %d", n, tt.effects)
			}
			if answered := tt.want != Ambiguous; answered != (r.RequestID != "") {
				t.Errorf("request id %q", r.RequestID)
			}
		})
	}
}

func TestNobodyListens(t *testing.T) {
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	cfg := aws.Config{
		BaseEndpoint: &gone.URL, HTTPClient: HTTPClient(),
		Credentials: credentials.NewStaticCredentialsProvider("AKIA1", "secret", ""),
	}
	r := New(cfg, Place{Region: region}, Options{}).RotateOnDemand(t.Context(), "arn")
	if r.Class != Unreachable || r.Answer().Kind != remediation.Rejected {
		t.Errorf("%+v", r)
	}
}

func TestAThrottledSweepComesThrough(t *testing.T) {
	w := newWorld(t)
	for range 20 {
		w.key(awssim.KeyOptions{})
	}
	w.sim.Plan(awssim.Fault{Operation: "DescribeKey", Times: 3, Err: &awssim.APIError{Code: "ThrottlingException"}})
	done, err := w.client().SweepInventory(t.Context(), everything, func(Page) error { return nil })
	if err != nil || !done.Complete() || done.Read != 20 {
		t.Errorf("%+v, %v", done, err)
	}
}

func TestAnAssumedRoleIsKnownBeforeItsFirstCall(t *testing.T) {
	w := newWorld(t)
	const other = "444455556666"
	role := "arn:aws:iam::" + other + ":role/rotd"
	w.sim.AddRole(awssim.Role{ARN: role, ExternalID: "shard-1"})
	arn := w.key(awssim.KeyOptions{Account: other})
	var mu sync.Mutex
	var known []string
	first := func(_ context.Context, id string) error {
		mu.Lock()
		defer mu.Unlock()
		for _, r := range w.sim.Requests() {
			if r.AccessKeyID == id {
				t.Errorf("%s was used before it was known", id)
			}
		}
		known = append(known, id)
		return nil
	}
	cfg := Assume(Configure(w.cfg, "test", first), role, "shard-1", "rotd-default", first)
	c := New(cfg, Place{Partition: "aws", Account: other, Region: region}, Options{})
	for range 2 {
		if _, err := c.ReadDrift(t.Context(), &inventory.Key{ARN: arn}); err != nil {
			t.Fatal(err)
		}
	}
	if len(known) != 2 {
		t.Errorf("announced %v: the caller's own key and the session's, once each", known)
	}
	wrong := Assume(Configure(w.cfg, "test", nil), role, "", "rotd-default", nil)
	_, err := New(wrong, c.Place(), Options{}).ReadDrift(t.Context(), &inventory.Key{ARN: arn})
	if Classify(err) != CredentialsMissing {
		t.Errorf("without the external id: %v", err)
	}
}
