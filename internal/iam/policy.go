// Package iam writes the IAM policies that rotd's roles need, from what a configuration asks of them: nothing more than
// is used. It is pure.
package iam

import (
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Role is which of rotd's roles a policy is for.
type Role string

// Roles.
const (
	Daemon    Role = "daemon"    // the daemon's own, which reads queues and tells topics
	Member    Role = "member"    // the one assumed in another account
	Emergency Role = "emergency" // the one assumed for the calls of emergency actions alone
)

// Needs is what a configuration asks of the roles. ARNs are whole; lists may be empty.
type Needs struct {
	Partition string
	Accounts  []string // whose keys the role's statements are about; empty: any
	Queues    []string // ARNs
	Topics    []string // ARNs
	Assumes   []string // ARNs of roles in other accounts, and for emergencies
	Lists     bool     // the organization's accounts
	Reports   []string // ARNs of buckets' folders that reports are put to: arn:aws:s3:::bucket/prefix/*
	Snapshots []string // ARNs of buckets' folders that copies of the state are put to and fetched from
	Audit     []string // ARNs of the bucket's folder that the audit log is exported to
	Logs      []string // ARNs of log files in S3 that messages name: arn:aws:s3:::bucket/prefix*
	LogKeys   []string // ARNs of the keys that those are encrypted with
	Objects   []string // ARNs of objects that people move to another key: arn:aws:s3:::bucket/prefix*

	SnapshotKey     string // S3 encrypts copies of the state with it: ARN, or "*" when only KMS can tell; "": none
	PrunesSnapshots bool   // rotd deletes old copies itself

	Rotates    bool // a policy lets rotd rotate, or people rotate through it
	Restores   bool // a policy answers a scheduled deletion
	Replaces   bool // a policy asks for new keys, or people replace through it
	Contains   bool // people contain through it
	Reencrypts bool // people move ciphertext through it
	Imports    bool // material is imported
}

// Document is an IAM policy.
type Document struct {
	Version   string
	Statement []Statement
}

// Statement is one of its statements.
type Statement struct {
	Sid       string
	Effect    string
	Action    []string
	Resource  []string
	Condition map[string]map[string]string `json:",omitzero"`
}

// JSON is the document as people paste it.
func (d *Document) JSON() ([]byte, error) { return json.Marshal(d, jsontext.WithIndent("  ")) }

// Policy is what a role needs.
func Policy(role Role, n *Needs) *Document {
	d := &Document{Version: "2012-10-17"}
	if role == Daemon {
		n.intake(d)
	}
	if role != Emergency {
		n.watch(d)
	} else {
		all := *n
		all.Rotates, all.Replaces, all.Contains, all.Restores = true, true, true, true
		n = &all
	}
	n.act(d)
	if role != Member {
		n.moveObjects(d)
	}
	return d
}

func (d *Document) allow(sid string, resources, actions []string) *Statement {
	if len(resources) == 0 {
		return &Statement{}
	}
	slices.Sort(actions)
	d.Statement = append(d.Statement, Statement{Sid: sid, Effect: "Allow", Action: actions, Resource: resources})
	return &d.Statement[len(d.Statement)-1]
}

// intake is what only the daemon itself does.
func (n *Needs) intake(d *Document) {
	d.allow("Events", n.Queues, []string{
		"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes",
	})
	d.allow("DeadLetters", besides(n.Queues), []string{"sqs:GetQueueAttributes"})
	d.allow("Alerts", n.Topics, []string{"sns:Publish", "sns:GetTopicAttributes"})
	d.allow("Assume", n.Assumes, []string{"sts:AssumeRole"})
	if n.Lists {
		d.allow("ListAccounts", []string{"*"}, []string{"organizations:ListAccounts"})
	}
	d.allow("ReadLogs", n.Logs, []string{"s3:GetObject"})
	d.allow("ReadLogsKey", n.LogKeys, []string{"kms:Decrypt"})
	d.allow("Reports", n.Reports, []string{"s3:PutObject", "s3:AbortMultipartUpload", "s3:DeleteObject"})
	d.allow("ReportBuckets", bucketsOf(n.Reports), []string{"s3:ListBucket"})
	d.allow("AuditArchive", n.Audit, []string{"s3:PutObject", "s3:GetObject"})
	d.allow("Snapshots", n.Snapshots, []string{"s3:PutObject", "s3:GetObject", "s3:AbortMultipartUpload"})
	d.allow("SnapshotBuckets", bucketsOf(n.Snapshots), []string{"s3:ListBucket"})
	if n.PrunesSnapshots {
		d.allow("OldSnapshots", n.Snapshots, []string{"s3:DeleteObject"})
	}
	if n.SnapshotKey != "" {
		key := []string{n.SnapshotKey}
		if n.SnapshotKey == "*" {
			key = n.keys()
		}
		d.allow("SnapshotKey", key, []string{"kms:Decrypt", "kms:GenerateDataKey"}).Condition = throughS3()
	}
}

// besides are the queues beside some, of the same account and Region: their dead-letter queues, which SQS alone names.
func besides(queues []string) (patterns []string) {
	for _, arn := range queues {
		patterns = append(patterns, arn[:strings.LastIndexByte(arn, ':')+1]+"*")
	}
	slices.Sort(patterns)
	return slices.Compact(patterns)
}

// watch is what knowing every key takes.
func (n *Needs) watch(d *Document) {
	d.allow("ListKeys", []string{"*"}, []string{"kms:ListKeys", "kms:ListAliases"})
	d.allow("ReadKeys", n.keys(), []string{
		"kms:DescribeKey", "kms:GetKeyRotationStatus", "kms:ListKeyRotations", "kms:ListResourceTags",
		"kms:GetKeyPolicy", "kms:ListGrants", "kms:GetKeyLastUsage",
	})
}

// act is what changing keys takes.
func (n *Needs) act(d *Document) {
	if n.Rotates {
		d.allow("Rotate", n.keys(), []string{"kms:EnableKeyRotation", "kms:RotateKeyOnDemand"})
	}
	if n.Imports {
		d.allow("Import", n.keys(), []string{"kms:GetParametersForImport", "kms:ImportKeyMaterial"})
	}
	if n.Replaces {
		// A key is made with the action's tag from its first moment, or not at all.
		d.allow("CreateKeys", []string{"*"}, []string{"kms:CreateKey"}).Condition = map[string]map[string]string{
			"Null": {"aws:RequestTag/rotd:action": "false"},
		}
		d.allow("Replace", n.keys(), []string{
			"kms:EnableKeyRotation", "kms:TagResource", "kms:CreateGrant", "kms:ReplicateKey", "kms:UpdateAlias",
		})
		d.allow("MoveAliases", n.aliases(), []string{"kms:UpdateAlias"})
	}
	if n.Restores || n.Contains {
		d.allow("Restore", n.keys(), []string{"kms:CancelKeyDeletion", "kms:EnableKey"})
	}
	if n.Contains {
		d.allow("Contain", n.keys(), []string{
			"kms:DisableKey", "kms:RevokeGrant", "kms:DeleteAlias", "kms:CreateAlias",
		})
		d.allow("RetireAliases", n.aliases(), []string{"kms:DeleteAlias", "kms:CreateAlias"})
	}
	if n.Reencrypts {
		d.allow("Reencrypt", n.keys(), []string{"kms:ReEncryptFrom", "kms:ReEncryptTo"})
	}
}

// moveObjects is what copying objects onto themselves under another key takes. S3 calls KMS for it, with the role's
// permissions; without those on retention and legal holds it hides an object's locks, which its copy would then lack.
func (n *Needs) moveObjects(d *Document) {
	if len(n.Objects) == 0 {
		return
	}
	d.allow("MoveObjects", n.Objects, []string{
		"s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectTagging", "s3:GetObjectVersionTagging", "s3:GetObjectAcl",
		"s3:GetObjectRetention", "s3:GetObjectLegalHold",
		"s3:PutObject", "s3:PutObjectTagging", "s3:PutObjectAcl", "s3:PutObjectRetention", "s3:PutObjectLegalHold",
		"s3:AbortMultipartUpload",
	})
	d.allow("ObjectBuckets", bucketsOf(n.Objects), []string{
		"s3:ListBucket", "s3:ListBucketVersions", "s3:GetBucketVersioning",
	})
	d.allow("ObjectKeys", n.keys(), []string{"kms:Decrypt", "kms:GenerateDataKey"}).Condition = throughS3()
}

// throughS3 is the condition of what S3 does in the role's name, in each Region and partition.
func throughS3() map[string]map[string]string {
	return map[string]map[string]string{"StringLike": {"kms:ViaService": "s3.*"}}
}

// bucketsOf are the ARNs of the buckets of objects, each once.
func bucketsOf(objects []string) (buckets []string) {
	for _, arn := range objects {
		bucket, _, _ := strings.Cut(arn, "/")
		buckets = append(buckets, bucket)
	}
	slices.Sort(buckets)
	return slices.Compact(buckets)
}

func (n *Needs) keys() []string { return n.inAccounts("key/*") }

func (n *Needs) aliases() []string { return n.inAccounts("alias/*") }

func (n *Needs) inAccounts(resource string) (arns []string) {
	accounts := n.Accounts
	if len(accounts) == 0 {
		accounts = []string{"*"}
	}
	for _, account := range accounts {
		arns = append(arns, "arn:"+n.Partition+":kms:*:"+account+":"+resource)
	}
	return arns
}
