package main

import (
	"bufio"
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"rotd/internal/admin"
	"rotd/internal/audit"
)

func newAuditExportCommand(c *cli) *cobra.Command {
	var file string
	var after uint64
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write the audit log as it is kept, so that anybody can verify it",
		Long: prose(
			"Write the audit log as it is kept: a JSON object a line, oldest first. `rotd audit verify FILE` verifies it, "+
				"and so do ten lines of Python (docs/audit.md). At the end the head is told: keep it where nobody gets who "+
				"can write rotd's state.",
			"--after goes on where an earlier export ended. With -f the file is there when it is whole, and not before.",
		),
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if c.output != "table" && c.output != "jsonl" {
				return wrongUse(cmd, "an export is JSON lines; `rotd audit list -o %s` lists entries", c.output)
			}
			client, err := c.client()
			if err != nil {
				return err
			}
			defer client.Close()
			fill := func(to io.Writer) error { return c.exportAudit(cmd.Context(), client, after, to) }
			if file == "" {
				return fill(c.out)
			}
			return c.wholeFile(file, "the audit log", fill)
		},
	}
	cmd.Flags().StringVarP(&file, "file", "f", "", "write to FILE instead of the output")
	cmd.Flags().Uint64Var(&after, "after", 0, "only the entries that follow this one, by its number")
	return cmd
}

func (c *cli) exportAudit(ctx context.Context, client *admin.Client, after uint64, to io.Writer) error {
	out, seen := bufio.NewWriter(to), audit.NewVerifier()
	err := client.AuditLog(ctx, after, io.MultiWriter(out, seen))
	if flushed := out.Flush(); err == nil && flushed != nil {
		err = fmt.Errorf("print: %w", flushed)
	}
	if err != nil {
		return err
	}
	if v := seen.End(); v.Entries > 0 {
		hint(c.err, "%s; head %s", plural(int(v.Entries), "entry", "entries"), v.Head) //nolint:gosec // so many were read
	}
	return nil
}
