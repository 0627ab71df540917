package traffic

import "time"

const terraformAgent = "APN/1.0 HashiCorp/1.0 Terraform/1.15.2 (+https://www.terraform.io) " +
	"terraform-provider-aws/6.40.0 aws-sdk-go-v2/1.47.7 ua/2.1 os/linux lang/go#1.26 api/kms#1.62.4"

// lifeOf is what happens to a key itself: made by the pipeline when its service appears, rotated by KMS, its policy and
// tags changed now and then, disabled and deleted when the service is gone.
func (f *fleet) lifeOf(k *key) []*actor {
	var all []*actor
	if k.created >= f.start {
		all = append(all, f.once(k, "made", k.created, func(s *stage) { s.created(k) }))
	}
	if k.period > 0 {
		all = append(all, f.act("kms", k.arn, k.next, func(s *stage) int64 {
			if s.now < k.service.dies {
				s.rotate(k, "AUTOMATIC")
			}
			return s.now + int64(k.period)*dayMillis
		}))
	}
	all = append(all, f.act("terraform", k.arn, f.start, func(s *stage) int64 {
		if s.now > max(f.start, k.created) && s.now < k.service.dies {
			s.changed(k)
		}
		return s.again(changesPerKeyDay, k.service.clock, office, nil)
	}))
	if k.service.dies == never || k.use == forTrail {
		return all
	}
	retired := k.service.dies + 9*dayMillis
	return append(
		all,
		f.once(k, "disabled", retired, func(s *stage) { s.retire(k, "DisableKey") }),
		f.once(k, "scheduled", retired+14*dayMillis, func(s *stage) { s.retire(k, "ScheduleKeyDeletion") }),
		f.act("kms", k.arn+"deleted", retired+44*dayMillis, func(s *stage) int64 {
			s.make(call{name: "DeleteKey", who: serviceSession("kms"), from: through(awsInternal), key: k, service: true})
			return never
		}),
	)
}

// changesPerKeyDay makes some three changes of a key's policy or tags a year.
const changesPerKeyDay = 0.03

func (f *fleet) once(k *key, name string, at int64, do func(s *stage)) *actor {
	return f.act("terraform", k.arn+name, at, func(s *stage) int64 {
		do(s)
		return never
	})
}

// rotate is KMS's own account of a rotation.
func (s *stage) rotate(k *key, kind string) {
	before := k.material
	k.material = s.dice.text("", hexDigits, 64)
	f := s.begin()
	f.str("rotationType", kind)
	f.str("keyOrigin", k.origin)
	f.str("previousKeyMaterialId", before)
	f.str("currentKeyMaterialId", k.material)
	f.str("keyId", k.id)
	s.make(call{
		name: "RotateKey", who: serviceSession("kms"), from: through(awsInternal), key: k, service: true, details: f.whole(),
	})
}

// pipeline is a run of the account's deployment: half of the teams have runners of their own behind the NAT address,
// the others use a public provider's, which are somewhere else every time.
func (s *stage) pipeline(a *account, team, agent string) (*session, endpoint) {
	r := a.role("deploy-"+team, "/ci/", "")
	run := itoa(1_000_000_000 + s.dice.number(1_000_000_000))
	if team == "money" || team == "platform" {
		return s.dice.newSession(r, "runner-"+run, s.now, time.Hour, false), endpoint{ip: a.nat, agent: agent}
	}
	ip := pick(&s.dice, []string{"20", "4", "40", "52", "172", "13"}) + "." + itoa(s.dice.between(16, 240)) + "." +
		itoa(s.dice.number(256)) + "." + itoa(s.dice.number(256))
	return s.dice.newSession(r, "GitHubActions-"+run, s.now, time.Hour, false), endpoint{ip: ip, agent: agent}
}

// created is a new key made by the pipeline, with its alias.
func (s *stage) created(k *key) {
	who, from := s.pipeline(k.service.account, k.service.team, terraformAgent)
	f := s.begin()
	f.str("policy", s.policy(k))
	f.str("description", k.alias)
	f.str("keyUsage", k.usage)
	f.str("keySpec", k.spec)
	f.str("customerMasterKeySpec", k.spec)
	f.str("origin", k.origin)
	f.flag("bypassPolicyLockoutSafetyCheck", false)
	f.flag("multiRegion", k.multiRegion)
	request := f.whole()
	s.make(call{name: "CreateKey", who: who, from: from, key: k, request: request, answer: s.metadata(k)})

	f = s.begin()
	f.str("aliasName", k.alias)
	f.str("targetKeyId", k.id)
	s.make(call{
		after: 2 * time.Second, name: "CreateAlias", who: who, from: from, key: k, request: f.whole(),
		aliasARN: k.aliasARN(),
	})
	if k.period > 0 {
		f = s.begin()
		f.str("keyId", k.id)
		f.number("rotationPeriodInDays", k.period)
		s.make(call{after: 3 * time.Second, name: "EnableKeyRotation", who: who, from: from, key: k, request: f.whole()})
	}
	s.plan(who, from, []*key{k}, 5*time.Second)
}

