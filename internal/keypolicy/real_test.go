package keypolicy

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Policies as they are found in accounts: written by KMS, the console and AWS services, or after their documentation.

const defaultPolicy = `{
  "Version": "2012-10-17",
  "Id": "key-default-1",
  "Statement": [ {
    "Sid": "Enable IAM User Permissions",
    "Effect": "Allow",
    "Principal": { "AWS": "arn:aws:iam::111122223333:root" },
    "Action": "kms:*",
    "Resource": "*"
  } ]
}`

const consolePolicy = `{
  "Id": "key-consolepolicy-3",
  "Version": "2012-10-17",
  "Statement": [
    {"Sid": "Enable IAM User Permissions", "Effect": "Allow",
     "Principal": {"AWS": "arn:aws:iam::111122223333:root"}, "Action": "kms:*", "Resource": "*"},
    {"Sid": "Allow access for Key Administrators", "Effect": "Allow",
     "Principal": {"AWS": ["arn:aws:iam::111122223333:role/KeyAdmins", "AIDAEXAMPLEEXAMPLE01"]},
     "Action": ["kms:Create*", "kms:Describe*", "kms:Enable*", "kms:List*", "kms:Put*", "kms:Update*", "kms:Revoke*",
       "kms:Disable*", "kms:Get*", "kms:Delete*", "kms:TagResource", "kms:UntagResource", "kms:ScheduleKeyDeletion",
       "kms:CancelKeyDeletion", "kms:RotateKeyOnDemand"], "Resource": "*"},
    {"Sid": "Allow use of the key", "Effect": "Allow",
     "Principal": {"AWS": ["arn:aws:iam::111122223333:role/App", "arn:aws:iam::999988887777:root"]},
     "Action": ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"],
     "Resource": "*"},
    {"Sid": "Allow attachment of persistent resources", "Effect": "Allow",
     "Principal": {"AWS": ["arn:aws:iam::111122223333:role/App", "arn:aws:iam::999988887777:root"]},
     "Action": ["kms:CreateGrant", "kms:ListGrants", "kms:RevokeGrant"], "Resource": "*",
     "Condition": {"Bool": {"kms:GrantIsForAWSResource": "true"}}}
  ]
}`

const managedKeyPolicy = `{
  "Version": "2012-10-17",
  "Id": "auto-ebs-2",
  "Statement": [
    {"Sid": "Allow access through EBS for all principals in the account that are authorized to use EBS",
     "Effect": "Allow", "Principal": {"AWS": "*"},
     "Action": ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:CreateGrant",
       "kms:DescribeKey"],
     "Resource": "*",
     "Condition": {"StringEquals": {"kms:CallerAccount": "111122223333",
       "kms:ViaService": "ec2.us-east-1.amazonaws.com"}}},
    {"Sid": "Allow direct access to key metadata to the account", "Effect": "Allow",
     "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
     "Action": ["kms:Describe*", "kms:Get*", "kms:List*", "kms:RevokeGrant"], "Resource": "*"}
  ]
}`

