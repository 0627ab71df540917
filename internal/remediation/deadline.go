package remediation

import "time"

// Deadline is what stands still since rotd disabled a key, and when it is lost for good. It is kept until the key is
// enabled again or a person answers for it.
type Deadline struct {
	KeyARN   string    `json:"key_arn"`
	Alias    string    `json:"alias,omitempty"`
	Account  string    `json:"account"`
	Region   string    `json:"region"`
	Policy   string    `json:"policy,omitempty"`
	ActionID string    `json:"action_id"` // which disabled it
	Since    time.Time `json:"since"`     // no later than the key was disabled
	Losses   []Loss    `json:"losses,omitempty"`
}

// Loss is something known to be under the key that cannot be had back from a time on.
type Loss struct {
	Who      string    `json:"who"`                // Amazon RDS…
	What     string    `json:"what"`               // what cannot be undone
	Evidence string    `json:"evidence,omitempty"` // which of its resources
	At       time.Time `json:"at,omitzero"`        // zero: from the beginning on
	Recovers string    `json:"recovers,omitempty"` // what to do once the key is enabled, before then
}

// DatabasesLast is how long a database that rotd may know nothing of can be had back without its key.
const DatabasesLast = 7 * 24 * time.Hour

// Reminders are how long after a key was disabled people are told of it again.
func Reminders() []time.Duration {
	const day = 24 * time.Hour
	return []time.Duration{day, 3 * day, 5 * day, 6 * day}
}

// Ends is when the first thing that can still be had back is lost.
func (d *Deadline) Ends(now time.Time) time.Time {
	ends := d.Since.Add(DatabasesLast)
	for i := range d.Losses {
		if at := d.Losses[i].At; at.After(now) && (at.Before(ends) || !ends.After(now)) {
			ends = at
		}
	}
	return ends
}
