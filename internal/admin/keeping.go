package admin

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"

	"rotd/internal/state"
)

// BackupRequest says where a copy of the state goes.
type BackupRequest struct {
	To        string `json:"to"`                  // s3://bucket/key; s3://bucket/folder/ has rotd choose the name
	KMSKey    string `json:"kms_key,omitempty"`   // encrypts it; "": as the bucket does by itself
	Overwrite bool   `json:"overwrite,omitempty"` // also when there is an object already
	Requester string `json:"-"`                   // who is calling, by the socket's word
}

// MetadataSHA256 names the copy's digest among its object's metadata.
const MetadataSHA256 = "rotd-sha256"

// Backup is a copy of the state that was put somewhere.
type Backup struct {
	To string `json:"to"`
	state.Description
	SHA256 string `json:"sha256"`
}

// StateCheck says what a state is that was found to be in order.
type StateCheck struct {
	Path string `json:"path"`
	state.Description
	Free int64 `json:"free,omitempty"` // bytes of it that hold nothing; of a state in use
}

// takesLong reports whether a request takes as long as the caller waits: what is done with the whole state.
func takesLong(path string) bool { return strings.HasPrefix(path, "/v1/state/") }

// copyState answers with the copy itself.
func (s *Server) copyState(r *http.Request) (any, error) {
	by, err := s.acting(r, &struct{}{})
	if err != nil {
		return nil, err
	}
	c, err := s.backend.CopyState(r.Context(), by)
	if err != nil {
		return nil, err
	}
	return c, nil
}

func (s *Server) backUp(r *http.Request) (any, error) {
	var request BackupRequest
	by, err := s.acting(r, &request)
	if err != nil {
		return nil, err
	}
	request.Requester = by
	if !strings.HasPrefix(request.To, "s3://") {
		return nil, invalid("to: %q is not of the form s3://bucket/key; a file is written by whoever asks for "+
			"/v1/state/copy", request.To)
	}
	return s.backend.BackUp(r.Context(), request)
}

func (s *Server) checkState(r *http.Request) (any, error) {
	if err := read(r, &struct{}{}); err != nil {
		return nil, err
	}
	return s.backend.CheckState(r.Context())
}

func (s *Server) compactState(r *http.Request) (any, error) {
	by, err := s.acting(r, &struct{}{})
	if err != nil {
		return nil, err
	}
	return s.backend.CompactState(r.Context(), by)
}

// stalled bounds how long a caller may take nothing of what is sent: the copy takes its room on the disk until then.
const stalled = 30 * time.Second

// send sends a copy with its digest (RFC 9530) and gives it up.
func (s *Server) send(w http.ResponseWriter, r *http.Request, c *state.Copy) {
	defer c.Close()
	sum, err := hex.DecodeString(c.SHA256)
	if err != nil {
		s.fail(w, r, answerTo(fmt.Errorf("send the copy: %w", err)))
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Length", strconv.FormatInt(c.Bytes, 10))
	w.Header().Set("Repr-Digest", "sha-256=:"+base64.StdEncoding.EncodeToString(sum)+":")
	w.WriteHeader(http.StatusOK)
	conn, chunk := http.NewResponseController(w), make([]byte, 256<<10)
	for err == nil && r.Context().Err() == nil {
		var n int
		if n, err = c.Read(chunk); n > 0 {
			_ = conn.SetWriteDeadline(time.Now().Add(stalled)) // always there: it is net/http's own
			if _, sent := w.Write(chunk[:n]); sent != nil {
				err = sent
			}
		}
	}
	if err == nil || !errors.Is(err, io.EOF) {
		s.log.Warn("a copy of the state was not sent whole", zap.NamedError("sending", err),
			zap.NamedError("caller", r.Context().Err()))
	}
}
