package history

import (
	"maps"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"rotd/internal/inventory"
)

// fact is one fact of a key whose changes are kept whole.
type fact struct {
	kind Kind
	when func(*inventory.Key) window
	same func(a, b *inventory.Key) bool
	get  func(*inventory.Key) jsontext.Value
	set  func(*inventory.Key, jsontext.Value) error
}

// window is when a fact was read: not before began, not after ended (zero: not known).
type window struct{ began, ended time.Time }

// facts is the table of what is followed. Rotations and grants, of which only the differences are kept, are in sets.go.
func facts() []fact {
	return []fact{
		scalar(State, described, func(k *inventory.Key) *string { return &k.State }),
		scalar(Description, described, func(k *inventory.Key) *string { return &k.Description }),
		instant(Deletion, func(k *inventory.Key) **time.Time { return &k.DeletionDate }),
		instant(ValidTo, func(k *inventory.Key) **time.Time { return &k.ValidTo }),
		scalar(Material, described, func(k *inventory.Key) *string { return &k.CurrentMaterial }),
		regions(),
		orgPath(),
		list(Aliases, aliased, func(k *inventory.Key) *[]string { return &k.Aliases }),
		tags(),
		scalar(Policy, whole, func(k *inventory.Key) *string { return &k.Policy }),
		list(Denied, asked, func(k *inventory.Key) *[]string { return &k.Denied }),
		schedule(),
		instant(Gone, func(k *inventory.Key) **time.Time { return &k.GoneAt }),
	}
}

func described(k *inventory.Key) window { return window{began: k.ReadAt} }
func asked(k *inventory.Key) window     { return window{began: k.AskedAt()} }
func whole(k *inventory.Key) window     { return window{began: k.FullAt, ended: k.WholeUntil()} }

// aliased is when a key's aliases were listed; sweeps list them all before they read the first key.
func aliased(k *inventory.Key) window {
	if k.AliasesAt.IsZero() {
		return whole(k)
	}
	return window{began: k.AliasesAt, ended: k.AliasesAt}
}

// of makes a fact of the field that at points to.
func of[T any](kind Kind, when func(*inventory.Key) window, same func(a, b T) bool, at func(*inventory.Key) *T) fact {
	return fact{
		kind: kind, when: when,
		same: func(a, b *inventory.Key) bool { return same(*at(a), *at(b)) },
		get:  func(k *inventory.Key) jsontext.Value { return encode(*at(k)) },
		set: func(k *inventory.Key, v jsontext.Value) error {
			var value T
			err := decode(v, &value)
			*at(k) = value
			return err
		},
	}
}

func scalar(kind Kind, when func(*inventory.Key) window, at func(*inventory.Key) *string) fact {
	return of(kind, when, func(a, b string) bool { return a == b }, at)
}

// orgPath is not told when it becomes known, for every key at once.
func orgPath() fact {
	return of(OrgPath, described, func(before, after string) bool { return before == "" || before == after },
		func(k *inventory.Key) *string { return &k.OrgPath })
}

func list(kind Kind, when func(*inventory.Key) window, at func(*inventory.Key) *[]string) fact {
	return of(kind, when, slices.Equal, at)
}

func instant(kind Kind, at func(*inventory.Key) **time.Time) fact {
	return of(kind, described, sameInstant, at)
}

func sameInstant(a, b *time.Time) bool {
	return a == b || a != nil && b != nil && a.Equal(*b)
}

func tags() fact {
	return of(Tags, whole, maps.Equal, func(k *inventory.Key) *map[string]string { return &k.Tags })
}

// Regions are a multi-Region key's relations.
type Regions struct {
	Role     string   `json:"role"` // PRIMARY, REPLICA; empty: a single-Region key
	Primary  string   `json:"primary_arn,omitempty"`
	Replicas []string `json:"replica_arns,omitempty"`
}

func regions() fact {
	get := func(k *inventory.Key) Regions { return Regions{k.MultiRegion, k.PrimaryARN, k.ReplicaARNs} }
	return fact{
		kind: MultiRegion, when: described,
		same: func(a, b *inventory.Key) bool {
			return a.MultiRegion == b.MultiRegion && a.PrimaryARN == b.PrimaryARN &&
				slices.Equal(a.ReplicaARNs, b.ReplicaARNs)
		},
		get: func(k *inventory.Key) jsontext.Value { return encode(get(k)) },
		set: func(k *inventory.Key, v jsontext.Value) error {
			var r Regions
			err := decode(v, &r)
			k.MultiRegion, k.PrimaryARN, k.ReplicaARNs = r.Role, r.Primary, r.Replicas
			return err
		},
	}
}

// Automatic is a key's automatic rotation. No value: the key has none.
type Automatic struct {
	Enabled    bool `json:"enabled"`
	PeriodDays int  `json:"period_days,omitzero"`
	Unknown    bool `json:"unknown,omitzero"` // KMS refused to tell
}

func automatic(k *inventory.Key) Automatic {
	if k.Rotation == nil {
		return Automatic{Unknown: k.WasDenied("GetKeyRotationStatus")}
	}
	return Automatic{Enabled: k.Rotation.Enabled, PeriodDays: k.Rotation.PeriodDays}
}

func schedule() fact {
	return fact{
		kind: Schedule, when: described,
		same: func(a, b *inventory.Key) bool {
			return (a.Rotation == nil) == (b.Rotation == nil) && automatic(a) == automatic(b)
		},
		get: func(k *inventory.Key) jsontext.Value {
			if a := automatic(k); k.Rotation != nil || a.Unknown {
				return encode(a)
			}
			return nil
		},
		set: func(k *inventory.Key, v jsontext.Value) error {
			var a *Automatic
			if err := decode(v, &a); err != nil || a == nil || a.Unknown {
				k.Rotation = nil
				return err
			}
			k.Rotation = &inventory.Rotation{Enabled: a.Enabled, PeriodDays: a.PeriodDays}
			return nil
		},
	}
}

// encode writes a value as JSON; an empty one is no value. Of the types that are written here none can fail.
func encode(value any) jsontext.Value {
	raw, err := json.Marshal(value, json.Deterministic(true), jsontext.AllowInvalidUTF8(true))
	if err != nil {
		return nil
	}
	switch string(raw) {
	case `null`, `""`, `[]`, `{}`:
		return nil
	}
	return raw
}

func decode(raw jsontext.Value, into any) error {
	if len(raw) == 0 {
		return nil
	}
	return json.Unmarshal(raw, into)
}
