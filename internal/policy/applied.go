package policy

import (
	"fmt"
	"slices"
	"time"

	"rotd/internal/inventory"
)

// Standing is whether an exception counts.
type Standing string

// Standings.
const (
	InForce Standing = "in-force"
	Expired Standing = "expired"
	Waiting Standing = "waiting" // an alias change brought the key under it, which nobody has acknowledged
)

// Applied is an exception that names a key, as programs and people read it.
type Applied struct {
	Name     string    `json:"name"`
	Standing Standing  `json:"standing"`
	Checks   []string  `json:"checks"` // empty: every rotation-* check
	Author   string    `json:"author"`
	Approver string    `json:"approver,omitempty"`
	Reason   string    `json:"reason"`
	Expires  time.Time `json:"expires"`
	Line     int       `json:"line,omitempty"` // of rotd.yaml
}

// Applied returns the exceptions that name a key, and whether each counts at a time.
func (x Exceptions) Applied(k *inventory.Key, a *Assignment, src Source, at time.Time) []Applied {
	applied := []Applied{}
	for i := range x {
		e := &x[i]
		if !e.CoversKey(k) {
			continue
		}
		one := Applied{
			Name: e.Name, Standing: InForce, Checks: append([]string{}, e.Checks...), Author: e.Author,
			Approver: e.Approver, Reason: e.Reason, Expires: e.Expires,
			Line: src.Lines[fmt.Sprintf("exceptions[%d].name", i)],
		}
		switch {
		case e.Expired(at):
			one.Standing = Expired
		case a != nil && a.Pending != nil && slices.Contains(a.Pending.Exceptions, e.Name):
			one.Standing = Waiting
		}
		applied = append(applied, one)
	}
	return applied
}
