package keypolicy

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	own     = "111122223333"
	partner = "444455556666" // trusted
	foreign = "999988887777"
	ownOrg  = "o-aaaabbbbcc"
	evilOrg = "o-zzzzyyyyxx"
)

var owner = Owner{
	Account: own, Partition: "aws", Organization: ownOrg,
	Key: "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
}

func trusted(id string) bool { return id == partner || id == "vpce-0aaaabbbb" }

func mustParse(t testing.TB, text string) *Policy {
	t.Helper()
	p, err := Parse([]byte(text))
	if err != nil {
		t.Fatalf("Parse: %v\n%s", err, text)
	}
	return p
}

// outcome is a verdict without its words: "public 0", "external 0 999988887777", "narrowed 0", "locked out".
func outcome(v Verdict) []string {
	var got []string
	for _, e := range v.Public {
		got = append(got, fmt.Sprintf("public %d", e.Statement))
	}
	for _, e := range v.External {
		got = append(got, fmt.Sprintf("external %d %s %s", e.Statement, e.Scope, e.Account))
	}
	for _, e := range v.Narrowed {
		got = append(got, fmt.Sprintf("narrowed %d", e.Statement))
	}
	if v.LockedOut {
		got = append(got, "locked out")
	}
	return got
}

// rootStatement keeps the owner in, so that cases below are about outsiders only.
const rootStatement = `{"Sid":"Enable IAM User Permissions","Effect":"Allow",` +
	`"Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"kms:*","Resource":"*"}`

// withRoot is a policy of the given statements and, last, the one of the default key policy.
func withRoot(statements string) string {
	return `{"Version":"2012-10-17","Statement":[` + statements + `,` + rootStatement + `]}`
}

// open is an Allow of kms:Decrypt for everyone with the given Condition.
func open(condition string) string {
	return `{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"kms:Decrypt","Resource":"*","Condition":` +
		condition + `}`
}

func allow(principal, action string) string {
	return `{"Effect":"Allow","Principal":` + principal + `,"Action":` + action + `,"Resource":"*"}`
}

