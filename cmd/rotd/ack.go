package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rotd/internal/admin"
	"rotd/internal/finding"
)

func newFindingsAckCommand(c *cli) *cobra.Command {
	var (
		request admin.AckRequest
		yes     bool
	)
	cmd := &cobra.Command{
		Use:   "ack ID --reason TEXT",
		Short: "Answer for an open finding: it is seen, and may stand",
		Long: prose(
			"Answer for an open finding. It goes on counting and stays in the lists, as acknowledged; its next episode is "+
				"new. Who acknowledged it and why is kept with it and goes into the log.",
			"Of key-policy-assignment-changed it accepts the move: from then on the laxer policy that tags or aliases gave "+
				"the key counts, and the finding is over. The command in the alert names the move with --move; without it the "+
				"move is shown, and you are asked. If the key has moved again since, nothing is accepted (exit status 4).",
		),
		Example: "  rotd findings ack fnd_01JPK00000000000000000AAAA --reason 'moved to the archive, CHG-7'",
		Args:    exactly("a finding's ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case strings.TrimSpace(request.Reason) == "":
				return wrongUse(cmd, "--reason is required: it is kept with the finding")
			case c.output == "csv":
				return c.noCSV()
			}
			client, err := c.client()
			if err != nil {
				return err
			}
			defer client.Close()
			if request.Move == "" {
				if request.Move, err = c.readMove(cmd, client, args[0], yes); err != nil {
					return err
				}
			}
			done, err := client.Acknowledge(cmd.Context(), args[0], request)
			if err != nil {
				return err
			}
			if c.output != "table" {
				return one(c, listing[*admin.Acknowledged]{schema: "rotd.acknowledgements/1", kind: "acknowledgement"}, done)
			}
			for _, sentence := range acknowledgedText(c.now(), done) {
				c.paragraph("", sentence)
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&request.Reason, "reason", "", "why it may stand (required)")
	f.StringVar(&request.Move, "move", "", "the move to a laxer policy that is accepted, as the finding names it")
	incidentFlag(cmd, &request.Incident)
	f.BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}

// readMove shows the move that an acknowledgement would accept, asks, and names it; "" when the finding tells of none.
func (c *cli) readMove(cmd *cobra.Command, client *admin.Client, id string, yes bool) (move string, err error) {
	f, err := client.Finding(cmd.Context(), id)
	switch {
	case err != nil:
		return "", err
	case f.Move == "" || f.Status != finding.Open:
		return "", nil
	case !yes && !c.terminal.in:
		return "", wrongUse(cmd, "there is no terminal to ask on: name the move that is accepted with --move %s, or say "+
			"--yes", f.Move)
	}
	if c.output == "table" {
		c.paragraph("", f.Description)
	} else {
		hint(c.err, "%s", clean(f.Description))
	}
	if yes {
		return f.Move, nil
	}
	return f.Move, c.confirm(cmd.Context(), "Accept this move?")
}

// acknowledgedText says what an acknowledgement changed, and what it found.
func acknowledgedText(now time.Time, done *admin.Acknowledged) []string {
	f := done.Finding
	sentences := []string{fmt.Sprintf("Acknowledged by %s: %s.", f.Acknowledged.By, f.Title)}
	if b := done.Before; b != nil {
		sentences = append(sentences, fmt.Sprintf("It was acknowledged already, by %s since %s: %s", b.By, both(now, b.At),
			b.Reason))
	}
	if f.Status == finding.Resolved {
		return append(sentences, "What tags and aliases gave the key counts from now on, and the finding is over.")
	}
	return append(sentences, "It stays open and goes on counting; its next episode is new.")
}

// acknowledgedBy says who answers for a finding; "" when nobody does.
func acknowledgedBy(now time.Time, f *finding.Finding) string {
	a := f.Acknowledged
	if a == nil {
		return ""
	}
	return fmt.Sprintf("by %s %s: %s", a.By, both(now, a.At), a.Reason)
}
