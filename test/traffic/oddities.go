package traffic

import (
	"slices"
	"time"
)

// daysBetweenIncidents is for each who works there: two dozen people have one in four or five days.
const daysBetweenIncidents = 108

// oddities are what happens rarely or looks odd and is in order: people called at night, a job that lacks a permission,
// an application that begins to use an old key, a partner in another account, an old user on the company's own network.
func (f *fleet) oddities() []*actor {
	all := []*actor{f.act("on-call", "", f.start, func(s *stage) int64 {
		if s.now > s.start {
			s.incident()
		}
		return s.now + int64(s.dice.exponential()*daysBetweenIncidents*float64(dayMillis)/float64(len(s.people)))
	})}
	all = append(all, f.failingJob(), f.legacyUser(), f.backup())
	for _, k := range f.keys {
		switch {
		case k.use == forObjects && f.root.fork(k.id+"partner").state%5 == 0:
			all = append(all, f.partner(k))
		case k.use == forObjects && f.root.fork(k.id+"data events").state%4 == 0:
			all = append(all, f.dataEvents(k))
		case k.use == forNothing:
			if first, rare := f.firstRareUse(k); rare {
				all = append(all, f.rareUse(k, first))
			}
		case k.multiRegion && k.period > 0:
			all = append(all, f.replicaSync(k))
		}
		if k.use == forData && f.root.fork(k.id+"re-encrypt").state%2 == 0 {
			all = append(all, f.reencryption(k))
		}
		if k.service.dies != never {
			all = append(all, f.forgotten(k))
		}
	}
	return append(all, f.newcomers()...)
}

// incident gets whoever is on call that week out of bed or into a meeting: secrets, logs and keys are looked at.
func (s *stage) incident() {
	p := s.onCall()
	if p == nil {
		return
	}
	set := p.set
	if s.dice.chance(0.4) {
		set = "BreakGlass"
	}
	s.readSecrets(p, set, s.dice.between(2, 12))
	s.now += s.dice.span(2*time.Minute, 20*time.Minute)
	s.readObjects(p, set, 20+s.dice.few(500))
	s.now += s.dice.span(2*time.Minute, 20*time.Minute)
	s.browse(p, s.dice.between(1, 6))
}

// onCall is whose week it is; nil: nobody is there who may.
func (s *stage) onCall() *person {
	first := int(s.now / millis(week))
	for i := range s.people {
		if p := s.people[(first+i)%len(s.people)]; !p.away(s.now) && p.set != "ReadOnly" {
			return p
		}
	}
	return nil
}

// failingJob lacks a permission from one release to the next: it is denied, tries again, and after the repair succeeds.
func (f *fleet) failingJob() *actor {
	var who *session
	var k *key
	left := 0
	data := f.keysFor(forObjects, forData, forBareData)
	return f.act("failing", "", f.start+dayMillis, func(s *stage) int64 {
		if left == 0 {
			k = pick(&s.dice, data)
			left = s.dice.between(4, 50)
		}
		left--
		if k.created < s.now && k.service.dies > s.now {
			r := k.service.account.role(k.service.name+"-export", "/batch/", "")
			who = s.dice.newSession(r, "export-"+itoa(s.dice.number(100000)), s.now, time.Hour, false)
			from := k.service.endpoint(k.service.address(&s.dice))
			if k.use == forObjects {
				from = through(awsInternal)
			}
			for i := range 3 {
				c := call{
					after: time.Duration(i*i) * 700 * time.Millisecond, name: "Decrypt", who: who, from: from, key: k,
					failed: denied(who, "Decrypt", k),
				}
				if left == 0 {
					c.failed, c.request = nil, s.s3Request(k, false, k.arnOfObjects)
					if k.use != forObjects {
						c.request = s.dataRequest("Decrypt", k, i, k.use != forBareData)
					}
				}
				s.make(c)
			}
		}
		if left == 0 {
			return s.now + int64(s.dice.exponential()*9*float64(dayMillis))
		}
		return s.now + s.dice.span(14*time.Minute, 16*time.Minute)
	})
}

