package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"rotd/internal/admin"
	"rotd/internal/reencrypt"
)

func newReencryptJobsCommand(c *cli) *cobra.Command {
	var flags listFlags
	cmd := &cobra.Command{
		Use:   "jobs",
		Short: "List what was and is re-encrypted, newest first",
		Args:  exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := c.client()
			if err != nil {
				return err
			}
			defer client.Close()
			return list(c, jobListing(c.now()), flags, func(r admin.Range) (*admin.Page[reencrypt.Job], error) {
				return client.Jobs(cmd.Context(), r)
			})
		},
	}
	flags.add(cmd)
	return cmd
}

func newReencryptShowCommand(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "show ID",
		Short: "Show one job whole, with its first failures",
		Args:  exactly("a job's ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := c.client()
			if err != nil {
				return err
			}
			defer client.Close()
			job, err := client.Job(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return c.shownJob(job)
		},
	}
}

func newReencryptCancelCommand(c *cli) *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use:   "cancel ID --reason TEXT",
		Short: "End a job where it is; what it moved stays moved",
		Args:  exactly("a job's ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if strings.TrimSpace(reason) == "" {
				return wrongUse(cmd, "--reason is required: it goes into the audit log")
			}
			client, err := c.client()
			if err != nil {
				return err
			}
			defer client.Close()
			job, err := client.CancelJob(cmd.Context(), args[0], reason)
			if err != nil {
				return err
			}
			return c.shownJob(job)
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why (required)")
	return cmd
}

// shownJob prints a job whole.
func (c *cli) shownJob(j *reencrypt.Job) error {
	if c.output != "table" {
		return one(c, jobListing(c.now()), *j)
	}
	now := c.now()
	fmt.Fprintln(c.out, c.styled(bold, clean(j.ID+" is "+string(j.State))))
	fmt.Fprintln(c.out)
	c.field("moves", moverText(j))
	c.field("to", j.To)
	c.field("from", orElse(j.From, "whichever key"))
	c.field("waiting", j.Waiting)
	c.field("outcome", j.Outcome)
	moved := "moved"
	if j.DryRun {
		moved = "would move"
	}
	c.field(moved, movedText(j))
	if j.Failed > 0 {
		c.field("failed", fmt.Sprint(j.Failed))
	}
	c.field("asked for", both(now, j.Created)+" by "+j.Requester)
	c.field("reason", j.Reason)
	c.field("ticket", j.Ticket)
	c.field("incident", j.Incident)
	c.field("overrode", strings.Join(j.Overrode, ", "))
	if !j.Ended.IsZero() {
		c.field("ended", both(now, j.Ended))
	} else {
		c.field("last heard of", both(now, j.Updated))
	}
	if len(j.Failures) > 0 {
		c.heading("Not moved")
		for i := range j.Failures {
			f := &j.Failures[i]
			c.paragraph("  ", fmt.Sprintf("%s: %s: %s", f.What, f.Code, f.Message))
		}
		if more := j.Failed - int64(len(j.Failures)); more > 0 {
			c.paragraph("  ", fmt.Sprintf("and %d more", more))
		}
	}
	return nil
}

func movedText(j *reencrypt.Job) string {
	if j.Kind == reencrypt.Blobs {
		return fmt.Sprintf("%d of %d (%s)", j.Moved, j.Total, bytesText(j.Bytes))
	}
	text := []string{
		fmt.Sprintf("%s of %d looked at (%s)", plural(int(j.Moved), "object", "objects"), j.Seen, bytesText(j.Bytes)),
	}
	other := "not under --from"
	if j.From == "" {
		other = "under no key of KMS"
	}
	for _, part := range []struct {
		n    int64
		what string
	}{{j.Already, "under the key already"}, {j.Other, other}, {j.Older, "older versions stay as they are"}} {
		if part.n > 0 {
			text = append(text, fmt.Sprintf("%d %s", part.n, part.what))
		}
	}
	return strings.Join(text, ", ")
}
