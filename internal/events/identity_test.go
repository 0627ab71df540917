package events

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestEveryIdentityTypeIsRead(t *testing.T) {
	issuer := `"sessionIssuer":{"type":"Role","principalId":"AROAXMPL","arn":"arn:aws:iam::111122223333:role/ops/admin",` +
		`"accountId":"111122223333","userName":"admin"}`
	role := SessionIssuer{
		Type: "Role", PrincipalID: "AROAXMPL", ARN: "arn:aws:iam::111122223333:role/ops/admin",
		AccountID: "111122223333", UserName: "admin",
	}
	created := time.Date(2026, 11, 20, 8, 0, 1, 0, time.UTC)
	for _, test := range []struct {
		name, json         string
		want               Identity
		principal, session string
	}{
		{
			"Root with MFA", `{"type":"Root","principalId":"111122223333","arn":"arn:aws:iam::111122223333:root",` +
				`"accountId":"111122223333","sessionContext":{"sessionIssuer":{},"webIdFederationData":{},"attributes":` +
				`{"creationDate":"2026-11-20T08:00:01Z","mfaAuthenticated":"true"}}}`,
			Identity{
				Type: Root, PrincipalID: "111122223333", ARN: "arn:aws:iam::111122223333:root",
				AccountID: "111122223333", MFAAuthenticated: true, MFAKnown: true, SessionCreated: created,
			},
			"arn:aws:iam::111122223333:root", "",
		},
		{
			"IAMUser whose session's date is spelt out", `{"type":"IAMUser","arn":"arn:aws:iam::1:user/eve","userName":"eve",` +
				`"accountId":"1","accessKeyId":"AKIAXMPL","sessionContext":{"attributes":{"creationDate":` +
				`"Nov 20, 2026, 8:00:01 AM","mfaAuthenticated":"false"}}}`,
			Identity{
				Type: IAMUser, ARN: "arn:aws:iam::1:user/eve", UserName: "eve", AccountID: "1",
				AccessKeyID: "AKIAXMPL", MFAKnown: true, SessionCreated: created,
			},
			"arn:aws:iam::1:user/eve", "",
		},
		{
			"AssumedRole goes by its issuer", `{"type":"AssumedRole","arn":` +
				`"arn:aws:sts::111122223333:assumed-role/admin/eve","sessionContext":{` + issuer +
				`,"sourceIdentity":"eve@example.com"}}`,
			Identity{
				Type: AssumedRole, ARN: "arn:aws:sts::111122223333:assumed-role/admin/eve", SessionIssuer: role,
				SourceIdentity: "eve@example.com",
			},
			"arn:aws:iam::111122223333:role/ops/admin", "eve",
		},
		{
			"AssumedRole without an issuer leaves out its session name", `{"type":"AssumedRole","arn":` +
				`"arn:aws-us-gov:sts::111122223333:assumed-role/admin/eve","sessionContext":{"sessionIssuer":{}}}`,
			Identity{Type: AssumedRole, ARN: "arn:aws-us-gov:sts::111122223333:assumed-role/admin/eve"},
			"arn:aws-us-gov:sts::111122223333:assumed-role/admin", "eve",
		},
		{
			"Role", `{"type":"Role","arn":"arn:aws:iam::1:role/r"}`,
			Identity{Type: Role, ARN: "arn:aws:iam::1:role/r"},
			"arn:aws:iam::1:role/r", "",
		},
		{
			"FederatedUser goes by its issuer", `{"type":"FederatedUser","arn":"arn:aws:sts::1:federated-user/bo",` +
				`"sessionContext":{"sessionIssuer":{"type":"IAMUser","arn":"arn:aws:iam::1:user/broker"}}}`,
			Identity{
				Type: FederatedUser, ARN: "arn:aws:sts::1:federated-user/bo",
				SessionIssuer: SessionIssuer{Type: "IAMUser", ARN: "arn:aws:iam::1:user/broker"},
			},
			"arn:aws:iam::1:user/broker", "",
		},
		{"Directory", `{"type":"Directory","userName":"ann"}`, Identity{Type: Directory, UserName: "ann"}, "", ""},
		{
			"AWSAccount", `{"type":"AWSAccount","principalId":"AIDAXMPL","accountId":"444455556666"}`,
			Identity{Type: AWSAccount, PrincipalID: "AIDAXMPL", AccountID: "444455556666"},
			"account:444455556666", "",
		},
		{
			"AWSService", `{"type":"AWSService","invokedBy":"cloudtrail.amazonaws.com"}`,
			Identity{Type: AWSService, InvokedBy: "cloudtrail.amazonaws.com"},
			"service:cloudtrail.amazonaws.com", "",
		},
		{
			"IdentityCenterUser", `{"type":"IdentityCenterUser","accountId":"1","onBehalfOf":{"userId":"u","identityStoreArn":` +
				`"arn:aws:identitystore::1:identitystore/d-1"},"credentialId":"c"}`,
			Identity{Type: IdentityCenterUser, AccountID: "1"},
			"account:1", "",
		},
		{
			"SAMLUser", `{"type":"SAMLUser","principalId":"x:bo","userName":"bo"}`,
			Identity{Type: SAMLUser, PrincipalID: "x:bo", UserName: "bo"},
			"", "",
		},
		{
			"WebIdentityUser", `{"type":"WebIdentityUser","principalId":"accounts.google.com:x:1","userName":"1"}`,
			Identity{Type: WebIdentityUser, PrincipalID: "accounts.google.com:x:1", UserName: "1"},
			"", "",
		},
		{"Unknown", `{"type":"Unknown","accountId":"1"}`, Identity{Type: Unknown, AccountID: "1"}, "account:1", ""},
		{
			"one not invented yet", `{"type":"Agent","arn":"arn:aws:agents::1:agent/7"}`,
			Identity{Type: "Agent", ARN: "arn:aws:agents::1:agent/7"},
			"arn:aws:agents::1:agent/7", "",
		},
		{
			"none, as service events have", `{"accountId":"1","invokedBy":"AWS Internal"}`,
			Identity{AccountID: "1", InvokedBy: "AWS Internal"},
			"service:AWS Internal", "",
		},
		{
			"a session's date in no known format", `{"type":"Role","sessionContext":{"attributes":{"creationDate":"soon"}}}`,
			Identity{Type: Role},
			"", "",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			e := decodeOne(t, record("kms.amazonaws.com", "Decrypt", `,"userIdentity":`+test.json))
			if diff := cmp.Diff(test.want, e.UserIdentity); diff != "" {
				t.Errorf("identity (-want +got):\n%s", diff)
			}
			if got := e.UserIdentity.PrincipalARN(); got != test.principal {
				t.Errorf("principal %q, want %q", got, test.principal)
			}
			if got := e.UserIdentity.SessionName(); got != test.session {
				t.Errorf("session %q, want %q", got, test.session)
			}
		})
	}
}

