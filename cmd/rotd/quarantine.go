package main

import (
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"rotd/internal/admin"
)

func newQuarantineCommand(c *cli) *cobra.Command {
	var flags listFlags
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List messages and records that could not be decoded, newest first",
		Args:  exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := c.client()
			if err != nil {
				return err
			}
			defer client.Close()
			return list(c, quarantineListing(c.now()), flags, func(r admin.Range) (*admin.Page[admin.Quarantined], error) {
				return client.Quarantine(cmd.Context(), r)
			})
		},
	}
	flags.add(cmd)
	return group("quarantine", "What could not be decoded, kept as it came", cmd)
}

func quarantineListing(now time.Time) listing[admin.Quarantined] {
	type q = admin.Quarantined
	return listing[q]{
		schema: admin.SchemaQuarantine, kind: "quarantined", none: "Nothing is in quarantine.",
		columns: []column[q]{
			{title: "SEQ", name: "seq", right: true, value: func(x q) string { return strconv.FormatUint(x.Seq, 10) }},
			{
				title: "AT", name: "at", value: func(x q) string { return ago(now, x.At) },
				raw: func(x q) string { return x.At.UTC().Format(time.RFC3339) },
			},
			{title: "REASON", name: "reason", value: func(x q) string { return x.Reason }},
			{title: "BYTES", name: "bytes", right: true, value: func(x q) string { return strconv.Itoa(x.Bytes) }},
			{title: "FROM", name: "source", flex: true, value: quarantineSource},
			{title: "DETAIL", name: "detail", below: true, value: func(x q) string { return x.Detail }},
			{name: "message_id", value: func(x q) string { return x.MessageID }},
			{name: "sender_id", value: func(x q) string { return x.SenderID }},
		},
	}
}

func quarantineSource(q admin.Quarantined) string {
	if q.Object != "" {
		return q.Object
	}
	return q.Queue
}
