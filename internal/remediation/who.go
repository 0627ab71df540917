package remediation

import "slices"

// Who is somebody who asks for an action, or approves one.
type Who struct {
	Name string   `json:"name"`         // for people: `uid:1000 (name)`, or the ARN of an AWS identity
	Is   []string `json:"is,omitempty"` // by what one is told from others, such as uid:1000; none: anybody
}

// Same reports whether two are one person as far as can be told.
func (w Who) Same(other Who) bool {
	return slices.ContainsFunc(w.Is, func(word string) bool { return slices.Contains(other.Is, word) })
}
