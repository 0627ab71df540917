package detection

import (
	"testing"
	"time"

	"rotd/internal/inventory"
)

func TestKeyUnused(t *testing.T) {
	const (
		day   = 24 * time.Hour
		title = "LOW Nothing uses the key"
	)
	old := func(c *KeyContext) {
		c.Policy.UnusedAfter, c.Key.Created = 90*day, noon.AddDate(-2, 0, 0)
	}
	seen := func(ago time.Duration) func(c *KeyContext) {
		return func(c *KeyContext) { old(c); c.LastUse = noon.Add(-ago) }
	}
	// told is what KMS itself said an hour and a half ago, tracking uses for so long; a use of 0 is none.
	told := func(tracking, use time.Duration) func(c *KeyContext) {
		return func(c *KeyContext) {
			old(c)
			u := &inventory.LastUsage{ReadAt: noon.Add(-90 * time.Minute), TrackedSince: noon.Add(-tracking)}
			if at := noon.Add(-use); use > 0 {
				u.At = &at
			}
			c.Key.LastUsage = u
		}
	}
	asked := func(ago time.Duration) func(c *KeyContext) {
		return func(c *KeyContext) { c.Key.LastUsage.ReadAt = noon.Add(-ago) }
	}
	testCheck(t, keyUnused(), []checkTest{
		{
			name: "never, as KMS says", with: told(200*day, 0), want: title,
			says: []string{
				"alias/payments is not in use: policy payments asks for a use within 90 days. It was not used at all, as KMS " +
					"itself said at 2026-11-20 10:30Z; it tracks uses since 2026-05-04 12:00Z.",
				"aws kms disable-key --key-id " + payARN,
			},
		},
		{
			name: "not for long, as KMS says", with: told(200*day, 120*day), want: title,
			says: []string{"It was last used at 2026-07-23 12:00Z, as KMS itself said"},
		},
		{
			name: "KMS saw a use in time", with: told(200*day, 10*day),
			want: "IN ORDER the key was last used at 2026-11-10 12:00Z",
		},
		{
			name: "an event shows a use in time that KMS had not told", with: all(told(200*day, 120*day), seen(time.Hour)),
			want: "IN ORDER the key was last used at 2026-11-20 11:00Z",
		},
		{name: "a use at the very limit", with: seen(90 * day), want: title},
		{
			name: "a use a second within the limit", with: seen(90*day - time.Second),
			want: "IN ORDER the key was last used at 2026-08-22 12:00Z",
		},
		{
			name: "not for long, as events show and KMS was not asked", with: seen(100 * day), want: title,
			says: []string{"as far as rotd's events show; KMS itself did not tell (kms:GetKeyLastUsage)."},
		},
		{
			name: "KMS has not tracked uses for long enough", with: told(60*day, 0),
			want: "UNVERIFIABLE KMS tracks uses of the key only since 2026-09-21 12:00Z",
		},
		{
			name: "KMS has tracked uses for just long enough when it was asked",
			with: told(90*day+150*time.Minute, 0), want: title,
		},
		{
			name: "not used for just long enough when KMS was asked", with: told(200*day, 90*day+150*time.Minute), want: title,
		},
		{
			name: "KMS has tracked uses for just long enough, but for what it tells late", with: told(90*day+2*time.Hour, 0),
			want: "UNVERIFIABLE KMS tracks uses of the key only since 2026-08-22 10:00Z",
		},
		{
			name: "KMS has not tracked uses for long enough, and an event shows the last one",
			with: all(told(60*day, 0), seen(100*day)), want: title,
			says: []string{"It was last used at 2026-08-12 12:00Z"},
		},
		{
			name: "neither events nor KMS tell", with: old,
			want: "UNVERIFIABLE no event shows a use, which proves none, and KMS has not told the last one lately " +
				"(kms:GetKeyLastUsage)",
		},
		{
			name: "KMS denies its word", with: all(told(200*day, 0), unread("GetKeyLastUsage")),
			want: "UNVERIFIABLE no event shows a use, which proves none, and KMS has not told the last one lately " +
				"(kms:GetKeyLastUsage)",
		},
		{
			name: "KMS was asked too long ago", with: all(told(300*day, 0), asked(14*day)),
			want: "UNVERIFIABLE no event shows a use, which proves none, and KMS has not told the last one lately " +
				"(kms:GetKeyLastUsage)",
		},
		{
			name: "KMS was asked lately, yet before the time was over",
			with: all(told(200*day, 91*day), asked(3*day)),
			want: "UNVERIFIABLE KMS was last asked at 2026-11-17 12:00Z; whether the key was used since is not known",
		},
		{
			name: "KMS was asked a while ago, after the time was over", with: all(told(200*day, 91*day), asked(12*time.Hour)),
			want: title,
		},
		{
			name: "younger than the time", with: all(told(30*day, 0), func(c *KeyContext) { c.Key.Created = noon.Add(-day) }),
			want: "NOT JUDGED the key is younger than the 90 days its policy allows without use",
		},
		{
			name: "made just as long ago as the time",
			with: all(told(200*day, 0), func(c *KeyContext) { c.Key.Created = noon.Add(-90 * day) }), want: title,
		},
		{
			name: "created in the future, by another clock",
			with: all(told(30*day, 0), func(c *KeyContext) { c.Key.Created = noon.Add(day) }),
			want: "NOT JUDGED the key is younger than the 90 days its policy allows without use",
		},
		{
			name: "of unknown creation", with: all(old, func(c *KeyContext) { c.Key.Created = time.Time{} }),
			want: "UNVERIFIABLE KMS did not say when the key was created",
		},
		{name: "a replica", with: all(told(200*day, 0), replica), want: title},
		{name: "a disabled key", with: all(told(200*day, 0), disabledKey), want: title},
		{
			name: "a key scheduled for deletion", want: "NOT JUDGED the key is PendingDeletion",
			with: all(told(200*day, 0), func(c *KeyContext) { c.Key.State = "PendingDeletion" }),
		},
		{
			name: "the policy says nothing of use",
			with: all(told(200*day, 0), func(c *KeyContext) { c.Policy.UnusedAfter = 0 }),
			want: "NOT JUDGED policy payments has no unused_after",
		},
		{name: "no policy", with: all(told(200*day, 0), unmatched), want: "NOT JUDGED no policy matches the key"},
		{name: "an AWS managed key", with: managedByAWS, want: "NOT JUDGED AWS manages this key"},
		{name: "not described", with: notDescribed, want: "UNVERIFIABLE KMS did not describe the key to rotd"},
		{name: "gone", with: gone, want: "NOT JUDGED KMS no longer knows the key"},
	})
}
