package userrules

import (
	"errors"
	"fmt"
	"net/netip"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/ext"

	"rotd/internal/events"
)

// MaxText bounds an expression and a message, in bytes.
const MaxText = 4 << 10

// Bounds of an expression. One of this many nodes costs milliseconds to compile.
const (
	maxNesting = 64
	maxNodes   = 1000
	maxRegex   = 1000 // instructions of a compiled pattern
)

// errUnfit is that a value is asked for what it is not; the type check lets only dyn(…) come to that.
var errUnfit = errors.New("an object of rotd is used as something else")

// Language is CEL with what rotd's rules may name. Safe for concurrent use.
type Language struct{ env *cel.Env }

// NewLanguage makes it. It takes some milliseconds: one is enough for all rules.
func NewLanguage() (*Language, error) {
	registry, err := types.NewRegistry()
	if err != nil {
		return nil, fmt.Errorf("set up CEL: %w", err)
	}
	options := []cel.EnvOption{
		cel.CustomTypeProvider(provider{Registry: registry, objects: objects()}),
		cel.CustomTypeAdapter(adapter{}),
		cel.Variable("event", cel.ObjectType(typeEvent)),
		cel.Variable("key", cel.ObjectType(typeKey)),
		cel.Variable("policy", cel.ObjectType(typePolicy)),
		cel.Variable("principal", cel.StringType),
		cel.Variable("session", cel.StringType),
		cel.Variable("own", cel.BoolType),
		cel.CrossTypeNumericComparisons(true),
		cel.OptionalTypes(),
		ext.Strings(ext.StringsVersion(5)),
		cel.ParserExpressionSizeLimit(MaxText),
		cel.ParserRecursionLimit(maxNesting),
		cel.ExpressionNodeLimit(maxNodes),
		cel.RegexProgramSizeLimit(maxRegex),
		memoryFunctions(),
		cel.Function("trusted", cel.Overload("trusted_string", []*cel.Type{cel.StringType}, cel.BoolType,
			cel.LateFunctionBinding())),
		cel.Function("cidr", cel.Overload("cidr_string_string", []*cel.Type{cel.StringType, cel.StringType}, cel.BoolType,
			cel.BinaryBinding(within))),
	}
	env, err := cel.NewEnv(append(options, textFunctions()...)...)
	if err != nil {
		return nil, fmt.Errorf("set up CEL: %w", err)
	}
	return &Language{env: env}, nil
}

// within reports whether an address is in a network. What is no address, such as a service's name, is in none.
func within(address, network ref.Val) ref.Val {
	prefix, err := netip.ParsePrefix(string(network.(types.String)))
	if err != nil {
		return types.NewErr("%q is no network", network)
	}
	ip, err := netip.ParseAddr(string(address.(types.String)))
	return types.Bool(err == nil && prefix.Contains(ip.Unmap()))
}

// provider knows the objects of rules beside CEL's own types.
type provider struct {
	*types.Registry
	objects map[string]fields
}

// FindStructType returns the type of one of rotd's objects, or of CEL's.
func (p provider) FindStructType(name string) (*types.Type, bool) {
	if _, ok := p.objects[name]; ok {
		return types.NewTypeTypeWithParam(types.NewObjectType(name)), true
	}
	return p.Registry.FindStructType(name)
}

// FindStructFieldNames returns the fields of an object.
func (p provider) FindStructFieldNames(name string) ([]string, bool) {
	all, ok := p.objects[name]
	if !ok {
		return p.Registry.FindStructFieldNames(name)
	}
	return names(all), true
}

// FindStructFieldType returns a field of an object.
func (p provider) FindStructFieldType(object, field string) (*types.FieldType, bool) {
	if all, ok := p.objects[object]; ok {
		found, ok := all[field]
		return found, ok
	}
	return p.Registry.FindStructFieldType(object, field)
}

// NewValue makes none of rotd's objects: rules are given them.
func (p provider) NewValue(object string, values map[string]ref.Val) ref.Val {
	if _, ok := p.objects[object]; ok {
		return types.WrapErr(errUnfit)
	}
	return p.Registry.NewValue(object, values)
}

// adapter makes CEL's values of those that fields return.
type adapter struct{}

// NativeToValue wraps rotd's objects and leaves the rest to CEL.
func (adapter) NativeToValue(value any) ref.Val {
	switch v := value.(type) {
	case *scene:
		return object{value: v}
	case *events.Resource:
		return object{value: v}
	case []*events.Resource:
		return types.NewDynamicList(adapter{}, v)
	case []string:
		return types.NewStringList(types.DefaultTypeAdapter, v)
	}
	return types.DefaultTypeAdapter.NativeToValue(value)
}
