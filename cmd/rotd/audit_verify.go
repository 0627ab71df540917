package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"rotd/internal/admin"
	"rotd/internal/audit"
)

func newAuditVerifyCommand(c *cli) *cobra.Command {
	var heads []string
	cmd := &cobra.Command{
		Use:   "verify [FILE...]",
		Short: "Say whether the audit log is whole, and what is wrong with it where",
		Long: prose(
			"Read every entry of the running daemon's log, or of exported ones, and hold each against the one before it. "+
				"Several FILEs are one log, in this order. With FILE no daemon is needed.",
			"That the end was cut off, or everything written anew, shows by a head that is known from elsewhere: from a "+
				"heartbeat alert, a report, `rotd status` of that day, or the export before. --head may be given several times.",
			"Ends with 1 when something is wrong.",
		),
		RunE: func(cmd *cobra.Command, files []string) error {
			if err := c.noCSV(); err != nil {
				return err
			}
			var known []audit.Head
			for _, text := range heads {
				head, err := audit.ParseHead(text)
				if err != nil {
					return wrongUse(cmd, "--head: %v", err)
				}
				known = append(known, head)
			}
			v := audit.NewVerifier(known...)
			if err := c.readLog(cmd.Context(), files, v); err != nil {
				return err
			}
			return c.verified(v.End())
		},
	}
	cmd.Flags().StringArrayVar(&heads, "head", nil, "an entry that must be there: SEQ:HASH")
	return cmd
}

// readLog reads exported logs, or without any the daemon's.
func (c *cli) readLog(ctx context.Context, files []string, to io.Writer) error {
	if len(files) == 0 {
		client, err := c.client()
		if err != nil {
			return err
		}
		defer client.Close()
		return client.AuditLog(ctx, 0, to)
	}
	for _, path := range files {
		if err := copyFile(path, to); err != nil {
			return fmt.Errorf("read the audit log: %w", err)
		}
	}
	return nil
}

func copyFile(path string, to io.Writer) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = io.Copy(to, file)
	if err == nil {
		_, err = io.WriteString(to, "\n") // the next file's first line is one of its own
	}
	return err
}

// verified prints a verdict.
func (c *cli) verified(v audit.Verdict) error {
	var bad error
	if !v.Whole {
		bad = &exitError{status: admin.ExitFailed}
	}
	if c.output != "table" {
		if err := one(c, listing[audit.Verdict]{schema: "rotd.audit-verdicts/1", kind: "verdict"}, v); err != nil {
			return err
		}
		return bad
	}
	entries := plural(int(v.Entries), "entry", "entries") //nolint:gosec // nobody has read 2^63 lines
	switch {
	case !v.Whole:
		fmt.Fprintln(c.out, c.styled(alarm, fmt.Sprintf("THE AUDIT LOG IS NOT WHOLE: %s wrong in %s.",
			plural(len(v.Breaks)+v.More, "thing is", "things are"), entries)))
	case v.Entries == 0:
		fmt.Fprintln(c.out, "The audit log is empty.")
	default:
		fmt.Fprintln(c.out, c.styled(green, "The audit log is whole: "+entries+"."))
	}
	for _, b := range v.Breaks {
		text := b.Text
		if b.Line > 0 {
			text = fmt.Sprintf("Line %d: %s", b.Line, b.Text)
		}
		c.marked("!", red, text)
	}
	if v.More > 0 {
		c.marked("!", red, fmt.Sprintf("And %d more.", v.More))
	}
	for _, note := range v.Notes {
		c.marked("-", plain, note)
	}
	if v.Entries > 0 {
		fmt.Fprintf(c.out, "\n  head %s\n", v.Head)
	}
	return bad
}

// marked prints a wrapped text behind a mark.
func (c *cli) marked(mark string, look style, text string) {
	for _, line := range wrap(text, c.columns()-4) {
		fmt.Fprintf(c.out, "  %s\n", c.styled(look, mark+" "+line))
		mark = " "
	}
}
