package engine

import (
	"time"

	"rotd/internal/detection"
	"rotd/internal/events"
	"rotd/internal/events/queue"
	"rotd/internal/finding"
	"rotd/internal/state"
	"rotd/internal/usage"
)

const (
	// lateAfter and earlyBy bound the event times that are believed; an event's time belongs to its sender.
	lateAfter = state.KeepSeen
	earlyBy   = time.Hour
	// foldFor is how long a native event and CloudTrail's record of the same thing may be apart.
	foldFor = 7 * 24 * time.Hour
)

// judging is one transaction's judgement of everything in hand.
type judging struct {
	e        *Engine
	tx       *state.Tx
	now      time.Time
	oldest   time.Time // event times between oldest and latest are believed
	latest   time.Time
	settings *Settings
	memory   *state.Memory
	known    *known
	uses     map[string]time.Time // key ARN → latest use, written once at the end
	usage    usage.Batch          // the same uses with who, from where and how, written once at the end
	learning *learning            // what the uses teach of what is usual, written once at the end
	tally    *tally
	note     *notebook
	context  detection.Context    // of the event in hand; rules keep nothing of it
	heard    map[whence]time.Time // newest event from each account and Region, written once at the end
	selves   map[string]*foundAt  // findings about rotd itself, by fingerprint, written once at the end
}

func (e *Engine) newJudging(tx *state.Tx, now time.Time) *judging {
	settings := e.Settings()
	t := newTally()
	j := &judging{
		e: e, tx: tx, now: now, oldest: now.Add(-lateAfter), latest: now.Add(earlyBy),
		settings: settings, memory: tx.Memory(),
		uses:  make(map[string]time.Time),
		tally: t, note: e.newNotebook(tx, now, settings, t),
		selves: make(map[string]*foundAt), heard: make(map[whence]time.Time),
	}
	j.known = newKnown(tx, settings.Policies, func(err error) { j.self(e.unreadable(err, now)) })
	j.learning = newLearning(tx, func(err error) { j.self(e.unreadable(err, now)) })
	j.context = detection.Context{
		Known: j.known, Trusted: settings.Trusted, Memory: j.memory, Policies: settings.Policies, Region: e.regions(),
		Itself: e.itself.Load(),
		Rooms:  func(rule string, most int) detection.Memory { return j.memory.Room(rule, most) },
		Staged: func(f *finding.Finding) { t.staged[f.RuleID]++ },
	}
	return j
}

// works judges everything in hand and writes what was gathered on the way.
func (j *judging) works(works []*work) error {
	for _, w := range works {
		for i := range w.units {
			if err := j.unit(&w.units[i]); err != nil {
				return err
			}
		}
	}
	for arn, at := range j.uses {
		if err := j.awoken(arn, at); err != nil {
			return err
		}
		if err := j.tx.NoteUse(arn, at); err != nil {
			return err
		}
	}
	if err := j.logUsage(); err != nil {
		return err
	}
	if err := j.learning.keep(); err != nil {
		return err
	}
	if err := j.noteHeard(); err != nil {
		return err
	}
	for rule, most := range j.memory.Crowded() {
		j.self(detection.RuleCrowded(j.e.db.Shard(), rule, most, j.now))
	}
	for _, s := range j.selves {
		if err := j.note.foundTimes(s.finding, s.times); err != nil {
			return err
		}
	}
	if err := j.note.tellPassedOver(); err != nil {
		return err
	}
	return j.memory.Err()
}

// unit judges one message or one piece of a log object.
func (j *judging) unit(u *unit) error {
	u.outcome = queue.Disposition{Ack: true}
	switch {
	case u.ignored != "":
		j.untrustedSender(u)
		j.tally.ignored[u.ignored]++
		j.tally.message(u, messageIgnored)
		return nil
	case u.failure != nil:
		u.outcome = u.undecodable()
		return j.setAside(u)
	}
	u.counts = counts{}
	for i := range u.content.Events {
		if err := j.event(u, &u.content.Events[i]); err != nil {
			return err
		}
	}
	for i := range u.content.Malformed {
		if err := j.malformed(u, &u.content.Malformed[i]); err != nil {
			return err
		}
	}
	for reason, n := range u.content.Ignored {
		if n > 0 {
			j.tally.ignored[events.IgnoredReason(reason).String()] += n
		}
	}
	total := u.counts
	total.add(u.pieces)
	j.tally.message(u, total.result())
	return nil
}

// event judges one record.
func (j *judging) event(u *unit, ev *events.Event) error {
	late := ev.EventTime.Before(j.oldest) || ev.EventTime.After(j.latest)
	fresh, err := j.mark(ev, late)
	if err != nil {
		return err
	}
	if !fresh {
		u.counts.duplicates++
		j.tally.duplicates++
		return nil
	}
	if account := ev.RecipientAccountID; j.settings.Expected != nil && account != "" && !j.settings.Expected(account) {
		j.unexpectedAccount(account)
		u.counts.ignored++
		j.tally.ignored[ignoredAccount]++
		return nil
	}
	u.counts.fresh++
	j.tally.processed++
	j.context.Observed = nil
	if !late {
		j.tally.handled(ev.EventTime, j.now)
		if err := j.use(ev); err != nil {
			return err
		}
		j.hears(ev)
		j.tells(ev)
	}
	return j.judge(ev, late)
}

// mark remembers the record and reports whether nothing told of the same thing before. The eventID of a record whose
// time is not believed is remembered by arrival.
func (j *judging) mark(ev *events.Event, late bool) (fresh bool, err error) {
	if late {
		return j.tx.MarkLate(ev.EventID)
	}
	fresh, err = j.tx.MarkSeen(ev.EventID, ev.EventTime)
	return fresh && j.unfold(ev), err
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

// judge lets the rules judge a new record and notes what follows from it.
func (j *judging) judge(ev *events.Event, late bool) error {
	j.context.Late, j.context.Own = late, j.e.own.made(j.tx, ev)
	found, panics := j.settings.Judge.Event(&j.context, ev)
	for _, p := range panics {
		if p.Err != nil {
			j.tally.unable[p.RuleID]++
			j.self(detection.RuleUnable(j.e.db.Shard(), p.RuleID, p.Err, j.now))
			continue
		}
		j.e.logPanic("rule "+p.RuleID, p.Value, p.Stack)
		j.self(detection.RulePanicked(j.e.db.Shard(), p.RuleID, p.Value, j.now))
	}
	for i := range found {
		if err := j.note.foundByRule(found[i], ev, late); err != nil {
			return err
		}
	}
	if late {
		return nil
	}
	if err := j.canary(ev); err != nil {
		return err
	}
	if err := j.evidence(ev); err != nil || j.context.Own {
		return err
	}
	return j.reread(ev)
}

// kmsSource is KMS's eventSource.
const kmsSource = "kms.amazonaws.com"
