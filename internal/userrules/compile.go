package userrules

import (
	"fmt"
	"regexp"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"

	"rotd/internal/suggest"
)

// compiler compiles the expressions of one draft and keeps what is wrong with them.
type compiler struct {
	language  *Language
	problems  []Problem
	remembers bool // one of them asks the memory
}

// place is where an expression begins: a part of the draft, and a position in its text, from 1.
type place struct {
	part         string
	line, column int
}

func (c *compiler) fail(at place, line, column int, format string, args ...any) {
	if line <= 1 {
		column += at.column - 1
	}
	c.problems = append(c.problems, Problem{
		Part: at.part, Line: at.line + max(line, 1) - 1, Column: max(column, 1), Message: fmt.Sprintf(format, args...),
	})
}

// condition compiles what has to be true.
func (c *compiler) condition(part, text string) cel.Program {
	return c.program(place{part, 1, 1}, text, "true or false, such as event.eventName == \"Decrypt\"", cel.BoolType)
}

// text compiles what has to be a text.
func (c *compiler) text(part, text string) cel.Program {
	return c.program(place{part, 1, 1}, text, "a text, such as event.awsRegion", cel.StringType)
}

// program compiles an expression, which has to be of one of the types; nil when there are problems.
func (c *compiler) program(at place, text, want string, allowed ...*cel.Type) cel.Program {
	checked, issues := c.language.env.Compile(text)
	if issues.Err() != nil {
		for _, e := range issues.Errors() {
			c.fail(at, e.Location.Line(), e.Location.Column()+1, "%s", explained(e.Message))
		}
		return nil
	}
	before := len(c.problems)
	if !isOneOf(checked.OutputType(), allowed) {
		c.fail(at, 1, 1, "want %s, not %s%s", want, ofCEL(checked.OutputType().String()), dynHint(checked.OutputType()))
	}
	c.literals(at, checked)
	if len(c.problems) > before {
		return nil
	}
	options := []cel.ProgramOption{cel.EvalOptions(cel.OptOptimize)}
	if c.cost(at, checked) {
		options = append(options, cel.CostLimit(maxCost), cel.CostTracking(usualSizes()))
	}
	if len(c.problems) > before {
		return nil
	}
	program, err := c.language.env.Program(checked, options...)
	if err != nil {
		c.fail(at, 1, 1, "cannot be used: %v", err)
		return nil
	}
	return program
}

func isOneOf(t *cel.Type, allowed []*cel.Type) bool {
	for _, a := range allowed {
		if a.IsExactType(t) {
			return true
		}
	}
	return false
}

func dynHint(t *cel.Type) string {
	if t.IsExactType(types.DynType) {
		return ", of which nobody knows what it is before the event comes: compare it, or write string(…)"
	}
	return ""
}

var (
	unknownField = regexp.MustCompile(`^undefined field '([^']*)'$`)
	expecting    = regexp.MustCompile(`,? expecting \{.*\}$`)
)

// explained is what CEL says of an error, with what was probably meant.
func explained(message string) string {
	message, _, _ = strings.Cut(message, "\n")
	message = expecting.ReplaceAllString(message, "")
	message = ofCEL(strings.TrimSuffix(message, " (in container '')"))
	if m := unknownField.FindStringSubmatch(message); m != nil {
		return message + suggest.DidYouMean(m[1], fieldNames())
	}
	return message
}

// ofCEL calls CEL's types what expressions call them.
func ofCEL(message string) string {
	return strings.NewReplacer("google.protobuf.Timestamp", "timestamp", "google.protobuf.Duration", "duration").
		Replace(message)
}
