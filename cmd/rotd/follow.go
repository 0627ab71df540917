package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"rotd/internal/admin"
	"rotd/internal/remediation"
)

// How long one question for an action's state waits: short where a person watches.
const (
	watchEvery = 2 * time.Second
	askEvery   = 25 * time.Second
)

// follow waits until the action is final and prints how it ended. after, unless it is nil, prints what is to be done
// after a success.
func (c *cli) follow(ctx context.Context, client *admin.Client, a *remediation.Action, wait time.Duration,
	after func(a *remediation.Action),
) error {
	id, deadline := a.ID, time.Now().Add(wait)
	progress := newProgress(c)
	for !a.State.Final() && a.State != remediation.AwaitingApproval {
		progress.show(fmt.Sprintf("%s is %s%s", id, a.State, waitingText(a)))
		left := time.Until(deadline)
		if left < time.Second {
			break
		}
		every := askEvery
		if c.terminal.err {
			every = watchEvery
		}
		next, err := client.Action(ctx, id, min(left, every))
		if err != nil {
			progress.end()
			goesOn := "goes on"
			if errors.Is(err, admin.ErrNoAnswer) || errors.Is(err, admin.ErrNoDaemon) {
				goesOn = "goes on when rotd runs again"
			}
			return exit(admin.ExitUnfinished, "%w\n(%s is recorded and %s: `rotd actions show %s`)", err, id, goesOn, id)
		}
		a = next
	}
	progress.end()
	if err := c.ended(a); err != nil {
		return err
	}
	if after != nil && c.output == "table" {
		after(a)
	}
	return nil
}

func waitingText(a *remediation.Action) string {
	if a.Waiting == "" {
		return ""
	}
	return ": " + a.Waiting
}

// ended prints an action that is over, or as far as it is.
func (c *cli) ended(a *remediation.Action) error {
	var failed error
	switch {
	case a.State == remediation.Succeeded:
	case a.State == remediation.AwaitingApproval && a.Approval != nil:
		failed = c.awaits(a)
	case !a.State.Final():
		failed = exit(admin.ExitUnfinished,
			"%s is %s and not yet verified; the daemon goes on with it: `rotd actions show %s`", a.ID, a.State, a.ID)
	default:
		failed = exit(admin.ExitFailed, "%s %s: %s", a.ID, a.State, orElse(a.Outcome, "no reason was kept"))
	}
	if c.output != "table" {
		return errors.Join(one(c, actionListing(c.now()), *a), failed)
	}
	if failed == nil {
		fmt.Fprintln(c.out)
		done, outcome := "Done.", a.Outcome
		if calls, ok := strings.CutPrefix(outcome, "Done: "); ok {
			done, outcome = "Done:", calls
		}
		c.paragraph("", c.styled(green, done)+" "+outcome)
		c.paragraph("", fmt.Sprintf("(%s)", a.ID))
	}
	c.undoing(a)
	return failed
}

func orElse(text, instead string) string {
	if text == "" {
		return instead
	}
	return text
}
