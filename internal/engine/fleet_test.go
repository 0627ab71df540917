package engine

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/google/go-cmp/cmp"

	"rotd/internal/awskms"
	"rotd/internal/awssim"
	"rotd/internal/finding"
	"rotd/internal/inventory"
	"rotd/internal/policy"
	"rotd/internal/state"
)

// fleetKey is a key and what an inventory finds about it, as `rule-id SEVERITY`.
type fleetKey struct {
	name  string // of its alias; with a slash: of AWS's or nobody's
	o     awssim.KeyOptions
	deny  string // an operation that KMS refuses rotd on it
	moves string // the value that its tag "tier" gets after the first sweeps
	finds []string
}

// ago is so many days before now.
func ago(days int) time.Time { return time.Now().Add(-time.Duration(days) * day) }

// letting is a key policy that lets the owner and others, under a condition, decrypt.
func letting(owner, principal, condition string) string {
	return fmt.Sprintf(`{"Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::%s:root"},"Action":"kms:*",`+
		`"Resource":"*"},{"Sid":"others","Effect":"Allow","Principal":{"AWS":%q},"Action":"kms:Decrypt",`+
		`"Resource":"*","Condition":{%s}}]}`, owner, principal, condition)
}

// rotating is a key that is in order under a policy of 90 days.
func rotating(change func(o *awssim.KeyOptions)) awssim.KeyOptions {
	o := awssim.KeyOptions{RotationPeriod: 90}
	if change != nil {
		change(&o)
	}
	return o
}

func spent(n int) (history []awssim.PastRotation) {
	for i := range n {
		history = append(history, awssim.PastRotation{At: ago(30 - i), Type: types.RotationTypeOnDemand})
	}
	return history
}