const cloudTrailPolicy = `{
  "Version": "2012-10-17",
  "Id": "Key policy created by CloudTrail",
  "Statement": [
    {"Sid": "Enable IAM User Permissions", "Effect": "Allow",
     "Principal": {"AWS": ["arn:aws:iam::111122223333:root", "arn:aws:iam::111122223333:user/ops"]},
     "Action": "kms:*", "Resource": "*"},
    {"Sid": "Allow CloudTrail to encrypt logs", "Effect": "Allow",
     "Principal": {"Service": "cloudtrail.amazonaws.com"}, "Action": "kms:GenerateDataKey*", "Resource": "*",
     "Condition": {"StringLike": {
       "kms:EncryptionContext:aws:cloudtrail:arn": "arn:aws:cloudtrail:*:111122223333:trail/*"},
       "StringEquals": {"aws:SourceArn": "arn:aws:cloudtrail:us-east-1:111122223333:trail/main"}}},
    {"Sid": "Allow CloudTrail to describe key", "Effect": "Allow",
     "Principal": {"Service": "cloudtrail.amazonaws.com"}, "Action": "kms:DescribeKey", "Resource": "*"},
    {"Sid": "Allow principals in the account to decrypt log files", "Effect": "Allow", "Principal": {"AWS": "*"},
     "Action": ["kms:Decrypt", "kms:ReEncryptFrom"], "Resource": "*",
     "Condition": {"StringEquals": {"kms:CallerAccount": "111122223333"},
       "StringLike": {"kms:EncryptionContext:aws:cloudtrail:arn": "arn:aws:cloudtrail:*:111122223333:trail/*"}}},
    {"Sid": "Allow alias creation during setup", "Effect": "Allow", "Principal": {"AWS": "*"},
     "Action": "kms:CreateAlias", "Resource": "*",
     "Condition": {"StringEquals": {"kms:CallerAccount": "111122223333",
       "kms:ViaService": "ec2.us-east-1.amazonaws.com"}}},
    {"Sid": "Enable cross account log decryption", "Effect": "Allow", "Principal": {"AWS": "*"},
     "Action": ["kms:Decrypt", "kms:ReEncryptFrom"], "Resource": "*",
     "Condition": {"StringEquals": {"kms:CallerAccount": "444455556666"}}}
  ]
}`

const cloudFrontPolicy = `{
  "Version": "2012-10-17",
  "Statement": [` + rootStatement + `,
    {"Sid": "AllowCloudFrontServicePrincipalSSE-KMS", "Effect": "Allow",
     "Principal": {"AWS": "arn:aws:iam::111122223333:root", "Service": "cloudfront.amazonaws.com"},
     "Action": ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey*"], "Resource": "*",
     "Condition": {"StringEquals": {"aws:SourceArn": "arn:aws:cloudfront::111122223333:distribution/EDFDVBD6EXAMPLE"}}}
  ]
}`

const chinaPolicy = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",` +
	`"Principal":{"AWS":"arn:aws-cn:iam::111122223333:root"},"Action":"kms:*","Resource":"*"}]}`

const logsPolicy = `{"Version":"2012-10-17","Statement":[` + rootStatement + `,
  {"Effect": "Allow", "Principal": {"Service": "logs.us-east-1.amazonaws.com"},
   "Action": ["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"],
   "Resource": "*", "Condition": {"ArnEquals": {"kms:EncryptionContext:aws:logs:arn":
   "arn:aws:logs:us-east-1:111122223333:log-group:app"}}}]}`

const autoScalingPolicy = `{"Version":"2012-10-17","Statement":[` + rootStatement + `,
  {"Effect": "Allow",
	"Principal": {"AWS": ["arn:aws:iam::111122223333:role/aws-service-role/autoscaling.amazonaws.com/` +
	`AWSServiceRoleForAutoScaling"]}, "Action": "kms:CreateGrant", "Resource": "*",
   "Condition": {"Bool": {"kms:GrantIsForAWSResource": true}}}]}`

const secretsEverywherePolicy = `{"Version":"2012-10-17","Statement":[` + rootStatement + `,
  {"Sid": "Secrets Manager", "Effect": "Allow", "Principal": {"AWS": "*"}, "Action": ["kms:Decrypt", "kms:CreateGrant"],
   "Resource": "*", "Condition": {"StringLike": {"kms:ViaService": "secretsmanager.*.amazonaws.com"}}}]}`

const endpointPolicy = `{"Version":"2012-10-17","Statement":[` + rootStatement + `,
  {"Sid": "Restrict usage to my VPC endpoint", "Effect": "Deny", "Principal": "*",
   "Action": ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*"], "Resource": "*",
   "Condition": {"StringNotEquals": {"aws:sourceVpce": "vpce-1234abcdf5678c90a"}}}]}`

