package notify

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Aliases, tags, descriptions, session names and user agents are chosen by whoever calls, and error messages repeat
// them. They are data: what follows keeps them from looking like anything else.

// cut ends what was too long.
const cut = "..."

// line makes one line of s, at most limit bytes, that shows all it has: no control characters, none that are invisible
// or change the direction of writing.
func line(s string, limit int) string {
	return clip(strings.Map(visible, clip(s, 2*limit)), limit)
}

// quoted is line for values that somebody chose: in quotes it cannot end, and with no link to be tapped by mistake.
func quoted(s string, limit int) string {
	s = strings.NewReplacer(`"`, `'`, "://", "[:]//").Replace(line(s, limit))
	return `"` + s + `"`
}

// named is line for names that are usually harmless: bare when they are, otherwise quoted, so that no chosen name goes
// on as if it were the rest of its line.
func named(s string, limit int) string {
	if s == "" || len(s) <= limit && plain(s) && !strings.Contains(s, "://") {
		return s
	}
	return quoted(s, limit)
}

// plain reports whether s has only the usual characters of ARNs, ids and addresses: no space, no comma.
func plain(s string) bool {
	return strings.TrimLeftFunc(s, func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' ||
			strings.ContainsRune("@+=:./_-", r)
	}) == ""
}

// prose is text of several lines, at most limit bytes. Lines after the first are marked as belonging to it, since what
// they repeat may have line breaks that pretend to be the message's own.
func prose(s string, limit int) string {
	lines := strings.Split(strings.TrimSpace(clip(strings.ReplaceAll(s, "\r\n", "\n"), limit)), "\n")
	for i, l := range lines {
		lines[i] = strings.TrimRight(line(l, limit), " ")
		if i > 0 {
			lines[i] = "| " + lines[i]
		}
	}
	return strings.Join(lines, "\n")
}

func visible(r rune) rune {
	switch {
	case unicode.IsSpace(r):
		return ' '
	case r == utf8.RuneError, unicode.IsControl(r), unicode.In(r, unicode.Cf, unicode.Co, unicode.Cs):
		return '?'
	}
	return r
}

// clip shortens s to at most limit bytes, between two characters.
func clip(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	end := max(limit-len(cut), 0)
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + cut
}

// ascii replaces what is not printable ASCII, for SNS's subjects.
func ascii(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s)
}

// argument is a value in a command that people paste into a shell, quoted where it needs it. What no name of AWS's or
// rotd's looks like gives a placeholder, as in remedies: the command then fails instead of doing something else.
func argument(s string) string {
	switch odd := func(r rune) bool { return r < ' ' || r > '~' || r == '\'' }; {
	case s == "":
		return "UNKNOWN"
	case len(s) > longName || strings.ContainsFunc(s, odd):
		return "NAME-WITH-ODD-CHARACTERS"
	case plain(strings.ReplaceAll(s, ",", "")):
		return s
	}
	return "'" + s + "'"
}
