// Package sigma turns Sigma rules (https://sigmahq.io) for CloudTrail into users' rules of rotd, in CEL. What it
// cannot turn it says, with the line; it never leaves a part of a condition out. Pure.
//
// Where things are: a file becomes Rules in read.go, a selection an expression in selection.go and match.go, a
// condition one in condition.go; correlation.go counts; which events an expression can be about is in narrow.go; the
// users' rule is made in convert.go and written in write.go.
package sigma

import (
	"fmt"
	"slices"

	"rotd/internal/finding"
)

// Rule is a Sigma rule as it is read.
type Rule struct {
	File string
	Line int // where it begins

	Title, ID, Name, Status, Description, Author, License, Date string
	References, FalsePositives                                  []string

	Mitre    []string // T1486
	Severity finding.Severity

	// Problems are why it cannot be turned into a rule of rotd's; in the order of the file.
	Problems []Problem

	when        expr // nil in a correlation
	correlation *correlation
	counted     []*Rule // by the correlation
	remarks     []string
}

// Problem is what stands in the way, and where.
type Problem struct {
	Line, Column int // from 1; 0 when it concerns the rule as a whole
	Message      string
}

// String is the problem with its place.
func (p Problem) String() string {
	if p.Line == 0 {
		return p.Message
	}
	return fmt.Sprintf("%d:%d: %s", p.Line, p.Column, p.Message)
}

// remark notes what to know about the rule once.
func (r *Rule) remark(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if !slices.Contains(r.remarks, text) {
		r.remarks = append(r.remarks, text)
	}
}
