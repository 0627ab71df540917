package impact

import (
	"cmp"
	"slices"

	"rotd/internal/inventory"
	"rotd/internal/usage"
)

// Held is one resource that is known to be under the key, by calls that named it or by grants that are for it alone.
type Held struct {
	usage.Item
	Grants   []string `json:"grants,omitempty"` // ids
	Commands []string `json:"commands"`         // in order, to be run one by one; words in capitals are to be filled in
}

// row is where the service of a resource stands in the table.
func (h *Held) row() int { return owners[h.Name].row }

// holdings is what is known to be under the key.
func holdings(f *Facts) []Held {
	var all []Held
	at := make(map[string]int)
	add := func(item usage.Item) *Held {
		resource := usage.Resource(item.Name, item.Value)
		i, ok := at[resource]
		if !ok {
			i, at[resource] = len(all), len(all)
			all = append(all, Held{Item: item, Commands: []string{}})
		}
		return &all[i]
	}
	for _, item := range f.Record.Held.Contents(f.Name).Items {
		if _, ok := owners[item.Name]; ok { // else a newer rotd knew it
			add(item)
		}
	}
	if f.Key.Grants != nil {
		for i := range f.Key.Grants.List {
			g := &f.Key.Grants.List[i]
			if name, value, vouched := about(g); name != "" {
				h := add(usage.Item{Name: name, Value: value})
				h.Grants, h.Vouched = append(h.Grants, g.ID), h.Vouched || vouched
			}
		}
	}
	slices.SortFunc(all, func(a, b Held) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Value, b.Value))
	})
	return all
}

// about is the resource that a grant is for, "" where it is for none that is known, or for any. A service vouches for
// what the grants to itself are for.
func about(g *inventory.Grant) (name, value string, vouched bool) {
	var i Identifier
	for _, constraint := range []map[string]string{g.ContextEquals, g.ContextSubset} {
		for name, value := range constraint {
			i.Add(name, value)
		}
	}
	_, vouched = i.Resource(servicePrincipal(g.Grantee))
	return i.name, i.value, vouched
}
