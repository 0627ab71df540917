package usage

import "time"

// Use is one call that used a key.
type Use struct {
	Key       string // ARN
	Principal string // principal_arn
	Operation uint8  // see Operation
	Network   Network
	Service   string // the calling service, "" when none called
	Shape     string
	Contexts  uint64 // see Shaper
	Resource  string // what the context names, see Resource; "": nothing that is known
	Vouched   bool   // the service whose resource it is names it: callers of KMS can name anything
	Alias     string // alias/…, where the caller named the key by one
	At        time.Time
}

// Line is what alike calls have in common.
type Line struct {
	Key, Principal, Service, Shape, Resource, Alias string
	Network                                         Network
	Operation                                       uint8
	Vouched                                         bool
	Hour                                            uint32
}

// Calls are alike calls.
type Calls struct {
	Count       uint32
	First, Last uint16 // seconds into the hour
	Contexts    uint64
}

// Batch gathers the calls of one transaction, alike ones together. The zero value is empty. It keeps the strings of
// what it was given.
type Batch struct {
	at    map[Line]int
	Lines []Line
	Calls []Calls // of each line
}

// Add counts a call.
func (b *Batch) Add(u *Use) {
	line := Line{
		Key: u.Key, Principal: u.Principal, Service: u.Service, Shape: u.Shape, Resource: u.Resource, Alias: u.Alias,
		Vouched: u.Vouched, Network: u.Network, Operation: u.Operation, Hour: HourOf(u.At),
	}
	second := uint16(max(u.At.Unix(), 0) % hourSeconds)
	i, ok := b.at[line]
	if !ok {
		if b.at == nil {
			b.at = make(map[Line]int)
		}
		b.at[line] = len(b.Lines)
		b.Lines = append(b.Lines, line)
		b.Calls = append(b.Calls, Calls{Count: 1, First: second, Last: second, Contexts: u.Contexts})
		return
	}
	c := &b.Calls[i]
	c.Count++
	c.First, c.Last = min(c.First, second), max(c.Last, second)
	c.Contexts |= u.Contexts
}
