package userrules

import (
	"fmt"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"rotd/internal/detection"
	"rotd/internal/span"
)

// Bounds of a window of event time.
const (
	leastWindow = time.Second
	mostWindow  = 30 * span.Day
)

// windowAt is which argument of a memory function is its window.
func windowAt(function string) (argument int, ok bool) {
	switch function {
	case "count":
		return 0, true
	case "distinct", "first_seen":
		return 1, true
	}
	return 0, false
}

// memoryFunctions declares count(window[, by]), distinct(value, window[, by]) and first_seen(value, window[, by]).
func memoryFunctions() cel.EnvOption {
	const word = "string"
	texts := func(n int) []*cel.Type {
		all := make([]*cel.Type, n)
		for i := range all {
			all[i] = cel.StringType
		}
		return all
	}
	declare := func(name string, arguments int, result *cel.Type) cel.EnvOption {
		var overloads []cel.FunctionOpt
		for n := arguments; n <= arguments+1; n++ {
			id := fmt.Sprintf("%s_%d_%s", name, n, word)
			overloads = append(overloads, cel.Overload(id, texts(n), result, cel.LateFunctionBinding()))
		}
		return cel.Function(name, overloads...)
	}
	return func(env *cel.Env) (*cel.Env, error) {
		for _, option := range []cel.EnvOption{
			declare("count", 1, cel.IntType), declare("distinct", 2, cel.IntType), declare("first_seen", 2, cel.BoolType),
		} {
			var err error
			if env, err = option(env); err != nil {
				return nil, fmt.Errorf("declare a memory function: %w", err)
			}
		}
		return env, nil
	}
}

// answer is what a memory function said of this event. It says the same when it is asked again, as from a message.
type answer struct {
	name  string
	value ref.Val
}

// once returns what was answered under the name, or answers now.
func (s *scene) once(name string, ask func() ref.Val) ref.Val {
	for _, a := range s.remembered {
		if a.name == name {
			return a.value
		}
	}
	value := ask()
	s.remembered = append(s.remembered, answer{name: name, value: value})
	return value
}

// name is what the rule's memory keeps something under: no two windows share one.
func (s *scene) name(function string, window time.Duration, more ...ref.Val) string {
	name := fmt.Appendf(nil, "%s\x00%d", function, window/time.Second)
	for _, v := range more {
		text := string(v.(types.String))
		name = fmt.Appendf(name, "\x00%d:%s", len(text), text)
	}
	return string(name)
}

// window reads a window, which the check at load has seen to be one.
func window(v ref.Val) time.Duration {
	d, err := span.Parse(string(v.(types.String)))
	if err != nil {
		return leastWindow
	}
	return d
}

// memory is the rule's own: no two rules share one.
func (s *scene) memory() detection.Memory { return s.c.Room(s.rule.id) }

// count is how many events that came this far the fullest window has that holds this event.
func (s *scene) count(_ string, args ...ref.Val) ref.Val {
	w := window(args[0])
	name := s.name("count", w, args[1:]...)
	return s.once(name, func() ref.Val {
		return types.Int(s.memory().Count(name, detection.FirstTold(s.ev), s.ev.EventTime, w))
	})
}

// distinct is how many different values the fullest window has that holds this event.
func (s *scene) distinct(_ string, args ...ref.Val) ref.Val {
	w, value := window(args[1]), string(args[0].(types.String))
	name := s.name("distinct", w, args[2:]...)
	return s.once(name+"\x00"+value, func() ref.Val {
		return types.Int(s.memory().Count(name, value, s.ev.EventTime, w))
	})
}

// firstSeen reports whether the value was not seen for a window's length before this event. A value that comes often is
// noted again only when a share of the window has passed, so that ordinary events write nothing; for as long it may
// count as seen after the window's end.
func (s *scene) firstSeen(_ string, args ...ref.Val) ref.Val {
	w := window(args[1])
	name := s.name("first_seen", w, append([]ref.Val{args[0]}, args[2:]...)...)
	return s.once(name, func() ref.Val {
		const layout = time.RFC3339
		memory, at := s.memory(), s.ev.EventTime
		noted := memory.Noted(name, at)
		last, err := time.Parse(layout, noted)
		slack := min(w/16, time.Hour)
		if err != nil || at.Sub(last) >= max(slack, time.Second) {
			memory.Note(name, at.UTC().Format(layout), at, w+slack)
		}
		return types.Bool(noted == "")
	})
}
