package impact

import (
	"strings"
	"testing"

	"rotd/internal/usage"
)

func identify(service string, pairs ...string) (resource string, vouched bool) {
	var i Identifier
	for n := 0; n < len(pairs); n += 2 {
		i.Add(pairs[n], pairs[n+1])
	}
	return i.Resource(service)
}

func TestAContextNamesItsResource(t *testing.T) {
	const (
		bucket = "arn:aws:s3:::pay-exports"
		secret = "arn:aws:secretsmanager:us-east-1:111122223333:secret:pay/db-AbCdEf"
		trail  = "arn:aws:cloudtrail:us-east-1:111122223333:trail/all"
	)
	for _, test := range []struct {
		name    string
		service string
		pairs   []string
		context string
		value   string
		vouched bool
	}{
		{"of an object the bucket", awsInternal, []string{"aws:s3:arn", bucket + "/a/b c"}, "aws:s3:arn", bucket, true},
		{"a bucket with its own key", "s3.amazonaws.com", []string{"aws:s3:arn", bucket}, "aws:s3:arn", bucket, true},
		{
			"a database is named before its volume", "rds.amazonaws.com",
			[]string{"aws:ebs:id", "vol-1", "aws:rds:db-id", "db-ABC"},
			"aws:rds:db-id", "db-ABC", true,
		},
		{"a database's volume", "rds.amazonaws.com", []string{"aws:ebs:id", "vol-1"}, "aws:ebs:id", "vol-1", true},
		{
			"a trail is named before its bucket", "cloudtrail.amazonaws.com",
			[]string{"aws:s3:arn", bucket + "/x", "aws:cloudtrail:arn", trail},
			"aws:cloudtrail:arn", trail, true,
		},
		{
			"what a caller adds to S3's context is not taken for S3's word", awsInternal,
			[]string{"aws:cloudtrail:arn", trail, "aws:s3:arn", bucket},
			"aws:cloudtrail:arn", trail, false,
		},
		{
			"a secret that a caller smuggles into S3's context", awsInternal,
			[]string{"SecretARN", secret, "aws:s3:arn", bucket},
			"aws:s3:arn", bucket, true,
		},
		{"a service with its Region", "dynamodb.us-east-1.amazonaws.com", []string{
			"aws:dynamodb:subscriberId", "111122223333", "aws:dynamodb:tableName", "cards",
		}, "aws:dynamodb:tableName", "cards", true},
		{"a caller's own word", "", []string{"SecretARN", secret}, "SecretARN", secret, false},
		{"another service's word", "s3.amazonaws.com", []string{"SecretARN", secret}, "SecretARN", secret, false},
		{"names of other things", "", []string{"tenant", "x", "table", "orders"}, "", "", false},
		{"something else's name", "", []string{"aws:ebs:id", "i-0123"}, "", "", false},
		{"a command", "", []string{"aws:dynamodb:tableName", "x;reboot"}, "", "", false},
		{"an option", "", []string{"aws:dynamodb:tableName", "--endpoint-url=x"}, "", "", false},
		{"another script's letters", "", []string{"aws:dynamodb:tableName", "cаrds"}, "", "", false},
		{"a name that is too long", "", []string{"aws:dynamodb:tableName", strings.Repeat("x", maxValue+1)}, "", "", false},
		{"nothing", awsInternal, nil, "", "", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			want := ""
			if test.context != "" {
				want = usage.Resource(test.context, test.value)
			}
			if got, vouched := identify(test.service, test.pairs...); got != want || vouched != test.vouched {
				t.Errorf("%q, %t; want %q, %t", got, vouched, want, test.vouched)
			}
			if len(test.pairs) == 4 { // the order does not matter
				p := test.pairs
				if got, _ := identify(test.service, p[2], p[3], p[0], p[1]); got != want {
					t.Errorf("the other way round: %q, want %q", got, want)
				}
			}
		})
	}
}

// FuzzIdentifier wants whatever is taken for a resource to be harmless in a command.
func FuzzIdentifier(f *testing.F) {
	f.Add("aws:s3:arn", "arn:aws:s3:::b/k", "SecretARN", "arn:x")
	f.Add("PARAMETER_ARN", "arn:aws:ssm:r:a:parameter/x$(y)", "aws:ebs:id", "vol-'")
	f.Fuzz(func(t *testing.T, a, b, c, d string) {
		resource, vouched := identify("", a, b, c, d)
		if vouched {
			t.Fatal("nobody vouches")
		}
		_, value, _ := strings.Cut(resource, "\x1f")
		if strings.ContainsAny(value, " '\"`$;&|<>\\()*?[]{}!~\n\t\x00\x1b") {
			t.Fatalf("%q", value)
		}
	})
}

func TestServicesAreKnownByTheirPrincipals(t *testing.T) {
	for principal, want := range map[string]string{
		"service:dynamodb.amazonaws.com":   "dynamodb",
		"dynamodb.us-east-1.amazonaws.com": "dynamodb",
		"ec2.cn-north-1.amazonaws.com.cn":  "ebs",
		"rds.amazonaws.com":                "rds",
		"arn:aws:iam::111122223333:role/aws-service-role/es.amazonaws.com/AWSServiceRoleForX": "opensearch",
		"arn:aws:sts::111122223333:assumed-role/aws:ec2-infrastructure/i-0a1b2c":              "ebs",
		"arn:aws:iam::111122223333:role/pay-api":                                              "",
		"dynamodb.amazonaws.com.evil.example":                                                 "",
		"quicksight.amazonaws.com":                                                            "",
		"AWS Internal":                                                                        "",
		"":                                                                                    "",
	} {
		if s, ok := serviceOf(principal); s.id != want || ok != (want != "") {
			t.Errorf("%q is %q, want %q", principal, s.id, want)
		}
	}
}
