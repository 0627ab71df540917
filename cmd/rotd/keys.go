package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rotd/internal/admin"
	"rotd/internal/inventory"
)

func newKeysCommand(c *cli) *cobra.Command {
	return group("keys", "The keys rotd looks after", newKeysListCommand(c), newKeysShowCommand(c),
		newKeysExplainCommand(c), newKeysUsageCommand(c), newKeysImpactCommand(c), newKeysContentsCommand(c))
}

// keyListing is how keys are shown.
func keyListing(now time.Time) listing[admin.Key] {
	type k = admin.Key
	timeOf := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.UTC().Format(time.RFC3339)
	}
	return listing[k]{
		schema: admin.SchemaKeys, kind: "key", none: "No keys.",
		columns: []column[k]{
			{title: "KEY", name: "key", flex: true, value: func(x k) string { return x.Name() }},
			{
				title: "STATE", name: "state", value: keyState, raw: func(x k) string { return x.State },
				style: func(x k) style {
					if x.State != "Enabled" {
						return yellow
					}
					return plain
				},
			},
			{title: "ROTATION", value: rotationText},
			{title: "MATERIAL", value: func(x k) string { return materialAge(now, &x.Key) }},
			{title: "OPEN", value: openText, style: func(x k) style {
				if x.Worst == nil {
					return plain
				}
				return severityStyle(*x.Worst)
			}},
			{title: "ARN", name: "arn", below: true, value: func(x k) string { return x.ARN }},
			{name: "region", value: func(x k) string { return x.Region }},
			{name: "account", value: func(x k) string { return x.Account }},
			{name: "aliases", value: func(x k) string { return strings.Join(x.Aliases, " ") }},
			{name: "spec", value: func(x k) string { return x.Spec }},
			{name: "usage", value: func(x k) string { return x.Usage }},
			{name: "origin", value: func(x k) string { return x.Origin }},
			{name: "manager", value: func(x k) string { return x.Manager }},
			{name: "multi_region", value: func(x k) string { return x.MultiRegion }},
			{name: "rotation_policy", value: func(x k) string { return x.RotationPolicy }},
			{name: "owner", value: func(x k) string { return x.Owner }},
			{name: "custodian", value: func(x k) string { return x.Custodian }},
			{name: "eligible", value: func(x k) string { return string(x.Eligible.Kind) }},
			{name: "rotation_enabled", value: func(x k) string {
				if x.Rotation == nil {
					return ""
				}
				return strconv.FormatBool(x.Rotation.Enabled)
			}},
			{name: "period_days", value: func(x k) string {
				if x.Rotation == nil || x.Rotation.PeriodDays == 0 {
					return ""
				}
				return strconv.Itoa(x.Rotation.PeriodDays)
			}},
			{name: "last_rotated", value: func(x k) string {
				at, ever := x.LastRotated()
				if !ever {
					return ""
				}
				return timeOf(at)
			}},
			{name: "created", value: func(x k) string { return timeOf(x.Created) }},
			{name: "on_demand_left", value: func(x k) string {
				if x.OnDemandLeft == nil {
					return ""
				}
				return strconv.Itoa(*x.OnDemandLeft)
			}},
			{name: "last_use", value: func(x k) string { return timeOf(x.LastUse) }},
			{name: "open_findings", value: func(x k) string { return strconv.Itoa(x.OpenFindings) }},
			{name: "read_at", value: func(x k) string { return timeOf(x.ReadAt) }},
		},
	}
}

func keyState(k admin.Key) string {
	if k.GoneAt != nil {
		return "gone"
	}
	return k.State
}

// rotationText is a key's schedule in a few characters.
func rotationText(k admin.Key) string {
	switch {
	case k.Rotation == nil && k.WasDenied("GetKeyRotationStatus"):
		return "unknown"
	case k.Rotation == nil || !k.Eligible.Automatic && k.Eligible.Kind != "not-now":
		return string(k.Eligible.Kind)
	case !k.Rotation.Enabled:
		return "off"
	}
	return fmt.Sprintf("%dd", k.Rotation.PeriodDays)
}

func materialAge(now time.Time, k *inventory.Key) string {
	at, _ := k.LastRotated()
	if at.IsZero() {
		return "-"
	}
	return span(now.Sub(at))
}

func openText(k admin.Key) string {
	if k.OpenFindings == 0 || k.Worst == nil {
		return "-"
	}
	return fmt.Sprintf("%d, worst %s", k.OpenFindings, k.Worst)
}

func newKeysListCommand(c *cli) *cobra.Command {
	var flags listFlags
	var q admin.KeyQuery
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List keys with their schedule, the age of their material and what is open about them",
		Args:  exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := c.client()
			if err != nil {
				return err
			}
			defer client.Close()
			return list(c, keyListing(c.now()), flags, func(r admin.Range) (*admin.Page[admin.Key], error) {
				q.Range = r
				return client.Keys(cmd.Context(), q)
			})
		},
	}
	flags.add(cmd)
	f := cmd.Flags()
	f.StringVar(&q.Search, "search", "", "part of an alias, id, ARN or description")
	f.StringVar(&q.State, "state", "", "in this state: Enabled, Disabled, PendingDeletion…")
	f.StringVar(&q.Policy, "policy", "", "under this rotation policy")
	f.StringVar(&q.Account, "account", "", "in this account")
	f.StringVar(&q.Region, "region", "", "in this Region")
	return cmd
}

