package finding

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
)

// Fingerprint identifies a finding through all its episodes: `v1:` and the hex SHA-256 of rule, typed subject,
// principal (where the rule names one) and the rule's own discriminator (a network, Region, alias or error class),
// NUL-separated.
func Fingerprint(ruleID string, subject Subject, principalARN, discriminator string) string {
	return "v1:" + digest(ruleID, string(subject.Type), subject.ID, principalARN, discriminator)
}

// AlertID identifies one thing told once: a transition of one episode of one finding in one shard.
func AlertID(shard, fingerprint string, episode int, transition string) string {
	return "v1:" + digest(shard, fingerprint, strconv.Itoa(episode), transition)
}

func digest(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:])
}