func TestJudgeConditionsOnEveryone(t *testing.T) {
	const anyone = "public 0"
	orgIs := func(id string) string { return `{"StringEquals":{"aws:PrincipalOrgID":"` + id + `"}}` }
	tests := []struct {
		name, condition, want string
	}{
		{"no condition at all is public", `{}`, anyone},
		{"the caller's account narrows", `{"StringEquals":{"kms:CallerAccount":"111122223333"}}`, "narrowed 0"},
		{"a trusted caller's account narrows", `{"StringEquals":{"kms:CallerAccount":"444455556666"}}`, "narrowed 0"},
		{
			"a foreign caller's account is external", `{"StringEquals":{"kms:CallerAccount":"999988887777"}}`,
			"external 0 account 999988887777",
		},
		{
			"one foreign account among own ones is external",
			`{"StringEquals":{"kms:CallerAccount":["111122223333","999988887777"]}}`,
			"external 0 account 999988887777",
		},
		{"names of keys ignore case", `{"StringEquals":{"KMS:calleraccount":"111122223333"}}`, "narrowed 0"},
		{
			"the AWS managed key pair of account and service narrows",
			`{"StringEquals":{"kms:CallerAccount":"111122223333","kms:ViaService":"ebs.us-east-1.amazonaws.com"}}`,
			"narrowed 0",
		},
		{
			"the service alone does not narrow", `{"StringEquals":{"kms:ViaService":"s3.us-east-1.amazonaws.com"}}`,
			anyone,
		},
		{"the principal's account narrows", `{"StringEquals":{"aws:PrincipalAccount":"111122223333"}}`, "narrowed 0"},
		{"a wildcard account does not narrow", `{"StringLike":{"aws:PrincipalAccount":"*"}}`, anyone},
		{"a partly wildcard account does not narrow", `{"StringLike":{"aws:PrincipalAccount":"1111*"}}`, anyone},
		{"twelve question marks do not narrow", `{"StringLike":{"kms:CallerAccount":"????????????"}}`, anyone},
		{
			"an account as a number keeps its digits", `{"StringEquals":{"kms:CallerAccount":111122223333}}`,
			"narrowed 0",
		},
		{
			"an operator that does not fit does not narrow", `{"NumericEquals":{"kms:CallerAccount":"111122223333"}}`,
			anyone,
		},
		{"the own organization narrows", orgIs(ownOrg), "narrowed 0"},
		{"a foreign organization is external", orgIs(evilOrg), "external 0 organization o-zzzzyyyyxx"},
		{"a wildcard organization does not narrow", `{"StringLike":{"aws:PrincipalOrgID":"o-*"}}`, anyone},
		{"any character and more does not narrow", `{"StringLike":{"aws:PrincipalOrgID":"?*"}}`, anyone},
		{"a star under StringEquals is not trusted to narrow", orgIs("*"), anyone},
		{
			"one wildcard value undoes the others",
			`{"StringLike":{"aws:PrincipalOrgID":["o-aaaabbbbcc","*"]}}`, anyone,
		},
		{
			"a path in the own organization narrows",
			`{"ForAnyValue:StringLike":{"aws:PrincipalOrgPaths":["o-aaaabbbbcc/r-ab12/ou-ab12-11111111/*"]}}`,
			"narrowed 0",
		},
		{
			"all paths of all organizations do not narrow",
			`{"ForAnyValue:StringLike":{"aws:PrincipalOrgPaths":["o-*/r-ab12/*"]}}`, anyone,
		},
		{
			"ForAllValues holds for callers without the key",
			`{"ForAllValues:StringLike":{"aws:PrincipalOrgPaths":["o-aaaabbbbcc/*"]}}`, anyone,
		},
		{
			"ForAllValues with the key under another operator than Null does not narrow",
			`{"ForAllValues:StringLike":{"aws:PrincipalOrgPaths":["o-aaaabbbbcc/*"]},` +
				`"Bool":{"aws:PrincipalOrgPaths":"false"}}`,
			anyone,
		},
		{
			"ForAllValues with the key required to be missing does not narrow",
			`{"ForAllValues:StringLike":{"aws:PrincipalOrgPaths":["o-aaaabbbbcc/*"]},` +
				`"Null":{"aws:PrincipalOrgPaths":"true"}}`,
			anyone,
		},
		{
			"ForAllValues with the key required narrows",
			`{"ForAllValues:StringLike":{"aws:PrincipalOrgPaths":["o-aaaabbbbcc/*"]},` +
				`"Null":{"aws:PrincipalOrgPaths":"false"}}`,
			"narrowed 0",
		},
		{
			"a role's ARN narrows to its account",
			`{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/app-*"}}`, "narrowed 0",
		},
		{
			"a foreign role's ARN is external",
			`{"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::999988887777:role/app"}}`,
			"external 0 account 999988887777",
		},
		{
			"a role's name in any account does not narrow",
			`{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/admin"}}`, anyone,
		},
		{
			"a wildcard partition is held by ArnLike",
			`{"ArnLike":{"aws:PrincipalArn":"arn:*:iam::111122223333:role/app"}}`, "narrowed 0",
		},
		{
			"a wildcard before the account is not held by StringLike",
			`{"StringLike":{"aws:PrincipalArn":"arn:*:iam::111122223333:role/app"}}`, anyone,
		},
		{
			"a policy variable is whoever asks",
			`{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/${aws:PrincipalTag/team}"}}`, anyone,
		},
		{
			"the caller's own account as a variable does not narrow",
			`{"StringEquals":{"aws:PrincipalAccount":"${aws:PrincipalAccount}"}}`, anyone,
		},
		{
			"a unique id narrows to somebody unknown", `{"StringLike":{"aws:userid":"AROAEXAMPLEIDEXAMPLE:*"}}`,
			"external 0 unplaced ",
		},
		{"the own root as user id narrows", `{"StringEquals":{"aws:userid":"111122223333"}}`, "narrowed 0"},
		{"any user id does not narrow", `{"StringLike":{"aws:userid":"AROA*"}}`, anyone},
		{
			"a service acting for the own account narrows",
			`{"StringEquals":{"aws:SourceAccount":"111122223333"}}`, "narrowed 0",
		},
		{
			"a service acting for a foreign account is external",
			`{"StringEquals":{"aws:SourceAccount":"999988887777"}}`, "external 0 account 999988887777",
		},
		{
			"a source ARN of the own account narrows",
			`{"ArnLike":{"aws:SourceArn":"arn:aws:sns:us-east-1:111122223333:*"}}`, "narrowed 0",
		},
		{
			"a source ARN of any account does not narrow",
			`{"ArnLike":{"aws:SourceArn":"arn:aws:sns:*:*:topic"}}`, anyone,
		},
		{
			"a bucket as source is nobody's that can be told",
			`{"ArnEquals":{"aws:SourceArn":"arn:aws:s3:::bucket"}}`, "external 0 unplaced ",
		},
		{
			"the own source organization narrows",
			`{"StringEquals":{"aws:SourceOrgID":"o-aaaabbbbcc"}}`, "narrowed 0",
		},
		{
			"paths of the own source organization narrow",
			`{"ForAnyValue:StringLike":{"aws:SourceOrgPaths":"o-aaaabbbbcc/r-ab12/*"}}`, "narrowed 0",
		},
		{
			"a foreign source organization is external", `{"StringEquals":{"aws:SourceOrgID":"o-zzzzyyyyxx"}}`,
			"external 0 organization o-zzzzyyyyxx",
		},
		{
			"a source account IfExists lets in callers that are no service",
			`{"StringEqualsIfExists":{"aws:SourceAccount":"111122223333"}}`, anyone,
		},
		{
			"a source ARN IfExists lets in callers that are no service",
			`{"ArnLikeIfExists":{"aws:SourceArn":"arn:aws:sns:us-east-1:111122223333:*"}}`, anyone,
		},
		{
			"a caller's ARN IfExists does not surely narrow",
			`{"ArnLikeIfExists":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/app"}}`, anyone,
		},
		{
			"any value of a key that has one is that value",
			`{"ForAnyValue:StringEquals":{"kms:CallerAccount":["111122223333"]}}`, "narrowed 0",
		},
		{
			"all values of a key that may be missing are none",
			`{"ForAllValues:StringEquals":{"kms:CallerAccount":["111122223333"]}}`, anyone,
		},
		{
			"all values of a key that is required are there",
			`{"ForAllValues:StringEquals":{"aws:PrincipalAccount":["111122223333"]},` +
				`"Null":{"aws:PrincipalAccount":"false"}}`, "narrowed 0",
		},
		{"grants for AWS resources can be made in any account", `{"Bool":{"kms:GrantIsForAWSResource":"true"}}`, anyone},
		{
			"the names of an encryption context are the caller's choice",
			`{"ForAllValues:StringEquals":{"kms:EncryptionContextKeys":["tenant"]}}`, anyone,
		},
		{"an address range is a network", `{"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}}`, "external 0 network *"},
		{"the whole Internet is no network", `{"IpAddress":{"aws:SourceIp":"0.0.0.0/0"}}`, anyone},
		{
			"two halves of the Internet are no network",
			`{"IpAddress":{"aws:SourceIp":["0.0.0.0/1","128.0.0.0/1"]}}`, anyone,
		},
		{"all of IPv6 is no network", `{"IpAddress":{"aws:SourceIp":["203.0.113.7","::/0"]}}`, anyone},
		{"excluding an address lets all others in", `{"NotIpAddress":{"aws:SourceIp":"203.0.113.0/24"}}`, anyone},
		{
			"a VPC endpoint is a network", `{"StringEquals":{"aws:SourceVpce":"vpce-0123456789abcdef0"}}`,
			"external 0 network *",
		},
		{"a trusted VPC endpoint narrows", `{"StringEquals":{"aws:SourceVpce":"vpce-0aaaabbbb"}}`, "narrowed 0"},
		{"what is no VPC does not narrow", `{"StringEquals":{"aws:SourceVpc":"internal-network"}}`, anyone},
		{"any service does not narrow", `{"StringLike":{"aws:PrincipalServiceName":"*.amazonaws.com"}}`, anyone},
		{"an ARN of no account does not narrow", `{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::me:role/x"}}`, anyone},
		{"any VPC does not narrow", `{"StringLike":{"aws:SourceVpc":"vpc-*"}}`, anyone},
		{"a private address in any VPC does not narrow", `{"IpAddress":{"aws:VpcSourceIp":"10.0.0.0/8"}}`, anyone},
		{
			"network and own account together narrow",
			`{"StringEquals":{"aws:SourceVpc":"vpc-0123456789abcdef0","aws:PrincipalAccount":"111122223333"}}`,
			"narrowed 0",
		},
		{
			"endpoints of the own account are a trusted network",
			`{"StringEquals":{"aws:VpceAccount":"111122223333"}}`, "narrowed 0",
		},
		{
			"an encryption context is the caller's choice",
			`{"StringEquals":{"kms:EncryptionContext:aws:s3:arn":"arn:aws:s3:::mine"}}`, anyone,
		},
		{"excluding an account lets all others in", `{"StringNotEquals":{"kms:CallerAccount":"999988887777"}}`, anyone},
		{
			"IfExists lets in who has no such key", `{"StringEqualsIfExists":{"aws:PrincipalOrgID":"o-aaaabbbbcc"}}`,
			anyone,
		},
		{
			"IfExists with the key required narrows",
			`{"StringEqualsIfExists":{"aws:PrincipalOrgID":"o-aaaabbbbcc"},"Null":{"aws:principalorgid":false}}`,
			"narrowed 0",
		},
		{"having any organization does not narrow", `{"Null":{"aws:PrincipalOrgID":"false"}}`, anyone},
		{"MFA can be had in any account", `{"Bool":{"aws:MultiFactorAuthPresent":true}}`, anyone},
		{"tags can be had in any account", `{"StringEquals":{"aws:PrincipalTag/team":"payments"}}`, anyone},
		{"being an AWS service does not say for whom", `{"Bool":{"aws:PrincipalIsAWSService":"true"}}`, anyone},
		{
			"being one AWS service is like naming it",
			`{"StringEquals":{"aws:PrincipalServiceName":"cloudtrail.amazonaws.com"}}`, "narrowed 0",
		},
		{"an unknown operator does not narrow", `{"StringResembles":{"kms:CallerAccount":"111122223333"}}`, anyone},
		{"an empty list of values does not narrow", `{"StringEquals":{"kms:CallerAccount":[]}}`, anyone},
		{
			"spellings of one key add their values up",
			`{"StringEquals":{"kms:CallerAccount":"111122223333","kms:calleraccount":"999988887777"}}`,
			"external 0 account 999988887777",
		},
		{"operators ignore case", `{"stringequals":{"kms:CallerAccount":"111122223333"}}`, "narrowed 0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := mustParse(t, withRoot(open(tt.condition))).Judge(owner, trusted)
			if diff := cmp.Diff([]string{tt.want}, outcome(v)); diff != "" {
				t.Errorf("outcome (-want +got):\n%s", diff)
			}
		})
	}
}

