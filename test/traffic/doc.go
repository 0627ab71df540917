// Package traffic makes the KMS traffic of an organisation as CloudTrail would deliver it: months of ordinary calls,
// and attacks among them. Detections are measured with it: how many of the attacks they find, and how much they say
// about what is in order. It was written before the rules that learn had any thresholds, from what the world is like,
// and it must not be changed to make a rule look good. What it models too kindly is listed below.
//
// It is no test of decoding (package events has real records for that), it does not simulate KMS (awssim does: here
// nothing answers, and no call has an effect on another, but for the material that rotations change), and it judges
// nothing.
//
//	w := traffic.World{Seed: 1, Keys: 200, Weeks: 12}
//	w.Attacks = w.EveryAttack()
//	for r := range w.Records() { … }
//
// # How it is made
//
// A World makes a fleet: accounts, services with their applications, keys, people, robots. Each of them is an actor
// that takes turns; a turn makes calls and says when the next one is. Each actor has dice of its own, so that attacks
// leave the ordinary records as they are. Rates of turns follow a rhythm, the service's size, its growth and its
// troubled days. Records go through the parcel service of stage.go and come out in the order of their delivery.
//
// # Sources of ordinary records
//
// Record.Source; how many there are a day is in rates_test.go.
//
//	s3, s3-bucket-key           an object's or the bucket's ARN as context; the application's role, AWS Internal
//	ebs                         Auto Scaling's grants and data keys, Decrypt by aws:ec2-infrastructure, session i-…
//	rds, dynamodb, sqs, lambda  the service calls, with its own context; some as itself, some for the caller
//	secrets, ssm                SecretARN, PARAMETER_ARN; an application reads its few again and again
//	batch                       jobs at night that read dozens of secrets or hundreds of objects, twice as many at the
//	                            end of a month, six times as many when something is done over
//	envelope, …-without-context an application's own calls, direct, through a VPC endpoint or NAT; customers as context
//	signing, hmac               Sign, Verify, GetPublicKey, GenerateMac, VerifyMac
//	cloudtrail                  the trail's own log files
//	deploy, terraform           releases: plans, dozens of secrets, then all hosts are others (blue, green); new keys
//	                            with alias and rotation; changes of policies and tags; keys of switched off services
//	                            disabled, and their deletion scheduled
//	people                      people of three time zones with office hours, summer time, holidays, a fortnight off;
//	                            in the office, at home, on the VPN, on the road; new ones come, others leave
//	on-call                     the same people at any hour, with more haste and another permission set
//	newcomer, rare, re-encrypt  a new job on an old key; a key that wakes up each quarter; a job that moves all data keys
//	failing, forgotten          a job that is denied until its role is mended; one whose key was disabled
//	partner                     a trusted account: only the owner's record is seen, with sharedEventID
//	legacy                      an IAM user with an old access key on the company's own network
//	scanner, config, analyzer   a vendor's tool, AWS Config and Access Analyzer reading all keys, denied at some; Config
//	                            denied its Decrypts, too
//	backup                      AWS Backup's grants
//	kms                         RotateKey, SynchronizeMultiRegionKey, DeleteKey
//	rotd                        rotd's own sweeps and rotations: every 4 and 12 hours. The default has drift swept every
//	                            15 minutes, which would be most records by far and tell nothing more
//	s3-data                     S3's data events of some buckets
//
// # Where the numbers come from
//
// Shapes are those of real records (invictus-ir/aws_dataset, MIT, records of 2023) and of AWS's documentation, brought
// to version 1.11: keyMaterialId, no empty webIdFederationData, TLS 1.3. Order of members is the real one.
// ec2RoleDelivery and inScopeOf are as documented; that KMS's records have them was not seen. Denied calls hide what
// they were about.
//
// Rates follow from how the services cache: SSE-KMS without a bucket key calls KMS for each object, with one a few
// times a day and caller; DynamoDB and SQS every five minutes of traffic; Secrets Manager once a read, and SDK caches
// read once an hour; EBS when a volume is attached; RDS when it starts or saves a database; Lambda at a cold start.
// How much busier one service is than another is log-normal, as sizes in operations usually are: the largest of thirty
// is six times the median. Customers, objects and secrets are used unevenly (few in dice.go). Shares of kinds of keys
// are an estimate from published architectures, not from a census: nobody publishes one.
//
// Delivery: AWS says about five minutes on average; the real trail above has three at the median and ten at most. Here
// it is 45 s and an exponential time with a mean of 3 min more, cut at 15 min; one record in 1,000 twice; one log file
// in 5,000 one to six hours late.
//
// Attacks follow public accounts: secrets read with a stolen session (Permiso on LUCR-3), objects copied onto
// themselves under a key of the attacker (Rhino Security Labs on ransomware with KMS; Codefinger did the like with
// SSE-C), Stratus Red Team's techniques, instance credentials taken through the metadata service (Capital One). Each
// Script says which rules have to find it, by what their rows in the catalogue say, and which may. No script was
// changed after looking at a rule.
//
// # What it models too kindly
//
//   - Attacks do not hinder ordinary calls: nobody meets a key that an attacker disabled.
//   - AWS managed keys are hardly used, and there are no records of other services but those that rules want.
//   - No throttling, no malformed or over-large records, one partition, one way of signing in.
//   - Holidays are those of 2026.
//   - An attacker's network is never one that ordinary people use, and no attacker waits for months.
package traffic
