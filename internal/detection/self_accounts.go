package detection

import (
	"fmt"
	"time"

	"rotd/internal/finding"
)

// AccountsUnlisted says that AWS Organizations did not list the accounts; listed is when it last did. Without an error
// it is the finding that is over.
func AccountsUnlisted(shard string, listed time.Time, failed error, at time.Time) finding.Finding {
	f := own("accounts-unlisted", finding.Medium, finding.Subject{Type: finding.Rotd, ID: shard}, "", at)
	f.Title = "The organization's accounts cannot be listed"
	since := "They were never listed: only configured accounts and the caller's own are swept."
	if !listed.IsZero() {
		since = fmt.Sprintf("They were last listed at %s, and those are swept: an account made since goes unnoticed.",
			stamp(listed))
	}
	because := ""
	if failed != nil {
		because = "AWS says: " + quote(spoken(failed.Error()), maxReason) + "."
	}
	f.Description = clip(sentences("AWS Organizations did not list the accounts that rotd is to look after.", since,
		because), maxDescription)
	f.Remedy = []string{
		"Let rotd's role call organizations:ListAccounts; only the management account and delegated administrators may.",
		"rotd sweep inventory",
	}
	return f
}
