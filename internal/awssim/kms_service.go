package awssim

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// KMS is the simulated key management service of every account and Region. Its own work (rotations that complete,
// schedules that come due, keys deleted at the end of their waiting time) follows the simulator's clock.
type KMS struct {
	sim   *Sim
	trail *cloudTrail

	mu       sync.Mutex
	opts     KMSOptions
	keys     map[string]*kmsEntry           // by ARN
	aliases  map[string]*history[*kmsAlias] // by ARN; nil once deleted
	keyIDs   map[kmsScope]*nameIndex        // for ListKeys
	aliasIDs map[kmsScope]*nameIndex        // for ListAliases
	denials  []KMSDenial
	quotas   map[kmsLane]*tokenBucket
	imports  map[string]importToken
	wrapping *WrappingKeys
	calls    map[*call]*kmsCall // between an operation and its observer
	due      dueQueue           // what KMS will do by itself
	happened []kmsEvent         // what it did, to be recorded once mu is released
}

// KMSOptions change how the service behaves. The zero value is a consistent service without quotas.
type KMSOptions struct {
	RotationDelay    time.Duration // until an on-demand rotation is complete; default 1 s
	ReplicationDelay time.Duration // for which a new replica stays Creating
	StaleFor         time.Duration // for which reads do not see a change yet
	Quotas           bool          // throttle each operation at AWS's quota for an account and Region
}

const defaultRotationDelay = time.Second

type kmsScope struct{ account, region string }

// kmsEntry is one key with its versions.
type kmsEntry struct {
	history history[*KMSKey]
	usage   kmsUsage
	grants  []KMSGrant // oldest first; replaced, never changed
}

// newKMS is the KMS service: its operations are registered here.
func newKMS(s *Sim) *service {
	k := &KMS{
		sim: s, trail: &cloudTrail{sim: s}, opts: KMSOptions{RotationDelay: defaultRotationDelay},
		keys: map[string]*kmsEntry{}, aliases: map[string]*history[*kmsAlias]{},
		keyIDs: map[kmsScope]*nameIndex{}, aliasIDs: map[kmsScope]*nameIndex{},
		quotas: map[kmsLane]*tokenBucket{}, calls: map[*call]*kmsCall{},
		imports: map[string]importToken{}, wrapping: cmp.Or(s.opts.WrappingKeys, &WrappingKeys{}),
	}
	wire := awsJSON{contentType: "application/x-amz-json-1.1", rename: jsonErrorNames}
	return &service{
		name: "kms", protocol: kmsProtocol{awsJSON: wire, kms: k}, ops: k.operations(),
		observe: k.observe, action: kmsAction, close: k.stop,
	}
}

// kmsProtocol is awsJson1_1 on the way to one KMS.
type kmsProtocol struct {
	awsJSON
	kms *KMS
}

// KMS is the simulated key management service.
func (s *Sim) KMS() *KMS {
	p, _ := s.services["kms"].protocol.(kmsProtocol)
	return p.kms
}

// Configure replaces the service's options.
func (k *KMS) Configure(o KMSOptions) {
	if o.RotationDelay <= 0 {
		o.RotationDelay = defaultRotationDelay
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.opts = o
}

// locked runs f with the state in hand and records afterwards what KMS did by itself meanwhile.
func (k *KMS) locked(f func()) {
	for _, e := range k.during(f) {
		k.recordEvent(e)
	}
}

func (k *KMS) during(f func()) (happened []kmsEvent) {
	k.mu.Lock()
	defer k.mu.Unlock()
	f()
	happened, k.happened = k.happened, nil
	return happened
}

// store puts a new version of a key in force and notes when KMS must look at it again. k.mu is held.
func (k *KMS) store(key *KMSKey, since time.Time) {
	e := k.keys[key.ARN]
	if e == nil {
		e = &kmsEntry{}
		k.keys[key.ARN] = e
	}
	if e.history.latest() == nil {
		k.index(k.keyIDs, key.Account, key.Region).add(key.ID)
	}
	e.history.put(since, since.Add(-k.opts.StaleFor), key)
	k.schedule(key)
}

// drop ends a key and its aliases for good; readers whose knowledge is stale still see them. k.mu is held.
func (k *KMS) drop(key *KMSKey, since time.Time) {
	k.keys[key.ARN].history.put(since, since.Add(-k.opts.StaleFor), nil)
	k.index(k.keyIDs, key.Account, key.Region).remove(key.ID)
	for _, name := range k.aliasesOf(key) {
		k.dropAlias(key.Account, key.Region, name, since)
	}
}

// latest is the key as it really is, nil when there is none. k.mu is held.
func (k *KMS) latest(arn string) *KMSKey {
	if e := k.keys[arn]; e != nil {
		return e.history.latest()
	}
	return nil
}

func (k *KMS) index(of map[kmsScope]*nameIndex, account, region string) *nameIndex {
	scope := kmsScope{account, region}
	if of[scope] == nil {
		of[scope] = &nameIndex{}
	}
	return of[scope]
}

// newMaterial is fresh material that KMS makes itself.
func newMaterial() KMSMaterial {
	m := KMSMaterial{ID: randomHex(32), State: types.KeyMaterialStateCurrent}
	_, _ = rand.Read(m.secret[:]) // never fails
	return m
}

func randomHex(bytes int) string {
	b := make([]byte, bytes)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

func keyARN(region, account, id string) string { return arnOf("kms", region, account, "key/"+id) }

func aliasARN(region, account, name string) string { return arnOf("kms", region, account, name) }
