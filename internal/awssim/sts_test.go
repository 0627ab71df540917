package awssim_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"
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

func TestPresignedCallerIdentityIsAnswered(t *testing.T) {
	w, _ := standing(t)
	signed, err := sts.NewPresignClient(w.sts).PresignGetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), signed.Method, signed.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := w.cfg.HTTPClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("got status %s, %v", resp.Status, err)
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
