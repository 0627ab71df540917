package traffic

import (
	"slices"
	"strings"
	"time"

	"rotd/internal/inventory"
)

// Inventory is the keys as KMS would tell of them when they were made, or at the world's start if they are older. Those
// made later are among them, with their date. Keys that attackers make are not.
func (w World) Inventory() []inventory.Key {
	f := newFleet(w.withDefaults())
	s := &stage{fleet: f}
	var all []inventory.Key
	for _, k := range f.keys {
		all = append(all, s.known(k))
	}
	for _, a := range f.accounts {
		for _, k := range a.managed {
			all = append(all, s.known(k))
		}
	}
	slices.SortFunc(all, func(a, b inventory.Key) int { return strings.Compare(a.ARN, b.ARN) })
	return all
}

func (s *stage) known(k *key) inventory.Key {
	read := max(k.created, s.start)
	created := k.created
	if k.service == nil {
		created = s.start - 1500*dayMillis
	}
	at := time.UnixMilli(read).UTC().Truncate(time.Second)
	known := inventory.Key{
		ARN: k.arn, ID: k.id, Partition: "aws", Account: k.account, Region: k.region, Description: k.alias,
		State: "Enabled", Manager: k.manager, Origin: k.origin, Spec: k.spec, Usage: k.usage,
		Created: time.UnixMilli(created).UTC().Truncate(time.Second), CurrentMaterial: k.material,
		Aliases: []string{k.alias}, Policy: s.policy(k), ReadAt: at, FullAt: at, AliasesAt: at, FirstRead: at,
	}
	if k.multiRegion {
		known.MultiRegion, known.PrimaryARN = "PRIMARY", k.arn
	}
	known.LastUsage = s.lastUsage(k)
	if k.service != nil {
		known.Tags = map[string]string{"team": k.service.team, "service": k.service.name}
		if k.restricted {
			known.Tags["classification"] = "restricted"
		}
	}
	if k.usage == "ENCRYPT_DECRYPT" && k.origin == "AWS_KMS" && k.manager == "CUSTOMER" {
		known.Rotation = &inventory.Rotation{Enabled: k.period > 0, PeriodDays: k.period}
		if k.period > 0 {
			next := time.UnixMilli(k.next).UTC().Truncate(time.Second)
			known.Rotation.Next = &next
		}
	}
	return known
}

// trackedFor is for how long KMS has known of uses when the world begins.
const trackedFor = 200 * dayMillis

// lastUsage is what KMS tells of a key's last use at the world's start: of keys that are idle then, the only word there
// is about it. What is in use has been used within the hour.
func (s *stage) lastUsage(k *key) *inventory.LastUsage {
	if k.created >= s.start || k.service == nil {
		return nil
	}
	at := func(millis int64) time.Time { return time.UnixMilli(millis).UTC().Truncate(time.Second) }
	told := &inventory.LastUsage{ReadAt: at(s.start), TrackedSince: at(s.start - trackedFor)}
	used := s.start - hourMillis
	if k.use == forNothing {
		first, rare := s.firstRareUse(k)
		if !rare {
			return told
		}
		used = first - 90*dayMillis
	}
	if used > k.created {
		last := at(used)
		told.At = &last
	}
	return told
}

// policy is a key's policy: as the console makes it, with the applications that may use it.
func (s *stage) policy(k *key) string { return s.policyWith(k) }

func (s *stage) policyWith(k *key, more ...string) string {
	statements := []string{
		`{"Sid":"Enable IAM User Permissions","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + k.account +
			`:root"},"Action":"kms:*","Resource":"*"}`,
	}
	if k.service != nil {
		statements = append(statements, `{"Sid":"Application","Effect":"Allow","Principal":{"AWS":"`+k.service.role.arn()+
			`"},"Action":["kms:Encrypt","kms:Decrypt","kms:GenerateDataKey*","kms:DescribeKey"],"Resource":"*"}`)
	}
	if k.use == forTrail {
		statements = append(statements, `{"Sid":"CloudTrail","Effect":"Allow",`+
			`"Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"kms:GenerateDataKey*","Resource":"*"}`)
	}
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(append(statements, more...), ",") + `]}`
}

// Surroundings are what an operator would write into rotd's configuration for this organisation.
type Surroundings struct {
	Accounts []string // of the organisation
	Trusted  []string // others that it trusts
	Regions  []string
	Networks []string // of its own, CIDR: private ones, NAT addresses, offices and VPN
	Rotd     []string // ARNs of its roles, the first where it runs
	Trails   []string // ARNs
}

// Surroundings tells what is known of the organisation beside its keys.
func (w World) Surroundings() Surroundings {
	f := newFleet(w.withDefaults())
	known := Surroundings{
		Trusted: []string{partnerAccount, vendorAccount}, Regions: []string{homeRegion, otherRegion},
		Rotd:   []string{f.robots.home.role(rotdRole, "/", "").arn()},
		Trails: []string{trailARN(f.keys[trailKey])},
	}
	for _, a := range f.accounts {
		known.Accounts = append(known.Accounts, a.id)
		if a != f.robots.home {
			known.Rotd = append(known.Rotd, a.role(rotdRole, "/", "").arn())
		}
		known.Networks = append(known.Networks, "10."+itoa(a.octet)+".0.0/16", "10."+itoa(a.octet+100)+".0.0/16", a.nat+"/32")
	}
	for _, office := range offices {
		known.Networks = append(known.Networks, office+".0/24")
	}
	return known
}
