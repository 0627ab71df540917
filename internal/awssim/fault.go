package awssim

import (
	"bytes"
	"net/http"
	"strings"
	"sync"
	"time"
)

// When is the moment a fault strikes.
type When int

// The moments of a request.
const (
	BeforeEffect When = iota // nothing has happened yet
	AfterEffect              // the state has changed, the answer has not been sent
	AfterAnswer              // the answer has been written to the connection
)

// Fault is something planned to go wrong. What it does comes in this order: Delay, Do, DropConnection, Err.
type Fault struct {
	Service   string // sqs, sns, kms, s3, sts; "" for any
	Operation string // Publish, RotateKeyOnDemand …; "" for any
	Contains  string // only requests with this in their path, query or body, such as a key's id; "" for any
	// Match, when set, must be true too. It runs once for each request that fits the fields above.
	Match func(Incoming) bool

	Nth   int // from the n-th matching request from now on, 1-based; 0 is the same as 1
	Times int // strikes so often; 0: once when Nth is set, else for ever

	When           When
	Delay          time.Duration // wall time; ends early when the client goes away
	Do             func()        // such as killing the daemon; an effect not yet made is still made after it
	DropConnection bool          // the connection is closed without an answer; before the effect there is none then
	Err            *APIError     // answered instead; before the effect there is none then
	// Entries limits Err to that many entries of a batch, the first ones; the others go on. Only BeforeEffect.
	Entries int
}

// Incoming is a request as a fault may look at it; Body is valid during Match only. RequestID is the oracle's, too.
type Incoming struct {
	Service, Operation, Region, AccessKeyID, RequestID, Path string
	Body                                                     []byte
}

// PlannedFault is a fault in force.
type PlannedFault struct {
	fault Fault
	plan  *faultPlan

	seen  int // matching requests; guarded by plan.mu
	fired int
}

// Plan puts a fault in force, until it has struck as often as it says or is removed.
func (s *Sim) Plan(f Fault) *PlannedFault { return s.faults.add(f) }

// Fired is how often the fault has struck.
func (p *PlannedFault) Fired() int {
	p.plan.mu.Lock()
	defer p.plan.mu.Unlock()
	return p.fired
}

// Remove takes the fault out of force.
func (p *PlannedFault) Remove() { p.plan.remove(p) }

type faultPlan struct {
	mu     sync.Mutex
	faults []*PlannedFault
}

func (fp *faultPlan) add(f Fault) *PlannedFault {
	p := &PlannedFault{fault: f, plan: fp}
	fp.mu.Lock()
	defer fp.mu.Unlock()
	fp.faults = append(fp.faults, p)
	return p
}

func (fp *faultPlan) remove(p *PlannedFault) {
	fp.mu.Lock()
	defer fp.mu.Unlock()
	for i, q := range fp.faults {
		if q == p {
			fp.faults = append(fp.faults[:i:i], fp.faults[i+1:]...)
			return
		}
	}
}

// match counts the call against every fault it fits and returns those that strike it.
func (fp *faultPlan) match(c *call) (fired []*PlannedFault) {
	fp.mu.Lock()
	defer fp.mu.Unlock()
	for _, p := range fp.faults {
		if p.fault.fits(c) && p.strikes() {
			fired = append(fired, p)
		}
	}
	return fired
}

func (f *Fault) fits(c *call) bool {
	if f.Service != "" && f.Service != c.Service || f.Operation != "" && f.Operation != c.Operation {
		return false
	}
	path := c.HTTP.URL.Path
	asked := path + "?" + c.HTTP.URL.RawQuery
	if f.Contains != "" && !strings.Contains(asked, f.Contains) && !bytes.Contains(c.Body, []byte(f.Contains)) {
		return false
	}
	return f.Match == nil || f.Match(Incoming{
		Service: c.Service, Operation: c.Operation, Region: c.Region, AccessKeyID: c.AccessKeyID,
		RequestID: c.RequestID, Path: path, Body: c.Body,
	})
}

func (p *PlannedFault) strikes() bool {
	p.seen++
	times := p.fault.Times
	if times == 0 && p.fault.Nth > 0 {
		times = 1
	}
	if p.seen < p.fault.Nth || times > 0 && p.fired >= times {
		return false
	}
	p.fired++
	return true
}

// applyFaults lets the faults of one moment strike. It returns the error to answer with, nil for none.
func (s *Sim) applyFaults(c *call, fired []*PlannedFault, when When) (err *APIError) {
	for _, p := range fired {
		f := &p.fault
		if f.When != when {
			continue
		}
		s.wait(c, f.Delay)
		if f.Do != nil {
			f.Do()
		}
		if f.DropConnection {
			panic(http.ErrAbortHandler) // net/http closes the connection and says nothing
		}
		if f.Entries > 0 {
			c.failEntries, c.entryError = f.Entries, f.Err
		} else if f.Err != nil {
			err = f.Err
		}
	}
	return err
}

// wait lets wall time pass, less when the client or the simulator goes away.
func (s *Sim) wait(c *call, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.ctx().Done():
	case <-s.done:
	}
}
