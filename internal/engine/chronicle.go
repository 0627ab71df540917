package engine

import (
	"rotd/internal/history"
	"rotd/internal/inventory"
	"rotd/internal/state"
)

// chronicle keeps what a reading shows to have changed, with the events and actions that explain it. A key that is as
// it was costs a comparison and writes nothing. The first reading is what everything after is compared with.
func (n *notebook) chronicle(before, key *inventory.Key) error {
	if before == nil {
		return n.creation(key.ARN)
	}
	changes := history.Diff(before, key, n.now)
	if len(changes) == 0 {
		return nil
	}
	known, err := n.evidenceOf(key.ARN)
	if err != nil {
		return err
	}
	for i := range changes {
		if err := n.keepChange(key, &changes[i], known); err != nil {
			return err
		}
	}
	return nil
}

// explainedBy is how many changes of a kind are looked at for whom an event explains.
const explainedBy = 5

// keepChange appends a change to the key's history. One that takes back the change before it, because two readings
// overlapped, is none: both go, and the next reading tells.
func (n *notebook) keepChange(key *inventory.Key, c *history.Entry, known []history.Evidence) error {
	latest, err := n.tx.LatestHistory(key.ARN, c.Kind, explainedBy)
	if err != nil {
		return err
	}
	if last := len(latest) - 1; last >= 0 && c.Cancels(&latest[last]) {
		return n.tx.CancelHistory(key.ARN, &latest[last])
	}
	history.Explain(c, known, latest)
	if c.Kind == history.Aliases { // while the inventory still has the names as they were
		c.SetMoves(key.ARN, func(alias string) string { return n.tx.Resolve(key.Account, key.Region, alias) })
	}
	return n.tx.AddHistory(key.ARN, c)
}

// evidenceOf gathers what may explain changes of a key: events that came, and the calls of rotd's own latest actions.
func (n *notebook) evidenceOf(arn string) (known []history.Evidence, err error) {
	kept, err := n.tx.EventHistory(arn)
	if err != nil {
		return nil, err
	}
	for i := range kept.Entries {
		known = append(known, kept.Entries[i].Evidence...)
	}
	actions, err := n.tx.ActionsOn(arn, explainedBy)
	for i := range actions {
		for _, c := range actions[i].Asked() {
			known = append(known, history.Evidence{
				Operation: string(c.Operation), At: c.CalledAt, Principal: "rotd", Own: true, ActionID: actions[i].ID,
			})
		}
	}
	return known, err
}

// actionBehind is the action whose call an own event tells of; "" when it is none of the key's latest.
func actionBehind(tx *state.Tx, arn, operation, requestID string) string {
	actions, err := tx.ActionsOn(arn, explainedBy)
	if err != nil {
		return "" // told without it
	}
	for i := range actions {
		for _, c := range actions[i].Asked() {
			if string(c.Operation) == operation && (c.RequestID == requestID && requestID != "" || c.RequestID == "") {
				return actions[i].ID
			}
		}
	}
	return ""
}
