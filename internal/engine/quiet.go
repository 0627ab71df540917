package engine

import (
	"fmt"
	"time"

	"rotd/internal/finding"
)

// endQuiet ends the episodes that nothing repeated for their quiet time, mostly a day, and that no reading will end,
// and the incidents that are over with them. It is told nowhere.
func (e *Engine) endQuiet(now time.Time) error {
	for after := ""; ; {
		next := ""
		err := e.note(now, func(n *notebook) error {
			var ids []string
			ids, next = n.tx.OpenFindings(after, 500)
			for _, id := range ids {
				f, err := n.finding(id)
				if err != nil {
					return err
				}
				if f == nil || !endsQuietly(f) || now.Sub(lastHeard(f)) < n.quietAfter(f) {
					continue
				}
				if err := n.resolve(f, fmt.Sprintf("not repeated for %.0f h", n.quietAfter(f).Hours()), true); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		if next == "" {
			return e.closeOver(now)
		}
		after = next
	}
}

// quietAfter is for how long a finding's episode goes on without repetition.
func (n *notebook) quietAfter(f *finding.Finding) time.Duration {
	if rule := n.settings.Judge.Rule(f.RuleID); rule != nil {
		return rule.QuietAfter()
	}
	return finding.QuietAfter
}

// endsQuietly reports whether a finding ends for want of repetition: those of rules do, and those about rotd itself
// that tell of something that happened, not of something that lasts.
func endsQuietly(f *finding.Finding) bool {
	switch f.RuleID {
	case "message-undecodable", "rule-panicked", "users-rule-failed", "outbox-overflow",
		"sweep-found-what-events-missed", ignoredSender, ignoredAccount:
		return true
	}
	return f.EventID != ""
}

// lastHeard is when a finding was last repeated, and no earlier than rotd first heard of it: what arrives a day late
// is not over when it arrives.
func lastHeard(f *finding.Finding) time.Time {
	last := f.LastSeen
	if begun := idTime(f.ID); begun.After(last) {
		return begun
	}
	return last
}
