package sigma

import (
	"regexp"
	"strings"
)

// pattern is a value of Sigma's with its wildcards: what like(…) takes, and * or ? at the ends.
type pattern []piece

// piece is words, or a wildcard.
type piece struct {
	words string
	wild  byte // '*', '?' or 0
}

// patternOf reads a value: * and ? are wildcards, and \ before them or another \ takes them as they are.
func patternOf(text string) pattern {
	var p pattern
	for i := 0; i < len(text); i++ {
		b := text[i]
		switch {
		case b == '*' && len(p) > 0 && p[len(p)-1].wild == '*':
			continue
		case b == '*' || b == '?':
			p = append(p, piece{wild: b})
			continue
		case b == '\\' && i+1 < len(text) && strings.IndexByte(`*?\`, text[i+1]) >= 0:
			i++
		}
		p = p.plus(text[i : i+1])
	}
	return p
}

func (p pattern) plus(words string) pattern {
	if n := len(p); n > 0 && p[n-1].wild == 0 {
		p[n-1].words += words
		return p
	}
	return append(p, piece{words: words})
}

// between is the pattern with anything before or after it.
func (p pattern) between(before, after bool) pattern {
	anything := piece{wild: '*'}
	if before && (len(p) == 0 || p[0] != anything) {
		p = append(pattern{anything}, p...)
	}
	if after && (len(p) == 0 || p[len(p)-1] != anything) {
		p = append(p, anything)
	}
	return p
}

// plain is the pattern's text if it has no wildcards.
func (p pattern) plain() (string, bool) {
	switch {
	case len(p) == 0:
		return "", true
	case len(p) == 1 && p[0].wild == 0:
		return p[0].words, true
	}
	return "", false
}

// anything reports whether it is * alone: whatever there is.
func (p pattern) anything() bool { return len(p) == 1 && p[0].wild == '*' }

// like is the pattern as like(…) has it.
func (p pattern) like() string {
	var b strings.Builder
	for _, one := range p {
		if one.wild != 0 {
			b.WriteByte(one.wild)
			continue
		}
		b.WriteString(strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`).Replace(one.words))
	}
	return b.String()
}

// regex is the pattern as a regular expression, which regards case.
func (p pattern) regex() string {
	var b strings.Builder
	b.WriteString("(?s)^")
	for _, one := range p {
		switch one.wild {
		case '*':
			b.WriteString(".*")
		case '?':
			b.WriteByte('.')
		default:
			b.WriteString(regexp.QuoteMeta(one.words))
		}
	}
	return b.String() + "$"
}
