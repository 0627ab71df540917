package main

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"rotd/internal/policy"
)

func newConfigExplainCommand(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "explain KEY",
		Short: "Say which policy counts for a key, why, and where each value comes from",
		Long: prose(
			"Say which policy counts for a key: which were tried and why each did not match, every value of the one that " +
				"does with its line in rotd.yaml or what it follows from, the exceptions that name the key, its owner and " +
				"custodian. KEY is an id, ARN, alias or alias ARN. Asks the daemon, which knows the key: lines are those of " +
				"the rotd.yaml that it loaded.",
		),
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
			e, err := client.Explain(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if c.output != "table" {
				return one(c, listing[*policy.Explanation]{schema: "rotd.explanations/1", kind: "explanation"}, e)
			}
			c.printExplanation(e)
			return nil
		},
	}
}

// printExplanation prints which policy counts for a key, and why.
func (c *cli) printExplanation(e *policy.Explanation) {
	now := c.now()
	fmt.Fprintf(c.out, "%s\n\n", c.styled(bold, clean(e.Name)))
	c.field("ARN", e.KeyARN)
	c.field("policy", orElse(e.Policy, "none"))
	for _, text := range movedTexts(now, e.Assignment) {
		c.field("moved", text)
	}
	c.field("owner", tagText(e.Owner))
	c.field("custodian", tagText(e.Custodian))
	if len(e.Tried) > 0 {
		c.heading("Policies tried")
	}
	for _, t := range e.Tried {
		c.labelled(widest(e.Tried, func(t policy.Tried) string { return t.Policy }), t.Policy, triedText(&t))
	}
	if len(e.Values) > 0 {
		c.heading("Policy " + clean(e.Policy))
	}
	for _, v := range e.Values {
		c.labelled(widest(e.Values, func(v policy.Value) string { return v.Name }), v.Name, valueText(&v))
	}
	c.printExceptions(now, e.Exceptions)
}

// widest is how wide labels must be for all of some rows.
func widest[T any](rows []T, label func(T) string) int {
	width := labelWidth
	for _, row := range rows {
		width = max(width, utf8.RuneCountInString(label(row))+2)
	}
	return min(width, 2*labelWidth)
}

func triedText(t *policy.Tried) string {
	if t.Miss == nil {
		return "matches" + lineText(t.Line)
	}
	if excluded, ok := strings.CutPrefix(t.Miss.Field, "exclude."); ok {
		return fmt.Sprintf("leaves out %s %s, and the key has %s%s", excluded, t.Miss.Want, t.Miss.Has, lineText(t.Line))
	}
	return fmt.Sprintf("wants %s %s, and the key has %s%s", t.Miss.Field, t.Miss.Want, t.Miss.Has, lineText(t.Line))
}

func valueText(v *policy.Value) string {
	if v.From == "rotd.yaml" {
		return v.Value + lineText(v.Line)
	}
	return v.Value + " · " + v.From + lineText(v.Line)
}

func lineText(line int) string {
	if line == 0 {
		return ""
	}
	return fmt.Sprintf(" · line %d", line)
}

// printExceptions prints the exceptions that name a key.
func (c *cli) printExceptions(now time.Time, exceptions []policy.Applied) {
	if len(exceptions) > 0 {
		c.heading("Exceptions")
	}
	for _, x := range exceptions {
		c.labelled(widest(exceptions, func(x policy.Applied) string { return x.Name }), x.Name, exceptionText(now, &x))
	}
}

func exceptionText(now time.Time, x *policy.Applied) string {
	from := "every rotation-* check"
	if len(x.Checks) > 0 {
		from = strings.Join(x.Checks, ", ")
	}
	text := fmt.Sprintf("from %s until %s", from, both(now, x.Expires))
	switch x.Standing {
	case policy.InForce:
	case policy.Expired:
		text = fmt.Sprintf("expired %s: it was from %s", both(now, x.Expires), from)
	case policy.Waiting:
		text += "; counts only when somebody acknowledges how the key came under it"
	}
	text += ": " + x.Reason + ". Asked for by " + x.Author
	if x.Approver != "" {
		text += ", allowed by " + x.Approver
	}
	return text + lineText(x.Line)
}

// movedTexts say how a tag or alias change moved the key, and what follows from it.
func movedTexts(now time.Time, a *policy.Assignment) []string {
	if a == nil {
		return nil
	}
	var texts []string
	if p := a.Pending; p != nil {
		texts = append(texts, fmt.Sprintf("by %s, seen %s. That is laxer: %s. It counts only when somebody acknowledges the "+
			"finding: then %s.", strings.Join(p.Changed, ", "), both(now, p.Since), strings.Join(p.Laxer, "; "), movedTo(p)))
	}
	if now.Before(a.Hold) {
		texts = append(texts, fmt.Sprintf("to this stricter policy by a tag or alias change; what is automatic awaits "+
			"approval until %s", both(now, a.Hold)))
	}
	return texts
}

func movedTo(p *policy.Pending) string {
	if p.Policy == "" {
		return "no policy counts"
	}
	return "policy " + p.Policy + " counts"
}

func tagText(t policy.Tag) string {
	if t.Value == "" {
		return ""
	}
	return fmt.Sprintf("%s (tag %s)", t.Value, t.Tag)
}
