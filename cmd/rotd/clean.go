package main

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Aliases, session names, user agents and messages are chosen by whoever calls AWS. They are data: what follows keeps
// them from moving the cursor, changing the direction of writing, or posing as a line of rotd's own.

// clean makes one line of s in which every character shows.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case isHidden(r):
			return '?'
		}
		return r
	}, s)
}

// cleanText is clean for text of several lines.
func cleanText(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = clean(lines[i])
	}
	return strings.Join(lines, "\n")
}

// isHidden reports control characters and those that are invisible or direct the writing.
func isHidden(r rune) bool {
	if r >= ' ' && r <= '~' {
		return false // nearly all there is, told without a look at the tables
	}
	return r == utf8.RuneError || unicode.IsControl(r) ||
		unicode.In(r, unicode.Cf, unicode.Co, unicode.Cs, unicode.Zl, unicode.Zp)
}

// cleanJSON writes characters that a terminal would act upon, or not show, as JSON's escapes. JSON has them inside
// strings only, so that the value stays the same.
func cleanJSON(raw []byte) []byte {
	if !bytes.ContainsFunc(raw, isEscaped) {
		return raw
	}
	var b bytes.Buffer
	for _, r := range string(raw) {
		switch {
		case !isEscaped(r):
			b.WriteRune(r)
		case r > 0xffff:
			r -= 0x10000
			fmt.Fprintf(&b, `\u%04x\u%04x`, 0xd800+(r>>10), 0xdc00+(r&0x3ff))
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.Bytes()
}

// isEscaped leaves out what JSON itself writes: line breaks between members, and replacement characters.
func isEscaped(r rune) bool { return r != '\n' && r != utf8.RuneError && isHidden(r) }

// argument quotes a value for a shell where it needs it.
func argument(s string) string {
	s = clean(s)
	harmless := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("@%+=:,./_-", r)
	}
	if s != "" && strings.TrimLeftFunc(s, harmless) == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
