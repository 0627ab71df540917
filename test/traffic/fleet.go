package traffic

import (
	"math"
	"time"
)

// fleet is the organisation of a World: made anew for each run through its records, since its parts change on the way.
type fleet struct {
	world    World
	end      int64
	start    int64
	root     dice
	accounts []*account
	services []*service
	keys     []*key
	people   []*person
	clocks   []*calendar // of zones
	robots   robots
}

// The Regions the organisation uses. Every account works in the first; the second has a few services.
const (
	homeRegion  = "eu-west-1"
	otherRegion = "us-east-1"
)

// account is one AWS account.
type account struct {
	id, name string
	octet    int // 10.octet.0.0/16 is its network in the home Region, 10.(octet+100).0.0/16 in the other
	nat      string
	vpce     map[string]string // service and Region to its VPC endpoint
	managed  map[string]*key   // aws/s3 and Region to the AWS managed key
	roles    map[string]*role
}

// Account ids that anybody may recognise.
const (
	vendorAccount   = "900000000017" // a security vendor's
	partnerAccount  = "800000000023" // trusted: reads some buckets
	attackerAccount = "666000000013"
)

func newFleet(w World) *fleet {
	f := &fleet{world: w, start: w.Start.UnixMilli(), end: w.End().UnixMilli(), root: dice{mix(w.Seed)}}
	for i := range zones {
		f.clocks = append(f.clocks, newCalendar(i, w.Start))
	}
	d := f.root.fork("accounts")
	for i := range w.Accounts {
		f.accounts = append(f.accounts, d.newAccount(i))
	}
	f.addServices()
	f.addPeople()
	f.robots = f.newRobots()
	return f
}

func (d *dice) newAccount(i int) *account {
	names := []string{"production", "platform", "staging"}
	a := &account{
		id: itoa(111122220000 + 1111*(i+1)), name: "team-" + itoa(i), octet: 20 + i%100,
		nat:  "52.212." + itoa(10+i) + "." + itoa(d.between(1, 254)),
		vpce: map[string]string{}, managed: map[string]*key{}, roles: map[string]*role{},
	}
	if i < len(names) {
		a.name = names[i]
	}
	for _, region := range []string{homeRegion, otherRegion} {
		for _, service := range []string{"kms", "secretsmanager"} {
			a.vpce[service+region] = d.text("vpce-0", hexDigits, 16)
		}
		for _, service := range []string{"s3", "ebs", "secretsmanager", "ssm", "lambda"} {
			k := d.newKey(a, region, "alias/aws/"+service)
			k.manager = "AWS"
			a.managed[service+region] = k
		}
	}
	return a
}

// role is the account's role of a name, made when it is first asked for.
func (a *account) role(name, path, origin string) *role {
	if r := a.roles[name]; r != nil {
		return r
	}
	d := dice{}.fork(a.id).fork(name)
	a.roles[name] = &role{
		kind: "AssumedRole", account: a.id, path: path, name: name, id: d.text("AROA", upperDigits, 17), origin: origin,
	}
	return a.roles[name]
}

// linked is a service-linked role.
func (a *account) linked(service, name string) *role {
	return a.role(name, "/aws-service-role/"+service+".amazonaws.com/", "")
}

// outsider says whether the organisation does not see an account's trail.
func (f *fleet) outsider(id string) bool {
	for _, a := range f.accounts {
		if a.id == id {
			return false
		}
	}
	return true
}

// service is what a team runs: an application with its role, its hosts and its keys.
type service struct {
	name, team string
	account    *account
	region     string
	role       *role
	compute    string // instance, function, container
	hosts      []host
	born, dies int64 // Unix ms
	clock      *calendar
	rhythm     rhythm
	volume     float64 // how much busier than the usual service
	growth     float64 // a week
	trouble    []trouble
	agent      string
	deploys    float64 // a week
	keys       []*key
	customers  int
}

// trouble is a time of incident or rush: the load is not the usual one.
type trouble struct {
	from, to int64
	factor   float64
}

// host is where a service's application runs at present: an instance, a task, a sandbox of a function.
type host struct {
	session *session
	ip      string
	until   int64 // it goes then, or when unused for idleHost
	used    int64
}

var (
	products = []string{
		"payments", "ledger", "checkout", "catalogue", "search", "identity", "billing", "reports", "shipping", "orders",
		"pricing", "reviews", "mail", "media", "fraud", "loyalty", "support", "stock", "returns", "tax",
		"invoices", "profile", "gateway", "events", "archive",
	}
	agents = []string{
		"aws-sdk-go-v2/1.47.7 ua/2.1 os/linux lang/go#1.26 md/GOOS#linux md/GOARCH#arm64 api/kms#1.62.4",
		"aws-sdk-java/2.42.3 md/io#async md/http#NettyNio ua/2.1 os/Linux#6.12 lang/java#25.0.1 md/OpenJDK_64-Bit_Server_VM",
		"Boto3/1.43.2 md/Botocore#1.43.2 ua/2.1 os/linux#6.12 md/arch#aarch64 lang/python#3.13.1 md/pyimpl#CPython",
		"aws-sdk-js/3.980.0 ua/2.1 os/linux#6.12 lang/js md/nodejs#24.4.0 api/kms#3.980.0",
	}
)

// keysPerService is how many keys a service has on average.
const keysPerService = 4

// newPerWeek is the share of all keys that are made in a week of the world, at most newAtMost in all.
const (
	newPerWeek = 0.0125
	newAtMost  = 0.3
)

