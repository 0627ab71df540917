package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rotd/internal/admin"
	"rotd/internal/audit"
)

func newAuditCommand(c *cli) *cobra.Command {
	return group("audit", "Who asked for what, and what rotd did: the audit log", newAuditListCommand(c),
		newAuditVerifyCommand(c), newAuditExportCommand(c))
}

// auditListing is how entries of the audit log are shown.
func auditListing(now time.Time) listing[audit.Entry] {
	type e = audit.Entry
	return listing[e]{
		schema: admin.SchemaAudit, kind: "audit", none: "No entries.",
		columns: []column[e]{
			{title: "SEQ", name: "seq", right: true, value: func(x e) string { return strconv.FormatUint(x.Seq, 10) }},
			{
				title: "TIME", name: "time", value: func(x e) string { return ago(now, x.Time) },
				raw: func(x e) string { return x.Time.UTC().Format(time.RFC3339Nano) },
			},
			{title: "WHO", name: "actor", value: func(x e) string { return x.Actor }},
			{title: "EVENT", name: "event", value: func(x e) string { return string(x.Event) }},
			{title: "KEY", value: func(x e) string { return x.Key[strings.LastIndexByte(x.Key, '/')+1:] }},
			{title: "DETAIL", name: "detail", below: true, value: detailText},
			{title: "ACTION", name: "action", below: true, value: func(x e) string { return x.Action }},
			{name: "key", value: func(x e) string { return x.Key }},
			{name: "finding", value: func(x e) string { return x.Finding }},
			{name: "incident", value: func(x e) string { return x.Incident }},
			{name: "epoch", value: func(x e) string { return x.Epoch }},
			{name: "prev", value: func(x e) string { return x.Prev }},
			{name: "hash", value: func(x e) string { return x.Hash }},
		},
	}
}

// detailText is what else an entry says, in the order of names.
func detailText(e audit.Entry) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(e.Detail)) {
		parts = append(parts, fmt.Sprintf("%s: %s", name, e.Detail[name]))
	}
	return strings.Join(parts, "; ")
}

func newAuditListCommand(c *cli) *cobra.Command {
	var flags listFlags
	var q admin.AuditQuery
	var since string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the audit log, newest first",
		Long: prose(
			"List the audit log, newest first. docs/audit.md says what is in it.",
			"What is verified is `rotd audit export`: -o jsonl is for other programs.",
		),
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if q.Since, err = parseSince(c.now(), since); err != nil {
				return wrongUse(cmd, "--since: %v", err)
			}
			client, err := c.client()
			if err != nil {
				return err
			}
			defer client.Close()
			return list(c, auditListing(c.now()), flags, func(r admin.Range) (*admin.Page[audit.Entry], error) {
				q.Range = r
				return client.AuditEntries(cmd.Context(), q)
			})
		},
	}
	flags.add(cmd)
	f := cmd.Flags()
	f.StringVar(&q.Key, "key", "", "about this key: id, ARN or alias")
	f.StringVar(&q.Actor, "actor", "", "by whom: a part of it does, such as ann or uid:1000")
	f.StringVar(&q.Event, "event", "", "what: call.intended, or call for all of them")
	f.StringVar(&q.Action, "action", "", "about this action, by its ID")
	f.StringVar(&q.Finding, "finding", "", "about this finding, by its ID")
	f.StringVar(&q.Incident, "incident", "", "about this incident, by its ID")
	f.StringVar(&since, "since", "", "written since a time (2026-03-14T12:00:00Z) or for so long (24h, 7d)")
	return cmd
}
