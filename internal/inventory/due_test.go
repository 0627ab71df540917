package inventory

import (
	"testing"
	"time"
)

func TestWhenDearFactsAreDue(t *testing.T) {
	const day = 24 * time.Hour
	at := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	tests := []struct {
		name    string
		change  func(k *Key)
		want    time.Time
		history time.Time // from when on the rotations are among them
	}{
		{"never asked", func(k *Key) { k.FactsAskedAt = time.Time{} }, time.Time{}, at},
		{"all told", func(*Key) {}, at.Add(GrantsAge), at.Add(HistoryAge)},
		{
			"the material is new since the rotations were read",
			func(k *Key) { k.CurrentMaterial = "m2"; k.ReadAt = at.Add(time.Hour) }, at.Add(time.Minute), at,
		},
		{
			"the rotations are denied",
			func(k *Key) { k.Rotation.HistoryAt = time.Time{}; k.SetDenied("ListKeyRotations", true) },
			at.Add(GrantsAge), at,
		},
		{
			"KMS has no rotations to tell",
			func(k *Key) { k.Rotation = &Rotation{NoHistoryAt: at} }, at.Add(GrantsAge), at.Add(HistoryAge),
		},
		{
			"KMS has no rotations to tell where it told some before",
			func(k *Key) { k.CurrentMaterial = "m2"; k.Rotation.NoHistoryAt = at.Add(day) },
			at.Add(GrantsAge), at.Add(day + HistoryAge),
		},
		{
			"KMS had no rotations to tell before the key changed its state",
			func(k *Key) { k.Rotation = &Rotation{NoHistoryAt: at}; k.StateSince = at.Add(time.Second) },
			at.Add(time.Minute), at,
		},
		{"no rotations of this kind of key", func(k *Key) { k.Rotation = nil }, at.Add(GrantsAge), time.Time{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			k := &Key{
				CurrentMaterial: "m1", ReadAt: at, StateSince: at.Add(-day), FactsAskedAt: at, Grants: &Grants{ReadAt: at},
				Rotation: &Rotation{HistoryAt: at, HistoryMaterial: "m1"},
			}
			tt.change(k)
			if got := k.FactsDueAt(); !got.Equal(tt.want) {
				t.Errorf("due at %s, want %s", got, tt.want)
			}
			if tt.history.IsZero() {
				if k.FactsDue(at.Add(400 * day)).Has(FactHistory) {
					t.Error("the rotations are asked for")
				}
				return
			}
			if k.FactsDue(tt.history.Add(-time.Second)).Has(FactHistory) && tt.history.After(at) {
				t.Error("the rotations are asked for before they are due")
			}
			if !k.FactsDue(tt.history).Has(FactHistory) {
				t.Error("the rotations are not asked for when they are due")
			}
		})
	}
}
