package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"rotd/internal/admin"
	"rotd/internal/history"
	"rotd/internal/inventory"
)

// showAsOf prints a key as it was.
func (c *cli) showAsOf(ctx context.Context, client *admin.Client, key string, f *historyFlags) error {
	if err := c.noCSV(); err != nil {
		return err
	}
	at, err := f.instant(c.now(), "as-of", f.asOf)
	if err != nil {
		return err
	}
	past, err := client.AsOf(ctx, key, at)
	if err != nil {
		return err
	}
	if c.output == "table" {
		c.printPast(past)
		return nil
	}
	return one(c, listing[*history.Past]{schema: "rotd.key-as-of/1", kind: "key-as-of"}, past)
}

func (c *cli) printPast(p *history.Past) {
	k := &p.Key
	fmt.Fprintf(c.out, "%s  %s  as rotd knew it at %s\n\n", c.styled(bold, clean(k.Name())), pastState(k), stamp(p.AsOf))
	c.field("ARN", k.ARN)
	c.field("aliases", strings.Join(k.Aliases, ", "))
	c.field("description", k.Description)
	c.field("kind", keyKind(k))
	c.field("tags", tagsText(k.Tags))
	c.field("created", stamp(k.Created))
	if k.DeletionDate != nil {
		c.field("deleted on", stamp(*k.DeletionDate))
	}
	if k.ValidTo != nil {
		c.field("expires", stamp(*k.ValidTo))
	}
	if k.Grants != nil {
		c.field("grants", fmt.Sprint(k.Grants.Count))
	}
	if len(k.Denied) > 0 {
		c.field("refused", "KMS did not let rotd see "+strings.Join(k.Denied, ", "))
	}
	c.heading("Rotation, ages as of then")
	c.printRotation(p.AsOf, k, nil)
	if k.Policy != "" {
		c.heading("Key policy")
		for line := range strings.Lines(laidOut(k.Policy)) {
			fmt.Fprintln(c.out, "  "+clean(strings.TrimSuffix(line, "\n")))
		}
	}
	c.heading("What is not known")
	for _, d := range p.Doubts {
		c.doubt(&d)
	}
	for _, d := range p.Unknown {
		c.doubt(&d)
	}
	c.paragraph("  ", "Not kept: the next rotation's date, the last use, findings. Grants count from when rotd "+
		"first listed them. Nothing is known of before "+stamp(p.Known)+".")
}

func (c *cli) doubt(d *history.Doubt) { c.field(string(d.Fact), d.Why) }

func pastState(k *inventory.Key) string {
	switch {
	case k.GoneAt != nil:
		return "gone"
	case k.State == "":
		return "state unknown"
	}
	return k.State
}

// laidOut is a key policy with one value a line; what is no JSON stays as it is.
func laidOut(policy string) string {
	value := jsontext.Value(policy)
	if err := value.Indent(jsontext.WithIndent("  ")); err != nil {
		return policy
	}
	return string(value)
}
