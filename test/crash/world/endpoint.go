package world

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"
)

// Visibility is for how long what a daemon receives is invisible to the next.
const Visibility = 3 * time.Second

// serve gives the daemon an endpoint of its own at which waits of SQS are short: what a killed daemon had received is
// visible again after seconds, and what it set aside, after one. All else is the simulator's.
func (w *World) serve(t testing.TB) {
	server := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, in *http.Request) {
		_, operation, _ := strings.Cut(in.Header.Get("X-Amz-Target"), ".")
		switch operation {
		case "ReceiveMessage":
			replace(in, fmt.Sprint(int(Visibility.Seconds())))
		case "ChangeMessageVisibilityBatch":
			replace(in, "1")
		}
		w.Sim.ServeHTTP(out, in)
	}))
	w.endpoint = server.URL
	t.Cleanup(server.Close)
}

var visibilityTimeout = regexp.MustCompile(`"VisibilityTimeout":[1-9][0-9]*`)

// replace replaces what the request says about visibility.
func replace(in *http.Request, seconds string) {
	body, err := io.ReadAll(in.Body)
	if err == nil {
		body = visibilityTimeout.ReplaceAll(body, []byte(`"VisibilityTimeout":`+seconds))
	}
	in.Body, in.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
}
