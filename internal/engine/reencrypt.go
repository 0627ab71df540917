package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.uber.org/zap"

	"rotd/internal/audit"
	"rotd/internal/awskms"
	"rotd/internal/inventory"
	"rotd/internal/reencrypt"
	"rotd/internal/remediation"
	"rotd/internal/state"
)

// Errors that a request about a job can meet.
var (
	ErrUnknownJob  = errors.New("unknown job")
	ErrJobOver     = errors.New("the job is over")
	ErrBadLocation = errors.New("not a place objects can be moved in")
)

// ReencryptRequest is a person's request to move ciphertext to another key.
type ReencryptRequest struct {
	To        string // id, ARN, alias or alias ARN of the destination key
	From      string // likewise, of the only key whose ciphertext is to be moved; "": whatever key
	Manifest  string // SHA-256 in hex of the manifest whose blobs are sent in batches
	Total     int64  // how many blobs those are
	Location  string // s3://bucket/prefix of objects that rotd copies instead
	Resume    bool   // go on with the last job there that failed or was cancelled
	Reason    string
	Ticket    string
	Incident  string // id of the incident it is for
	Emergency bool
	DryRun    bool // KMS is asked whether it would
	PlanOnly  bool // nothing begins
	Requester string
}

// ReencryptPlan is what a request would do, or does.
type ReencryptPlan struct {
	To       inventory.Key        `json:"to"`
	From     *inventory.Key       `json:"from,omitempty"`
	Job      reencrypt.Job        `json:"job"` // without an id when nothing began
	Decision remediation.Decision `json:"decision"`
	Rate     float64              `json:"per_second"` // blobs a second at most
	Warnings []string             `json:"warnings"`
}

// Reencrypt plans what a person asks for on the keys as KMS shows them now and, unless only the plan is wanted or it is
// refused, begins a job. What is refused costs no call that KMS charges for.
func (e *Engine) Reencrypt(ctx context.Context, r ReencryptRequest) (*ReencryptPlan, error) {
	if strings.TrimSpace(r.Reason) == "" && !r.DryRun && !r.PlanOnly {
		return nil, ErrNoReason
	}
	now := time.Now().UTC()
	to, err := e.keyNow(ctx, r.To)
	if err != nil {
		return nil, err
	}
	place, err := e.placeOf(to.ARN)
	if err != nil {
		return nil, err
	}
	plan := &ReencryptPlan{To: *to, Rate: place.KMS.ReEncryptRate(), Warnings: []string{}, Job: reencrypt.Job{
		Kind: reencrypt.Blobs, To: to.ARN, Manifest: r.Manifest, Total: r.Total, State: reencrypt.Running,
		DryRun: r.DryRun, Requester: r.Requester, Reason: r.Reason, Ticket: r.Ticket, Incident: r.Incident,
		Emergency: r.Emergency,
		Created:   now, Updated: now,
	}}
	if r.From != "" {
		if plan.From, err = e.keyNow(ctx, r.From); err != nil {
			return nil, err
		}
		plan.Job.From = plan.From.ARN
	}
	if r.Location != "" {
		if err := e.planObjects(ctx, plan, r.Location); err != nil {
			return nil, err
		}
	}
	err = e.note(now, func(n *notebook) error {
		if plan.Decision, err = n.mayReencrypt(plan, r.Emergency); err != nil {
			return err
		}
		if r.PlanOnly {
			return jobFor(n.tx, r.Incident, &plan.Job)
		}
		if plan.Decision.Verdict != remediation.Refuse {
			err = e.beginJob(n.tx, plan, r.Resume)
		}
		if err != nil {
			return err
		}
		n.stopped("", plan.Decision.Guardrail, &remediation.Action{})
		if err := jobFor(n.tx, r.Incident, &plan.Job); err != nil {
			return err
		}
		return jobRequested(n.tx, plan, &r, now)
	})
	if err != nil {
		return nil, err
	}
	e.jobsMoved.send()
	if plan.Job.ID != "" {
		e.log.Info("re-encryption begins", zap.String("job", plan.Job.ID), zap.String("to", plan.Job.To),
			zap.String("from", plan.Job.From), zap.Int64("blobs", plan.Job.Total), zap.Bool("dry_run", plan.Job.DryRun),
			zap.String("requester", r.Requester), zap.String("reason", r.Reason), zap.Strings("overrode", plan.Job.Overrode))
	}
	return plan, nil
}

// beginJob makes a job durable. Of objects one job runs in a place at a time: a second request joins it,
// and makes an emergency of it if it is one itself.
func (e *Engine) beginJob(tx *state.Tx, plan *ReencryptPlan, resume bool) error {
	job := &plan.Job
	if job.Kind == reencrypt.Objects {
		before, err := lastThere(tx, job)
		if err != nil {
			return err
		}
		switch {
		case before != nil && before.State == reencrypt.Running && (before.Emergency || !job.Emergency):
			*job = *before
			return nil
		case before != nil && before.State == reencrypt.Running:
			before.Emergency, before.Overrode = true, plan.Decision.Overridden
			*job = *before
			return tx.PutJob(job)
		case resume && (before == nil || before.State == reencrypt.Done):
			return fmt.Errorf("%w: nothing that failed or was cancelled can go on at %s", ErrUnknownJob, job.Location)
		case resume:
			before.State, before.Outcome, before.Ended, before.Updated = reencrypt.Running, "", time.Time{}, job.Created
			before.Emergency, before.Overrode = job.Emergency, plan.Decision.Overridden
			*job = *before
			return tx.PutJob(job)
		}
	}
	job.ID, job.Overrode = e.newID("mov_", job.Created), plan.Decision.Overridden
	if job.Kind == reencrypt.Blobs && job.Total == 0 {
		if err := endJob(tx, job, reencrypt.Done, audit.Rotd, "", job.Created); err != nil {
			return err
		}
	}
	return tx.PutJob(job)
}

