package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"rotd/internal/admin"
	"rotd/internal/config"
	"rotd/internal/detection"
	"rotd/internal/finding"
	"rotd/internal/replay"
)

func newReplayCommand(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "replay [-c rotd.yaml] PATH...",
		Short: "Run the detections over CloudTrail log files, without AWS",
		Long: prose(
			"Run the detections over CloudTrail log files or folders (.json, .jsonl, .gz), without AWS and without a " +
				"daemon. With -c, rotd.yaml's policies, accounts, Regions and detections count. What happened again is one " +
				"finding with a count. Ends with 0 also when it finds something, and with 3 when a file was unreadable or a " +
				"record malformed.",
		),
		Example: "  rotd replay AWSLogs/\n  rotd replay -o jsonl AWSLogs/ | jq -r 'select(.severity==\"CRITICAL\").title'",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return wrongUse(cmd, "a PATH is missing: a log file or a folder of them")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return c.replay(cmd.Context(), args) },
	}
}

func (c *cli) replay(ctx context.Context, paths []string) error {
	o := replay.Options{Paths: paths}
	settings := detection.Settings{Learning: detection.DefaultLearning}
	if c.config != "" {
		cfg, err := config.Load(c.config, knownIDs())
		if err != nil {
			return err
		}
		settings = detection.Settings{
			Disabled: cfg.Detections.Disable, Severities: cfg.Detections.Severity, Learning: cfg.Detections.Learning,
		}
		o.Policies, o.Trusted = cfg.Policies, cfg.TrustedAccounts
		o.Regions = cfg.Organization.Regions
		for _, a := range cfg.Accounts {
			o.Trusted = append(o.Trusted, a.ID)
			o.Regions = append(o.Regions, a.Regions...)
		}
	}
	o.Judge = detection.NewJudge(settings)
	progress := newProgress(c)
	if c.terminal.err {
		o.Progress = func(_ string, s replay.Summary) {
			progress.show(fmt.Sprintf("%d files, %d records", s.Files, s.Records))
		}
	}
	result, err := replay.Run(ctx, o)
	progress.end()
	if err != nil {
		return err
	}
	if err := c.printReplay(result); err != nil {
		return err
	}
	return c.replayProblems(result)
}

// replayed is the shape of -o json.
type replayed struct {
	admin.Page[finding.Finding]
	Summary replay.Summary `json:"summary"`
}

func (c *cli) printReplay(r *replay.Result) error {
	l := findingListing(c.now())
	switch c.output {
	case "json":
		return c.printJSON(replayed{
			Page:    admin.Page[finding.Finding]{Schema: "rotd.replay/1", Items: r.Findings, Partial: r.Failed > 0},
			Summary: r.Summary,
		})
	case "jsonl":
		if err := newRowWriter(c, l).rows(r.Findings); err != nil {
			return err
		}
		return c.printLine("summary", r.Summary)
	case "csv":
		return newRowWriter(c, l).rows(r.Findings)
	}
	for i := range r.Findings {
		c.printReplayed(&r.Findings[i])
	}
	if !nothingRead(r) {
		c.printReplaySummary(r)
	}
	return nil
}

// printReplayed prints a finding of an archive: what happened, when, who, where, which event.
func (c *cli) printReplayed(f *finding.Finding) {
	fmt.Fprintf(c.out, "%s  %s\n", c.styled(severityStyle(f.Severity), f.Severity.String()),
		c.styled(bold, clean(findingTitle(*f))))
	c.field("when", replayWhen(f))
	c.field("about", f.About())
	c.field("who", whoText(f))
	c.field("where", f.Account+" "+f.Region)
	c.field("what", f.Description)
	if f.Expected {
		c.field("expected", f.Why)
	}
	c.field("event", fmt.Sprintf("%s %s", f.EventName, f.EventID))
	c.field("rule", f.RuleID)
	fmt.Fprintln(c.out)
}

func replayWhen(f *finding.Finding) string {
	if f.Count > 1 {
		return fmt.Sprintf("%d times from %s to %s", f.Count, stamp(f.FirstSeen), stamp(f.LastSeen))
	}
	return stamp(f.FirstSeen)
}

func (c *cli) printReplaySummary(r *replay.Result) {
	s := &r.Summary
	text := fmt.Sprintf("%s in %s of %s: %d of KMS, %d of other services that a rule wants, %d that no rule wants, "+
		"%d malformed.", plural(s.Findings, "finding", "findings"), plural(s.Records, "record", "records"),
		plural(s.Files, "file", "files"), s.KMSRecords, s.OtherRecords, s.Ignored, s.Malformed)
	if s.Duplicates > 0 {
		text += fmt.Sprintf(" Among those of KMS and other services, repetitions of an event judged before: %d.",
			s.Duplicates)
	}
	if r.Skipped > 0 {
		text += fmt.Sprintf(" %s of digests or Insights skipped.", plural(r.Skipped, "file", "files"))
	}
	c.paragraph("", text)
	if s.Findings == 0 {
		c.paragraph("", "That no rule found anything says nothing about how the keys stand: only a daemon's sweeps do.")
	}
}

// nothingRead reports whether there is nothing to sum up: a row of zeros would look like an answer.
func nothingRead(r *replay.Result) bool { return r.Summary.Records == 0 && r.Failed > 0 }

// replayProblems says what was not judged; then the end is 3.
func (c *cli) replayProblems(r *replay.Result) error {
	if r.Failed == 0 {
		return nil
	}
	for _, p := range r.Problems {
		hint(c.err, "rotd: %s", clean(p.String()))
	}
	if more := r.Failed - len(r.Problems); more > 0 {
		hint(c.err, "rotd: and %d more", more)
	}
	if nothingRead(r) {
		return exit(admin.ExitUnfinished, "nothing was read and judged; see above")
	}
	return exit(admin.ExitUnfinished, "not everything was read and judged; see above")
}
