package detection

import (
	"fmt"

	"rotd/internal/events"
	"rotd/internal/finding"
)

// s3Source is the eventSource of S3's records, of which a trail has those about objects only when it is told to.
const s3Source = "s3.amazonaws.com"

func foreignKeyEncryption() Rule {
	return Rule{
		ID: "foreign-key-encryption", Title: "An object was encrypted with an untrusted account's key",
		Severity: finding.High, Mitre: []string{"T1486"},
		Wants: []Wanted{{Source: s3Source, Names: []string{"CopyObject", "CreateMultipartUpload", "PutObject"}}},
		Judge: judgeForeignKeyEncryption,
		Doc: Doc{
			Meaning: "Somebody wrote an object to S3 under a KMS key of an account that is not trusted. Only that account " +
				"decides who can read it from now on: objects that are copied onto themselves so are held to ransom.",
			Condition: "CopyObject, PutObject or CreateMultipartUpload (an object in parts, whose key is named where it is " +
				"begun) that succeeded, with a KMS key of an account that is neither rotd's own nor trusted. S3's records about " +
				"objects reach rotd only where the trail has data events. One finding for each bucket and key.",
			Tuning: "`trusted_accounts` in rotd.yaml. Where a trail has very many records of PutObject, " +
				"`detections.disable` saves reading them.",
			FalsePositives: "Objects written for a partner, under the partner's key: trust the account.",
			Response: "Stop the principal. See whether the bucket has former versions of its objects, and deny foreign keys " +
				"in the bucket's policy (s3:x-amz-server-side-encryption-aws-kms-key-id).",
		},
	}
}

func judgeForeignKeyEncryption(c *Context, ev *events.Event) []Found {
	if ev.Failed() {
		return nil
	}
	const header = "x-amz-server-side-encryption-aws-kms-key-id"
	key := ev.ResponseElements.Get(header).Text()
	if arnPart(key, arnAccount) == "" {
		key = ev.RequestString(header)
	}
	owner := arnPart(key, arnAccount)
	if owner == "" || c.trusts(owner) || owner == ev.RecipientAccountID {
		return nil
	}
	bucket := ev.RequestString("bucketName")
	about := target{
		arn: key, id: key, partition: arnPart(key, arnPartition), account: ev.RecipientAccountID, region: ev.AWSRegion,
	}
	did, object, to := "wrote", "an object that the event does not name", "a bucket that it does not name"
	if ev.EventName == "CreateMultipartUpload" {
		did = "began to write"
	}
	if name := ev.RequestString("key"); name != "" {
		object = shown(name)
	}
	f := Found{
		About: about, Subject: place(ev), Discriminator: bucket + "\x00" + key,
		Remedy: []string{
			"If you know the account, add it to trusted_accounts in rotd.yaml. If not, stop the principal's sessions.",
			"See which objects were written so, and whether the bucket has former versions:",
			lookupAccessKey(ev, ev.AWSRegion),
		},
	}
	if bucket != "" {
		to = "bucket " + shown(bucket)
		f.Remedy = append(f.Remedy, awsCLI("s3api get-bucket-versioning", "", "bucket", bucket))
	}
	f.Remedy = append(f.Remedy,
		"Deny foreign keys in the bucket's policy: a condition on s3:x-amz-server-side-encryption-aws-kms-key-id.")
	f.Description = fmt.Sprintf("%s %s %s to %s (%s), encrypted with %s of account %s, which is not trusted. "+
		"Only that account decides who can read the object from now on.", who(ev), did, object, to, shown(ev.EventName),
		shown(key), shown(owner))
	return one(f)
}
