package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rotd/internal/admin"
	"rotd/internal/remediation"
)

func newActionsCommand(c *cli) *cobra.Command {
	return group("actions", "What rotd did, does and means to do", newActionsListCommand(c), newActionsShowCommand(c),
		newActionsApproveCommand(c), newActionsCancelCommand(c))
}

// actionListing is how actions are shown.
func actionListing(now time.Time) listing[remediation.Action] {
	type a = remediation.Action
	timeOf := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.UTC().Format(time.RFC3339)
	}
	return listing[a]{
		schema: admin.SchemaActions, kind: "action", none: "No actions.",
		columns: []column[a]{
			{
				title: "STATE", name: "state", value: func(x a) string { return string(x.State) },
				style: func(x a) style { return stateStyle(x.State) },
			},
			{
				title: "CREATED", name: "created", value: func(x a) string { return ago(now, x.Created) },
				raw: func(x a) string { return timeOf(x.Created) },
			},
			{title: "ACTION", value: func(x a) string { return actionText(&x) }},
			{title: "KEY", flex: true, value: func(x a) string { return keyName(&x) }},
			{title: "ID", name: "id", below: true, value: func(x a) string { return x.ID }},
			{title: "BY", name: "requester", below: true, value: func(x a) string { return x.Requester }},
			{name: "verb", value: func(x a) string { return string(x.Verb) }},
			{name: "method", value: func(x a) string { return string(x.Method) }},
			{name: "key_arn", value: func(x a) string { return x.KeyARN }},
			{name: "alias", value: func(x a) string { return x.Alias }},
			{name: "automatic", value: func(x a) string { return strconv.FormatBool(x.Automatic) }},
			{name: "reason", value: func(x a) string { return x.Reason }},
			{name: "ticket", value: func(x a) string { return x.Ticket }},
			{name: "emergency", value: func(x a) string { return strconv.FormatBool(x.Emergency) }},
			{name: "approved_by", value: func(x a) string {
				if x.Approval == nil || x.Approval.By == nil {
					return ""
				}
				return x.Approval.By.Name
			}},
			{name: "overrides", value: func(x a) string { return strings.Join(x.Overrides, " ") }},
			{name: "finding_id", value: func(x a) string { return x.FindingID }},
			{name: "incident_id", value: func(x a) string { return x.IncidentID }},
			{name: "ended", value: func(x a) string {
				if x.Ended == nil {
					return ""
				}
				return timeOf(*x.Ended)
			}},
			{name: "outcome", value: func(x a) string { return x.Outcome }},
		},
	}
}

func stateStyle(s remediation.State) style {
	switch s {
	case remediation.Succeeded:
		return green
	case remediation.Failed, remediation.Expired:
		return red
	case remediation.Planned, remediation.AwaitingApproval, remediation.Running, remediation.Verifying,
		remediation.Cancelled:
	}
	return yellow
}

// actionText says what an action does in a few words.
func actionText(a *remediation.Action) string {
	switch a.Method {
	case remediation.EnableAutomatic:
		return fmt.Sprintf("rotate every %dd", a.PeriodDays)
	case remediation.ImportedMaterial:
		return "rotate, imported"
	case remediation.NewKey:
		return "replace"
	case remediation.MoveBack:
		return "move alias back"
	case remediation.Restore:
		return "restore"
	case remediation.Measures:
		return "contain"
	case remediation.Release:
		return "undo contain"
	case remediation.NewMaterial:
	}
	return "rotate now"
}

func keyName(a *remediation.Action) string {
	if a.Alias != "" {
		return a.Alias
	}
	return a.KeyARN[strings.LastIndexByte(a.KeyARN, '/')+1:]
}