func TestJudgeRealPolicies(t *testing.T) {
	china := owner
	china.Partition, china.Key = "aws-cn", "arn:aws-cn:kms:cn-north-1:111122223333:key/1234abcd"
	tests := []struct {
		name, policy string
		owner        Owner
		want         []string
	}{
		{"the default key policy", defaultPolicy, owner, nil},
		{
			"the console's policy with another account added", consolePolicy, owner,
			[]string{"external 2 account 999988887777", "external 3 account 999988887777"},
		},
		{
			"an AWS managed key's policy, which its owner cannot change", managedKeyPolicy, owner,
			[]string{"narrowed 0", "locked out"},
		},
		{
			"CloudTrail's policy with a trusted reader", cloudTrailPolicy, owner,
			[]string{"narrowed 3", "narrowed 4", "narrowed 5"},
		},
		{"CloudFront's policy held to one distribution", cloudFrontPolicy, owner, nil},
		{"a default policy in another partition", chinaPolicy, china, nil},
		{"CloudWatch Logs with an encryption context", logsPolicy, owner, nil},
		{"a service-linked role of the own account", autoScalingPolicy, owner, nil},
		{"everyone through Secrets Manager, without an account", secretsEverywherePolicy, owner, []string{"public 1"}},
		{"a Deny outside a VPC endpoint opens nothing", endpointPolicy, owner, nil},
		{
			"a default policy seen from another account", defaultPolicy,
			Owner{Account: foreign},
			[]string{"external 0 account 111122223333", "locked out"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := outcome(mustParse(t, tt.policy).Judge(tt.owner, trusted))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("outcome (-want +got):\n%s", diff)
			}
		})
	}
}

func TestExposureSaysWhatToKnow(t *testing.T) {
	p := mustParse(t, secretsEverywherePolicy)
	want := []Exposure{{
		Statement: 1, Sid: "Secrets Manager", Principal: "*", Scope: Anyone, Account: "*",
		Actions: []string{"kms:Decrypt", "kms:CreateGrant"}, Decrypts: true, Administers: true,
		Why: `Statement 2 ("Secrets Manager") lets every AWS account decrypt with the key and administer the key ` +
			`(kms:Decrypt, kms:CreateGrant): its principal is "*" and no condition surely narrows who may call. ` +
			`The condition StringLike kms:ViaService secretsmanager.*.amazonaws.com does not narrow: it says through ` +
			`which service, not who.`,
	}}
	if diff := cmp.Diff(want, p.Public(owner)); diff != "" {
		t.Errorf("Public (-want +got):\n%s", diff)
	}
}

func TestExposureNamesWhatNarrowsAndWhatMight(t *testing.T) {
	p := mustParse(t, withRoot(`{"Sid":"share","Effect":"Allow","Principal":{"AWS":["999988887777",`+
		`"arn:aws:iam::999988887777:role/x"]},"Action":["kms:Decrypt","kms:Encrypt"],"Resource":"*",`+
		`"Condition":{"StringEquals":{"aws:SourceVpc":"vpc-0123456789abcdef0"}}},`+
		`{"Effect":"Deny","Principal":"*","Action":"kms:Decrypt","Resource":"*",`+
		`"Condition":{"Bool":{"aws:SecureTransport":false}}}`))
	want := []Exposure{{
		Statement: 0, Sid: "share", Principal: "999988887777, arn:aws:iam::999988887777:role/x",
		Scope: Account, Account: foreign, Actions: []string{"kms:Decrypt"}, Decrypts: true,
		Why: `Statement 1 ("share") lets account 999988887777 decrypt with the key (kms:Decrypt): it names ` +
			`999988887777, arn:aws:iam::999988887777:role/x; narrowed by StringEquals aws:SourceVpc ` +
			`vpc-0123456789abcdef0. Not certain: the Deny in statement 2 may narrow this.`,
		Narrowed: true, NarrowedBy: []string{"StringEquals aws:SourceVpc vpc-0123456789abcdef0"},
		Unsure: []string{"the Deny in statement 2 may narrow this"},
	}}
	if diff := cmp.Diff(want, p.External(owner, trusted)); diff != "" {
		t.Errorf("External (-want +got):\n%s", diff)
	}
}

