package traffic

import "time"

// Attacks that take data hostage, open a way in, or destroy.

// made is a key that the attacker has made in a victim's account.
func (s *stage) madeByAttacker(who *session, from endpoint, v *service) *key {
	k := s.dice.newKey(v.account, v.region, "")
	k.service, k.created = v, s.now
	s.make(call{name: "CreateKey", who: who, from: from, key: k, request: s.creation(), answer: s.metadata(k)})
	return k
}

func (s *stage) creation() string {
	f := s.begin()
	f.str("description", "")
	f.str("keyUsage", "ENCRYPT_DECRYPT")
	f.str("keySpec", algorithm)
	f.str("customerMasterKeySpec", algorithm)
	f.str("origin", "AWS_KMS")
	f.flag("bypassPolicyLockoutSafetyCheck", false)
	f.flag("multiRegion", false)
	return f.whole()
}

// ransomNewKey makes a key, copies a bucket onto itself under it, and schedules its deletion as soon as KMS lets it.
func ransomNewKey(s *stage) {
	old := s.keyOf(forObjects)
	who, from := s.stolenPerson(old, "Administrator"), s.abroad(hosting, kali)
	k := s.madeByAttacker(who, from, old.service)
	s.pass(10*time.Second, time.Minute)
	for i := range 700 {
		s.pass(300*time.Millisecond, 3*time.Second)
		s.copyUnder(who, old, k, i)
	}
	s.pass(time.Minute, 5*time.Minute)
	f := s.begin()
	f.str("keyId", k.id)
	f.number("pendingWindowInDays", 7)
	s.make(call{
		name: "ScheduleKeyDeletion", who: who, from: from, key: k, request: f.whole(), answer: s.scheduled(k, 7),
	})
}

// copyUnder is what KMS sees of an object copied under another key.
func (s *stage) copyUnder(who *session, old, k *key, object int) {
	context := func(f *fields, _ *dice) { f.named("aws:s3:arn", old.resource+"/part-", object, ".bin") }
	from := through(awsInternal)
	s.make(call{name: "Decrypt", who: who, from: from, key: old, request: s.s3Request(old, false, context)})
	s.make(call{
		after: 90 * time.Millisecond, name: "GenerateDataKey", who: who, from: from, key: k,
		request: s.s3Request(k, true, context),
	})
}

// ransomForeignKey does the same with a key of the attacker's own account; the bucket's data events are logged.
func ransomForeignKey(s *stage) {
	old := s.keyOf(forObjects)
	who, from := s.stolenPerson(old, "Administrator"), s.abroad(exit, kali)
	foreign := s.dice.newKey(&account{id: attackerAccount}, old.region, "alias/backup")
	for i := range 400 {
		s.pass(300*time.Millisecond, 3*time.Second)
		s.copyUnder(who, old, foreign, i)
		s.write("CopyObject", who, from, old, foreign, i, 200*time.Millisecond)
	}
}

// openPolicy changes a key's policy through a stolen administrator's session.
func (s *stage) openPolicy(k *key, principal string) {
	who, from := s.stolenPerson(k, "Administrator"), s.abroad(exit, pacu)
	s.look("GetKeyPolicy", who, from, k, 0)
	s.pass(10*time.Second, 90*time.Second)
	f := s.begin()
	f.str("keyId", k.id)
	f.str("policyName", "default")
	f.str("policy", s.policyWith(k, `{"Sid":"backup","Effect":"Allow","Principal":{"AWS":"`+principal+
		`"},"Action":["kms:Decrypt","kms:DescribeKey"],"Resource":"*"}`))
	f.flag("bypassPolicyLockoutSafetyCheck", false)
	s.make(call{name: "PutKeyPolicy", who: who, from: from, key: k, request: f.whole()})
}

// useFromOutside is the attacker's own account decrypting: only the key's owner's record is seen.
func (s *stage) useFromOutside(k *key, n int) {
	who, from := s.outsideSession(), s.abroad(exit, kali)
	for range n {
		s.pass(time.Second, 20*time.Second)
		s.useData("Decrypt", who, from, k, s.dice.number(k.service.customers))
	}
}

func policyOpened(s *stage) {
	k := s.keys[multiKey]
	s.openPolicy(k, "arn:aws:iam::"+attackerAccount+":root")
	s.pass(time.Minute, 10*time.Minute)
	s.useFromOutside(k, 25)
}

func policyPublic(s *stage) { s.openPolicy(s.keyOf(forQueue, forTable, forBucket), "*") }

// grantOutside lets a user of the attacker's account decrypt and hand that on, then uses it.
func grantOutside(s *stage) {
	k := s.keys[importedKey]
	who, from := s.stolenHost(k.service), s.abroad(hosting, kali)
	f := s.begin()
	f.str("keyId", k.arn)
	f.str("granteePrincipal", "arn:aws:iam::", attackerAccount, ":user/admin")
	f.list("operations", "Decrypt", "GenerateDataKey", "CreateGrant")
	s.make(call{name: "CreateGrant", who: who, from: from, key: k, request: f.whole(), answer: s.granted(k)})
	s.pass(time.Minute, 30*time.Minute)
	s.useFromOutside(k, 20)
}

// aliasMoved makes a key that only the attacker can decrypt with, and moves an application's alias onto it.
func aliasMoved(s *stage) {
	k := s.keys[multiKey]
	who, from := s.stolenPerson(k, "Administrator"), s.abroad(exit, pacu)
	fresh := s.madeByAttacker(who, from, k.service)
	s.pass(10*time.Second, 2*time.Minute)
	f := s.begin()
	f.str("aliasName", k.alias)
	f.str("targetKeyId", fresh.id)
	s.make(call{name: "UpdateAlias", who: who, from: from, key: fresh, aliasARN: k.aliasARN(), request: f.whole()})
}

