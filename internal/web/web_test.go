package web_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"rotd/internal/web"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// start serves until the test ends and returns the base URL and a way to ask.
func start(t *testing.T, reasons ...string) func(method, path string) (status int, header http.Header, body string) {
	t.Helper()
	registry := prometheus.NewRegistry()
	counter := prometheus.NewCounter(prometheus.CounterOpts{Name: "rotd_things_total", Help: "Things."})
	registry.MustRegister(counter)
	counter.Add(3)
	server := web.New(web.Options{
		NotReady: func(context.Context) []string { return reasons }, Metrics: registry, Logger: zap.NewNop(),
	})
	listener, err := web.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ctx, listener) }()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return func(method, path string) (int, http.Header, string) {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), method, "http://"+listener.Addr().String()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, response.Header, string(body)
	}
}

func TestAnswers(t *testing.T) {
	down := []string{"queue rotd: the queue does not exist", "state: disk full"}
	tests := []struct {
		name    string
		reasons []string
		method  string
		path    string
		status  int
		kind    string
		body    string
	}{
		{"alive", down, "GET", "/livez", 200, "text/plain; charset=utf-8", "alive\n"},
		{"ready", nil, "GET", "/readyz", 200, "text/plain; charset=utf-8", "ready\n"},
		{
			"not ready says why", down, "GET", "/readyz", 503, "text/plain; charset=utf-8",
			"not ready:\n- queue rotd: the queue does not exist\n- state: disk full\n",
		},
		{
			"ready for programs", nil, "GET", "/readyz?verbose", 200, "application/json",
			`{"ready":true,"reasons":[]}` + "\n",
		},
		{
			"not ready for programs", down[:1], "GET", "/readyz?verbose=1", 503, "application/json",
			`{"ready":false,"reasons":["queue rotd: the queue does not exist"]}` + "\n",
		},
		{"nothing else is there", nil, "GET", "/", 404, "text/plain; charset=utf-8", "404 page not found\n"},
		{"nothing is changed", nil, "POST", "/readyz", 405, "text/plain; charset=utf-8", "Method Not Allowed\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			status, header, body := start(t, test.reasons...)(test.method, test.path)
			got := []any{status, header.Get("Content-Type"), header.Get("X-Content-Type-Options"), body}
			if diff := cmp.Diff([]any{test.status, test.kind, "nosniff", test.body}, got); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
		})
	}
}

func TestMetricsOfTheGivenRegistryOnly(t *testing.T) {
	status, header, body := start(t)("GET", "/metrics")
	if status != 200 || !strings.HasPrefix(header.Get("Content-Type"), "text/plain; version=0.0.4") {
		t.Errorf("status %d, Content-Type %q", status, header.Get("Content-Type"))
	}
	want := "# HELP rotd_things_total Things.\n# TYPE rotd_things_total counter\nrotd_things_total 3\n"
	if diff := cmp.Diff(want, body); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
}

func TestAddressInUseIsSaid(t *testing.T) {
	first, err := web.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	_, err = web.Listen(t.Context(), first.Addr().String())
	if err == nil || !strings.HasPrefix(err.Error(), "listen for /livez, /readyz and /metrics (admin.http): ") {
		t.Errorf("error: %v", err)
	}
}

func TestPanicIsContainedAndLogged(t *testing.T) {
	core, logs := observer.New(zap.InfoLevel)
	server := web.New(web.Options{
		NotReady: func(context.Context) []string { panic("broken") },
		Metrics:  prometheus.NewRegistry(), Logger: zap.New(core),
	})
	listener, err := web.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ctx, listener) }()
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(conn, "GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	body, _ := io.ReadAll(conn)
	conn.Close()
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("Serve: %v", err)
	}
	if !strings.HasPrefix(string(body), "HTTP/1.1 500 ") {
		t.Errorf("answer: %q", body)
	}
	if logs.FilterMessage("contained a panic").Len() != 1 {
		t.Errorf("log: %v", logs.All())
	}
}