func TestOwnerLockedOut(t *testing.T) {
	const none = "no statement lets account 111122223333 or any user or role of it " +
		"change the key policy (kms:PutKeyPolicy)"
	statement := func(s string) string { return `{"Statement":[` + s + `]}` }
	tests := []struct {
		name, policy string
		want         bool
		why          string
	}{
		{
			"the account root is in", defaultPolicy, false,
			`statement 1 ("Enable IAM User Permissions") lets account 111122223333 change the key policy`,
		},
		{
			"an administrator's role is enough", statement(allow(`{"AWS":"arn:aws:iam::111122223333:role/a"}`,
				`"kms:Put*"`)), false,
			"statement 1 lets account 111122223333 change the key policy",
		},
		{
			"the root may only read", statement(allow(`{"AWS":"111122223333"}`, `["kms:Describe*","kms:Get*"]`)), true,
			none,
		},
		{
			"only a deleted administrator is left", statement(allow(`{"AWS":"AROAEXAMPLEIDEXAMPLE"}`, `"kms:*"`)), true,
			none,
		},
		{"only a foreign account is left", statement(allow(`{"AWS":"999988887777"}`, `"kms:*"`)), true, none},
		{
			"everyone includes the owner", statement(allow(`"*"`, `"kms:*"`)), false,
			"statement 1 lets account 111122223333 change the key policy",
		},
		{"everyone of a foreign account does not", `{"Statement":` +
			`{"Effect":"Allow","Principal":"*","Action":"kms:*",` +
			`"Condition":{"StringEquals":{"kms:CallerAccount":"999988887777"}}}}`, true, none},
		{
			"a Deny takes the root's way in back", statement(rootStatement +
				`,{"Effect":"Deny","Principal":{"AWS":"111122223333"},"Action":"kms:PutKeyPolicy","Resource":"*"}`), true,
			none + `; statement 1 ("Enable IAM User Permissions") would, but a Deny takes it back`,
		},
		{
			"a Deny of the only administrator", statement(allow(`{"AWS":"arn:aws:iam::111122223333:role/a"}`, `"kms:*"`) +
				`,` +
				`{"Effect":"Deny","Principal":{"AWS":"arn:aws:iam::111122223333:role/a"},` +
				`"Action":"kms:*","Resource":"*"}`),
			true, none + `; statement 1 would, but a Deny takes it back`,
		},
		{
			"a Deny for all but a foreign account", statement(rootStatement + `,{"Effect":"Deny","NotPrincipal":` +
				`{"AWS":"999988887777"},"Action":"kms:*","Resource":"*"}`), true,
			none + `; statement 1 ("Enable IAM User Permissions") would, but a Deny takes it back`,
		},
		{
			"everybody but the owner",
			`{"Statement":{"Effect":"Allow","NotPrincipal":{"AWS":"111122223333"},"Action":"*"}}`,
			true, none,
		},
		{
			"everybody but a role of the owner's",
			`{"Statement":{"Effect":"Allow","NotPrincipal":{"AWS":"arn:aws:iam::111122223333:role/a"},"Action":"*"}}`,
			false, "statement 1 lets account 111122223333 change the key policy",
		},
		{"services acting for the owner are no way in", `{"Statement":{"Effect":"Allow","Principal":"*","Action":"*",` +
			`"Condition":{"StringEquals":{"aws:SourceAccount":"111122223333"}}}}`, true, none},
		{
			"a condition the owner may meet is a way in",
			`{"Statement":{"Effect":"Allow","Principal":{"AWS":"111122223333"},` +
				`"Action":"*","Condition":{"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}}}}`, false,
			"statement 1 lets account 111122223333 change the key policy",
		},
		{"a policy without statements", `{"Statement":[]}`, true, none},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			locked, why := mustParse(t, tt.policy).OwnerLockedOut(owner)
			if locked != tt.want || why != tt.why {
				t.Errorf("OwnerLockedOut = %v, %q\nwant %v, %q", locked, why, tt.want, tt.why)
			}
		})
	}
}