func TestJudgePrincipals(t *testing.T) {
	const decrypt = `"kms:Decrypt"`
	tests := []struct {
		name, statement string
		want            []string
	}{
		{"a bare star is everyone", allow(`"*"`, decrypt), []string{"public 0"}},
		{
			"a star in a list is everyone", allow(`{"AWS":["arn:aws:iam::111122223333:root","*"]}`, decrypt),
			[]string{"public 0"},
		},
		{"the own root is no outsider", allow(`{"AWS":"arn:aws:iam::111122223333:root"}`, decrypt), nil},
		{"the own account by its id is no outsider", allow(`{"AWS":"111122223333"}`, decrypt), nil},
		{"an own role is no outsider", allow(`{"AWS":"arn:aws:iam::111122223333:role/app"}`, decrypt), nil},
		{
			"a foreign account by its id", allow(`{"AWS":"999988887777"}`, decrypt),
			[]string{"external 0 account 999988887777"},
		},
		{
			"a foreign root", allow(`{"AWS":"arn:aws:iam::999988887777:root"}`, decrypt),
			[]string{"external 0 account 999988887777"},
		},
		{
			"a foreign role", allow(`{"AWS":"arn:aws:iam::999988887777:role/x"}`, decrypt),
			[]string{"external 0 account 999988887777"},
		},
		{
			"a foreign session", allow(`{"AWS":"arn:aws:sts::999988887777:assumed-role/x/me"}`, decrypt),
			[]string{"external 0 account 999988887777"},
		},
		{
			"a foreign federated user", allow(`{"AWS":"arn:aws:sts::999988887777:federated-user/me"}`, decrypt),
			[]string{"external 0 account 999988887777"},
		},
		{"an own SAML provider", allow(`{"Federated":"arn:aws:iam::111122223333:saml-provider/idp"}`, decrypt), nil},
		{
			"a web identity provider is anybody's", allow(`{"Federated":"accounts.google.com"}`, decrypt),
			[]string{"external 0 unplaced "},
		},
		{"a trusted account", allow(`{"AWS":"arn:aws:iam::444455556666:root"}`, decrypt), nil},
		{
			"several principals of one account are one exposure",
			allow(`{"AWS":["arn:aws:iam::999988887777:role/a","arn:aws:iam::999988887777:role/b"]}`, decrypt),
			[]string{"external 0 account 999988887777"},
		},
		{
			"two foreign accounts are two exposures", allow(`{"AWS":["999988887777","888877776666"]}`, decrypt),
			[]string{"external 0 account 999988887777", "external 0 account 888877776666"},
		},
		{"a deleted role's id matches nobody", allow(`{"AWS":"AROAEXAMPLEIDEXAMPLE"}`, decrypt), nil},
		{"an AWS service is no outsider", allow(`{"Service":"logs.us-east-1.amazonaws.com"}`, decrypt), nil},
		{"every service is everyone", allow(`{"Service":"*"}`, decrypt), []string{"public 0"}},
		{"an ARN of any account is everyone", allow(`{"AWS":"arn:aws:iam::*:root"}`, decrypt), []string{"public 0"}},
		{
			"what nobody knows is told", allow(`{"AWS":"arn:aws:iam::cloudfront:user/x"}`, decrypt),
			[]string{"external 0 unplaced "},
		},
		{
			"a foreign account let encrypt is external too", allow(`{"AWS":"999988887777"}`, `"kms:Encrypt"`),
			[]string{"external 0 account 999988887777"},
		},
		{
			"everyone let encrypt is external, not public", allow(`"*"`, `["kms:Encrypt","kms:DescribeKey"]`),
			[]string{"external 0 anyone *"},
		},
		{"everyone let sign is public", allow(`"*"`, `"kms:Sign"`), []string{"public 0"}},
		{"everyone let create grants is public", allow(`"*"`, `"kms:CreateGrant"`), []string{"public 0"}},
		{"actions ignore case", allow(`"*"`, `"KMS:dEcRyPt"`), []string{"public 0"}},
		{"wildcards in actions", allow(`"*"`, `"kms:Re*From"`), []string{"public 0"}},
		{
			"another service's actions do nothing here", allow(`"*"`, `["s3:*","kms:ListKeysX?"]`),
			[]string{"external 0 anyone *"},
		},
		{"s3 actions alone do nothing here", allow(`"*"`, `"s3:*"`), nil},
		{
			"NotAction that leaves decryption",
			`{"Effect":"Allow","Principal":"*","NotAction":"kms:PutKeyPolicy","Resource":"*"}`,
			[]string{"public 0"},
		},
		{
			"NotAction that leaves nothing", `{"Effect":"Allow","Principal":"*","NotAction":["kms:*"],"Resource":"*"}`,
			nil,
		},
		{
			"NotPrincipal in an Allow is everyone else",
			`{"Effect":"Allow","NotPrincipal":{"AWS":"arn:aws:iam::111122223333:role/x"},` +
				`"Action":"kms:Decrypt","Resource":"*"}`,
			[]string{"public 0"},
		},
		{
			"NotPrincipal that is everyone is nobody",
			`{"Effect":"Allow","NotPrincipal":"*","Action":"kms:Decrypt","Resource":"*"}`, nil,
		},
		{
			"another key's ARN is not about this key",
			`{"Effect":"Allow","Principal":"*","Action":"kms:*",` +
				`"Resource":"arn:aws:kms:us-east-1:111122223333:key/other"}`, nil,
		},
		{
			"all keys but this one", `{"Effect":"Allow","Principal":"*","Action":"kms:*","NotResource":"arn:aws:kms:*"}`,
			nil,
		},
		{
			"all resources but a bucket",
			`{"Effect":"Allow","Principal":"*","Action":"kms:*","NotResource":"arn:aws:s3:::b"}`,
			[]string{"public 0"},
		},
		{
			"a foreign account held to the own organization is in order",
			`{"Effect":"Allow","Principal":{"AWS":"999988887777"},"Action":"kms:*","Resource":"*",` +
				`"Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-aaaabbbbcc"}}}`, nil,
		},
		{
			"a foreign account from a trusted network stays foreign",
			`{"Effect":"Allow","Principal":{"AWS":"999988887777"},"Action":"kms:*","Resource":"*",` +
				`"Condition":{"StringEquals":{"aws:SourceVpce":"vpce-0aaaabbbb"}}}`,
			[]string{"external 0 account 999988887777"},
		},
		{
			"a service decrypting for a foreign account",
			`{"Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":"kms:Decrypt","Resource":"*",` +
				`"Condition":{"StringEquals":{"aws:SourceAccount":["111122223333","999988887777"]}}}`,
			[]string{"external 0 account 999988887777"},
		},
		{
			"a service decrypting through an endpoint that is not trusted",
			`{"Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":"kms:Decrypt","Resource":"*",` +
				`"Condition":{"StringEquals":{"aws:SourceVpce":"vpce-0123456789abcdef0"}}}`,
			nil,
		},
		{
			"a service decrypting for the own account",
			`{"Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":"kms:Decrypt","Resource":"*",` +
				`"Condition":{"StringEquals":{"aws:SourceAccount":"111122223333"}}}`, nil,
		},
		{
			"a service encrypting for a foreign trail",
			`{"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},` +
				`"Action":"kms:GenerateDataKey*","Resource":"*",` +
				`"Condition":{"ArnLike":{"aws:SourceArn":"arn:aws:cloudtrail:*:999988887777:trail/*"}}}`, nil,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := mustParse(t, withRoot(tt.statement)).Judge(owner, trusted)
			if diff := cmp.Diff(tt.want, outcome(v)); diff != "" {
				t.Errorf("outcome (-want +got):\n%s", diff)
			}
		})
	}
}

