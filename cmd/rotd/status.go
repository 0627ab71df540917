package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rotd/internal/admin"
	"rotd/internal/inventory"
	"rotd/internal/state"
)

// statusTimeout is enough for the largest state; who waits longer waits for a daemon that is stuck.
const statusTimeout = 15 * time.Second

func newStatusCommand(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Say whether everything is in order, and what is not",
		Long: prose(
			"Say whether everything is in order, and what is not. The first line is the answer. The exit status is 0 " +
				"whenever the daemon answered; for scripts there is `rotd health`.",
		),
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := c.noCSV(); err != nil {
				return err
			}
			client, err := c.client()
			if err != nil {
				return err
			}
			defer client.Close()
			ctx, cancel := context.WithTimeout(cmd.Context(), statusTimeout)
			defer cancel()
			status, err := client.Status(ctx)
			if err != nil {
				return err
			}
			if c.output != "table" {
				return one(c, listing[*admin.Status]{schema: "rotd.status/1", kind: "status"}, status)
			}
			c.printStatus(status)
			return nil
		},
	}
}

func (c *cli) printStatus(s *admin.Status) {
	c.verdict(s)
	for _, t := range s.Troubles {
		mark, look := "-", plain
		if t.Grave {
			mark, look = "!", red
		}
		for i, line := range wrap(t.What, c.columns()-4) {
			if i > 0 {
				mark = " "
			}
			fmt.Fprintf(c.out, "  %s\n", c.styled(look, mark+" "+line))
		}
		if t.Next != "" {
			fmt.Fprintf(c.out, "      %s\n", c.styled(bold, clean(t.Next)))
		}
	}
	fmt.Fprintln(c.out)
	c.field("rotd", fmt.Sprintf("%s, shard %s, mode %s", s.Version, s.Shard, s.Mode))
	c.field("up", fmt.Sprintf("%s, since %s", span(s.Now.Sub(s.Started)), stamp(s.Started)))
	c.field("open findings", countsText(s.Findings))
	for i := range s.Queues {
		c.field("queue", queueText(s.Now, &s.Queues[i]))
	}
	c.field("newest event", both(s.Now, s.LastEvent))
	c.field("keys", fmt.Sprintf("%d in %s", s.Keys, plural(len(s.Places), "account and Region", "accounts and Regions")))
	for i := range s.Places {
		p := &s.Places[i]
		text := fmt.Sprintf("%s/%s: %s, read whole %s", p.Account, p.Region, plural(p.Keys, "key", "keys"),
			ago(s.Now, p.LastComplete))
		if p.LastComplete.IsZero() {
			text = fmt.Sprintf("%s/%s: never read whole", p.Account, p.Region)
		}
		c.field(" ", text+canaryText(s.Now, p.Canary))
	}
	c.organization(s)
	for i := range s.Jobs {
		c.field("job", jobText(s.Now, &s.Jobs[i]))
	}
	c.field("actions", pendingText(s.PendingActions))
	c.field("alerts", alertsText(s))
	if s.Budget != nil {
		name := s.Budget.Alias
		if name == "" {
			name = s.Budget.KeyARN
		}
		c.field("least budget", fmt.Sprintf("%d of %d rotations on demand left, of %s", s.Budget.Left,
			inventory.OnDemandLimit, name))
	}
	c.field("state", fmt.Sprintf("%s, %s", s.State.Path, bytesText(s.State.Bytes)))
	if s.Audit.Seq > 0 {
		c.field("audit log", "head "+s.Audit.String())
	}
}

// organization tells which of the organization's accounts are left out.
func (c *cli) organization(s *admin.Status) {
	o := s.Organization
	if o == nil {
		return
	}
	text := fmt.Sprintf("%s, listed %s", plural(o.Accounts, "account", "accounts"), ago(s.Now, o.ListedAt))
	if o.ListedAt.IsZero() {
		text = "its accounts were never listed"
	}
	c.field("organization", text)
	const most = 10
	for i := range o.Skipped[:min(most, len(o.Skipped))] {
		m := &o.Skipped[i]
		why := strings.ToLower(clean(m.State))
		if m.State == "ACTIVE" {
			why = "excluded in rotd.yaml"
		}
		c.field(" ", fmt.Sprintf("%s (%s) is left out: %s", m.ID, clean(m.Name), why))
	}
	if more := len(o.Skipped) - most; more > 0 {
		c.field(" ", fmt.Sprintf("and %d more are left out", more))
	}
}

