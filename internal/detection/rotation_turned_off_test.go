package detection

import (
	"testing"
	"time"

	"rotd/internal/finding"
	"rotd/internal/inventory"
	"rotd/internal/policy"
)

func TestRotationTurnedOff(t *testing.T) {
	testRule(t, rotationTurnedOff(), []ruleTest{
		{
			name: "a role turns rotation off", events: []object{record("DisableKeyRotation")},
			want: []string{"HIGH Automatic key rotation was turned off"},
			says: []string{
				adminARN + " turned automatic rotation off for alias/payments.",
				"aws kms enable-key-rotation --key-id " + payARN + " --rotation-period-in-days 90 --region eu-west-1",
				"rotd rotate " + payARN + " --automatic 90d --reason 'rotation was turned off'",
			},
		},
		{
			name: "an allowed principal is not excused", events: []object{record("DisableKeyRotation", by("pay-api"))},
			want: []string{"HIGH Automatic key rotation was turned off"},
			says: []string{"policy payments allows its work with the key, not this"},
		},
		{
			name: "rotd itself is expected", world: func(w *world) { w.own = true },
			events: []object{record("DisableKeyRotation")},
			want:   []string{"INFORMATIONAL expected Automatic key rotation was turned off"},
			says:   []string{"one of rotd's own calls"},
		},
		{
			name: "nothing is known of the key", world: func(w *world) { w.keys = nil },
			events: []object{record("DisableKeyRotation")},
			want:   []string{"HIGH Automatic key rotation was turned off"},
			says:   []string{"for " + payARN, "--rotation-period-in-days 365"},
		},
		{
			name: "the key had a period of its own, and no policy matches",
			world: func(w *world) {
				w.policies = nil
				w.keys[payARN].Rotation.PeriodDays = 180
			},
			events: []object{record("DisableKeyRotation")},
			want:   []string{"HIGH Automatic key rotation was turned off"},
			says:   []string{"--rotation-period-in-days 180"},
		},
		{
			name:   "the key had a period of its own, and its policy asks for another",
			world:  func(w *world) { w.keys[payARN].Rotation.PeriodDays = 180 },
			events: []object{record("DisableKeyRotation")},
			want:   []string{"HIGH Automatic key rotation was turned off"},
			says:   []string{"--rotation-period-in-days 90"},
		},
		{
			name: "the key had a period of its own, and its policy asks for none",
			world: func(w *world) {
				w.policies[0].Rotation.Automatic = 0
				w.keys[payARN].Rotation.PeriodDays = 180
			},
			events: []object{record("DisableKeyRotation")},
			want:   []string{"HIGH Automatic key rotation was turned off"},
			says:   []string{"--rotation-period-in-days 180"},
		},
		{
			name: "neither the key nor its policy names a period",
			world: func(w *world) {
				w.policies[0].Rotation.Automatic = 0
				w.keys[payARN].Rotation.PeriodDays = 0
			},
			events: []object{record("DisableKeyRotation")},
			want:   []string{"HIGH Automatic key rotation was turned off"},
			says:   []string{"--rotation-period-in-days 365"},
		},
		{name: "the call is refused", events: []object{record("DisableKeyRotation", failing("AccessDenied"))}},
		{name: "the key is disabled", events: []object{record("DisableKeyRotation", failing("DisabledException"))}},
		{name: "rotation is turned on", events: []object{record("EnableKeyRotation")}},
		{name: "the status is read", events: []object{record("GetKeyRotationStatus")}},
	})
}

func TestRotationTurnedOffIsOver(t *testing.T) {
	read := func(after time.Duration, rotation *inventory.Rotation) *inventory.Key {
		k := payKey()
		k.ReadAt, k.Rotation = noon.Add(after), rotation
		return k
	}
	on := &inventory.Rotation{Enabled: true, PeriodDays: 90}
	testOver(t, rotationTurnedOff(), record("DisableKeyRotation"), []overTest{
		{"rotation is on", read(time.Minute, on), "KMS shows automatic rotation on again, every 90 days"},
		{"the reading is older than the event", read(-time.Minute, on), ""},
		{"rotation is off", read(time.Minute, &inventory.Rotation{}), ""},
		{"the status could not be read", read(time.Minute, nil), ""},
	})
}

// overTest is a reading of a key after an event; why is empty when the episode is not over.
type overTest struct {
	name string
	key  *inventory.Key
	why  string
}

func testOver(t *testing.T, rule Rule, event object, tests []overTest) {
	t.Helper()
	w := newWorld()
	found, _ := newJudge([]Rule{rule}, nil, Settings{}).Event(w.context(), decode(t, event))
	if len(found) != 1 {
		t.Fatalf("%d findings, want 1", len(found))
	}
	testOverOf(t, rule, &found[0], &w.policies[0], tests)
}

func testOverOf(t *testing.T, rule Rule, f *finding.Finding, p *policy.Policy, tests []overTest) {
	t.Helper()
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			over, why := rule.Over(f, test.key, p)
			if why != test.why || over != (test.why != "") {
				t.Errorf("over %t, %q; want %q", over, why, test.why)
			}
		})
	}
}
