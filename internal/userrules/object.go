package userrules

import (
	"reflect"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// object is one of rotd's objects where CEL needs a value of its own, such as an element of event.resources. Its fields
// are read through the provider.
type object struct{ value any }

// ConvertToNative is for what rotd does not do: handing values of expressions on as Go's.
func (o object) ConvertToNative(reflect.Type) (any, error) { return nil, errUnfit }

// ConvertToType knows no other type for it.
func (o object) ConvertToType(ref.Type) ref.Val { return types.WrapErr(errUnfit) }

// Equal reports whether it is the very same.
func (o object) Equal(other ref.Val) ref.Val { return types.Bool(o.value == other.Value()) }

// Type is an object's.
func (o object) Type() ref.Type { return types.NewObjectType("rotd.Object") }

// Value is what the fields are read off.
func (o object) Value() any { return o.value }
