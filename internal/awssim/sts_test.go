package awssim_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/google/go-cmp/cmp"

	"rotd/internal/awssim"
)

const roleARN = "arn:aws:iam::444455556666:role/ops/rotd"

func (w *world) identity(t *testing.T) (*sts.GetCallerIdentityOutput, error) {
	t.Helper()
	return w.sts.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
}

func TestCallerIdentityNeedsNoPermission(t *testing.T) {
	w, _ := standing(t)
	bob := worldOf(t, w.sim, w.sim.NewAccessKey(account, "bob", "kms:ListKeys"))
	got, err := bob.identity(t)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"arn:aws:iam::111122223333:user/bob", account, bob.user.PrincipalID}
	if diff := cmp.Diff(want, []string{*got.Arn, *got.Account, *got.UserId}); diff != "" {
		t.Error(diff)
	}
}

func TestPresignedCallerIdentityIsAnsweredAsItWasSigned(t *testing.T) {
	ask := func(t *testing.T, w *world, change func(*http.Request)) (int, string) {
		t.Helper()
		client := sts.NewPresignClient(w.sts, sts.WithPresignClientFromClientOptions(sts.WithAPIOptions(
			smithyhttp.SetHeaderValue("X-Rotd-Plan", "p1"), smithyhttp.SetHeaderValue("X-Amz-Expires", "300"))))
		signed, err := client.PresignGetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
		if err != nil {
			t.Fatal(err)
		}
		req, err := http.NewRequestWithContext(t.Context(), signed.Method, signed.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header = signed.SignedHeader
		change(req)
		resp, err := w.cfg.HTTPClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(body)
	}
	for name, tt := range map[string]struct {
		change func(*http.Request)
		later  time.Duration
		status int
		answer string
	}{
		"as it is":               {func(*http.Request) {}, 0, 200, "<Arn>arn:aws:iam::111122223333:user/alice</Arn>"},
		"with a header unsigned": {func(r *http.Request) { r.Header.Set("X-Other", "1") }, 0, 200, "<Arn>"},
		"for another plan": {
			func(r *http.Request) { r.Header.Set("X-Rotd-Plan", "p2") }, 0, 403, "SignatureDoesNotMatch",
		},
		"without its plan": {func(r *http.Request) { r.Header.Del("X-Rotd-Plan") }, 0, 403, "SignatureDoesNotMatch"},
		"valid for longer": {func(r *http.Request) {
			r.URL.RawQuery = strings.Replace(r.URL.RawQuery, "Expires=300", "Expires=900", 1)
		}, 0, 403, "SignatureDoesNotMatch"},
		"too late": {func(*http.Request) {}, 6 * time.Minute, 403, "Signature expired"},
	} {
		t.Run(name, func(t *testing.T) {
			// The SDK signs by the wall clock.
			w := newWorld(t, awssim.Options{Clock: awssim.NewScaledClock(time.Now().Add(tt.later), 0), Seed: 1})
			if status, answer := ask(t, w, tt.change); status != tt.status || !strings.Contains(answer, tt.answer) {
				t.Errorf("got %d %s, want %d %s", status, answer, tt.status, tt.answer)
			}
		})
	}
}

func TestAssumedRoleIsAPrincipalOfItsOwn(t *testing.T) {
	w, clock := standing(t)
	w.sim.AddRole(awssim.Role{
		ARN: roleARN, ExternalID: "x-1", Trusted: []string{w.user.ARN}, Allow: []string{"sqs:ListQueues"},
	})
	in := &sts.AssumeRoleInput{
		RoleArn: aws.String(roleARN), RoleSessionName: aws.String("rotd"), ExternalId: aws.String("x-1"),
		DurationSeconds: aws.Int32(900),
	}
	out, err := w.sts.AssumeRole(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	if want := epoch.Add(15 * time.Minute); !out.Credentials.Expiration.Equal(want) {
		t.Errorf("credentials expire at %v, want %v", out.Credentials.Expiration, want)
	}
	session := worldOf(t, w.sim, awssim.Principal{
		AccessKeyID: *out.Credentials.AccessKeyId, SecretAccessKey: *out.Credentials.SecretAccessKey,
		SessionToken: *out.Credentials.SessionToken,
	})
	got, err := session.identity(t)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"arn:aws:sts::444455556666:assumed-role/rotd/rotd", "444455556666", *out.AssumedRoleUser.AssumedRoleId,
	}
	if diff := cmp.Diff(want, []string{*got.Arn, *got.Account, *got.UserId}); diff != "" {
		t.Error(diff)
	}
	if _, err := session.sqs.ListQueues(t.Context(), &sqs.ListQueuesInput{}); err != nil {
		t.Error(err)
	}
	_, err = session.sqs.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("q")})
	wantCode(t, err, "AccessDeniedException")
	clock.Advance(15*time.Minute + time.Second)
	_, err = session.identity(t)
	wantCode(t, err, "ExpiredToken")
}

func TestRoleIsRefused(t *testing.T) {
	w, _ := standing(t)
	role := aws.String(roleARN)
	w.sim.AddRole(awssim.Role{ARN: roleARN, ExternalID: "x-1"})
	w.sim.AddRole(awssim.Role{ARN: roleARN + "2", Trusted: []string{"arn:aws:iam::111122223333:user/bob"}})
	tests := []struct {
		name, code string
		in         sts.AssumeRoleInput
	}{
		{"without the external id", "AccessDenied", sts.AssumeRoleInput{RoleArn: role}},
		{"with another external id", "AccessDenied", sts.AssumeRoleInput{RoleArn: role, ExternalId: aws.String("x-2")}},
		{"that trusts others", "AccessDenied", sts.AssumeRoleInput{RoleArn: aws.String(roleARN + "2")}},
		{"that is unknown", "AccessDenied", sts.AssumeRoleInput{RoleArn: aws.String(roleARN + "3")}},
		{"for too short", "ValidationError", sts.AssumeRoleInput{RoleArn: role, DurationSeconds: aws.Int32(60)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.in.RoleSessionName = aws.String("rotd")
			_, err := w.sts.AssumeRole(t.Context(), &tt.in)
			wantCode(t, err, tt.code)
		})
	}
}

func TestUnknownAccessKeyIsRefusedByEachProtocol(t *testing.T) {
	w, _ := standing(t)
	url, topic := w.queue(t, "events"), w.topic(t, "oncall")
	w.sim.RemovePrincipal(w.user.AccessKeyID)
	_, err := w.identity(t)
	wantCode(t, err, "InvalidClientTokenId")
	_, err = w.sqs.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: url})
	wantCode(t, err, "InvalidClientTokenId")
	err = publish(t, w, topic)
	wantCode(t, err, "InvalidClientTokenId")
}
