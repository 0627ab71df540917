package userrules

import (
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"rotd/internal/events"
)

// textFunctions declares string(JSON), texts(document, path) and like(text or texts, pattern or patterns).
func textFunctions() []cel.EnvOption {
	one, many := cel.StringType, cel.ListType(cel.StringType)
	like := func(id string, values, patterns *cel.Type) cel.FunctionOpt {
		return cel.Overload("like_"+id, []*cel.Type{values, patterns}, cel.BoolType, cel.LateFunctionBinding())
	}
	written := func(id string, kind *cel.Type) cel.FunctionOpt {
		return cel.Overload(id+"_to_string", []*cel.Type{kind}, cel.StringType, cel.UnaryBinding(written))
	}
	return []cel.EnvOption{
		cel.Function("string", written("json_object", cel.MapType(cel.StringType, cel.DynType)),
			written("json_list", cel.ListType(cel.DynType))),
		cel.Function("texts", cel.Overload("texts_dyn_string", []*cel.Type{cel.DynType, cel.StringType}, many,
			cel.BinaryBinding(texts))),
		cel.Function("like", like("string_string", one, one), like("string_list", one, many),
			like("list_string", many, one), like("list_list", many, many)),
	}
}

// texts is everything that a document of the record has at a path of members such as "a.b", as text: of a list what any
// element has there, of an object its JSON and all that is in it. What is missing, or null, is no text.
func texts(document, path ref.Val) ref.Val {
	o, ok := document.(*jsonObject)
	if !ok {
		return types.WrapErr(errUnfit)
	}
	var members []string
	if path := string(path.(types.String)); path != "" {
		members = strings.Split(path, ".")
	}
	g := gathering{left: &o.s.left}
	g.at(o.raw, members)
	if *g.left < 0 {
		return types.WrapErr(errTooMuch)
	}
	return types.NewStringList(types.DefaultTypeAdapter, g.found)
}

// gathering is texts being found.
type gathering struct {
	left  *int // of maxRead
	found []string
}

// at finds what is at the path below a value.
func (g *gathering) at(raw events.RawJSON, path []string) {
	if *g.left -= len(raw); *g.left < 0 || len(raw) == 0 {
		return
	}
	switch {
	case raw[0] == '[':
		for v := range raw.Elements() {
			g.at(v, path)
		}
	case raw[0] == '{' && len(path) > 0:
		g.at(raw.Get(path[0]), path[1:])
	case raw[0] == '{':
		g.found = append(g.found, string(raw))
		for _, v := range raw.Members() {
			g.at(v, nil)
		}
	case len(path) > 0 || raw[0] == 'n':
	case raw[0] == '"':
		g.found = append(g.found, raw.Text())
	default:
		g.found = append(g.found, string(raw))
	}
}
