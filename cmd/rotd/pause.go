package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"rotd/internal/admin"
)

func newPauseCommand(c *cli) *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use:   "pause --reason TEXT",
		Short: "Stop automatic actions until resume; alerts go on",
		Args:  exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if strings.TrimSpace(reason) == "" {
				return wrongUse(cmd, "--reason is required: it goes into the audit log")
			}
			return c.pauseOrResume(func(client *admin.Client) (*admin.Paused, error) {
				return client.Pause(cmd.Context(), reason)
			})
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why (required)")
	return cmd
}

func newResumeCommand(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "resume",
		Short: "Let automatic actions go on, and arm a new state",
		Args:  exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.pauseOrResume(func(client *admin.Client) (*admin.Paused, error) {
				return client.Resume(cmd.Context())
			})
		},
	}
}

func (c *cli) pauseOrResume(ask func(*admin.Client) (*admin.Paused, error)) error {
	if err := c.noCSV(); err != nil {
		return err
	}
	client, err := c.client()
	if err != nil {
		return err
	}
	defer client.Close()
	p, err := ask(client)
	if errors.Is(err, admin.ErrNoDaemon) {
		return fmt.Errorf("%w (while no daemon runs nothing acts by itself)", err)
	}
	if err != nil {
		return err
	}
	if c.output != "table" {
		return one(c, listing[*admin.Paused]{schema: "rotd.pauses/1", kind: "pause"}, p)
	}
	what, so := "Resumed", "Automatic actions go on where policies say so."
	if p.Paused {
		what, so = "Paused", "Nothing automatic happens until `rotd resume`; watching and alerts go on."
	}
	fmt.Fprintf(c.out, "%s by %s.\n%s\n", what, clean(p.By), so)
	return nil
}