// addServices makes the services and their keys: most are there from the start, the rest come one after another. A few
// of the old ones are switched off on the way.
func (f *fleet) addServices() {
	d := f.root.fork("services")
	span := f.end - f.start
	fresh := min(newPerWeek*float64(f.world.Weeks), newAtMost)
	for i := 0; len(f.keys) < f.world.Keys; i++ {
		done := float64(len(f.keys)) / float64(f.world.Keys)
		born := f.start
		if done > 1-fresh {
			born += int64((done - 1 + fresh) / fresh * 0.9 * float64(span))
		}
		s := f.newService(&d, i, born)
		f.services = append(f.services, s)
		for n := min(d.between(2, 2*keysPerService-2), f.world.Keys-len(f.keys)); n > 0; n-- {
			k := f.newServiceKey(&d, s)
			s.keys = append(s.keys, k)
			f.keys = append(f.keys, k)
		}
	}
	f.keys[crownKey].crown(f.services[0])
}

func (f *fleet) newService(d *dice, i int, born int64) *service {
	s := &service{
		name: products[i%len(products)], account: f.accounts[i%len(f.accounts)], region: homeRegion,
		compute: pick(d, []string{ofInstance, ofInstance, "container", ofFunction}),
		born:    born, dies: never, clock: f.clocks[i%2],
		volume: math.Exp(0.9*d.normal() - 0.2), growth: 0.012 * d.normal(),
		agent: pick(d, agents), deploys: 0.3 + 2*d.exponential(), customers: d.between(40, 4000),
		rhythm: []rhythm{customers, customers, business, steady}[d.number(4)],
	}
	if i >= len(products) {
		s.name += "-" + itoa(i/len(products)+1)
	}
	s.team = []string{"money", "shop", "platform", "data"}[i%4]
	if i%6 == 5 {
		s.region = otherRegion
	}
	if i%12 == 7 && born == f.start {
		s.dies = f.start + int64((0.3+0.6*d.float())*float64(f.end-f.start))
	}
	origin := ""
	switch s.compute {
	case ofInstance:
		origin = ofInstance
	case ofFunction:
		origin = s.functionARN()
	}
	s.role = s.account.role(s.name+"-app", "/", origin)
	s.hosts = make([]host, d.between(2, 3+int(8*min(s.volume, 5))))
	for range d.number(1 + f.world.Weeks/6) {
		from := f.start + int64(d.float()*float64(f.end-f.start))
		s.trouble = append(s.trouble, trouble{from, from + d.span(time.Hour, 40*time.Hour), 0.4 + 1.4*d.float()})
	}
	return s
}

// functionARN is the function that the service is, if it is one, or has beside its application.
func (v *service) functionARN() string {
	return "arn:aws:lambda:" + v.region + ":" + v.account.id + ":function:" + v.name + "-handler"
}

// load is what growth and troubled times make of the service's usual rate; none before and after its life.
func (v *service) load(start int64) func(at int64) float64 {
	return func(at int64) float64 {
		if at < v.born || at > v.dies {
			return 0
		}
		level := 1 + v.growth*float64(at-start)/float64(millis(week))
		for _, t := range v.trouble {
			if at >= t.from && at < t.to {
				level *= t.factor
			}
		}
		return level
	}
}

// How long hosts last.
const (
	idleHost      = 2 * time.Hour // scaled in, and made anew when needed again
	instanceLife  = 9 * 24 * time.Hour
	taskLife      = 4 * 24 * time.Hour
	sandboxLife   = 5 * time.Hour
	sessionLife   = 6 * time.Hour
	functionLogin = 12 * time.Hour
)

// host is one that the service has running now: more of them take part when there is more to do, those that are gone
// come back as others with another address.
func (s *stage) host(v *service) (*session, endpoint) {
	n := max(1, int(math.Ceil(float64(len(v.hosts))*min(v.rhythm(v.clock, s.now), 1))))
	h := &v.hosts[s.dice.number(n)]
	if s.now > h.until || s.now-h.used > millis(idleHost) {
		*h = host{}
	}
	h.used = s.now
	v.refresh(h, &s.dice, s.now)
	return h.session, v.endpoint(h.ip)
}

// refresh gives a host an address and credentials that are valid.
func (v *service) refresh(h *host, d *dice, now int64) {
	name, life := "", sessionLife
	if h.session != nil {
		name = h.session.name
	}
	switch {
	case h.session != nil && now < h.session.until:
		return
	case v.compute == ofFunction:
		name, life = v.name+"-handler", functionLogin
		if h.ip == "" {
			h.until = now + int64(d.exponential()*float64(millis(sandboxLife)))
		}
	case v.compute == ofInstance && name == "":
		name = d.text("i-0", hexDigits, 16)
		h.until = now + int64(d.exponential()*float64(millis(instanceLife)))
	case name == "": // a task's session is named by its id
		name = d.text("", hexDigits, 32)
		h.until = now + int64(d.exponential()*float64(millis(taskLife)))
	}
	if h.ip == "" {
		h.ip = v.address(d)
	}
	h.session = d.newSession(v.role, name, now, life, false)
}

// address is a new one in the account's network: three zones of a /20 each.
func (v *service) address(d *dice) string {
	octet := v.account.octet
	if v.region == otherRegion {
		octet += 100
	}
	return "10." + itoa(octet) + "." + itoa(16*d.number(3)+d.number(16)) + "." + itoa(d.between(4, 254))
}

// endpoint is how KMS sees a direct call: through the VPC endpoint with the private address, of one team through NAT.
func (v *service) endpoint(ip string) endpoint {
	if v.team == "data" {
		return endpoint{ip: v.account.nat, agent: v.agent}
	}
	return endpoint{ip: ip, agent: v.agent, vpce: v.account.vpce["kms"+v.region]}
}

// deployed replaces all hosts, blue by green.
func (v *service) deployed() { clear(v.hosts) }
