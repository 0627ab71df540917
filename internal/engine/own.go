package engine

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"rotd/internal/events"
	"rotd/internal/remediation"
	"rotd/internal/state"
)

// OwnKeys knows the access key ids this daemon signs with. The role alone proves nothing: a thief of the role must not
// hide behind it.
type OwnKeys struct {
	db *state.DB
	mu sync.RWMutex
	at map[string]time.Time // access key id → when it was last written down
}

// renoteAfter is when a key in use is written down again, so that retention does not forget it.
const renoteAfter = 24 * time.Hour

// NewOwnKeys returns the access keys kept in a state; Load reads them.
func NewOwnKeys(db *state.DB) *OwnKeys { return &OwnKeys{db: db, at: make(map[string]time.Time)} }

// Load reads the keys of earlier runs: their calls may still come back as events.
func (o *OwnKeys) Load() error {
	return o.db.View(func(tx *state.Tx) error {
		o.mu.Lock()
		defer o.mu.Unlock()
		for _, id := range tx.OwnAccessKeys() {
			o.at[id] = time.Time{}
		}
		return nil
	})
}

// Note makes an access key id durable before it is first used.
func (o *OwnKeys) Note(id string) error {
	now := time.Now().UTC()
	o.mu.RLock()
	known := now.Sub(o.at[id]) < renoteAfter
	o.mu.RUnlock()
	if known || id == "" {
		return nil
	}
	if err := o.db.Update(func(tx *state.Tx) error { return tx.NoteAccessKey(id, now) }); err != nil {
		return fmt.Errorf("note the access key before using it: %w", err)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.at[id] = now
	return nil
}

// renew writes long-lived keys down again, so that retention does not forget them while they are in use, and forgets
// temporary ones (their ids begin with ASIA) whose calls come back no more.
func (o *OwnKeys) renew(now time.Time) error {
	lasting := o.lasting(now)
	return o.db.Update(func(tx *state.Tx) error {
		for _, id := range lasting {
			if err := tx.NoteAccessKey(id, now); err != nil {
				return err
			}
		}
		return nil
	})
}

// lasting are the long-lived keys that this run uses. The lock is not held while the state is written: the committer
// asks for it inside a transaction.
func (o *OwnKeys) lasting(now time.Time) (ids []string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for id, noted := range o.at {
		temporary := strings.HasPrefix(id, "ASIA")
		switch {
		case noted.IsZero(): // of an earlier run
		case !temporary:
			ids = append(ids, id)
		case now.Sub(noted) > state.KeepOwn:
			delete(o.at, id)
		}
	}
	return ids
}

// made reports whether a record is of a call this daemon made: signed with a key it wrote down, and for a call that
// changes something also with a request it wrote down or, while an action's answer is lost, one that fits the action.
func (o *OwnKeys) made(tx *state.Tx, ev *events.Event) bool {
	id := ev.UserIdentity.AccessKeyID
	if id == "" {
		return false
	}
	o.mu.RLock()
	_, mine := o.at[id]
	o.mu.RUnlock()
	return mine && (ev.ReadOnly || tx.IsOwnRequest(ev.RequestID) || fitsLostCall(tx, ev))
}

// fitsLostCall reports whether an action has an attempt whose answer is not recorded and that the record would be the
// record of.
func fitsLostCall(tx *state.Tx, ev *events.Event) bool {
	actions, err := actionsBehind(tx, ev)
	if err != nil {
		return false
	}
	for i := range actions {
		a := &actions[i]
		for _, c := range a.Asked() {
			sameKey := c.KeyARN == ev.Key.ARN || c.KeyARN == ev.TargetKey.ARN || c.Operation == remediation.CreateKey &&
				a.Account == ev.RecipientAccountID && a.Region == ev.AWSRegion
			if c.Lost && sameKey && string(c.Operation) == ev.EventName &&
				!ev.EventTime.Before(a.Started.Add(-callMargin)) && !ev.EventTime.After(c.CalledAt.Add(callMargin)) {
				return true
			}
		}
	}
	return false
}

// actionsBehind are the actions that an event may be of: the latest about its keys, and of a new key, which nobody can
// know before KMS shows it, those under way besides. Its event may come when the action has ended.
func actionsBehind(tx *state.Tx, ev *events.Event) (actions []remediation.Action, err error) {
	if ev.EventName == string(remediation.CreateKey) {
		if actions, err = tx.PendingActions(maxPending); err != nil {
			return nil, err
		}
	}
	for _, arn := range [...]string{ev.Key.ARN, ev.TargetKey.ARN} {
		if arn == "" {
			continue
		}
		latest, err := tx.ActionsOn(arn, 3)
		if err != nil {
			return nil, err
		}
		actions = append(actions, latest...)
	}
	return actions, nil
}

// callMargin is how far the clocks of rotd and CloudTrail may be apart, and how long an attempt may take.
const callMargin = 2 * time.Minute
