package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"rotd/internal/admin"
	"rotd/internal/app"
	"rotd/internal/config"
)

// cli is what commands have around them, and the global flags.
type cli struct {
	in       io.Reader
	out, err io.Writer
	getenv   func(string) string
	now      func() time.Time
	terminal terminal
	daemon   func(ctx context.Context, o app.Options) error

	socket, config string
	output         string // table, json, jsonl, csv
	noColor        bool
}

// terminal says what of in, out and err a person is looking at.
type terminal struct {
	in, out, err bool
	width        int // columns of out; 0: not a terminal, nothing is cut
}

// systemCLI is this process's.
func systemCLI() *cli {
	c := &cli{
		in: os.Stdin, out: os.Stdout, err: os.Stderr, getenv: os.Getenv, now: time.Now, daemon: app.Run,
		terminal: terminal{in: isTerminal(os.Stdin), out: isTerminal(os.Stdout), err: isTerminal(os.Stderr)},
	}
	c.terminal.width = widthOf(os.Stdout, c.terminal.out, os.Getenv("COLUMNS"))
	return c
}

// widthOf is how wide the output is: an exported COLUMNS decides, else the terminal; 0 where there is none.
func widthOf(out *os.File, terminal bool, exported string) int {
	if n, err := strconv.Atoi(exported); err == nil && n > 0 {
		return max(n, minWidth)
	}
	if !terminal {
		return 0
	}
	if n, _, err := term.GetSize(int(out.Fd())); err == nil && n > 0 {
		return max(n, minWidth)
	}
	return 80
}

// minWidth is what tables need to say anything.
const minWidth = 40

func isTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// execute runs one command line and returns how it ended. What went wrong is printed here, once.
func execute(ctx context.Context, c *cli, args []string) admin.ExitStatus {
	root := newRoot(c)
	root.SetArgs(args)
	root.SetIn(c.in)
	root.SetOut(c.out)
	root.SetErr(c.err)
	err := root.ExecuteContext(ctx)
	status := statusOf(err)
	if message := messageOf(err); message != "" {
		fmt.Fprintf(c.err, "rotd: %s\n", cleanText(message))
	}
	return status
}

func newRoot(c *cli) *cobra.Command {
	root := &cobra.Command{
		Use:   "rotd",
		Short: "Keep AWS KMS keys rotated, and notice when somebody misuses or breaks them",
		Long: prose("rotd watches CloudTrail's KMS events, sweeps the real state of the keys, rotates them as policy says "+
			"and tells people what happened.",
			"Lists are tables for people; -o json, jsonl and csv are for programs, and have all rows and columns. On a "+
				"terminal tables fit its width; elsewhere, or as wide as an exported COLUMNS says.",
			"Exit status: 0 done, 1 failed, 2 wrong use or invalid configuration, 3 done in part or not yet verified, "+
				"4 refused, 5 no daemon there, 6 awaiting approval."),
		SilenceErrors: true, SilenceUsage: true, Version: thisBuild().Version,
		PersistentPreRunE: func(*cobra.Command, []string) error { return c.checkOutput() },
	}
	flags := root.PersistentFlags()
	flags.StringVar(&c.socket, "socket", "", "the daemon's control socket (default: -c's, $ROTD_SOCKET, $ROTD_CONFIG's, "+
		config.Default().Admin.Socket+")")
	flags.StringVarP(&c.config, "config", "c", "", "rotd.yaml, for the socket it names")
	flags.StringVarP(&c.output, "output", "o", "table", "table, json, jsonl or csv")
	flags.BoolVar(&c.noColor, "no-color", false, "no colours (also: NO_COLOR)")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return wrongUse(cmd, "%v", err) })
	root.SetUsageTemplate(strings.ReplaceAll(root.UsageTemplate(), "FlagUsages |", "FlagUsagesWrapped 80 |"))
	root.SetVersionTemplate(thisBuild().String())
	becomeGroup(root)
	root.AddCommand(
		newRunCommand(c), newDemoCommand(), newReplayCommand(c),
		newStatusCommand(c), newHealthCommand(c),
		newFindingsCommand(c), newKeysCommand(c), newActionsCommand(c), newQuarantineCommand(c), newReportCommand(c),
		newAuditCommand(c), newIncidentCommand(c), newSuppressionsCommand(c),
		newRotateCommand(c), newReplaceCommand(c), newUndoAliasCommand(c), newContainCommand(c),
		newReencryptCommand(c), newSweepCommand(c), newPauseCommand(c), newResumeCommand(c),
		newStateCommand(c), newDetectionsCommand(c), newConfigCommand(c), newIAMCommand(c),
		newVersionCommand(c), newManCommand(),
	)
	addCompletion(root)
	return root
}

// addCompletion takes cobra's command, which would end with 0 where no shell is named.
func addCompletion(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	for _, cmd := range root.Commands() {
		if cmd.Name() == "completion" {
			becomeGroup(cmd)
		}
	}
}

// prose wraps paragraphs of help.
func prose(paragraphs ...string) string {
	for i, p := range paragraphs {
		paragraphs[i] = strings.Join(wrap(p, 79), "\n")
	}
	return strings.Join(paragraphs, "\n\n")
}

// group is a command that only has others below it.
func group(use, short string, below ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short}
	becomeGroup(cmd)
	cmd.AddCommand(below...)
	return cmd
}

// becomeGroup makes a command without a subcommand, or with an unknown one, wrong use.
func becomeGroup(cmd *cobra.Command) {
	cmd.Args = cobra.ArbitraryArgs
	cmd.SuggestionsMinimumDistance = 2
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			cmd.SetOut(cmd.ErrOrStderr())
			return errors.Join(cmd.Help(), &exitError{status: admin.ExitUsage})
		}
		hint := ""
		if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
			hint = fmt.Sprintf("; did you mean %s?", strings.Join(near, " or "))
		}
		return wrongUse(cmd, "unknown command %q%s", args[0], hint)
	}
}

// exactly is cobra.ExactArgs with names for what is missing.
func exactly(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < len(names):
			return wrongUse(cmd, "%s is missing", names[len(args)])
		case len(args) > len(names):
			return wrongUse(cmd, "unexpected argument %q", args[len(names)])
		}
		return nil
	}
}