// keysFor are the keys of some uses, without the crown jewel.
func (f *fleet) keysFor(uses ...use) []*key {
	var some []*key
	for _, k := range f.keys {
		if slices.Contains(uses, k.use) && !k.restricted {
			some = append(some, k)
		}
	}
	return some
}

// legacyUser is an IAM user with an old access key: a backup on the company's own network, each night.
func (f *fleet) legacyUser() *actor {
	a := f.accounts[0]
	d := dice{}.fork("legacy")
	r := &role{kind: "IAMUser", account: a.id, name: "svc-backup", id: d.text("AIDA", upperDigits, 17)}
	who := d.newSession(r, "", 0, time.Hour, false)
	return f.act("legacy", "", f.start+23*hourMillis, func(s *stage) int64 {
		from := endpoint{ip: "193.99.144.77", agent: "aws-cli/1.18.69 Python/3.8.10 Linux/5.4.0-200-generic botocore/1.16.19"}
		k := a.managed["s3"+homeRegion]
		begin := s.now
		for range 3 + s.dice.few(40) {
			s.now += s.dice.span(time.Second, 30*time.Second)
			f := s.begin()
			f.str("keyId", k.alias)
			f.open("encryptionContext")
			f.named("aws:s3:arn", "arn:aws:s3:::backups-on-premises/dump-", s.dice.number(900000), ".gz")
			f.shut()
			f.str("keySpec", "AES_256")
			s.make(call{name: "GenerateDataKey", who: who, from: through(awsInternal), key: k, request: f.whole()})
		}
		s.make(call{name: "ListAliases", who: who, from: from, region: homeRegion})
		return begin + dayMillis
	})
}

// backup is AWS Backup copying volumes and databases at night, with grants for the services that do the copying.
func (f *fleet) backup() *actor {
	return f.act("backup", "", f.start+hourMillis, func(s *stage) int64 {
		for _, k := range s.keys {
			if k.use != forVolumes && k.use != forDatabase || k.created > s.now || k.service.dies < s.now {
				continue
			}
			r := k.service.account.role("AWSBackupDefaultServiceRole", "/service-role/", "")
			who := s.dice.newSession(r, "AWSBackup-"+r.name, s.now, time.Hour, false)
			after := s.dice.pause(0, 50*time.Minute)
			s.look("DescribeKey", who, through("backup.amazonaws.com"), k, after)
			f := s.begin()
			f.str("keyId", k.arn)
			f.open("constraints")
			f.open("encryptionContextSubset")
			f.str("aws:backup:source-resource", s.dice.text("", hexDigits, 16))
			f.shut()
			f.shut()
			f.list("operations", "Decrypt", "CreateGrant", "DescribeKey")
			f.str("granteePrincipal", "backup.amazonaws.com")
			s.make(call{
				after: after + time.Second, name: "CreateGrant", who: who, from: through("backup.amazonaws.com"), key: k,
				request: f.whole(), answer: s.granted(k),
			})
		}
		return s.now + dayMillis
	})
}

// partner is a trusted company's account reading a bucket.
func (f *fleet) partner(k *key) *actor {
	d := dice{}.fork("partner")
	id := d.text("AROA", upperDigits, 17)
	r := &role{kind: "AssumedRole", account: partnerAccount, path: "/", name: "collector", id: id}
	return f.act("partner", k.id, max(f.start, k.created)+6*hourMillis, func(s *stage) int64 {
		who := s.dice.newSession(r, "collect-"+itoa(s.dice.number(9999)), s.now, time.Hour, false)
		for range 1 + s.dice.few(20) {
			s.now += s.dice.span(100*time.Millisecond, 3*time.Second)
			s.make(call{
				name: "Decrypt", who: who, from: through(awsInternal), key: k, request: s.s3Request(k, false, k.arnOfObjects),
			})
		}
		return s.now + s.dice.span(20*time.Hour, 28*time.Hour)
	})
}

