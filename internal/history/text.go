package history

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Aliases, tags, descriptions and policies are chosen by others, attackers among them. In a sentence they stand bare
// only when they cannot be taken for anything else.
const (
	maxShown  = 120
	maxListed = 5
)

// shown is a value for a sentence.
func shown(s string) string {
	if s != "" && len(s) <= maxShown && plain(s) {
		return s
	}
	if len(s) > maxShown {
		return strconv.QuoteToASCII(strings.TrimSuffix(clip(s, maxShown), "…")) + "…"
	}
	return strconv.QuoteToASCII(s)
}

func plain(s string) bool {
	return strings.TrimFunc(s, func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("@%+=:,./_-", r)
	}) == ""
}

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

// listed joins values for a sentence.
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

// or is s, or what is said when there is none.
func or(s, none string) string {
	if s == "" {
		return none
	}
	return shown(s)
}

// counted is a number with its noun.
func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
