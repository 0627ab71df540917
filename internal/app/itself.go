package app

import (
	"slices"
	"time"

	"rotd/internal/config"
	"rotd/internal/detection"
	"rotd/internal/events/queue"
	"rotd/internal/state"
)

// watchItself tells the engine what rotd's own work rests on, as far as it is known by now: rules watch over it.
func (d *daemonProcess) watchItself() error {
	since, err := d.knownSince()
	if err != nil {
		return err
	}
	i := &detection.Itself{Since: since, Principals: append(d.fleet.roles(), d.self)}
	for _, t := range d.engine.Settings().Topics {
		i.Topics = append(i.Topics, t.ARN)
	}
	for _, c := range d.parts.consumers {
		s := c.Status()
		i.Queues = append(i.Queues, s.Queue)
		i.Sources = append(i.Sources, s.Attributes.Sources...)
		if s.Attributes.Redrive.Present {
			i.Queues = append(i.Queues, queue.DeadLetterURL(s.Queue, s.Attributes.Redrive.DeadLetterARN))
		}
	}
	d.engine.RestsOn(i)
	return nil
}

// knownSince is since when rotd's own calls are in the state: its beginning, or its last restoration from a copy.
func (d *daemonProcess) knownSince() (since time.Time, err error) {
	err = d.db.View(func(tx *state.Tx) error {
		since = tx.Created()
		restored, _, err := tx.Restored()
		if err == nil && restored.At.After(since) {
			since = restored.At
		}
		return err
	})
	return since, err
}

// roles are the ARNs of the roles that rotd assumes.
func (f *fleet) roles() (arns []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, a := range f.chosen(f.known) {
		arns = append(arns, rolesOf(&a.Account)...)
	}
	return arns
}

func rolesOf(a *config.Account) []string {
	return slices.DeleteFunc([]string{a.RoleARN, a.EmergencyRoleARN}, func(arn string) bool { return arn == "" })
}