// fleet is every kind of key; those without a place of their own are spread over all.
func fleet() []fleetKey {
	external := func(secrets ...awssim.ImportedSecret) awssim.KeyOptions {
		return awssim.KeyOptions{Origin: types.OriginTypeExternal, Imported: secrets}
	}
	const impossible = "rotation-impossible MEDIUM"
	return []fleetKey{
		{name: "pay-fine", o: rotating(nil)},
		{name: "pay-off", o: awssim.KeyOptions{}, finds: []string{"rotation-disabled HIGH"}},
		{
			name: "pay-long", o: rotating(func(o *awssim.KeyOptions) { o.RotationPeriod = 365 }),
			finds: []string{"rotation-period-too-long MEDIUM"},
		},
		{
			name: "pay-old", o: rotating(func(o *awssim.KeyOptions) { o.Created = ago(800) }),
			finds: []string{"rotation-overdue HIGH"},
		},
		{
			name: "pay-stalled",
			o: rotating(func(o *awssim.KeyOptions) {
				o.Created, o.NextRotation, o.Stalled = ago(93), ago(3), true
			}),
			finds: []string{"rotation-stalled HIGH"},
		},
		{
			name: "pay-stuck", o: rotating(func(o *awssim.KeyOptions) { o.OnDemandSince = ago(1) }),
			finds: []string{"rotation-stalled HIGH"},
		},
		{
			name: "pay-spent", o: rotating(func(o *awssim.KeyOptions) { o.History = spent(20) }),
			finds: []string{"rotation-budget-low MEDIUM"},
		},
		{name: "pay-rsa", o: awssim.KeyOptions{Spec: types.KeySpecRsa2048}, finds: []string{impossible}},
		{name: "pay-hmac", o: awssim.KeyOptions{Spec: types.KeySpecHmac256}, finds: []string{impossible}},
		{
			name: "pay-hsm", o: awssim.KeyOptions{Origin: types.OriginTypeAwsCloudhsm, CustomKeyStore: "cks-1"},
			finds: []string{impossible},
		},
		{
			name: "pay-store", o: awssim.KeyOptions{Origin: types.OriginTypeExternalKeyStore, CustomKeyStore: "cks-2"},
			finds: []string{impossible},
		},
		{name: "sign-new", o: awssim.KeyOptions{Spec: types.KeySpecRsa2048}},
		{
			name: "sign-old", o: awssim.KeyOptions{Spec: types.KeySpecRsa2048, Created: ago(800)},
			finds: []string{"rotation-overdue HIGH"},
		},
		{name: "pay-imported", o: external(awssim.ImportedSecret{}), finds: []string{impossible}},
		{name: "hand-imported", o: external(awssim.ImportedSecret{})},
		{
			name: "hand-expiring", o: external(awssim.ImportedSecret{ValidTo: time.Now().Add(10 * day)}),
			finds: []string{"material-expiring HIGH"},
		},
		{name: "hand-waiting", o: external()},
		{
			name: "hand-expired", o: external(awssim.ImportedSecret{ValidTo: ago(1)}),
			finds: []string{"material-missing CRITICAL"},
		},
		{name: "pay-disabled", o: awssim.KeyOptions{State: types.KeyStateDisabled}},
		{
			name: "pay-deleting", o: rotating(func(o *awssim.KeyOptions) { o.DeletionDate = time.Now().Add(7 * day) }),
			finds: []string{"key-pending-deletion CRITICAL"},
		},
		{name: "aws/s3", o: awssim.KeyOptions{Manager: types.KeyManagerTypeAws, Created: ago(800)}},
		{
			name: "pay-denied", o: awssim.KeyOptions{Created: ago(800)}, deny: "GetKeyRotationStatus",
			finds: []string{"key-unverifiable LOW"},
		},
		{
			name: "pay-secret", o: rotating(nil), deny: "GetKeyPolicy",
			finds: []string{"key-unverifiable LOW"},
		},
		{
			name: "pay-public", o: rotating(func(o *awssim.KeyOptions) { o.Policy = letting("%s", "*", "") }),
			finds: []string{"key-policy-public CRITICAL"},
		},
		{
			name: "pay-narrowed",
			o: rotating(func(o *awssim.KeyOptions) {
				o.Policy = letting("%s", "*", `"StringEquals":{"kms:CallerAccount":"%s"}`)
			}),
		},
		{
			name: "pay-shared", o: rotating(func(o *awssim.KeyOptions) { o.Policy = letting("%s", stranger, "") }),
			finds: []string{"key-policy-external-account HIGH"},
		},
		{
			name: "pay-garbled",
			o: rotating(func(o *awssim.KeyOptions) {
				o.Policy = strings.Replace(letting("%s", "*", ""), `"Resource":"*"`, `"Resource":7`, 1)
			}),
			finds: []string{"key-unverifiable LOW"},
		},
		{
			name: "pay-tomorrow",
			o:    awssim.KeyOptions{Created: ago(800), Says: map[string]string{"KeySpec": "TOMORROW", "KeyUsage": "DREAM"}},
		},
		{
			name: "pay-hostile",
			o: rotating(func(o *awssim.KeyOptions) {
				o.Description, o.Tags = "\x1b[2K\r\n", map[string]string{"team\u202e": "\x00<script>"}
			}),
		},
		{name: "watch-off", o: awssim.KeyOptions{Created: ago(800)}},
		{name: "idle-vault", o: awssim.KeyOptions{Created: ago(100)}, finds: []string{"key-unused LOW"}},
		{name: "idle-desk", o: awssim.KeyOptions{Created: ago(100), Used: ago(5)}},
		{name: "stray", o: awssim.KeyOptions{Created: ago(800)}, finds: []string{"key-unmanaged LOW"}},
		{name: "pay-let-off", o: awssim.KeyOptions{}},
		{name: "pay-let-off-once", o: awssim.KeyOptions{}, finds: []string{"rotation-disabled HIGH"}},
		{
			name: "moved-laxer", o: awssim.KeyOptions{RotationPeriod: 90, Tags: map[string]string{"tier": "gold"}},
			moves: "iron", finds: []string{"key-policy-assignment-changed HIGH"},
		},
		{
			name: "moved-out", o: awssim.KeyOptions{RotationPeriod: 90, Tags: map[string]string{"tier": "gold"}},
			moves: "none", finds: []string{"key-policy-assignment-changed HIGH"},
		},
		{
			name: "moved-stricter", o: awssim.KeyOptions{RotationPeriod: 365, Tags: map[string]string{"tier": "iron"}},
			moves: "gold", finds: []string{"rotation-period-too-long MEDIUM"},
		},
	}
}

