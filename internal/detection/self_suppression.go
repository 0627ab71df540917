package detection

import (
	"fmt"
	"time"

	"rotd/internal/finding"
	"rotd/internal/suppression"
)

// SuppressionExpiredID is the id of the finding that SuppressionExpired makes.
const SuppressionExpiredID = "suppression-expired"

func suppressionEntries() []Entry {
	return []Entry{{
		ID: SuppressionExpiredID, Kind: KindSelf, Title: "A suppression has expired", Severity: finding.Low,
		Ends: "When the suppression is renewed or removed.",
		Doc: Doc{
			Meaning: "Somebody had findings hidden until a day, and that day has come: what happens again is told.",
			Condition: "A suppression of rotd.yaml, or one that a person made, whose `expires` has passed. One finding per " +
				"suppression, told once.",
			Response: "Remove the suppression, or renew it (docs/suppressions.md).",
		},
	}}
}

// SuppressionExpired says that a suppression has ended: what it hid is told again.
func SuppressionExpired(shard string, s *suppression.Suppression, at time.Time) finding.Finding {
	f := own(SuppressionExpiredID, finding.Low, finding.Subject{Type: finding.Rotd, ID: shard}, s.Name, at)
	f.Title = "A suppression has expired: " + s.Name
	f.Description = clip(fmt.Sprintf("Suppression %s hid %s until %s, because: %s (%s). It hides nothing any more: what "+
		"happens again is told.", shown(s.Name), shown(s.Scope()), s.Until(), shown(s.Reason), shown(s.Author)),
		maxDescription)
	if s.Created.IsZero() {
		f.Remedy = []string{
			"If the reason is gone, remove the suppression from rotd.yaml; if it still holds, give it a new `expires`.",
			"rotd config validate",
		}
		return f
	}
	f.Remedy = []string{
		"If the reason still holds, suppress it anew; either way this one can go:",
		"rotd suppressions end " + argument(s.Name) + " --reason expired",
	}
	return f
}
