package traffic

import "time"

// robots are the tools that look at every key, and rotd.
type robots struct {
	home     *account // where it runs
	rotdAt   endpoint
	sessions map[string]*session // by account
}

const rotdRole = "rotd" // in every account

func (f *fleet) newRobots() robots {
	platform := f.accounts[min(1, len(f.accounts)-1)]
	return robots{
		home: platform, sessions: map[string]*session{},
		rotdAt: endpoint{
			ip: "10." + itoa(platform.octet) + ".200.17", vpce: platform.vpce["kms"+homeRegion],
			agent: "aws-sdk-go-v2/1.47.7 ua/2.1 os/linux lang/go#1.26 md/GOARCH#amd64 api/kms#1.62.4 app/rotd",
		},
	}
}

func (f *fleet) robotActors() []*actor {
	var all []*actor
	for i, a := range f.accounts {
		first := f.start + int64(i)*7*60000
		all = append(
			all,
			f.act("scanner", a.id, first+2*hourMillis, func(s *stage) int64 { return s.scan(a) }),
			f.act("config", a.id, first, func(s *stage) int64 { return s.config(a) }),
			f.act("analyzer", a.id, first+5*hourMillis, func(s *stage) int64 { return s.analyze(a) }),
		)
	}
	drift := f.act("rotd", "drift", f.start+11*60000, func(s *stage) int64 {
		return s.sweep(4*time.Hour, "DescribeKey", "GetKeyRotationStatus")
	})
	inventory := f.act("rotd", "inventory", f.start+3*60000, func(s *stage) int64 {
		return s.sweep(12*time.Hour, "DescribeKey", "GetKeyRotationStatus", "ListKeyRotations", "ListResourceTags",
			"GetKeyPolicy", "ListGrants")
	})
	rotations := f.act("rotd", "rotations", f.start+19*hourMillis, func(s *stage) int64 { return s.rotations() })
	drift.own, inventory.own, rotations.own = true, true, true
	return append(all, drift, inventory, rotations)
}

// present calls for each key of an account that KMS would list now.
func (s *stage) present(account string, each func(k *key)) {
	for _, k := range s.keys {
		if k.created < s.now && k.account == account && k.service.dies > s.now-53*dayMillis {
			each(k)
		}
	}
}

// scan is a security vendor's nightly look at all keys, through a role that trusts the vendor's account.
func (s *stage) scan(a *account) int64 {
	who := s.dice.newSession(a.role("CloudPostureScanner", "/vendor/", ""), "scan-"+itoa(s.dice.number(1_000_000)), s.now,
		time.Hour, false)
	from := endpoint{
		ip:    "34.68.119." + itoa(s.dice.between(20, 27)),
		agent: "Boto3/1.43.2 md/Botocore#1.43.2 ua/2.1 os/linux#6.1 lang/python#3.12.8",
	}
	after := time.Duration(0)
	for _, region := range []string{homeRegion, otherRegion} {
		s.make(call{after: after, name: "ListKeys", who: who, from: from, region: region, request: `{"limit":1000}`})
		s.make(call{after: after + 300*time.Millisecond, name: "ListAliases", who: who, from: from, region: region})
		after += time.Second
	}
	s.present(a.id, func(k *key) {
		for _, name := range keyReads {
			after += s.dice.pause(30*time.Millisecond, 250*time.Millisecond)
			if k.restricted && name != "DescribeKey" { // its policy lets few in
				s.make(call{
					after: after, name: name, who: who, from: from, region: k.region, key: k,
					failed: denied(who, name, k),
				})
				continue
			}
			s.look(name, who, from, k, after)
		}
	})
	return s.now + dayMillis + s.dice.span(-20*time.Minute, 20*time.Minute)
}

