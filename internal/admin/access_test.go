package admin

import (
	"context"
	"net/http"
	"os/user"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"

	"rotd/internal/remediation"
)

const (
	alice    = 54321 // no user of this system
	bobsARN  = "arn:aws:iam::111122223333:user/bob"
	rolesARN = "arn:aws:sts::111122223333:assumed-role/ops/bob"
)

func TestWhoMayDoWhat(t *testing.T) {
	bob := &AWSIdentity{ARN: bobsARN, Person: "aws-user:AIDABOB"}
	peer := func(uid uint32, groups ...uint32) *Caller {
		return &Caller{Peer: Peer{UID: uid, GID: 7000, Groups: groups}}
	}
	by := func(c *Caller, identity *AWSIdentity) *Caller { c.AWS = identity; return c }
	closed := Access{
		View: []string{"user:111"}, Act: []string{"user:222", "group:7001"},
		Approve: []string{"user:333", "group:7002", "arn:aws:iam::111122223333:user/*"},
	}
	shared := closed
	shared.Shared = []uint32{333}
	for name, tt := range map[string]struct {
		access Access
		caller *Caller
		may    string
	}{
		"nobody is listed, so the socket decides, but for approvals": {Access{}, peer(alice), "view act"},
		"nobody is listed, and the caller is unknown":                {Access{}, nil, "view"},
		"root":                           {closed, peer(0), "view act"},
		"root, who is listed":            {Access{Approve: []string{"user:0", "user:root"}}, peer(0), "view act"},
		"the daemon's own user":          {Access{Approve: []string{"user:*"}}, peer(daemonUID()), "view act"},
		"somebody who is not listed":     {closed, peer(alice), ""},
		"somebody unknown":               {closed, nil, ""},
		"who may view":                   {closed, peer(111), "view"},
		"who may act":                    {closed, peer(222), "view act"},
		"who may act by a group":         {closed, peer(alice, 1, 7001), "view act"},
		"who may approve":                {closed, peer(333), "view approve"},
		"who may approve by a group":     {closed, peer(alice, 7002), "view approve"},
		"by the group of the process":    {Access{Act: []string{"group:7000"}}, peer(alice), "view act"},
		"a user id that many use":        {shared, peer(333), "view"},
		"an AWS user":                    {closed, by(peer(alice), bob), "view approve"},
		"an AWS user as root":            {closed, by(peer(0), bob), "view act approve"},
		"an AWS user, of many's account": {shared, by(peer(333), bob), "view approve"},
		"an AWS user of another account": {
			closed, by(peer(alice), &AWSIdentity{ARN: "arn:aws:iam::444455556666:user/bob", Person: "x"}), "",
		},
		"an approver under an AWS identity that is not listed": {
			closed, by(peer(333), &AWSIdentity{ARN: "arn:aws:iam::444455556666:user/bob", Person: "x"}), "view",
		},
		"an AWS role, whoever that is": {
			Access{Act: []string{rolesARN}, Approve: []string{rolesARN}},
			by(peer(alice), &AWSIdentity{ARN: rolesARN}),
			"view act",
		},
	} {
		t.Run(name, func(t *testing.T) {
			var may []string
			for _, role := range []Role{View, Act, Approve} {
				if err := tt.access.check(tt.caller, role); err == nil {
					may = append(may, string(role))
				}
			}
			if got := strings.Join(may, " "); got != tt.may {
				t.Errorf("may %q, want %q", got, tt.may)
			}
		})
	}
}

func TestRolesAreHeldByName(t *testing.T) {
	u, err := user.LookupId("0")
	if err != nil {
		t.Skip("this system names no user 0")
	}
	g, err := user.LookupGroupId("0")
	if err != nil {
		t.Skip("this system names no group 0")
	}
	for entry, want := range map[string]bool{
		"user:" + u.Username: true, "group:" + g.Name: true, "user:" + g.Name + "x": false, "group:nobody-has-it": false,
		u.Username: false, "user:": false,
	} {
		if got := listsPeer([]string{entry}, Peer{}); got != want {
			t.Errorf("%s: %t", entry, got)
		}
	}
}

