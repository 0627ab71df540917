package admin

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/zap"

	"rotd/internal/finding"
	"rotd/internal/state"
)

// kept is a state with something in it.
func kept(t *testing.T) *state.DB {
	t.Helper()
	db, err := state.Open(state.Options{Path: filepath.Join(t.TempDir(), "state.db"), Shard: "default", Now: noon})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	err = db.Update(func(tx *state.Tx) error {
		return tx.PutFinding(&finding.Finding{
			ID: "fnd_1", Fingerprint: "v1:1", Status: finding.Open, Description: strings.Repeat("x", 3<<20),
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func TestACopyArrivesAsItWasMade(t *testing.T) {
	socket, _ := serve(t, &fakeBackend{db: kept(t)}, zap.NewNop())
	var got bytes.Buffer
	sha, size, err := clientOf(t, socket).CopyState(t.Context(), &got)
	sum := sha256.Sum256(got.Bytes())
	if err != nil || sha != hex.EncodeToString(sum[:]) || size != int64(got.Len()) || size < 3<<20 {
		t.Errorf("%d of %d bytes, digest %s, %v", got.Len(), size, sha, err)
	}
}

func TestACopyThatCannotBeMadeIsAnError(t *testing.T) {
	for _, test := range []struct {
		err  error
		code string
	}{
		{As(ErrBusy, errors.New("another one")), CodeBusy},
		{&state.SpaceError{Folder: "/var/lib/rotd", Need: 1 << 30, Free: 1}, CodeInternal},
	} {
		socket, _ := serve(t, &fakeBackend{err: test.err}, zap.NewNop())
		var got bytes.Buffer
		_, _, err := clientOf(t, socket).CopyState(t.Context(), &got)
		if e, ok := errors.AsType[*Error](err); !ok || e.Code != test.code || e.Message != test.err.Error() || got.Len() > 0 {
			t.Errorf("error %v, %d bytes", err, got.Len())
		}
	}
}

func TestACopyThatDidNotArriveWholeIsNone(t *testing.T) {
	for name, answer := range map[string]func(w http.ResponseWriter){
		"cut short": func(w http.ResponseWriter) {
			w.Header().Set("Content-Length", "10")
			_, _ = io.WriteString(w, "half")
		},
		"another digest": func(w http.ResponseWriter) {
			w.Header().Set("Repr-Digest", "sha-256=:AAAA:")
			_, _ = io.WriteString(w, "body")
		},
		"no digest": func(w http.ResponseWriter) { _, _ = io.WriteString(w, "body") },
	} {
		socket := filepath.Join(t.TempDir(), "s")
		listener, err := net.Listen("unix", socket)
		if err != nil {
			t.Fatal(err)
		}
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { answer(w) }))
		server.Listener.Close()
		server.Listener = listener
		server.Start()
		if _, _, err := clientOf(t, socket).CopyState(t.Context(), io.Discard); err == nil ||
			!strings.HasPrefix(err.Error(), "receive the copy") {
			t.Errorf("%s: %v", name, err)
		}
		server.Close()
	}
}

func TestWhoKeepsTheStateIsAskedAsItIs(t *testing.T) {
	backend := &fakeBackend{}
	socket, _ := serve(t, backend, zap.NewNop())
	client := clientOf(t, socket)
	r := BackupRequest{To: "s3://backups/rotd/", KMSKey: "alias/backups", Overwrite: true}
	asked := r
	asked.Requester = me(t)
	if b, err := client.BackUp(t.Context(), r); err != nil || b.To != r.To || backend.asked != asked {
		t.Errorf("backup %+v, asked %+v, %v", b, backend.asked, err)
	}
	if check, err := client.CheckState(t.Context()); err != nil || check.Free != 1 {
		t.Errorf("check %+v, %v", check, err)
	}
	if usage, err := client.CompactState(t.Context()); err != nil || usage.Bytes != 2 ||
		!strings.HasPrefix(backend.asked.(string), "uid:") {
		t.Errorf("compaction %+v, asked %v, %v", usage, backend.asked, err)
	}
	_, err := client.BackUp(t.Context(), BackupRequest{To: "/tmp/x"})
	if e, ok := errors.AsType[*Error](err); !ok || e.Code != CodeInvalid {
		t.Errorf("a file: %v", err)
	}
}
