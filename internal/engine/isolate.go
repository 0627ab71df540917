package engine

import (
	"errors"
	"fmt"
	"slices"

	"rotd/internal/events"
)

// commitApart commits message by message after judging all of them together failed.
func (e *Engine) commitApart(works []*work) {
	for _, w := range works {
		var failed error
		for i := range w.units {
			if err := e.commitAlone(&w.units[i]); err != nil {
				failed = err
			}
		}
		if failed != nil && ownError(failed) == nil {
			e.stateFault(failed)
		}
		w.done(failed)
	}
}

// commitAlone commits one message, or one piece of a log object. Where it is at fault, the records that are are set
// aside and the others kept; a message that still cannot be committed is set aside whole.
func (e *Engine) commitAlone(u *unit) error {
	tally, err := e.commitUnit(u)
	if own := ownError(err); own != nil && (u.msg == nil || u.content.Records() > 1) {
		e.logOwn(own)
		e.setRecordsAside(u)
		tally, err = e.commitUnit(u)
	}
	if own := ownError(err); own != nil && u.msg != nil {
		e.logOwn(own)
		u.content = events.Content{}
		u.failure = &failure{reason: own.reason, detail: own.Error()}
		tally, err = e.commitUnit(u)
	}
	if err != nil {
		return err
	}
	e.committed(tally)
	return nil
}

// errTrial undoes a transaction that was only to be tried.
var errTrial = errors.New("only tried")

func (e *Engine) commitUnit(u *unit) (*tally, error) {
	w := &work{units: []unit{*u}}
	tally, err := e.tryCommit([]*work{w}, nil)
	*u = w.units[0]
	return tally, err
}

// setRecordsAside moves the records that cannot be judged by themselves to the malformed ones.
func (e *Engine) setRecordsAside(u *unit) {
	u.content.Events = slices.DeleteFunc(u.content.Events, func(ev events.Event) bool {
		alone := unit{object: u.object, content: events.Content{Events: []events.Event{ev}}}
		_, err := e.tryCommit([]*work{{units: []unit{alone}}}, errTrial)
		own := ownError(err)
		if own == nil {
			return false
		}
		u.content.Malformed = append(u.content.Malformed, events.Malformed{
			Raw: ev.Raw, Reason: events.Reason(own.reason), Detail: fmt.Sprintf("record %s: %v", ev.EventID, own.err),
		})
		return true
	})
}
