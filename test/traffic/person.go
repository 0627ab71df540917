package traffic

import (
	"strings"
	"time"
)

// person is somebody who works with AWS through IAM Identity Center, from wherever they are that day.
type person struct {
	name         string
	team         string
	account      *account // where they mostly work
	set          string   // the permission set
	clock        *calendar
	joins, goes  int64
	remote       bool    // works from home without the VPN
	busy         float64 // days on which they touch KMS's keys are more or fewer
	home         string  // the first three numbers of the address at home
	rehomes      bool    // the provider gives another network every week or so
	holiday      int64   // the day since 1970 on which a fortnight off begins
	session      *session
	sessionTeams string
}

var (
	firstNames = []string{
		"ada", "ben", "chen", "dina", "emil", "farid", "grete", "hugo", "ines", "jonas", "kavya", "lena", "marek", "nadia",
		"omar", "petra", "quinn", "ravi", "sofia", "tomas", "uma", "viktor", "wanda", "xenia", "yusuf", "zoe",
	}
	lastNames = []string{
		"meyer", "smith", "rao", "novak", "garcia", "olsen", "ito", "kaya", "brown", "weber", "dubois",
	}
	permissionSets = []string{"Developer", "Developer", "Developer", "Operator", "Administrator", "ReadOnly"}
	// Home providers' networks, by zone, two numbers each.
	providers = [][]string{
		{"91.12", "84.167", "217.238", "77.22"}, {"73.158", "98.116", "24.5", "108.41"}, {"49.207", "106.51", "122.171"},
	}
	hotels  = []string{"185.43.112", "62.218.44", "195.65.7", "12.131.40", "103.6.158", "81.2.199"}
	mobiles = []string{"80.187.84", "92.75.110", "172.58.140", "106.195.37"}
	offices = []string{"193.99.144", "64.124.8", "14.142.77"} // and the VPN's exits, last number 200 and above
)

// keysPerPerson says how many people there are for the keys.
const keysPerPerson = 5

func (f *fleet) addPeople() {
	d := f.root.fork("people")
	for i := range max(8, f.world.Keys/keysPerPerson) {
		z := []int{0, 0, 0, 1, 1, 2}[d.number(6)]
		p := &person{
			name: firstNames[i%len(firstNames)] + "." + pick(&d, lastNames),
			team: f.services[i%len(f.services)].team, account: f.accounts[d.few(len(f.accounts))],
			set: pick(&d, permissionSets), clock: f.clocks[z], joins: f.start, goes: never,
			remote: d.chance(0.35), busy: 0.3 + d.exponential(), rehomes: d.chance(0.3),
			home: pick(&d, providers[z]) + "." + itoa(d.between(1, 250)),
		}
		if d.chance(0.15) {
			p.joins += int64(d.float() * float64(f.end-f.start))
		} else if d.chance(0.1) {
			p.goes = f.start + int64(d.float()*float64(f.end-f.start))
		}
		p.holiday = (f.start+int64(d.float()*float64(max(f.end-f.start, millis(26*week)))))/dayMillis - 14
		f.people = append(f.people, p)
	}
}

// away says whether somebody works at all that day.
func (p *person) away(at int64) bool {
	d := at / dayMillis
	return at < p.joins || at > p.goes || d >= p.holiday && d < p.holiday+14
}

// login gives the person valid credentials and tells where they are: sessions last eight hours, a place for a day.
func (s *stage) login(p *person, set string, console bool) (*session, endpoint) {
	if p.session == nil || s.now >= p.session.until || p.sessionTeams != set {
		made := s.now - s.dice.span(0, 40*time.Minute)
		p.session = s.dice.newSession(s.permission(p.account, set), p.name+"@example.com", made, 8*time.Hour, false)
		p.sessionTeams = set
	}
	return p.session, endpoint{ip: s.address(p), agent: s.browserOrTool(console), console: console}
}

// permission is the role that Identity Center makes in an account for a permission set.
func (f *fleet) permission(a *account, set string) *role {
	d := dice{}.fork(a.id + set)
	name := "AWSReservedSSO_" + set + "_" + d.text("", hexDigits, 16)
	return a.role(name, "/aws-reserved/sso.amazonaws.com/"+homeRegion+"/", "")
}

func (s *stage) browserOrTool(console bool) string {
	if console {
		return awsInternal
	}
	return "aws-cli/2.33.4 md/awscrt#0.31.0 ua/2.1 os/macos#26.1 md/arch#arm64 lang/python#3.14.0 md/prompt#off"
}

// address is where a person is at s.now: the same all day.
func (s *stage) address(p *person) string {
	date, hour := p.clock.local(s.now)
	day := s.root.fork(p.name)
	day.state ^= uint64(date)
	week := s.root.fork(p.name + "/")
	week.state ^= uint64(date / 7)
	home := p.home
	if p.rehomes {
		home = home[:strings.LastIndexByte(home, '.')+1] + itoa(week.between(1, 250))
	}
	home += "." + itoa(day.between(2, 250))
	switch {
	case week.chance(0.03): // on the road for a week
		return pick(&week, hotels) + "." + itoa(day.between(2, 250))
	case day.chance(0.015):
		return pick(&day, mobiles) + "." + itoa(day.between(2, 250))
	case p.remote || hour < 7 || hour > 20 || p.clock.day(date).rest:
		if day.chance(0.5) && !p.remote { // through the VPN
			return pick(&day, offices) + "." + itoa(200+day.number(4))
		}
		return home
	case day.chance(0.4):
		return pick(&day, offices) + "." + itoa(200+day.number(4))
	}
	return offices[p.clock.index] + "." + itoa(day.between(10, 13))
}

