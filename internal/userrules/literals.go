package userrules

import (
	"net/netip"
	"regexp"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"

	"rotd/internal/counting"
	"rotd/internal/policy"
	"rotd/internal/span"
)

// literals checks what has to stand in an expression as it is, because what it may be is decided when it is loaded:
// windows, patterns and networks; and numbers that no count reaches.
func (c *compiler) literals(at place, checked *cel.Ast) {
	info := checked.NativeRep().SourceInfo()
	fail := func(e ast.Expr, format string, args ...any) {
		where := info.GetStartLocation(e.ID())
		c.fail(at, where.Line(), where.Column()+1, format, args...)
	}
	ast.PostOrderVisit(checked.NativeRep().Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() == ast.StructKind {
			fail(e, "rules make no objects: compare their fields")
		}
		if e.Kind() != ast.CallKind {
			return
		}
		call := e.AsCall()
		name, args := call.FunctionName(), call.Args()
		if argument, ok := windowAt(name); ok {
			c.remembers = true
			checkWindow(args[argument], fail)
			return
		}
		switch name {
		case "matches":
			checkPattern(args[len(args)-1], fail)
		case "cidr":
			checkNetwork(args[1], fail)
		case operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals, operators.Equals:
			checkReachable(name, args, fail)
		}
	}))
}

type failing func(e ast.Expr, format string, args ...any)

func checkWindow(e ast.Expr, fail failing) {
	text, ok := textOf(e)
	if !ok {
		fail(e, "a window has to stand here as it is, such as \"10m\" or \"7d\"")
		return
	}
	d, err := span.Parse(text)
	switch {
	case err != nil:
		fail(e, "%v", err)
	case d < leastWindow || d > mostWindow:
		fail(e, "%s is no window of rules: write %s to %s", text, span.Format(leastWindow), span.Format(mostWindow))
	}
}

func checkNetwork(e ast.Expr, fail failing) {
	text, ok := textOf(e)
	if !ok {
		fail(e, "a network has to stand here as it is, such as \"10.0.0.0/8\"")
		return
	}
	network, err := netip.ParsePrefix(text)
	if err != nil {
		fail(e, "%.80q is no network: write for example \"10.0.0.0/8\"", text)
		return
	}
	if err := policy.CheckMapped(network); err != nil {
		fail(e, "%v", err)
	}
}

func checkPattern(e ast.Expr, fail failing) {
	text, ok := textOf(e)
	if !ok {
		fail(e, "a pattern has to stand here as it is, in quotes")
		return
	}
	if _, err := regexp.Compile(text); err != nil {
		fail(e, "%v", err)
	}
}

// checkReachable refuses comparisons of a count with more than memory keeps.
func checkReachable(operator string, args []ast.Expr, fail failing) {
	for i, e := range args {
		if !counts(args[1-i]) || e.Kind() != ast.LiteralKind {
			continue
		}
		n, ok := e.AsLiteral().(types.Int)
		over := i == 1 && operator == operators.Greater || i == 0 && operator == operators.Less // more than n
		if ok && (n > counting.Max || over && n == counting.Max) {
			fail(e, "no count comes to that: memory keeps %d of a kind", counting.Max)
		}
	}
}

// counts reports whether an expression is a count of the memory's.
func counts(e ast.Expr) bool {
	if e.Kind() != ast.CallKind {
		return false
	}
	name := e.AsCall().FunctionName()
	return name == "count" || name == "distinct"
}

func textOf(e ast.Expr) (string, bool) {
	if e.Kind() != ast.LiteralKind {
		return "", false
	}
	text, ok := e.AsLiteral().(types.String)
	return string(text), ok
}
