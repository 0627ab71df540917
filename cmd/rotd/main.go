// Command rotd keeps AWS KMS keys rotated as policy says and notices when somebody misuses or breaks them. Each of its
// commands is one file here; all of them but run, replay, demo and those about configuration and catalogue ask a
// running daemon over its control socket (package admin) and show what it answers.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// Set by the linker, see the Makefile.
var version, commit, date string

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends rotd at once
	return int(execute(ctx, systemCLI(), os.Args[1:]))
}
