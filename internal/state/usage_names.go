package state

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"strings"
	"sync"
	"time"

	"rotd/internal/usage"
)

// Kinds of names in usage, by the byte that is stored in front of them.
const (
	kindKey = iota
	kindPrincipal
	kindService
	kindShape
	kindResource
	kindAlias
	usageKinds
)

// Bounds of names, each kind apart: what callers choose freely must not take the room of the rest. Of a kind that is
// full a new name is Others.
const (
	maxUsageKeys       = 1_000_000
	maxUsagePrincipals = 500_000
	maxUsageServices   = 10_000
	maxUsageShapes     = 100_000
	maxUsageResources  = 500_000
	maxUsageAliases    = 200_000
	maxUsageCached     = 100_000

	maxUsageName = 1 << 10
)

func kindName(kind int) string { return [usageKinds]string{"k", "p", "s", "c", "r", "a"}[kind] }

func totalUsageNames(kind int) string { return bucketUsage + "/" + usageNames + "/" + kindName(kind) }

// usageKey is a name's key: a long name is cut and hashed.
func usageKey(kind int, name string) []byte {
	if len(name) > maxUsageName {
		sum := shortHash(name)
		name = strings.ToValidUTF8(name[:maxUsageName-40], "") + "…" + hex.EncodeToString(sum[:])
	}
	return append([]byte(kindName(kind)), name...)
}

// usageID returns a name's id, None when it has none, and the day it was last used.
func (tx *Tx) usageID(kind int, name string) (id, day uint32) {
	raw := tx.sub(bucketUsage, usageNames).Get(usageKey(kind, name))
	if len(raw) != 8 {
		return usage.None, 0
	}
	return binary.BigEndian.Uint32(raw), binary.BigEndian.Uint32(raw[4:])
}

// UsageName returns the name behind an id in a usage.Record.
func (tx *Tx) UsageName(id uint32) string {
	raw := tx.sub(bucketUsage, usageIDs).Get(uint32Bytes(id))
	if len(raw) == 0 {
		return "unknown"
	}
	return string(raw[1:])
}

// cachedName is a name's id and the day for which that was verified.
type cachedName struct{ id, day uint32 }

// nameCache spares the committer looking names up in the file. It holds what is durable: names of a transaction get
// into it after the commit.
type nameCache struct {
	mu    sync.Mutex
	names [usageKinds]map[string]cachedName
	size  int
}

func (c *nameCache) get(kind int, name string) (cachedName, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	known, ok := c.names[kind][name]
	return known, ok
}

// put adds names; a full cache is emptied first.
func (c *nameCache) put(kind int, name string, known cachedName, most int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.size >= most {
		c.names, c.size = [usageKinds]map[string]cachedName{}, 0
	}
	if c.names[kind] == nil {
		c.names[kind] = make(map[string]cachedName)
	}
	if _, ok := c.names[kind][name]; !ok {
		c.size++
		name = strings.Clone(name) // it shares memory with a message
	}
	c.names[kind][name] = known
}

// usageNameBook gives names their ids inside one transaction.
type usageNameBook struct {
	tx    *Tx
	day   uint32
	fresh [usageKinds]map[string]uint32 // looked up in this transaction
}

func (tx *Tx) usageNames(now time.Time) *usageNameBook {
	return &usageNameBook{tx: tx, day: usage.DayOf(usage.HourOf(now))}
}

// key is the id of a key that the inventory knows, None of any other and of one for which there is no room.
func (n *usageNameBook) key(arn string) (uint32, error) {
	if id, ok := n.known(kindKey, arn); ok {
		return id, nil // folding asks the inventory again
	}
	if !n.tx.Knows(arn) {
		n.note(kindKey, arn, usage.None)
		return usage.None, nil
	}
	id, err := n.lookUp(kindKey, arn)
	if id == usage.Others {
		id = usage.None
	}
	return id, err
}

// id is a name's id, which it gets when it has none; Others when there is no room for it.
func (n *usageNameBook) id(kind int, name string) (uint32, error) {
	if id, ok := n.known(kind, name); ok {
		return id, nil
	}
	return n.lookUp(kind, name)
}

// known is a name's id if it needs no looking up: it is in the cache and noted for today, or this transaction had it.
func (n *usageNameBook) known(kind int, name string) (uint32, bool) {
	if known, ok := n.tx.db.names.get(kind, name); ok && known.day == n.day {
		return known.id, true
	}
	id, ok := n.fresh[kind][name]
	return id, ok
}

func (n *usageNameBook) note(kind int, name string, id uint32) {
	if n.fresh[kind] == nil {
		n.fresh[kind] = make(map[string]uint32)
	}
	n.fresh[kind][name] = id
}

// lookUp finds a name in the file or adds it, and notes that it was used today.
func (n *usageNameBook) lookUp(kind int, name string) (uint32, error) {
	tx := n.tx
	id, day := tx.usageID(kind, name)
	var err error
	switch {
	case id == usage.None && tx.total(totalUsageNames(kind)) >= tx.bounds.usageNames[kind]:
		id = usage.Others
	case id == usage.None:
		id, err = n.add(kind, name)
	case day != n.day:
		err = n.put(kind, name, id)
	}
	if err != nil {
		return 0, fmt.Errorf("name %q in usage: %w", name, err)
	}
	n.note(kind, name, id)
	if id != usage.Others {
		tx.OnCommit(func() { tx.db.names.put(kind, name, cachedName{id, n.day}, tx.bounds.usageCached) })
	}
	return id, nil
}

func (n *usageNameBook) add(kind int, name string) (uint32, error) {
	tx := n.tx
	ids := tx.sub(bucketUsage, usageIDs)
	seq, err := ids.NextSequence()
	if err != nil {
		return 0, err
	}
	if seq > math.MaxUint32-usage.FirstName {
		return usage.Others, nil
	}
	id := uint32(seq) + usage.FirstName - 1
	if err := ids.Put(uint32Bytes(id), usageKey(kind, name)); err != nil {
		return 0, err
	}
	if err := n.put(kind, name, id); err != nil {
		return 0, err
	}
	return id, tx.count(totalUsageNames(kind), 1)
}

func (n *usageNameBook) put(kind int, name string, id uint32) error {
	value := append(uint32Bytes(id), uint32Bytes(n.day)...)
	return n.tx.sub(bucketUsage, usageNames).Put(usageKey(kind, name), value)
}
