package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// newManCommand writes the manual pages that packages install. It is hidden: users have `man rotd` and --help.
func newManCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "man DIRECTORY",
		Short:  "Write the manual pages of all commands into a directory",
		Args:   exactly("DIRECTORY"),
		Hidden: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			b := thisBuild()
			header := &doc.GenManHeader{Section: "1", Source: "rotd " + b.Version, Manual: "rotd's commands"}
			if built, err := time.Parse(time.RFC3339, b.Date); err == nil {
				header.Date = &built // the same commit gives the same pages
			}
			root := cmd.Root()
			root.DisableAutoGenTag = true
			if err := doc.GenManTree(root, header, args[0]); err != nil {
				return fmt.Errorf("write the manual pages: %w", err)
			}
			return nil
		},
	}
}
