package state

import (
	"slices"
	"time"
)

// Canary is what became of an account and Region's canaries: harmless calls whose records have to come back as events.
type Canary struct {
	First time.Time `json:"first"`          // when the first was sent
	Sent  time.Time `json:"sent,omitzero"`  // when the newest that came back was; zero: none did yet
	Back  time.Time `json:"back,omitzero"`  // when that one came back and was judged
	Away  []Flight  `json:"away,omitempty"` // those that are to come back yet, oldest first
}

// Flight is one canary on its way.
type Flight struct {
	Nonce     string    `json:"nonce"`
	RequestID string    `json:"request_id,omitempty"` // empty: KMS has not answered yet
	Sent      time.Time `json:"sent"`
}

// maxAway bounds the canaries that are waited for: a daemon that is started again and again sends one each time.
const maxAway = 100

// Send adds a canary to those away; of too many the oldest is forgotten.
func (c *Canary) Send(f Flight) {
	c.Away = append(c.Away, f)
	c.Away = c.Away[max(0, len(c.Away)-maxAway):]
}

// Return takes the canary that is at i of those away as come back, and tells how long it was away.
func (c *Canary) Return(i int, now time.Time) (away time.Duration) {
	f := c.Away[i]
	c.Away = slices.Delete(c.Away, i, i+1)
	if f.Sent.After(c.Sent) {
		c.Sent, c.Back = f.Sent, now
	}
	return max(now.Sub(f.Sent), 0)
}

// Overdue are those of the canaries away that were sent before a time.
func (c *Canary) Overdue(before time.Time) []Flight {
	n := 0
	for n < len(c.Away) && c.Away[n].Sent.Before(before) {
		n++
	}
	return c.Away[:n]
}
