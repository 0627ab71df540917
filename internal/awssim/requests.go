package awssim

import (
	"maps"
	"slices"
	"sync"
	"time"
)

// Request is one entry of the oracle: what was asked, by whom, and what came of it.
type Request struct {
	Seq          int64     // 1-based, in order of arrival
	Time         time.Time // simulated, of arrival
	Service      string
	Operation    string
	Region       string
	AccessKeyID  string
	PrincipalARN string // "" for an unknown key
	Resource     string // what it was about, as far as the operation says: an ARN, a bucket/key
	RequestID    string
	ErrorCode    string         // "" when it succeeded; Outage when it was cut off
	Effect       bool           // the state changed, whatever was answered
	Answered     bool           // the answer was written to the connection
	Params       map[string]any // small and optional; do not modify
}

// RequestFilter chooses entries.
type RequestFilter func(Request) bool

// OfService chooses one service's requests.
func OfService(name string) RequestFilter { return func(r Request) bool { return r.Service == name } }

// OfOperation chooses one operation's requests.
func OfOperation(name string) RequestFilter {
	return func(r Request) bool { return r.Operation == name }
}

// OfResource chooses the requests about one resource.
func OfResource(resource string) RequestFilter {
	return func(r Request) bool { return r.Resource == resource }
}

// Requests are the requests that satisfy all filters, in order of arrival, requests still in hand included.
func (s *Sim) Requests(filters ...RequestFilter) []Request { return s.requests.list(filters) }

// EffectsOf are the requests of an operation that changed the state, whether or not their answer arrived.
func (s *Sim) EffectsOf(operation string) []Request {
	return s.Requests(OfOperation(operation), func(r Request) bool { return r.Effect })
}

// ForgottenRequests is how many requests the oracle no longer remembers (Options.LogLimit). An exact count is worth
// something only while it is 0.
func (s *Sim) ForgottenRequests() int64 {
	s.requests.mu.Lock()
	defer s.requests.mu.Unlock()
	return s.requests.seq - int64(len(s.requests.ring))
}

// Asked is a kind of request and what came of it.
type Asked struct{ Service, Operation, ErrorCode string }

// Tally counts all requests that were judged, those no longer remembered too.
func (s *Sim) Tally() map[Asked]int {
	s.requests.mu.Lock()
	defer s.requests.mu.Unlock()
	return maps.Clone(s.requests.tally)
}

// requestLog is a ring of the last limit requests.
type requestLog struct {
	mu    sync.Mutex
	limit int
	seq   int64
	tally map[Asked]int
	ring  []*Request // entry seq is at (seq-1) % limit
}

func (l *requestLog) add(c *call) *Request {
	r := &Request{
		Time: c.Time, Service: c.Service, Operation: c.Operation, Region: c.Region,
		AccessKeyID: c.AccessKeyID, RequestID: c.RequestID,
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seq++
	r.Seq = l.seq
	if len(l.ring) < l.limit {
		l.ring = append(l.ring, r)
	} else {
		l.ring[(l.seq-1)%int64(l.limit)] = r
	}
	return r
}

// judged notes what came of the request; errorCode is "" for success.
func (l *requestLog) judged(r *Request, c *call, errorCode string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r.Resource, r.Effect, r.Params, r.ErrorCode = c.Resource, c.Effect, c.Params, errorCode
	if l.tally == nil {
		l.tally = map[Asked]int{}
	}
	l.tally[Asked{c.Service, c.Operation, errorCode}]++
	if c.Principal != nil {
		r.PrincipalARN = c.Principal.ARN
	}
}

// refused notes an error that came from a fault.
func (l *requestLog) refused(r *Request, code string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r.ErrorCode = code
}

func (l *requestLog) answered(r *Request, yes bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r.Answered = yes
}

func (l *requestLog) list(filters []RequestFilter) (out []Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.ring {
		r := *l.ring[(l.seq+int64(i))%int64(len(l.ring))]
		if !slices.ContainsFunc(filters, func(f RequestFilter) bool { return !f(r) }) {
			out = append(out, r)
		}
	}
	return out
}
