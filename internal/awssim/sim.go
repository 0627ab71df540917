package awssim

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"time"

	"go.uber.org/zap"
)

// Options say how a simulator is built. The zero value is usable.
type Options struct {
	Clock      *Clock        // default: NewClock()
	Logger     *zap.Logger   // default: none
	Principals []Principal   // known from the start
	Latency    time.Duration // wall time added to each answer; a real AWS never answers at once
	Jitter     time.Duration // wall time at random added to Latency, up to this
	Addr       string        // loopback address to listen on, default 127.0.0.1:0
	Seed       uint64        // of identifiers and of disorder
	LogLimit   int           // requests the oracle keeps, default 200,000; the oldest are forgotten first
	// JudgesTime refuses requests that were signed at another time than Clock's, as AWS does, and dates answers by it.
	// Without it a clock may stand still, or jump.
	JudgesTime bool
	// WrappingKeys are shared with other simulators. Default: its own.
	WrappingKeys *WrappingKeys
}

const defaultLogLimit = 200_000

// Sim is a simulated AWS. All its methods may be called from several goroutines.
type Sim struct {
	opts     Options
	clock    *Clock
	log      *zap.Logger
	services map[string]*service
	sqs      *sqsService
	sns      *snsService
	s3       *s3Service
	org      *orgService
	trail    *trailService
	faults   faultPlan
	requests requestLog
	buffers  sync.Pool // *bytes.Buffer, for the bodies of requests

	mu         sync.RWMutex
	principals map[string]*Principal
	roles      map[string]*Role
	outages    map[string]chan struct{} // by service: closed when it is cut off
	listener   net.Listener
	server     *http.Server

	randMu sync.Mutex
	rand   *rand.Rand

	handlers sync.WaitGroup
	done     chan struct{} // closed by Close
	closing  sync.Once
}

// New builds a simulator. It does no I/O.
func New(opts Options) *Sim {
	if opts.Clock == nil {
		opts.Clock = NewClock()
	}
	if opts.Logger == nil {
		opts.Logger = zap.NewNop()
	}
	if opts.Addr == "" {
		opts.Addr = "127.0.0.1:0"
	}
	if opts.LogLimit <= 0 {
		opts.LogLimit = defaultLogLimit
	}
	s := &Sim{
		opts:       opts,
		clock:      opts.Clock,
		log:        opts.Logger,
		services:   map[string]*service{},
		principals: map[string]*Principal{},
		roles:      map[string]*Role{},
		outages:    map[string]chan struct{}{},
		rand:       rand.New(rand.NewPCG(opts.Seed, 0x726f7464)), //nolint:gosec // identifiers of a simulator
		done:       make(chan struct{}),
	}
	s.requests.limit = opts.LogLimit
	s.buffers.New = func() any { return new(bytes.Buffer) }
	s.sqs, s.sns, s.s3 = newSQS(s), newSNS(s), newS3(s)
	var org, trail *service
	s.org, org = newOrganizations()
	s.trail, trail = newCloudTrail()
	for _, svc := range []*service{s.sqs.service(), s.sns.service(), s.s3.service(), newSTS(s), newKMS(s), org, trail} {
		s.services[svc.name] = svc
		s.outages[svc.name] = make(chan struct{})
	}
	for _, p := range opts.Principals {
		s.AddPrincipal(p)
	}
	return s
}

// Start listens on loopback and serves until Close.
func (s *Sim) Start() error {
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", s.opts.Addr)
	if err != nil {
		return fmt.Errorf("awssim: listening on %s: %w", s.opts.Addr, err)
	}
	if addr, ok := listener.Addr().(*net.TCPAddr); !ok || !addr.IP.IsLoopback() {
		return errors.Join(fmt.Errorf("awssim: %s is not a loopback address", s.opts.Addr), listener.Close())
	}
	errorLog, err := zap.NewStdLogAt(s.log, zap.WarnLevel) // what net/http has to say, panics of observers included
	if err != nil {
		return errors.Join(fmt.Errorf("awssim: %w", err), listener.Close())
	}
	server := &http.Server{Handler: s, ReadHeaderTimeout: time.Minute, ErrorLog: errorLog}
	s.mu.Lock()
	s.listener, s.server = listener, server
	s.mu.Unlock()
	s.handlers.Go(func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			s.log.Error("simulated AWS stopped serving", zap.Error(err))
		}
	})
	return nil
}

// Close stops serving, cuts open connections and waits for what is in hand. The clock stays its owner's.
func (s *Sim) Close() error {
	var err error
	s.closing.Do(func() {
		s.mu.Lock()
		close(s.done)
		server := s.server
		s.mu.Unlock()
		if server != nil {
			err = server.Close()
		}
		s.handlers.Wait()
		for _, svc := range s.services {
			if svc.close != nil {
				svc.close()
			}
		}
	})
	return err
}

// URL is the AWS_ENDPOINT_URL for every service; "" before Start.
func (s *Sim) URL() string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.listener == nil {
		return ""
	}
	return "http://" + s.listener.Addr().String()
}

// Clock is the simulator's time.
func (s *Sim) Clock() *Clock { return s.clock }

const idAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"

// newID is prefix and n random characters of the alphabet AWS uses for access keys.
func (s *Sim) newID(prefix string, n int) string {
	b := make([]byte, n)
	s.randMu.Lock()
	for i := range b {
		b[i] = idAlphabet[s.rand.IntN(len(idAlphabet))]
	}
	s.randMu.Unlock()
	return prefix + string(b)
}

// newUUID is a random UUID, version 4.
func (s *Sim) newUUID() string {
	s.randMu.Lock()
	hi, lo := s.rand.Uint64(), s.rand.Uint64()
	s.randMu.Unlock()
	return formatUUID(hi, lo)
}

func formatUUID(hi, lo uint64) string {
	hi = hi&^0xf000 | 0x4000
	lo = lo&^(0xc<<60) | 0x8<<60
	const digits = "0123456789abcdef"
	var b [36]byte
	for i, at := 0, 0; i < 32; i++ {
		if at == 8 || at == 13 || at == 18 || at == 23 {
			b[at] = '-'
			at++
		}
		word, shift := hi, uint(60-4*i)
		if i >= 16 {
			word, shift = lo, uint(60-4*(i-16))
		}
		b[at] = digits[word>>shift&0xf]
		at++
	}
	return string(b[:])
}

// chance is true with probability p.
func (s *Sim) chance(p float64) bool {
	if p <= 0 {
		return false
	}
	s.randMu.Lock()
	defer s.randMu.Unlock()
	return s.rand.Float64() < p
}

// pick is a number in [0,n).
func (s *Sim) pick(n int) int {
	s.randMu.Lock()
	defer s.randMu.Unlock()
	return s.rand.IntN(n)
}
