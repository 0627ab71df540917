package keypolicy

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// What a policy says is chosen by whoever wrote it, perhaps an attacker: it is shown quoted, without control characters
// and cut to length.
const (
	maxShown = 100 // bytes of one value in a sentence
	maxItems = 4   // values of one list in a sentence
)

// truncate cuts s to at most limit bytes, at a character's boundary, and marks the cut.
func truncate(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	cut := limit - len("…")
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}

func quote(s string) string { return strconv.Quote(truncate(s, maxShown)) }

// printable replaces what could break out of a line of text.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '\uFFFD'
	}, truncate(s, maxShown))
}

// listed joins values for a sentence: "a, b, c, d and 3 more".
func listed(values []string) string {
	var b strings.Builder
	for i, v := range values {
		if i == maxItems {
			b.WriteString(" and " + strconv.Itoa(len(values)-i) + " more")
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(printable(v))
	}
	return b.String()
}

// name is how a sentence speaks of a statement; statements are counted from 1 there.
func (s *Statement) name(index int) string {
	name := "statement " + strconv.Itoa(index+1)
	if s.Sid != "" {
		name += " (" + quote(s.Sid) + ")"
	}
	return name
}
