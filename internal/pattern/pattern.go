// Package pattern has regular expressions that are compiled when they are first asked. A bound such as {1,512} makes a
// program that takes milliseconds to compile; together they were a third of what each of rotd's commands took to
// start.
package pattern

import (
	"regexp"
	"regexp/syntax"
	"sync"
)

// Pattern is a regular expression of the package regexp.
type Pattern func() *regexp.Regexp

// New is the pattern of an expression. Like [regexp.MustCompile] it panics at once when that is none: to read it costs
// next to nothing, and a mistake in one that is rarely asked must not wait for that day.
func New(expression string) Pattern {
	if _, err := syntax.Parse(expression, syntax.Perl); err != nil {
		panic("pattern: " + err.Error())
	}
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expression) })
}

// MatchString is [regexp.Regexp.MatchString].
func (p Pattern) MatchString(s string) bool { return p().MatchString(s) }

// FindStringSubmatch is [regexp.Regexp.FindStringSubmatch].
func (p Pattern) FindStringSubmatch(s string) []string { return p().FindStringSubmatch(s) }