func newKeysShowCommand(c *cli) *cobra.Command {
	var flags historyFlags
	cmd := &cobra.Command{
		Use:   "show KEY",
		Short: "Show one key whole: what it is, how it rotates, what is open about it, what it was",
		Long: prose("Show one key whole. KEY is an id, ARN, alias or alias ARN.",
			"--history shows what changed, when, and who changed it; --as-of shows the key as it was."),
		Args: exactly("a KEY (id, ARN, alias or alias ARN)"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := flags.check(); err != nil {
				return err
			}
			client, err := c.client()
			if err != nil {
				return err
			}
			defer client.Close()
			switch {
			case flags.history:
				return c.showHistory(cmd.Context(), client, args[0], &flags)
			case flags.asOf != "":
				return c.showAsOf(cmd.Context(), client, args[0], &flags)
			}
			k, err := client.Key(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			switch c.output {
			case "table":
				c.printKey(k)
				return nil
			case "csv":
				return one(c, keyListing(c.now()), k.Key)
			}
			return one(c, listing[*admin.KeyDetail]{schema: admin.SchemaKeys, kind: "key"}, k)
		},
	}
	flags.add(cmd)
	return cmd
}

func (c *cli) printKey(k *admin.KeyDetail) {
	now := c.now()
	fmt.Fprintf(c.out, "%s  %s\n\n", c.styled(bold, clean(k.Name())), keyState(k.Key))
	c.field("ARN", k.ARN)
	c.field("aliases", strings.Join(k.Aliases, ", "))
	c.field("description", k.Description)
	c.field("kind", keyKind(&k.Key.Key))
	c.field("tags", tagsText(k.Tags))
	c.field("created", both(now, k.Created))
	if k.DeletionDate != nil {
		c.field("deleted on", both(now, *k.DeletionDate))
	}
	if k.ValidTo != nil {
		c.field("expires", both(now, *k.ValidTo))
	}
	c.field("last use", lastUseText(now, k.LastUse))
	policy := k.RotationPolicy
	if policy == "" {
		policy = "none matches this key"
	}
	c.field("policy", policy)
	for _, text := range movedTexts(now, k.Assignment) {
		c.field("moved", text)
	}
	c.field("owner", k.Owner)
	c.field("custodian", k.Custodian)
	if l := k.Lineage; l != nil {
		c.field("replaces", l.Replaces)
		if l.ReplacedBy != "" {
			c.field("replaced by", l.ReplacedBy+", "+both(now, l.At)+"; who still uses it: rotd keys usage "+argument(k.ID))
		}
	}
	c.field("read", readText(now, &k.Key.Key))

	c.heading("Rotation")
	c.printRotation(now, &k.Key.Key, k.OnDemandLeft)
	c.field("eligible", strings.TrimSpace(k.Eligible.Reason+" "+k.Eligible.Instead))
	c.printExceptions(now, k.Exceptions)
	c.printMoves(now, k)
	if len(k.Findings) > 0 {
		c.heading("Open findings")
		printTable(c, c.out, findingListing(now).columns, k.Findings)
	}
	if len(k.Actions) > 0 {
		c.heading("Latest actions")
		printTable(c, c.out, actionListing(now).columns, k.Actions)
	}
}

// printRotation prints a key's schedule and history.
func (c *cli) printRotation(now time.Time, k *inventory.Key, left *int) {
	r := k.Rotation
	if r == nil {
		c.field("schedule", "none that could be read")
		return
	}
	c.field("schedule", scheduleText(now, r))
	c.field("last rotated", lastRotatedText(now, k))
	if r.InProgress != nil {
		c.field("in progress", "since "+both(now, *r.InProgress))
	}
	if left != nil {
		c.field("on demand", fmt.Sprintf("%d of %d left in the key's life", *left, inventory.OnDemandLimit))
	}
	c.field("material", k.CurrentMaterial)
	if n := len(r.History); n > 0 {
		var past []string
		for _, h := range slices.Backward(r.History) {
			if len(past) == 5 {
				past = append(past, fmt.Sprintf("and %d earlier", n-5))
				break
			}
			kind := strings.ToLower(strings.ReplaceAll(h.Type, "_", " "))
			past = append(past, h.At.UTC().Format(time.DateOnly)+" "+kind)
		}
		c.field("history", strings.Join(past, ", "))
	}
}

func scheduleText(now time.Time, r *inventory.Rotation) string {
	if !r.Enabled {
		return "off"
	}
	text := fmt.Sprintf("every %d days", r.PeriodDays)
	if r.Next != nil {
		text += ", next " + both(now, *r.Next)
	}
	return text
}

func lastRotatedText(now time.Time, k *inventory.Key) string {
	at, ever := k.LastRotated()
	if !ever {
		return "never, since its creation " + both(now, at)
	}
	return both(now, at)
}

func lastUseText(now, at time.Time) string {
	if at.IsZero() {
		return "none seen in events"
	}
	return both(now, at) + ", as far as events tell"
}

func keyKind(k *inventory.Key) string {
	parts := []string{k.Spec, k.Usage, "origin " + k.Origin}
	if k.Manager == "AWS" {
		parts = append(parts, "AWS managed")
	}
	switch k.MultiRegion {
	case "PRIMARY":
		parts = append(parts, "multi-Region primary with "+plural(len(k.ReplicaARNs), "replica", "replicas"))
	case "REPLICA":
		parts = append(parts, "replica of "+k.PrimaryARN)
	}
	return strings.Join(parts, ", ")
}

func tagsText(tags map[string]string) string {
	var all []string
	for name, value := range tags {
		all = append(all, clean(name)+"="+clean(value))
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

func readText(now time.Time, k *inventory.Key) string {
	text := both(now, k.ReadAt)
	if len(k.Denied) > 0 {
		text += "; KMS refused " + strings.Join(k.Denied, ", ")
	}
	if !k.RefusedAt.IsZero() {
		text += ", last asked " + both(now, k.RefusedAt)
	}
	return text
}
