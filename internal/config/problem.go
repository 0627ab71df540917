package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is one thing in the file, where it is, and what would be right.
type Problem struct {
	File         string
	Line, Column int    // from 1; 0 when it concerns the file as a whole
	Path         string // policies[0].rotation.max_age; empty for the file as a whole
	Message      string
}

// String renders file:line:column: path: message.
func (p Problem) String() string {
	where := p.File
	if p.Line > 0 {
		where = fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
	}
	if p.Path != "" {
		where += ": " + p.Path
	}
	return where + ": " + p.Message
}

// Errors are all the problems of a file, in its order. Never empty.
type Errors struct {
	Problems []Problem
}

// maxShown bounds what Error prints; a file that is no configuration at all has thousands of problems.
const maxShown = 100

// Error renders one problem a line.
func (e *Errors) Error() string {
	lines := make([]string, 0, min(len(e.Problems), maxShown)+1)
	for i, p := range e.Problems {
		if i == maxShown {
			lines = append(lines, fmt.Sprintf("… and %d more", len(e.Problems)-maxShown))
			break
		}
		lines = append(lines, p.String())
	}
	return strings.Join(lines, "\n")
}

func sortProblems(problems []Problem) []Problem {
	slices.SortStableFunc(problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return problems
}
