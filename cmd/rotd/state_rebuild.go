package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"rotd/internal/admin"
	"rotd/internal/state"
)

func newStateRebuildCommand(c *cli) *cobra.Command {
	var to string
	var force bool
	cmd := &cobra.Command{
		Use:   "rebuild [FILE]",
		Short: "Make a new state of what can be read of a damaged one; the daemon must be stopped",
		Long: prose(
			"For a state that is damaged and has no copy: what can be read of FILE (default: the configured state) is taken "+
				"over entry by entry, each whole or not at all, into a new state that is verified and put in the place of the "+
				"configured one. The state that was there is kept beside it. One that was written to after FILE is replaced "+
				"with --force only: the new one that the daemon began, for example.",
			"What was saved and what was lost is said by bucket. Where there is a copy, `rotd state restore` is better.",
			"On the rebuilt state nothing automatic happens before a complete inventory and `rotd resume`.",
		),
		Args: atMostOne(),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := c.noCSV(); err != nil {
				return err
			}
			r := state.Restoring{
				Path: to, Now: c.now(), Force: force,
				By: admin.Peer{UID: uint32(os.Getuid())}.Requester(), //nolint:gosec // the system's user ids fit
			}
			if err := c.restoreTo(&r); err != nil {
				return err
			}
			damaged := r.Path
			if len(args) == 1 {
				damaged = args[0]
			}
			done, err := state.Rebuild(damaged, r)
			return c.rebuilt(damaged, r.Path, done, err)
		},
	}
	cmd.Flags().StringVar(&to, "to", "", "the state file (default: the configuration's state.path)")
	cmd.Flags().BoolVar(&force, "force", false, "also over a state that is newer than the damaged one")
	return cmd
}

func (c *cli) rebuilt(damaged, path string, done *state.Rebuilt, err error) error {
	if whole, ok := errors.AsType[*state.InOrderError](err); ok {
		if n := len(whole.Damaged); n > 0 {
			return exit(admin.ExitRefused, "%w: rotd state rebuild %s", whole, whole.Damaged[n-1])
		}
		return &exitError{status: admin.ExitRefused, err: whole}
	}
	if newer, ok := errors.AsType[*state.NewerStateError](err); ok {
		return &exitError{status: admin.ExitRefused, err: newer}
	}
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: of a state that is gone nothing can be rebuilt; restore a copy, or start the daemon, which "+
			"begins a new one", err)
	}
	if err != nil {
		return err
	}
	if c.output != "table" {
		return one(c, listing[*state.Rebuilt]{schema: "rotd.rebuildings/1", kind: "rebuilding"}, done)
	}
	fmt.Fprintf(c.out, "%s is rebuilt from what could be read of %s.\n", clean(path), clean(damaged))
	c.describe(&done.Description)
	c.field("set aside", done.SetAside)
	fmt.Fprintln(c.out)
	printTable(c, c.out, []column[state.Saved]{
		{title: "BUCKET", value: func(s state.Saved) string { return s.Bucket }},
		{title: "SAVED", right: true, value: func(s state.Saved) string { return fmt.Sprint(s.Saved) }},
		{title: "LOST", flex: true, value: func(s state.Saved) string { return orElse(s.Loss(), "-") }},
	}, done.Buckets)
	fmt.Fprintln(c.out)
	c.paragraph("", strings.Join([]string{
		"Start the daemon. Actions that were under way are settled by reading KMS, an inventory finds what KMS knows.",
		"Nothing automatic happens before it is complete and `rotd resume`.",
	}, " "))
	return nil
}
