package detection

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rotd/internal/inventory"
)

func validFor(left time.Duration) func(c *KeyContext) {
	return func(c *KeyContext) {
		imported(c)
		at := noon.Add(left)
		c.Key.ValidTo = &at
	}
}

func TestMaterialExpiring(t *testing.T) {
	const day = 24 * time.Hour
	testCheck(t, materialExpiring(), []checkTest{
		{
			name: "in ten days", with: validFor(10 * day),
			want: "HIGH The imported key material expires within 14 days",
			says: []string{
				"The imported material of alias/payments expires at 2026-11-30 12:00Z, in 10 days.",
				"aws kms import-key-material --key-id " + payARN,
			},
		},
		{
			name: "in thirty days", with: validFor(30 * day),
			want: "HIGH The imported key material expires within 30 days",
		},
		{
			name: "in thirty days and a second", with: validFor(30*day + time.Second),
			want: "IN ORDER the imported material expires at 2026-12-20 12:00Z",
		},
		{name: "in a week", with: validFor(7 * day), want: "HIGH The imported key material expires within 7 days"},
		{
			name: "in an hour", with: validFor(time.Hour), want: "HIGH The imported key material expires within 24 h",
			says: []string{"in 60 min"},
		},
		{
			name: "in the past, by KMS's clock or this one", with: validFor(-time.Minute),
			want: "HIGH The imported key material expires at any moment",
			says: []string{"was to expire at 2026-11-20 11:59Z: KMS deletes it at any moment."},
		},
		{
			name: "now", with: validFor(0), want: "HIGH The imported key material expires at any moment",
		},
		{name: "a disabled key", with: all(validFor(day), disabledKey), want: "HIGH The imported key material expires " +
			"within 24 h"},
		{name: "a replica", with: all(validFor(day), replica), want: "HIGH The imported key material expires within 24 h"},
		{name: "never", with: imported, want: "IN ORDER the imported material does not expire"},
		{
			name: "missing", with: all(validFor(day), func(c *KeyContext) { c.Key.State = "PendingImport" }),
			want: "NOT JUDGED the key has no material that could expire",
		},
		{
			name: "scheduled for deletion", with: all(validFor(day), func(c *KeyContext) { c.Key.State = "PendingDeletion" }),
			want: "NOT JUDGED the key is scheduled for deletion",
		},
		{name: "KMS's own material", want: "NOT JUDGED the key's material is not imported"},
		{name: "an AWS managed key", with: managedByAWS, want: "NOT JUDGED AWS manages this key"},
		{name: "not described", with: notDescribed, want: "UNVERIFIABLE KMS did not describe the key to rotd"},
		{name: "gone", with: gone, want: "NOT JUDGED KMS no longer knows the key"},
	})
}

func TestEachWarningOfAnExpiryIsAPoint(t *testing.T) {
	const day = 24 * time.Hour
	for left, want := range map[time.Duration][]string{
		31 * day:   nil,
		30 * day:   {"30 days"},
		14 * day:   {"30 days", "14 days"},
		8 * day:    {"30 days", "14 days"},
		2 * day:    {"30 days", "14 days", "7 days"},
		time.Hour:  {"30 days", "14 days", "7 days", "24 h"},
		-time.Hour: {"30 days", "14 days", "7 days", "24 h"},
	} {
		c := keyContext()
		validFor(left)(c)
		if diff := cmp.Diff(want, judgeMaterialExpiring(c).Finding.Points); diff != "" {
			t.Errorf("%v left (-want +got):\n%s", left, diff)
		}
	}
}

func TestMaterialMissing(t *testing.T) {
	const title = "CRITICAL A key in use has lost its material"
	missing := func(c *KeyContext) { imported(c); c.Key.State, c.Key.Rotation = "PendingImport", nil }
	lastUsage := func(used *time.Time) func(c *KeyContext) {
		return func(c *KeyContext) {
			c.Key.LastUsage = &inventory.LastUsage{ReadAt: noon, TrackedSince: noon.AddDate(0, -6, 0), At: used}
		}
	}
	material := func(c *KeyContext) { c.Key.CurrentMaterial = "0a" }
	before := func(state string) func(c *KeyContext) {
		return func(c *KeyContext) { c.Before = payKey(); c.Before.State = state }
	}
	use := noon.AddDate(0, 0, -1)
	testCheck(t, materialMissing(), []checkTest{
		{
			name: "an event shows a use", with: all(missing, func(c *KeyContext) { c.LastUse = use }), want: title,
			says: []string{
				"KMS shows alias/payments in state PendingImport: it has no material to work with. It was last used at " +
					"2026-11-19 12:00Z.", "aws kms import-key-material --key-id " + payARN,
			},
		},
		{name: "KMS tells a use", with: all(missing, lastUsage(&use)), want: title},
		{
			name: "KMS names a material that it had", with: all(missing, material), want: title,
			says: []string{"It had material before: KMS still names it."},
		},
		{
			name: "it worked when it was read before", with: all(missing, before("Enabled")), want: title,
			says: []string{"It worked when it was read at 2026-11-20 11:00Z."},
		},
		{name: "a replica that was used", with: all(missing, replica, lastUsage(&use)), want: title},
		{
			name: "a replica that names its primary's material", with: all(missing, replica, material),
			want: "UNVERIFIABLE the key waits for an import, and nothing tells whether it ever worked",
		},
		{
			name: "never used, as KMS says", with: all(missing, lastUsage(nil)),
			want: "IN ORDER the key waits for an import and has never been used, as far as KMS tells",
		},
		{
			name: "nothing tells of a use", with: missing,
			want: "UNVERIFIABLE the key waits for an import, and nothing tells whether it ever worked",
		},
		{
			name: "it waited already when it was read before", with: all(missing, before("PendingImport")),
			want: "UNVERIFIABLE the key waits for an import, and nothing tells whether it ever worked",
		},
		{name: "imported", with: imported, want: "IN ORDER the key is Enabled, with its material"},
		{
			name: "a replica in the making", with: all(imported, func(c *KeyContext) { c.Key.State = "Creating" }),
			want: "NOT JUDGED KMS is still making the key",
		},
		{name: "KMS's own material", want: "NOT JUDGED the key's material is not imported"},
		{name: "an AWS managed key", with: managedByAWS, want: "NOT JUDGED AWS manages this key"},
		{name: "not described", with: notDescribed, want: "UNVERIFIABLE KMS did not describe the key to rotd"},
		{name: "gone", with: gone, want: "NOT JUDGED KMS no longer knows the key"},
	})
}
