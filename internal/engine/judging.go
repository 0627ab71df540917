package engine

import (
	"time"

	"rotd/internal/detection"
	"rotd/internal/events"
	"rotd/internal/state"
)

const (
	// lateAfter and earlyBy bound the event times that are believed; design: an event's time belongs to its sender.
	lateAfter = state.KeepSeen
	earlyBy   = time.Hour
	// foldFor is how long a native event and CloudTrail's record of the same thing may be apart.
	foldFor = 7 * 24 * time.Hour
	// rereadSettled is when a changed key is read once more: KMS is only eventually consistent.
	rereadSettled = 5 * time.Minute
)

// judging is one transaction's judgement of everything in hand.
type judging struct {
	e        *Engine
	tx       *state.Tx
	now      time.Time
	settings *Settings
	memory   *state.Memory
	known    *known
	uses     map[string]time.Time // key ARN → latest use, written once at the end
	tally    *tally
	note     *notebook
}

func (e *Engine) newJudging(tx *state.Tx, now time.Time) *judging {
	settings := e.Settings()
	t := newTally()
	return &judging{
		e: e, tx: tx, now: now, settings: settings, memory: tx.Memory(),
		known: newKnown(tx, settings.Policies),
		uses:  make(map[string]time.Time),
		tally: t, note: e.newNotebook(tx, now, settings, t),
	}
}

// unit judges one message or one piece of a log object.
func (j *judging) unit(u *unit) error {
	if u.ignored != "" {
		j.tally.ignore(u.ignored, 1)
		u.result = messageIgnored
		j.tally.message(u)
		return nil
	}
	if u.failure != nil {
		return j.quarantineMessage(u)
	}
	got := counts{malformed: len(u.content.Malformed)}
	for i := range u.content.Events {
		isNew, err := j.event(&u.content.Events[i])
		if err != nil {
			return err
		}
		if isNew {
			got.fresh++
		} else {
			got.duplicates++
		}
	}
	for i := range u.content.Malformed {
		if err := j.quarantineRecord(u, &u.content.Malformed[i]); err != nil {
			return err
		}
	}
	u.content.Ignored.Each(func(reason events.IgnoredReason, n int) { j.tally.ignore(reason.String(), n) })
	u.counts = got
	got.add(u.pieces)
	u.result = got.result()
	j.tally.message(u)
	return nil
}

// event judges one record; isNew is false when it was handled before.
func (j *judging) event(ev *events.Event) (isNew bool, err error) {
	late := ev.EventTime.Before(j.now.Add(-lateAfter)) || ev.EventTime.After(j.now.Add(earlyBy))
	if late {
		isNew, err = j.tx.MarkLate(ev.EventID)
	} else {
		isNew, err = j.tx.MarkSeen(ev.EventID, ev.EventTime)
	}
	if err != nil {
		return false, err
	}
	if isNew && !late {
		isNew = j.unfold(ev)
	}
	if !isNew {
		j.tally.duplicates++
		return false, nil
	}
	if account := ev.RecipientAccountID; j.settings.Expected != nil && account != "" && !j.settings.Expected(account) {
		j.tally.ignore(ignoredAccount, 1)
		return true, nil
	}
	j.tally.processed++
	if !late {
		j.tally.handled(ev.EventTime, j.now)
		j.use(ev)
	}
	return true, j.judge(ev, late)
}

// unfold reports whether nothing told of the same thing before: KMS's native event and CloudTrail's record are twins.
func (j *judging) unfold(ev *events.Event) bool {
	fold := ev.FoldKey()
	if fold == "" {
		return true
	}
	if j.memory.Noted("fold:"+fold, ev.EventTime) != "" {
		return false
	}
	j.memory.Note("fold:"+fold, "1", ev.EventTime, foldFor)
	return true
}

// use keeps the time of a key's last successful cryptographic use.
func (j *judging) use(ev *events.Event) {
	if ev.EventSource != kmsSource || ev.Failed() || !isUse(ev.EventName) {
		return
	}
	for _, ref := range []events.KeyRef{ev.Key, ev.TargetKey} {
		arn := ref.ARN
		if arn == "" && ref.Name != "" {
			arn = j.known.resolve(ref, ev.RecipientAccountID, ev.AWSRegion)
		}
		if arn != "" && ev.EventTime.After(j.uses[arn]) {
			j.uses[arn] = ev.EventTime
		}
	}
}

