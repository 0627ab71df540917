package policy

// Glob reports whether a pattern fits the whole of s: `*` stands for any number of bytes, slashes and colons included,
// `?` for exactly one, everything else for itself, case included. It allocates nothing and needs at most
// len(pattern) × len(s) steps, whatever the pattern.
func Glob(pattern, s string) bool {
	var p, i int
	star, resume := -1, 0 // the last `*` seen, and where in s its match would have to be extended to
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, resume = p, i
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == s[i]):
			p++
			i++
		case star >= 0:
			resume++
			p, i = star+1, resume
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}