// dataEvents are those that the trail logs of one bucket in some.
func (f *fleet) dataEvents(k *key) *actor {
	return f.act("s3-data", k.id, max(f.start, k.created), func(s *stage) int64 {
		who, from := s.host(k.service)
		from.vpce = ""
		name := "PutObject"
		if s.dice.chance(0.1) {
			name = "CopyObject"
		}
		s.write(name, who, from, k, k, s.dice.number(k.things), 0)
		return s.again(30*k.service.volume, k.service.clock, k.service.rhythm, k.service.load(f.start))
	})
}

// write is S3's record of an object written under a key.
func (s *stage) write(name string, who *session, from endpoint, bucket, under *key, object int, after time.Duration) {
	const header = "x-amz-server-side-encryption"
	stem := bucket.resource[len("arn:aws:s3:::"):]
	f := s.begin()
	f.str("bucketName", stem)
	f.named("key", "part-", object, ".bin")
	f.str("Host", stem, ".s3.", bucket.region, ".amazonaws.com")
	if name == "CopyObject" {
		f.named("x-amz-copy-source", stem+"/part-", object, ".bin")
	}
	f.str(header, "aws:kms")
	f.str(header+"-aws-kms-key-id", under.arn)
	request := f.whole()
	f = s.begin()
	f.str(header, "aws:kms")
	f.str(header+"-aws-kms-key-id", under.arn)
	answer := f.whole()
	f = s.begin()
	f.str("SignatureVersion", "SigV4")
	f.str("CipherSuite", "TLS_AES_128_GCM_SHA256")
	f.number("bytesTransferredIn", 0)
	f.str("SSEApplied", "SSE_KMS")
	f.str("AuthenticationMethod", "AuthHeader")
	f.number("bytesTransferredOut", 234)
	more := f.whole()
	f = s.begin()
	f.str("type", "AWS::S3::Object")
	f.named("ARN", bucket.resource+"/part-", object, ".bin")
	resource := f.whole()
	f = s.begin()
	f.str("accountId", bucket.account)
	f.str("type", "AWS::S3::Bucket")
	f.str("ARN", bucket.resource)
	s.make(call{
		after: after, name: name, who: who, from: from, region: bucket.region, key: bucket, request: request, answer: answer,
		more: more, other: &other{source: "s3.amazonaws.com", resources: "[" + resource + "," + f.whole() + "]", data: true},
	})
}

// firstRareUse is when somebody uses a key again that is idle; rare is false of those that nobody does.
func (f *fleet) firstRareUse(k *key) (at int64, rare bool) {
	return f.start + int64(f.root.fork(k.id).state%1000)*week.Milliseconds()/80,
		k != f.keys[idleKey] && f.root.fork(k.id+"yearly").state%3 == 0
}

// rareUse is a key that nobody uses for months, and then somebody does: a restoration that is tried out, a year's end.
func (f *fleet) rareUse(k *key, first int64) *actor {
	return f.act("rare", k.id, first, func(s *stage) int64 {
		if k.created > s.now || k.service.dies < s.now {
			return never
		}
		r := k.service.account.role(k.service.name+"-restore", "/batch/", "")
		who := s.dice.newSession(r, "restore-test", s.now, time.Hour, false)
		from := k.service.endpoint(k.service.address(&s.dice))
		for i := range s.dice.between(1, 9) {
			s.make(call{
				after: time.Duration(i) * 3 * time.Second, name: "Decrypt", who: who, from: from, key: k,
				request: s.dataRequest("Decrypt", k, i, true),
			})
		}
		return s.now + s.dice.span(70*24*time.Hour, 110*24*time.Hour)
	})
}

