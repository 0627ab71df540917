package admin

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"

	"rotd/internal/state"
)

// BackUp has the daemon put a copy of its state to S3.
func (c *Client) BackUp(ctx context.Context, r BackupRequest) (*Backup, error) {
	return postBy[Backup](ctx, c, c.patient, "/v1/state/backup", r)
}

// CheckState has the daemon read everything in its state.
func (c *Client) CheckState(ctx context.Context) (*StateCheck, error) {
	return postBy[StateCheck](ctx, c, c.patient, "/v1/state/check", struct{}{})
}

// CompactState has the daemon compact its state at its next start.
func (c *Client) CompactState(ctx context.Context) (*state.Usage, error) {
	return post[state.Usage](ctx, c, "/v1/state/compact", struct{}{})
}

// CopyState writes a copy of the state to w as it comes, and returns its SHA-256 in hex, which is the one the daemon
// said. After an error what was written is not the copy.
func (c *Client) CopyState(ctx context.Context, w io.Writer) (sha string, size int64, err error) {
	response, err := c.do(ctx, c.patient, http.MethodPost, "/v1/state/copy", []byte("{}"))
	if err != nil {
		return "", 0, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		raw, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
		if err != nil {
			return "", 0, c.unreached(err)
		}
		return "", 0, failed(response.StatusCode, raw)
	}
	sum := sha256.New()
	size, err = io.Copy(io.MultiWriter(w, sum), response.Body)
	if err != nil {
		return "", size, fmt.Errorf("receive the copy: %w", err)
	}
	digest := "sha-256=:" + base64.StdEncoding.EncodeToString(sum.Sum(nil)) + ":"
	if said := response.Header.Get("Repr-Digest"); said != digest {
		return "", size, fmt.Errorf("receive the copy: its digest is %s, the daemon said %q", digest, said)
	}
	return hex.EncodeToString(sum.Sum(nil)), size, nil
}