func TestSessionNameIsWhateverFollowsTheRole(t *testing.T) {
	for _, test := range []struct{ arn, role, session string }{
		{"", "", ""},
		{"arn:aws:iam::1:user/a/b", "arn:aws:iam::1:user/a/b", ""},
		{"arn:aws:sts::1:assumed-role/r", "arn:aws:sts::1:assumed-role/r", ""},
		{"arn:aws:sts::1:assumed-role/r/", "arn:aws:sts::1:assumed-role/r", ""},
		{"arn:aws:sts::1:assumed-role/r/s:assumed-role/x/y", "arn:aws:sts::1:assumed-role/r", "s:assumed-role/x/y"},
	} {
		if role, session := splitSessionARN(test.arn); role != test.role || session != test.session {
			t.Errorf("splitSessionARN(%q) = %q, %q, want %q, %q", test.arn, role, session, test.role, test.session)
		}
	}
}

func TestVersionsCompareAsIntegers(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want int
	}{
		{"1.11", "1.9", 1},
		{"1.08", "1.8", 0},
		{"1.05", "1.11", -1},
		{"2.0", "1.11", 1},
		{"2", "2.0", 0},
		{"", "1.01", -1},
		{"new", "", 0},
		{"1.x", "", 0},
		{"99999999999999999999.1", "", 0},
		{"-1.2", "", 0},
	} {
		if got := ParseVersion(test.a).Compare(ParseVersion(test.b)); got != test.want {
			t.Errorf("%q against %q: %d, want %d", test.a, test.b, got, test.want)
		}
	}
	if got := ParseVersion("1.08").String(); got != "1.8" {
		t.Errorf("1.08 is written %q", got)
	}
}
