package main

import (
	"io"
	"strings"

	"github.com/spf13/cobra"

	"rotd/internal/report"
)

func newReportCommand(c *cli) *cobra.Command {
	var q report.Query
	var file string
	cmd := &cobra.Command{
		Use:   "report",
		Short: "Report how the keys stand, for auditors and for other tools",
		Long: prose(
			"Report how the keys stand: what is covered and what could not be verified, compliance by policy, account and "+
				"owner, each key with its cryptoperiod, rotations and evidence, exceptions, cost.",
			"html is one file for browsers that prints well; csv and json have every key; ocsf and asff are findings for "+
				"Security Hub and others; text is the summary for a terminal. With --framework it says which of a "+
				"standard's requirements are met, which not, and which cannot be verified (docs/compliance.md).",
			"With -f the file is there when it is whole, and not before.",
		),
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := textOnly(cmd); err != nil {
				return err
			}
			if q.Format == "" {
				q.Format = formatOf(file)
			}
			if err := q.Check(); err != nil {
				return wrongUse(cmd, "%v", err)
			}
			client, err := c.client()
			if err != nil {
				return err
			}
			defer client.Close()
			if file == "" {
				return client.Report(cmd.Context(), q, c.out)
			}
			return c.wholeFile(file, "the report", func(to io.Writer) error {
				return client.Report(cmd.Context(), q, to)
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&q.Format, "format", "", strings.Join(report.Formats(), ", ")+" (default: by the name of FILE, else text)")
	f.StringVar(&q.Framework, "framework", "", strings.Join(report.FrameworkIDs(), ", "))
	f.StringVar(&q.Policy, "policy", "", "only keys under this rotation policy")
	f.StringVar(&q.Account, "account", "", "only keys in this account")
	f.DurationVar(&q.Fresh, "fresh", report.DefaultFresh, "older facts call nothing in order")
	f.StringVarP(&file, "file", "f", "", "write to FILE instead of the output")
	return cmd
}

// formatOf is the format that a file's name means.
func formatOf(file string) string {
	for _, format := range report.Formats() {
		if strings.HasSuffix(file, "."+report.Extension(format)) {
			return format
		}
	}
	return "text"
}
