package userrules

import (
	"cel.dev/cel-go/common/functions"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/interpreter"

	"rotd/internal/detection"
	"rotd/internal/events"
)

// scene is one event before one rule: what the rule's expressions see. It answers names when they are asked for.
type scene struct {
	rule       *rule
	c          *detection.Context
	ev         *events.Event
	looked     facts
	left       int // of maxRead
	remembered []answer
}

func newScene(r *rule, c *detection.Context, ev *events.Event) *scene {
	return &scene{rule: r, c: c, ev: ev, left: maxRead}
}

// ResolveName returns a variable.
func (s *scene) ResolveName(name string) (any, bool) {
	switch name {
	case "event", "key", "policy":
		return s, true
	case "principal":
		return types.String(s.ev.UserIdentity.PrincipalARN()), true
	case "session":
		return types.String(s.ev.UserIdentity.SessionName()), true
	case "own":
		return types.Bool(s.c.Own), true
	}
	return nil, false
}

// Parent is none.
func (s *scene) Parent() interpreter.Activation { return nil }

// ResolveFunction returns a function that needs more than its arguments.
func (s *scene) ResolveFunction(name string) (functions.LateBoundOp, bool) {
	switch name {
	case "count":
		return s.count, true
	case "distinct":
		return s.distinct, true
	case "first_seen":
		return s.firstSeen, true
	case "trusted":
		return s.trusted, true
	case "like":
		return s.like, true
	}
	return nil, false
}

// trusted reports whether an account is one of rotd's own or a trusted one.
func (s *scene) trusted(_ string, args ...ref.Val) ref.Val {
	return types.Bool(s.c.Trusted != nil && s.c.Trusted(string(args[0].(types.String))))
}
