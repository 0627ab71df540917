package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rotd/internal/admin"
	"rotd/internal/manifest"
	"rotd/internal/reencrypt"
	"rotd/internal/remediation"
)

// reencryptOptions are the flags of reencrypt.
type reencryptOptions struct {
	request  admin.ReencryptRequest
	plan     string
	manifest string
	out      string
	force    bool
	versions bool
	yes      bool
	wait     time.Duration
}

func newReencryptCommand(c *cli) *cobra.Command {
	var o reencryptOptions
	cmd := &cobra.Command{
		Use:   "reencrypt {--plan KEY | {--manifest FILE | --s3 s3://BUCKET/PREFIX} --to KEY --reason TEXT}",
		Short: "Move ciphertext to another key; nobody sees what is in it",
		Long: prose("Move the ciphertexts of a manifest to another key. KMS does it inside (ReEncrypt): nothing is "+
			"decrypted here. FILE has one JSON object a line: {\"id\"?, \"ciphertext\": base64, \"context\"?: {...}, "+
			"\"source_key\"?, \"destination_context\"?}. The results have one line for each, in the same order: the new "+
			"ciphertext, or the error with its reason. A bad line is one of these errors, and the others go on.",
			"The old ciphertexts stay as they are, and the old key can open them for as long as it is there: put the new "+
				"ones in their place, and only then think of the old key.",
			"Killed, or out of room on the disk, the same command goes on where it stopped. It ends with 3 when a line was "+
				"not moved, or nothing can be moved for longer than --wait.",
			"With --s3 the daemon copies each object onto itself under the new key, with its own role: metadata, tags, storage "+
				"class, access list, checksum and locks are kept. It goes on by itself, also over restarts; the command waits "+
				"at most --wait (2m) for the end. What is archived or cannot be copied stays and is listed with its reason.",
			"--plan says what is known to be under a key, and the commands for what rotd does not move itself (as rotd keys "+
				"contents does). Nothing is done."),
		Example: "  rotd reencrypt --manifest keys.jsonl --from alias/old --to alias/new --dry-run\n" +
			"  rotd reencrypt --manifest keys.jsonl --from alias/old --to alias/new --reason 'INC-42: alias/old leaked'\n" +
			"  rotd reencrypt --s3 s3://exports/2026/ --from alias/old --to alias/new --reason INC-42",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return wrongUse(cmd, "unexpected argument %q: the key is --to's", args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.plan != "" {
				return c.planReencrypt(cmd, &o)
			}
			if err := c.checkReencrypt(cmd, &o); err != nil {
				return err
			}
			if o.request.Location != "" {
				return c.reencryptObjects(cmd.Context(), &o)
			}
			return c.reencrypt(cmd, &o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.plan, "plan", "", "say what is known to be under this key, and how to move it; do nothing")
	f.StringVar(&o.manifest, "manifest", "", "the ciphertexts, JSON lines")
	f.StringVar(&o.request.Location, "s3", "", "the objects: s3://BUCKET/PREFIX")
	f.BoolVar(&o.request.Resume, "resume", false, "go on with the last job at --s3 that failed or was cancelled")
	f.BoolVar(&o.versions, "all-versions", false, "refused: S3 cannot move older versions")
	f.StringVar(&o.request.To, "to", "", "the key to move them to: id, ARN, alias or alias ARN (required)")
	f.StringVar(&o.request.From, "from", "", "the key they are under; what is under another one is not moved; with "+
		"--s3 its policy's mode says whether they may be moved")
	f.StringVar(&o.out, "out", "", "where the results go (default: FILE.reencrypted)")
	f.BoolVar(&o.force, "force", false, "overwrite results that are there")
	f.StringVar(&o.request.Reason, "reason", "", "why, for the audit log (required)")
	f.StringVar(&o.request.Ticket, "ticket", "", "a ticket's number")
	incidentFlag(cmd, &o.request.Incident)
	f.BoolVar(&o.request.Emergency, "emergency", false, "pass the guardrails that a person may pass, and use the "+
		"role for emergencies; audited")
	f.BoolVar(&o.request.DryRun, "dry-run", false, "ask KMS whether it would, and write results only with --out")
	f.BoolVar(&o.yes, "yes", false, "do not ask")
	f.DurationVar(&o.wait, "wait", 10*time.Minute, "give up when nothing can be moved for so long; with --s3 (2m) wait "+
		"so long for the end")
	cmd.AddCommand(newReencryptJobsCommand(c), newReencryptShowCommand(c), newReencryptCancelCommand(c))
	return cmd
}

// planReencrypt shows what would have to be moved from a key, and how.
func (c *cli) planReencrypt(cmd *cobra.Command, o *reencryptOptions) error {
	if o.manifest != "" || o.request.Location != "" {
		return wrongUse(cmd, "--plan goes with neither --manifest nor --s3: it moves nothing")
	}
	return c.contents(cmd, o.plan, o.request.To)
}

// checkReencrypt refuses what cannot be meant, before anybody is asked.
func (c *cli) checkReencrypt(cmd *cobra.Command, o *reencryptOptions) error {
	if err := c.noCSV(); err != nil {
		return err
	}
	objects := o.request.Location != ""
	if objects && !cmd.Flags().Changed("wait") {
		o.wait = 2 * time.Minute
	}
	switch {
	case o.manifest == "" && !objects:
		return wrongUse(cmd, "--manifest is missing: a file with one ciphertext a line (or --s3, a place of objects; or "+
			"--plan, which only looks)")
	case objects && (o.manifest != "" || o.out != "" || o.force):
		return wrongUse(cmd, "--s3 goes with neither --manifest nor its --out and --force")
	case !objects && o.request.Resume:
		return wrongUse(cmd, "--resume is for --s3; the command of a manifest goes on by itself")
	case o.versions:
		return exit(admin.ExitRefused, "refused: S3 cannot encrypt an older version anew, a copy of it would become the "+
			"current one. A lifecycle rule with NoncurrentVersionExpiration removes older versions")
	case o.request.To == "":
		return wrongUse(cmd, "--to is missing: the key to move the ciphertexts to")
	case o.wait < 0:
		return wrongUse(cmd, "--wait %v is negative", o.wait)
	case o.request.DryRun:
		return nil
	case strings.TrimSpace(o.request.Reason) == "":
		return wrongUse(cmd, "--reason is required: it goes into the audit log")
	case !o.yes && !c.terminal.in:
		return wrongUse(cmd, "there is no terminal to ask on; --yes says that nobody needs to be asked")
	}
	if o.out == "" {
		o.out = o.manifest + ".reencrypted"
	}
	return nil
}

// reencrypt surveys the manifest, shows the plan, asks, and goes through.
func (c *cli) reencrypt(cmd *cobra.Command, o *reencryptOptions) error {
	ctx := cmd.Context()
	survey, err := manifest.Read(o.manifest)
	switch {
	case err != nil:
		return exit(admin.ExitUsage, "%w", err)
	case survey.Lines == 0:
		return exit(admin.ExitUsage, "%s has no line: there is nothing to move", o.manifest)
	}
	o.request.Manifest, o.request.Total = survey.SHA256, survey.Blobs
	client, err := c.client()
	if err != nil {
		return err
	}
	defer client.Close()
	trial := o.request
	trial.PlanOnly = true
	plan, err := client.Reencrypt(ctx, trial)
	if err != nil {
		if errors.Is(err, admin.ErrNoDaemon) {
			c.reencryptByHand(o)
		}
		return err
	}
	if c.output == "table" {
		c.printReencryptPlan(plan, survey, o)
	}
	if plan.Decision.Verdict == remediation.Refuse {
		return exit(admin.ExitRefused, "refused (%s): %s", plan.Decision.Guardrail, plan.Decision.Reason)
	}
	journal, err := c.journal(o, plan)
	if err != nil {
		return err
	}
	if journal != nil {
		defer journal.Close()
		defer journal.Drop()
	}
	if !o.yes && !o.request.DryRun {
		if err := c.confirm(ctx, "Go on?"); err != nil {
			return err
		}
	}
	job, err := c.beginJob(ctx, client, o, plan, journal)
	if err != nil {
		return err
	}
	return c.goThrough(ctx, client, o, survey, journal, job)
}

// journal opens the results; nil when none are written.
func (c *cli) journal(o *reencryptOptions, plan *admin.ReencryptPlan) (*manifest.Journal, error) {
	if o.out == "" {
		return nil, nil //nolint:nilnil // a dry run that is only counted
	}
	j, err := manifest.Open(o.out, o.force)
	if err != nil {
		hint := ""
		if errors.Is(err, manifest.ErrThere) {
			hint = "; --out names another one, --force overwrites it"
		}
		return nil, exit(admin.ExitUsage, "%w%s", err, hint)
	}
	if j.Header.Job == "" {
		return j, nil
	}
	if err := j.Header.Continues(header(plan, "")); err != nil {
		j.Close()
		return nil, exit(admin.ExitUsage, "%s.journal: %w; finish that, or remove it and %s.part", o.out, err, o.out)
	}
	hint(c.err, "%s were done before (%s); it goes on from there.", plural(int(j.Tally.Lines), "line", "lines"),
		j.Header.Job)
	return j, nil
}

func header(plan *admin.ReencryptPlan, job string) manifest.Header {
	return manifest.Header{
		Manifest: plan.Job.Manifest, To: plan.Job.To, From: plan.Job.From, DryRun: plan.Job.DryRun, Job: job,
	}
}

// beginJob begins the daemon's job, or goes on with the journal's.
func (c *cli) beginJob(
	ctx context.Context, client *admin.Client, o *reencryptOptions, plan *admin.ReencryptPlan, j *manifest.Journal,
) (id string, err error) {
	if j != nil && j.Header.Job != "" {
		job, err := client.Job(ctx, j.Header.Job)
		switch answer, _ := errors.AsType[*admin.Error](err); {
		case answer != nil && answer.Code == admin.CodeNotFound:
			return "", exit(admin.ExitFailed, "the daemon does not know %s, which %s.journal is of: remove the journal and "+
				"%s.part to begin anew", j.Header.Job, o.out, o.out)
		case err != nil:
			return "", err
		case job.State == reencrypt.Cancelled:
			return "", exit(admin.ExitRefused, "%s was cancelled (%s): remove %s.journal and %s.part to begin anew", job.ID,
				job.Outcome, o.out, o.out)
		case o.request.Emergency && !job.Emergency:
			hint(c.err, "%s was not begun in an emergency: a pause holds it up, and the ordinary role moves what is left. To "+
				"begin anew remove %s.journal and %s.part.", job.ID, o.out, o.out)
		}
		return job.ID, nil
	}
	begun, err := client.Reencrypt(ctx, o.request)
	if err != nil {
		return "", err
	}
	if j != nil {
		err = j.Begin(header(plan, begun.Job.ID))
	}
	return begun.Job.ID, roomy(err)
}

// goThrough moves the manifest's blobs and says what came of it.
func (c *cli) goThrough(
	ctx context.Context, client *admin.Client, o *reencryptOptions, survey manifest.Survey, j *manifest.Journal, id string,
) error {
	bar := newProgressBar(c, survey.Lines)
	run := &manifest.Run{
		Path: o.manifest, Survey: survey, Journal: j, DryRun: o.request.DryRun, Patience: o.wait,
		Progress: func(t *manifest.Tally, waiting string) { bar.show(t.Lines, waiting) },
		Send: func(ctx context.Context, first int64, blobs []reencrypt.Blob) (manifest.Answer, error) {
			answer, err := client.ReencryptBlobs(ctx, id, first, blobs)
			if err != nil {
				return manifest.Answer{}, later(err)
			}
			return manifest.Answer{Outcomes: answer.Outcomes, Waiting: answer.Waiting}, nil
		},
	}
	tally, err := run.Do(ctx)
	bar.end()
	if err != nil {
		return c.stoppedShort(err, tally, survey, o)
	}
	return c.reencrypted(&reencryption{Job: id, Out: o.out, DryRun: o.request.DryRun, Tally: *tally})
}

// later marks what may be over in a moment: a daemon that restarts, or has too much to do.
func later(err error) error {
	answer, answered := errors.AsType[*admin.Error](err)
	away := errors.Is(err, admin.ErrNoAnswer) || errors.Is(err, admin.ErrNoDaemon)
	busy := []string{admin.CodeBusy, admin.CodeStopping, admin.CodeTimeout}
	if away || answered && slices.Contains(busy, answer.Code) {
		return fmt.Errorf("%w: %w", manifest.ErrLater, err)
	}
	return err
}

// stoppedShort says how to go on.
func (c *cli) stoppedShort(err error, t *manifest.Tally, s manifest.Survey, o *reencryptOptions) error {
	if t == nil || o.out == "" {
		return err
	}
	if answer, ok := errors.AsType[*admin.Error](err); ok && answer.Exit == admin.ExitRefused {
		return err
	}
	kept := fmt.Sprintf("%d of %d lines are done and kept in %s.part", t.Lines, s.Lines, o.out)
	switch {
	case errors.Is(err, context.Canceled):
		return exit(admin.ExitUnfinished, "interrupted: %s; the same command goes on from there", kept)
	case errors.Is(err, manifest.ErrChanged):
		return exit(admin.ExitFailed, "%w: nobody can tell which line is whose. Remove %s.journal and %s.part, and begin "+
			"anew", err, o.out, o.out)
	}
	return exit(admin.ExitUnfinished, "%w\n(%s; the same command goes on from there)", roomy(err), kept)
}

// roomy adds what helps against a full disk.
func roomy(err error) error {
	if errors.Is(err, manifest.ErrNoRoom) {
		return fmt.Errorf("%w: make room", err)
	}
	return err
}

// reencryptByHand prints what to do when there is no daemon to do it.
func (c *cli) reencryptByHand(o *reencryptOptions) {
	hint(c.err, "No daemon answers. The same for one line of the manifest with the AWS CLI:\n")
	hint(c.err, "  aws kms re-encrypt --ciphertext-blob fileb://BLOB \\\n    --source-encryption-context NAME=VALUE "+
		"--destination-encryption-context NAME=VALUE \\\n    --destination-key-id %s --query CiphertextBlob --output text\n",
		argument(o.request.To))
}