func (k *key) aliasARN() string { return "arn:aws:kms:" + k.region + ":" + k.account + ":" + k.alias }

// metadata is the answer to CreateKey.
func (s *stage) metadata(k *key) string {
	var f fields
	f.open("keyMetadata")
	f.str("aWSAccountId", k.account)
	f.str("keyId", k.id)
	f.str("arn", k.arn)
	f.str("creationDate", time.UnixMilli(s.now).UTC().Format("Jan 2, 2006, 3:04:05 PM"))
	f.flag("enabled", true)
	f.str("description", k.alias)
	f.str("keyUsage", k.usage)
	f.str("keyState", "Enabled")
	f.str("origin", k.origin)
	f.str("keyManager", k.manager)
	f.str("customerMasterKeySpec", k.spec)
	f.str("keySpec", k.spec)
	if k.usage == "ENCRYPT_DECRYPT" {
		f.list("encryptionAlgorithms", "SYMMETRIC_DEFAULT")
		f.str("currentKeyMaterialId", k.material)
	}
	f.flag("multiRegion", k.multiRegion)
	f.shut()
	return f.whole()
}

// plan is Terraform reading every key of its state.
func (s *stage) plan(who *session, from endpoint, keys []*key, after time.Duration) {
	for _, k := range keys {
		for _, name := range []string{"DescribeKey", "GetKeyPolicy", "GetKeyRotationStatus", "ListResourceTags"} {
			after += s.dice.pause(10*time.Millisecond, 60*time.Millisecond)
			s.look(name, who, from, k, after)
		}
	}
	if len(keys) > 0 {
		s.make(call{after: after, name: "ListAliases", who: who, from: from, region: keys[0].region})
	}
}

// changed is one change of a key through the pipeline: its policy, or its tags.
func (s *stage) changed(k *key) {
	who, from := s.pipeline(k.service.account, k.service.team, terraformAgent)
	s.plan(who, from, k.service.keys, 0)
	f := s.begin()
	f.str("keyId", k.id)
	if s.dice.chance(0.4) {
		f.str("policyName", "default")
		f.str("policy", s.policy(k))
		f.flag("bypassPolicyLockoutSafetyCheck", false)
		s.make(call{after: 40 * time.Second, name: "PutKeyPolicy", who: who, from: from, key: k, request: f.whole()})
		return
	}
	f.raw("tags", `[{"tagKey":"release","tagValue":"`+itoa(s.dice.number(900))+`"}]`)
	s.make(call{after: 40 * time.Second, name: "TagResource", who: who, from: from, key: k, request: f.whole()})
}

// retire is the platform's pipeline putting a key out of use, in the open.
func (s *stage) retire(k *key, name string) {
	who, from := s.pipeline(k.service.account, "platform", terraformAgent)
	f := s.begin()
	f.str("keyId", k.id)
	answer := ""
	if name == "ScheduleKeyDeletion" {
		f.number("pendingWindowInDays", 30)
		answer = s.scheduled(k, 30)
	}
	s.make(call{name: name, who: who, from: from, key: k, request: f.whole(), answer: answer})
}

// scheduled is the answer to ScheduleKeyDeletion.
func (s *stage) scheduled(k *key, days int) string {
	var f fields
	f.str("keyId", k.arn)
	f.str("deletionDate", time.UnixMilli(s.now+int64(days)*dayMillis).UTC().Format("Jan 2, 2006, 3:04:05 PM"))
	f.str("keyState", "PendingDeletion")
	f.number("pendingWindowInDays", days)
	return f.whole()
}

// lifeOfService is its releases.
func (f *fleet) lifeOfService(v *service) []*actor {
	return []*actor{f.act("deploy", v.role.arn(), max(f.start, v.born), func(s *stage) int64 {
		if s.now > max(f.start, v.born) && s.now < v.dies {
			s.deploy(v)
		}
		return s.again(max(v.deploys/7, 0.01), v.clock, office, nil)
	})}
}

// deploy is one release: the pipeline plans, reads the secrets and settings it hands on, and replaces all hosts.
func (s *stage) deploy(v *service) {
	who, from := s.pipeline(v.account, v.team, terraformAgent)
	s.plan(who, from, v.keys, 0)
	after := 30 * time.Second
	for _, k := range s.keys {
		if k.service.account != v.account || k.region != v.region || k.created > s.now || k.service.dies < s.now {
			continue
		}
		own := k.service == v
		switch {
		case k.use == forSecrets && (own || k.things > 20):
			for i := range min(k.things, 6+s.dice.number(30)) {
				after += s.dice.pause(60*time.Millisecond, 900*time.Millisecond)
				s.secret(who, k, i, after)
			}
		case k.use == forParameters && own:
			for i := range min(k.things, 25) {
				after += 150 * time.Millisecond
				s.parameterOf(who, k, i, after)
			}
		}
	}
	v.deployed()
}
