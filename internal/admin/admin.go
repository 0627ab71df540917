// Package admin is the control API: HTTP and JSON on a unix socket, its server and its client. It knows who is calling
// by the socket's peer credentials, and it says everything in the same shapes: objects, pages and errors. It decides
// nothing: what a request does is the Backend's, how an answer looks to a person is the command line's. docs/api.md
// documents every endpoint.
package admin

import (
	"context"
	"errors"
	"io"
	"time"

	"rotd/internal/finding"
	"rotd/internal/policy"
	"rotd/internal/remediation"
	"rotd/internal/report"
	"rotd/internal/state"
)

// Backend is the daemon behind the API. Its errors wrap ErrNotFound, ErrAmbiguous, ErrInvalid or ErrRefused where one
// of them fits; any other is the daemon's own failure. An id or a name that is not there is ErrNotFound, never a nil
// answer.
type Backend interface {
	Gatekeeper
	Reader
	Actor
	Container
	Historian
	Weigher
	Keeper
	Auditor
	Investigator
	Suppressor
	Mover
}

// Reader answers questions. A page has at most Range.Limit rows, copied: no transaction stays open while a client
// reads.
type Reader interface {
	Status(ctx context.Context) (*Status, error)
	// NotReady says in plain words what keeps the daemon from its work; nothing when it is ready.
	NotReady(ctx context.Context) []string
	Findings(ctx context.Context, q FindingQuery) (Page[finding.Finding], error)
	Finding(ctx context.Context, id string) (*finding.Finding, error)
	Keys(ctx context.Context, q KeyQuery) (Page[Key], error)
	// Key takes an id, ARN, alias or alias ARN.
	Key(ctx context.Context, name string) (*KeyDetail, error)
	// Explain says which policy counts for a key, and why. It takes the same names as Key.
	Explain(ctx context.Context, name string) (*policy.Explanation, error)
	// Abilities says what can be done to a key, and by whom, from what is known of it. It takes the same names.
	Abilities(ctx context.Context, name string) (*remediation.Abilities, error)
	// KeyUsage says who used a key since a time.
	KeyUsage(ctx context.Context, name string, since time.Time) (*KeyUsage, error)
	Actions(ctx context.Context, q ActionQuery) (Page[remediation.Action], error)
	// Action waits at most so long for the action to be final, and returns it as it is then.
	Action(ctx context.Context, id string, wait time.Duration) (*remediation.Action, error)
	Quarantine(ctx context.Context, r Range) (Page[Quarantined], error)
	// Report writes a report as it is made; nothing is written before an error that the query is to blame for.
	Report(ctx context.Context, q report.Query, to io.Writer) error
	// Names are what filters may name.
	Names(ctx context.Context) (Names, error)
}

// Actor does what a person asks for.
type Actor interface {
	// Rotate plans and, unless it is a dry run or refused (Planned.Refused), begins.
	Rotate(ctx context.Context, r RotateRequest) (*Planned, error)
	// Replace plans and, unless it is a dry run or refused, begins.
	Replace(ctx context.Context, r ReplaceRequest) (*Planned, error)
	// UndoAlias plans and, unless it is a dry run or refused, begins.
	UndoAlias(ctx context.Context, r UndoAliasRequest) (*Planned, error)
	// Approve has an action go on that awaits approval; plan is the hash of what by has looked at. Why it is not taken is
	// ErrRefused.
	Approve(ctx context.Context, id, plan string, by remediation.Who, reason string) (*remediation.Action, error)
	// Cancel ends an action that has not begun; one that has is ErrRefused.
	Cancel(ctx context.Context, id, by, reason string) (*remediation.Action, error)
	// Acknowledge notes that a person has seen an open finding and answers for it. Before is the acknowledgement there
	// was.
	Acknowledge(ctx context.Context, id, by string, r AckRequest) (Acknowledged, error)
	// Resolve ends an open finding on a person's word, and returns it.
	Resolve(ctx context.Context, id, by string, r ResolveRequest) (*finding.Finding, error)
	// Sweep begins a scheduled job now, or joins the run under way; the channel gets the run's error, once.
	Sweep(by, name string) (<-chan error, error)
	// Pause returns the pause that was there before; nil when there was none.
	Pause(ctx context.Context, by, reason, incident string) (before *state.Pause, err error)
	// Resume says what it ended: a pause, an open circuit breaker; and whether it armed the state.
	Resume(ctx context.Context, by, incident string) (Paused, error)
}

// Keeper looks after the state file. What it does may take minutes: it ends with the request's context.
type Keeper interface {
	// CopyState makes a verified copy of the state, which the caller closes.
	CopyState(ctx context.Context, by string) (*state.Copy, error)
	// BackUp makes one and puts it to S3.
	BackUp(ctx context.Context, r BackupRequest) (*Backup, error)
	// CheckState reads everything in the state; what is damaged is an error.
	CheckState(ctx context.Context) (*StateCheck, error)
	// CompactState has the state compacted at the next start.
	CompactState(ctx context.Context, by string) (*state.Usage, error)
}

// What a Backend's errors can mean to the caller.
var (
	ErrNotFound  = errors.New("not found")
	ErrAmbiguous = errors.New("ambiguous") // a name that several keys have
	ErrInvalid   = errors.New("invalid request")
	ErrRefused   = errors.New("refused")
	ErrBusy      = errors.New("busy") // with the same thing for somebody else
	ErrUnproven  = errors.New("identity not proven")
)

// As gives an error whose words suffice one of these meanings.
func As(meaning, err error) error { return meant{err, meaning} }

type meant struct {
	error
	meaning error
}

func (m meant) Unwrap() []error { return []error{m.error, m.meaning} }
