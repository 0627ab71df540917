package detection

import (
	"fmt"
	"time"

	"rotd/internal/finding"
	"rotd/internal/policy"
)

// ExceptionExpiredID is the id of the finding that ExceptionExpired makes.
const ExceptionExpiredID = "exception-expired"

// ExceptionExpired says that an exception of rotd.yaml has ended: the keys it let off are judged again, and whoever
// answered for it has to decide.
func ExceptionExpired(shard string, x *policy.Exception, at time.Time) finding.Finding {
	f := own(ExceptionExpiredID, finding.Medium, finding.Subject{Type: finding.Rotd, ID: shard}, x.Name, at)
	f.Title = "An exception has expired: " + x.Name
	checks, approved := "the rotation-* checks", ""
	if len(x.Checks) > 0 {
		checks = listed(x.Checks)
	}
	if x.Approver != "" {
		approved = ", approved by " + shown(x.Approver)
	}
	f.Description = clip(fmt.Sprintf("Exception %s let %s off %s until %s, because: %s (asked for by %s%s). "+
		"It counts for nothing any more: what is not in order with these keys is found again at their next reading.",
		shown(x.Name), listed(x.Keys), checks, x.Until(), shown(x.Reason), shown(x.Author), approved),
		maxDescription)
	f.Remedy = []string{
		"If the reason is gone, remove the exception from rotd.yaml; if it still holds, renew it: give it a new " +
			"`expires`, and say who approved it.",
		"rotd config validate",
	}
	return f
}
