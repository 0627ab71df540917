package userrules

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/interpreter"

	"rotd/internal/detection"
	"rotd/internal/events"
	"rotd/internal/inventory"
	"rotd/internal/policy"
)

// rule is a compiled rule. It keeps nothing between events.
type rule struct {
	id          string
	when        cel.Program
	message     []piece
	fingerprint []cel.Program
	place       bool
	response    []string
	// What stands for a key and a policy that are not known; nobody writes to them.
	noKey    *inventory.Key
	noPolicy *policy.Policy
}

// judge asks the rule about an event. An expression that asks for something the event does not have does not match.
func (r *rule) judge(c *detection.Context, ev *events.Event) ([]detection.Found, error) {
	s := newScene(r, c, ev)
	v, err := s.ask(r.when)
	if err != nil || v != types.True {
		return nil, err
	}
	found := c.About(ev)
	if r.place {
		found.Subject = detection.PlaceOf(ev)
	}
	found.Remedy = r.response
	if found.Description, err = s.said(r.message); err != nil {
		return nil, err
	}
	if found.Discriminator, err = s.discriminator(r.fingerprint); err != nil {
		return nil, err
	}
	return []detection.Found{found}, nil
}

// ask evaluates an expression; nil when the event lacks what it asks for.
func (s *scene) ask(program cel.Program) (ref.Val, error) {
	v, _, err := program.Eval(s)
	switch cancelled := (interpreter.EvalCancelledError{}); {
	case s.left < 0:
		return nil, errTooMuch
	case err == nil:
		return v, nil
	case missing(err):
		return nil, nil //nolint:nilnil // what is missing is an answer of its own
	case errors.As(err, &cancelled):
		return nil, fmt.Errorf("it costs more than %d steps on this event", maxCost)
	}
	return nil, fmt.Errorf("evaluate: %w%s", err, hint(err))
}

// hint says what CEL's most frequent words mean.
func hint(err error) string {
	if strings.HasPrefix(err.Error(), "no such overload") {
		return ": a value is of another kind than the expression wants"
	}
	return ""
}

// missing reports whether an expression failed because a member or element is not there.
func missing(err error) bool {
	text := err.Error()
	return strings.HasPrefix(text, "no such key") || strings.HasPrefix(text, "index out of bounds")
}

// said is a message about the event.
func (s *scene) said(pieces []piece) (string, error) {
	var b strings.Builder
	for _, p := range pieces {
		b.WriteString(p.words)
		if p.program == nil {
			continue
		}
		v, err := s.ask(p.program)
		if err != nil {
			return "", err
		}
		b.WriteString(said(v))
	}
	return b.String(), nil
}

// discriminator is what tells findings of the rule about one subject apart. Texts are quoted, so that no two lists of
// them are alike.
func (s *scene) discriminator(programs []cel.Program) (string, error) {
	var parts []string
	for _, p := range programs {
		v, err := s.ask(p)
		if err != nil {
			return "", err
		}
		text, _ := v.(types.String)
		parts = append(parts, strconv.Quote(string(text)))
	}
	return strings.Join(parts, ","), nil
}
