package compact

// Pair is a hash of two texts, FNV-1a: the same in every run, since sets of what earlier runs saw are united with those
// of later ones.
func Pair(name, value string) uint64 {
	const prime = 1099511628211
	h := uint64(14695981039346656037)
	for i := range len(name) {
		h = (h ^ uint64(name[i])) * prime
	}
	h = (h ^ 0x1f) * prime
	for i := range len(value) {
		h = (h ^ uint64(value[i])) * prime
	}
	return Spread(h)
}

// Spread spreads every bit of a hash, or of a sum of some, over the whole word.
func Spread(h uint64) uint64 {
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}
