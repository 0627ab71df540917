package detection

import (
	"testing"
	"time"

	"rotd/internal/inventory"
	"rotd/internal/policy"
)

func TestRotationPeriodExtended(t *testing.T) {
	period := func(days any) object {
		return asking(object{"keyId": payARN, "rotationPeriodInDays": days})
	}
	testRule(t, rotationPeriodExtended(), []ruleTest{
		{
			name: "the period is above the policy's", events: []object{record("EnableKeyRotation", period(2560))},
			want: []string{"HIGH The rotation period was set longer than the policy's"},
			says: []string{
				"to 2560 days; policy payments asks for 90 at most",
				"aws kms enable-key-rotation --key-id " + payARN + " --rotation-period-in-days 90 --region eu-west-1",
			},
		},
		{
			name: "no period is given, so KMS takes 365", events: []object{record("EnableKeyRotation")},
			want: []string{"HIGH The rotation period was set longer than the policy's"},
			says: []string{"to 365 days"},
		},
		{
			name: "rotd set it for a person", world: func(w *world) { w.own = true },
			events: []object{record("EnableKeyRotation", period("91"))},
			want:   []string{"INFORMATIONAL expected The rotation period was set longer than the policy's"},
		},
		{name: "the period is the policy's", events: []object{record("EnableKeyRotation", period(90))}},
		{
			name: "no policy matches", world: func(w *world) { w.policies = nil },
			events: []object{record("EnableKeyRotation")},
		},
		{
			name: "the key is not known", world: func(w *world) { w.keys = nil },
			events: []object{record("EnableKeyRotation")},
		},
		{
			name:   "the policy asks for no period",
			world:  func(w *world) { w.policies[0].Rotation.Automatic = 0 },
			events: []object{record("EnableKeyRotation")},
		},
		{
			name:   "the policy only watches",
			world:  func(w *world) { w.policies[0].Rotation.Method = policy.None },
			events: []object{record("EnableKeyRotation")},
		},
		{name: "the call fails", events: []object{record("EnableKeyRotation", failing("DisabledException"))}},
	})
}

func TestRotationPeriodExtendedIsOver(t *testing.T) {
	read := func(r *inventory.Rotation) *inventory.Key {
		k := payKey()
		k.ReadAt, k.Rotation = noon.Add(time.Minute), r
		return k
	}
	before := read(&inventory.Rotation{Enabled: true, PeriodDays: 90})
	before.ReadAt = noon.Add(-time.Minute)
	testOver(t, rotationPeriodExtended(), record("EnableKeyRotation"), []overTest{
		{"the period was the policy's before", before, ""},
		{"the rotation was not read", read(nil), ""},
		{"rotation is off, its period is the policy's", read(&inventory.Rotation{PeriodDays: 90}), ""},
		{
			"the period is the policy's", read(&inventory.Rotation{Enabled: true, PeriodDays: 90}),
			"KMS shows a period of 90 days, and policy payments asks for 90 at most",
		},
		{"the period is still longer", read(&inventory.Rotation{Enabled: true, PeriodDays: 91}), ""},
		{"rotation is off now", read(&inventory.Rotation{}), ""},
		{"KMS did not say the period", read(&inventory.Rotation{Enabled: true}), ""},
	})
}
