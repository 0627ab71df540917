package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"rotd/internal/admin"
	"rotd/internal/impact"
	"rotd/internal/usage"
)

// newKeysContentsCommand says what is known to be under a key.
func newKeysContentsCommand(c *cli) *cobra.Command {
	to := ""
	cmd := &cobra.Command{
		Use:   "contents KEY",
		Short: "Say what is known to be under a key, and the commands that move it to another",
		Long: prose("Say what is known to be encrypted under a key: resources that encryption contexts in CloudTrail named "+
			"in the last 400 days; and the exact commands that move each to another key. Nothing is done. KEY is an id, ARN, "+
			"alias or alias ARN.",
			"What cannot be known comes first. Words in capitals in the commands are to be filled in; run them one by one."),
		Args: exactly("a KEY (id, ARN, alias or alias ARN)"),
		RunE: func(cmd *cobra.Command, args []string) error { return c.contents(cmd, args[0], to) },
	}
	cmd.Flags().StringVar(&to, "to", "", "the key to move to; without: "+impact.NewKey+" in the commands")
	return cmd
}

// contents prints what is known to be under a key and how to move it to another, "": not chosen yet.
func (c *cli) contents(cmd *cobra.Command, key, to string) error {
	if err := c.noCSV(); err != nil {
		return err
	}
	client, err := c.client()
	if err != nil {
		return err
	}
	defer client.Close()
	contents, err := client.Contents(cmd.Context(), key, to)
	if err != nil {
		return err
	}
	if c.output != "table" {
		return one(c, listing[*impact.Contents]{schema: admin.SchemaContents, kind: "contents"}, contents)
	}
	c.printContents(contents)
	return nil
}

func (c *cli) printContents(p *impact.Contents) {
	fmt.Fprintf(c.out, "%s  %s\n\n", c.styled(bold, clean(orElse(p.Alias, p.KeyARN))),
		plural(p.Coverage.Resources, "resource known under it", "resources known under it"))
	c.field("ARN", p.KeyARN)
	c.field("to", p.To)
	c.printCoverage(&p.Coverage)
	c.printUnknowns(p.Unknowns)
	for i := range p.Groups {
		c.printGroup(&p.Groups[i])
	}
	c.printApplications(p)
}

// printCoverage says how much of the key's use told what it was about.
func (c *cli) printCoverage(v *impact.Coverage) {
	c.heading("How much is known")
	if v.Calls == 0 {
		c.paragraph("  ", "No event told of any call, so nothing can be said of what is under the key.")
		return
	}
	c.field("calls", fmt.Sprintf("%d since %s", v.Calls, stamp(v.From)))
	share := func(n uint64) string { return fmt.Sprintf("%d (%s)", n, shareText(n, v.Calls)) }
	c.field("named", share(v.Named)+" named a resource of AWS's services")
	if v.Own > 0 {
		c.field("own", share(v.Own)+" had an application's own encryption context")
	}
	if v.Bare > 0 {
		c.field("bare", share(v.Bare)+" had no encryption context: what they encrypted is not known")
	}
	if len(v.Unnamed) > 0 {
		c.field("unnamed", strings.Join(v.Unnamed, ", ")+" used the key and named nothing")
	}
	if v.More {
		c.field("NOTE", fmt.Sprintf("There are more resources than the %d that rotd keeps of a key.", usage.MaxHeld))
	}
}

// printGroup prints a service's resources and the commands for each.
func (c *cli) printGroup(g *impact.Group) {
	now := c.now()
	c.heading(fmt.Sprintf("%s: %s", g.Service, plural(len(g.Items), "resource", "resources")))
	c.paragraph("  ", g.How)
	for _, text := range g.Caveats {
		c.bullet(text)
	}
	for _, item := range g.Items {
		text := "last seen " + ago(now, item.LastHour)
		if item.LastHour.IsZero() {
			text = "a grant is for it"
		}
		if !item.Vouched {
			text += "; only a caller of KMS said so, not the service: check that it is there"
		}
		fmt.Fprintln(c.out)
		c.paragraph("  ", c.styled(bold, clean(item.Value))+" ("+text+")")
		for _, command := range item.Commands {
			fmt.Fprintln(c.out, "    "+clean(command))
		}
	}
}

func (c *cli) printApplications(p *impact.Contents) {
	if len(p.Applications) == 0 {
		return
	}
	type x = usage.Context
	c.heading("Applications' own encryption contexts, by their names")
	printTable(c, c.out, []column[x]{
		{title: "NAMES", flex: true, value: func(x x) string { return orOthers(strings.Join(x.Names, ", ")) }},
		{title: "CALLS", right: true, value: func(x x) string { return strconv.FormatUint(x.Calls, 10) }},
		{title: "VALUES", right: true, value: distinctText},
		{title: "LAST HOUR", value: func(x x) string { return hourText(x.LastHour) }},
	}, p.Applications)
	c.paragraph("  ", "Where their ciphertext lies only they know. Exported as a manifest, rotd moves it:")
	fmt.Fprintf(c.out, "    rotd reencrypt --manifest FILE --from %s --to %s --reason TEXT\n", p.KeyARN, p.To)
}
