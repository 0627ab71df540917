package main

import (
	"context"
	"time"

	"rotd/internal/finding"
	"rotd/internal/impact"
	"rotd/internal/inventory"
	"rotd/internal/usage"
)

// impactNames are what the world of the impact tests calls by an id.
func impactNames(id uint32) string {
	const account = "arn:aws:iam::111122223333:"
	return map[uint32]string{
		20: account + "role/pay-api", 21: "arn:aws:iam::444455556666:role/reporting/nightly-export-of-cards",
		22: "service:dynamodb.amazonaws.com", 23: account + "user/" + evil, 24: account + "role/db-restore", 25: "others",
		30: "dynamodb.amazonaws.com", 31: "secretsmanager.amazonaws.com", 32: "rds.amazonaws.com", 33: "AWS Internal",
		34: "quicksight.amazonaws.com", 35: "s3.amazonaws.com",
		40: "aws:dynamodb:subscriberId\x1faws:dynamodb:tableName", 41: "SecretARN\x1fSecretVersionId", 42: "aws:rds:db-id",
		43: "aws:s3:arn", 44: "tenant", 45: "aws:ebs:id", 46: "PARAMETER_ARN", 47: "purpose\x1f\x1b]0;x\x07",
		60: "aws:dynamodb:tableName\x1fcards",
		61: "SecretARN\x1farn:aws:secretsmanager:us-east-1:111122223333:secret:pay/db-AbCdEf",
		62: "aws:rds:db-id\x1fdb-CQYSMDPBRZ7BPMH7Y3RTDG5QY", 63: "aws:s3:arn\x1farn:aws:s3:::pay-exports",
		64: "aws:ebs:id\x1fvol-0123456789abcdef0",
		65: "PARAMETER_ARN\x1farn:aws:ssm:us-east-1:111122223333:parameter/pay/api-key",
		66: "aws:ebs:id\x1fvol-0fedcba9876543210",
		67: "aws:dynamodb:tableName\x1fnobody-knows-this-one", 80: "alias/pay-cards",
	}[id]
}

// impactFacts are what is known of a key that much hangs on.
func impactFacts() *impact.Facts {
	rec := &usage.Record{}
	office, _ := usage.Source("10.0.4.17")
	abroad, _ := usage.Source("2001:db8:7::1")
	fold := func(t usage.Tuple, hoursAgo, calls uint32) {
		t.Hour, t.Count = usage.HourOf(noon)-hoursAgo, calls
		rec.Fold(&t)
	}
	for h := uint32(1); h < 29*24; h += 5 {
		fold(usage.Tuple{Principal: 20, Operation: 1, Network: office, Shape: 44, Alias: 80}, h, 40)
		fold(usage.Tuple{Principal: 22, Operation: 1, Service: 30, Shape: 40, Resource: 60, Vouched: true}, h, 12)
	}
	fold(usage.Tuple{Principal: 21, Operation: 1, Network: abroad, Alias: 80}, 2, 3)
	fold(usage.Tuple{Principal: 20, Operation: 1, Service: 31, Shape: 41, Resource: 61, Vouched: true}, 3, 8)
	fold(usage.Tuple{Principal: 24, Operation: 3, Service: 32, Shape: 42, Resource: 62, Vouched: true}, 20*24, 2)
	fold(usage.Tuple{Principal: 20, Operation: 3, Service: 33, Shape: 43, Resource: 63, Vouched: true}, 30, 5)
	fold(usage.Tuple{Principal: 24, Operation: 1, Service: 33, Shape: 45, Resource: 64, Vouched: true}, 300*24, 1)
	fold(usage.Tuple{Principal: 24, Operation: 1, Service: 33, Shape: 45, Resource: 66, Vouched: true}, 9*24, 1)
	fold(usage.Tuple{Principal: 20, Operation: 1, Service: 31, Shape: 46, Resource: 65, Vouched: true}, 50, 1)
	fold(usage.Tuple{Principal: 24, Operation: 1, Service: 34}, 49, 1)
	fold(usage.Tuple{Principal: 23, Operation: 2, Network: abroad, Shape: 47}, 1, 1)
	fold(usage.Tuple{Principal: 23, Operation: 2, Network: abroad, Shape: 40, Resource: 67}, 1, 1)
	rec.Bound(noon, usage.MaxPrincipals)
	k := someKeys()[0].Key
	k.Aliases = []string{"alias/pay-cards", "alias/pay-old"}
	k.Policy, k.MultiRegion, k.ReplicaARNs = attackPolicy, "PRIMARY", []string{
		"arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
	}
	k.ReadAt = before(time.Minute)
	k.Grants = &inventory.Grants{ReadAt: before(2 * time.Hour), Count: 3, List: []inventory.Grant{
		{
			ID: "0c237476b39f8bc44e45212e08498fbe3151305030726c0590dd8d3e9f3d6a60", Grantee: "dynamodb.us-east-1.amazonaws.com",
			Operations: []string{"Decrypt", "Encrypt", "GenerateDataKey", "DescribeKey"}, Created: before(200 * day),
			ContextSubset: map[string]string{"aws:dynamodb:tableName": "ledger", "aws:dynamodb:subscriberId": "111122223333"},
		},
		{
			ID: "1d237476b39f8bc44e45212e08498fbe3151305030726c0590dd8d3e9f3d6a61", Name: "x\x1b[2J",
			Grantee:    "arn:aws:sts::444455556666:assumed-role/nightly-export-of-cards/job",
			Operations: []string{"Decrypt"}, Created: before(12 * day),
		},
		{
			ID: "2e237476b39f8bc44e45212e08498fbe3151305030726c0590dd8d3e9f3d6a62", Grantee: "es.us-east-1.amazonaws.com",
			Operations: []string{"Decrypt", "CreateGrant"}, Created: before(400 * day),
		},
	}}
	return &impact.Facts{
		Key: &k, Record: rec, Name: impactNames, WatchedSince: before(19 * day), LastEvent: before(12 * time.Second),
		Findings: someFindings()[:1], Now: noon,
		Blinding: []finding.Finding{{
			ID: "fnd_01JPK00000000000000000TRAI", RuleID: "trail-blinded", Title: "A trail no longer records KMS",
		}},
	}
}

func (d *fakeDaemon) Impact(ctx context.Context, name string) (*impact.Assessment, error) {
	if _, err := d.Key(ctx, name); err != nil {
		return nil, err
	}
	return impact.Assess(d.facts()), nil
}

func (d *fakeDaemon) Contents(ctx context.Context, name, to string) (*impact.Contents, error) {
	if _, err := d.Key(ctx, name); err != nil {
		return nil, err
	}
	return impact.Plan(d.facts(), to)
}