func TestJudgeDeny(t *testing.T) {
	deny := func(condition string) string {
		return `{"Effect":"Deny","Principal":"*","Action":"kms:*","Resource":"*","Condition":` + condition + `}`
	}
	everyone := allow(`"*"`, `"kms:*"`)
	tests := []struct {
		name, statements string
		want             []string
	}{
		{
			"a Deny for all outside the organization narrows",
			everyone + `,` + deny(`{"StringNotEquals":{"aws:PrincipalOrgID":"o-aaaabbbbcc"}}`),
			[]string{"narrowed 0"},
		},
		{
			"…IfExists on a negated operator denies just as much",
			everyone + `,` + deny(`{"StringNotEqualsIfExists":{"aws:PrincipalOrgID":"o-aaaabbbbcc"}}`),
			[]string{"narrowed 0"},
		},
		{
			"the data perimeter that spares AWS services narrows",
			everyone + `,` + deny(`{"StringNotEquals":{"aws:PrincipalOrgID":"o-aaaabbbbcc"},`+
				`"BoolIfExists":{"aws:PrincipalIsAWSService":"false"}}`),
			[]string{"narrowed 0"},
		},
		{
			"a Deny of AWS services instead does not narrow",
			everyone + `,` + deny(`{"StringNotEquals":{"aws:PrincipalOrgID":"o-aaaabbbbcc"},`+
				`"StringNotLike":{"aws:PrincipalIsAWSService":"false"}}`),
			[]string{"public 0"},
		},
		{
			"a Deny without ForAllValues on a key of many values does not narrow",
			everyone + `,` + deny(`{"StringNotLike":{"aws:PrincipalOrgPaths":"o-aaaabbbbcc/*"}}`),
			[]string{"public 0"},
		},
		{
			"a Deny for the roots of all accounts does not narrow",
			everyone + `,{"Effect":"Deny","Principal":{"AWS":"arn:aws:iam::*:root"},"Action":"kms:*","Resource":"*",` +
				`"Condition":{"StringNotEquals":{"aws:PrincipalOrgID":"o-aaaabbbbcc"}}}`,
			[]string{"public 0"},
		},
		{
			"a Deny that spares calls through services does not surely narrow",
			everyone + `,` +
				deny(`{"StringNotEquals":{"aws:PrincipalOrgID":"o-aaaabbbbcc"},"Bool":{"aws:ViaAWSService":"false"}}`),
			[]string{"public 0"},
		},
		{
			"a Deny for all but own roles narrows",
			everyone + `,` + deny(`{"ArnNotLike":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/*"}}`),
			[]string{"narrowed 0"},
		},
		{
			"a Deny for all but any organization does not narrow",
			everyone + `,` + deny(`{"StringNotLike":{"aws:PrincipalOrgID":"o-*"}}`),
			[]string{"public 0"},
		},
		{
			"a Deny for all outside a foreign organization narrows to that, and locks out",
			everyone + `,` + deny(`{"StringNotEquals":{"aws:PrincipalOrgID":"o-zzzzyyyyxx"}}`),
			[]string{"external 0 organization o-zzzzyyyyxx", "locked out"},
		},
		{
			"a Deny for one account leaves all others",
			everyone + `,` + deny(`{"StringEquals":{"aws:PrincipalAccount":"999988887777"}}`),
			[]string{"public 0"},
		},
		{
			"a Deny outside a network narrows to the network",
			everyone + `,` + deny(`{"NotIpAddress":{"aws:SourceIp":"203.0.113.0/24"}}`),
			[]string{"external 0 network *"},
		},
		{
			"a Deny outside the organization's paths narrows",
			everyone + `,` + deny(`{"ForAllValues:StringNotLike":{"aws:PrincipalOrgPaths":"o-aaaabbbbcc/*"}}`),
			[]string{"narrowed 0"},
		},
		{
			"ForAnyValue spares callers without organization",
			everyone + `,` + deny(`{"ForAnyValue:StringNotLike":{"aws:PrincipalOrgPaths":"o-aaaabbbbcc/*"}}`),
			[]string{"public 0"},
		},
		{
			"a Deny with NotPrincipal leaves those it lists",
			everyone + `,{"Effect":"Deny","NotPrincipal":{"AWS":["arn:aws:iam::111122223333:root",` +
				`"arn:aws:iam::111122223333:role/x"]},"Action":"kms:*","Resource":"*"}`,
			[]string{"narrowed 0"},
		},
		{
			"a Deny of decryption alone leaves administration",
			everyone + `,{"Effect":"Deny","Principal":"*","Action":["kms:Decrypt","kms:ReEncrypt*"],"Resource":"*"}`,
			[]string{"public 0"},
		},
		{
			"a Deny takes back all that was dangerous",
			allow(`"*"`, `["kms:Decrypt","kms:Encrypt"]`) +
				`,{"Effect":"Deny","Principal":{"AWS":"*"},"Action":"kms:Decrypt","Resource":"*"}`,
			[]string{"external 0 anyone *"},
		},
		{
			"a Deny for services only takes nothing from people",
			allow(`"*"`, `"kms:Decrypt"`) +
				`,{"Effect":"Deny","Principal":{"Service":"*"},"Action":"kms:*","Resource":"*"}`,
			[]string{"public 0"},
		},
		{
			"a Deny about another key takes nothing",
			everyone + `,{"Effect":"Deny","Principal":"*","Action":"kms:*","Resource":"arn:aws:kms:us-east-1:1:key/x"}`,
			[]string{"public 0"},
		},
		{
			"a Deny of the foreign account takes its Allow back",
			allow(`{"AWS":"999988887777"}`, `"kms:*"`) + `,{"Effect":"Deny","Principal":{"AWS":` +
				`"arn:aws:iam::999988887777:root"},"Action":"kms:*","Resource":"*"}`, nil,
		},
		{
			"a Deny of one role leaves the account's others",
			allow(`{"AWS":"999988887777"}`, `"kms:*"`) + `,{"Effect":"Deny","Principal":{"AWS":` +
				`"arn:aws:iam::999988887777:role/x"},"Action":"kms:*","Resource":"*"}`,
			[]string{"external 0 account 999988887777"},
		},
		{
			"a Deny outside the organization clears accounts of it",
			allow(`{"AWS":"999988887777"}`, `"kms:*"`) + `,` +
				deny(`{"StringNotEquals":{"aws:PrincipalOrgID":"o-aaaabbbbcc"}}`), nil,
		},
		{
			"a Deny with NotPrincipal and a condition leaves whoever the condition spares",
			everyone + `,{"Effect":"Deny","NotPrincipal":{"AWS":"111122223333"},"Action":"kms:*","Resource":"*",` +
				`"Condition":{"Bool":{"aws:SecureTransport":"false"}}}`,
			[]string{"public 0"},
		},
		{
			"a Deny outside the organization of decryption alone leaves administration",
			everyone + `,{"Effect":"Deny","Principal":"*","Action":"kms:Decrypt","Resource":"*",` +
				`"Condition":{"StringNotEquals":{"aws:PrincipalOrgID":"o-aaaabbbbcc"}}}`,
			[]string{"public 0", "narrowed 0"},
		},
		{
			"a Deny of all but services acting for the owner leaves no people, nor the owner's",
			everyone + `,` + deny(`{"StringNotEquals":{"aws:SourceAccount":"111122223333"}}`),
			[]string{"narrowed 0", "locked out"},
		},
		{
			"a Deny of an action nobody knows takes no other such action back",
			allow(`"*"`, `"kms:NewAction"`) + `,{"Effect":"Deny","Principal":"*","Action":"kms:OtherNewAction"}`,
			[]string{"external 0 anyone *"},
		},
		{
			"a Deny of everything to everyone locks the owner out",
			everyone + `,{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}`,
			[]string{"locked out"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := mustParse(t, withRoot(tt.statements)).Judge(owner, trusted)
			if diff := cmp.Diff(tt.want, outcome(v)); diff != "" {
				t.Errorf("outcome (-want +got):\n%s", diff)
			}
		})
	}
}

func TestJudgeWithoutAKnownOwner(t *testing.T) {
	p := mustParse(t, withRoot(open(`{"StringEquals":{"aws:PrincipalOrgID":"o-aaaabbbbcc"}}`)))
	t.Run("an organization nobody told about is external", func(t *testing.T) {
		got := outcome(p.Judge(Owner{Account: own}, trusted))
		if want := []string{"external 0 organization o-aaaabbbbcc"}; !slices.Equal(got, want) {
			t.Errorf("outcome = %v, want %v", got, want)
		}
	})
	t.Run("without an account nobody is the owner and nobody is locked out", func(t *testing.T) {
		got := outcome(p.Judge(Owner{}, nil))
		want := []string{"external 0 organization o-aaaabbbbcc", "external 1 account 111122223333"}
		if !slices.Equal(got, want) {
			t.Errorf("outcome = %v, want %v", got, want)
		}
	})
}
