package userrules

import (
	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
)

// Kind is what a field of an event is to an expression.
type Kind int

// Kinds of fields.
const (
	Text      Kind = iota // string
	Truth                 // bool
	Moment                // timestamp
	Document              // JSON without a fixed shape: texts(document, "path")
	Resources             // a text of each element of event.resources
)

// EventFields are the fields of an event by their path in CloudTrail's records, such as userIdentity.type.
func EventFields() map[string]Kind {
	all := map[string]Kind{}
	addFields(all, "", typeEvent, objects())
	return all
}

func addFields(to map[string]Kind, prefix, object string, known map[string]fields) {
	for name, field := range known[object] {
		path := prefix + name
		switch t := field.Type; {
		case object == typeResource:
			to[path] = Resources
		case t.IsExactType(cel.StringType):
			to[path] = Text
		case t.IsExactType(cel.BoolType):
			to[path] = Truth
		case t.IsExactType(cel.TimestampType):
			to[path] = Moment
		case t.IsExactType(cel.DynType):
			to[path] = Document
		case t.Kind() == types.ListKind:
			addFields(to, path+".", typeResource, known)
		default:
			addFields(to, path+".", t.TypeName(), known)
		}
	}
}