func TestEachEndpointAsksForItsRole(t *testing.T) {
	for _, tt := range []struct {
		name   string
		access Access
		role   Role
		answer string
	}{
		{
			"looking",
			Access{View: []string{"user:1"}},
			View,
			`{"error":{"code":"forbidden","message":"WHO may not look at anything: admin.roles.view in rotd.yaml does not ` +
				`list user:UID or a group it is in","exit":4}}`,
		},
		{
			"acting",
			Access{Act: []string{"user:1"}},
			Act,
			`{"error":{"code":"forbidden","message":"WHO may not ask for this: admin.roles.act in rotd.yaml does not list ` +
				`user:UID or a group it is in","exit":4}}`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server := NewServer(&fakeBackend{access: tt.access}, zap.NewNop())
			for _, r := range server.routes() {
				if r.roles()[0] != tt.role {
					continue
				}
				err := tt.access.check(&Caller{Peer: Peer{UID: alice}}, r.roles()...)
				if diff := cmp.Diff(strings.NewReplacer("WHO", "uid:54321", "UID", "54321").Replace(tt.answer),
					wireOf(t, answerTo(err))); diff != "" {
					t.Errorf("%s (-want +got):\n%s", r.Path, diff)
				}
			}
		})
	}
}

func TestOnlyADryRunNeedsNoRoleToAct(t *testing.T) {
	backend := &fakeBackend{
		access: Access{Act: []string{"user:1"}}, plan: &Planned{}, containment: held(remediation.Allow),
	}
	server := NewServer(backend, zap.NewNop())
	for _, path := range []string{"/v1/rotate", "/v1/replace", "/v1/undo-alias", "/v1/contain"} {
		i := slices.IndexFunc(server.routes(), func(r route) bool { return r.Path == path })
		name := `"key":"k"`
		switch path {
		case "/v1/undo-alias":
			name = `"name":"k"`
		case "/v1/contain":
			name += `,"disable":true`
		}
		for body, want := range map[string]bool{`{` + name + `,"dry_run":true}`: true, `{` + name + `,"reason":"r"}`: false} {
			caller := &Caller{Peer: Peer{UID: alice}}
			if err := backend.access.check(caller, server.routes()[i].roles()...); err != nil {
				t.Errorf("%s: %v", path, err)
			}
			request, err := http.NewRequestWithContext(context.WithValue(t.Context(), callerKey{}, caller),
				http.MethodPost, path, strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			_, err = server.routes()[i].handle(request)
			if want != (err == nil) || err != nil && answerTo(err).Code != CodeForbidden {
				t.Errorf("%s %s: %v", path, body, err)
			}
		}
	}
}

func wireOf(t *testing.T, e *Error) string {
	t.Helper()
	raw, err := Marshal(failure{e})
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestAnApproverIsToldWhyNot(t *testing.T) {
	for name, tt := range map[string]struct {
		caller Caller
		says   string
	}{
		"root": {Caller{}, "may ask, but not approve: several people use that account. Approve with --aws-identity, or " +
			"from an account of your own that admin.roles.approve lists"},
		"somebody": {Caller{Peer: Peer{UID: alice}}, "uid:54321 may not approve: admin.roles.approve in rotd.yaml does not " +
			"list user:54321"},
		"a role": {Caller{AWS: &AWSIdentity{ARN: rolesARN}}, rolesARN + " may not approve: it is no person, since whoever " +
			"may assume a role chooses the session's name. Approve as an IAM user or a user of IAM Identity Center"},
		"an AWS user": {Caller{AWS: &AWSIdentity{ARN: bobsARN, Person: "x"}}, bobsARN + " may not approve: " +
			"admin.roles.approve in rotd.yaml does not list it"},
	} {
		t.Run(name, func(t *testing.T) {
			err := (&Access{}).check(&tt.caller, Approve)
			if e := answerTo(err); !strings.HasSuffix(e.Message, tt.says) || e.Exit != ExitRefused || e.status != 403 {
				t.Errorf("%+v", e)
			}
		})
	}
}

func TestWhoACallerIs(t *testing.T) {
	access := &Access{Shared: []uint32{222}}
	bob := &AWSIdentity{ARN: bobsARN, Person: "aws-user:AIDABOB"}
	for _, tt := range []struct {
		caller Caller
		name   string
		is     []string
	}{
		{Caller{Peer: Peer{UID: alice}}, "uid:54321", []string{"uid:54321"}},
		{Caller{Peer: Peer{UID: 222}}, "uid:222", nil},
		{Caller{Peer: Peer{UID: 222}, AWS: bob}, bobsARN + " through uid:222", []string{"aws-user:AIDABOB"}},
		{
			Caller{Peer: Peer{UID: alice}, AWS: bob},
			bobsARN + " through uid:54321",
			[]string{"uid:54321", "aws-user:AIDABOB"},
		},
		{
			Caller{Peer: Peer{UID: alice}, AWS: &AWSIdentity{ARN: rolesARN}},
			rolesARN + " through uid:54321",
			[]string{"uid:54321"},
		},
	} {
		got := tt.caller.Who(access)
		if diff := cmp.Diff(tt.is, got.Is); diff != "" || got.Name != tt.name {
			t.Errorf("%s (-want +got):\n%s", got.Name, diff)
		}
	}
}

func TestAProofIsHandedOnAndWhatProvesNothingIsRefused(t *testing.T) {
	backend := &fakeBackend{}
	socket, stop := serve(t, backend, zap.NewNop())
	defer stop()
	proof := Proof{URL: "https://sts.amazonaws.com/?x=1", Nonce: "n", Plan: "v1:p"}
	client := clientOf(t, socket).As(proof)
	_, err := client.Approve(t.Context(), "act_1", "v1:p", "ok")
	want := "identity not proven: signed too long ago"
	if err == nil || err.Error() != want || backend.asked != nil {
		t.Errorf("got %v, asked %v", err, backend.asked)
	}
	if diff := cmp.Diff(proof, backend.proof); diff != "" {
		t.Errorf("proof (-want +got):\n%s", diff)
	}
	backend.identity = &AWSIdentity{ARN: bobsARN, Person: "aws-user:AIDABOB"}
	_, err = client.Approve(t.Context(), "act_1", "v1:p", "ok")
	if want = bobsARN + " may not approve: admin.roles.approve in rotd.yaml does not list it"; err == nil ||
		err.Error() != want || backend.asked != nil {
		t.Errorf("got %v, want %s; asked %v", err, want, backend.asked)
	}
	backend.access.Approve = []string{bobsARN}
	if _, err := client.Approve(t.Context(), "act_1", "v1:p", "ok"); err != nil {
		t.Fatal(err)
	}
	bob := remediation.Who{Name: bobsARN + " through " + me(t), Is: []string{"aws-user:AIDABOB"}}
	if diff := cmp.Diff([]any{"act_1", "v1:p", bob, "ok"}, backend.asked); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
}

func TestAProofIsForThePlanThatItSays(t *testing.T) {
	backend := &fakeBackend{
		identity: &AWSIdentity{ARN: bobsARN, Person: "aws-user:AIDABOB"}, access: Access{Approve: []string{bobsARN}},
	}
	socket, stop := serve(t, backend, zap.NewNop())
	defer stop()
	client := clientOf(t, socket).As(Proof{URL: "https://sts.amazonaws.com/?x=1", Nonce: "n", Plan: "v1:p"})
	for name, tt := range map[string]struct {
		ask  func() error
		says string
	}{
		"another plan is approved": {func() error {
			_, err := client.Approve(t.Context(), "act_1", "v1:q", "ok")
			return err
		}, "plan: the AWS identity was proven for another plan"},
		"what has no plan is asked for": {func() error {
			_, err := client.Resume(t.Context(), "")
			return err
		}, "this takes no proof of an AWS identity, since it has no plan"},
		"an action is cancelled": {func() error {
			_, err := client.Cancel(t.Context(), "act_1", "no")
			return err
		}, "this takes no proof of an AWS identity, since it has no plan"},
	} {
		if err := tt.ask(); err == nil || err.Error() != tt.says || backend.asked != nil {
			t.Errorf("%s: %v, asked %v", name, err, backend.asked)
		}
	}
}
