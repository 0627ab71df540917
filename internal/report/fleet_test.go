package report

import (
	"bytes"
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rotd/internal/audit"
	"rotd/internal/cost"
	"rotd/internal/detection"
	"rotd/internal/finding"
	"rotd/internal/inventory"
	"rotd/internal/policy"
)

var update = flag.Bool("update", false, "write golden files anew")

// noon is when the tests' reports are made.
var noon = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

func before(d time.Duration) time.Time { return noon.Add(-d) }

const (
	prodAccount = "111122223333"
	dataAccount = "444455556666"
	hostile     = "=HYPERLINK(\"http://x\")</td><script>alert(1)</script>\u202e\x1b[2J"
)

func material(key, n int) string {
	return fmt.Sprintf("%x", sha256.Sum256(fmt.Appendf(nil, "%d/%d", key, n)))
}

// key is a symmetric key of KMS's own material, read an hour ago, rotating yearly.
func key(n int, account, region, alias string, change ...func(*inventory.Key)) *inventory.Key {
	id := fmt.Sprintf("%08d-12ab-34cd-56ef-1234567890ab", n)
	next := noon.Add(120 * day)
	k := &inventory.Key{
		ARN: "arn:aws:kms:" + region + ":" + account + ":key/" + id, ID: id, Partition: "aws", Account: account,
		Region: region, State: "Enabled", Manager: "CUSTOMER", Origin: "AWS_KMS", Spec: "SYMMETRIC_DEFAULT",
		Usage: "ENCRYPT_DECRYPT", Created: before(900 * day), Aliases: []string{alias},
		Tags:            map[string]string{"owner": "payments-team", "custodian": "ann@example.com"},
		CurrentMaterial: material(n, 2),
		Rotation: &inventory.Rotation{
			Enabled: true, PeriodDays: 365, Next: &next, HistoryAt: before(time.Hour),
			History: []inventory.Rotated{
				{At: before(610 * day), Type: "AUTOMATIC", Material: material(n, 1)},
				{At: before(245 * day), Type: "AUTOMATIC", Material: material(n, 2)},
			},
		},
		ReadAt: before(time.Hour), FullAt: before(time.Hour), FirstRead: before(300 * day), Policy: ownPolicy(account, ""),
	}
	if alias == "" {
		k.Aliases = nil
	}
	for _, c := range change {
		c(k)
	}
	return k
}

// ownPolicy lets the account in as KMS does by itself, and more.
func ownPolicy(account, more string) string {
	return `{"Version":"2012-10-17","Statement":[{"Sid":"own","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` +
		account + `:root"},"Action":"kms:*","Resource":"*"}` + more + `]}`
}

func public(k *inventory.Key) {
	k.Policy = ownPolicy(k.Account,
		`,{"Sid":"all","Effect":"Allow","Principal":"*","Action":"kms:Decrypt","Resource":"*"}`)
}

// quarterly has the key rotate every 90 days, last so many days ago.
func quarterly(daysAgo int) func(*inventory.Key) {
	return func(k *inventory.Key) {
		k.Rotation.PeriodDays = 90
		next := before(time.Duration(daysAgo) * day).Add(90 * day)
		k.Rotation.Next = &next
		k.Rotation.History[1].At = before(time.Duration(daysAgo) * day)
	}
}

func off(k *inventory.Key) {
	k.Rotation.Enabled, k.Rotation.PeriodDays, k.Rotation.Next = false, 0, nil
}

func never(k *inventory.Key) { k.Rotation.History = nil }

func tagged(name, value string) func(*inventory.Key) {
	return func(k *inventory.Key) { k.Tags = map[string]string{name: value} }
}

func in(state string) func(*inventory.Key) { return func(k *inventory.Key) { k.State = state } }

func signing(k *inventory.Key) { k.Spec, k.Usage, k.Rotation = "ECC_NIST_P256", "SIGN_VERIFY", nil }

func denied(operations ...string) func(*inventory.Key) {
	return func(k *inventory.Key) {
		k.Denied = operations
		if slices.Contains(operations, "DescribeKey") {
			k.RefusedAt = noon.Add(-time.Minute)
		}
		if slices.Contains(operations, "GetKeyRotationStatus") {
			k.Rotation = nil
		}
	}
}

// fleet is keys of every kind in two accounts and two Regions.
func fleet() []*inventory.Key {
	const us, eu = "us-east-1", "eu-west-1"
	deletion := noon.Add(9 * day)
	primary := key(5, prodAccount, us, "alias/pay-global", quarterly(40), func(k *inventory.Key) {
		k.MultiRegion = "PRIMARY"
	})
	return []*inventory.Key{
		key(1, prodAccount, us, "alias/pay-cards", quarterly(20)),
		key(2, prodAccount, us, "alias/pay-ledger", off, quarterly(120), off),
		key(3, prodAccount, us, "alias/pay-legacy", never, off),
		key(4, prodAccount, us, "alias/pay-vendor", off, quarterly(150), off),
		primary,
		key(6, prodAccount, eu, "alias/pay-global", func(k *inventory.Key) {
			k.MultiRegion, k.PrimaryARN, k.Rotation = "REPLICA", primary.ARN, nil
		}),
		key(7, prodAccount, eu, "alias/pay-signing", signing),
		key(8, prodAccount, eu, "alias/pay-old", in("Disabled"), off),
		key(9, dataAccount, us, "alias/lake", tagged("owner", "data-platform")),
		key(17, dataAccount, us, "alias/lake-shared", tagged("owner", "data-platform"), public),
		key(10, dataAccount, us, "alias/lake-secrets", tagged("owner", "data-platform"), denied("GetKeyRotationStatus",
			"ListKeyRotations")),
		key(11, dataAccount, us, "alias/lake-doomed", tagged("owner", "data-platform"), in("PendingDeletion"),
			func(k *inventory.Key) { k.DeletionDate = &deletion }),
		key(12, dataAccount, us, "alias/lake-stale", tagged("owner", "data-platform"), func(k *inventory.Key) {
			k.ReadAt, k.FullAt, k.Rotation.HistoryAt = before(9*day), before(9*day), before(9*day)
		}),
		key(13, dataAccount, us, hostile, tagged("owner", hostile)),
		key(14, dataAccount, eu, "alias/aws/s3", func(k *inventory.Key) { k.Manager, k.Rotation, k.Tags = "AWS", nil, nil }),
		key(15, dataAccount, eu, "alias/scratch", tagged("x", "y"), off, never),
		key(16, dataAccount, eu, "alias/gone", func(k *inventory.Key) { at := before(day); k.GoneAt = &at }),
	}
}

