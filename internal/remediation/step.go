package remediation

import (
	"fmt"
	"time"

	"rotd/internal/inventory"
)

// Observation is what the engine knows when it asks for an action's next step.
type Observation struct {
	Facts  Facts   // Facts.Key is the key that the call is about, as read for this step; nil when it was not
	Answer *Answer // what the call came back with, in the step right after Do said Call
	// ReadError says why KMS could not be asked, in the step after Do said Read; empty when it could.
	ReadError string

	// What else was read for the call under way, where its operation is about it.
	Target  string // ARN of the key that the call's alias points at; empty: there is no such alias
	Granted bool   // the call's grant is there
	Made    string // ARN of the key that carries the action's id; empty: none is to be found
}

// What is what the engine does next for an action.
type What string

// Whats. Whichever it is, the action as Step returned it is made durable first.
const (
	Nothing What = "nothing" // step again at Do.Until
	Read    What = "read"    // read what the current call is about, then step with Facts.Key or ReadError
	Attempt What = "attempt" // make one attempt at the call, then step with Answer; only after a crash without
	End     What = "end"     // the action is final: report its outcome
)

// Do is the next thing to do for an action.
type Do struct {
	What  What
	Until time.Time // with Nothing
}

// Limits of an action's life.
const (
	// VerifyWithin is how long KMS may take to show a change it accepted: usually seconds, sometimes minutes.
	VerifyWithin   = 15 * time.Minute
	maxRejected    = 5
	freshFor       = time.Minute // an older reading is no truth to act on
	personWaits    = time.Hour
	automaticWaits = 72 * time.Hour // a sweep plans anew what is still needed then
)

// Step takes an action on, as far as the observation allows: it returns the action as it must be kept, and what to do
// next. It never fails; what it cannot know it reads, and what stays unknown ends as failed.
func Step(a Action, o Observation, g Guardrails, now time.Time) (Action, Do) {
	o.Facts.Now, o.Facts.Approved = now, a.approved()
	m := machine{a: a, o: o, g: g, now: now}
	var do Do
	switch {
	case a.State.Final():
		do = Do{What: End}
	case a.State == Planned:
		do = m.planned()
	case a.State == AwaitingApproval:
		do = m.awaiting()
	case a.State == Running:
		do = m.running()
	case a.State == Verifying:
		do = m.verifying()
	default:
		do = m.fail(fmt.Sprintf("rotd does not know the state %q this action was left in.", a.State))
	}
	return m.a, do
}

// machine is one step under way.
type machine struct {
	a   Action
	o   Observation
	g   Guardrails
	now time.Time
}

// planned asks the guardrails, first without and then with the truth, and begins the attempt when they allow it.
func (m *machine) planned() Do {
	if do, ended := m.tooLate(); ended {
		return do
	}
	if m.now.Before(m.a.NotBefore) {
		return m.until(m.a.NotBefore)
	}
	m.readSince(m.now.Add(-freshFor))
	key := m.o.Facts.Key
	if key == nil {
		if do, stopped := m.guard(); stopped {
			return do
		}
		if m.o.ReadError != "" {
			return m.retryRead()
		}
		return Do{What: Read}
	}
	if do, stopped := m.precondition(key); stopped {
		return do
	}
	if do, stopped := m.guard(); stopped {
		return do
	}
	return m.begin()
}

// guard holds the guardrails' decision against the action.
func (m *machine) guard() (Do, bool) {
	d := m.g.Decide(&m.a, m.o.Facts).Approvable(&m.a)
	m.a.Guardrail, m.a.Waiting = d.Guardrail, ""
	switch d.Verdict {
	case Allow:
		if m.a.At == 0 { // later calls are judged by less
			m.a.Overrides = d.Overridden
		}
		return Do{}, false
	case Wait:
		m.a.Waiting = d.Reason
		m.a.NotBefore = d.Until
		return m.until(d.Until), true
	case NeedsApproval:
		if m.o.Facts.Key == nil { // nobody is asked about a key that is not as it was planned on
			return Do{}, false
		}
		m.a = Ask(m.a, d, m.g, m.now)
		return m.until(m.a.Approval.Expires), true
	case Refuse:
	}
	return m.drop(d.Reason), true
}

// begin makes the intent: once it is durable, the engine makes one attempt.
func (m *machine) begin() Do {
	m.a.State = Running
	if m.a.Started.IsZero() {
		m.a.Started = m.now
	}
	m.a.CalledAt = m.now
	m.a.Attempts++
	m.a.RequestID, m.a.LastError, m.a.Ambiguous = "", "", false
	m.a.Reads, m.a.FirstRead = 0, time.Time{}
	return Do{What: Attempt}
}

// running takes the answer of the attempt. Without one the answer is lost: rotd stopped in between.
func (m *machine) running() Do {
	answer := m.o.Answer
	if answer == nil {
		answer = &Answer{Kind: Lost, Message: "rotd stopped before the answer was recorded"}
	}
	m.a.RequestID, m.a.LastError = answer.RequestID, answer.Message
	if answer.Made != "" {
		m.a.Current().Made = answer.Made
	}
	switch answer.Kind {
	case Accepted:
		return m.verify(VerifyWithin)
	case Rejected, Busy:
		return m.again(answer)
	case Refused:
		m.a.Rejected++
		return m.fail(refusal(&m.a, answer))
	case Lost:
	}
	m.a.Ambiguous = true
	return m.verify(max(VerifyWithin, m.g.Settle+5*time.Minute))
}

