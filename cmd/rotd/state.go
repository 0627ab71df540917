package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"rotd/internal/admin"
	"rotd/internal/config"
	"rotd/internal/state"
)

func newStateCommand(c *cli) *cobra.Command {
	return group("state", "The state file: back it up, check, restore, rebuild, compact it", newStateBackupCommand(c),
		newStateCheckCommand(c), newStateRestoreCommand(c), newStateRebuildCommand(c), newStateCompactCommand(c))
}

func newStateCheckCommand(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "check [FILE]",
		Short: "Read everything in the state, or in a copy of it, and say whether it is in order",
		Long: prose(
			"Read every page, entry and record. Without FILE the running daemon checks its own state while it goes on "+
				"working; with FILE a copy, or the state of a daemon that is stopped, is checked without a daemon.",
			"Ends with 1 when something is damaged or cannot be read.",
		),
		Args: atMostOne(),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := c.noCSV(); err != nil {
				return err
			}
			check, err := c.checkState(cmd.Context(), args)
			if err != nil {
				return err
			}
			return c.checked(check)
		},
	}
}

// atMostOne takes one argument or none.
func atMostOne() cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > 1 {
			return wrongUse(cmd, "unexpected argument %q", args[1])
		}
		return nil
	}
}

func (c *cli) checkState(ctx context.Context, args []string) (*admin.StateCheck, error) {
	if len(args) == 1 {
		d, err := state.Inspect(args[0])
		if _, inUse := errors.AsType[*state.LockedError](err); inUse {
			return nil, fmt.Errorf("%s is in use by a daemon, which checks it itself: rotd state check", args[0])
		}
		if state.IsDamaged(err) {
			err = fmt.Errorf("%w\nPut a copy in its place (rotd state restore) or, where there is none, what of it can be "+
				"read: rotd state rebuild %s", err, args[0])
		}
		return &admin.StateCheck{Path: args[0], Description: d}, err
	}
	client, err := c.client()
	if err != nil {
		return nil, err
	}
	defer client.Close()
	return client.CheckState(ctx)
}

func (c *cli) checked(check *admin.StateCheck) error {
	var bad error
	if n := len(check.Unreadable); n > 0 {
		bad = exit(admin.ExitFailed, "%s cannot be decoded: %s", plural(n, "record", "records"),
			strings.Join(check.Unreadable, ", "))
	}
	if c.output != "table" {
		return errors.Join(one(c, listing[*admin.StateCheck]{schema: "rotd.state/1", kind: "state"}, check), bad)
	}
	if bad == nil {
		fmt.Fprintf(c.out, "%s is in order.\n", clean(check.Path))
	} else {
		fmt.Fprintf(c.out, "%s has its pages in order, but not its records.\n", clean(check.Path))
	}
	c.describe(&check.Description)
	if check.Free > 0 {
		c.field("free in it", bytesText(check.Free)+", used again before the file grows")
	}
	return bad
}

// describe prints what a state is.
func (c *cli) describe(d *state.Description) {
	now := c.now()
	c.field("size", bytesText(d.Bytes))
	c.field("shard", d.Shard)
	c.field("schema", fmt.Sprint(d.Schema))
	c.field("holds", fmt.Sprintf("%s, %s, %s", plural(d.Keys, "key", "keys"), plural(d.Findings, "finding", "findings"),
		plural(d.Actions, "action", "actions")))
	c.field("begun", both(now, d.Created))
	c.field("written to", both(now, d.Commits.At)+", commit "+fmt.Sprint(d.Commits.Count))
	if d.Audit.Seq > 0 {
		c.field("audit log", "head "+d.Audit.String())
	}
	if r := d.Restored; r != nil {
		c.field("restored", both(now, r.At)+" from "+r.From)
	}
}

func newStateCompactCommand(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "compact",
		Short: "Make the state file as small as what is in it",
		Long: prose(
			"A state file never shrinks by itself, though what is free in it is used again. rotd compacts it at start "+
				"when at least half of it and 64 MiB are free. This command asks the running daemon to do it at its next start "+
				"in any case; where no daemon runs, it compacts the configured state at once.",
			"The old file stays in use when the new one is not smaller, or anything goes wrong.",
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
			usage, err := client.CompactState(cmd.Context())
			if errors.Is(err, admin.ErrNoDaemon) {
				return c.compactOffline()
			}
			if err != nil {
				return err
			}
			if c.output != "table" {
				return one(c, listing[*state.Usage]{schema: "rotd.compactions/1", kind: "compaction"}, usage)
			}
			c.paragraph("", fmt.Sprintf("The state is compacted at the next start. It has %s now, of which %s are free.",
				bytesText(usage.Bytes), bytesText(usage.Free)))
			return nil
		},
	}
}

// compactOffline compacts the configured state, which nobody uses.
func (c *cli) compactOffline() error {
	cfg, err := config.Load(c.configPath())
	if err != nil {
		return fmt.Errorf("no daemon runs; find the state to compact: %w", err)
	}
	path := cfg.State.Path
	if _, err := state.Inspect(path); err != nil { // opening it would begin a new one, or set a damaged one aside
		return err
	}
	db, err := state.Open(state.Options{Path: path, Shard: cfg.Shard, Now: c.now(), Compact: true})
	if err != nil {
		return err
	}
	done := db.Opened.Compaction
	if err := db.Close(); err != nil {
		return err
	}
	if done.Kept != "" {
		return exit(admin.ExitRefused, "%s is kept as it is: %s", path, done.Kept)
	}
	if c.output != "table" {
		usage := &state.Usage{Bytes: done.After}
		return one(c, listing[*state.Usage]{schema: "rotd.compactions/1", kind: "compaction"}, usage)
	}
	fmt.Fprintf(c.out, "%s is compacted: %s, before it was %s.\n", clean(path), bytesText(done.After),
		bytesText(done.Before))
	return nil
}
