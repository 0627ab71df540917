package impact

import (
	"strings"

	"rotd/internal/inventory"
)

// resource is one that is to be moved to another key.
type resource struct {
	name, value string // as the encryption context has it; see isName for what value is made of
	key         *inventory.Key
	to          string
}

// move is how that is done.
type move struct {
	how      string
	caveats  []string
	commands []string
}

type mover func(r resource) move

// cli is a command in the key's Region.
func (r resource) cli(command string, options ...string) string {
	return awsCLI(command, r.key.Region, options...)
}

func moveTrail(r resource) move {
	return move{
		how:      "The trail is given the other key; log files that are there are objects in its bucket.",
		caveats:  []string{"The other key's policy must let CloudTrail use it, and let in who reads the log."},
		commands: []string{r.cli("cloudtrail update-trail", "name", r.value, "kms-key-id", r.to)},
	}
}

func moveBucket(r resource) move {
	bucket := strings.TrimPrefix(r.value, "arn:"+r.key.Partition+":s3:::")
	return move{
		how: "rotd copies the objects onto themselves; the bucket's default is yours to change first.",
		caveats: []string{
			"New objects go under the bucket's default key, unless their writer names one.",
			"Keep BucketKeyEnabled as the bucket has it now: aws s3api get-bucket-encryption says how.",
		},
		commands: []string{
			awsCLI("s3api put-bucket-encryption", r.key.Region, "bucket", bucket, "server-side-encryption-configuration",
				`{"Rules":[{"ApplyServerSideEncryptionByDefault":{"SSEAlgorithm":"aws:kms","KMSMasterKeyID":"`+r.to+
					`"},"BucketKeyEnabled":true}]}`),
			"rotd reencrypt --s3 " + argument("s3://"+bucket) + " --from " + argument(r.key.ARN) + " --to " + argument(r.to) +
				" --reason TEXT",
		},
	}
}

func moveDatabase(r resource) move {
	m := move{
		how: "A database keeps its key for life: it is restored from a copy of a snapshot under the other key.",
		caveats: []string{
			"What is written after the snapshot is not in the new database: stop writing first.",
			"The new database has another endpoint, and needs the old one's subnet, security and parameter groups.",
			"Older snapshots and automated backups stay under the old key.",
		},
	}
	if r.name == "aws:rds:dbc-id" {
		m.commands = []string{
			r.cli("rds describe-db-clusters", "query",
				"DBClusters[?DbClusterResourceId=='"+r.value+"'].DBClusterIdentifier", "output", "text"),
			r.cli("rds create-db-cluster-snapshot", "db-cluster-identifier", "CLUSTER", "db-cluster-snapshot-identifier", "OLD"),
			r.cli("rds wait db-cluster-snapshot-available", "db-cluster-snapshot-identifier", "OLD"),
			r.cli("rds copy-db-cluster-snapshot", "source-db-cluster-snapshot-identifier", "OLD",
				"target-db-cluster-snapshot-identifier", "NEW", "kms-key-id", r.to),
			r.cli("rds wait db-cluster-snapshot-available", "db-cluster-snapshot-identifier", "NEW"),
			r.cli("rds restore-db-cluster-from-snapshot", "db-cluster-identifier", "NEW-CLUSTER", "snapshot-identifier", "NEW",
				"engine", "ENGINE"),
		}
		return m
	}
	m.commands = []string{
		r.cli("rds describe-db-instances", "query",
			"DBInstances[?DbiResourceId=='"+r.value+"'].DBInstanceIdentifier", "output", "text"),
		r.cli("rds create-db-snapshot", "db-instance-identifier", "INSTANCE", "db-snapshot-identifier", "OLD"),
		r.cli("rds wait db-snapshot-available", "db-snapshot-identifier", "OLD"),
		r.cli("rds copy-db-snapshot", "source-db-snapshot-identifier", "OLD", "target-db-snapshot-identifier", "NEW",
			"kms-key-id", r.to),
		r.cli("rds wait db-snapshot-available", "db-snapshot-identifier", "NEW"),
		r.cli("rds restore-db-instance-from-db-snapshot", "db-instance-identifier", "NEW-INSTANCE", "db-snapshot-identifier",
			"NEW"),
	}
	return m
}

func moveVolume(r resource) move {
	m := move{
		how: "A volume keeps its key for life: a copy of a snapshot under the other key becomes a new volume.",
		caveats: []string{
			"What is written after the snapshot is not on the new volume: stop writing first.",
			"Each command's answer has the id that the next one needs. Older snapshots stay under the old key.",
		},
	}
	snapshot := "SNAPSHOT"
	if strings.HasPrefix(r.value, "snap-") {
		snapshot = r.value
	} else {
		m.commands = append(m.commands, r.cli("ec2 create-snapshot", "volume-id", r.value),
			r.cli("ec2 wait snapshot-completed", "snapshot-ids", "SNAPSHOT"))
	}
	m.commands = append(m.commands, r.cli("ec2 copy-snapshot", "source-region", r.key.Region, "source-snapshot-id",
		snapshot, "encrypted", "", "kms-key-id", r.to))
	if snapshot == "SNAPSHOT" {
		m.commands = append(m.commands,
			r.cli("ec2 wait snapshot-completed", "snapshot-ids", "COPY"),
			r.cli("ec2 create-volume", "snapshot-id", "COPY", "availability-zone", "ZONE"),
			r.cli("ec2 detach-volume", "volume-id", r.value),
			r.cli("ec2 attach-volume", "volume-id", "NEW-VOLUME", "instance-id", "INSTANCE", "device", "DEVICE"))
	}
	return m
}

