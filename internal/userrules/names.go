package userrules

import (
	"maps"
	"slices"
)

// fieldNames are the fields of all objects, for suggestions.
func fieldNames() []string {
	var all []string
	for _, object := range objects() {
		all = append(all, names(object)...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func names(all fields) []string { return slices.Sorted(maps.Keys(all)) }
