package traffic

import "time"

// use is what a key is for. Its calls are in the file uses_*.go of its kind.
type use string

const (
	forObjects    use = "s3"
	forBucket     use = "s3-bucket-key"
	forVolumes    use = "ebs"
	forDatabase   use = "rds"
	forTable      use = "dynamodb"
	forSecrets    use = "secrets"
	forParameters use = "ssm"
	forFunction   use = "lambda"
	forQueue      use = "sqs"
	forData       use = "envelope"
	forBareData   use = "envelope-without-context"
	forSigning    use = "signing"
	forMAC        use = "hmac"
	forTrail      use = "cloudtrail"
	forNothing    use = "idle"
)

// shares says how many of a hundred keys are of each kind, see doc.go.
var shares = []struct {
	use   use
	share int
}{
	{forObjects, 15},
	{forBucket, 11},
	{forVolumes, 11},
	{forDatabase, 11},
	{forTable, 7},
	{forSecrets, 11},
	{forParameters, 5},
	{forFunction, 4},
	{forQueue, 5},
	{forData, 6},
	{forBareData, 3},
	{forSigning, 3},
	{forMAC, 1},
	{forNothing, 7},
}

// key is a KMS key with what it protects.
type key struct {
	id, arn, alias  string
	account, region string
	manager         string
	spec, usage     string
	origin          string
	material        string // the current one's id; "" of what is not symmetric
	multiRegion     bool
	created         int64
	period          int // days between automatic rotations; 0: off
	next            int64
	use             use
	service         *service // nil: AWS managed
	things          int      // objects, secrets, parameters, volumes under it
	names           []string // of secrets
	resource        string   // bucket, table, database, queue, function
	restricted      bool     // a crown jewel
}

func (d *dice) newKey(a *account, region, alias string) *key {
	k := &key{
		id: d.uuid(), alias: alias, account: a.id, region: region, manager: "CUSTOMER",
		spec: "SYMMETRIC_DEFAULT", usage: "ENCRYPT_DECRYPT", origin: "AWS_KMS", material: d.text("", hexDigits, 64),
	}
	k.named()
	return k
}

func (k *key) named() {
	if k.multiRegion {
		plain := []byte("mrk-")
		for i := range len(k.id) {
			if k.id[i] != '-' {
				plain = append(plain, k.id[i])
			}
		}
		k.id = string(plain)
	}
	k.arn = "arn:aws:kms:" + k.region + ":" + k.account + ":key/" + k.id
}

func (f *fleet) newServiceKey(d *dice, v *service) *key {
	kind := d.kind()
	switch len(f.keys) { // what every organisation has
	case crownKey:
		kind = forData
	case secretsKey:
		kind = forSecrets
	case trailKey:
		kind = forTrail
	case importedKey, multiKey:
		kind = forData
	case idleKey:
		kind = forNothing
	case objectsKey:
		kind = forObjects
	}
	alias := "alias/" + v.name + "-" + string(kind)
	for n, taken := 2, alias; v.has(alias); n++ {
		alias = taken + "-" + itoa(n)
	}
	k := d.newKey(v.account, v.region, alias)
	k.use, k.service = kind, v
	k.created = v.born + d.span(0, 3*time.Hour)
	if v.born == f.start {
		k.created = f.start - d.span(24*time.Hour, 1400*24*time.Hour)
	}
	if len(f.keys) == idleKey {
		k.created = min(k.created, f.start-trackedFor) // nobody has used it for months
	}
	k.period = pick(d, []int{0, 0, 90, 365, 365, 365, 365})
	if len(f.keys) == multiKey {
		k.period = 365
	}
	f.specify(d, k)
	if k.period > 0 {
		for k.next = k.created; k.next < max(f.start, k.created+1); k.next += int64(k.period) * dayMillis {
		}
	}
	return k
}

// The numbers of keys that every fleet has.
const (
	crownKey = iota
	secretsKey
	trailKey
	importedKey
	multiKey
	idleKey
	objectsKey
	leastKeys
)

func (v *service) has(alias string) bool {
	for _, k := range v.keys {
		if k.alias == alias {
			return true
		}
	}
	return false
}

func (d *dice) kind() use {
	n := d.number(100)
	for _, s := range shares {
		if n -= s.share; n < 0 {
			return s.use
		}
	}
	return forNothing
}

// specify fills in what follows from a key's use.
func (f *fleet) specify(d *dice, k *key) {
	stem := k.service.name + "-" + k.service.account.name
	switch k.use {
	case forSigning:
		k.spec, k.usage = pick(d, []string{"ECC_NIST_P256", "RSA_2048"}), "SIGN_VERIFY"
	case forMAC:
		k.spec, k.usage = "HMAC_256", "GENERATE_VERIFY_MAC"
	case forSecrets:
		k.things = 3 + d.few(20)
		if d.chance(0.25) || len(f.keys) == secretsKey { // a platform's key, for everybody's secrets
			k.things = d.between(40, 120)
		}
		for i := range k.things {
			k.names = append(k.names, d.text(k.service.name+"/"+pick(d, secretWords)+"-"+itoa(i)+"-", lettersBoth, 6))
		}
	case forObjects, forBucket:
		k.things, k.resource = d.between(800, 900000), "arn:aws:s3:::"+stem+"-"+pick(d, bucketWords)+"-"+k.id[:4]
	case forTrail:
		k.resource = trailBucket
	case forTable:
		k.resource = k.service.name + "-" + pick(d, []string{"sessions", "carts", "index", "state"})
	case forDatabase:
		k.resource = d.text("db-", upperDigits, 26)
	case forQueue:
		k.resource = "arn:aws:sqs:" + k.region + ":" + k.account + ":" + k.service.name + "-" + pick(d, queueWords)
	case forFunction:
		k.resource = k.service.functionARN()
	case forParameters:
		k.things = 4 + d.few(60)
	case forVolumes, forNothing:
	case forData, forBareData:
		if n := len(f.keys); n == importedKey || n != multiKey && d.chance(0.15) {
			k.origin, k.period = "EXTERNAL", 0
		} else if n == multiKey || d.chance(0.2) {
			k.multiRegion = true
			k.named()
		}
	}
	if k.usage != "ENCRYPT_DECRYPT" {
		k.material, k.period = "", 0
	}
}

// crown makes a key the one that everything hangs on: one application, one policy that names it.
func (k *key) crown(v *service) {
	k.alias, k.restricted, k.origin, k.multiRegion = "alias/"+v.name+"-cards", true, "AWS_KMS", false
	k.id = strippedMulti(k.id)
	k.named()
	k.period, v.rhythm, v.dies, v.compute = 365, customers, never, ofInstance
	v.role.origin = ofInstance
	v.volume = max(v.volume, 1)
}

// strippedMulti is a plain key id again.
func strippedMulti(id string) string {
	if len(id) != 36 || id[:4] != "mrk-" {
		return id
	}
	return id[4:12] + "-" + id[12:16] + "-" + id[16:20] + "-" + id[20:24] + "-" + id[24:]
}

var (
	secretWords = []string{
		"database", "api-token", "smtp", "oauth-client", "webhook", "tls", "partner", "cache", "signing",
	}
	bucketWords = []string{"documents", "exports", "images", "logs", "backups", "raw", "invoices"}
	queueWords  = []string{"jobs", "mail", "retries", "changes"}
)
