package awssts

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"rotd/internal/awssim"
)

func someone(token string) awssim.Principal {
	return awssim.Principal{AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: "s", SessionToken: token}
}

func TestSTSsOwnHostsAreAskedAndNoOther(t *testing.T) {
	v := NewVerifier(nil, "http://127.0.0.1:4566")
	for host, want := range map[string]bool{
		"https://sts.amazonaws.com":                   true,
		"https://sts.eu-west-1.amazonaws.com":         true,
		"https://sts-fips.eu-west-1.amazonaws.com":    true,
		"https://sts.eu-west-1.api.aws":               true,
		"http://127.0.0.1:4566":                       true,
		"http://sts.eu-west-1.amazonaws.com":          false,
		"https://sts.eu-west-1.amazonaws.com:8443":    false,
		"https://sts.us-east-1.amazonaws.com":         false, // signed for eu-west-1
		"https://sts.eu-west-1.amazonaws.com.evil.io": false,
		"https://evil.io":                             false,
		"https://sts.amazonaws.com@evil.io":           false,
		"https://evil.io#sts.amazonaws.com":           false,
		"http://127.0.0.1:4567":                       false,
		"http://169.254.169.254":                      false,
		"https://kms.eu-west-1.amazonaws.com":         false,
		"https://sts.cn-north-1.amazonaws.com.cn":     false,
	} {
		signed, err := Sign(t.Context(), configOf(someone(""), ""), subject())
		if err != nil {
			t.Fatal(err)
		}
		signed = strings.Replace(signed, "https://sts.eu-west-1.amazonaws.com", host, 1)
		if _, err := v.Check(signed, subject(), time.Now()); want != (err == nil) || err != nil && !errors.Is(err, ErrProof) {
			t.Errorf("%s: %v", host, err)
		}
	}
}

func TestEveryPartitionHasItsSTS(t *testing.T) {
	v := NewVerifier(nil, "")
	for _, region := range []string{
		"us-east-1", "eu-west-1", "cn-north-1", "us-gov-west-1", "eusc-de-east-1", "us-iso-east-1", "us-isob-east-1",
	} {
		cfg := configOf(someone("tok/en+=="), "")
		cfg.Region = region
		signed, err := Sign(t.Context(), cfg, subject())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := v.Check(signed, subject(), time.Now()); err != nil {
			t.Errorf("%s: %v", region, err)
		}
	}
}

func TestAProofIsExactlyAPresignedGetCallerIdentity(t *testing.T) {
	set := func(name, value string) func(url.Values) { return func(v url.Values) { v.Set(name, value) } }
	for name, change := range map[string]func(url.Values){
		"another action":              set("Action", "GetSessionToken"),
		"two actions":                 func(v url.Values) { v.Add("Action", "GetCallerIdentity") },
		"another version":             set("Version", "2099-01-01"),
		"another algorithm":           set("X-Amz-Algorithm", "AWS4-ECDSA-P256-SHA256"),
		"another service":             set("X-Amz-Credential", "AKIAIOSFODNN7EXAMPLE/20260314/eu-west-1/iam/aws4_request"),
		"a Region that is a host":     set("X-Amz-Credential", "AKIAIOSFODNN7EXAMPLE/20260314/evil.io/sts/aws4_request"),
		"a longer life":               set("X-Amz-Expires", "86400"),
		"no end":                      func(v url.Values) { v.Del("X-Amz-Expires") },
		"a parameter more":            set("RoleArn", "arn:aws:iam::111122223333:role/admin"),
		"the plan not signed":         set("X-Amz-SignedHeaders", "host;x-rotd-nonce;x-rotd-shard"),
		"another header signed":       set("X-Amz-SignedHeaders", "accept;host;x-rotd-nonce;x-rotd-plan;x-rotd-shard"),
		"nothing signed":              set("X-Amz-SignedHeaders", "host"),
		"a signature that is none":    set("X-Amz-Signature", "x"),
		"a time that is none":         set("X-Amz-Date", "20261399T000000Z"),
		"a token with a line in it":   set("X-Amz-Security-Token", "a\r\nHost: evil"),
		"signed five minutes ago":     set("X-Amz-Date", time.Now().UTC().Add(-ValidFor).Format(stamp)),
		"signed in two minutes' time": set("X-Amz-Date", time.Now().UTC().Add(2*time.Minute).Format(stamp)),
	} {
		t.Run(name, func(t *testing.T) {
			signed, err := Sign(t.Context(), configOf(someone("token"), ""), subject())
			if err != nil {
				t.Fatal(err)
			}
			u, err := url.Parse(signed)
			if err != nil {
				t.Fatal(err)
			}
			query := u.Query()
			change(query)
			u.RawQuery = query.Encode()
			if _, err := NewVerifier(nil, "").Check(u.String(), subject(), time.Now()); !errors.Is(err, ErrProof) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestANonceIsLongEnoughToBeTheOnlyOne(t *testing.T) {
	for _, nonce := range []string{"", "1", strings.Repeat("a", 31), strings.Repeat("G", 32), strings.Repeat("a", 33)} {
		s := subject()
		s.Nonce = nonce
		signed, err := Sign(t.Context(), configOf(someone(""), ""), s)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := NewVerifier(nil, "").Check(signed, s, time.Now()); !errors.Is(err, ErrProof) {
			t.Errorf("nonce %q: %v", nonce, err)
		}
	}
}

func TestWithoutCredentialsNothingIsSigned(t *testing.T) {
	if signed, err := Sign(t.Context(), configOf(awssim.Principal{}, ""), subject()); err == nil {
		t.Errorf("signed by nobody: %s", signed)
	}
}

func TestWhoIsAPerson(t *testing.T) {
	const account = "111122223333"
	session := func(role, name string) Identity {
		return Identity{
			ARN: "arn:aws:sts::" + account + ":assumed-role/" + role + "/" + name, Account: account, UserID: "AROAX:" + name,
		}
	}
	for name, tt := range map[string]struct {
		id   Identity
		want string
	}{
		"an IAM user": {
			Identity{ARN: "arn:aws:iam::" + account + ":user/team/bob", Account: account, UserID: "AIDAX"}, "aws-user:AIDAX",
		},
		"a user of Identity Center": {
			session("AWSReservedSSO_Admin-x_0123456789abcdef", "Bob@example.com"), "aws-sso:bob@example.com",
		},
		"the same one in another permission set": {
			session("AWSReservedSSO_Ops_fedcba9876543210", "bob@example.com"), "aws-sso:bob@example.com",
		},
		"a role, whoever it is":            {session("ops", "bob"), ""},
		"a role with a name much like one": {session("AWSReservedSSO_Admin", "bob"), ""},
		"a role with such a path":          {session("x/AWSReservedSSO_Admin_0123456789abcdef", "bob"), ""},
		"an account's root": {
			Identity{ARN: "arn:aws:iam::" + account + ":root", Account: account, UserID: account}, "",
		},
		"a federated user": {
			Identity{ARN: "arn:aws:sts::" + account + ":federated-user/bob", Account: account, UserID: account + ":bob"}, "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got, ok := tt.id.Person(); got != tt.want || ok != (tt.want != "") {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func FuzzCheck(f *testing.F) {
	f.Add("https://sts.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15")
	f.Fuzz(func(t *testing.T, signed string) {
		proof, err := NewVerifier(nil, "").Check(signed, subject(), time.Now())
		if err == nil && !strings.HasPrefix(proof.request.URL.Host, "sts") {
			t.Errorf("%q is sent to %s", signed, proof.request.URL.Host)
		}
	})
}