// lastThere is the newest job that is about the same objects and keys; nil when there is none.
func lastThere(tx *state.Tx, like *reencrypt.Job) (*reencrypt.Job, error) {
	for after := ""; ; {
		jobs, next, err := tx.Jobs(after, 1, func(j *reencrypt.Job) bool {
			return j.Kind == reencrypt.Objects && j.Location == like.Location && j.To == like.To && j.From == like.From &&
				j.DryRun == like.DryRun
		})
		if err != nil || len(jobs) > 0 {
			return first(jobs), err
		}
		if after = next; next == "" {
			return nil, nil //nolint:nilnil // there is none, and nothing went wrong
		}
	}
}

func first(jobs []reencrypt.Job) *reencrypt.Job {
	if len(jobs) == 0 {
		return nil
	}
	return &jobs[0]
}

// keyNow is the key that a name means, as KMS describes it at this moment.
func (e *Engine) keyNow(ctx context.Context, name string) (*inventory.Key, error) {
	arn, err := e.ResolveKey(name)
	if err != nil {
		return nil, err
	}
	place, err := e.placeOf(arn)
	if err != nil {
		return nil, err
	}
	prev := e.knownKey(arn)
	if prev == nil {
		prev = &inventory.Key{ARN: arn}
	}
	key, err := place.KMS.In(awskms.Act).ReadDrift(ctx, prev)
	if err != nil {
		return nil, fmt.Errorf("read the key before planning: %w", err)
	}
	return key, nil
}

// mayReencrypt judges a plan. A dry run passes everything but the keys.
func (n *notebook) mayReencrypt(p *ReencryptPlan, emergency bool) (remediation.Decision, error) {
	refuse := func(guardrail, reason string) remediation.Decision {
		return remediation.Decision{Verdict: remediation.Refuse, Guardrail: guardrail, Reason: reason}
	}
	if why := reencrypt.Unfit(keyFacts(&p.To), reencrypt.Destination); why != "" {
		return refuse(remediation.GuardNotEligible, why), nil
	}
	if p.From != nil {
		if why := reencrypt.Unfit(keyFacts(p.From), reencrypt.Source); why != "" {
			return refuse(remediation.GuardNotEligible, why), nil
		}
		if p.From.Region != p.To.Region {
			return refuse(remediation.GuardNotEligible, fmt.Sprintf("%s is in %s and %s in %s: KMS re-encrypts within one "+
				"Region only. Choose a key there, or a replica of it.", p.From.Name(), p.From.Region, p.To.Name(),
				p.To.Region)), nil
		}
	}
	if why := p.objectsUnfit(); why != "" {
		return refuse(remediation.GuardNotEligible, why), nil
	}
	allowed := remediation.Decision{Verdict: remediation.Allow}
	if p.Job.DryRun {
		return allowed, nil
	}
	f, err := n.moveFacts(p.Job.From)
	if err != nil {
		return allowed, err
	}
	if p.Job.Kind == reencrypt.Blobs {
		return remediation.MoveBlobs(emergency, f), nil
	}
	g, err := n.guardrails()
	return g.MoveObjects(p.Job.From, emergency, f), err
}

// moveFacts are what the guardrails judge by when ciphertext is moved from under a key; "": from under whichever.
func (n *notebook) moveFacts(arn string) (f remediation.Facts, err error) {
	f.Now = n.now
	if f.Paused, err = n.e.paused(n.tx, n.settings); err != nil {
		return f, err
	}
	if f.Breaker, err = n.tx.Breaker(); err != nil {
		return f, err
	}
	key, err := n.key(arn)
	if err != nil || key == nil {
		return f, err
	}
	return f, n.underPolicy(&f, key)
}

func keyFacts(k *inventory.Key) reencrypt.Key {
	return reencrypt.Key{
		Name: k.Name(), State: k.State, Spec: k.Spec, Usage: k.Usage, Managed: k.Manager != "CUSTOMER",
		Gone: k.GoneAt != nil, Denied: k.WasDenied("DescribeKey"),
	}
}

// Job returns a job.
func (e *Engine) Job(id string) (job *reencrypt.Job, err error) {
	err = e.db.View(func(tx *state.Tx) error { job, err = knownJob(tx, id); return err })
	return job, err
}

func knownJob(tx *state.Tx, id string) (*reencrypt.Job, error) {
	job, err := tx.Job(id)
	if err == nil && job == nil {
		err = fmt.Errorf("%w %q", ErrUnknownJob, id)
	}
	return job, err
}

// CancelJob ends a running job where it is. What it has moved stays moved.
func (e *Engine) CancelJob(id, by, reason string) (job *reencrypt.Job, err error) {
	if strings.TrimSpace(reason) == "" {
		return nil, ErrNoReason
	}
	err = e.db.Update(func(tx *state.Tx) error {
		if job, err = knownJob(tx, id); err != nil {
			return err
		}
		if job.State != reencrypt.Running {
			return fmt.Errorf("%s is %s: %w", id, job.State, ErrJobOver)
		}
		outcome := "cancelled by " + by + ": " + reason
		if err := endJob(tx, job, reencrypt.Cancelled, by, outcome, time.Now().UTC()); err != nil {
			return err
		}
		return tx.PutJob(job)
	})
	e.jobsMoved.send()
	return job, err
}
