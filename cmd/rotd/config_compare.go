package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"rotd/internal/admin"
	"rotd/internal/config"
	"rotd/internal/cost"
)

func newConfigCompareCommand(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "compare OTHER.yaml",
		Short: "Say what other policies would make of the keys: who moves, how often they rotate, what it costs",
		Long: prose(
			"Compare the policies of rotd.yaml (-c's, $ROTD_CONFIG's, " + defaultConfig + ") with those of OTHER.yaml, over " +
				"the keys that the daemon knows: which change policy, how many rotations and replacements are to come in " +
				"the next 12 months, and what a month costs then, by the price table of OTHER.yaml. It assumes that each " +
				"policy is followed to the letter, whatever the mode. Nothing is changed.",
		),
		Args: exactly("OTHER.yaml, the configuration to compare with"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := c.noCSV(); err != nil {
				return err
			}
			now, err := config.Load(c.configPath(), knownIDs())
			if err != nil {
				return err
			}
			other, err := config.Load(args[0], knownIDs())
			if err != nil {
				return err
			}
			client, err := c.client()
			if err != nil {
				return err
			}
			defer client.Close()
			return c.compare(cmd.Context(), client, now, other)
		},
	}
}

// compared is what the command prints.
type compared struct {
	*cost.Comparison
	Currency string       `json:"currency"`
	Moves    []policyMove `json:"moves"`
	Stale    int          `json:"keys_judged_otherwise_by_the_daemon,omitempty"`
}

type policyMove struct {
	From string `json:"from"` // "": no policy
	To   string `json:"to"`
	Keys int    `json:"keys"`
}

func (c *cli) compare(ctx context.Context, client *admin.Client, now, other *config.Config) error {
	grace := now.Guardrails.OverdueGrace
	result := compared{
		Comparison: cost.NewComparison(other.Prices, now.Policies, other.Policies, c.now(), grace),
		Currency:   other.Prices.Currency, Moves: []policyMove{},
	}
	for q := (admin.KeyQuery{}); ; {
		page, err := client.Keys(ctx, q)
		if err != nil {
			return err
		}
		for i := range page.Items {
			k := &page.Items[i]
			result.Add(&k.Key)
			if p := now.Policies.For(&k.Key); p != nil && p.Name != k.RotationPolicy || p == nil && k.RotationPolicy != "" {
				result.Stale++
			}
		}
		if q.After = page.Next; q.After == "" {
			break
		}
	}
	for move, n := range result.Moved {
		result.Moves = append(result.Moves, policyMove{move.From, move.To, n})
	}
	slices.SortFunc(result.Moves, func(a, b policyMove) int {
		return cmp.Or(cmp.Compare(b.Keys, a.Keys), cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To))
	})
	if result.Stale > 0 {
		hint(c.err, "%s under another policy in the daemon: rotd.yaml has changed since it was read, or a laxer policy "+
			"waits to be accepted (rotd findings list --rule key-policy-assignment-changed).",
			plural(result.Stale, "key is", "keys are"))
	}
	if c.output != "table" {
		return one(c, listing[compared]{schema: "rotd.comparison/1", kind: "comparison"}, result)
	}
	c.printComparison(&result)
	return nil
}

func (c *cli) printComparison(r *compared) {
	fmt.Fprintf(c.out, "%s compared. Of %s something else would be asked.\n", plural(r.Keys, "key", "keys"),
		plural(r.Asked, "key", "keys"))
	if len(r.Moves) > 0 {
		c.heading("Keys that change policy")
		printTable(c, c.out, []column[policyMove]{
			{title: "KEYS", value: func(m policyMove) string { return fmt.Sprint(m.Keys) }, right: true},
			{title: "FROM", value: func(m policyMove) string { return orElse(m.From, "(no policy)") }},
			{title: "TO", value: func(m policyMove) string { return orElse(m.To, "(no policy)") }},
		}, r.Moves)
	}
	c.heading("In the next 12 months, if the policies are followed")
	type line struct{ what, now, then, change string }
	rows := []line{
		count("rotations", r.Current.Rotations, r.Other.Rotations),
		count("replacements (new keys)", r.Current.Replacements, r.Other.Replacements),
		{
			"cost of a month then, " + r.Currency, r.Current.Then.String(), r.Other.Then.String(),
			signed(r.Other.Then - r.Current.Then),
		},
	}
	printTable(c, c.out, []column[line]{
		{title: "TO COME", value: func(l line) string { return l.what }},
		{title: "NOW", value: func(l line) string { return l.now }, right: true},
		{title: "OTHER", value: func(l line) string { return l.then }, right: true},
		{title: "CHANGE", value: func(l line) string { return l.change }, right: true},
	}, rows)
	fmt.Fprintf(c.out, "A month costs %s %s today.\n", r.Other.Now, r.Currency)
	if len(r.By) > 1 {
		c.heading("By policy of the other file")
		names := slices.Sorted(maps.Keys(r.By))
		printTable(c, c.out, []column[string]{
			{title: "POLICY", value: func(name string) string { return orElse(name, "(no policy)") }},
			{title: "ROTATIONS", value: func(name string) string { return fmt.Sprint(r.By[name].Rotations) }, right: true},
			{title: "MONTH NOW", value: func(name string) string { return r.By[name].Now.String() }, right: true},
			{title: "THEN", value: func(name string) string { return r.By[name].Then.String() }, right: true},
		}, names)
	}
}

func count(what string, now, then int) struct{ what, now, then, change string } {
	return struct{ what, now, then, change string }{what, fmt.Sprint(now), fmt.Sprint(then), fmt.Sprintf("%+d", then-now)}
}

func signed(m cost.Money) string {
	if m > 0 {
		return "+" + m.String()
	}
	return m.String()
}
