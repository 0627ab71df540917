package detection

import (
	"testing"
	"time"

	"rotd/internal/inventory"
)

// replaced is a key that was replaced so long ago and has no alias any more.
func replaced(ago time.Duration) func(c *KeyContext) {
	return func(c *KeyContext) {
		c.Key.Created, c.Key.Aliases = noon.AddDate(-2, 0, 0), nil
		c.Drain = 30 * 24 * time.Hour
		c.Key.Lineage = &inventory.Lineage{ID: payARN, ReplacedBy: otherARN, At: noon.Add(-ago)}
	}
}

func usedAt(ago time.Duration) func(c *KeyContext) {
	return func(c *KeyContext) { c.LastUse = noon.Add(-ago) }
}

func TestReplacedKeyUsed(t *testing.T) {
	const day = 24 * time.Hour
	testCheck(t, replacedKeyUsed(), []checkTest{
		{
			name: "used since", with: all(replaced(5*day), usedAt(day)),
			want: "INFORMATIONAL A key that was replaced is still used",
			says: []string{
				"was replaced by " + otherARN + " at 2026-11-15 12:00Z and was used at 2026-11-19 12:00Z all the same.",
				"rotd keys usage " + payARN,
			},
		},
		{
			name: "a use that was under way", with: all(replaced(day), usedAt(day-time.Hour)),
			want: "IN ORDER no use is known since the key was replaced, or none of late",
		},
		{
			name: "a use a second later", with: all(replaced(day), usedAt(day-time.Hour-time.Second)),
			want: "INFORMATIONAL A key that was replaced is still used",
		},
		{
			name: "not used for the drain time", with: all(replaced(90*day), usedAt(30*day)),
			want: "IN ORDER no use is known since the key was replaced, or none of late",
		},
		{name: "a key that was not replaced", with: usedAt(day), want: "NOT JUDGED the key was not replaced"},
		{
			name: "a key that an alias points at again", with: all(replaced(5*day), usedAt(day), func(c *KeyContext) {
				c.Key.Aliases = []string{"alias/payments"}
			}), want: "NOT JUDGED the key was replaced, but alias/payments points at it",
		},
	})
}

func TestReplacedKeyQuiet(t *testing.T) {
	const (
		day   = 24 * time.Hour
		title = "LOW A key that was replaced can be disabled"
	)
	told := func(asked, tracking time.Duration) func(c *KeyContext) {
		return func(c *KeyContext) {
			c.Key.LastUsage = &inventory.LastUsage{ReadAt: noon.Add(-asked), TrackedSince: noon.Add(-tracking)}
		}
	}
	testCheck(t, replacedKeyQuiet(), []checkTest{
		{
			name: "quiet since, as KMS says", with: all(replaced(40*day), told(day, 200*day)), want: title,
			says: []string{
				"neither rotd's events nor KMS itself show a use of it for 30 days.",
				"rotd contain " + payARN + " --disable --reason 'replaced and quiet'",
				"aws kms disable-key --key-id " + payARN,
			},
		},
		{
			name: "replaced lately", with: all(replaced(30*day-time.Second), told(day, 200*day)),
			want: "IN ORDER the key was replaced or used within 30 days",
		},
		{
			name: "used lately, as an event shows", with: all(replaced(90*day), usedAt(day), told(day, 200*day)),
			want: "IN ORDER the key was replaced or used within 30 days",
		},
		{
			name: "replaced just as long ago as it is watched", with: all(replaced(30*day), told(0, 200*day)),
			want: "UNVERIFIABLE KMS was last asked at 2026-11-20 12:00Z; whether the key was used since is not known",
		},
		{
			name: "quiet for just as long as it is watched when KMS was asked",
			with: all(replaced(31*day+time.Hour), told(day, 200*day)), want: title,
		},
		{
			name: "KMS was asked a second less than two weeks ago",
			with: all(replaced(90*day), told(14*day-time.Second, 200*day)), want: title,
		},
		{
			name: "KMS was asked two weeks ago", with: all(replaced(90*day), told(14*day, 200*day)),
			want: "UNVERIFIABLE KMS has not told the key's last use lately (kms:GetKeyLastUsage)",
		},
		{
			name: "KMS was not asked", with: replaced(40 * day),
			want: "UNVERIFIABLE KMS has not told the key's last use lately (kms:GetKeyLastUsage)",
		},
		{
			name: "KMS was asked too early", with: all(replaced(31*day), told(2*day, 200*day)),
			want: "UNVERIFIABLE KMS was last asked at 2026-11-18 12:00Z; whether the key was used since is not known",
		},
		{
			name: "KMS has not watched for as long", with: all(replaced(90*day), told(day, 30*day)),
			want: "UNVERIFIABLE KMS was last asked at 2026-11-19 12:00Z; whether the key was used since is not known",
		},
		{
			name: "disabled already", with: all(replaced(90*day), told(day, 200*day), func(c *KeyContext) {
				c.Key.State = "Disabled"
			}), want: "NOT JUDGED the key is Disabled",
		},
	})
}

func TestKeysAreNotJudgedWhileRotdMovesTheirAliases(t *testing.T) {
	testCheck(t, keyUnmanaged(), []checkTest{
		{
			name: "without an alias", with: all(unmatched, func(c *KeyContext) { c.Key.Aliases, c.Replacing = nil, true }),
			want: "NOT JUDGED rotd is replacing the key, or another by it",
		},
		{
			name: "with one", with: all(unmatched, func(c *KeyContext) { c.Replacing = true }),
			want: "LOW No policy matches the key",
		},
	})
}

func TestANewKeyIsJudgedOnceAnAliasPointsAtIt(t *testing.T) {
	testCheck(t, keyUnmanaged(), []checkTest{{
		name: "without an alias", with: all(replaced(time.Hour), unmatched, func(c *KeyContext) {
			c.Key.Lineage = &inventory.Lineage{ID: otherARN, Replaces: otherARN}
		}), want: "NOT JUDGED the key was made to replace " + otherARN + ", and no alias points at it yet",
	}})
}

// A replaced key is judged by the key that took its place.
func TestTheRotationOfAReplacedKeyIsNotJudged(t *testing.T) {
	for _, check := range []Check{rotationOverdue(), rotationDisabled(), rotationImpossible()} {
		testCheck(t, check, []checkTest{{
			name: check.ID, with: all(replaced(time.Hour), asymmetric),
			want: "NOT JUDGED the key was replaced by " + otherARN + ", which is judged instead",
		}})
	}
	testCheck(t, keyUnmanaged(), []checkTest{{
		name: "unmanaged", with: all(replaced(time.Hour), unmatched),
		want: "NOT JUDGED the key was replaced by " + otherARN + ", which is judged instead",
	}})
}
