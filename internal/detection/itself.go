package detection

import (
	"strings"
	"time"
)

// Itself is what rotd's own work rests on, as far as configuration and AWS told it.
type Itself struct {
	Principals []string  // ARNs of the roles and users that rotd works as, with or without a role's path
	Since      time.Time // since when rotd's own calls are known; earlier ones prove nothing
	Queues     []string  // URLs of the queues that events come from, and of their dead-letter queues
	Topics     []string  // ARNs of the topics that alerts go to
	// Sources are the ARNs of what fills the queues by their policies: EventBridge rules, topics, buckets.
	Sources []string
}

// works reports whether rotd works as the principal. Roles are compared by account and name, which is theirs alone:
// whoever asks STS is told no path.
func (i *Itself) works(principalARN string) bool {
	if i == nil || principalARN == "" {
		return false
	}
	kind, name := principalName(principalARN)
	for _, own := range i.Principals {
		ownKind, ownName := principalName(own)
		if name != "" && kind == ownKind && name == ownName &&
			arnPart(own, arnAccount) == arnPart(principalARN, arnAccount) {
			return true
		}
	}
	return false
}

// principalName is a principal's kind (role, user, root) and its name without a path, whether the ARN is IAM's or
// that of an STS session.
func principalName(arn string) (kind, name string) {
	kind, rest, _ := strings.Cut(arnPart(arn, arnResource), "/")
	if kind == "assumed-role" {
		name, _, _ = strings.Cut(rest, "/")
		return "role", name
	}
	return kind, rest[strings.LastIndexByte(rest, '/')+1:]
}
