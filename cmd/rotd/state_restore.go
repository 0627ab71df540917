package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"rotd/internal/admin"
	"rotd/internal/app"
	"rotd/internal/awss3"
	"rotd/internal/config"
	"rotd/internal/state"
)

func newStateRestoreCommand(c *cli) *cobra.Command {
	var to, sha string
	var force bool
	cmd := &cobra.Command{
		Use:   "restore FILE|s3://BUCKET/KEY",
		Short: "Put a copy of the state back; the daemon must be stopped",
		Long: prose(
			"Put a copy in the place of the configured state. The copy is verified first; the state that was there is "+
				"kept beside it. A state that was written to after the copy is replaced with --force only.",
			"s3://BUCKET/FOLDER/ takes the newest copy of this shard in the folder. AWS credentials come from the AWS "+
				"SDK's own chain.",
			"On the restored state nothing automatic happens before a complete inventory and `rotd resume`.",
		),
		Args: exactly("the copy (a FILE or s3://BUCKET/KEY)"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := c.noCSV(); err != nil {
				return err
			}
			r := state.Restoring{
				Name: args[0], Path: to, SHA256: strings.ToLower(sha), Now: c.now(), Force: force,
				By: admin.Peer{UID: uint32(os.Getuid())}.Requester(), //nolint:gosec // the system's user ids fit
			}
			if err := c.restoreTo(&r); err != nil {
				return err
			}
			from, err := openBackup(cmd.Context(), &r)
			if err != nil {
				return err
			}
			done, err := state.Restore(r)
			return c.restored(&r, done, errors.Join(err, from()))
		},
	}
	cmd.Flags().StringVar(&to, "to", "", "the state file (default: the configuration's state.path)")
	cmd.Flags().StringVar(&sha, "sha256", "", "the copy's SHA-256, as `rotd state backup` printed it")
	cmd.Flags().BoolVar(&force, "force", false, "also over a state that is newer than the copy")
	return cmd
}

// restoreTo finds the state's path and shard. With --to a configuration is not needed.
func (c *cli) restoreTo(r *state.Restoring) error {
	cfg, err := config.Load(c.configPath())
	switch {
	case err == nil:
		r.Shard = cfg.Shard
		r.Path = orElse(r.Path, cfg.State.Path)
	case r.Path == "" || c.config != "":
		return fmt.Errorf("find the state (--to names it): %w", err)
	}
	return nil
}

// openBackup opens the copy; what it returns closes it.
func openBackup(ctx context.Context, r *state.Restoring) (closed func() error, err error) {
	if strings.HasPrefix(r.Name, "s3://") {
		return openObject(ctx, r)
	}
	file, err := state.OpenCopy(r.Name)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	r.From, r.Size = file, info.Size()
	return file.Close, nil
}

// openObject opens a copy in S3, of a folder the newest.
func openObject(ctx context.Context, r *state.Restoring) (closed func() error, err error) {
	at, err := awss3.Parse(r.Name)
	if err != nil {
		return nil, exit(admin.ExitUsage, "%w", err)
	}
	store, err := openStore(ctx)
	if err != nil {
		return nil, err
	}
	if at.IsFolder() {
		if r.Shard == "" {
			return nil, errors.New("which shard's copy is wanted cannot be told without a configuration: name the object, " +
				"or give -c")
		}
		if at, err = app.NewestSnapshot(ctx, store, at, r.Shard); err != nil {
			return nil, advisedOf(err)
		}
		r.Name = at.String()
	}
	object, err := store.Get(ctx, at)
	if err != nil {
		return nil, advisedOf(err)
	}
	r.From, r.Size = object.Body, object.Size
	r.SHA256 = orElse(r.SHA256, object.Metadata[admin.MetadataSHA256])
	return object.Body.Close, nil
}

func advisedOf(err error) error {
	if e, ok := errors.AsType[*awss3.Error](err); ok && e.Advice() != "" {
		return fmt.Errorf("%w: %s", err, e.Advice())
	}
	return err
}

func (c *cli) restored(r *state.Restoring, done *state.Restored, err error) error {
	if newer, ok := errors.AsType[*state.NewerStateError](err); ok {
		return &exitError{status: admin.ExitRefused, err: newer}
	}
	if err != nil {
		return err
	}
	if c.output != "table" {
		return one(c, listing[*state.Restored]{schema: "rotd.restorations/1", kind: "restoration"}, done)
	}
	fmt.Fprintf(c.out, "%s is restored to %s.\n", clean(r.Name), clean(r.Path))
	c.describe(&done.Description)
	c.field("set aside", done.SetAside)
	fmt.Fprintln(c.out)
	c.paragraph("", "Start the daemon. Nothing automatic happens before a complete inventory and `rotd resume`.")
	return nil
}
