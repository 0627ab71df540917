package state

import (
	"fmt"

	"rotd/internal/remediation"
)

// Action returns an action by id; nil when there is none.
func (tx *Tx) Action(id string) (*remediation.Action, error) {
	a, ok, err := getJSON[remediation.Action](tx.bucket(bucketActions), []byte(id))
	if err != nil || !ok {
		return nil, err
	}
	return &a, nil
}

// PutAction stores an action and keeps the indexes true.
func (tx *Tx) PutAction(a *remediation.Action) error {
	if err := tx.putJSON(bucketActions, []byte(a.ID), a); err != nil {
		return fmt.Errorf("store action: %w", err)
	}
	for _, arn := range a.Keys() {
		if err := tx.setIndex(bucketByKey, indexKey(arn, a.ID), true); err != nil {
			return err
		}
	}
	return tx.setIndex(bucketPending, []byte(a.ID), !a.State.Final())
}

// PendingActions returns the actions that are not final, oldest first, at most limit.
func (tx *Tx) PendingActions(limit int) ([]remediation.Action, error) {
	var actions []remediation.Action
	cursor := tx.bucket(bucketPending).Cursor()
	for k, _ := cursor.First(); k != nil && len(actions) < limit; k, _ = cursor.Next() {
		a, err := tx.Action(string(k))
		if err = tx.PassOver(err); err != nil {
			return nil, err
		}
		if a != nil {
			actions = append(actions, *a)
		}
	}
	return actions, nil
}

// ActionsOn returns the newest actions that are about a key, newest first, at most limit.
func (tx *Tx) ActionsOn(arn string, limit int) ([]remediation.Action, error) {
	var actions []remediation.Action
	for id := range tx.indexed(bucketByKey, arn) {
		if len(actions) == limit {
			break
		}
		a, err := tx.Action(id)
		if err = tx.PassOver(err); err != nil {
			return nil, err
		}
		if a != nil {
			actions = append(actions, *a)
		}
	}
	return actions, nil
}

// IsPending reports whether an action is not final, as the index says, also of one that cannot be read.
func (tx *Tx) IsPending(id string) bool { return tx.bucket(bucketPending).Get([]byte(id)) != nil }

// Actions copies a page of actions, newest first; see page.
func (tx *Tx) Actions(after string, limit int, keep func(*remediation.Action) bool) (
	[]remediation.Action, string, error,
) {
	return page(tx, tx.bucket(bucketActions), after, limit, true, keep)
}

// deleteAction removes a final action and what points at it.
func (tx *Tx) deleteAction(a *remediation.Action) error {
	for _, arn := range a.Keys() {
		if err := tx.setIndex(bucketByKey, indexKey(arn, a.ID), false); err != nil {
			return err
		}
	}
	if err := tx.setIndex(bucketPending, []byte(a.ID), false); err != nil {
		return err
	}
	if err := tx.remove(bucketActions, []byte(a.ID)); err != nil {
		return fmt.Errorf("delete action %s: %w", a.ID, err)
	}
	return nil
}
