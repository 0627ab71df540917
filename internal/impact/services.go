package impact

import "time"

const (
	kmsDocs = "https://docs.aws.amazon.com/kms/latest/developerguide/unusable-kms-keys.html"
	rdsDocs = "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Overview.Encryption.html"

	day = 24 * time.Hour
)

// service is what is known of an AWS service that encrypts under its users' keys.
type service struct {
	id, name string
	// principals are what the service is called in CloudTrail's invokedBy and in grants, up to the first dot.
	principals []string
	// contexts are the names in encryption contexts whose values are the service's resources.
	contexts []context
	named    bool   // CloudTrail always names the service, so that "AWS Internal" is another one
	what     noun   // what its resources are called
	breaks   string // when the key cannot be used; "": unknown
	// noReturn says what cannot be undone any more, after so long without the key. A zero after with a text: at once.
	after    time.Duration
	noReturn string
	recovers string // once the key can be used again
	// cut is what revoking the service's grant does beyond that; "": the same as disabling the key.
	cut    string
	source string // where AWS documents it
	move   mover
}

// noun is a word for one and for many.
type noun struct{ one, many string }

// context is a name in encryption contexts, and what its values begin with.
type context struct {
	name   string
	prefix []string
}

// services is the table. Where an encryption context has names of several rows, the first row has it: CloudTrail's has
// S3's too, and a database's its volume's. S3 lets its callers add to its contexts, so that all others come after it. A
// service without a row breaks in unknown ways: see unknownBreak.
var services = []service{
	{
		id: "cloudtrail", name: "AWS CloudTrail", principals: []string{"cloudtrail"}, named: true,
		what:     noun{"trail", "trails"},
		contexts: []context{{"aws:cloudtrail:arn", []string{"arn:"}}},
		breaks:   "Log files can be neither delivered nor read. rotd goes blind with it, and so does everybody else.",
		noReturn: "events of the time without the key may never be delivered", recovers: "by itself",
		source: "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/" +
			"encrypting-cloudtrail-log-files-with-aws-kms.html",
		move: moveTrail,
	},
	{
		id: "s3", name: "Amazon S3", principals: []string{"s3"}, what: noun{"bucket", "buckets"},
		contexts: []context{{"aws:s3:arn", []string{"arn:"}}},
		breaks: "Objects under the key can be neither read nor written. Buckets with an S3 Bucket Key notice later: S3 " +
			"keeps that key for a while.",
		recovers: "by itself: the objects stay as they are, however long it takes",
		source:   "https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html",
		move:     moveBucket,
	},
	{
		id: "rds", name: "Amazon RDS, Aurora, DocumentDB, Neptune", principals: []string{"rds", "docdb", "neptune"},
		what:     noun{"database", "databases"},
		contexts: []context{{"aws:rds:db-id", []string{"db-"}}, {"aws:rds:dbc-id", []string{"cluster-"}}},
		breaks:   "Databases stop: state inaccessible-encryption-credentials-recoverable.",
		after:    7 * day,
		noReturn: "state inaccessible-encryption-credentials: only a restore from a backup brings the database back, and " +
			"that needs the key. Neptune promises no recoverable state at all",
		recovers: "start each database again, within the 7 days: aws rds start-db-instance, start-db-cluster",
		cut:      "A grant that the service made for a database cannot be made again by anybody else.",
		source:   rdsDocs, move: moveDatabase,
	},
	{
		id: "ebs", name: "Amazon EBS", principals: []string{"ec2", "ebs", "rds"},
		what:     noun{"volume or snapshot", "volumes and snapshots"},
		contexts: []context{{"aws:ebs:id", []string{"vol-", "snap-"}}},
		breaks: "Attached volumes go on. Once detached, or when their instance is stopped or started, they cannot be " +
			"attached again; snapshots and new volumes fail.",
		recovers: "attach the volume or start the instance again; what is on it stays, however long it takes",
		cut:      "An attached volume's grant belongs to its instance: the next attachment makes a new one.",
		source:   kmsDocs, move: moveVolume,
	},
	{
		id: "dynamodb", name: "Amazon DynamoDB", principals: []string{"dynamodb"}, what: noun{"table", "tables"},
		contexts: []context{{"aws:dynamodb:tableName", nil}},
		breaks:   "Tables become inaccessible: state INACCESSIBLE_ENCRYPTION_CREDENTIALS, reads and writes fail.",
		after:    7 * day,
		noReturn: "DynamoDB archives the table: it is deleted, and a backup of it kept, which needs the key",
		recovers: "by itself within the 7 days; afterwards restore the backup",
		source:   "https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TableDescription.html", move: moveTable,
	},
	{
		id: "redshift", name: "Amazon Redshift", principals: []string{"redshift", "redshift-serverless"},
		what:     noun{"warehouse", "warehouses"},
		contexts: []context{{"aws:redshift:arn", []string{"arn:"}}},
		breaks:   "Warehouses stop: state inaccessible-kms-key, no queries. Redshift takes a backup first.",
		after:    14 * day, noReturn: "Redshift deletes the warehouse; its backup stays",
		recovers: "by itself within the 14 days; afterwards restore the backup",
		source:   "https://docs.aws.amazon.com/redshift/latest/mgmt/working-with-db-encryption.html", move: moveWarehouse,
	},
	{
		id: "efs", name: "Amazon EFS", principals: []string{"elasticfilesystem"},
		what:     noun{"file system", "file systems"},
		contexts: []context{{"aws:elasticfilesystem:filesystem:id", []string{"fs-"}}},
		breaks:   "Mounted file systems go on for a while and then stop.",
		recovers: "by itself: what is in them stays, however long it takes",
		cut:      "The file system stops after a while, as if the key were disabled.",
		source:   "https://docs.aws.amazon.com/efs/latest/ug/use-kms-key.html", move: moveFileSystem,
	},
	{
		id: "secretsmanager", name: "AWS Secrets Manager", principals: []string{"secretsmanager"},
		what:     noun{"secret", "secrets"},
		contexts: []context{{"SecretARN", []string{"arn:"}}},
		breaks: "Secrets can be neither read nor changed nor rotated. Applications that keep them go on until they ask " +
			"again.",
		recovers: "by itself: the secrets stay, however long it takes",
		source:   "https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html",
		move:     moveSecret,
	},
	{
		id: "ssm", name: "Systems Manager parameters", principals: []string{"ssm"}, what: noun{"parameter", "parameters"},
		contexts: []context{{"PARAMETER_ARN", []string{"arn:"}}},
		breaks:   "SecureString parameters can be neither read nor changed.",
		recovers: "by itself: the parameters stay, however long it takes",
		source:   "https://docs.aws.amazon.com/kms/latest/developerguide/services-parameter-store.html", move: moveParameter,
	},
	{
		id: "lambda", name: "AWS Lambda", principals: []string{"lambda"}, what: noun{"function", "functions"},
		contexts: []context{{"aws:lambda:FunctionArn", []string{"arn:"}}},
		breaks:   "Calls of the functions fail with KMSDisabledException as soon as they need a new environment.",
		recovers: "by itself: the functions stay, however long it takes",
		source:   "https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html", move: moveFunction,
	},
	{
		id: "logs", name: "CloudWatch Logs", principals: []string{"logs"}, what: noun{"log group", "log groups"},
		contexts: []context{{"aws:logs:arn", []string{"arn:"}}},
		breaks:   "Log events can be neither read nor taken in.",
		noReturn: "events that cannot be taken in are lost unless their sender keeps them", recovers: "by itself",
		source: "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html", move: moveLogGroup,
	},
	{
		id: "sqs", name: "Amazon SQS", principals: []string{"sqs"}, what: noun{"queue", "queues"},
		contexts: []context{{"aws:sqs:arn", []string{"arn:"}}},
		breaks: "Sending and receiving fail with KMS.DisabledException once the queue's data key is used up (5 minutes, if " +
			"nothing else is configured).",
		after:    4 * day,
		noReturn: "messages past the queue's retention are lost: 4 days, if nothing else is configured",
		recovers: "by itself",
		source:   "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html",
		move:     moveQueue,
	},
	{
		id: "sns", name: "Amazon SNS", principals: []string{"sns"}, what: noun{"topic", "topics"},
		contexts: []context{{"aws:sns:topicArn", []string{"arn:"}}},
		breaks:   "Publishing fails with KMSDisabled.",
		noReturn: "messages that their publisher does not keep are lost", recovers: "by itself",
		source: "https://docs.aws.amazon.com/sns/latest/api/API_Publish.html", move: moveTopic,
	},
	{
		id: "kinesis", name: "Kinesis Data Streams", principals: []string{"kinesis"}, what: noun{"stream", "streams"},
		contexts: []context{{"aws:kinesis:arn", []string{"arn:"}}},
		breaks:   "Putting and getting records fails with KMSDisabledException.", after: day,
		noReturn: "records past the stream's retention are lost: 24 hours, if nothing else is configured",
		recovers: "by itself", source: "https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecord.html",
		move: moveStream,
	},
	{
		id: "opensearch", name: "Amazon OpenSearch Service", principals: []string{"es", "opensearchservice"},
		what:   noun{"domain", "domains"},
		breaks: "Domains become inaccessible.", recovers: "by itself, soon after the key is enabled",
		cut: "A domain whose grant is revoked or whose key is deleted cannot be recovered; a manual snapshot of it can " +
			"become a new domain.",
		source: "https://docs.aws.amazon.com/opensearch-service/latest/developerguide/encryption-at-rest.html",
	},
	{
		id: "backup", name: "AWS Backup", principals: []string{"backup"}, what: noun{"vault", "vaults"},
		contexts: []context{{"aws:backup:backup-vault", nil}},
		breaks:   "Backups into the vault and restores from it fail; what is in it stays.",
		recovers: "by itself; backups that fell due meanwhile are missing",
		source:   kmsDocs, move: moveVault,
	},
	{
		id: "ecr", name: "Amazon ECR", principals: []string{"ecr"}, what: noun{"repository", "repositories"},
		contexts: []context{{"aws:ecr:arn", []string{"arn:"}}},
		breaks:   "Images can be neither pulled nor pushed; what runs goes on until it has to pull again.",
		recovers: "by itself: the images stay, however long it takes",
		cut:      "ECR makes one grant for a repository, with the repository: it makes no other.",
		source:   "https://docs.aws.amazon.com/AmazonECR/latest/userguide/encryption-at-rest.html", move: moveRepository,
	},
	{id: "msk", name: "Amazon MSK", principals: []string{"kafka"}, what: noun{"cluster", "clusters"}},
	{id: "fsx", name: "Amazon FSx", principals: []string{"fsx"}, what: noun{"file system", "file systems"}},
}

// unknownBreak is what is said of a service that the table says nothing of.
const unknownBreak = "Unknown: assume that it stops at once and that it may not come back."
