package policy

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"rotd/internal/inventory"
)

// matchField is one field of a Match.
type matchField struct {
	name string                              // in rotd.yaml
	set  func(*Match) bool                   // it says something
	fits func(*Match, *inventory.Key) bool   // any of its values matches the key
	has  func(*Match, *inventory.Key) string // what the key has there, for people
	want func(*Match) string                 // its values
}

// matchFields are a Match's fields in rotd.yaml's order.
var matchFields = [...]matchField{
	{
		name: "aliases",
		set:  func(m *Match) bool { return len(m.Aliases) > 0 },
		fits: func(m *Match, k *inventory.Key) bool {
			return slices.ContainsFunc(k.Aliases, func(alias string) bool { return matchesAny(m.Aliases, alias) })
		},
		has:  func(_ *Match, k *inventory.Key) string { return orNone(strings.Join(k.Aliases, ", ")) },
		want: func(m *Match) string { return strings.Join(m.Aliases, ", ") },
	},
	{
		name: "tags",
		set:  func(m *Match) bool { return len(m.Tags) > 0 },
		fits: fitsTags,
		has:  hasTags,
		want: func(m *Match) string { return pairs(m.Tags) },
	},
	word("specs", func(m *Match) []string { return m.Specs }, func(k *inventory.Key) string { return k.Spec }),
	word("usages", func(m *Match) []string { return m.Usages }, func(k *inventory.Key) string { return k.Usage }),
	word("origins", func(m *Match) []string { return m.Origins }, func(k *inventory.Key) string { return k.Origin }),
	word("accounts", func(m *Match) []string { return m.Accounts }, func(k *inventory.Key) string { return k.Account }),
	word("regions", func(m *Match) []string { return m.Regions }, func(k *inventory.Key) string { return k.Region }),
	{
		name: "org_paths",
		set:  func(m *Match) bool { return len(m.OrgPaths) > 0 },
		fits: func(m *Match, k *inventory.Key) bool { return k.OrgPath != "" && matchesAny(m.OrgPaths, k.OrgPath) },
		has:  func(_ *Match, k *inventory.Key) string { return orNone(k.OrgPath) },
		want: func(m *Match) string { return strings.Join(m.OrgPaths, ", ") },
	},
}

// word is a field whose values are compared as they are.
func word(name string, values func(*Match) []string, has func(*inventory.Key) string) matchField {
	return matchField{
		name: name,
		set:  func(m *Match) bool { return len(values(m)) > 0 },
		fits: func(m *Match, k *inventory.Key) bool { return slices.Contains(values(m), has(k)) },
		has:  func(_ *Match, k *inventory.Key) string { return orNone(has(k)) },
		want: func(m *Match) string { return strings.Join(values(m), ", ") },
	}
}

func fitsTags(m *Match, k *inventory.Key) bool {
	for name, pattern := range m.Tags {
		if value, tagged := k.Tags[name]; tagged && Glob(pattern, value) {
			return true
		}
	}
	return false
}

// hasTags shows the tags that the match asks for, as the key has them.
func hasTags(m *Match, k *inventory.Key) string {
	asked := make(map[string]string, len(m.Tags))
	for name := range m.Tags {
		if value, tagged := k.Tags[name]; tagged {
			asked[name] = value
		}
	}
	return orNone(pairs(asked))
}

// Miss says why a policy is not a key's.
type Miss struct {
	Field string `json:"field"` // the first that stood in the way: tags, or exclude.tags
	Want  string `json:"want"`  // what the policy says there
	Has   string `json:"has"`   // what the key has there
}

// Miss returns why the match is not for the key; ok is false when it is.
func (m *Match) Miss(k *inventory.Key) (miss Miss, ok bool) {
	prefix, of, name := "", m, m.unmet(k)
	if name == "" {
		prefix, of, name = "exclude.", m.Exclude, m.Exclude.hit(k)
	}
	for _, field := range matchFields {
		if field.name == name {
			return Miss{Field: prefix + name, Want: field.want(of), Has: field.has(of, k)}, true
		}
	}
	return Miss{}, false
}

// Everything reports whether the match is for every key.
func (m *Match) Everything() bool {
	said := func(of *Match) bool {
		return slices.ContainsFunc(matchFields[:], func(field matchField) bool { return field.set(of) })
	}
	return !said(m) && (m.Exclude == nil || !said(m.Exclude))
}

func pairs(tags map[string]string) string {
	var texts []string
	for _, name := range slices.Sorted(maps.Keys(tags)) {
		texts = append(texts, fmt.Sprintf("%s=%s", name, tags[name]))
	}
	return strings.Join(texts, ", ")
}

func orNone(text string) string {
	if text == "" {
		return "none"
	}
	return text
}
