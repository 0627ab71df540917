package admin

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"

	"go.uber.org/zap"

	"rotd/internal/policy"
)

// Role is what a caller may do.
type Role string

// Roles.
const (
	View    Role = "view"    // read everything rotd knows
	Act     Role = "act"     // ask for actions, acknowledge, sweep, pause
	Approve Role = "approve" // approve what somebody else asked for
)

// Access says who has which role: `user:<name or uid>`, `group:<name or gid>`, or a pattern over the ARNs of AWS
// identities. Nobody listed for View or Act: everybody whom the socket lets in. Nobody listed for Approve: nobody.
type Access struct {
	View, Act, Approve []string
	Shared             []uint32 // ids of users that several people use, besides root and the daemon's own
}

// Gatekeeper knows who callers are and what they may do.
type Gatekeeper interface {
	// Access is what counts now; it changes when the configuration is loaded again.
	Access() *Access
	// Identify has AWS STS say whose proof it is, and uses it up. What proves nothing is ErrUnproven.
	Identify(ctx context.Context, p Proof) (*AWSIdentity, error)
}

// shared says that a user id names no person.
func (a *Access) shared(uid uint32) bool {
	return uid == 0 || uid == daemonUID() || slices.Contains(a.Shared, uid)
}

func daemonUID() uint32 { return uint32(os.Getuid()) } //nolint:gosec // a uid has 32 bits

// check says why a caller has none of some roles; nil: it has one. A caller that is not known can only view, where
// everybody may.
func (a *Access) check(c *Caller, roles ...Role) error {
	var why *Error
	for _, role := range roles {
		switch refused := a.has(c, role); {
		case refused == nil:
			return nil
		case why == nil:
			why = refused
		}
	}
	return why
}

func (a *Access) has(c *Caller, role Role) *Error {
	switch {
	case role == Approve:
		return a.mayApprove(c)
	case role == View && len(a.View) == 0:
		return nil
	case c == nil:
		return unknownCaller()
	case c.Peer.UID == 0 || c.Peer.UID == daemonUID(): // who can read and write the state file needs no role for that
		return nil
	case role == View && a.lists(c, slices.Concat(a.View, a.Act, a.Approve)):
		return nil
	case role == Act && (len(a.Act) == 0 || a.lists(c, a.Act)):
		return nil
	}
	return forbidden("%s may not %s: admin.roles.%s in rotd.yaml does not list %s", c.Peer.Requester(), doing(role), role,
		c.names())
}

// mayApprove says why a caller may not approve. Who proves an AWS identity approves as that one, whoever else uses the
// same account here; who does not, as the user of the socket.
func (a *Access) mayApprove(c *Caller) *Error {
	switch {
	case c == nil:
		return unknownCaller()
	case c.AWS != nil && c.AWS.Person == "":
		return forbidden("%s may not approve: it is no person, since whoever may assume a role chooses the session's "+
			"name. Approve as an IAM user or a user of IAM Identity Center", c.AWS.ARN)
	case c.AWS != nil && !listsARN(a.Approve, c.AWS.ARN):
		return forbidden("%s may not approve: admin.roles.approve in rotd.yaml does not list it", c.AWS.ARN)
	case c.AWS != nil:
		return nil
	case a.shared(c.Peer.UID):
		return forbidden("%s may ask, but not approve: several people use that account. Approve with --aws-identity, or "+
			"from an account of your own that admin.roles.approve lists", c.Peer.Requester())
	case !listsPeer(a.Approve, c.Peer):
		return forbidden("%s may not approve: admin.roles.approve in rotd.yaml does not list user:%s",
			c.Peer.Requester(), number(c.Peer.UID))
	}
	return nil
}

func (a *Access) lists(c *Caller, list []string) bool {
	return listsPeer(list, c.Peer) || c.AWS != nil && listsARN(list, c.AWS.ARN)
}

func listsPeer(list []string, p Peer) bool {
	return slices.ContainsFunc(list, func(entry string) bool {
		kind, name, _ := strings.Cut(entry, ":")
		return kind == "user" && p.isUser(name) || kind == "group" && p.inGroup(name)
	})
}

func listsARN(list []string, arn string) bool {
	return slices.ContainsFunc(list, func(entry string) bool {
		return strings.HasPrefix(entry, "arn:") && policy.Glob(entry, arn)
	})
}

// names are how a list could name the caller.
func (c *Caller) names() string {
	text := "user:" + number(c.Peer.UID) + " or a group it is in"
	if c.AWS != nil {
		text += ", nor " + c.AWS.ARN
	}
	return text
}

func doing(role Role) string {
	if role == View {
		return "look at anything"
	}
	return "ask for this"
}

func unknownCaller() *Error {
	return &Error{
		Code: CodeUnknownPeer, Exit: ExitFailed, status: http.StatusForbidden,
		Message: "who is calling cannot be told, so nothing is done",
	}
}

func forbidden(format string, args ...any) *Error {
	return &Error{
		Code: CodeForbidden, Message: fmt.Sprintf(format, args...), Exit: ExitRefused, status: http.StatusForbidden,
	}
}

// admitted handles a request of a caller that has one of the roles.
func (s *Server) admitted(handle func(*http.Request) (any, error), roles ...Role) func(*http.Request) (any, error) {
	return func(r *http.Request) (any, error) {
		caller, err := s.callerOf(r)
		if err != nil {
			return nil, err
		}
		if err := s.backend.Access().check(caller, roles...); err != nil {
			s.log.Warn("a caller may not do what it asked for", zap.String("request", r.Method+" "+r.URL.Path),
				zap.Error(err))
			return nil, err
		}
		return handle(r.WithContext(context.WithValue(r.Context(), callerKey{}, caller)))
	}
}

// callerOf tells who is calling; nil: it cannot be told.
func (s *Server) callerOf(r *http.Request) (*Caller, error) {
	peer, ok := peerFrom(r.Context())
	if !ok {
		return nil, nil //nolint:nilnil // somebody unknown may still look
	}
	caller := &Caller{Peer: peer}
	if proof, given := proofOf(r.Header); given {
		identity, err := s.backend.Identify(r.Context(), proof)
		if err != nil {
			return nil, err
		}
		caller.AWS, caller.Plan = identity, proof.Plan
	}
	return caller, nil
}
