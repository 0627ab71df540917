package replay

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// seenID is what is kept of an eventID: the UUID that CloudTrail gives, else a hash.
func seenID(eventID string) [16]byte {
	var id [16]byte
	if len(eventID) == 36 {
		digits := strings.ReplaceAll(eventID, "-", "")
		if n, err := hex.Decode(id[:], []byte(digits)); err == nil && n == 16 && len(digits) == 32 {
			return id
		}
	}
	sum := sha256.Sum256([]byte(eventID))
	return [16]byte(sum[:16])
}