// judge lets the rules judge a new record and notes what follows from it.
func (j *judging) judge(ev *events.Event, late bool) error {
	own := j.e.own.made(j.tx, ev)
	found, panics := j.settings.Judge.Event(&detection.Context{
		Known: j.known, Trusted: j.settings.Trusted, Own: own, Late: late, Memory: j.memory,
	}, ev)
	for _, p := range panics {
		j.e.logPanic("rule "+p.RuleID, p.Value, p.Stack)
		if err := j.note.found(detection.RulePanicked(j.e.db.Shard(), p.RuleID, p.Value, j.now)); err != nil {
			return err
		}
	}
	for i := range found {
		if err := j.note.foundByRule(found[i], ev, late); err != nil {
			return err
		}
	}
	if own || late || ev.Failed() || ev.EventSource != kmsSource {
		return nil
	}
	return j.reread(ev)
}

// reread plans to read a key again that somebody else changed: soon, and once more when KMS has settled. It also keeps
// that a finding's inverse event was seen.
func (j *judging) reread(ev *events.Event) error {
	if ev.ReadOnly || isUse(ev.EventName) {
		return nil
	}
	arns := make([]string, 0, 2)
	for _, ref := range []events.KeyRef{ev.Key, ev.TargetKey} {
		if arn := j.known.resolve(ref, ev.RecipientAccountID, ev.AWSRegion); arn != "" {
			arns = append(arns, arn)
		}
	}
	for _, arn := range arns {
		if !j.e.inPlace(arn) {
			continue
		}
		if err := j.note.undone(arn, ev.EventName); err != nil {
			return err
		}
		for _, due := range []time.Time{j.now, j.now.Add(rereadSettled)} {
			if err := j.tx.PlanReread(arn, due); err != nil {
				return err
			}
		}
		j.tally.rereads++
	}
	return nil
}

// finish writes what was gathered over the whole transaction.
func (j *judging) finish() error {
	for arn, at := range j.uses {
		if err := j.tx.NoteUse(arn, at); err != nil {
			return err
		}
	}
	return j.memory.Err()
}

// quarantineMessage sets a message aside that cannot be decoded, before anything else becomes of it.
func (j *judging) quarantineMessage(u *unit) error {
	q := state.Quarantined{At: j.now, Reason: u.failure.reason, Detail: u.failure.detail, Object: u.object}
	if u.msg != nil {
		q.Queue, q.MessageID, q.SenderID, q.Body = u.msg.Queue, u.msg.ID, u.msg.SenderID, u.msg.Body
		u.undecodable()
	}
	again, err := j.quarantine(q)
	if err != nil {
		return err
	}
	u.result = messageQuarantined
	if again {
		u.result = messageDuplicate
	}
	j.tally.message(u)
	return nil
}

// quarantineRecord sets one record of a log file aside; the rest of the file goes on.
func (j *judging) quarantineRecord(u *unit, m *events.Malformed) error {
	q := state.Quarantined{At: j.now, Reason: string(m.Reason), Detail: m.Detail, Object: u.object, Body: m.Raw}
	if u.msg != nil {
		q.Queue, q.MessageID, q.SenderID = u.msg.Queue, u.msg.ID, u.msg.SenderID
	}
	_, err := j.quarantine(q)
	return err
}

func (j *judging) quarantine(q state.Quarantined) (again bool, err error) {
	again, kept, err := j.tx.Quarantine(q)
	if err != nil {
		return false, err
	}
	if again {
		j.tally.duplicates++
		return true, nil
	}
	j.tally.quarantined(q.Reason)
	source := q.Queue
	if source == "" {
		source = q.Object
	}
	return false, j.note.found(detection.Undecodable(source, q.Reason, q.Detail, kept, j.now))
}

// isUse reports whether a KMS operation uses a key on data.
func isUse(name string) bool {
	switch name {
	case "Decrypt", "Encrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "GenerateDataKeyPair",
		"GenerateDataKeyPairWithoutPlaintext", "ReEncrypt", "Sign", "Verify", "GenerateMac", "VerifyMac",
		"DeriveSharedSecret", "Encapsulate", "Decapsulate":
		return true
	}
	return false
}

// kmsSource is KMS's eventSource.
const kmsSource = "kms.amazonaws.com"
