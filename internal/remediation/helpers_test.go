package remediation

import (
	"strings"
	"time"

	"rotd/internal/inventory"
	"rotd/internal/policy"
)

const (
	day     = 24 * time.Hour
	testARN = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
)

func testNow() time.Time { return time.Date(2026, 11, 3, 12, 0, 0, 0, time.UTC) }

// testKey is a symmetric customer key, a year old, never rotated, rotation off, just read.
func testKey(change ...func(*inventory.Key)) *inventory.Key {
	now := testNow()
	k := &inventory.Key{
		ARN: testARN, ID: "1234abcd-12ab-34cd-56ef-1234567890ab", Partition: "aws", Account: "111122223333",
		Region: "eu-west-1", State: "Enabled", Manager: "CUSTOMER", Origin: "AWS_KMS", Spec: "SYMMETRIC_DEFAULT",
		Usage: "ENCRYPT_DECRYPT", Created: now.Add(-365 * day), CurrentMaterial: material(0),
		Aliases: []string{"alias/pay"}, Policy: "{}", ReadAt: now, Rotation: &inventory.Rotation{HistoryAt: now},
	}
	for _, c := range change {
		c(k)
	}
	return k
}

func material(n int) string { return strings.Repeat(string(rune('a'+n%26)), 60) + "0000" }

func scheduled(periodDays int, next time.Time) func(*inventory.Key) {
	return func(k *inventory.Key) {
		k.Rotation.Enabled, k.Rotation.PeriodDays, k.Rotation.Next = true, periodDays, &next
	}
}

func rotated(kind string, at ...time.Time) func(*inventory.Key) {
	return func(k *inventory.Key) {
		for _, t := range at {
			k.CurrentMaterial = material(len(k.Rotation.History) + 1)
			k.Rotation.History = append(k.Rotation.History, inventory.Rotated{
				At: t, Type: kind,
				Material: k.CurrentMaterial,
			})
		}
	}
}

// onDemand rotates the key n times on demand, a day apart, the last time a hundred days ago.
func onDemand(n int) func(*inventory.Key) {
	return func(k *inventory.Key) {
		for i := range n {
			rotated("ON_DEMAND", testNow().Add(-time.Duration(100+n-i)*day))(k)
		}
	}
}

func testGuardrails() Guardrails {
	return Guardrails{
		MaxMode: policy.Enforce, RotationsPerHour: 10, KeyCooldown: day, OnDemandReserve: 5, Grace: 10 * time.Minute,
		Settle: 10 * time.Minute, StartupHold: 3 * time.Minute, OverdueGrace: 7 * day,
		ApprovalTTL: 4 * time.Hour,
	}
}

// testFacts lets everything pass: armed, long started, mode enforce.
func testFacts(key *inventory.Key) Facts {
	return Facts{Now: testNow(), Key: key, Mode: policy.Enforce, Armed: true, StartedAt: testNow().Add(-day)}
}

// testAction is planned on the key as it is, an hour ago so that its grace is over.
func testAction(m Method, key *inventory.Key) Action {
	a := Action{
		ID: "act_1", Verb: Rotate, Method: m, State: Planned, KeyARN: key.ARN, Alias: "alias/pay",
		Account: key.Account, Region: key.Region, Before: PreconditionOf(key),
		Created:   testNow().Add(-30 * time.Minute),
		Requester: "uid:1000 (kim)", RequesterIs: []string{"uid:1000"}, Reason: "test",
	}
	if m == EnableAutomatic {
		a.PeriodDays = 90
	}
	return a
}
