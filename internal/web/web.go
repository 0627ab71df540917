// Package web answers over HTTP what machines ask of the daemon: is it alive, is it ready, its metrics. It only reads,
// knows no secrets and no caller; whoever may act uses the control socket (package admin). The configuration says where
// it listens, and warns when that is not loopback.
package web

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.uber.org/zap"
)

const (
	answerTimeout = 15 * time.Second
	stopTimeout   = 3 * time.Second
	maxScrapes    = 4 // at a time
)

// Options are what a Server is built from.
type Options struct {
	// NotReady says in plain words what keeps the daemon from its work; nothing when it is ready.
	NotReady func(ctx context.Context) []string
	Metrics  prometheus.Gatherer
	Logger   *zap.Logger
}

// Server answers on one listener.
type Server struct {
	http *http.Server
}

// New builds a server; Serve runs it.
func New(o Options) *Server {
	log := zap.NewStdLog(o.Logger)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", livez)
	mux.Handle("GET /readyz", readyz(o))
	mux.Handle("GET /metrics", promhttp.HandlerFor(o.Metrics, promhttp.HandlerOpts{
		ErrorLog: log, ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: maxScrapes, Timeout: answerTimeout,
	}))
	return &Server{http: &http.Server{
		Handler:           contain(o.Logger, plain(mux)),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       5 * time.Second,
		WriteTimeout:      answerTimeout + 5*time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          log,
	}}
}

// Listen binds to host:port.
func Listen(ctx context.Context, address string) (net.Listener, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen for /livez, /readyz and /metrics (admin.http): %w", err)
	}
	return listener, nil
}

// Serve answers until ctx ends, then lets what is in hand end. It returns nil after a stop in good order.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	ended := make(chan error, 1)
	go func() { ended <- s.http.Serve(listener) }()
	select {
	case err := <-ended:
		return fmt.Errorf("serve HTTP: %w", err)
	case <-ctx.Done():
	}
	limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	err := s.http.Shutdown(limit)
	if err != nil {
		err = errors.Join(fmt.Errorf("stop serving HTTP: %w", err), s.http.Close())
	}
	if served := <-ended; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, fmt.Errorf("serve HTTP: %w", served))
	}
	return err
}

func livez(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "alive") }

// readiness is /readyz?verbose.
type readiness struct {
	Ready   bool     `json:"ready"`
	Reasons []string `json:"reasons"`
}

func readyz(o Options) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), answerTimeout)
		defer cancel()
		reasons := o.NotReady(ctx)
		status := http.StatusOK
		if len(reasons) > 0 {
			status = http.StatusServiceUnavailable
		}
		if !r.URL.Query().Has("verbose") {
			w.WriteHeader(status)
			fmt.Fprint(w, words(reasons))
			return
		}
		body, err := json.Marshal(readiness{Ready: len(reasons) == 0, Reasons: reasons})
		if err != nil {
			o.Logger.Error("readiness cannot be written as JSON", zap.Error(err))
			status, body = http.StatusInternalServerError, []byte(`{}`)
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		if _, err := w.Write(append(body, '\n')); err != nil {
			o.Logger.Debug("the caller left before the answer", zap.Error(err))
		}
	})
}

func words(reasons []string) string {
	if len(reasons) == 0 {
		return "ready\n"
	}
	return "not ready:\n- " + strings.Join(reasons, "\n- ") + "\n"
}

// plain keeps browsers from making more of an answer than it is.
func plain(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// contain makes a handler's panic an answer and a line in the log.
func contain(log *zap.Logger, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if v := recover(); v != nil {
				log.Error("contained a panic", zap.String("in", "GET "+r.URL.Path), zap.Any("panic", v),
					zap.ByteString("stack", debug.Stack()))
				http.Error(w, "the daemon met an error of its own; its log has the details",
					http.StatusInternalServerError)
			}
		}()
		next.ServeHTTP(w, r)
	})
}
