package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"rotd/internal/inventory"
)

// HoldAfterMove is for how long a stricter policy that a tag or alias change gave a key counts as mode propose where it
// says enforce: people see first what would be done.
const HoldAfterMove = 24 * time.Hour

// Assignment is what is to be remembered of a key that a tag or alias change moved. A key without one is under the
// policy that matches it.
type Assignment struct {
	Policy string    `json:"policy"` // the name of the policy in force; empty: none
	Since  time.Time `json:"since"`
	// Hold is until when what is automatic awaits approval, a stricter policy being new to the key.
	Hold    time.Time `json:"hold,omitzero"`
	Pending *Pending  `json:"pending,omitempty"` // a laxer assignment that nobody has acknowledged
}

// Pending is what tags and aliases have given a key, and what does not count before a person acknowledges it.
type Pending struct {
	Policy     string    `json:"policy"`               // empty: none matches
	Exceptions []string  `json:"exceptions,omitempty"` // those that a new alias lets the key under
	Since      time.Time `json:"since"`
	Laxer      []string  `json:"laxer"`   // in what
	Changed    []string  `json:"changed"` // which tags and aliases
}

// ID identifies what waits: it changes with the policy, what it is laxer in and the exceptions, and with each new wait.
// Whoever accepts a move names it, so that nobody accepts another one than they read.
func (p *Pending) ID() string {
	const digits = 12
	told := slices.Concat([]string{p.Since.UTC().Format(time.RFC3339Nano), p.Policy}, p.Exceptions, []string{""}, p.Laxer)
	sum := sha256.Sum256([]byte(strings.Join(told, "\x00")))
	return hex.EncodeToString(sum[:])[:digits]
}

// InForce is the policy that counts for a key: the one that matches it or, while a laxer assignment waits to be
// acknowledged, the one before it.
func (s Set) InForce(a *Assignment, k *inventory.Key) *Policy {
	if a != nil && a.Pending != nil {
		if p := s.Named(a.Policy); p != nil {
			return p
		}
	}
	return s.For(k)
}

// InForce are the exceptions that count for a key: all but those that it came under by a change that waits to be
// acknowledged.
func (x Exceptions) InForce(a *Assignment) Exceptions {
	if a == nil || a.Pending == nil || len(a.Pending.Exceptions) == 0 {
		return x
	}
	return slices.DeleteFunc(slices.Clone(x), func(one Exception) bool {
		return slices.Contains(a.Pending.Exceptions, one.Name)
	})
}

// Accept makes the pending assignment the one in force.
func (a *Assignment) Accept(at time.Time) {
	if a.Pending != nil {
		a.Policy, a.Since, a.Pending = a.Pending.Policy, at, nil
	}
}

// Spent reports whether there is nothing to be remembered any more.
func (a *Assignment) Spent(at time.Time) bool { return a.Pending == nil && !at.Before(a.Hold) }

// Reassign judges by which policy and exceptions a key goes after a reading: was is the key as it was known before, nil
// when it was not; a is what was remembered. The policies are today's on both sides, so that only the key's own tags
// and aliases can move it, never a reload. Nil when there is nothing to remember.
func Reassign(s Set, x Exceptions, a *Assignment, was, is *inventory.Key, now time.Time) *Assignment {
	if was == nil || a == nil && maps.Equal(was.Tags, is.Tags) && slices.Equal(was.Aliases, is.Aliases) {
		return nil
	}
	before := *is // but for what can move it
	before.Tags, before.Aliases = knownTags(was, is), was.Aliases
	m := move{now: now, key: is, had: s.For(&before), gets: s.For(is)}
	if a != nil {
		m.next = *a
		if m.next.Pending != nil {
			m.pending(s)
		}
	}
	m.gains(x, &before)
	if laxer := append(Laxer(m.had, m.gets), m.lets...); len(laxer) > 0 {
		m.wait(laxer, changes(&before, is))
		return &m.next
	}
	m.next.Pending = nil // it was taken back, or the configuration makes it no laxer any more
	if s.For(&before) != m.gets && (m.had == nil || len(Laxer(m.gets, m.had)) > 0) {
		m.next.Policy, m.next.Since, m.next.Hold = name(m.gets), now, now.Add(HoldAfterMove)
	}
	if m.next.Spent(now) {
		return nil
	}
	return &m.next
}

// knownTags are the tags as they were known. Where KMS refused to tell them they are not known to have been others.
func knownTags(was, is *inventory.Key) map[string]string {
	if was.Tags == nil && was.WasDenied("ListResourceTags") {
		return is.Tags
	}
	return was.Tags
}

// move is one judgement of Reassign.
type move struct {
	now        time.Time
	key        *inventory.Key
	had, gets  *Policy
	exceptions []string // that the key came under, unacknowledged
	lets       []string // what they let it off, in words
	next       Assignment
}

// pending goes on from what is in force since before a change that nobody acknowledged.
func (m *move) pending(s Set) {
	if m.had = s.Named(m.next.Policy); m.had == nil {
		m.had = m.gets // rotd.yaml has it no more: its operator's doing
	}
	m.exceptions = m.next.Pending.Exceptions
}

// gains finds the exceptions that count only because of the aliases the key got.
func (m *move) gains(x Exceptions, before *inventory.Key) {
	waiting := m.exceptions
	m.exceptions = nil
	for i := range x {
		e := &x[i]
		if e.Expired(m.now) || !e.CoversKey(m.key) || e.CoversKey(before) && !slices.Contains(waiting, e.Name) {
			continue
		}
		m.exceptions = append(m.exceptions, e.Name)
		m.lets = append(m.lets, "exception "+e.Name+" lets it off "+e.Scope())
	}
}

// wait keeps what is in force and what waits to be acknowledged.
func (m *move) wait(laxer, changed []string) {
	p := &Pending{Policy: name(m.gets), Exceptions: m.exceptions, Since: m.now, Laxer: laxer, Changed: changed}
	if old := m.next.Pending; old != nil {
		p.Since = old.Since
		if len(changed) == 0 {
			p.Changed = old.Changed
		}
	} else {
		m.next.Since = m.now
	}
	m.next.Policy, m.next.Pending = name(m.had), p
}

// maxChanges bounds what is kept of a change: tags and aliases are chosen by others.
const maxChanges = 20

// changes says which tags and aliases differ.
func changes(was, is *inventory.Key) []string {
	var changed []string
	for _, tag := range sortedKeys(was.Tags, is.Tags) {
		before, had := was.Tags[tag]
		after, has := is.Tags[tag]
		switch {
		case had && !has:
			changed = append(changed, fmt.Sprintf("tag %s=%s removed", tag, before))
		case !had && has:
			changed = append(changed, fmt.Sprintf("tag %s=%s added", tag, after))
		case before != after:
			changed = append(changed, fmt.Sprintf("tag %s=%s instead of %s", tag, after, before))
		}
	}
	for _, alias := range was.Aliases {
		if !slices.Contains(is.Aliases, alias) {
			changed = append(changed, alias+" removed")
		}
	}
	for _, alias := range is.Aliases {
		if !slices.Contains(was.Aliases, alias) {
			changed = append(changed, alias+" added")
		}
	}
	return changed[:min(len(changed), maxChanges)]
}

func sortedKeys(tags ...map[string]string) []string {
	var names []string
	for _, m := range tags {
		for name := range m {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, strings.Compare)
	return slices.Compact(names)
}

func name(p *Policy) string {
	if p == nil {
		return ""
	}
	return p.Name
}
