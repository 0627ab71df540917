// Package remediation decides what may be done about a key: eligibility, plans, guardrails and the action state
// machine. It is pure: facts in, decisions with their reasons out. It calls nothing and keeps nothing; the engine
// carries its decisions out in the right order.
//
// # The way of an action
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
//	            │    └─► failed    not verified in time            RotateKeyOnDemand once more, never twice more
//	            ▼
//	        succeeded              KMS shows it
//
// An action found running without an answer, as after a crash, counts as one whose answer was lost. Nothing but a
// reading of KMS makes an action succeed.
package remediation
