package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"rotd/internal/admin"
	"rotd/internal/impact"
)

func newKeysImpactCommand(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "impact KEY",
		Short: "Say whom a measure against a key would hit, and until when it can be undone",
		Long: prose("Say who used a key in the last 24 hours, 7 days and 30 days, what each measure of containment would "+
			"break, until when that can be undone, and how. Nothing is done. KEY is an id, ARN, alias or alias ARN.",
			"What cannot be known comes first. -o json has all principals and grants."),
		Args: exactly("a KEY (id, ARN, alias or alias ARN)"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := c.noCSV(); err != nil {
				return err
			}
			client, err := c.client()
			if err != nil {
				return err
			}
			defer client.Close()
			a, err := client.Impact(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if c.output != "table" {
				return one(c, listing[*impact.Assessment]{schema: admin.SchemaImpact, kind: "impact"}, a)
			}
			c.printImpact(a)
			return nil
		},
	}
}

// printImpact prints an assessment: what is not known, who used the key, what each measure breaks.
func (c *cli) printImpact(a *impact.Assessment) {
	c.printWorth(a)
	c.printMeasures(a)
}

// printWorth prints what a key is to whom.
func (c *cli) printWorth(a *impact.Assessment) {
	now := c.now()
	fmt.Fprintf(c.out, "%s  %s\n\n", c.styled(bold, clean(orElse(a.Alias, a.KeyARN))), clean(a.State))
	c.field("ARN", a.KeyARN)
	c.field("watched", "since "+both(now, a.WatchedSince))
	if a.Protected {
		c.field("protected", "nothing automatic touches this key")
	}
	if a.DeletionDate != nil {
		c.field("deleted on", both(now, *a.DeletionDate)+": what is under it is lost then")
	}
	c.field("related", strings.Join(a.Related, " "))
	c.printUnknowns(a.Unknowns)
	c.printUsers(a)
	c.printReach(a)
	c.printGrants(a)
	if len(a.Findings) > 0 {
		c.heading("Open findings")
		for _, f := range a.Findings {
			c.labelled(labelWidth, f.Severity.String(), fmt.Sprintf("%s, %s (%s)", f.Title, ago(now, f.LastSeen), f.ID))
		}
	}
}

func (c *cli) printUnknowns(all []string) {
	c.heading("What is not known")
	for _, text := range all {
		c.bullet(text)
	}
}

// bullet prints a sentence of a list.
func (c *cli) bullet(text string) {
	for i, line := range wrap(text, c.columns()-4) {
		fmt.Fprintln(c.out, map[bool]string{true: "  - ", false: "    "}[i == 0]+line)
	}
}

func (c *cli) printUsers(a *impact.Assessment) {
	type p = impact.Principal
	type w = impact.Window
	now, count := c.now(), func(n uint64) string { return strconv.FormatUint(n, 10) }
	c.heading("Who used it")
	printTable(c, c.out, []column[w]{
		{title: "IN THE LAST", value: func(x w) string { return x.Name }},
		{title: "CALLS", right: true, value: func(x w) string { return count(x.Calls) }},
		{title: "PRINCIPALS", right: true, value: func(x w) string { return strconv.Itoa(x.Principals) }},
	}, a.Windows)
	if len(a.Principals) == 0 {
		return
	}
	fmt.Fprintln(c.out)
	shown := a.Principals[:min(len(a.Principals), mostShown)]
	printTable(c, c.out, []column[p]{
		{title: "PRINCIPAL", flex: true, value: func(x p) string { return shortPrincipal(x.ARN) }},
		{title: "24H", right: true, value: func(x p) string { return count(x.Calls24h) }},
		{title: "7D", right: true, value: func(x p) string { return count(x.Calls7d) }},
		{title: "30D", right: true, value: func(x p) string { return count(x.Calls30d) }},
		{title: "LAST", value: func(x p) string { return ago(now, x.LastUse) }},
		{title: "THROUGH", below: true, value: func(x p) string { return throughText(&x) }},
	}, shown)
	if more := len(a.Principals) - len(shown); more > 0 {
		hint(c.err, "%d more principals: -o json has all.", more)
	}
	if a.Others > 0 {
		c.paragraph("  ", fmt.Sprintf("and %d calls by principals that rotd has no room for", a.Others))
	}
	c.heading("From where")
	var from []string
	for _, n := range a.Networks[:min(len(a.Networks), mostShown)] {
		from = append(from, fmt.Sprintf("%s (%d)", n.Prefix, n.Principals))
	}
	if more := len(a.Networks) - mostShown; more > 0 {
		from = append(from, fmt.Sprintf("and %d more", more))
	}
	c.field("networks", orElse(strings.Join(from, ", "), "none: AWS services called"))
}

