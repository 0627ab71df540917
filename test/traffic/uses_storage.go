package traffic

import "time"

// begin is an empty request.
func (s *stage) begin() *fields {
	s.scratch = s.scratch[:0]
	return &s.scratch
}

const algorithm = "SYMMETRIC_DEFAULT"

// An object of a bucket, or the bucket when it has a bucket key: S3's encryption context.
func (k *key) arnOfObjects(f *fields, d *dice) {
	f.named("aws:s3:arn", k.resource+"/part-", d.few(k.things), ".bin")
}

func (k *key) arnOfBucket(f *fields, _ *dice) { f.str("aws:s3:arn", k.resource) }

// object is S3 encrypting or decrypting one of a bucket's objects for the application.
func (s *stage) object(k *key, context func(f *fields, d *dice)) {
	who, _ := s.host(k.service)
	name, write := "Decrypt", s.dice.chance(0.3)
	if write {
		name = "GenerateDataKey"
	}
	s.make(call{name: name, who: who, from: through(awsInternal), key: k, request: s.s3Request(k, write, context)})
}

func (s *stage) s3Request(k *key, write bool, context func(f *fields, d *dice)) string {
	f := s.begin()
	if write {
		f.str("keyId", k.arn)
	}
	f.open("encryptionContext")
	context(f, &s.dice)
	f.shut()
	if write {
		f.str("keySpec", "AES_256")
	} else {
		f.str("encryptionAlgorithm", algorithm)
	}
	return f.whole()
}

// volume is an instance started with an encrypted volume: Auto Scaling grants, EC2 makes a data key and decrypts it.
func (s *stage) volume(k *key) {
	v := k.service
	account := v.account
	linked := account.linked("autoscaling", "AWSServiceRoleForAutoScaling")
	who := s.dice.newSession(linked, "AutoScaling", s.now, time.Hour, false)
	instance, volume := s.dice.text("i-0", hexDigits, 16), s.dice.text("vol-0", hexDigits, 16)

	f := s.begin()
	f.str("keyId", k.arn)
	f.open("constraints")
	f.volume("encryptionContextSubset", volume)
	f.shut()
	f.list("operations", "Decrypt")
	f.str("granteePrincipal", "arn:aws:sts::", k.account, ":assumed-role/aws:ec2-infrastructure/", instance)
	s.make(call{
		name: "CreateGrant", who: who, from: through("autoscaling.amazonaws.com"), key: k,
		request: f.whole(), answer: s.granted(k),
	})

	f = s.begin()
	f.volume("encryptionContext", volume)
	f.number("numberOfBytes", 64)
	f.str("keyId", k.arn)
	s.make(call{
		after: 400 * time.Millisecond, name: "GenerateDataKeyWithoutPlaintext", who: who,
		from: through("autoscaling.amazonaws.com"), key: k, request: f.whole(),
	})
	s.attach(k, instance, volume, 1500*time.Millisecond)
}

func (s *stage) attach(k *key, instance, volume string, after time.Duration) {
	f := s.begin()
	f.str("encryptionAlgorithm", algorithm)
	f.volume("encryptionContext", volume)
	s.make(call{
		after: after, name: "Decrypt", who: infrastructure(k.account, instance, s.now),
		from: through(awsInternal), key: k, request: f.whole(),
	})
}

func (f *fields) volume(context, volume string) {
	f.open(context)
	f.str("aws:ebs:id", volume)
	f.shut()
}

// granted is the answer to CreateGrant.
func (s *stage) granted(k *key) string {
	var f fields
	f.str("grantId", s.dice.text("", hexDigits, 64))
	f.str("keyId", k.arn)
	return f.whole()
}

// database is RDS opening, saving or copying a database: it acts by itself, by a grant made with the database.
func (s *stage) database(k *key) {
	who := serviceSession("rds")
	f := s.begin()
	name := "Decrypt"
	if s.dice.chance(0.2) {
		name = "GenerateDataKey"
		f.str("keyId", k.arn)
		f.str("keySpec", "AES_256")
	} else {
		f.str("encryptionAlgorithm", algorithm)
	}
	f.open("encryptionContext")
	f.str("aws:rds:db-id", k.resource)
	f.shut()
	s.make(call{name: name, who: who, from: through("rds.amazonaws.com"), key: k, request: f.whole()})
	if s.dice.chance(0.15) { // a snapshot's volume
		f = s.begin()
		f.str("keyId", k.arn)
		f.open("constraints")
		f.open("encryptionContextEquals")
		f.str("aws:rds:db-id", k.resource)
		f.shut()
		f.shut()
		f.str("granteePrincipal", "rds.", k.region, ".amazonaws.com")
		f.str("retiringPrincipal", "rds.", k.region, ".amazonaws.com")
		f.list("operations", "Decrypt", "Encrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "ReEncryptFrom",
			"ReEncryptTo", "CreateGrant", "RetireGrant", "DescribeKey")
		s.make(call{
			after: 2 * time.Second, name: "CreateGrant", who: who, from: through("rds.amazonaws.com"), key: k,
			request: f.whole(), answer: s.granted(k),
		})
	}
}

// table is DynamoDB decrypting a table's key for a principal, once in five minutes of traffic.
func (s *stage) table(k *key) {
	who, _ := s.host(k.service)
	f := s.begin()
	f.str("encryptionAlgorithm", algorithm)
	f.open("encryptionContext")
	f.str("aws:dynamodb:tableName", k.resource)
	f.str("aws:dynamodb:subscriberId", k.account)
	f.shut()
	s.make(call{name: "Decrypt", who: who, from: through("dynamodb.amazonaws.com"), key: k, request: f.whole()})
}

// queue is SQS using its data key for a sender or receiver: each key is used for five minutes.
func (s *stage) queue(k *key) {
	who, _ := s.host(k.service)
	f := s.begin()
	name := "Decrypt"
	if s.dice.chance(0.4) {
		name = "GenerateDataKey"
		f.str("keyId", k.arn)
		f.number("numberOfBytes", 32)
	}
	f.open("encryptionContext")
	f.str("aws:sqs:arn", k.resource)
	f.shut()
	if name == "Decrypt" {
		f.str("encryptionAlgorithm", algorithm)
	}
	s.make(call{name: name, who: who, from: through("sqs.amazonaws.com"), key: k, request: f.whole()})
}

const (
	trailBucket = "arn:aws:s3:::organisation-trail"
	trailName   = "organisation"
)

// trailARN is the organisation's trail, in the account whose key it is encrypted with.
func trailARN(k *key) string {
	return "arn:aws:cloudtrail:" + k.region + ":" + k.account + ":trail/" + trailName
}

// trailFile is CloudTrail writing a log file.
func (s *stage) trailFile(k *key) {
	at := time.UnixMilli(s.now).UTC()
	account := pick(&s.dice, s.accounts).id
	f := s.begin()
	f.str("keyId", k.arn)
	f.open("encryptionContext")
	f.str("aws:cloudtrail:arn", trailARN(k))
	f.str("aws:s3:arn", trailBucket, "/AWSLogs/", account, "/CloudTrail/", k.region, at.Format("/2006/01/02/"), account,
		"_CloudTrail_", k.region, at.Format("_20060102T1504Z_"), s.dice.text("", lettersBoth, 16), ".json.gz")
	f.shut()
	f.str("keySpec", "AES_256")
	s.make(call{
		name: "GenerateDataKey", who: serviceSession("cloudtrail"), from: through("cloudtrail.amazonaws.com"), key: k,
		request: f.whole(), shared: s.dice.uuid(),
	})
}
