package detection

import (
	"testing"
	"time"

	"rotd/internal/inventory"
)

func TestRotationUnplanned(t *testing.T) {
	const once, often = "A key was rotated on demand, and not by rotd", "A key is being rotated on demand again " +
		"and again"
	rotate := func(eventID string, after time.Duration) object {
		return record("RotateKeyOnDemand", id(eventID), at(after))
	}
	testRule(t, rotationUnplanned(), []ruleTest{
		{
			name: "once", events: []object{rotate("e-1", 0)},
			want: []string{"MEDIUM " + once},
			says: []string{"25 rotations on demand", "aws kms list-key-rotations --key-id " + payARN},
		},
		{
			name:   "three times in a day",
			events: []object{rotate("e-1", 0), rotate("e-2", time.Hour), rotate("e-3", 23*time.Hour)},
			want:   []string{"MEDIUM " + once, "MEDIUM " + once, "HIGH " + often},
			says:   []string{"This is rotation number 3 of it within 24 hours."},
		},
		{
			name:   "three times over more than a day",
			events: []object{rotate("e-1", 0), rotate("e-2", time.Hour), rotate("e-3", 25*time.Hour)},
			want:   []string{"MEDIUM " + once, "MEDIUM " + once, "MEDIUM " + once},
		},
		{
			name:   "one call told three times",
			events: []object{rotate("e-1", 0), rotate("e-1", 0), rotate("e-1", 0)},
			want:   []string{"MEDIUM " + once, "MEDIUM " + once, "MEDIUM " + once},
		},
		{
			name: "one call, told and amended twice",
			events: []object{
				rotate("e-1", 0),
				record("RotateKeyOnDemand", id("e-2"), object{"addendum": object{"originalEventID": "e-1"}}),
				record("RotateKeyOnDemand", id("e-3"), object{"addendum": object{"originalEventID": "e-1"}}),
			},
			want: []string{"MEDIUM " + once, "MEDIUM " + once, "MEDIUM " + once},
		},
		{
			name: "three keys once each",
			events: []object{
				rotate("e-1", 0),
				record("RotateKeyOnDemand", id("e-2"), object{"resources": []object{{"ARN": otherARN}}}),
				record("RotateKeyOnDemand", id("e-3"), object{"resources": []object{{"ARN": otherARN + "0"}}}),
			},
			want: []string{"MEDIUM " + once, "MEDIUM " + once, "MEDIUM " + once},
		},
		{
			name: "an allowed principal is expected and does not count",
			events: []object{
				record("RotateKeyOnDemand", by("pay-api"), id("e-1")), record("RotateKeyOnDemand", by("pay-api"),
					id("e-2")),
				rotate("e-3", 0),
			},
			want: []string{"INFORMATIONAL expected " + once, "INFORMATIONAL expected " + once, "MEDIUM " + once},
		},
		{
			name: "the budget is known",
			world: func(w *world) {
				w.keys[payARN].Rotation.History = []inventory.Rotated{
					{Type: "ON_DEMAND"},
					{Type: "AUTOMATIC"},
					{Type: "ON_DEMAND"},
				}
			},
			events: []object{rotate("e-1", 0)}, want: []string{"MEDIUM " + once},
			says: []string{"When last read, at 2026-11-20 11:00Z, it had used 2."},
		},
		{name: "rotd's own", world: func(w *world) { w.own = true }, events: []object{rotate("e-1", 0)}},
		{name: "late", world: func(w *world) { w.late = true }, events: []object{rotate("e-1", 0)}},
		{name: "refused", events: []object{record("RotateKeyOnDemand", failing("AccessDeniedException"))}},
		{name: "the budget is spent", events: []object{record("RotateKeyOnDemand", failing("LimitExceededException"))}},
		{name: "the rotation itself", events: []object{record("RotateKey", byKMS())}},
	})
}
