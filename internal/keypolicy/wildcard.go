package keypolicy

import "strings"

// match reports whether pattern, with * for any run of characters and ? for any one, matches the whole of s. Its cost
// is bounded by len(pattern) + len(s)², whatever the pattern: one that needs more characters than s has is turned down
// first, so that a hostile pattern buys no more work than its own length.
func match(pattern, s string) bool {
	if len(pattern)-strings.Count(pattern, "*") > len(s) {
		return false
	}
	p, i := 0, 0
	star, mark := -1, 0 // the last * seen, and where in s its run ends for now
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, i
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == s[i]):
			p++
			i++
		case star >= 0:
			mark++
			p, i = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

func hasWildcard(s string) bool { return strings.ContainsAny(s, "*?") }
