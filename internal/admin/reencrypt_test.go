package admin

import (
	"bytes"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"rotd/internal/reencrypt"
)

func TestReencryptEndpoints(t *testing.T) {
	const digest = "abababababababababababababababababababababababababababababababab"
	tests := []struct {
		name, path, body string
		status           int
		answer           string // a part of it
		asked            any
	}{
		{
			"a job begins", "/v1/reencrypt", `{"to":"k","manifest":"` + digest + `","total":7,"reason":"r"}`, 200,
			`"id":"mov_1"`,
			ReencryptRequest{To: "k", Manifest: digest, Total: 7, Reason: "r", Requester: me(t)},
		},
		{
			"a plan needs no reason", "/v1/reencrypt", `{"to":"k","manifest":"` + digest + `","plan_only":true}`, 200,
			`"id":"mov_1"`,
			ReencryptRequest{To: "k", Manifest: digest, PlanOnly: true, Requester: me(t)},
		},
		{
			"a refusal", "/v1/reencrypt", `{"to":"k","manifest":"` + digest + `","reason":"r","ticket":"refuse"}`, 409,
			`{"error":{"code":"refused","message":"rotd is paused","exit":4}}`,
			ReencryptRequest{To: "k", Manifest: digest, Reason: "r", Ticket: "refuse", Requester: me(t)},
		},
		{"no reason", "/v1/reencrypt", `{"to":"k","manifest":"` + digest + `"}`, 400, "reason: is required", nil},
		{"no key", "/v1/reencrypt", `{"manifest":"` + digest + `","reason":"r"}`, 400, "to: an id, ARN", nil},
		{"no digest", "/v1/reencrypt", `{"to":"k","manifest":"x","reason":"r"}`, 400, "manifest: the SHA-256", nil},
		{
			"blobs", "/v1/reencrypt/mov_1/blobs", `{"first":5,"blobs":[{"ciphertext":"AQID","destination_context":{}}]}`, 200,
			`"outcomes":[]`,
			[]any{"mov_1", int64(5), []reencrypt.Blob{{Ciphertext: []byte{1, 2, 3}, Destination: map[string]string{}}}},
		},
		{"no blob", "/v1/reencrypt/mov_1/blobs", `{"first":0,"blobs":[]}`, 400, "0 are not 1 to 500", nil},
		{
			"a blob that is empty", "/v1/reencrypt/mov_1/blobs", `{"first":0,"blobs":[{"ciphertext":""}]}`, 400,
			"blobs[0]: a ciphertext has 1 to 6144 bytes, not 0", nil,
		},
		{
			"a cancellation", "/v1/reencrypt/mov_1/cancel", `{"reason":"wrong key"}`, 200, `"state":"cancelled"`,
			[]any{"mov_1", "wrong key"},
		},
		{"one without a reason", "/v1/reencrypt/mov_1/cancel", `{}`, 400, "reason: is required", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			backend := &fakeBackend{}
			socket, _ := serve(t, backend, zap.NewNop())
			status, answer := raw(t, socket, http.MethodPost, tt.path, tt.body)
			if status != tt.status || !strings.Contains(answer, tt.answer) {
				t.Errorf("%d %s", status, answer)
			}
			if diff := cmp.Diff(tt.asked, backend.asked); diff != "" {
				t.Errorf("asked (-want +got):\n%s", diff)
			}
		})
	}
}

func TestBlobsArriveAsTheyWereSentAndAreNotLogged(t *testing.T) {
	core, logged := observer.New(zap.DebugLevel)
	backend := &fakeBackend{}
	socket, _ := serve(t, backend, zap.New(core))
	var blobs []reencrypt.Blob
	for range reencrypt.MaxBatch {
		blobs = append(blobs, reencrypt.Blob{
			Ciphertext: []byte(strings.Repeat("secret", 200)), Context: map[string]string{"secret": "context"},
			Destination: map[string]string{},
		})
	}
	if _, err := clientOf(t, socket).ReencryptBlobs(t.Context(), "mov_1", 3, blobs); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]any{"mov_1", int64(3), blobs}, backend.asked, cmp.Comparer(bytes.Equal)); diff != "" {
		t.Errorf("(-sent +arrived):\n%s", diff)
	}
	if n := logged.Len(); n > 0 {
		t.Errorf("%d lines were logged: %v", n, logged.All())
	}
	backend.err = As(ErrRefused, errors.New("mov_1 is cancelled"))
	_, err := clientOf(t, socket).ReencryptBlobs(t.Context(), "mov_1", 3, blobs)
	if answer, ok := errors.AsType[*Error](err); !ok || answer.Exit != ExitRefused || answer.Code != CodeRefused {
		t.Errorf("%v", err)
	}
}
