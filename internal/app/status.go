package app

import (
	"context"
	"time"

	"github.com/go-json-experiment/json"

	"rotd/internal/admin"
	"rotd/internal/finding"
	"rotd/internal/notify"
	"rotd/internal/remediation"
	"rotd/internal/state"
)

// Status is the daemon at one glance.
func (b *backend) Status(ctx context.Context) (*admin.Status, error) {
	if err := b.started(); err != nil {
		return nil, err
	}
	d := b.d
	s := &admin.Status{
		Version: d.opts.Version, Shard: d.db.Shard(), Mode: d.engine.Settings().Guardrails.MaxMode,
		Now: time.Now().UTC(), Started: d.started,
		NotReady: b.NotReady(ctx), LastEvent: d.engine.LastEvent(),
		State:      admin.File{Path: d.db.Path(), Bytes: d.db.Size()},
		ClockAhead: int64(d.clock.Ahead() / time.Second),
	}
	s.Ready = len(s.NotReady) == 0
	if refused := d.reloadRefused.Load(); refused != nil {
		s.ReloadError = refused.Error()
	}
	var err error
	if s.Armed, err = d.engine.Armed(); err != nil {
		return nil, err
	}
	for _, c := range d.parts.consumers {
		status := c.Status()
		s.Queues = append(s.Queues, admin.NewQueue(&status))
	}
	jobs := d.parts.scheduler.Status()
	for i := range jobs {
		s.Jobs = append(s.Jobs, admin.NewJob(&jobs[i]))
	}
	err = d.db.View(func(tx *state.Tx) error { return b.kept(tx, s) })
	if err != nil {
		return nil, err
	}
	return s, nil
}

// kept fills in what the state tells.
func (b *backend) kept(tx *state.Tx, s *admin.Status) error {
	pause, paused, err := tx.Paused()
	if err != nil {
		return err
	}
	if paused {
		s.Paused = &pause
	}
	s.Audit = tx.AuditHead()
	if s.Breaker, err = openBreaker(tx); err != nil {
		return err
	}
	if s.DependsOn, err = tx.Dependencies(); err != nil {
		return err
	}
	if s.Places, err = b.places(tx); err != nil {
		return err
	}
	s.Organization = b.d.fleet.told()
	for i := range s.Places {
		s.Keys += s.Places[i].Keys
	}
	s.Findings = admin.Counts{
		Critical: tx.OpenBySeverity(finding.Critical), High: tx.OpenBySeverity(finding.High),
		Medium: tx.OpenBySeverity(finding.Medium), Low: tx.OpenBySeverity(finding.Low),
		Informational: tx.OpenBySeverity(finding.Informational),
	}
	pending, err := tx.PendingActions(admin.MaxRows)
	if err != nil {
		return err
	}
	s.PendingActions = len(pending)
	for i := range pending {
		if pending[i].State == remediation.AwaitingApproval {
			s.Awaiting++
		}
	}
	if s.Quarantined, _, err = tx.QuarantineCount(); err != nil {
		return err
	}
	s.Outbox.Waiting = tx.WaitingCount()
	s.Outbox.Oldest, s.Outbox.LastError = oldestAlert(tx), b.d.engine.OutboxError()
	s.Budget, err = b.lowestBudget(tx)
	return err
}

// oldestAlert is when the alert was made that waits longest.
func oldestAlert(tx *state.Tx) time.Time {
	for _, w := range tx.WaitingAlerts(1) {
		var entry struct {
			Alert notify.Alert `json:"alert"`
		}
		if json.Unmarshal(w.Data, &entry) == nil {
			return entry.Alert.Created
		}
	}
	return time.Time{}
}

// lowestBudget finds the key with the fewest on-demand rotations left; nil when none was ever used.
func (b *backend) lowestBudget(tx *state.Tx) (*admin.Budget, error) {
	arn, left := tx.LowestBudget()
	if arn == "" {
		return nil, nil //nolint:nilnil // every key has all
	}
	key, err := tx.Key(arn)
	if err != nil || key == nil {
		return nil, err
	}
	reserve := b.d.engine.Settings().Guardrails.OnDemandReserve
	return &admin.Budget{Left: left, Reserve: reserve, KeyARN: arn, Alias: key.Name()}, nil
}
