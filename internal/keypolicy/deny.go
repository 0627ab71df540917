package keypolicy

import (
	"strconv"
	"strings"
)

// maxDenyBounds is how many Deny statements with a condition are weighed; what others may take back is left as unsure.
const maxDenyBounds = 64

// denials is what the Deny statements of a policy take back.
type denials struct {
	everyone actionSet            // from all principals, without condition
	named    map[string]actionSet // from one account (by id) or identity (by ARN), without condition
	bounds   []denyBound
	unsure   []denyPart
}

// denyBound is a Deny of the form "everybody but…": whoever is left over is inside the bound.
type denyBound struct {
	bound

	actions actionSet
}

// denyPart is a Deny that takes back something, but not surely from outsiders.
type denyPart struct {
	statement int
	actions   actionSet
}

func (p *Policy) denials(owner Owner) denials {
	d := denials{named: make(map[string]actionSet)}
	for i := range p.Statements {
		s := &p.Statements[i]
		if s.Effect != Deny || !s.surelyAbout(owner) {
			continue
		}
		actions := s.actions()
		if actions == 0 || d.unconditional(s, actions) {
			continue
		}
		if b, ok := s.allBut(i); ok && len(d.bounds) < maxDenyBounds {
			d.bounds = append(d.bounds, denyBound{bound: b, actions: actions})
			continue
		}
		d.unsure = append(d.unsure, denyPart{statement: i, actions: actions})
	}
	return d
}

// unconditional takes in a Deny without conditions that names its principals.
func (d *denials) unconditional(s *Statement, actions actionSet) bool {
	if len(s.Conditions) > 0 || s.NotPrincipal {
		return false
	}
	for _, p := range s.Principals {
		switch p.Kind {
		case Everyone:
			if p.Value == "*" && p.Type == "AWS" {
				d.everyone |= actions
			}
		case WholeAccount:
			d.named[p.Account] |= actions
		case Identity:
			d.named[p.Value] |= actions
		case Service, UniqueID, Unrecognised: // no outsider this package tells of
		}
	}
	return true
}

// takenFrom returns the actions surely denied to a named principal.
func (d *denials) takenFrom(p Principal) actionSet {
	return d.everyone | d.named[p.Account] | d.named[p.Value]
}

// allBut recognises the common forms of a Deny that leaves only some callers over: for everybody with one negated
// condition on who calls (Deny unless aws:PrincipalOrgID is…), and NotPrincipal. A second condition that spares AWS
// services is part of the usual data perimeter and accepted; any other might spare outsiders.
func (s *Statement) allBut(index int) (bound, bool) {
	var who []Condition
	for _, c := range s.Conditions {
		if !sparesServices(c) {
			who = append(who, c)
		}
	}
	from := "Deny in " + s.name(index) + " unless "
	if s.NotPrincipal {
		b, ok := principalsBound(s.Principals)
		b.text = from + b.text
		return b, ok && len(who) == 0
	}
	if len(who) != 1 || !s.namesEveryone() {
		return bound{}, false
	}
	b, ok := leftOver(who[0])
	b.text = from + b.text
	return b, ok
}

// leftOver is the bound on those whom a Deny with this condition does not hit. A negated operator also hits requests
// without the key, with …IfExists or without.
func leftOver(c Condition) (bound, bool) {
	op := parseOperator(c.Operator)
	key, ok := narrowingKeys[lowerKey(c.Key)]
	if !ok || !op.negated {
		return bound{}, false
	}
	if op.set == forAnyValue || key.multi != (op.set == forAllValues) {
		return bound{}, false
	}
	b, reason := key.bound(op, c)
	b.text = printable(c.Key) + " is " + listed(c.Values)
	return b, reason == ""
}

func principalsBound(principals []Principal) (bound, bool) {
	b := bound{kind: accountScope, direct: true}
	values := make([]string, 0, len(principals))
	for _, p := range principals {
		values = append(values, p.Value)
		switch p.Kind {
		case WholeAccount, Identity:
			b.scopes = append(b.scopes, scope{kind: accountScope, id: p.Account})
		case Service:
			b.scopes = append(b.scopes, scope{kind: serviceScope, id: p.Value})
		case UniqueID:
		default:
			return bound{}, false
		}
	}
	b.text = "the principal is " + listed(values)
	return b, len(b.scopes) > 0
}

func sparesServices(c Condition) bool {
	op := parseOperator(c.Operator)
	return op.base == "Bool" && op.set == "" && lowerKey(c.Key) == "aws:principalisawsservice" &&
		len(c.Values) == 1 && strings.EqualFold(c.Values[0], "false")
}

func (s *Statement) namesEveryone() bool {
	for _, p := range s.Principals {
		if p.Kind == Everyone && p.Value == "*" && p.Type == "AWS" {
			return !s.NotPrincipal
		}
	}
	return false
}

// maybe words which Deny statements may take some of the actions back.
func (d *denials) maybe(actions actionSet) []string {
	var notes []string
	for _, part := range d.unsure {
		if !part.actions.has(actions) {
			continue
		}
		if len(notes) == maxItems {
			return append(notes, "further Deny statements may narrow this")
		}
		notes = append(notes, "the Deny in statement "+strconv.Itoa(part.statement+1)+" may narrow this")
	}
	return notes
}
