package traffic

import "time"

// Attacks that read: secrets, objects and data that were encrypted for somebody else.

// secretsBurst reads the keys' names from abroad, then sixty secrets in four minutes.
func secretsBurst(s *stage) {
	k := s.keys[secretsKey]
	who, from := s.stolenPerson(k, "Developer"), s.abroad(hosting, pacu)
	s.make(call{name: "ListAliases", who: who, from: from, region: k.region})
	s.pass(time.Second, 5*time.Second)
	s.look("DescribeKey", who, from, k, 0)
	for i := range min(60, k.things) {
		s.pass(time.Second, 7*time.Second)
		s.secret(who, k, i, 0)
	}
}

// secretsSlow reads as many, one every ten minutes through a working day.
func secretsSlow(s *stage) {
	k := s.keys[secretsKey]
	who := s.stolenPerson(k, "Operator")
	for i := range min(55, k.things) {
		s.pass(5*time.Minute, 15*time.Minute)
		s.secret(who, k, i, 0)
	}
}

// insider copies a bucket at night, with the role of every day.
func insider(s *stage) {
	k := s.keyOf(forObjects)
	who := s.stolenPerson(k, "Developer")
	first := s.dice.number(k.things)
	for i := range 2500 {
		s.pass(200*time.Millisecond, 1800*time.Millisecond)
		f := s.begin()
		f.open("encryptionContext")
		f.named("aws:s3:arn", k.resource+"/part-", (first+i)%max(k.things, 2500), ".bin")
		f.shut()
		f.str("encryptionAlgorithm", algorithm)
		s.make(call{name: "Decrypt", who: who, from: through(awsInternal), key: k, request: f.whole()})
	}
}

// strangerOnJewel is an application's role with too wide a policy, which has never used the key.
func strangerOnJewel(s *stage) {
	k := s.keys[crownKey]
	v := k.service
	who, from := s.task(v, "wiki-app")
	for range 8 {
		s.pass(2*time.Second, 30*time.Second)
		s.useData("Decrypt", who, from, k, s.dice.number(v.customers))
	}
}

// instanceElsewhere uses an instance's credentials from the attacker's machine.
func instanceElsewhere(s *stage) {
	k := s.keys[crownKey]
	who, from := s.stolenHost(k.service), s.abroad(hosting, kali)
	for range 30 {
		s.pass(time.Second, 9*time.Second)
		s.useData("Decrypt", who, from, k, s.dice.number(k.service.customers))
	}
}

// deniedThenIn tries a key until somebody, or the attacker, has widened the role's policy.
func deniedThenIn(s *stage) {
	k := s.keys[multiKey]
	v := k.service
	who, from := s.task(v, "preview-app")
	for range 12 {
		s.pass(3*time.Second, 22*time.Second)
		s.make(call{
			name: "Decrypt", who: who, from: from, region: k.region, key: k, failed: denied(who, "Decrypt", k),
		})
	}
	s.pass(20*time.Second, 60*time.Second)
	for range 20 {
		s.pass(time.Second, 4*time.Second)
		s.useData("Decrypt", who, from, k, s.dice.number(v.customers))
	}
}

// reconnaissance looks at every key that the stolen role may see, and at some that it may not.
func reconnaissance(s *stage) {
	v := s.keys[crownKey].service
	who, from := s.stolenHost(v), s.abroad(exit, pacu)
	s.make(call{name: "ListKeys", who: who, from: from, region: v.region})
	s.make(call{after: time.Second, name: "ListAliases", who: who, from: from, region: v.region})
	for _, k := range s.ofAccount(v.account, 60) {
		for _, name := range []string{"DescribeKey", "GetKeyPolicy", "ListGrants"} {
			s.pass(100*time.Millisecond, 1500*time.Millisecond)
			if k.restricted || s.dice.chance(0.3) {
				s.make(call{name: name, who: who, from: from, region: k.region, key: k, failed: denied(who, name, k)})
				continue
			}
			s.look(name, who, from, k, 0)
		}
	}
}

// rootUse is the account's root, which nobody there ever works with.
func rootUse(s *stage) {
	k := s.keys[crownKey]
	root := &role{kind: "Root", account: k.account, id: k.account}
	who, from := s.dice.newSession(root, "", s.now, time.Hour, true), s.abroad(exit, awsInternal)
	from.console = true
	for _, name := range []string{"DescribeKey", "GetKeyPolicy"} {
		s.pass(time.Second, 20*time.Second)
		s.look(name, who, from, k, 0)
	}
	from.agent, from.console = pacu, false
	for range 5 {
		s.pass(5*time.Second, 40*time.Second)
		s.useData("Decrypt", who, from, k, s.dice.number(k.service.customers))
	}
}

// dormantKey decrypts an old backup under a key that nobody has used for months.
func dormantKey(s *stage) {
	k := s.keys[idleKey]
	who, from := s.stolenPerson(k, "Operator"), s.abroad(hosting, pacu)
	for i := range 6 {
		s.pass(2*time.Second, 30*time.Second)
		s.make(call{
			name: "Decrypt", who: who, from: from, key: k, request: s.dataRequest("Decrypt", k, i, true),
		})
	}
}

// contextDropped is something with the application's credentials that does not know its encryption context: it encrypts
// its own things, to carry them away or to leave them there.
func contextDropped(s *stage) {
	k := s.keys[crownKey]
	v := k.service
	who := s.stolenHost(v)
	from := v.endpoint(v.address(&s.dice))
	from.agent = plain
	for range 15 {
		s.pass(time.Second, 20*time.Second)
		s.make(call{name: "Encrypt", who: who, from: from, key: k, request: s.dataRequest("Encrypt", k, 0, false)})
	}
}

// rotdMisused is rotd's role in the hands of somebody else.
func rotdMisused(s *stage) {
	k := s.keys[multiKey]
	role := k.service.account.role(rotdRole, "/", "")
	who := s.dice.newSession(role, "botocore-session-"+itoa(int(s.now/1000)), s.now, time.Hour, false)
	from := s.abroad(hosting, kali)
	s.look("DescribeKey", who, from, k, 0)
	s.pass(10*time.Second, time.Minute)
	s.make(call{name: "DisableKeyRotation", who: who, from: from, key: k, request: s.keyRequest(k)})
	for range 4 {
		s.pass(time.Second, 20*time.Second)
		s.useData("Decrypt", who, from, k, s.dice.number(k.service.customers))
	}
}
