package policy

import (
	"testing"
	"time"

	"rotd/internal/inventory"
)

func excepted() *inventory.Key {
	return &inventory.Key{
		ARN: "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
		ID:  "1234abcd-12ab-34cd-56ef-1234567890ab", Aliases: []string{"alias/cards", "alias/pay-cards"},
	}
}

func TestExceptionsFor(t *testing.T) {
	end := time.Date(2027, 3, 31, 0, 0, 0, 0, time.UTC)
	tests := []struct {
		name      string
		exception Exception
		check     string
		at        time.Time
		want      bool
	}{
		{"by an alias", Exception{Keys: []string{"alias/pay-*"}}, "rotation-overdue", end.Add(-1), true},
		{"by the id", Exception{Keys: []string{"1234abcd-*"}}, "rotation-overdue", end.Add(-1), true},
		{"by the ARN", Exception{Keys: []string{"arn:aws:kms:*:111122223333:key/*"}}, "rotation-overdue", end.Add(-1), true},
		{
			"by an alias's ARN",
			Exception{Keys: []string{"arn:aws:kms:eu-west-1:111122223333:alias/cards"}},
			"rotation-overdue", end.Add(-1), true,
		},
		{
			"by an alias's ARN in another Region",
			Exception{Keys: []string{"arn:aws:kms:eu-west-2:111122223333:alias/cards"}},
			"rotation-overdue", end.Add(-1), false,
		},
		{"another key", Exception{Keys: []string{"alias/pay"}}, "rotation-overdue", end.Add(-1), false},
		{"not from the moment it expires", Exception{Keys: []string{"*"}}, "rotation-overdue", end, false},
		{"not of a check that does not look at rotation", Exception{Keys: []string{"*"}}, "key-unused", end.Add(-1), false},
		{
			"of a check it names",
			Exception{Keys: []string{"*"}, Checks: []string{"key-unused"}},
			"key-unused",
			end.Add(-1), true,
		},
		{
			"of nothing but what it names",
			Exception{Keys: []string{"*"}, Checks: []string{"key-unused"}},
			"rotation-overdue",
			end.Add(-1), false,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.exception.Expires = end
			all := Exceptions{{Name: "other", Keys: []string{"alias/other"}, Expires: end}, tt.exception}
			got := all.For(excepted(), tt.check, tt.at)
			if (got != nil) != tt.want || got != nil && got != &all[1] {
				t.Errorf("For = %v, want one: %t", got, tt.want)
			}
		})
	}
	if got := (Exceptions{{Keys: []string{"*"}, Expires: end}}).For(nil, "rotation-overdue", end.Add(-1)); got != nil {
		t.Errorf("an exception for no key: %v", got)
	}
}

func TestUntilIsADayOrATime(t *testing.T) {
	for want, at := range map[string]time.Time{
		"2027-03-31":           time.Date(2027, 3, 31, 0, 0, 0, 0, time.UTC),
		"2027-03-31T18:00:00Z": time.Date(2027, 3, 31, 20, 0, 0, 0, time.FixedZone("", 7200)),
	} {
		if got := (&Exception{Expires: at}).Until(); got != want {
			t.Errorf("%s is %s, want %s", at, got, want)
		}
	}
}