// fleetPolicies are what the fleet's keys are to be.
func fleetPolicies() policy.Set {
	year := policy.Rotation{Method: policy.Auto, Automatic: 90 * day, MaxAge: 365 * day}
	named := func(name string, r policy.Rotation) policy.Policy {
		return policy.Policy{
			Name: name, Mode: policy.Observe, Rotation: r, Match: policy.Match{Aliases: []string{"alias/" + name + "-*"}},
		}
	}
	idle := named("idle", policy.Rotation{Method: policy.None})
	idle.UnusedAfter = 90 * day
	tiered := func(tier string, automatic time.Duration) policy.Policy {
		return policy.Policy{
			Name: tier, Mode: policy.Observe, Match: policy.Match{Tags: map[string]string{"tier": tier}},
			Rotation: policy.Rotation{Method: policy.Auto, Automatic: automatic, MaxAge: 2 * automatic},
		}
	}
	return policy.Set{
		tiered("gold", 90*day),
		tiered("iron", 365*day),
		named("pay", year),
		named("sign", policy.Rotation{Method: policy.Replace, MaxAge: 365 * day}),
		named("hand", policy.Rotation{Method: policy.OnDemand, MaxAge: 365 * day}),
		named("watch", policy.Rotation{Method: policy.None}),
		idle,
	}
}

// spot is an account and Region, and who rotd is there.
type spot struct {
	account, region string
	as              awssim.Principal
}

// spots are three accounts and two Regions.
func (w *world) spots() (all []spot) {
	for _, id := range fleetAccounts() {
		as := w.rotd
		if id != account {
			as = w.sim.NewAccessKey(id, "rotd")
		}
		for _, region := range []string{region, "us-east-1"} {
			all = append(all, spot{id, region, as})
		}
	}
	return all
}

func fleetAccounts() []string { return []string{account, "222233334444", "333344445555"} }

// fleetWorld is where the fleet is; the first spot is the account's own.
func fleetWorld(spots *[]spot) func(w *world) {
	return func(w *world) {
		silent(w)
		*spots = w.spots()
		w.places = func(cfg aws.Config) (places []Place) {
			for _, s := range (*spots)[1:] {
				there := cfg.Copy()
				there.Region, there.Credentials = s.region, w.sim.As(s.as, s.region).Credentials
				places = append(places, Place{Account: s.account, Region: s.region, KMS: awskms.New(there,
					awskms.Place{Partition: "aws", Account: s.account, Region: s.region}, awskms.Options{QuotaShare: 1})})
			}
			return append(places, w.outOfReach(cfg)...)
		}
		w.settings.Exceptions = policy.Exceptions{
			{
				Name: "migration", Keys: []string{"alias/pay-let-off"}, Author: "jane", Reason: "moves in June",
				Expires: time.Now().Add(30 * day),
			},
			{
				Name: "freeze", Keys: []string{"alias/pay-let-off-once"}, Author: "jane", Reason: "no changes in May",
				Expires: ago(1),
			},
		}
		w.settings.Policies = fleetPolicies()
		w.settings.Trusted = func(id string) bool { return slices.Contains(fleetAccounts(), id) }
	}
}

// make makes a key in a place and returns its ARN.
func (w *world) make(k *fleetKey, s spot) string {
	w.Helper()
	k.o.Account, k.o.Region = s.account, s.region
	k.o.Policy = strings.ReplaceAll(k.o.Policy, "%s", s.account)
	if k.o.Created.IsZero() {
		k.o.Created = ago(40)
	}
	if k.name != "stray" {
		k.o.Aliases = []string{"alias/" + k.name}
	}
	arn, err := w.sim.KMS().CreateKey(k.o)
	w.check(err)
	if k.deny != "" {
		w.sim.KMS().Deny(awssim.KMSDenial{Principal: s.as.ARN, Key: arn, Operation: k.deny})
	}
	return arn
}

