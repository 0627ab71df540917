package main

import (
	"context"
	"fmt"
	"math"
	"strings"

	"github.com/spf13/cobra"

	"rotd/internal/admin"
	"rotd/internal/config"
	"rotd/internal/detection"
	"rotd/internal/finding"
	"rotd/internal/replay"
	"rotd/internal/suppression"
)

// replayFlags are what replay is asked for beside its paths.
type replayFlags struct{ since, until, against string }

func newReplayCommand(c *cli) *cobra.Command {
	var flags replayFlags
	cmd := &cobra.Command{
		Use:   "replay [-c rotd.yaml] PATH...",
		Short: "Run the detections over CloudTrail log files, without AWS",
		Long: prose(
			"Run the detections over CloudTrail log files or folders (.json, .jsonl, .gz), without AWS and without a "+
				"daemon. With -c, rotd.yaml's policies, accounts, Regions, detections and suppressions count. What happened "+
				"again is one "+
				"finding with a count. Ends with 0 also when it finds something, and with 3 when a file was unreadable or a "+
				"record malformed.",
			"Rules that compare with what is usual need some weeks before what they judge: give them with --since, which "+
				"tells of what came after and lets the rest teach. --against says what another configuration would find "+
				"more, no more, or weigh otherwise.",
		),
		Example: "  rotd replay AWSLogs/\n  rotd replay --since 2026-03-01 AWSLogs/\n" +
			"  rotd replay -c rotd.yaml --against new.yaml AWSLogs/\n" +
			"  rotd replay -o jsonl AWSLogs/ | jq -r 'select(.severity==\"CRITICAL\").title'",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return wrongUse(cmd, "a PATH is missing: a log file or a folder of them")
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&flags.since, "since", "", "tell of events from then on: 2026-03-14, 2026-03-14T12:00:00Z, 30d")
	f.StringVar(&flags.until, "until", "", "tell of events before then")
	f.StringVar(&flags.against, "against", "", "tell what this rotd.yaml would find otherwise")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		o, err := c.replayOptions(cmd, args, &flags)
		if err != nil {
			return err
		}
		return c.replay(cmd.Context(), o, flags.against)
	}
	return cmd
}

func (c *cli) replayOptions(cmd *cobra.Command, paths []string, flags *replayFlags) (o replay.Options, err error) {
	if o, err = configured(c.config); err != nil {
		return o, err
	}
	o.Paths = paths
	if o.Since, err = parseSince(c.now(), flags.since); err != nil {
		return o, wrongUse(cmd, "--since: %v", err)
	}
	if o.Until, err = parseSince(c.now(), flags.until); err != nil {
		return o, wrongUse(cmd, "--until: %v", err)
	}
	if !o.Until.IsZero() && !o.Until.After(o.Since) {
		return o, wrongUse(cmd, "--until %s is not after --since %s", flags.until, flags.since)
	}
	if flags.against != "" && c.output == "csv" {
		return o, wrongUse(cmd, "--against prints no csv: take table, json or jsonl")
	}
	return o, nil
}

// configured is what a configuration says of a replay; path "" is the defaults.
func configured(path string) (o replay.Options, err error) {
	settings := detection.Settings{Learning: detection.DefaultLearning}
	if path != "" {
		cfg, err := config.Load(path, knownIDs())
		if err != nil {
			return o, err
		}
		settings = detection.Settings{
			Disabled: cfg.Detections.Disable, Severities: cfg.Detections.Severity, Learning: cfg.Detections.Learning,
		}
		// Which keys aliases named when a suppression was made no archive says: these hide nothing.
		o.Suppressions = suppression.NewSet(cfg.Suppressions, detection.Suppressible(),
			func(string, string) string { return "" })
		o.Policies, o.Trusted = cfg.Policies, cfg.TrustedAccounts
		o.Regions = cfg.Organization.Regions
		for _, a := range cfg.Accounts {
			o.Trusted = append(o.Trusted, a.ID)
			o.Regions = append(o.Regions, a.Regions...)
		}
	}
	o.Judge = detection.NewJudge(settings)
	return o, nil
}

func (c *cli) replay(ctx context.Context, o replay.Options, against string) error {
	if against == "" {
		result, err := c.replayed(ctx, o)
		if err != nil {
			return err
		}
		if err := c.printReplay(result); err != nil {
			return err
		}
		return c.replayProblems(result)
	}
	other, err := configured(against)
	if err != nil {
		return err
	}
	other.Paths, other.Since, other.Until = o.Paths, o.Since, o.Until
	result, err := c.replayed(ctx, o)
	if err != nil {
		return err
	}
	otherwise, err := c.replayed(ctx, other)
	if err != nil {
		return err
	}
	if err := c.printReplayAgainst(result, otherwise); err != nil {
		return err
	}
	return c.replayProblems(result)
}

// replayed runs a replay and shows how far it is.
func (c *cli) replayed(ctx context.Context, o replay.Options) (*replay.Result, error) {
	progress := newProgress(c)
	if c.terminal.err {
		o.Progress = func(_ string, s replay.Summary) {
			progress.show(fmt.Sprintf("%d files, %d records", s.Files, s.Records))
		}
	}
	result, err := replay.Run(ctx, o)
	progress.end()
	return result, err
}

// replayed is the shape of -o json.
type replayed struct {
	admin.Page[finding.Finding]
	Summary    replay.Summary `json:"summary"`
	Rules      []replay.Count `json:"rules"`      // the noisiest first
	Principals []replay.Count `json:"principals"` // the same
}

func (c *cli) printReplay(r *replay.Result) error {
	l := findingListing(c.now())
	switch c.output {
	case "json":
		return c.printJSON(replayed{
			Page:    admin.Page[finding.Finding]{Schema: "rotd.replay/1", Items: r.Findings, Partial: r.Failed > 0},
			Summary: r.Summary, Rules: r.Rules(), Principals: r.Principals(),
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
	if s.Suppressed > 0 {
		text += fmt.Sprintf(" Hidden by suppressions: %s.", plural(s.Suppressed, "occurrence", "occurrences"))
	}
	if r.Skipped > 0 {
		text += fmt.Sprintf(" %s of digests or Insights skipped.", plural(r.Skipped, "file", "files"))
	}
	if s.Outside > 0 {
		text += fmt.Sprintf(" %d lie outside of --since and --until and only taught.", s.Outside)
	}
	c.paragraph("", text)
	if s.Findings > 0 {
		c.printNoise(r)
	}
	if s.Findings == 0 {
		c.paragraph("", "That no rule found anything says nothing about how the keys stand: only a daemon's sweeps do.")
	}
}

// noisiest is how many rules and principals the summary names.
const noisiest = 5

// printNoise says what would come of it day by day, and of whom.
func (c *cli) printNoise(r *replay.Result) {
	s := &r.Summary
	days := max(s.Last.Sub(s.First).Hours()/24, 1)
	c.field("a day", fmt.Sprintf("%.1f findings, over %s", float64(s.Findings)/days,
		plural(int(math.Ceil(days)), "day", "days")))
	c.field("rules", noise(r.Rules()))
	if all := r.Principals(); len(all) > 0 {
		c.field("principals", noise(all))
	}
}

func noise(all []replay.Count) string {
	var words []string
	for _, n := range all[:min(len(all), noisiest)] {
		words = append(words, fmt.Sprintf("%s %d (%s)", clean(n.Name), n.Findings, plural(n.Times, "event", "events")))
	}
	if more := len(all) - noisiest; more > 0 {
		words = append(words, fmt.Sprintf("%d more", more))
	}
	return strings.Join(words, ", ")
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
