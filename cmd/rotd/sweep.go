package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"rotd/internal/admin"
)

func newSweepCommand(c *cli) *cobra.Command {
	var wait time.Duration
	cmd := &cobra.Command{
		Use:   "sweep NAME",
		Short: "Read the real state of the keys now",
		Long: prose(
			"Read the real state of the keys now. NAME is inventory (every key whole) or drift (state and rotation of " +
				"the keys that can rotate), or another scheduled job: retention, heartbeat, canary. A sweep that is under way is " +
				"joined. The command waits for its end, at most --wait; then it ends with 3 and the sweep goes on.",
		),
		Args: exactly("the sweep's NAME (inventory or drift)"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := c.noCSV(); err != nil {
				return err
			}
			client, err := c.client()
			if err != nil {
				return err
			}
			defer client.Close()
			result, err := c.sweep(cmd.Context(), client, args[0], wait)
			if err != nil {
				return err
			}
			return c.swept(result)
		},
	}
	cmd.Flags().DurationVar(&wait, "wait", 2*time.Minute, "wait at most so long for its end")
	return cmd
}

// sweep begins a sweep and waits for its end.
func (c *cli) sweep(ctx context.Context, client *admin.Client, name string, wait time.Duration) (*admin.SweepResult,
	error,
) {
	deadline := time.Now().Add(wait)
	progress := newProgress(c)
	defer progress.end()
	if c.terminal.err {
		progress.show(name + " is under way")
	}
	result, err := client.Sweep(ctx, name, max(wait, 0))
	for err == nil && !result.Finished && time.Until(deadline) > time.Second {
		// Asking for it again would begin another one when this one has just ended.
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(min(watchEvery, time.Until(deadline))):
		}
		if c.terminal.err {
			progress.show(name + " is under way")
		}
		result, err = sweepState(ctx, client, name)
	}
	return result, err
}

// sweepState reads from the status whether a sweep still runs, and how it ended.
func sweepState(ctx context.Context, client *admin.Client, name string) (*admin.SweepResult, error) {
	status, err := client.Status(ctx)
	if err != nil {
		return nil, err
	}
	for i := range status.Jobs {
		if j := &status.Jobs[i]; j.Name == name {
			if !j.RunningSince.IsZero() {
				return &admin.SweepResult{Name: name}, nil
			}
			return &admin.SweepResult{Name: name, Finished: true, Error: j.LastError}, nil
		}
	}
	return nil, fmt.Errorf("the daemon no longer has a job %s", name)
}

// swept prints how a sweep ended.
func (c *cli) swept(r *admin.SweepResult) error {
	var failed error
	switch {
	case !r.Finished:
		failed = exit(admin.ExitUnfinished, "%s is still under way and goes on: `rotd status`", r.Name)
	case r.Error != "":
		failed = exit(admin.ExitFailed, "%s failed: %s", r.Name, r.Error)
	}
	if c.output != "table" {
		return errors.Join(one(c, listing[*admin.SweepResult]{schema: "rotd.sweeps/1", kind: "sweep"}, r), failed)
	}
	if failed == nil {
		fmt.Fprintf(c.out, "%s is done; `rotd findings list` shows what is open.\n", r.Name)
	}
	return failed
}