// massDeletion schedules the deletion of eight keys in minutes; somebody awake takes it back within the hour.
func massDeletion(s *stage) {
	first := s.keyOf(forObjects)
	who, from := s.stolenPerson(first, "Administrator"), s.abroad(hosting, pacu)
	keys := s.ofAccount(first.service.account, 8)
	for _, k := range keys {
		s.pass(5*time.Second, 40*time.Second)
		f := s.begin()
		f.str("keyId", k.id)
		f.number("pendingWindowInDays", 7)
		s.make(call{
			name: "ScheduleKeyDeletion", who: who, from: from, key: k, request: f.whole(), answer: s.scheduled(k, 7),
		})
	}
	s.pass(20*time.Minute, 50*time.Minute)
	rescuer := s.stolenPerson(first, "BreakGlass")
	at := endpoint{ip: offices[0] + ".200", agent: s.browserOrTool(false)}
	for _, k := range keys {
		s.pass(2*time.Second, 5*time.Second)
		s.make(call{
			name: "CancelKeyDeletion", who: rescuer, from: at, key: k, request: s.keyRequest(k), answer: s.keyRequest(k),
		})
		s.make(call{after: time.Second, name: "EnableKey", who: rescuer, from: at, key: k, request: s.keyRequest(k)})
	}
}

// rotationOff switches the rotation of three keys off, so that what was stolen stays good.
func rotationOff(s *stage) {
	first := s.keyOf(forTable, forObjects)
	who, from := s.stolenPerson(first, "Operator"), s.abroad(exit, pacu)
	n := 0
	for _, k := range s.ofAccount(first.service.account, 100) {
		if k.period > 0 && n < 3 {
			n++
			s.pass(3*time.Second, 30*time.Second)
			s.make(call{name: "DisableKeyRotation", who: who, from: from, key: k, request: s.keyRequest(k)})
		}
	}
}

// trailBlinded has the trail log changes only, so that no Decrypt is seen any more, then disables keys.
func trailBlinded(s *stage) {
	trail := s.keys[trailKey]
	who, from := s.stolenPerson(trail, "Administrator"), s.abroad(hosting, kali)
	const selectors = `[{"readWriteType":"WriteOnly","includeManagementEvents":true,"dataResources":[],` +
		`"excludeManagementEventSources":[]}]`
	f := s.begin()
	f.str("trailName", trailName)
	f.raw("eventSelectors", selectors)
	request := f.whole()
	f = s.begin()
	f.str("trailARN", trailARN(trail))
	f.raw("eventSelectors", selectors)
	s.make(call{
		name: "PutEventSelectors", who: who, from: from, region: trail.region, request: request, answer: f.whole(),
		other: &other{source: "cloudtrail.amazonaws.com"},
	})
	s.pass(10*time.Minute, 30*time.Minute)
	for _, k := range s.ofAccount(trail.service.account, 4) {
		s.pass(10*time.Second, time.Minute)
		s.make(call{name: "DisableKey", who: who, from: from, key: k, request: s.keyRequest(k)})
	}
}

// materialDeleted takes imported material out of a key, which stops it at once.
func materialDeleted(s *stage) {
	k := s.keys[importedKey]
	who, from := s.stolenPerson(k, "Administrator"), s.abroad(exit, pacu)
	f := s.begin()
	f.str("keyId", k.id)
	f.str("keyMaterialId", k.material)
	request := f.whole()
	f = s.begin()
	f.str("keyId", k.arn)
	f.str("keyMaterialId", k.material)
	s.make(call{name: "DeleteImportedKeyMaterial", who: who, from: from, key: k, request: request, answer: f.whole()})
}

// replicaElsewhere makes a replica of a key where nobody looks, and decrypts there.
func replicaElsewhere(s *stage) {
	const odd = "ap-east-1"
	k := s.keys[multiKey]
	who, from := s.stolenPerson(k, "Administrator"), s.abroad(hosting, pacu)
	replica := *k
	replica.region = odd
	replica.arn = "arn:aws:kms:" + odd + ":" + k.account + ":key/" + k.id
	f := s.begin()
	f.str("keyId", k.arn)
	f.str("replicaRegion", odd)
	f.flag("bypassPolicyLockoutSafetyCheck", false)
	f.str("description", "")
	request := f.whole()
	f = s.begin()
	f.raw("replicaKeyMetadata", s.replicaMetadata(&replica))
	f.str("replicaPolicy", s.policy(k))
	s.make(call{name: "ReplicateKey", who: who, from: from, key: k, request: request, answer: f.whole()})
	s.pass(2*time.Minute, 5*time.Minute)
	for range 12 {
		s.pass(time.Second, 20*time.Second)
		f := s.begin()
		f.str("encryptionAlgorithm", algorithm)
		f.str("keyId", replica.arn)
		f.open("encryptionContext")
		f.str("application", k.service.name)
		f.named("customer", "c-", s.dice.number(k.service.customers), "")
		f.shut()
		s.make(call{name: "Decrypt", who: who, from: from, key: &replica, request: f.whole()})
	}
}

func (s *stage) replicaMetadata(k *key) string {
	var f fields
	f.str("aWSAccountId", k.account)
	f.str("keyId", k.id)
	f.str("arn", k.arn)
	f.flag("enabled", false)
	f.str("keyUsage", k.usage)
	f.str("keyState", "Creating")
	f.str("origin", k.origin)
	f.str("keyManager", k.manager)
	f.str("keySpec", k.spec)
	f.flag("multiRegion", true)
	return f.whole()
}
