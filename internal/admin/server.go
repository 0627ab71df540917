package admin

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"go.uber.org/zap"
)

// Bounds of the server.
const (
	maxBody       = 64 << 10 // of a request; see bodyBound
	readTimeout   = 10 * time.Second
	maxInHand     = 64               // requests at a time; more are told that it is busy
	maxWait       = 60 * time.Second // that a request may wait for something to happen
	handleTimeout = maxWait + 15*time.Second
	stopTimeout   = 5 * time.Second
)

// Server answers on the control socket.
type Server struct {
	backend Backend
	log     *zap.Logger
	inHand  chan struct{}
	reports chan struct{} // being written
}

// NewServer returns a server for a backend; Serve runs it.
func NewServer(backend Backend, log *zap.Logger) *Server {
	return &Server{
		backend: backend, log: log, inHand: make(chan struct{}, maxInHand), reports: make(chan struct{}, maxReports),
	}
}

// Serve answers until ctx ends, then lets requests in hand end (those that wait are answered at once), and removes the
// socket. It returns nil after a stop in good order.
func (s *Server) Serve(ctx context.Context, listener *net.UnixListener) error {
	path := listener.Addr().String()
	own, err := os.Lstat(path)
	if err != nil {
		listener.Close()
		return fmt.Errorf("serve the control socket: %w", err)
	}
	httpServer := &http.Server{
		Handler:           s.handler(),
		ConnContext:       withPeer,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ReadHeaderTimeout: 5 * time.Second,
		WriteTimeout:      handleTimeout + 15*time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          zap.NewStdLog(s.log),
	}
	ended := make(chan error, 1)
	go func() { ended <- httpServer.Serve(listener) }()
	select {
	case err := <-ended:
		return errors.Join(fmt.Errorf("serve the control socket: %w", err), removeOwn(path, own))
	case <-ctx.Done():
	}
	// ctx is over and may not bound the stop; every request's context ended with it.
	limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	err = httpServer.Shutdown(limit)
	if err != nil {
		err = errors.Join(fmt.Errorf("stop the control socket: %w", err), httpServer.Close())
	}
	if served := <-ended; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, fmt.Errorf("serve the control socket: %w", served))
	}
	return errors.Join(err, removeOwn(path, own))
}
