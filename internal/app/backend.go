package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"rotd/internal/admin"
	"rotd/internal/audit"
	"rotd/internal/detection"
	"rotd/internal/engine"
	"rotd/internal/finding"
	"rotd/internal/inventory"
	"rotd/internal/policy"
	"rotd/internal/remediation"
	"rotd/internal/state"
	"rotd/internal/usage"
)

// backend answers the control API from the state and the engine.
type backend struct{ d *daemonProcess }

var _ admin.Backend = (*backend)(nil)

// NotReady says what keeps the daemon from its work.
func (b *backend) NotReady(context.Context) []string {
	if !b.d.up.Load() {
		return []string{b.d.startingUp()}
	}
	var why []string
	if stopped := b.d.engine.IntakeStopped(); stopped != "" {
		why = append(why, "receiving is stopped: "+stopped)
	}
	for _, c := range b.d.parts.consumers {
		if s := c.Status(); !s.Ready {
			why = append(why, fmt.Sprintf("queue %s: %s", s.Queue, s.Reason))
		}
	}
	return why
}

// Findings returns a page of findings, newest first.
func (b *backend) Findings(_ context.Context, q admin.FindingQuery) (page admin.Page[finding.Finding], err error) {
	err = b.d.db.View(func(tx *state.Tx) error {
		page.Items, page.Next, err = tx.Findings(q.After, q.Limit, q.Keep)
		page.Unreadable = passedOver(tx)
		return err
	})
	return page, err
}

// passedOver names the records that a list left out because they cannot be read.
func passedOver(tx *state.Tx) (ids []string) {
	for _, lost := range tx.PassedOver() {
		ids = append(ids, lost.Key)
	}
	return ids
}

// Finding returns one finding.
func (b *backend) Finding(_ context.Context, id string) (f *finding.Finding, err error) {
	err = b.d.db.View(func(tx *state.Tx) error {
		if f, err = tx.Finding(id); err == nil && f == nil {
			err = fmt.Errorf("finding %q: %w", id, admin.ErrNotFound)
		}
		return err
	})
	return f, err
}

// Keys returns a page of keys in the order of their ARNs.
func (b *backend) Keys(_ context.Context, q admin.KeyQuery) (page admin.Page[admin.Key], err error) {
	if err := b.started(); err != nil {
		return page, err
	}
	policies := b.d.engine.Settings().Policies
	err = b.d.db.View(func(tx *state.Tx) error {
		var unread error
		keys, next, err := tx.Keys(q.After, q.Limit, func(k *inventory.Key) bool {
			p, _, err := policyOf(tx, k, policies)
			unread = errors.Join(unread, err)
			return q.Keep(k, nameOf(p))
		})
		if err = errors.Join(err, unread); err != nil {
			return err
		}
		page.Next, page.Unreadable = next, passedOver(tx)
		for i := range keys {
			view, _, err := keyView(tx, &keys[i], policies)
			if err != nil {
				return err
			}
			view.Policy = "" // the key policy's text is for one key at a time
			page.Items = append(page.Items, view)
		}
		page.Partial, err = b.partial(tx)
		return err
	})
	return page, err
}

// partial reports whether a configured account and Region was never seen whole.
func (b *backend) partial(tx *state.Tx) (bool, error) {
	places, err := b.places(tx)
	for i := range places {
		if places[i].LastComplete.IsZero() || places[i].LastError != "" {
			return true, err
		}
	}
	return len(places) == 0, err
}

