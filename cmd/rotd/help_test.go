package main

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spf13/cobra"
)

func TestWhatCommandsSayOfThemselvesFits80Columns(t *testing.T) {
	var look func(cmd *cobra.Command)
	look = func(cmd *cobra.Command) {
		for line := range strings.Lines(cmd.Long) {
			if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > 80 {
				t.Errorf("%s: a line has %d columns: %q", cmd.CommandPath(), n, line)
			}
		}
		for _, below := range cmd.Commands() {
			if below.Name() != "completion" { // cobra's own
				look(below)
			}
		}
	}
	look(newRoot(newSession(nil).cli))
}
