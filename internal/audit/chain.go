package audit

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Origin is what the first entry of a log follows.
const Origin = "0000000000000000000000000000000000000000000000000000000000000000"

// Head is an entry by its place and hash. Whoever knows the head of a log knows whether what he is shown later is the
// same log: all that came before is in its hash.
type Head struct {
	Epoch string `json:"epoch,omitempty"`
	Seq   uint64 `json:"seq"` // 0: the log is empty
	Hash  string `json:"hash,omitempty"`
}

// String is SEQ:HASH, as ParseHead reads it.
func (h Head) String() string { return strconv.FormatUint(h.Seq, 10) + ":" + h.Hash }

// ParseHead reads SEQ:HASH.
func ParseHead(s string) (Head, error) {
	seq, hash, ok := strings.Cut(s, ":")
	n, err := strconv.ParseUint(seq, 10, 64)
	raw, hexed := hex.DecodeString(hash)
	if !ok || err != nil || n == 0 || hexed != nil || len(raw) != sha256.Size {
		return Head{}, fmt.Errorf("%q is no head of an audit log: it is SEQ:HASH with 64 hex digits, as alerts and "+
			"`rotd status` have it", s)
	}
	return Head{Seq: n, Hash: strings.ToLower(hash)}, nil
}

// Head is the entry's.
func (e *Entry) Head() Head { return Head{Epoch: e.Epoch, Seq: e.Seq, Hash: e.Hash} }

// Seal makes e the entry that follows head in the epoch, and returns it with the line to keep. Texts that are no UTF-8
// are mended.
func Seal(e Entry, head Head, epoch string) (Entry, []byte, error) {
	e.Schema, e.Epoch, e.Seq, e.Prev, e.Hash = Schema, epoch, head.Seq+1, head.Hash, ""
	e.Time = e.Time.UTC()
	if head.Seq == 0 {
		e.Prev = Origin
	}
	raw, err := json.Marshal(e, jsontext.AllowInvalidUTF8(true))
	if err != nil {
		return e, nil, fmt.Errorf("write audit entry %d: %w", e.Seq, err)
	}
	if e.Hash, err = Digest(raw); err != nil {
		return e, nil, fmt.Errorf("hash audit entry %d: %w", e.Seq, err)
	}
	line := jsontext.Value(nil)
	if line, err = json.Marshal(e, jsontext.AllowInvalidUTF8(true)); err == nil {
		err = line.Canonicalize()
	}
	if err != nil {
		return e, nil, fmt.Errorf("write audit entry %d: %w", e.Seq, err)
	}
	return e, line, nil
}

// Digest is the hash that an entry's line must carry: SHA-256, in hex, of the line as RFC 8785 (JCS) writes it, without
// its member "hash". Members' order and white space of the line do not matter; a member more does.
func Digest(line []byte) (string, error) {
	var members map[string]jsontext.Value
	if err := json.Unmarshal(line, &members); err != nil {
		return "", fmt.Errorf("read the entry: %w", err)
	}
	delete(members, "hash")
	var rest jsontext.Value
	rest, err := json.Marshal(members)
	if err == nil {
		err = rest.Canonicalize()
	}
	if err != nil {
		return "", fmt.Errorf("write the entry in canonical form: %w", err)
	}
	sum := sha256.Sum256(rest)
	return hex.EncodeToString(sum[:]), nil
}