func newActionsListCommand(c *cli) *cobra.Command {
	var flags listFlags
	var q admin.ActionQuery
	var since string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List actions, newest first",
		Args:  exactly(),
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if q.Since, err = parseSince(c.now(), since); err != nil {
				return wrongUse(cmd, "--since: %v", err)
			}
			client, err := c.client()
			if err != nil {
				return err
			}
			defer client.Close()
			return list(c, actionListing(c.now()), flags, func(r admin.Range) (*admin.Page[remediation.Action], error) {
				q.Range = r
				return client.Actions(cmd.Context(), q)
			})
		},
	}
	flags.add(cmd)
	f := cmd.Flags()
	f.StringVar(&q.State, "state", "",
		"pending, or planned, awaiting-approval, running, verifying, succeeded, failed, cancelled, expired")
	f.StringVar(&q.Key, "key", "", "on this key: id, ARN or alias")
	f.StringVar(&since, "since", "", "created since a time (2026-03-14T12:00:00Z) or for so long (24h, 7d)")
	return cmd
}

func newActionsShowCommand(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "show ID",
		Short: "Show one action whole",
		Args:  exactly("an action's ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := c.client()
			if err != nil {
				return err
			}
			defer client.Close()
			a, err := client.Action(cmd.Context(), args[0], 0)
			if err != nil {
				return err
			}
			if c.output != "table" {
				return one(c, actionListing(c.now()), *a)
			}
			c.printAction(a)
			return nil
		},
	}
}

// printAction prints an action whole.
func (c *cli) printAction(a *remediation.Action) {
	now := c.now()
	fmt.Fprintf(c.out, "%s  %s of %s\n\n", c.styled(stateStyle(a.State), string(a.State)), actionText(a),
		clean(keyName(a)))
	if a.Outcome != "" {
		c.paragraph("  ", a.Outcome)
		fmt.Fprintln(c.out)
	}
	c.field("key", a.KeyARN)
	c.field("reason", a.Reason)
	c.field("ticket", a.Ticket)
	c.field("incident", a.IncidentID)
	c.field("asked by", a.Requester)
	c.field("policy", a.Policy)
	switch {
	case a.Emergency && a.State == remediation.AwaitingApproval:
		c.field("emergency", "yes")
	case a.Emergency:
		c.field("emergency", "yes, passing "+orNone(a.Overrides))
	}
	if a.BreakGlass {
		c.field("glass", "BROKEN: goes without the approval of mode propose")
	}
	if a.Approval != nil {
		c.field("plan", a.Approval.Plan)
		c.field("approval", approvalText(now, a.Approval))
	}
	c.field("finding", a.FindingID)
	c.field("waiting", a.Waiting)
	c.field("guardrail", a.Guardrail)
	if !a.NotBefore.IsZero() && !a.State.Final() && a.State != remediation.AwaitingApproval {
		c.field("not before", both(now, a.NotBefore))
	}
	c.field("last error", a.LastError)
	c.field("created", both(now, a.Created))
	if !a.Started.IsZero() {
		c.field("started", both(now, a.Started))
	}
	if a.Ended != nil {
		c.field("ended", both(now, *a.Ended))
	}
	c.field("attempts", attemptsText(a))
	c.field("KMS request", a.RequestID)
	c.field("new key", a.NewKeyARN)
	c.field("id", a.ID)
	c.printCalls(a)
}

// printCalls prints what an action of several calls does, call by call.
func (c *cli) printCalls(a *remediation.Action) {
	if len(a.Calls) == 0 {
		return
	}
	fmt.Fprintln(c.out, "\n  calls")
	for i := range a.Calls {
		call := &a.Calls[i]
		how, text := "to do", clean(call.Words())
		switch {
		case call.Skipped != "":
			how, text = "not needed", text+": "+call.Skipped
		case call.Done != nil:
			how = "done"
		case i == a.At && a.State == remediation.Failed:
			how = "failed"
		case a.State.Final():
			how = "not done"
		case i == a.At:
			how = string(a.State)
		}
		fmt.Fprintf(c.out, "    %-11s %s (%s)\n", how, text, call.Operation)
	}
}

func attemptsText(a *remediation.Action) string {
	text := strconv.Itoa(a.Attempts)
	if a.Rejected > 0 {
		text += fmt.Sprintf(", %d of them rejected by KMS", a.Rejected)
	}
	if a.Ambiguous {
		text += ", the last one's answer did not arrive"
	}
	return text
}

func orNone(all []string) string {
	if len(all) == 0 {
		return "nothing that stood in the way"
	}
	return strings.Join(all, ", ")
}
