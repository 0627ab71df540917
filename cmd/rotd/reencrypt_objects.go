package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"rotd/internal/admin"
	"rotd/internal/reencrypt"
	"rotd/internal/remediation"
)

// reencryptObjects shows the plan, asks, has the daemon begin, and waits a while for the end.
func (c *cli) reencryptObjects(ctx context.Context, o *reencryptOptions) error {
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
			c.objectsByHand(o)
		}
		return err
	}
	if c.output == "table" {
		c.printObjectsPlan(plan, o)
	}
	if plan.Decision.Verdict == remediation.Refuse {
		return exit(admin.ExitRefused, "refused (%s): %s", plan.Decision.Guardrail, plan.Decision.Reason)
	}
	if !o.yes && !o.request.DryRun {
		if err := c.confirm(ctx, "Go on?"); err != nil {
			return err
		}
	}
	begun, err := client.Reencrypt(ctx, o.request)
	if err != nil {
		return err
	}
	job, err := c.awaitJob(ctx, client, &begun.Job, o.wait)
	if err != nil {
		return err
	}
	return errors.Join(c.shownJob(job), jobEnded(job))
}

// awaitJob waits until a job is over, at most so long.
func (c *cli) awaitJob(ctx context.Context, client *admin.Client, job *reencrypt.Job, wait time.Duration) (
	*reencrypt.Job, error,
) {
	progress, deadline := newProgress(c), time.Now().Add(wait)
	defer progress.end()
	for job.State == reencrypt.Running && time.Now().Before(deadline) {
		if c.terminal.err {
			progress.show(job.ID + ": " + movedText(job) + waitsFor(job))
		}
		select {
		case <-time.After(min(watchEvery, time.Until(deadline))):
		case <-ctx.Done():
			return nil, exit(admin.ExitUnfinished, "interrupted: the daemon goes on with %[1]s: `rotd reencrypt show %[1]s`",
				job.ID)
		}
		next, err := client.Job(ctx, job.ID)
		if err != nil {
			return nil, exit(admin.ExitUnfinished, "%w\n(%s is recorded and goes on: `rotd reencrypt show %s`)", err, job.ID,
				job.ID)
		}
		job = next
	}
	return job, nil
}

func waitsFor(j *reencrypt.Job) string {
	if j.Waiting == "" {
		return ""
	}
	return ", waiting: " + j.Waiting
}

// jobEnded is how the command ends for a job.
func jobEnded(j *reencrypt.Job) error {
	switch {
	case j.State == reencrypt.Running:
		return exit(admin.ExitUnfinished, "%[1]s goes on: `rotd reencrypt show %[1]s`", j.ID)
	case j.State == reencrypt.Failed:
		return exit(admin.ExitFailed, "%s %s: %s; when that is mended, the same command with --resume goes on", j.ID,
			j.State, j.Outcome)
	case j.State != reencrypt.Done:
		return exit(admin.ExitFailed, "%s %s: %s", j.ID, j.State, j.Outcome)
	case j.Failed > 0 && j.DryRun:
		return exit(admin.ExitUnfinished, "%d of %d objects would not be moved", j.Failed, j.Failed+j.Moved)
	case j.Failed > 0:
		return exit(admin.ExitUnfinished, "%d of %d objects were not moved; when what stands in their way is mended, the "+
			"same command moves them", j.Failed, j.Failed+j.Moved)
	}
	return nil
}

// printObjectsPlan shows what is to be moved, and what comes of it.
func (c *cli) printObjectsPlan(p *admin.ReencryptPlan, o *reencryptOptions) {
	what := "Move the objects under " + p.Job.Location + " to " + p.To.Name()
	if o.request.DryRun {
		what = "Count the objects under " + p.Job.Location + " that would move to " + p.To.Name()
	}
	for _, line := range wrap(what, c.columns()) {
		fmt.Fprintln(c.out, c.styled(bold, line))
	}
	fmt.Fprintln(c.out)
	c.field("to", p.To.ARN+", "+keyState(admin.Key{Key: p.To}))
	if p.From != nil {
		c.field("from", p.From.ARN+", "+keyState(admin.Key{Key: *p.From}))
	} else {
		c.field("from", "every other KMS key; --from moves what is under one alone")
	}
	role := "the daemon's role"
	if o.request.Emergency {
		role = "the role for emergencies (the daemon's where there is none)"
	}
	c.field("how", "each object is copied onto itself by "+role+", unless it changes meanwhile")
	c.field("costs", "some S3 requests and two to KMS for each object, and the storage of versions that are left behind")
	for _, w := range p.Warnings {
		c.field("WARNING", w)
	}
	c.printMoveRequest(p, o)
	fmt.Fprintln(c.out)
}

// objectsByHand prints what to do when there is no daemon to do it.
func (c *cli) objectsByHand(o *reencryptOptions) {
	hint(c.err, "No daemon answers. The same with the AWS CLI, which keeps neither access lists nor what changes "+
		"meanwhile:\n")
	hint(c.err, "  aws s3 cp %[1]s %[1]s --recursive \\\n    --sse aws:kms --sse-kms-key-id %[2]s\n",
		argument(o.request.Location), argument(o.request.To))
}