// throughText says how a principal calls.
func throughText(p *impact.Principal) string {
	how := p.Services
	if p.Itself {
		how = append([]string{"itself"}, how...)
	}
	text := strings.Join(how, ", ")
	if p.Account != "" {
		text += ", from account " + p.Account
	}
	if len(p.Grants) > 0 {
		text += ", has " + plural(len(p.Grants), "grant", "grants")
	}
	return text
}

func (c *cli) printReach(a *impact.Assessment) {
	if len(a.Services) > 0 {
		type s = impact.ServiceUse
		c.heading("AWS services")
		now := c.now()
		printTable(c, c.out, []column[s]{
			{title: "SERVICE", flex: true, value: func(x s) string { return x.Name }},
			{title: "30D", right: true, value: func(x s) string { return strconv.FormatUint(x.Calls, 10) }},
			{title: "LAST", value: func(x s) string { return ago(now, x.LastHour) }},
			{title: "GRANTS", right: true, value: func(x s) string { return strconv.Itoa(x.Grants) }},
			{title: "HOLDS", flex: true, value: func(x s) string { return holdsText(&x) }},
		}, a.Services)
	}
	if len(a.Accounts) == 0 {
		return
	}
	c.heading("Other accounts")
	for _, one := range a.Accounts {
		text := strings.Join(one.How, ", ")
		if one.Calls > 0 {
			text += fmt.Sprintf(" (%d calls in 30 days)", one.Calls)
		}
		c.field(map[bool]string{true: "everybody", false: clean(one.ID)}[one.ID == "*"], text)
	}
}

