package engine

import (
	"slices"
	"time"

	"rotd/internal/events"
)

const (
	// rereadSettled is when a changed key is read once more: KMS is only eventually consistent.
	rereadSettled = 5 * time.Minute
	// maxARN bounds the names an event can have rotd remember; KMS's are shorter than 100 bytes.
	maxARN = 256
)

// reread plans to read a key again that somebody else changed: soon, and once more when KMS has settled. It also keeps
// that a finding's inverse event was seen.
func (j *judging) reread(ev *events.Event) error {
	if ev.EventSource != kmsSource || ev.ReadOnly || ev.Failed() || isUse(ev.EventName) {
		return nil
	}
	for _, arn := range j.changed(ev) {
		if err := j.note.undone(arn, ev.EventName, ev.EventID); err != nil {
			return err
		}
		for _, due := range [...]time.Time{j.now, j.now.Add(rereadSettled)} {
			if err := j.tx.PlanReread(arn, due); err != nil {
				return err
			}
		}
		j.tally.rereads++
	}
	return nil
}

// changed are the keys, of those rotd can read, that an event may have changed: the ones it names, and the one that
// the alias it names pointed at before.
func (j *judging) changed(ev *events.Event) []string {
	var arns []string
	for _, ref := range [...]events.KeyRef{ev.Key, ev.TargetKey, {Name: ev.Alias}} {
		arn := j.known.resolve(ref, ev.RecipientAccountID, ev.AWSRegion)
		if arn != "" && len(arn) <= maxARN && !slices.Contains(arns, arn) && j.e.inPlace(arn) {
			arns = append(arns, arn)
		}
	}
	return arns
}