// verdict is the first line.
func (c *cli) verdict(s *admin.Status) {
	grave := 0
	for _, t := range s.Troubles {
		if t.Grave {
			grave++
		}
	}
	switch {
	case len(s.Troubles) == 0:
		fmt.Fprintln(c.out, c.styled(green, "Everything is in order."))
	case grave == 0:
		fmt.Fprintln(c.out, c.styled(yellow, fmt.Sprintf("In order, with %s to look at:",
			plural(len(s.Troubles), "thing", "things"))))
	default:
		text := "NOT IN ORDER: " + clean(graveText(s))
		if c.terminal.width > 0 {
			text = cut(text, c.columns())
		}
		fmt.Fprintln(c.out, c.styled(alarm, text))
	}
}

// graveText sums up what is not in order: the findings that are open, and what else there is. Who sees only this line
// must not take one number for another.
func graveText(s *admin.Status) string {
	var parts []string
	if text := worstText(s.Findings); text != "" {
		parts = append(parts, text)
	}
	others := slices.DeleteFunc(slices.Clone(s.Troubles), func(t admin.Trouble) bool {
		return strings.HasPrefix(t.Next, "rotd findings list --severity ") // counted above
	})
	if len(others) > 0 && others[0].Grave {
		parts, others = append(parts, others[0].What), others[1:]
	}
	if len(others) > 0 {
		parts = append(parts, plural(len(others), "other trouble", "other troubles"))
	}
	return strings.Join(parts, "; ")
}

// worstText counts open findings when there are grave ones, else it is empty.
func worstText(n admin.Counts) string {
	worst, name := n.Critical, "CRITICAL"
	if worst == 0 {
		worst, name = n.High, "HIGH"
	}
	more := n.Total() - worst
	switch {
	case worst == 0:
		return ""
	case more == 0:
		return plural(worst, name+" finding open", name+" findings open")
	}
	return fmt.Sprintf("%d %s and %s open", worst, name, plural(more, "more finding", "more findings"))
}

func countsText(n admin.Counts) string {
	if n.Total() == 0 {
		return "none"
	}
	var parts []string
	for _, p := range []struct {
		n    int
		name string
	}{
		{n.Critical, "CRITICAL"},
		{n.High, "HIGH"},
		{n.Medium, "MEDIUM"},
		{n.Low, "LOW"},
		{n.Informational, "INFORMATIONAL"},
	} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.name))
		}
	}
	return strings.Join(parts, ", ")
}

func queueText(now time.Time, q *admin.Queue) string {
	text := fmt.Sprintf("%s: %s", q.URL[strings.LastIndexByte(q.URL, '/')+1:], q.State)
	if !q.ReadAt.IsZero() {
		text += fmt.Sprintf(", about %d waiting", q.Visible)
	}
	text += fmt.Sprintf(", %d in hand, last message %s", q.InHand, ago(now, q.LastMessage))
	if q.Redrive {
		text += fmt.Sprintf(", redrive after %d receives", q.MaxReceives)
	}
	return text
}

func jobText(now time.Time, j *admin.Job) string {
	text := j.Name + ": "
	switch {
	case !j.RunningSince.IsZero():
		text += "running for " + span(now.Sub(j.RunningSince))
	case j.LastStarted.IsZero():
		text += "has not run yet"
	case j.LastError != "":
		text += "failed " + ago(now, j.LastFinished)
	default:
		text += "done " + ago(now, j.LastFinished)
	}
	if !j.Next.IsZero() {
		text += ", next " + ago(now, j.Next)
	}
	return text
}

// canaryText tells of the canary that came back last; "" where none is sent.
func canaryText(now time.Time, canary *state.Canary) string {
	switch {
	case canary == nil:
		return ""
	case canary.Back.IsZero():
		return ", no canary has come back"
	}
	return fmt.Sprintf(", last canary back %s, after %s", ago(now, canary.Back), span(canary.Back.Sub(canary.Sent)))
}

func pendingText(n int) string {
	if n == 0 {
		return "none pending"
	}
	return fmt.Sprintf("%d pending", n)
}

func alertsText(s *admin.Status) string {
	if s.Outbox.Waiting == 0 {
		return "none waiting"
	}
	return fmt.Sprintf("%d waiting, the oldest since %s", s.Outbox.Waiting, both(s.Now, s.Outbox.Oldest))
}

func bytesText(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%d KiB", (n+1023)>>10)
}
