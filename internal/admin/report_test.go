package admin

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"

	"rotd/internal/report"
)

func TestAReportIsStreamedAsItIsMade(t *testing.T) {
	backend := &fakeBackend{reported: []string{"one,", "two"}}
	socket, _ := serve(t, backend, zap.NewNop())
	var got strings.Builder
	q := report.Query{
		Format: "csv", Framework: "cis-aws", Policy: "payments", Account: "111122223333", Fresh: 36 * time.Hour,
	}
	if err := clientOf(t, socket).Report(t.Context(), q, &got); err != nil {
		t.Fatal(err)
	}
	if got.String() != "one,two" {
		t.Errorf("got %q", got.String())
	}
	if diff := cmp.Diff(q, backend.asked); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
}

func TestAnEmptyReportIsWhole(t *testing.T) {
	socket, _ := serve(t, &fakeBackend{}, zap.NewNop())
	if err := clientOf(t, socket).Report(t.Context(), report.Query{Format: "ocsf"}, io.Discard); err != nil {
		t.Error(err)
	}
}

func TestAReportThatBreaksOffIsNoticed(t *testing.T) {
	for name, backend := range map[string]*fakeBackend{
		"an error":          {reported: []string{"half"}, err: errors.New("the state cannot be read")},
		"a panic":           {reported: []string{"half"}, panics: "oh"},
		"nothing but a bit": {reported: []string{"{"}, err: io.ErrUnexpectedEOF},
	} {
		t.Run(name, func(t *testing.T) {
			socket, _ := serve(t, backend, zap.NewNop())
			err := clientOf(t, socket).Report(t.Context(), report.Query{Format: "json"}, io.Discard)
			if !errors.Is(err, ErrBrokenOff) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestWhatIsWrongBeforeTheFirstByteIsAnAnswerLikeAnyOther(t *testing.T) {
	for name, test := range map[string]struct {
		query   string
		backend fakeBackend
		status  int
		says    string
	}{
		"an unknown format": {
			query: "format=pdf", status: http.StatusBadRequest,
			says: `format: \"pdf\" is none of html, csv, json, ocsf, asff, text`,
		},
		"a mistyped framework": {
			query: "framework=pci-dss-4.0", status: http.StatusBadRequest, says: "did you mean pci-dss-4.0.1?",
		},
		"a policy that is not there": {
			query: "policy=paiments", status: http.StatusBadRequest, says: "no policy \\\"paiments\\\" is configured",
		},
		"facts that are to be fresh for no time at all": {
			query: "fresh=soon", status: http.StatusBadRequest, says: "fresh: ",
		},
		"an unknown parameter": {query: "kind=html", status: http.StatusBadRequest, says: "unknown parameter"},
		"a fault": {
			backend: fakeBackend{err: errors.New("the state cannot be read")}, status: http.StatusInternalServerError,
			says: "the state cannot be read",
		},
		"a panic": {
			backend: fakeBackend{panics: "oh"}, status: http.StatusInternalServerError, says: "an error of its own",
		},
	} {
		t.Run(name, func(t *testing.T) {
			socket, _ := serve(t, &test.backend, zap.NewNop())
			status, answer := raw(t, socket, "GET", "/v1/report?"+test.query, "")
			if status != test.status || !strings.Contains(answer, test.says) {
				t.Errorf("got %d %s", status, answer)
			}
		})
	}
}

func TestAWritersErrorIsNotTheDaemons(t *testing.T) {
	socket, _ := serve(t, &fakeBackend{reported: []string{"one"}}, zap.NewNop())
	full := errors.New("no space left on device")
	err := clientOf(t, socket).Report(t.Context(), report.Query{Format: "csv"}, failing{full})
	if !errors.Is(err, full) || errors.Is(err, ErrBrokenOff) {
		t.Errorf("got %v", err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func TestNoMoreThanTwoReportsAreWrittenAtATime(t *testing.T) {
	s := NewServer(&fakeBackend{}, zap.NewNop())
	for range maxReports {
		s.reports <- struct{}{}
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/report", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := s.report(r)
	if err != nil {
		t.Fatal(err)
	}
	var w recorder
	s.stream(&w, r, answer.(*stream))
	if w.status != http.StatusServiceUnavailable || !strings.Contains(w.body.String(), CodeBusy) {
		t.Errorf("got %d %s", w.status, w.body.String())
	}
}

type recorder struct {
	status int
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header         { return http.Header{} }
func (r *recorder) WriteHeader(status int)      { r.status = status }
func (r *recorder) Write(p []byte) (int, error) { return r.body.Write(p) }
