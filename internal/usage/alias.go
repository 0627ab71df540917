package usage

import (
	"cmp"
	"encoding/binary"
	"slices"
)

// MaxAliases is how many pairs of a principal and an alias are kept of a key: those used last.
const MaxAliases = 200

// Naming says that a principal named the key by an alias: it stops when the alias goes.
type Naming struct{ Principal, Alias, Last uint32 } // two ids, and the hour

func (n Naming) compare(other Naming) int {
	return cmp.Or(compare(n.Principal, other.Principal), compare(n.Alias, other.Alias))
}

func (r *Record) nameBy(principal, alias, hour uint32) {
	one := Naming{principal, alias, hour}
	i, ok := slices.BinarySearchFunc(r.Aliases, one, Naming.compare)
	if !ok {
		r.Aliases = slices.Insert(r.Aliases, i, one)
	}
	r.Aliases[i].Last = max(r.Aliases[i].Last, hour)
}

func (r *Record) boundAliases(oldestDay uint32) {
	r.Aliases = slices.DeleteFunc(r.Aliases, func(n Naming) bool { return DayOf(n.Last) < oldestDay })
	if len(r.Aliases) > MaxAliases {
		slices.SortFunc(r.Aliases, func(a, b Naming) int { return cmp.Or(compare(b.Last, a.Last), a.compare(b)) })
		r.Aliases = r.Aliases[:MaxAliases]
		slices.SortFunc(r.Aliases, Naming.compare)
	}
}

func (r *Record) appendAliases(b []byte, newest uint32) []byte {
	b = binary.AppendUvarint(b, uint64(len(r.Aliases)))
	for _, n := range r.Aliases {
		b = binary.AppendUvarint(b, uint64(n.Principal))
		b = binary.AppendUvarint(b, uint64(n.Alias))
		b = binary.AppendUvarint(b, uint64(newest-n.Last))
	}
	return b
}

func (r *reader) aliases(newest uint32) (all []Naming) {
	for range r.Count(MaxAliases) {
		n := Naming{Principal: r.Number(), Alias: r.Number()}
		n.Last = newest - uint32(r.Uvarint(uint64(newest))) //nolint:gosec // bounded
		if len(all) > 0 && all[len(all)-1].compare(n) >= 0 {
			r.Fail()
		}
		if r.Err() != nil {
			return nil
		}
		all = append(all, n)
	}
	return all
}

// aliases fills in who named the key by an alias. What found no room is named others.
func (s *summary) aliases(u *Usage, r *Record) {
	u.Aliases, u.MoreAliases = []ByAlias{}, len(r.Aliases) == MaxAliases
	for _, n := range r.Aliases {
		if n.Last >= s.hour {
			u.Aliases = append(u.Aliases, ByAlias{
				s.nameOf(uint64(n.Alias)), s.nameOf(uint64(n.Principal)), hourTime(n.Last),
			})
		}
	}
	slices.SortFunc(u.Aliases, func(a, b ByAlias) int {
		return cmp.Or(cmp.Compare(a.Alias, b.Alias), b.LastHour.Compare(a.LastHour), cmp.Compare(a.Principal, b.Principal))
	})
}

// WithoutAlias are the principals with calls in the window that did not name the key by an alias, most calls first.
// They named its id or ARN, or none, as whoever decrypts may. Where not everybody's aliases found room it is nobody.
func (u *Usage) WithoutAlias() (principals []string) {
	if u.MoreAliases {
		return nil
	}
	for i := range u.Principals {
		arn := u.Principals[i].ARN
		if !slices.ContainsFunc(u.Aliases, func(a ByAlias) bool { return a.Principal == arn }) {
			principals = append(principals, arn)
		}
	}
	return principals
}