func fleetPolicies() policy.Set {
	owner := []string{"owner"}
	return policy.Set{
		{
			Name: "payments", Match: policy.Match{Aliases: []string{"alias/pay-*"}}, OwnerTags: owner,
			CustodianTags: []string{"custodian"},
			Rotation: policy.Rotation{
				MaxAge: 90 * day, Automatic: 90 * day, Method: policy.Auto, Rationale: "PCI DSS 4.0.1 3.7.4: quarterly, as the " +
					"acquirer asks",
			},
		},
		{
			Name: "data", Match: policy.Match{Accounts: []string{dataAccount}, Regions: []string{"us-east-1"}},
			OwnerTags: owner,
			Rotation: policy.Rotation{
				MaxAge: 365 * day, Automatic: 365 * day, Method: policy.Automatic, Rationale: "yearly, NIST SP 800-57",
			},
		},
	}
}

func vendorException() Exception {
	return Exception{
		Name: "vendor-hsm", Keys: []string{"alias/pay-vendor"}, Author: "ann@example.com", Approver: "ciso@example.com",
		Reason: "the vendor pins the key until the migration in January", Expires: noon.Add(60 * day),
	}
}

// source is the fleet as the daemon hands it over. Of the checks only these are loaded, whatever the catalogue has.
func source(all []*inventory.Key) Source {
	loaded := []string{
		"rotation-disabled", "rotation-period-too-long", "rotation-overdue", "rotation-stalled", "rotation-impossible",
		"key-unverifiable", "key-unmanaged", "key-pending-deletion", "key-policy-public", "key-policy-external-account",
	}
	var disabled []string
	for _, c := range detection.Checks() {
		if !slices.Contains(loaded, c.ID) {
			disabled = append(disabled, c.ID)
		}
	}
	byARN := make(map[string]*inventory.Key)
	for _, k := range all {
		byARN[k.ARN] = k
	}
	return Source{
		Version: "1.2.3", Shard: "default",
		Audit: audit.Head{Epoch: "default@2026-01-02T03:04:05Z", Seq: 4711, Hash: strings.Repeat("9f", 32)},
		Places: []Place{
			{
				Account: prodAccount, Region: "eu-west-1", Configured: true, LastComplete: before(time.Hour),
				LastSweep: before(time.Hour), LastKind: "inventory", Keys: 3,
			},
			{
				Account: prodAccount, Region: "us-east-1", Configured: true, LastComplete: before(time.Hour),
				LastSweep: before(10 * time.Minute), LastKind: "drift", Keys: 5,
			},
			{
				Account: dataAccount, Region: "eu-west-1", Configured: true, LastComplete: before(time.Hour),
				LastSweep: before(time.Hour), LastKind: "inventory", Keys: 2,
			},
			{
				Account: dataAccount, Region: "us-east-1", Configured: true, LastComplete: before(time.Hour),
				LastSweep: before(time.Hour), LastKind: "inventory", Keys: 7, Unread: 1, Denied: 1,
				LastError: "DescribeKey: ThrottlingException",
			},
		},
		Exceptions: []Exception{
			vendorException(),
			{
				Name: "last-year", Keys: []string{"alias/pay-le*"}, Checks: []string{"rotation-overdue"},
				Author: "bob@example.com", Reason: "waited for the new library",
				Expires: before(30 * day),
			},
		},
		Judging: Judging{
			Now: noon, Judge: detection.NewJudge(detection.Settings{Disabled: disabled}), Prices: cost.Default(),
		},
		Each: func(whole bool, fn func(*Facts) error) error {
			for _, k := range all {
				f := factsOf(k)
				f.Context.Primary = byARN[k.PrimaryARN]
				if whole {
					fleetFindings(f)
				}
				if err := fn(f); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

func factsOf(k *inventory.Key) *Facts {
	x := vendorException()
	vendor := policy.Exception{
		Name: x.Name, Author: x.Author, Approver: x.Approver, Reason: x.Reason, Expires: x.Expires,
	}
	return &Facts{Except: func(check string) *policy.Exception {
		if k.Name() == "alias/pay-vendor" && strings.HasPrefix(check, "rotation-") {
			return &vendor
		}
		return nil
	}, Context: &detection.KeyContext{
		Key: k, Policy: fleetPolicies().For(k), Now: k.ReadAt, Grace: 7 * day, Trusted: func(string) bool { return false },
	}}
}

func fleetFindings(f *Facts) {
	switch f.Context.Key.Name() {
	case "alias/pay-cards":
		f.EventID = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
	case "alias/pay-ledger":
		f.Open = []finding.Finding{{
			ID: "fnd_01JPK00000000000000000AAAA", RuleID: "rotation-disabled", Severity: finding.High,
			Title: "Automatic rotation is off", FirstSeen: before(3 * day),
		}}
	}
}

// written is the report of a query about the fleet.
func written(t *testing.T, q Query) string {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, q, source(fleet())); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}
