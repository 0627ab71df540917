package state

import (
	"fmt"
	"testing"
	"time"
)

func TestCanariesAwayAreBoundedAndTheNewestReturnIsKept(t *testing.T) {
	at := func(n int) time.Time { return day().Add(time.Duration(n) * time.Minute) }
	c := Canary{First: day()}
	for n := range maxAway + 20 {
		c.Send(Flight{Nonce: fmt.Sprint(n), Sent: at(n)})
	}
	same(t, "those away", len(c.Away), maxAway)
	same(t, "the oldest", c.Away[0].Nonce, "20")
	same(t, "away", c.Return(5, at(30)), 5*time.Minute)
	same(t, "an older one", c.Return(0, at(200)), 3*time.Hour)
	same(t, "the newest that is back", c.Sent, at(25))
	same(t, "when it came", c.Back, at(30))
	same(t, "the overdue", len(c.Overdue(at(30))), 8)
	same(t, "by a clock that was put back", c.Return(0, day()), 0)
}
