package detection

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// What findings repeat of events, keys and errors is chosen by others, attackers among them. It is shown as it is only
// when it cannot be taken for anything else; otherwise quoted and cut.
const (
	maxShown       = 200  // bytes of one value
	maxDescription = 1900 // bytes of a finding's description; an alert shows 2,000
	maxListed      = 5    // values of one list
)

// clip cuts s to at most limit bytes, between two characters, and marks the cut.
func clip(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	cut := limit - len("…")
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}

// shown is a value for a sentence: bare when it is an ordinary name, otherwise quoted so that it cannot end the
// sentence or begin another.
func shown(s string) string {
	if len(s) <= maxShown && plain(s) {
		return s
	}
	return quote(s, maxShown)
}

// quote is at most limit bytes of a value in quotes. The mark of a cut stands behind them: inside it would look like
// the value's own.
func quote(s string, limit int) string {
	if len(s) <= limit {
		return strconv.QuoteToASCII(s)
	}
	return strconv.QuoteToASCII(strings.TrimSuffix(clip(s, limit), "…")) + "…"
}

// plain reports whether s has only the characters of ARNs, aliases, ids, and names of services and operations.
func plain(s string) bool {
	for _, r := range []byte(s) {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		if !letter && !strings.ContainsRune("@%+=:,./_-", rune(r)) {
			return false
		}
	}
	return s != ""
}

// listed joins values for a sentence: `a, b, c, d, e and 3 more`.
func listed(values []string) string {
	texts := make([]string, 0, maxListed)
	for _, v := range values[:min(len(values), maxListed)] {
		texts = append(texts, shown(v))
	}
	text := strings.Join(texts, ", ")
	if more := len(values) - maxListed; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// sentences joins those that say something.
func sentences(all ...string) string {
	return strings.Join(slices.DeleteFunc(all, func(s string) bool { return s == "" }), " ")
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04Z") }

// days is a duration as people say it: whole days from two days on.
func days(d time.Duration) string {
	const day = 24 * time.Hour
	if d >= 2*day {
		return fmt.Sprintf("%d days", d/day)
	}
	if d >= 2*time.Hour {
		return fmt.Sprintf("%d h", d/time.Hour)
	}
	if d < time.Minute {
		return "less than a minute"
	}
	return fmt.Sprintf("%d min", d/time.Minute)
}

// argument is a value in a command that people paste into a shell. What has characters that no name of AWS's has is
// refused rather than quoted: the command then fails instead of doing something else.
func argument(s string) string {
	switch {
	case len(s) <= maxShown && plain(s):
		return s
	case s == "":
		return "UNKNOWN"
	case len(s) <= maxShown && strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r > '~' || r == '\'' }) < 0:
		return "'" + s + "'"
	}
	return "NAME-WITH-ODD-CHARACTERS"
}

// awsCLI is a command of the AWS CLI: `aws kms enable-key --key-id arn:… --region eu-west-1`. Options are pairs of
// name and value.
func awsCLI(command, region string, options ...string) string {
	var b strings.Builder
	b.WriteString("aws " + command)
	for i := 0; i+1 < len(options); i += 2 {
		b.WriteString(" --" + options[i] + " " + argument(options[i+1]))
	}
	if region != "" {
		b.WriteString(" --region " + regionArgument(region))
	}
	return b.String()
}

// regionArgument is a Region in a command; what cannot be one is refused, as argument does.
func regionArgument(region string) string {
	const longest = 32 // us-gov-west-1 has 13
	other := func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' }
	if len(region) <= longest && strings.IndexFunc(region, other) < 0 {
		return region
	}
	return "ODD-REGION"
}
