package history

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rotd/internal/inventory"
)

const arn = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"

func at(minute int) time.Time {
	return time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC).Add(time.Duration(minute) * time.Minute)
}

func on(minute int) *time.Time {
	t := at(minute)
	return &t
}

// key is a key read whole at a minute.
func key(minute int, change ...func(*inventory.Key)) *inventory.Key {
	k := &inventory.Key{
		ARN: arn, ID: "1234abcd-12ab-34cd-56ef-1234567890ab", State: "Enabled", Manager: "CUSTOMER",
		Created: at(-1000), FirstRead: at(0), ReadAt: at(minute), FullAt: at(minute), WholeBy: at(minute),
		Aliases: []string{"alias/pay"}, Tags: map[string]string{"team": "pay"}, Policy: policyOf("kms:Decrypt"),
		CurrentMaterial: "m1",
		Rotation:        &inventory.Rotation{Enabled: true, PeriodDays: 365, HistoryAt: at(minute)},
	}
	for _, c := range change {
		c(k)
	}
	return k
}

func policyOf(action string) string {
	return `{"Version":"2012-10-17","Statement":[{"Sid":"Admin","Effect":"Allow","Principal":{"AWS":` +
		`"arn:aws:iam::111122223333:root"},"Action":"kms:*","Resource":"*"},{"Sid":"Use","Effect":"Allow",` +
		`"Principal":{"AWS":"arn:aws:iam::111122223333:role/pay"},"Action":"` + action + `","Resource":"*"}]}`
}

func same[T any](t testing.TB, what string, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}
