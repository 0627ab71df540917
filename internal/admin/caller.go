package admin

import (
	"context"
	"net/http"
	"os/user"
	"slices"
	"strconv"

	"rotd/internal/remediation"
)

// Caller is who asks: the process at the other end of the socket, and the AWS identity it proves, if any.
type Caller struct {
	Peer Peer
	AWS  *AWSIdentity // nil: none was proven
	Plan string       // with AWS: what it was proven for
}

// AWSIdentity is whom AWS STS says a proof is from.
type AWSIdentity struct {
	ARN    string // of an IAM user, or of the session of a role
	Person string // which person that is, by one word that stays the same; "": nobody in particular
}

// Proof is a presigned GetCallerIdentity, as the headers of a request have it.
type Proof struct {
	URL   string
	Nonce string // signed with it: 32 hex digits that were never used before
	Plan  string // signed with it: the hash of the plan that it is for
}

// The headers that a proof comes in.
const (
	headerIdentity = "X-Rotd-Identity"
	headerNonce    = "X-Rotd-Nonce"
	headerPlan     = "X-Rotd-Plan"
)

func (p *Proof) put(h http.Header) {
	h.Set(headerIdentity, p.URL)
	h.Set(headerNonce, p.Nonce)
	h.Set(headerPlan, p.Plan)
}

func proofOf(h http.Header) (p Proof, given bool) {
	p = Proof{URL: h.Get(headerIdentity), Nonce: h.Get(headerNonce), Plan: h.Get(headerPlan)}
	return p, p.URL != ""
}

// Who is the caller as actions and the audit log have it. A user id that several people use is no person.
func (c *Caller) Who(a *Access) remediation.Who {
	who := remediation.Who{Name: c.Peer.Requester()}
	if !a.shared(c.Peer.UID) {
		who.Is = append(who.Is, "uid:"+number(c.Peer.UID))
	}
	if c.AWS != nil {
		who.Name = c.AWS.ARN + " through " + who.Name
		if c.AWS.Person != "" {
			who.Is = append(who.Is, c.AWS.Person)
		}
	}
	return who
}

// isUser reports whether the peer's user has this name or id.
func (p Peer) isUser(name string) bool {
	if name == number(p.UID) {
		return true
	}
	u, err := user.LookupId(number(p.UID))
	return err == nil && u.Username == name
}

// inGroup reports whether the peer is in the group of this name or id.
func (p Peer) inGroup(name string) bool {
	id := name
	if g, err := user.LookupGroup(name); err == nil {
		id = g.Gid
	}
	return id == number(p.GID) || slices.ContainsFunc(p.Groups, func(gid uint32) bool { return id == number(gid) })
}

func number(n uint32) string { return strconv.FormatUint(uint64(n), 10) }

type callerKey struct{}

func callerFrom(ctx context.Context) (*Caller, bool) {
	c, ok := ctx.Value(callerKey{}).(*Caller)
	return c, ok
}