func holdsText(s *impact.ServiceUse) string {
	if s.Resources == 0 {
		return "-"
	}
	text := strings.Join(s.Examples, ", ")
	if more := s.Resources - len(s.Examples); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

func (c *cli) printGrants(a *impact.Assessment) {
	if a.GrantCount == 0 {
		return
	}
	type g = impact.Grant
	now := c.now()
	c.heading("Grants")
	shown := a.Grants[:min(len(a.Grants), mostShown)]
	printTable(c, c.out, []column[g]{
		{title: "GRANTEE", flex: true, value: func(x g) string { return shortPrincipal(x.Grantee) }},
		{title: "LAST USE", value: func(x g) string { return ago(now, x.LastUse) }},
		{title: "ID", flex: true, value: func(x g) string { return x.ID }},
		{title: "MAY", below: true, value: func(x g) string { return strings.Join(x.Operations, ", ") }},
	}, shown)
	if more := a.GrantCount - len(shown); more > 0 {
		hint(c.err, "%d more grants: -o json has the first %d.", more, len(a.Grants))
	}
}

// measureName is what people call a measure.
func measureName(m *impact.Measure) string {
	switch m.Kind {
	case impact.CancelDeletion:
		return "Cancel the deletion"
	case impact.Enable:
		return "Enable the key"
	case impact.RevokeGrant:
		return "Revoke one grant"
	case impact.RevokeGrants:
		return "Revoke all grants"
	case impact.RetireAlias:
		return "Retire " + clean(m.Subject)
	case impact.Disable:
		return "Disable the key"
	}
	return string(m.Kind)
}

// printMeasures prints what each measure breaks.
func (c *cli) printMeasures(a *impact.Assessment) {
	if a.Down != nil {
		c.heading("Broken already, at least since " + both(c.now(), a.Down.Since))
		for i := range a.Down.Breaks {
			c.printBreak(&a.Down.Breaks[i])
		}
		if len(a.Down.Breaks) == 0 {
			c.paragraph("  ", "Nothing that rotd knows of.")
		}
	}
	c.heading("What each measure breaks")
	if len(a.Measures) == 0 {
		c.paragraph("  ", "No measure can be taken against this key: AWS manages it, or KMS no longer knows it.")
	}
	grants := 0
	for i := range a.Measures {
		m := &a.Measures[i]
		if m.Kind != impact.RevokeGrant {
			c.printMeasure(m, i > 0)
			continue
		}
		if grants++; grants == 1 {
			c.printGrantMeasures(a.Measures[i:])
		}
	}
}

// printGrantMeasures prints the revocations of single grants, with which measures begins: what they share once.
func (c *cli) printGrantMeasures(measures []impact.Measure) {
	end := slices.IndexFunc(measures, func(m impact.Measure) bool { return m.Kind != impact.RevokeGrant })
	if end < 0 {
		end = len(measures)
	}
	first := &measures[0]
	fmt.Fprintf(c.out, "\n  %s  %s\n", c.styled(bold, "Revoke one grant"), c.styled(red, "IRREVERSIBLE"))
	c.indented("", first.Why)
	for _, text := range first.Warnings {
		c.indented("note", text)
	}
	c.indented("for good", first.Breaks[0].NoReturn)
	for i := range measures[:min(end, mostShown)] {
		m := &measures[i]
		b := m.Breaks[0]
		b.NoReturn = ""
		c.printBreak(&b)
		c.indented("by hand", m.Command)
	}
	if more := end - mostShown; more > 0 {
		hint(c.err, "%d more grants: -o json has what revoking them breaks.", more)
	}
}

func (c *cli) printMeasure(m *impact.Measure, apart bool) {
	tags := ""
	if !m.Applies {
		tags = "  (not now)"
	}
	if m.Irreversible {
		tags += "  " + c.styled(red, "IRREVERSIBLE")
	}
	if at, ok := m.FirstNoReturn(); ok {
		tags += "  " + c.styled(red, "partly for good from "+both(c.now(), at))
	}
	if apart {
		fmt.Fprintln(c.out)
	}
	fmt.Fprintln(c.out, "  "+c.styled(bold, measureName(m))+tags)
	c.indented("", m.Why)
	if !m.Applies {
		return
	}
	for _, text := range m.Warnings {
		c.indented("note", text)
	}
	switch {
	case m.Kind == impact.RevokeGrants:
		c.indented("breaks", "all that revoking each breaks, see above")
	case len(m.Breaks) == 0 && (m.Kind == impact.CancelDeletion || m.Kind == impact.Enable):
		c.indented("breaks", "nothing")
	case len(m.Breaks) == 0:
		c.indented("breaks", "nothing that rotd knows of; what is not known stands above")
	default:
		for i := range m.Breaks {
			c.printBreak(&m.Breaks[i])
		}
	}
	c.indented("undo", m.Undo)
	c.indented("by hand", m.Command)
}

// indented is field, further in. Commands stay whole, so that they can be copied.
func (c *cli) indented(label, text string) {
	if text == "" {
		return
	}
	if strings.HasPrefix(text, "aws ") {
		fmt.Fprintf(c.out, "    %s%s\n", c.styled(dim, fmt.Sprintf("%-11s", label)), clean(text))
		return
	}
	width := c.columns() - 15
	for i, line := range wrap(text, width) {
		if i > 0 {
			label = ""
		}
		fmt.Fprintln(c.out, strings.TrimRight("    "+c.styled(dim, fmt.Sprintf("%-11s", label))+line, " "))
	}
}

func (c *cli) printBreak(b *impact.Break) {
	who := strings.Split(b.Who, ", ")
	for i := range who {
		who[i] = shortPrincipal(who[i])
	}
	c.indented("breaks", strings.Join(who, ", ")+": "+b.What)
	c.indented("because", b.Evidence)
	switch {
	case b.NoReturn != "" && !b.NoReturnAt.IsZero():
		c.indented("for good", "from "+both(c.now(), b.NoReturnAt)+": "+b.NoReturn)
	default:
		c.indented("for good", b.NoReturn)
	}
	c.indented("recovers", b.Recovers)
	c.indented("see", b.Source)
}
