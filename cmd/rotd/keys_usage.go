package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rotd/internal/admin"
	"rotd/internal/usage"
)

func newKeysUsageCommand(c *cli) *cobra.Command {
	since := "30d"
	cmd := &cobra.Command{
		Use:   "usage KEY",
		Short: "Say who uses a key: principals, their calls, networks and services",
		Long: prose("Say who uses a key, as far as CloudTrail's events tell: successful cryptographic calls by principal. "+
			"KEY is an id, ARN, alias or alias ARN.",
			"Windows of up to 48 hours are counted by the hour, longer ones by whole UTC days, up to 90 of them. The 20 "+
				"busiest principals are shown; -o csv has a row for each, up to 500 that used the key last."),
		Args: exactly("a KEY (id, ARN, alias or alias ARN)"),
		RunE: func(cmd *cobra.Command, args []string) error {
			from, err := parseSince(c.now(), since)
			if err != nil {
				return wrongUse(cmd, "--since: %v", err)
			}
			client, err := c.client()
			if err != nil {
				return err
			}
			defer client.Close()
			u, err := client.KeyUsage(cmd.Context(), args[0], from)
			if err != nil {
				return err
			}
			switch c.output {
			case "table":
				c.printUsage(u)
				return nil
			case "csv":
				return newRowWriter(c, principalListing(c.now(), u)).rows(principals(u))
			}
			return one(c, listing[*admin.KeyUsage]{schema: "rotd.usage/1", kind: "usage"}, u)
		},
	}
	cmd.Flags().StringVar(&since, "since", since, "calls since then: 30d, 36h, 2026-03-14, 2026-03-14T12:00:00Z")
	return cmd
}

// principals are the key's principals, the others last.
func principals(u *admin.KeyUsage) []usage.Principal {
	all := u.Principals
	if u.Others != nil {
		all = append(slices.Clip(all), *u.Others)
	}
	return all
}

func principalListing(now time.Time, u *admin.KeyUsage) listing[usage.Principal] {
	type p = usage.Principal
	timeOf := func(t time.Time) string { return t.UTC().Format(time.RFC3339) }
	return listing[p]{columns: []column[p]{
		{
			title: "PRINCIPAL", name: "principal_arn", flex: true, value: principalText,
			raw: func(x p) string { return orOthers(x.ARN) },
		},
		{title: "CALLS", name: "calls", right: true, value: func(x p) string { return strconv.FormatUint(x.Calls, 10) }},
		{title: "SHARE", name: "share", right: true, value: func(x p) string { return shareText(x.Calls, u.Calls) }},
		{title: "LAST", value: func(x p) string { return ago(now, x.LastUse) }},
		{name: "first_use", value: func(x p) string { return timeOf(x.FirstUse) }},
		{name: "last_use", value: func(x p) string { return timeOf(x.LastUse) }},
		{name: "operations", value: func(x p) string { return strings.Join(x.Operations, " ") }},
		{name: "networks", value: func(x p) string { return strings.Join(x.Networks, " ") }},
		{name: "services", value: func(x p) string { return strings.Join(x.Services, " ") }},
		{name: "contexts", value: func(x p) string { return strings.Join(x.Contexts, " ") }},
		{name: "more", value: func(x p) string { return strings.Join(x.More, " ") }},
	}}
}

// principalText is a principal, short.
func principalText(p usage.Principal) string {
	if p.ARN == "" {
		return "others"
	}
	return shortPrincipal(p.ARN)
}

// shortPrincipal is an ARN without what all ARNs of IAM begin with.
func shortPrincipal(arn string) string {
	if parts := strings.SplitN(arn, ":", 6); len(parts) == 6 && (parts[2] == "iam" || parts[2] == "sts") {
		return parts[4] + ":" + parts[5]
	}
	return arn
}

// shareText is a part in per cent.
func shareText(part, whole uint64) string {
	if whole == 0 {
		return "-"
	}
	percent := float64(part) / float64(whole) * 100
	switch {
	case part > 0 && percent < 0.1:
		return "<0.1%"
	case percent > 99.9 && part < whole:
		return ">99.9%"
	}
	return fmt.Sprintf("%.1f%%", percent)
}
