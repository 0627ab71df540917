package userrules

import (
	"unicode/utf8"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// like reports whether a text, or any of some, is like a pattern, or any of some.
func (s *scene) like(_ string, args ...ref.Val) ref.Val {
	patterns := listOf(args[1])
	for _, text := range listOf(args[0]) {
		for _, pattern := range patterns {
			s.left -= len(text)
			is := isLike(text, pattern, &s.left)
			if s.left < 0 {
				return types.WrapErr(errTooMuch)
			}
			if is {
				return types.True
			}
		}
	}
	return types.False
}

// listOf is a text, or a list of them.
func listOf(v ref.Val) []string {
	if text, ok := v.(types.String); ok {
		return []string{string(text)}
	}
	list := v.(traits.Lister)
	all := make([]string, 0, list.Size().(types.Int))
	for it := list.Iterator(); it.HasNext() == types.True; {
		text, _ := it.Next().(types.String)
		all = append(all, string(text))
	}
	return all
}

// isLike reports whether the whole text is like the pattern: a letter of ASCII is like itself in either case, * is like
// anything, ? like one character; after \ the three are themselves. Each step is one of those left: where a text nearly
// is like a long pattern again and again, there are as many as their lengths multiplied.
func isLike(text, pattern string, left *int) bool {
	t, p := 0, 0
	star, from := -1, 0 // the last * met, and how far what it stands for reaches
	for t < len(text) || p < len(pattern) {
		if *left--; *left < 0 {
			return false
		}
		if p < len(pattern) && pattern[p] == '*' {
			star, from = p, t
			p++
			continue
		}
		if tn, pn := sameAt(text[t:], pattern[p:]); tn > 0 {
			t, p = t+tn, p+pn
			continue
		}
		if star < 0 || from >= len(text) {
			return false
		}
		from++
		t, p = from, star+1
	}
	return true
}

// sameAt is how much of a text is like the first of a pattern, which is no *, and how long that is; 0 when they differ.
func sameAt(text, pattern string) (of, length int) {
	if text == "" || pattern == "" {
		return 0, 0
	}
	if pattern[0] == '?' {
		_, n := utf8.DecodeRuneInString(text)
		return n, 1
	}
	length = 1
	if pattern[0] == '\\' && len(pattern) > 1 && (pattern[1] == '*' || pattern[1] == '?' || pattern[1] == '\\') {
		pattern, length = pattern[1:], 2
	}
	if lower(text[0]) != lower(pattern[0]) {
		return 0, 0
	}
	return 1, length
}

func lower(b byte) byte {
	if 'A' <= b && b <= 'Z' {
		return b + 'a' - 'A'
	}
	return b
}
