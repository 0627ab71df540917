package main

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/spf13/cobra"

	"rotd/internal/admin"
	"rotd/internal/config"
	"rotd/internal/detection"
	"rotd/internal/events/trail"
	"rotd/internal/finding"
	"rotd/internal/replay"
	spans "rotd/internal/span"
	"rotd/internal/suppression"
)

// replayFlags are what replay is asked for beside its paths.
type replayFlags struct {
	since, until, lead, against, learn string
	validate                           bool
	keys                               []string
}

func newReplayCommand(c *cli) *cobra.Command {
	var flags replayFlags
	cmd := &cobra.Command{
		Use:   "replay [-c rotd.yaml] PATH...",
		Short: "Run the detections over CloudTrail log files",
		Long: prose(
			"Run the detections over CloudTrail log files or folders (.json, .jsonl, .gz) on disk or in S3, without a "+
				"daemon. With -c, rotd.yaml's policies, accounts, Regions, detections and suppressions "+
				"count. What happened again is one "+
				"finding with a count. Ends with 0 also when it finds something, and with 3 when a file was unreadable or a "+
				"record malformed.",
			"Rules that compare with what is usual need some weeks before what they judge: give them with --since, which "+
				"tells of what came after and lets what came up to --lead before teach. --against says what another "+
				"configuration would find more, no more, or weigh otherwise.",
			"--learn FILE teaches a state what is usual, so that those rules need not wait for detections.learning: the state "+
				"of a daemon that is stopped, or with -c a new one. It finds, tells and marks nothing. An archive teaches once; "+
				"several teach in the order of their times.",
			"--validate-digests holds the log files against CloudTrail's digests, which must be under a PATH too, and says "+
				"what is altered, missing, unsigned or in no digest; it ends with 3 unless everything is valid. It asks "+
				"CloudTrail for public keys (cloudtrail:ListPublicKeys). A digest on disk has its signature from the next one, "+
				"or from a file beside it with .sig behind its name.",
			"A PATH in S3 is s3://BUCKET/PREFIX. Objects are read as they come and nothing is stored; --since and --until "+
				"keep the days that are not wanted from being listed. Credentials come from the AWS SDK's own chain; they "+
				"need s3:ListBucket, s3:GetObject and, where the objects are under a key of your own, kms:Decrypt on it.",
		),
		Example: "  rotd replay AWSLogs/\n  rotd replay --since 2026-03-01 AWSLogs/\n" +
			"  rotd replay --since 7d s3://example-trail/AWSLogs/\n" +
			"  rotd replay -c rotd.yaml --learn /var/lib/rotd/rotd.db --since 90d s3://example-trail/AWSLogs/\n" +
			"  rotd replay -c rotd.yaml --against new.yaml AWSLogs/\n" +
			"  rotd replay -o jsonl AWSLogs/ | jq -r 'select(.severity==\"CRITICAL\").title'",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return wrongUse(cmd, "a PATH is missing: a log file, a folder of them, or s3://BUCKET/PREFIX")
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&flags.since, "since", "", "tell of events from then on: 2026-03-14, 2026-03-14T12:00:00Z, 30d")
	f.StringVar(&flags.until, "until", "", "tell of events before then")
	f.StringVar(&flags.lead, "lead", "", "with --since, for how long before it to read what teaches (default: 60d and "+
		"detections.learning)")
	f.StringVar(&flags.against, "against", "", "tell what this rotd.yaml would find otherwise")
	f.StringVar(&flags.learn, "learn", "", "judge nothing: teach this state file what is usual")
	f.BoolVar(&flags.validate, "validate-digests", false, "say whether the log files are as CloudTrail delivered them")
	f.StringArrayVar(&flags.keys, "public-keys", nil, "what `aws cloudtrail list-public-keys` printed, instead of asking")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		o, err := c.replayOptions(cmd, args, &flags)
		if err != nil {
			return err
		}
		if flags.learn != "" {
			return c.learn(cmd.Context(), o, flags.learn)
		}
		if flags.against != "" {
			return c.replayAgainst(cmd.Context(), o, flags.against)
		}
		return c.replay(cmd.Context(), o, flags.keys)
	}
	return cmd
}

func (c *cli) replayOptions(cmd *cobra.Command, paths []string, flags *replayFlags) (o replay.Options, err error) {
	if o, err = configured(c.config); err != nil {
		return o, err
	}
	o.Paths = paths
	if slices.ContainsFunc(paths, func(path string) bool { return strings.HasPrefix(path, "s3://") }) {
		if o.Store, err = openStore(cmd.Context()); err != nil {
			return o, err
		}
	}
	if flags.lead != "" {
		if o.Lead, err = spans.Parse(flags.lead); err != nil {
			return o, wrongUse(cmd, "--lead: %v", err)
		}
	}
	if o.Since, err = parseSince(c.now(), flags.since); err != nil {
		return o, wrongUse(cmd, "--since: %v", err)
	}
	if o.Until, err = parseSince(c.now(), flags.until); err != nil {
		return o, wrongUse(cmd, "--until: %v", err)
	}
	if !o.Until.IsZero() && !o.Until.After(o.Since) {
		return o, wrongUse(cmd, "--until %s is not after --since %s", flags.until, flags.since)
	}
	for _, clash := range []struct {
		is   bool
		what string
	}{
		{flags.against != "" && c.output == "csv", "--against prints no csv: take table, json or jsonl"},
		{flags.learn != "" && c.output == "csv", "--learn prints no csv: take table, json or jsonl"},
		{flags.validate && c.output == "csv", "--validate-digests prints no csv: take table, json or jsonl"},
		{flags.validate && flags.against+flags.learn != "", "--validate-digests goes with neither --against nor --learn"},
		{len(flags.keys) > 0 && !flags.validate, "--public-keys is of --validate-digests, which is not given"},
		{flags.learn != "" && flags.against != "", "--learn finds nothing that --against could compare"},
		{flags.learn != "" && flags.lead != "", "--learn begins with --since: there is no --lead before it"},
		{flags.lead != "" && flags.since == "", "--lead is before --since, which is not given"},
	} {
		if clash.is {
			return o, wrongUse(cmd, "%s", clash.what)
		}
	}
	if flags.validate {
		o.Validation = trail.NewValidation(o.ValidatedDays())
	}
	return o, nil
}