// replicaSync is KMS carrying a multi-Region key's material to its replicas after a rotation.
func (f *fleet) replicaSync(k *key) *actor {
	return f.act("kms", k.id+"sync", k.next+2*60000, func(s *stage) int64 {
		s.make(call{
			name: "SynchronizeMultiRegionKey", who: serviceSession("kms"), from: through(awsInternal), key: k, service: true,
		})
		return s.now + int64(max(k.period, 90))*dayMillis
	})
}

// newcomers are applications and jobs that begin to use a key others have used for long, and go on with it: one a
// month, more in a larger fleet.
func (f *fleet) newcomers() []*actor {
	var all []*actor
	d := f.root.fork("newcomers")
	shared := f.keysFor(forObjects, forSecrets, forData)
	for n := 1 + f.world.Weeks*f.world.Keys/500; n > 0; n-- {
		k := pick(&d, shared)
		v := *k.service // the same network and hours, another role and other hosts
		v.name = pick(&d, products) + "-" + pick(&d, []string{"sync", "worker", "insights"})
		v.role, v.hosts, v.compute = v.account.role(v.name, "/", ""), make([]host, 2), "container"
		v.born = max(k.created, f.start+int64(d.float()*float64(f.end-f.start)))
		all = append(all, f.act("newcomer", v.name+k.id, v.born, func(s *stage) int64 {
			who, from := s.host(&v)
			switch k.use {
			case forSecrets:
				s.secret(who, k, s.dice.number(3), 0)
			case forData:
				s.useData("Decrypt", who, from, k, s.dice.few(v.customers))
			default:
				s.make(call{
					name: "Decrypt", who: who, from: through(awsInternal), key: k, request: s.s3Request(k, false, k.arnOfObjects),
				})
			}
			return s.again(40*v.volume, v.clock, v.rhythm, v.load(f.start))
		}))
	}
	return all
}

// reencryption is a job that moves all data keys of an application to the key's current material, once.
func (f *fleet) reencryption(k *key) *actor {
	d := f.root.fork(k.id + "when")
	at := max(f.start, k.created) + int64(d.float()*float64(f.end-f.start))
	return f.act("re-encrypt", k.id, at, func(s *stage) int64 {
		r := k.service.account.role(k.service.name+"-reencrypt", "/batch/", "")
		who := s.dice.newSession(r, "reencrypt", s.now, sessionLife, false)
		from := k.service.endpoint(k.service.address(&s.dice))
		for customer := range k.service.customers {
			s.now += s.dice.span(20*time.Millisecond, 400*time.Millisecond)
			f := s.begin()
			f.str("sourceEncryptionAlgorithm", algorithm)
			for _, side := range []string{"sourceEncryptionContext", "destinationEncryptionContext"} {
				f.open(side)
				f.str("application", k.service.name)
				f.named("customer", "c-", customer, "")
				f.shut()
			}
			f.str("destinationKeyId", k.arn)
			f.str("destinationEncryptionAlgorithm", algorithm)
			s.make(call{name: "ReEncrypt", who: who, from: from, key: k, second: k, request: f.whole()})
		}
		return never
	})
}

// forgotten is something nobody thought of when a service was switched off: it goes on trying.
func (f *fleet) forgotten(k *key) *actor {
	return f.act("forgotten", k.id, k.service.dies+9*dayMillis+5*hourMillis, func(s *stage) int64 {
		if s.now > k.service.dies+16*dayMillis {
			return never
		}
		r := k.service.account.role(k.service.name+"-cleanup", "/batch/", "")
		who := s.dice.newSession(r, "cleanup", s.now, time.Hour, false)
		disabled := failure{code: "DisabledException", message: k.arn + " is disabled."}
		s.make(call{
			name: "Decrypt", who: who, from: through(awsInternal), key: k, failed: &disabled,
			request: s.s3Request(k, false, k.arnOfBucket),
		})
		return s.now + dayMillis
	})
}
