package traffic

import "time"

func secretARN(k *key, i int) string {
	return "arn:aws:secretsmanager:" + k.region + ":" + k.account + ":secret:" + k.names[i%len(k.names)]
}

// secret is Secrets Manager decrypting one of a key's secrets for somebody. KMS sees the service's name, no network.
func (s *stage) secret(who *session, k *key, i int, after time.Duration) {
	f := s.begin()
	f.str("encryptionAlgorithm", algorithm)
	f.open("encryptionContext")
	f.str("SecretARN", secretARN(k, i))
	version := dice{}.fork(k.names[i%len(k.names)])
	f.str("SecretVersionId", version.uuid())
	f.shut()
	from := through("secretsmanager.amazonaws.com")
	from.vpce = k.service.account.vpce["secretsmanager"+k.region]
	s.make(call{after: after, name: "Decrypt", who: who, from: from, key: k, request: f.whole()})
}

// ownSecrets is how many of a key's secrets an application reads.
const ownSecrets = 5

// ownSecret is an application reading one of its own few; now and then a secret is written anew.
func (s *stage) ownSecret(k *key) {
	reader := k.service
	if k.things > ownSecrets && s.dice.chance(0.4) { // a shared key: another service of the account
		if v := s.services[s.dice.number(len(s.services))]; v.account == reader.account && v.region == reader.region &&
			s.now > v.born && s.now < v.dies {
			reader = v
		}
	}
	who, _ := s.host(reader)
	base := dice{}.fork(reader.name)
	own := base.number(k.things)
	if s.dice.chance(0.01) {
		f := s.begin()
		f.str("keyId", k.alias)
		f.str("keySpec", "AES_256")
		f.open("encryptionContext")
		f.str("SecretARN", secretARN(k, own))
		f.str("SecretVersionId", s.dice.uuid())
		f.shut()
		s.make(call{
			name: "GenerateDataKey", who: who, from: through("secretsmanager.amazonaws.com"), key: k, request: f.whole(),
		})
		return
	}
	s.secret(who, k, own+s.dice.few(ownSecrets), 0)
}

// batchSecret is the nightly job reading one secret after another.
func (s *stage) batchSecret(k *key, i int) {
	r := k.service.account.role(k.service.team+"-nightly", "/batch/", "")
	at := dice{}.fork(k.id + time.UnixMilli(s.now).UTC().Format(time.DateOnly))
	who := at.newSession(r, at.text("nightly-", hexDigits, 8), s.now/hourMillis*hourMillis, time.Hour, false)
	s.secret(who, k, i, 0)
}

// parameter is Systems Manager decrypting a SecureString.
func (s *stage) parameter(k *key) {
	who, _ := s.host(k.service)
	s.parameterOf(who, k, s.dice.few(k.things), 0)
}

func (s *stage) parameterOf(who *session, k *key, i int, after time.Duration) {
	f := s.begin()
	f.str("encryptionAlgorithm", algorithm)
	f.open("encryptionContext")
	f.named("PARAMETER_ARN", "arn:aws:ssm:"+k.region+":"+k.account+":parameter/"+k.service.name+"/settings/", i, "")
	f.shut()
	s.make(call{after: after, name: "Decrypt", who: who, from: through(awsInternal), key: k, request: f.whole()})
}

// function is Lambda decrypting a function's environment at a cold start.
func (s *stage) function(k *key) {
	r := k.service.account.role(k.service.name+"-function", "/service-role/", k.resource)
	who := s.dice.newSession(r, k.service.name+"-handler", s.now, functionLogin, false)
	f := s.begin()
	f.str("encryptionAlgorithm", algorithm)
	f.open("encryptionContext")
	f.str("aws:lambda:FunctionArn", k.resource)
	f.shut()
	s.make(call{name: "Decrypt", who: who, from: through("lambda.amazonaws.com"), key: k, request: f.whole()})
}
