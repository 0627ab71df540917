package userrules

import (
	"bytes"
	"errors"
	"reflect"
	"slices"
	"strconv"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"github.com/go-json-experiment/json/jsontext"

	"rotd/internal/events"
)

// maxRead is how many bytes of a record's JSON one answer may go over, each time counted: a document is scanned for
// what is asked of it, never built.
const maxRead = 4 << 20

// errTooMuch is that a rule read more than maxRead.
var errTooMuch = errors.New("it goes over more than 4 MiB of the record's JSON")

// value is a JSON value as CEL has it: an absent one is an empty object, so that what is asked of it is missing.
func (s *scene) value(raw events.RawJSON) ref.Val {
	if s.left -= len(raw); s.left < 0 {
		return types.WrapErr(errTooMuch)
	}
	if len(raw) == 0 {
		return &jsonObject{s: s}
	}
	switch raw[0] {
	case '{':
		return &jsonObject{raw: raw, s: s}
	case '[':
		var all []ref.Val
		for v := range raw.Elements() {
			all = append(all, s.value(v))
		}
		return &jsonList{Lister: types.NewRefValList(types.DefaultTypeAdapter, all), raw: raw, s: s}
	case '"':
		return types.String(raw.Text())
	case 't', 'f':
		return types.Bool(raw[0] == 't')
	case 'n':
		return types.NullValue
	}
	if n, ok := raw.Int(); ok {
		return types.Int(n)
	}
	f, err := strconv.ParseFloat(string(raw), 64)
	if err != nil {
		return types.WrapErr(err)
	}
	return types.Double(f)
}

// jsonList is a JSON list: one of CEL's that can be written again.
type jsonList struct {
	traits.Lister
	raw events.RawJSON
	s   *scene
}

// written is string(…) of a JSON object or list: its canonical form (RFC 8785), whatever the order and spaces of the
// record, so that two that say the same are one value to memory and fingerprints.
func written(v ref.Val) ref.Val {
	switch v := v.(type) {
	case *jsonObject:
		return v.s.canonical(v.raw)
	case *jsonList:
		return v.s.canonical(v.raw)
	}
	return types.NewErr("string(…) writes what the record has as JSON, and no other maps and lists")
}

func (s *scene) canonical(raw events.RawJSON) ref.Val {
	if s.left -= len(raw); s.left < 0 {
		return types.WrapErr(errTooMuch)
	}
	if len(raw) == 0 {
		return types.String("{}")
	}
	text := jsontext.Value(bytes.Clone(raw))
	if err := text.Canonicalize(jsontext.CanonicalizeRawInts(false), jsontext.AllowDuplicateNames(true),
		jsontext.AllowInvalidUTF8(true)); err != nil {
		return types.WrapErr(err)
	}
	return types.String(text)
}

// jsonObject is a JSON object: a CEL map whose members are found by scanning. Members that are null are not there. Its
// pointer is used, which CEL can look up among the values of a list.
type jsonObject struct {
	raw events.RawJSON
	s   *scene
}

// Find returns a member.
func (o *jsonObject) Find(key ref.Val) (ref.Val, bool) {
	name, ok := key.(types.String)
	if !ok {
		return nil, false
	}
	if o.s.left -= len(o.raw); o.s.left < 0 {
		return types.WrapErr(errTooMuch), false
	}
	member := o.raw.Get(string(name))
	if member == nil {
		return nil, false
	}
	return o.s.value(member), true
}

// Get returns a member or an error.
func (o *jsonObject) Get(key ref.Val) ref.Val {
	v, ok := o.Find(key)
	switch {
	case ok:
		return v
	case v != nil:
		return v
	}
	return types.NewErr("no such key: %v", key)
}

// Contains reports whether a member is there.
func (o *jsonObject) Contains(key ref.Val) ref.Val {
	v, ok := o.Find(key)
	if v != nil && types.IsError(v) {
		return v
	}
	return types.Bool(ok)
}

func (o *jsonObject) names() []string {
	o.s.left -= len(o.raw)
	var names []string
	for name := range o.raw.Members() {
		names = append(names, name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Iterator goes over the members' names.
func (o *jsonObject) Iterator() traits.Iterator {
	return types.NewStringList(types.DefaultTypeAdapter, o.names()).Iterator()
}

// Size is how many members there are.
func (o *jsonObject) Size() ref.Val { return types.Int(len(o.names())) }

// Equal reports whether the other is a map with equal members.
func (o *jsonObject) Equal(other ref.Val) ref.Val {
	m, ok := other.(traits.Mapper)
	if !ok || m.Size() != o.Size() {
		return types.False
	}
	for _, name := range o.names() {
		mine, _ := o.Find(types.String(name))
		theirs, found := m.Find(types.String(name))
		if !found || types.Equal(mine, theirs) != types.True {
			return types.False
		}
	}
	return types.True
}

// ConvertToNative is for what rotd does not do: handing values of expressions on as Go's.
func (o *jsonObject) ConvertToNative(reflect.Type) (any, error) { return nil, errUnfit }

// ConvertToType makes a map of a map alone.
func (o *jsonObject) ConvertToType(kind ref.Type) ref.Val {
	switch kind {
	case types.MapType:
		return o
	case types.TypeType:
		return types.MapType
	}
	return types.NewErr("a JSON object is no %s", kind.TypeName())
}

// Type is CEL's map.
func (o *jsonObject) Type() ref.Type { return types.MapType }

// Value is the object as it stands in the record.
func (o *jsonObject) Value() any { return o.raw }