// defaultLead is how long before --since, besides the learning time, what is usual is read: twice the four weeks over
// which rules look whether somebody new is a rare thing.
const defaultLead = 60 * day

// configured is what a configuration says of a replay; path "" is the defaults.
func configured(path string) (o replay.Options, err error) {
	var suppressions []suppression.Suppression
	settings := detection.Settings{Learning: detection.DefaultLearning}
	if path != "" {
		cfg, err := config.Load(path, knownIDs())
		if err != nil {
			return o, err
		}
		settings = cfg.Detections.Settings()
		suppressions = cfg.Suppressions
		o.Policies, o.Trusted = cfg.Policies, cfg.TrustedAccounts
		o.Regions = cfg.Organization.Regions
		for _, a := range cfg.Accounts {
			o.Trusted = append(o.Trusted, a.ID)
			o.Regions = append(o.Regions, a.Regions...)
		}
	}
	o.Judge = detection.NewJudge(settings)
	// Which keys aliases named when a suppression was made no archive says: these hide nothing.
	o.Suppressions = suppression.NewSet(suppressions, detection.Suppressible(o.Judge.Users()),
		func(string, string) string { return "" })
	o.Lead = settings.Learning + defaultLead
	return o, nil
}

func (c *cli) replay(ctx context.Context, o replay.Options, keys []string) error {
	result, err := c.replayed(ctx, o)
	if err != nil {
		return err
	}
	var valid *validated
	if o.Validation != nil {
		if valid, err = c.validateArchive(ctx, o.Validation, keys); err != nil {
			return err
		}
	}
	if err := c.printReplay(result, valid); err != nil {
		return err
	}
	if err := c.replayProblems(result); err != nil {
		return err
	}
	return valid.unproven()
}

// replayAgainst says what another configuration makes of the archive.
func (c *cli) replayAgainst(ctx context.Context, o replay.Options, against string) error {
	other, err := configured(against)
	if err != nil {
		return err
	}
	other.Paths, other.Store, other.Since, other.Until, other.Lead = o.Paths, o.Store, o.Since, o.Until, o.Lead
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
	defer c.watched(ctx, &o)()
	return replay.Run(ctx, o)
}

// watched has the reading of an archive shown while it is under way, up to end.
func (c *cli) watched(ctx context.Context, o *replay.Options) (end func()) {
	if !c.terminal.err {
		return func() {}
	}
	progress := newProgress(c)
	sizes, cancel := context.WithCancel(ctx)
	size := sizing(sizes, o)
	o.Progress = func(_ string, s replay.Summary) {
		text := fmt.Sprintf("%d files, %d records", s.Files, s.Records)
		if whole := size.Load(); whole > 0 {
			text = fmt.Sprintf("%d%% of %s: %s", min(100*s.Stored/whole, 100), bytesText(whole), text)
		}
		progress.show(text)
	}
	return func() {
		cancel()
		progress.end()
	}
}

// sizing finds out how many bytes are to be read, while they are: listing goes ahead of reading by far. Until it is
// done the answer is 0.
func sizing(ctx context.Context, o *replay.Options) *atomic.Int64 {
	var size atomic.Int64
	archive, paths := o.Archive(), o.Paths
	go func() { size.Store(archive.Size(ctx, paths...)) }()
	return &size
}

// replayed is the shape of -o json.
type replayed struct {
	admin.Page[finding.Finding]
	Summary    replay.Summary `json:"summary"`
	Rules      []replay.Count `json:"rules"`      // the noisiest first
	Principals []replay.Count `json:"principals"` // the same
	Validation *validated     `json:"validation,omitempty"`
}

func (c *cli) printReplay(r *replay.Result, valid *validated) error {
	l := findingListing(c.now())
	switch c.output {
	case "json":
		return c.printJSON(replayed{
			Page:    admin.Page[finding.Finding]{Schema: "rotd.replay/1", Items: r.Findings, Partial: r.Failed > 0},
			Summary: r.Summary, Rules: r.Rules(), Principals: r.Principals(),
			Validation: valid,
		})
	case "jsonl":
		if err := newRowWriter(c, l).rows(r.Findings); err != nil {
			return err
		}
		if valid != nil {
			if err := c.printVerdicts(valid); err != nil {
				return err
			}
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
	if valid != nil {
		c.printValidated(valid)
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
	for _, n := range s.Staged {
		c.field("staged", fmt.Sprintf("%s would have found %d (%s)", clean(n.Name), n.Findings,
			plural(n.Times, "event", "events")))
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

func (c *cli) printProblems(r *replay.Read) {
	for _, p := range r.Problems {
		hint(c.err, "rotd: %s", clean(p.String()))
	}
	if more := r.Failed - len(r.Problems); more > 0 {
		hint(c.err, "rotd: and %d more", more)
	}
}

// replayProblems says what was not judged; then the end is 3.
func (c *cli) replayProblems(r *replay.Result) error {
	if r.Failed == 0 {
		return nil
	}
	c.printProblems(&r.Read)
	if nothingRead(r) {
		return exit(admin.ExitUnfinished, "nothing was read and judged; see above")
	}
	return exit(admin.ExitUnfinished, "not everything was read and judged; see above")
}
