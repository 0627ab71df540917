package traffic

import (
	"fmt"
	"time"
)

// Attack is one script played at a time.
type Attack struct {
	Name string    // of a Script
	At   time.Time // outside the world's time it is not played
}

// Script is an attack that can be played.
type Script struct {
	Name  string
	Story string // what the attacker does, in a sentence
	Hour  int    // of the day, UTC, at which it is most likely
	// Must are the rules whose row in the catalogue describes what happens here, in a world of 40 keys or more. May are
	// those that could see something of it, and need not: that depends on configuration or on more luck than a test may
	// ask for.
	Must, May []string
	play      func(s *stage)
}

// EveryAttack plays each script once, at its hour, one after another through the last third of the world's time: what
// is learnt is learnt by then.
func (w World) EveryAttack() []Attack {
	w = w.withDefaults()
	scripts := Scripts()
	third := w.End().Sub(w.Start) / 3
	var all []Attack
	for i, script := range scripts {
		at := w.End().Add(-third + third*time.Duration(i)/time.Duration(len(scripts)))
		at = at.Truncate(24 * time.Hour).Add(time.Duration(script.Hour)*time.Hour + time.Duration(7+i)*time.Minute)
		all = append(all, Attack{Name: script.Name, At: at})
	}
	return all
}

// attacks are the actors of the world's attacks. A name that no script has is a mistake of whoever made the World.
func (f *fleet) attacks() []*actor {
	scripts := map[string]Script{}
	for _, script := range Scripts() {
		scripts[script.Name] = script
	}
	var all []*actor
	for i, attack := range f.world.Attacks {
		script, ok := scripts[attack.Name]
		if !ok {
			panic(fmt.Sprintf("traffic: no script is called %q", attack.Name))
		}
		a := f.act("attack", script.Name+itoa(i), attack.At.UnixMilli(), func(s *stage) int64 {
			script.play(s)
			return never
		})
		a.attack = script.Name
		all = append(all, a)
	}
	return all
}

// Where attackers come from: networks that are for documentation, and nobody else's here.
const (
	hosting = "203.0.113." // a hosting company's
	exit    = "198.51.100."
)

// pass lets time go by in an attack.
func (s *stage) pass(low, high time.Duration) { s.now += s.dice.span(low, high) }

// abroad is the attacker's own machine.
func (s *stage) abroad(network string, agent string) endpoint {
	return endpoint{ip: network + itoa(s.dice.between(10, 240)), agent: agent}
}

const (
	kali  = "Boto3/1.40.9 md/Botocore#1.40.9 ua/2.1 os/linux#6.12.33+kali-amd64 md/arch#x86_64 lang/python#3.13.5"
	pacu  = "aws-cli/2.27.1 md/awscrt#0.26.1 ua/2.1 os/linux#5.15 md/arch#x86_64 lang/python#3.13.2 md/prompt#off"
	plain = "python-requests/2.32.4"
)

// stolenHost is a session of one of a service's hosts as it is in use; no host is changed by its being stolen.
func (s *stage) stolenHost(v *service) *session {
	for i := range v.hosts {
		if h := &v.hosts[i]; h.session != nil && h.session.until > s.now && h.until > s.now {
			return h.session
		}
	}
	h := host{}
	v.refresh(&h, &s.dice, s.now)
	return h.session
}

// stolenPerson is a session of somebody who works there, with a permission set, in the account of a key.
func (s *stage) stolenPerson(k *key, set string) *session {
	name := "zoe.weber"
	for _, p := range s.people {
		if p.account.id == k.account && !p.away(s.now) {
			name = p.name
			break
		}
	}
	role := s.permission(k.service.account, set)
	return s.dice.newSession(role, name+"@example.com", s.now-hourMillis, 8*time.Hour, false)
}

// task is a container of a service's account with a role that has no business with the service's keys.
func (s *stage) task(v *service, role string) (*session, endpoint) {
	who := s.dice.newSession(v.account.role(role, "/", ""), s.dice.text("", hexDigits, 32), s.now, time.Hour, false)
	return who, v.endpoint(v.address(&s.dice))
}

// keyOf is the first key of a use that is in use at s.now, the crown jewel and what is new left out.
func (s *stage) keyOf(uses ...use) *key {
	for _, u := range uses {
		for i, k := range s.keys {
			if i != crownKey && k.use == u && k.created < s.start && k.service.dies > s.now+14*dayMillis {
				return k
			}
		}
	}
	return s.keys[multiKey]
}

// outsideSession is a session in the attacker's own account.
func (s *stage) outsideSession() *session {
	d := dice{}.fork("attacker")
	r := &role{kind: "IAMUser", account: attackerAccount, name: "admin", id: d.text("AIDA", upperDigits, 17)}
	return s.dice.newSession(r, "", s.now, time.Hour, false)
}

// keyRequest is a request with the key alone.
func (s *stage) keyRequest(k *key) string {
	f := s.begin()
	f.str("keyId", k.arn)
	return f.whole()
}
