package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"rotd/internal/admin"
	"rotd/internal/finding"
)

func newFindingsResolveCommand(c *cli) *cobra.Command {
	var request admin.ResolveRequest
	cmd := &cobra.Command{
		Use:   "resolve ID --reason TEXT",
		Short: "End an open finding: what it tells of is over",
		Long: prose("End an open finding, because what it tells of is over and rotd cannot see that, or not soon. rotd " +
			"takes your word: if it goes on all the same, the next reading or event opens the finding anew, and it is told " +
			"again. What may stand is acknowledged instead (`rotd findings ack`). Who resolved it and why is kept with it " +
			"and goes into the audit log."),
		Example: "  rotd findings resolve fnd_01JPK00000000000000000AAAA --reason 'it was the test of CHG-7'",
		Args:    exactly("a finding's ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := c.needsReason(cmd, request.Reason); err != nil {
				return err
			}
			if err := c.noCSV(); err != nil {
				return err
			}
			client, err := c.client()
			if err != nil {
				return err
			}
			defer client.Close()
			f, err := client.Resolve(cmd.Context(), args[0], request)
			if err != nil {
				return err
			}
			if c.output != "table" {
				return one(c, listing[*finding.Finding]{schema: admin.SchemaFindings, kind: "finding"}, f)
			}
			c.paragraph("", fmt.Sprintf("Resolved: %s.", f.Title))
			c.paragraph("", "If it goes on all the same, a later reading or event opens it anew, and it is told again.")
			return nil
		},
	}
	cmd.Flags().StringVar(&request.Reason, "reason", "", "why it is over (required)")
	incidentFlag(cmd, &request.Incident)
	return cmd
}
