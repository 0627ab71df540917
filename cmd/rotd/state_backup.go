package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"rotd/internal/admin"
	"rotd/internal/state"
)

func newStateBackupCommand(c *cli) *cobra.Command {
	var request admin.BackupRequest
	cmd := &cobra.Command{
		Use:   "backup FILE|s3://BUCKET/KEY",
		Short: "Copy the running daemon's state, as it is at one moment",
		Long: prose(
			"Copy the state while the daemon works. FILE is written by this command, s3:// by the daemon with its own " +
				"role; a folder (s3://bucket/folder/) has rotd choose the name: shard and time. The copy is verified before it " +
				"is sent and after it arrived. It holds key policies, findings and what could not be decoded: keep it as safe " +
				"as the state.",
		),
		Args: exactly("where the copy goes (a FILE or s3://BUCKET/KEY)"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := c.noCSV(); err != nil {
				return err
			}
			client, err := c.client()
			if err != nil {
				return err
			}
			defer client.Close()
			var done *admin.Backup
			request.To = args[0]
			switch {
			case strings.HasPrefix(request.To, "s3://"):
				done, err = client.BackUp(cmd.Context(), request)
			case request.KMSKey != "":
				return wrongUse(cmd, "--kms-key is for s3:// only")
			default:
				done, err = backUpToFile(cmd.Context(), client, request)
			}
			if err != nil {
				return err
			}
			return c.backedUp(done)
		},
	}
	cmd.Flags().BoolVar(&request.Overwrite, "force", false, "overwrite what is there already")
	cmd.Flags().StringVar(&request.KMSKey, "kms-key", "", "KMS key that S3 encrypts the copy with (default: the bucket's)")
	return cmd
}

func (c *cli) backedUp(b *admin.Backup) error {
	if c.output != "table" {
		return one(c, listing[*admin.Backup]{schema: "rotd.backups/1", kind: "backup"}, b)
	}
	fmt.Fprintf(c.out, "The state is copied to %s.\n", clean(b.To))
	c.describe(&b.Description)
	fmt.Fprintf(c.out, "  %s%s\n", c.styled(dim, fmt.Sprintf("%-*s", labelWidth, "SHA-256")), b.SHA256)
	return nil
}

// backUpToFile receives a copy beside FILE, verifies it, and gives it its name when it is durable.
func backUpToFile(ctx context.Context, client *admin.Client, r admin.BackupRequest) (*admin.Backup, error) {
	if _, err := os.Lstat(r.To); err == nil && !r.Overwrite {
		return nil, exit(admin.ExitUsage, "%s is there already; --force overwrites it", r.To)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("write the copy: %w", err)
	}
	part, err := os.CreateTemp(filepath.Dir(r.To), "."+filepath.Base(r.To)+".*.part")
	if err != nil {
		return nil, fmt.Errorf("write the copy: %w", err)
	}
	defer os.Remove(part.Name()) // gone already when all went well
	done := &admin.Backup{To: r.To}
	done.SHA256, _, err = client.CopyState(ctx, part)
	if err == nil {
		err = part.Sync()
	}
	if err = errors.Join(err, part.Close()); err != nil {
		return nil, err
	}
	if done.Description, err = state.Inspect(part.Name()); err != nil {
		return nil, fmt.Errorf("verify the copy: %w", err)
	}
	if err := os.Rename(part.Name(), r.To); err != nil {
		return nil, fmt.Errorf("write the copy: %w", err)
	}
	return done, syncFolder(filepath.Dir(r.To))
}

// syncFolder makes a file's new name durable.
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("sync the copy's folder: %w", err)
	}
	defer folder.Close()
	_ = folder.Sync() // not every file system can, and then there is nothing to wait for
	return nil
}
