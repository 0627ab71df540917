package detection

import (
	"fmt"
	"strings"
	"time"

	"rotd/internal/finding"
	"rotd/internal/remediation"
)

// BreakerOpen says that actions failed in a row, so that nothing is done by itself any more.
func BreakerOpen(shard string, b *remediation.Breaker, at time.Time) finding.Finding {
	f := own("circuit-breaker-open", finding.High, finding.Subject{Type: finding.Rotd, ID: shard}, "", at)
	f.Title = "Automatic actions have stopped: several failed in a row"
	var failed []string
	for _, x := range b.Failures {
		failed = append(failed, fmt.Sprintf("%s on %s: %s", x.ActionID, shown(x.KeyARN), shown(x.Outcome)))
	}
	f.Description = clip(sentences(
		fmt.Sprintf("%d actions failed in a row within an hour (guardrails.breaker_failures).", len(b.Failures)),
		"What is wrong then is hardly the keys, so rotd waits with everything automatic, and refuses people who do not say "+
			"--emergency, until somebody has looked.",
		strings.Join(failed, " ")), maxDescription)
	if n := len(b.Failures); n > 0 {
		f.Remedy = []string{
			"See why they failed: often rotd's role, or the key policies, lack a permission (docs/permissions.md).",
			"rotd actions show " + argument(b.Failures[n-1].ActionID),
			"When that is mended, let rotd go on. An action that succeeds closes it too.",
			"rotd resume",
		}
	}
	return f
}
