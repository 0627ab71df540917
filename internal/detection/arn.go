package detection

import "strings"

// Parts of arn:<partition>:<service>:<region>:<account>:<resource>.
const (
	arnPartition = 1
	arnService   = 2
	arnRegion    = 3
	arnAccount   = 4
	arnResource  = 5
)

// arnPart is one part of an ARN, "" when s is none. It allocates nothing: rules ask it of ordinary events.
func arnPart(s string, part int) string {
	rest, ok := strings.CutPrefix(s, "arn:")
	if !ok || strings.Count(rest, ":") < arnResource-1 {
		return ""
	}
	for range part - arnPartition {
		_, rest, _ = strings.Cut(rest, ":")
	}
	if part != arnResource {
		rest, _, _ = strings.Cut(rest, ":")
	}
	return rest
}