// places is the coverage of every configured account and Region: also of one that was never swept, and of none that is
// configured no more.
func (b *backend) places(tx *state.Tx) (all []state.Coverage, err error) {
	for _, p := range b.d.engine.Places() {
		c, err := tx.Place(p.Account, p.Region)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}

// keyView adds to a key's facts what rotd makes of them.
func keyView(tx *state.Tx, k *inventory.Key, policies policy.Set) (admin.Key, []finding.Finding, error) {
	p, _, err := policyOf(tx, k, policies)
	view := admin.Key{
		Key: *k, RotationPolicy: nameOf(p), Owner: p.Owner(k), Custodian: p.Custodian(k),
		Eligible: remediation.Eligibility(k), LastUse: tx.LastUse(k.ARN),
	}
	if err != nil {
		return view, nil, err
	}
	if k.Rotation != nil && !k.Rotation.HistoryAt.IsZero() {
		left := inventory.OnDemandLimit - k.Rotation.OnDemandUsed()
		view.OnDemandLeft = &left
	}
	open, err := tx.OpenAboutKey(k, admin.MaxRows)
	if err != nil {
		return view, nil, err
	}
	open = slices.DeleteFunc(open, func(f finding.Finding) bool { return f.Hidden })
	view.OpenFindings = len(open)
	for i := range open {
		if view.Worst == nil || open[i].Severity > *view.Worst {
			view.Worst = &open[i].Severity
		}
	}
	return view, open, nil
}

// policyOf is the policy in force for a key, and what is remembered of a change that moved it.
func policyOf(tx *state.Tx, k *inventory.Key, policies policy.Set) (*policy.Policy, *policy.Assignment, error) {
	a, err := tx.Assignment(k.ARN)
	return policies.InForce(a, k), a, err
}

func nameOf(p *policy.Policy) string {
	if p == nil {
		return ""
	}
	return p.Name
}

// Key returns everything about one key.
func (b *backend) Key(_ context.Context, name string) (*admin.KeyDetail, error) {
	if err := b.started(); err != nil {
		return nil, err
	}
	var detail admin.KeyDetail
	settings := b.d.engine.Settings()
	err := b.onKey(name, func(tx *state.Tx, k *inventory.Key) (err error) {
		if detail.Key, detail.Findings, err = keyView(tx, k, settings.Policies); err != nil {
			return err
		}
		if _, detail.Assignment, err = policyOf(tx, k, settings.Policies); err != nil {
			return err
		}
		detail.Exceptions = settings.Exceptions.Applied(k, detail.Assignment, settings.Source, time.Now())
		if detail.Moves, err = movesOf(tx, k.ARN); err != nil {
			return err
		}
		detail.Actions, err = tx.ActionsOn(k.ARN, 20)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &detail, nil
}

// onKey reads about the one key that a name means.
func (b *backend) onKey(name string, fn func(tx *state.Tx, k *inventory.Key) error) error {
	arn, err := b.d.engine.ResolveKey(name)
	if err != nil {
		return asAdmin(err)
	}
	return b.d.db.View(func(tx *state.Tx) error {
		k, err := tx.Key(arn)
		switch {
		case err != nil:
			return err
		case k == nil:
			return fmt.Errorf("key %q: %w", name, admin.ErrNotFound)
		}
		return fn(tx, k)
	})
}

// KeyUsage says who used a key since a time.
func (b *backend) KeyUsage(_ context.Context, name string, since time.Time) (*admin.KeyUsage, error) {
	if err := b.started(); err != nil {
		return nil, err
	}
	var answer admin.KeyUsage
	err := b.onKey(name, func(tx *state.Tx, k *inventory.Key) error {
		u, err := tx.Usage(k.ARN, usage.NewWindow(since, time.Now()))
		if err != nil {
			return err
		}
		answer = admin.KeyUsage{Usage: *u, KeyARN: k.ARN, KMS: k.LastUsage, WatchedSince: tx.Created()}
		if len(k.Aliases) > 0 {
			answer.Alias = k.Aliases[0]
		}
		answer.Latest(tx.LastUse(k.ARN))
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &answer, nil
}

// Actions returns a page of actions, newest first.
func (b *backend) Actions(_ context.Context, q admin.ActionQuery) (page admin.Page[remediation.Action], err error) {
	err = b.d.db.View(func(tx *state.Tx) error {
		page.Items, page.Next, err = tx.Actions(q.After, q.Limit, q.Keep)
		page.Unreadable = passedOver(tx)
		return err
	})
	return page, err
}

// Action returns one action, once it is final or the wait is over.
func (b *backend) Action(ctx context.Context, id string, wait time.Duration) (*remediation.Action, error) {
	if err := b.started(); err != nil {
		return nil, err
	}
	a, err := b.d.engine.WaitAction(ctx, id, wait)
	if err == nil && a == nil {
		err = fmt.Errorf("action %q: %w", id, admin.ErrNotFound)
	}
	return a, err
}

// Quarantine returns a page of what could not be decoded, newest first.
func (b *backend) Quarantine(_ context.Context, r admin.Range) (page admin.Page[admin.Quarantined], err error) {
	err = b.d.db.View(func(tx *state.Tx) error {
		items, next, err := tx.QuarantineList(r.After, r.Limit)
		page.Next = next
		for i := range items {
			page.Items = append(page.Items, admin.NewQuarantined(&items[i]))
		}
		return err
	})
	return page, err
}

// Approve has an action go on that awaits approval.
func (b *backend) Approve(
	_ context.Context, id, plan string, by remediation.Who, reason string,
) (*remediation.Action, error) {
	if err := b.started(); err != nil {
		return nil, err
	}
	a, err := b.d.engine.Approve(id, plan, by, reason)
	return a, asAdmin(err)
}

// Cancel ends an action that has not begun.
func (b *backend) Cancel(_ context.Context, id, by, reason string) (*remediation.Action, error) {
	if err := b.started(); err != nil {
		return nil, err
	}
	a, err := b.d.engine.Cancel(id, by, reason)
	return a, asAdmin(err)
}

// Sweep begins a scheduled job now.
func (b *backend) Sweep(by, name string) (<-chan error, error) {
	if err := b.started(); err != nil {
		return nil, err
	}
	var names []string
	for _, job := range b.d.parts.scheduler.Status() {
		names = append(names, job.Name)
	}
	if !slices.Contains(names, name) {
		return nil, admin.As(admin.ErrInvalid, fmt.Errorf("there is no sweep %q; there are %s", name,
			strings.Join(names, ", ")))
	}
	if err := b.d.audit(audit.Entry{
		Actor: by, Event: audit.SweepRequested, Detail: map[string]string{"name": name},
	}); err != nil {
		return nil, err
	}
	if name == engine.Inventory { // whoever asks wants to know how things are now
		if err := b.d.engine.AskFresh(); err != nil {
			return nil, err
		}
	}
	return b.d.parts.scheduler.Trigger(name)
}

// Names are what filters may name.
func (b *backend) Names(context.Context) (n admin.Names, err error) {
	if err := b.started(); err != nil {
		return n, err
	}
	for _, e := range detection.Catalogue() {
		n.Rules = append(n.Rules, e.ID)
	}
	n.Rules = append(n.Rules, b.d.engine.Settings().Judge.Users()...)
	for _, p := range b.d.engine.Places() {
		n.Places = append(n.Places, admin.Place{Account: p.Account, Region: p.Region})
	}
	for _, p := range b.d.engine.Settings().Policies {
		n.Policies = append(n.Policies, p.Name)
	}
	return n, nil
}

// Pause stops automatic actions.
func (b *backend) Pause(_ context.Context, by, reason, incident string) (*state.Pause, error) {
	if err := b.started(); err != nil {
		return nil, err
	}
	before, err := b.paused()
	if err != nil {
		return nil, err
	}
	return before, asAdmin(b.d.engine.Pause(by, reason, incident))
}

// Resume ends a pause, closes the circuit breaker, and arms a new state.
func (b *backend) Resume(_ context.Context, by, incident string) (ended admin.Paused, err error) {
	if err := b.started(); err != nil {
		return ended, err
	}
	if ended.Before, err = b.paused(); err != nil {
		return ended, err
	}
	armed, err := b.d.engine.Armed()
	if err != nil {
		return ended, err
	}
	ended.Armed = !armed
	err = b.d.db.View(func(tx *state.Tx) (err error) { ended.Breaker, err = openBreaker(tx); return err })
	if err != nil {
		return ended, err
	}
	return ended, asAdmin(b.d.engine.Resume(by, incident))
}

// openBreaker is the circuit breaker while it is open; nil when it is closed.
func openBreaker(tx *state.Tx) (*remediation.Breaker, error) {
	b, err := tx.Breaker()
	if err != nil || !b.Open() {
		return nil, err
	}
	return &b, nil
}

// paused returns the pause that holds; nil when none does.
func (b *backend) paused() (pause *state.Pause, err error) {
	err = b.d.db.View(func(tx *state.Tx) error {
		p, ok, err := tx.Paused()
		if ok {
			pause = &p
		}
		return err
	})
	return pause, err
}

// asAdmin says in the API's words what an error of the engine means to the caller.
func asAdmin(err error) error {
	switch {
	case errors.Is(err, engine.ErrUnknownKey), errors.Is(err, engine.ErrUnknownFinding),
		errors.Is(err, engine.ErrUnknownAction), errors.Is(err, engine.ErrUnknownIncident),
		errors.Is(err, engine.ErrUnknownSuppression),
		errors.Is(err, engine.ErrUnknownJob):
		return admin.As(admin.ErrNotFound, err)
	case errors.Is(err, engine.ErrAmbiguous):
		return admin.As(admin.ErrAmbiguous, err)
	case errors.Is(err, engine.ErrMoved):
		return admin.As(admin.ErrBusy, err)
	case errors.Is(err, engine.ErrJobOver):
		return admin.As(admin.ErrRefused, err)
	case errors.Is(err, engine.ErrBadLocation), errors.Is(err, engine.ErrNoReason), errors.Is(err, engine.ErrNotOpen),
		errors.Is(err, engine.ErrClosedIncident), errors.Is(err, engine.ErrBadSuppression),
		errors.Is(err, engine.ErrSuppressionInFile),
		errors.Is(err, engine.ErrTooMuch):
		return admin.As(admin.ErrInvalid, err)
	case slices.ContainsFunc([]error{
		engine.ErrOtherMove, engine.ErrPlanMoved, remediation.ErrNotAwaiting, remediation.ErrLate, remediation.ErrOtherPlan,
		remediation.ErrOwnRequest, remediation.ErrNobodyAsked, remediation.ErrNoPerson, remediation.ErrBegun,
	}, func(refusal error) bool { return errors.Is(err, refusal) }):
		return admin.As(admin.ErrRefused, err)
	}
	return err
}