// person is somebody's working life: once or twice on most days something that touches keys.
func (f *fleet) person(p *person) *actor {
	return f.act("people", p.name, max(f.start, p.joins), func(s *stage) int64 {
		if !p.away(s.now) && s.now > f.start {
			s.work(p)
		}
		return s.again(2.4*p.busy, p.clock, office, nil)
	})
}

// work is one thing somebody does.
func (s *stage) work(p *person) {
	switch x := s.dice.float(); {
	case x < 0.40:
		n := s.dice.between(1, 5)
		if s.dice.chance(0.08) { // somebody who wants to know
			n = s.dice.between(25, 90)
		}
		s.browse(p, n)
	case x < 0.55:
		s.readSecrets(p, p.set, s.dice.between(1, 4))
	case x < 0.80:
		s.readObjects(p, p.set, 5+s.dice.few(600))
	case x < 0.93:
		s.decryptFiles(p, s.dice.between(1, 9))
	default:
		who, from := s.login(p, p.set, false)
		from.agent = terraformAgent
		s.plan(who, from, s.ofAccount(p.account, s.dice.between(4, 30)), 0)
	}
}

// ofAccount is up to n of an account's keys that exist by now, beginning anywhere.
func (s *stage) ofAccount(a *account, n int) []*key {
	var some []*key
	first := s.dice.number(len(s.keys))
	for i := range s.keys {
		k := s.keys[(first+i)%len(s.keys)]
		if k.account == a.id && k.created < s.now && len(some) < n {
			some = append(some, k)
		}
	}
	return some
}

// browse is a look at keys in the console: the list, then the tabs of some keys.
func (s *stage) browse(p *person, n int) {
	who, from := s.login(p, p.set, true)
	after := time.Duration(0)
	for range 1 + n/20 {
		s.make(call{after: after, name: "ListKeys", who: who, from: from, region: homeRegion, request: `{"limit":100}`})
		s.make(call{after: after + 80*time.Millisecond, name: "ListAliases", who: who, from: from, region: homeRegion})
		after += time.Second
	}
	for _, k := range s.ofAccount(p.account, n) {
		after += s.dice.pause(2*time.Second, 50*time.Second)
		for i, name := range keyReads {
			s.look(name, who, from, k, after+time.Duration(i*60)*time.Millisecond)
		}
	}
}

// keyReads are what consoles and scanners ask about a key.
var keyReads = []string{"DescribeKey", "GetKeyPolicy", "ListResourceTags", "GetKeyRotationStatus", "ListGrants"}

// look is one of the calls that read a key.
func (s *stage) look(name string, who *session, from endpoint, k *key, after time.Duration) {
	f := s.begin()
	f.str("keyId", k.arn)
	if name == "GetKeyPolicy" {
		f.str("policyName", "default")
	}
	s.make(call{after: after, name: name, who: who, from: from, key: k, request: f.whole()})
}

// readSecrets is somebody looking at their team's secrets.
func (s *stage) readSecrets(p *person, set string, n int) {
	who, _ := s.login(p, set, true)
	k := s.oneOf(p, forSecrets)
	if k == nil {
		return
	}
	base := dice{}.fork(p.team)
	own, after := base.number(k.things), time.Duration(0)
	for range n {
		after += s.dice.pause(3*time.Second, 70*time.Second)
		s.secret(who, k, own+s.dice.number(8), after)
	}
}

// oneOf is a key of the person's account and of a use, one of their team's if there is one.
func (s *stage) oneOf(p *person, u use) *key {
	var other *key
	for _, k := range s.keys {
		if k.use != u || k.account != p.account.id || k.created > s.now || k.service.dies < s.now {
			continue
		}
		if k.service.team == p.team {
			return k
		}
		other = k
	}
	return other
}

// readObjects is somebody copying or searching logs and exports: a Decrypt for each object.
func (s *stage) readObjects(p *person, set string, n int) {
	who, _ := s.login(p, set, false)
	k := s.oneOf(p, forObjects)
	if k == nil {
		return
	}
	first, after := s.dice.number(k.things), time.Duration(0)
	for i := range n {
		after += s.dice.pause(15*time.Millisecond, 500*time.Millisecond)
		f := s.begin()
		f.open("encryptionContext")
		f.named("aws:s3:arn", k.resource+"/part-", first+i, ".bin")
		f.shut()
		f.str("encryptionAlgorithm", algorithm)
		s.make(call{after: after, name: "Decrypt", who: who, from: through(awsInternal), key: k, request: f.whole()})
	}
}

// decryptFiles is a tool on somebody's laptop that keeps settings encrypted in a repository.
func (s *stage) decryptFiles(p *person, n int) {
	who, from := s.login(p, p.set, false)
	k := s.oneOf(p, forBareData)
	if k == nil {
		return
	}
	from.agent = "aws-sdk-go-v2/1.47.7 ua/2.1 os/macos lang/go#1.26 md/GOARCH#arm64 api/kms#1.62.4 app/sops"
	for i := range n {
		s.make(call{
			after: time.Duration(i*130) * time.Millisecond, name: "Decrypt", who: who, from: from, key: k,
			request: s.dataRequest("Decrypt", k, 0, false),
		})
	}
}
