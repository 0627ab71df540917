package app

import (
	"context"
	"time"

	"github.com/go-json-experiment/json"

	"rotd/internal/admin"
	"rotd/internal/finding"
	"rotd/internal/inventory"
	"rotd/internal/notify"
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
		State: admin.File{Path: d.db.Path(), Bytes: d.db.Size()},
	}
	s.Ready = len(s.NotReady) == 0
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
	if s.Places, err = tx.Places(); err != nil {
		return err
	}
	for i := range s.Places {
		s.Keys += s.Places[i].Keys
	}
	if s.Findings, err = openFindings(tx); err != nil {
		return err
	}
	pending, err := tx.PendingActions(admin.MaxRows)
	if err != nil {
		return err
	}
	s.PendingActions = len(pending)
	if s.Quarantined, _, err = tx.QuarantineCount(); err != nil {
		return err
	}
	s.Outbox.Waiting = tx.WaitingCount()
	s.Outbox.Oldest, s.Outbox.LastError = oldestAlert(tx), b.d.engine.OutboxError()
	s.Budget, err = b.lowestBudget(tx)
	return err
}

// openFindings counts open findings by severity.
func openFindings(tx *state.Tx) (admin.Counts, error) {
	var c admin.Counts
	for after := ""; ; {
		ids, next := tx.OpenFindings(after, admin.MaxRows)
		for _, id := range ids {
			f, err := tx.Finding(id)
			if err != nil {
				return c, err
			}
			if f != nil {
				*bySeverity(&c, f.Severity)++
			}
		}
		if next == "" {
			return c, nil
		}
		after = next
	}
}

func bySeverity(c *admin.Counts, s finding.Severity) *int {
	switch s {
	case finding.Critical:
		return &c.Critical
	case finding.High:
		return &c.High
	case finding.Medium:
		return &c.Medium
	case finding.Low:
		return &c.Low
	case finding.Informational:
	}
	return &c.Informational
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

// lowestBudget finds the key with the fewest on-demand rotations left.
func (b *backend) lowestBudget(tx *state.Tx) (*admin.Budget, error) {
	var lowest *admin.Budget
	reserve := b.d.engine.Settings().Guardrails.OnDemandReserve
	for after := ""; ; {
		_, next, err := tx.Keys(after, admin.MaxRows, func(k *inventory.Key) bool {
			if k.GoneAt != nil || k.Rotation == nil || k.Rotation.HistoryAt.IsZero() {
				return false
			}
			left := inventory.OnDemandLimit - k.Rotation.OnDemandUsed()
			if lowest == nil || left < lowest.Left {
				lowest = &admin.Budget{Left: left, Reserve: reserve, KeyARN: k.ARN, Alias: k.Name()}
			}
			return false
		})
		if err != nil || next == "" {
			return lowest, err
		}
		after = next
	}
}