func TestAFleetOfEveryKindOfKeyGivesExactlyTheExpectedFindings(t *testing.T) {
	var spots []spot
	w := newWorld(t, fleetWorld(&spots))
	names, want := map[string]string{}, map[string][]string{}
	expect := func(arn, name string, finds ...string) {
		names[arn] = name
		if len(finds) > 0 {
			want[name] = finds
		}
	}
	moves := map[string]string{}
	for i, k := range slices.Concat(fleet(), conditioned(), oddStates(), badInput()) {
		s := spots[i%len(spots)]
		arn := w.make(&k, s)
		expect(arn, k.name, k.finds...)
		if k.moves != "" {
			moves[arn] = k.moves
		}
		if k.name == vanishing {
			w.vanish(arn)
		}
	}
	w.multiRegionKeys(spots[0], expect)
	want[w.db.Shard()] = []string{"exception-expired MEDIUM"}
	want[closedAccount+"/"+region] = []string{"sweep-incomplete HIGH"}
	want[account+"/"+disabledRegion] = []string{"sweep-incomplete HIGH"}
	w.sweepTwice()
	for arn, tier := range moves {
		w.check(w.sim.KMS().Retag(arn, map[string]string{"tier": tier}))
	}
	w.sweepTwice()
	w.check(w.engine.Heartbeat(w.Context()))
	w.wantCoverage(spots)
	w.await("KMS's word on the idle keys' last use", func() bool {
		told := 0
		w.view(func(tx *state.Tx) error {
			keys, _, err := tx.Keys("", 1000, func(k *inventory.Key) bool {
				return k.LastUsage != nil && strings.HasPrefix(k.Name(), "alias/idle-")
			})
			told = len(keys)
			return err
		})
		return told == 2
	})
	got := map[string][]string{}
	for _, f := range w.findings() {
		name := names[f.KeyARN]
		if name == "" {
			name = f.Subject.ID
		}
		said := f.RuleID + " " + f.Severity.String()
		if f.Status != finding.Open || f.Episode != 1 || f.Count != 1 {
			said += fmt.Sprintf(" %s, episode %d, count %d", f.Status, f.Episode, f.Count)
		}
		got[name] = append(got[name], said)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

// wantCoverage wants every place shown: those in reach as read whole, the others with the reason why not.
func (w *world) wantCoverage(spots []spot) {
	w.Helper()
	got := map[string]bool{}
	w.view(func(tx *state.Tx) error {
		places, err := tx.Places()
		for _, c := range places {
			got[c.Account+"/"+c.Region] = !c.LastComplete.IsZero() && c.LastError == "" && c.Unread == 0
		}
		return err
	})
	want := map[string]bool{closedAccount + "/" + region: false, account + "/" + disabledRegion: false}
	for _, s := range spots {
		want[s.account+"/"+s.region] = true
	}
	if diff := cmp.Diff(want, got); diff != "" {
		w.Errorf("places read whole (-want +got):\n%s", diff)
	}
}

// sweepTwice sweeps everything and once more, which finds nothing else. The places out of reach say why.
func (w *world) sweepTwice() {
	w.Helper()
	for range 2 {
		w.check(w.engine.AskFresh())
		err := w.engine.Sweep(w.Context(), Inventory)
		for _, why := range []string{"not authorized to perform: sts:AssumeRole", "UnrecognizedClientException"} {
			if err == nil || strings.Count(err.Error(), why) != 1 {
				w.Errorf("an inventory that should say %q once: %v", why, err)
			}
		}
		w.sweep(Drift)
	}
}

// multiRegionKeys makes a set in view, whose replica has a policy of its own, and a replica of a primary that is not.
func (w *world) multiRegionKeys(home spot, expect func(arn, name string, finds ...string)) {
	w.Helper()
	primary := fleetKey{name: "pay-primary", o: awssim.KeyOptions{Replicas: []string{"us-east-1"}, Created: ago(40)}}
	arn := w.make(&primary, home)
	expect(arn, "pay-primary", "rotation-disabled HIGH")
	replica := strings.Replace(arn, region, "us-east-1", 1)
	expect(replica, "its replica", "key-policy-public CRITICAL")
	there := w.kmsIn(w.engineer, "us-east-1")
	public := letting(account, "*", "")
	_, err := there.PutKeyPolicy(w.Context(), &kms.PutKeyPolicyInput{KeyId: &replica, Policy: &public})
	w.check(err)
	alias := "alias/pay-replica"
	_, err = there.CreateAlias(w.Context(), &kms.CreateAliasInput{AliasName: &alias, TargetKeyId: &replica})
	w.check(err)

	far := fleetKey{name: "pay-far", o: awssim.KeyOptions{Replicas: []string{region}, Created: ago(40)}}
	lone := strings.Replace(w.make(&far, spot{account, "ap-southeast-2", w.rotd}), "ap-southeast-2", region, 1)
	expect(lone, "a replica of a far primary", "key-unverifiable LOW")
	alias = "alias/pay-lone"
	_, err = w.kms(w.engineer).CreateAlias(w.Context(), &kms.CreateAliasInput{AliasName: &alias, TargetKeyId: &lone})
	w.check(err)
}