// config is AWS Config: it reads keys now and then, and tries to read objects that it may not decrypt.
func (s *stage) config(a *account) int64 {
	who := s.dice.newSession(a.linked("config", "AWSServiceRoleForConfig"), "AWSConfig-Describe", s.now, time.Hour, false)
	from := through("config.amazonaws.com")
	s.make(call{name: "ListKeys", who: who, from: from, region: homeRegion})
	after := time.Second
	s.present(a.id, func(k *key) {
		if !s.dice.chance(0.12) {
			return
		}
		for _, name := range keyReads {
			after += s.dice.pause(40*time.Millisecond, 300*time.Millisecond)
			s.look(name, who, from, k, after)
		}
		if k.use == forObjects || k.use == forParameters {
			s.make(call{
				after: after + time.Second, name: "Decrypt", who: who, from: from, region: k.region, key: k,
				failed: denied(who, "Decrypt", k),
			})
		}
	})
	return s.now + s.dice.span(5*time.Hour, 7*time.Hour)
}

// analyze is IAM Access Analyzer reading the policies and grants of all keys once a day.
func (s *stage) analyze(a *account) int64 {
	who := s.dice.newSession(a.linked("access-analyzer", "AWSServiceRoleForAccessAnalyzer"), "access-analyzer", s.now,
		time.Hour, false)
	from := through("access-analyzer.amazonaws.com")
	after := time.Duration(0)
	s.present(a.id, func(k *key) {
		for _, name := range []string{"DescribeKey", "GetKeyPolicy", "ListGrants"} {
			after += s.dice.pause(50*time.Millisecond, 500*time.Millisecond)
			if k.restricted {
				s.make(call{
					after: after, name: name, who: who, from: from, region: k.region, key: k, failed: denied(who, name, k),
				})
				continue
			}
			s.look(name, who, from, k, after)
		}
	})
	return s.now + dayMillis + s.dice.span(-2*time.Hour, 2*time.Hour)
}

// ownSession is rotd's present session in an account: new credentials every hour.
func (s *stage) ownSession(a *account) *session {
	x := s.robots.sessions[a.id]
	if x == nil || s.now >= x.until {
		x = s.dice.newSession(a.role(rotdRole, "/", ""), "rotd-default", s.now, time.Hour, false)
		s.robots.sessions[a.id] = x
	}
	return x
}

// sweep is rotd looking at all keys.
func (s *stage) sweep(every time.Duration, names ...string) int64 {
	after, from := time.Second, s.robots.rotdAt
	for _, a := range s.accounts {
		who := s.ownSession(a)
		for _, region := range []string{homeRegion, otherRegion} {
			s.make(call{after: after, name: "ListKeys", who: who, from: from, region: region, request: `{"limit":1000}`})
			s.make(call{after: after, name: "ListAliases", who: who, from: from, region: region, request: `{"limit":100}`})
		}
		s.present(a.id, func(k *key) {
			for _, name := range names {
				after += s.dice.pause(5*time.Millisecond, 25*time.Millisecond)
				s.look(name, who, from, k, after)
			}
		})
	}
	return s.now + millis(every)
}

// rotations is rotd rotating a key that was overdue, or switching its rotation on: one every other day.
func (s *stage) rotations() int64 {
	k := s.keys[s.dice.number(len(s.keys))]
	who := s.ownSession(k.service.account)
	if k.material != "" && k.origin == "AWS_KMS" && k.created < s.now-200*dayMillis && k.service.dies > s.now {
		f := s.begin()
		f.str("keyId", k.arn)
		if k.period == 0 {
			k.period = 365
			f.number("rotationPeriodInDays", k.period)
			s.make(call{name: "EnableKeyRotation", who: who, from: s.robots.rotdAt, key: k, request: f.whole()})
		} else {
			s.make(call{
				name: "RotateKeyOnDemand", who: who, from: s.robots.rotdAt, key: k, request: f.whole(), answer: f.whole(),
			})
			s.now += s.dice.span(5*time.Second, 4*time.Minute)
			s.rotate(k, "ON_DEMAND")
		}
	}
	return s.now + s.dice.span(5*time.Hour, 40*time.Hour)
}