func moveTable(r resource) move {
	return move{
		how:     "The table is given the other key and goes on meanwhile.",
		caveats: []string{"Backups, and what point-in-time recovery keeps, stay under the old key."},
		commands: []string{
			r.cli("dynamodb update-table", "table-name", r.value, "sse-specification",
				"Enabled=true,SSEType=KMS,KMSMasterKeyId="+r.to),
		},
	}
}

func moveWarehouse(r resource) move {
	return move{
		how:     "The cluster is given the other key; Redshift moves the data, which may take hours to days.",
		caveats: []string{"Snapshots stay under the old key. A serverless namespace: redshift-serverless update-namespace."},
		commands: []string{
			r.cli("redshift modify-cluster", "cluster-identifier", afterARN(r.value, "cluster:"), "encrypted", "", "kms-key-id",
				r.to),
		},
	}
}

func moveFileSystem(r resource) move {
	return move{
		how:     "A file system keeps its key for life: it is replicated to a new one under the other key.",
		caveats: []string{"Clients have to mount the new file system, once the replication has ended."},
		commands: []string{
			r.cli("efs create-replication-configuration", "source-file-system-id", r.value, "destinations",
				"Region="+r.key.Region+",KmsKeyId="+r.to),
			r.cli("efs describe-replication-configurations", "file-system-id", r.value),
			r.cli("efs delete-replication-configuration", "source-file-system-id", r.value),
		},
	}
}

func moveSecret(r resource) move {
	return move{
		how: "The secret is given the other key; its current, pending and previous versions are encrypted anew.",
		caveats: []string{
			"Older versions stay under the old key. If the key was misused, the secret itself is to be changed as well: " +
				"rotate-secret, where a rotation is configured.",
		},
		commands: []string{
			r.cli("secretsmanager update-secret", "secret-id", r.value, "kms-key-id", r.to),
			r.cli("secretsmanager rotate-secret", "secret-id", r.value),
		},
	}
}

func moveParameter(r resource) move {
	name := afterARN(r.value, "parameter/")
	if strings.Contains(name, "/") {
		name = "/" + name
	}
	return move{
		how: "The parameter is written again under the other key.",
		caveats: []string{
			"The value passes through the shell: keep it out of its history and log. Earlier versions stay under the old key.",
			"If the key was misused, write a new value instead of the old one.",
		},
		commands: []string{
			`value=$(` + r.cli("ssm get-parameter", "name", name, "with-decryption", "", "query", "Parameter.Value", "output",
				"text") + `)`,
			r.cli("ssm put-parameter", "name", name, "type", "SecureString", "key-id", r.to, "overwrite", "") +
				` --value "$value"; unset value`,
		},
	}
}

func moveFunction(r resource) move {
	return move{
		how:     "The function is given the other key.",
		caveats: []string{"Published versions keep the old key: publish a new one and move the function's aliases."},
		commands: []string{
			r.cli("lambda update-function-configuration", "function-name", r.value, "kms-key-arn", r.to),
		},
	}
}

func moveLogGroup(r resource) move {
	return move{
		how:     "New log events go under the other key.",
		caveats: []string{"Events that are there stay under the old key until their retention ends: keep it enabled."},
		commands: []string{
			r.cli("logs associate-kms-key", "log-group-name", strings.TrimSuffix(afterARN(r.value, "log-group:"), ":*"),
				"kms-key-id", r.to),
		},
	}
}

func moveQueue(r resource) move {
	name := r.value[strings.LastIndex(r.value, ":")+1:]
	return move{
		how:     "New messages go under the other key.",
		caveats: []string{"Messages that are there stay under the old key until they are received."},
		commands: []string{
			"queue=$(" + r.cli("sqs get-queue-url", "queue-name", name, "query", "QueueUrl", "output", "text") + ")",
			r.cli("sqs set-queue-attributes", "attributes", "KmsMasterKeyId="+r.to) + ` --queue-url "$queue"`,
		},
	}
}

func moveTopic(r resource) move {
	return move{
		how:     "The topic is given the other key.",
		caveats: []string{"Its policy must let those services in that publish to the topic."},
		commands: []string{
			r.cli("sns set-topic-attributes", "topic-arn", r.value, "attribute-name", "KmsMasterKeyId", "attribute-value", r.to),
		},
	}
}

func moveStream(r resource) move {
	return move{
		how:     "New records go under the other key.",
		caveats: []string{"Records that are there stay under the old key until their retention ends."},
		commands: []string{
			r.cli("kinesis start-stream-encryption", "stream-name", afterARN(r.value, "stream/"), "encryption-type", "KMS",
				"key-id", r.to),
		},
	}
}

func moveVault(r resource) move {
	vault := r.value[strings.LastIndex(r.value, ":")+1:]
	return move{
		how:     "A vault keeps its key for life: its recovery points are copied into a vault under the other key.",
		caveats: []string{"Plans that back up into the vault have to name the new one."},
		commands: []string{
			r.cli("backup create-backup-vault", "backup-vault-name", "NEW-VAULT", "encryption-key-arn", r.to),
			r.cli("backup list-recovery-points-by-backup-vault", "backup-vault-name", vault),
			r.cli("backup start-copy-job", "recovery-point-arn", "RECOVERY-POINT", "source-backup-vault-name",
				vault, "destination-backup-vault-arn", "NEW-VAULT-ARN", "iam-role-arn",
				"ROLE"),
		},
	}
}

func moveRepository(r resource) move {
	return move{
		how:     "A repository keeps its key for life: its images are pushed to one under the other key.",
		caveats: []string{"Whoever pulls has to name the new repository."},
		commands: []string{
			r.cli("ecr create-repository", "repository-name", "NEW-REPOSITORY", "encryption-configuration",
				"encryptionType=KMS,kmsKey="+r.to),
			r.cli("ecr list-images", "repository-name", afterARN(r.value, "repository/")),
		},
	}
}
