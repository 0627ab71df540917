package engine

import (
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"rotd/internal/events"
	"rotd/internal/history"
)

const (
	// detailed is how many events of one operation and principal within foldWithin are kept one by one; more of them
	// are only counted.
	detailed   = 10
	foldWithin = time.Hour
)

// evidence keeps an event that may explain what readings of its keys show: now, or when the next one is made. It is
// kept for keys that the inventory knows, so that events cannot grow the state.
func (j *judging) evidence(ev *events.Event) error {
	if ev.EventSource != kmsSource || ev.ReadOnly || ev.Failed() || len(history.Changes(ev.EventName)) == 0 {
		return nil
	}
	arns := j.changed(ev)
	if len(arns) == 0 {
		return nil
	}
	from := ""
	if ev.Alias != "" {
		from = j.known.resolve(events.KeyRef{Name: ev.Alias}, ev.RecipientAccountID, ev.AWSRegion)
	}
	for _, arn := range arns {
		if err := j.evidenceOn(ev, arn, from); err != nil {
			return err
		}
	}
	return nil
}

// evidenceOn keeps an event for one of its keys; from is the key its alias pointed at.
func (j *judging) evidenceOn(ev *events.Event, arn, from string) error {
	evidence := j.evidenceIn(ev, arn)
	if evidence.Target != "" && from != evidence.Target {
		evidence.From = strings.Clone(from)
	}
	switch known := j.known.Key(events.KeyRef{ARN: arn}, "", "") != nil; {
	case known:
		return j.note.keepEvidence(arn, evidence)
	case ev.EventName == createKey:
		return j.note.noteCreation(arn, &evidence)
	}
	return nil
}

// evidenceIn takes from an event what history needs of it. Strings are cloned: they outlive the message.
func (j *judging) evidenceIn(ev *events.Event, arn string) history.Evidence {
	e := history.Evidence{
		EventID: bounded(ev.EventID), Operation: strings.Clone(ev.EventName), At: ev.EventTime,
		Principal: bounded(ev.UserIdentity.PrincipalARN()), Session: bounded(ev.UserIdentity.SessionName()),
		SourceIP: bounded(ev.SourceIPAddress), Own: j.context.Own, Alias: bounded(ev.Alias),
		Material: bounded(ev.RotationDetails().CurrentKeyMaterialID),
	}
	switch ev.EventName {
	case "UpdateAlias":
		e.Target = bounded(j.known.resolve(ev.TargetKey, ev.RecipientAccountID, ev.AWSRegion))
	case "CreateAlias":
		e.Target = bounded(j.known.resolve(ev.Key, ev.RecipientAccountID, ev.AWSRegion))
	}
	if e.Own {
		e.ActionID = actionBehind(j.tx, arn, ev.EventName, ev.RequestID)
	}
	return e
}

const (
	createKey = "CreateKey"
	// creationFor is how long it is remembered who created a key that was not read yet.
	creationFor = 24 * time.Hour
)

func creationName(arn string) string { return "created:" + arn }

// noteCreation remembers who created a key, in the rules' bounded memory, until the key is first read.
func (n *notebook) noteCreation(arn string, ev *history.Evidence) error {
	raw, err := json.Marshal(ev, jsontext.AllowInvalidUTF8(true))
	if err != nil {
		return fmt.Errorf("remember who created %s: %w", arn, err)
	}
	memory := n.tx.Memory()
	memory.Note(creationName(arn), string(raw), ev.At, creationFor)
	return memory.Err()
}

// creation keeps who created a key that is read for the first time, as far as an event told.
func (n *notebook) creation(arn string) error {
	var ev history.Evidence
	noted := n.tx.Memory().Noted(creationName(arn), n.now)
	if noted == "" {
		return nil
	}
	if err := json.Unmarshal([]byte(noted), &ev); err != nil {
		return nil //nolint:nilerr // memory keeps short notes only: who it was is not known
	}
	return n.keepEvent(arn, ev)
}

// bounded is a copy of what an event says, cut where no name of AWS's is that long.
func bounded(s string) string {
	const most = 2048
	return strings.Clone(s[:min(len(s), most)])
}

// keepEvidence keeps an event, and gives it to the changes that readings showed before it came.
func (n *notebook) keepEvidence(arn string, ev history.Evidence) error {
	if err := n.keepEvent(arn, ev); err != nil {
		return err
	}
	for _, kind := range history.Changes(ev.Operation) {
		if err := n.explain(arn, kind, &ev); err != nil {
			return err
		}
	}
	return nil
}

// keepEvent appends an event to those kept of a key, or counts it where the same was done many times within the hour.
func (n *notebook) keepEvent(arn string, ev history.Evidence) error {
	kind := history.EventKind(ev.Operation)
	latest, err := n.tx.LatestHistory(arn, kind, 2*detailed)
	if err != nil {
		return err
	}
	same := 0
	for i := range latest {
		if e := &latest[i]; e.Evidence[0].Principal == ev.Principal && n.now.Sub(e.SeenAt) < foldWithin {
			if same++; same < detailed {
				continue
			}
			e.Evidence[0].Repeat(&ev)
			return n.tx.SetHistory(arn, e)
		}
	}
	return n.tx.AddHistory(arn, &history.Entry{
		Kind: kind, SeenAt: n.now, Kept: n.now, Evidence: []history.Evidence{ev},
	})
}

// explain gives an event to the changes of a kind that it explains.
func (n *notebook) explain(arn string, kind history.Kind, ev *history.Evidence) error {
	latest, err := n.tx.LatestHistory(arn, kind, explainedBy)
	if err != nil {
		return err
	}
	for _, i := range history.Explained(latest, ev) {
		known, err := n.evidenceOf(arn)
		if err != nil {
			return err
		}
		e := &latest[i]
		history.Explain(e, append(known, e.Evidence...), append(latest[:i:i], latest[i+1:]...))
		if kind == history.Aliases {
			e.SetMoves(arn, func(string) string { return "" })
		}
		if err := n.tx.SetHistory(arn, e); err != nil {
			return err
		}
	}
	return nil
}
