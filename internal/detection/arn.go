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

// arnPart is one part of an ARN, "" when s is none.
func arnPart(s string, part int) string {
	parts := strings.SplitN(s, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" {
		return ""
	}
	return parts[part]
}
