package reencrypt

import "time"

// Move is how much of one key's ciphertext was moved to another, over all jobs.
type Move struct {
	From    string    `json:"from"` // ARN
	To      string    `json:"to"`   // ARN
	Blobs   int64     `json:"blobs"`
	Objects int64     `json:"objects"`
	Bytes   int64     `json:"bytes"`
	Failed  int64     `json:"failed"` // attempts: what was moved later is among them
	First   time.Time `json:"first"`
	Last    time.Time `json:"last"`
}

// Add adds what was moved since.
func (m *Move) Add(more *Move) {
	m.Blobs += more.Blobs
	m.Objects += more.Objects
	m.Bytes += more.Bytes
	m.Failed += more.Failed
	if m.First.IsZero() || more.First.Before(m.First) {
		m.First = more.First
	}
	if more.Last.After(m.Last) {
		m.Last = more.Last
	}
}

// Moves gathers what one step of a job moved, by key.
type Moves map[[2]string]*Move

// Between is the entry for two keys; made when there is none.
func (m Moves) Between(from, to string, at time.Time) *Move {
	pair := [2]string{from, to}
	if m[pair] == nil {
		m[pair] = &Move{From: from, To: to, First: at, Last: at}
	}
	return m[pair]
}