func (m *machine) verify(within time.Duration) Do {
	m.a.State = Verifying
	m.a.Deadline = m.now.Add(within)
	m.a.NotBefore = time.Time{}
	return Do{What: Read}
}

// again plans another attempt after one that KMS certainly did not act on.
func (m *machine) again(answer *Answer) Do {
	m.a.Rejected++
	if m.a.Rejected >= maxRejected {
		return m.fail(refusal(&m.a, answer))
	}
	wait := 10 * time.Second << m.a.Rejected
	m.a.Waiting = "KMS could not do it just now; rotd asks again."
	if answer.Code == CodeNoMaterial {
		m.a.Waiting = "There was no key material to import; rotd tries again."
	}
	if answer.Kind == Busy {
		wait = 10 * time.Minute
		m.a.Waiting = "An automatic rotation of this key is running or due within 20 minutes; rotd waits for it."
	}
	m.a.State = Planned
	m.a.NotBefore = m.now.Add(wait)
	return m.until(m.a.NotBefore)
}

// called says that an attempt was made that KMS may have acted on.
func (m *machine) called() bool { return m.a.Attempts > m.a.Rejected }

func (m *machine) retryRead() Do {
	m.a.LastError = m.o.ReadError
	m.a.Waiting = "The key could not be read; rotd tries again."
	m.a.NotBefore = m.now.Add(30 * time.Second)
	return m.until(m.a.NotBefore)
}

// tooLate ends what could not begin for so long that it was planned on an old world.
func (m *machine) tooLate() (Do, bool) {
	since, limit := m.a.Created, personWaits
	switch {
	case m.a.approved():
		since = m.a.Approval.At
	case m.a.Automatic:
		limit = automaticWaits
	}
	if m.a.Progress.After(since) {
		since = m.a.Progress
	}
	if m.a.Guardrail == GuardWindow { // which may be a week away: patience begins when it opens
		since = m.a.NotBefore
	}
	if m.now.Sub(since) < limit && m.a.NotBefore.Sub(since) < limit {
		return Do{}, false
	}
	why := "It could not begin within " + days(limit) + "."
	switch {
	case m.called():
		return m.fail(join(why, m.a.Waiting, lookYourself(&m.a))), true
	case m.a.At > 0:
		return m.fail(join("It could not go on within "+days(limit)+".", m.a.Waiting)), true
	}
	return m.end(Expired, join(why, m.a.Waiting, "Nothing was changed.")), true
}

func (m *machine) until(t time.Time) Do { return Do{What: Nothing, Until: t} }

// next goes on to the next call once KMS shows the effect of the one under way, or that it needs none; skipped says
// which. After the last one the action has succeeded.
func (m *machine) next(key *inventory.Key, skipped string) Do {
	m.a.LastError = ""
	if made := m.o.Made; m.a.Current().Operation == CreateKey {
		m.a.adopt(made)
	}
	if m.a.At < len(m.a.Calls) {
		c, ended := m.a.Current(), m.now
		c.Done, c.Skipped = &ended, skipped
		c.CalledAt, c.RequestID, c.Lost = m.a.CalledAt, m.a.RequestID, m.a.lost()
	}
	if m.a.At+1 >= len(m.a.Calls) {
		return m.succeed(key)
	}
	m.a.At++
	m.a.State, m.a.Progress = Planned, m.now
	m.a.Attempts, m.a.Rejected, m.a.RequestID, m.a.Ambiguous = 0, 0, "", false
	m.a.Reads, m.a.FirstRead = 0, time.Time{}
	m.a.CalledAt, m.a.Deadline, m.a.NotBefore, m.a.Waiting = time.Time{}, time.Time{}, time.Time{}, ""
	return Do{What: Read}
}

func (m *machine) succeed(key *inventory.Key) Do {
	if key.ARN == m.a.KeyARN {
		m.a.After = PreconditionOf(key)
	}
	m.a.Ambiguous = false
	return m.end(Succeeded, outcome(&m.a, key))
}

// TakeBack cancels an action of which nothing was done yet.
func TakeBack(a Action, why string, now time.Time) Action {
	m := &machine{a: a, now: now}
	m.end(Cancelled, why)
	return m.a
}

// drop ends an action that may not or need not go on: cancelled, unless a call of it may have had an effect.
func (m *machine) drop(reason string) Do {
	switch {
	case m.called():
		return m.fail(join(reason, lookYourself(&m.a)))
	case m.a.At > 0:
		return m.fail(reason)
	}
	return m.end(Cancelled, join(reason, "Nothing was changed."))
}

// fail ends the action with what stood in its way and, of several calls, what was done and what was not.
func (m *machine) fail(why string) Do { return m.end(Failed, join(why, progress(&m.a))) }

func (m *machine) end(s State, outcome string) Do {
	m.a.State, m.a.Outcome, m.a.Waiting, m.a.NotBefore = s, outcome, "", time.Time{}
	ended := m.now
	m.a.Ended = &ended
	return Do{What: End}
}
