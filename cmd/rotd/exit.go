package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"rotd/internal/admin"
	"rotd/internal/config"
)

// exitError is an end with a status of its own. Without an error nothing more is printed: the command said it all.
type exitError struct {
	status admin.ExitStatus
	err    error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

func exit(status admin.ExitStatus, format string, args ...any) error {
	return &exitError{status: status, err: fmt.Errorf(format, args...)}
}

// wrongUse is an end with 2, and where to read how it is done right.
func wrongUse(cmd *cobra.Command, format string, args ...any) error {
	return exit(admin.ExitUsage, "%w; see `%s --help`", fmt.Errorf(format, args...), cmd.CommandPath())
}

// statusOf maps an error to the table of exit statuses.
func statusOf(err error) admin.ExitStatus {
	if err == nil {
		return admin.ExitDone
	}
	if e, ok := errors.AsType[*exitError](err); ok {
		return e.status
	}
	if e, ok := errors.AsType[*admin.Error](err); ok && e.Exit != admin.ExitDone {
		return e.Exit
	}
	if _, ok := errors.AsType[*config.Errors](err); ok || errors.Is(err, config.ErrUnread) {
		return admin.ExitUsage
	}
	if errors.Is(err, admin.ErrNoDaemon) {
		return admin.ExitNoDaemon
	}
	return admin.ExitFailed
}

// messageOf is what is printed of an error; "" when there is nothing to say.
func messageOf(err error) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, context.Canceled):
		return "interrupted"
	}
	if invalid, ok := errors.AsType[*config.Errors](err); ok {
		return "the configuration is invalid:\n" + invalid.Error()
	}
	return err.Error()
}
