// Package remediation decides what may be done about a key: eligibility, plans, guardrails and the action state
// machine. It is pure: facts in, decisions with their reasons out. It calls nothing and keeps nothing; the engine
// carries its decisions out in the right order.
//
// # The way of an action
//
// An action is a list of calls, each of which changes one thing: a rotation has one, a replacement a dozen. Every call
// goes this way; once KMS shows the effect of one, the next is planned. Guardrails are judged in full before the first
// call. Between two calls only a pause and protection count: half done is worse than either.
//
//	          Plan
//	            │
//	            ▼     guardrail says wait
//	       ┌─planned─┐◄──────────────────────────────────────────┐
//	       │    │    └─► (later)                                 │
//	truth moved,│                                                │
//	refused     │ truth re-read, preconditions hold,             │
//	       │    │ guardrails allow: the intent is made           │
//	       │    │ durable, then one attempt                      │ KMS certainly did nothing and may be asked
//	       ▼    ▼                                                │ again (throttled, unreachable, conflict):
//	cancelled  running ──────────────────────────────────────────┤ back-off, at most maxRejected times
//	expired     │    │                                           │
//	            │    └─► failed    KMS refused                   │
//	            ▼                                                │
//	        verifying ───────────────────────────────────────────┘ answer lost, and repeated reads over
//	            │    │                                             Guardrails.Settle show no effect:
//	            │    └─► failed    not verified in time            what is dear to repeat once more, never twice more
//	            ▼
//	        succeeded              KMS shows it, and it was the last call
//
// Where the guardrails want a second person, an action waits for one before its first call:
//
//	planned ─── truth re-read, guardrails want it ───► awaiting-approval ──► expired    nobody approved it in time
//	   ▲                                                   │       └───────► cancelled  somebody said so
//	   └────────────── another person approved ────────────┘
//
// An approval is of one plan (Action.Plan): an action that comes to be another one asks again. An approved action is
// judged once more, by all guardrails and by what KMS shows then.
//
// operationOf has a row for every operation that an action may call: what must be read before and after it, how things
// are with regard to it (open, done, moved, soon), and whether it may be repeated.
//
// An action found running without an answer, as after a crash, counts as one whose answer was lost. Nothing but a
// reading of KMS makes an action succeed.
package remediation
