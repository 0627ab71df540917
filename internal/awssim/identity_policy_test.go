package awssim_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"rotd/internal/awssim"
)

// limited is a user with an IAM policy of the statements.
func limited(t *testing.T, w *world, statements string) *world {
	t.Helper()
	p := w.sim.NewAccessKey(account, "limited")
	if err := w.sim.SetPolicy(p.AccessKeyID, `{"Version":"2012-10-17","Statement":[`+statements+`]}`); err != nil {
		t.Fatal(err)
	}
	return worldOf(t, w.sim, p)
}

func refused(err error) bool { return err != nil && strings.Contains(err.Error(), "AccessDenied") }

func TestAnIAMPolicyAllowsItsActionsOnItsResourcesAlone(t *testing.T) {
	w, _ := standing(t)
	for _, queue := range []string{"rotd", "other"} {
		w.sim.CreateQueue(region, account, queue)
	}
	l := limited(t, w, `{"Sid":"Q","Effect":"Allow","Action":["sqs:GetQueueAttributes","sqs:PurgeQueue"],
		"Resource":["arn:aws:sqs:*:111122223333:ro*d"]}`)
	ask := func(queue string) error {
		url := "http://x/" + account + "/" + queue
		_, err := l.sqs.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: &url})
		return err
	}
	if err := ask("rotd"); err != nil {
		t.Errorf("an allowed action on an allowed resource: %v", err)
	}
	if err := ask("other"); !refused(err) {
		t.Errorf("an allowed action on another resource: %v", err)
	}
	if _, err := l.sqs.ListQueues(t.Context(), &sqs.ListQueuesInput{}); !refused(err) {
		t.Errorf("another action: %v", err)
	}
	want := []awssim.Permission{{Sid: "Q", Action: "sqs:PurgeQueue"}}
	if got := w.sim.Unused(l.user.AccessKeyID); !slices.Equal(got, want) {
		t.Errorf("without use: %v", got)
	}
}

func TestAKeyIsMadeWithTheTagThatItsConditionAsksFor(t *testing.T) {
	w, _ := standing(t)
	create := func(statements string, tags ...kmstypes.Tag) error {
		client := kms.NewFromConfig(limited(t, w, statements).cfg)
		_, err := client.CreateKey(t.Context(), &kms.CreateKeyInput{Tags: tags})
		return err
	}
	const (
		allowed = `{"Sid":"C","Effect":"Allow","Action":["kms:CreateKey"],"Resource":["*"],
			"Condition":{"Null":{"aws:RequestTag/rotd:action":"false"}}}`
		tag = `,{"Sid":"T","Effect":"Allow","Action":["kms:TagResource"],"Resource":["arn:aws:kms:*:111122223333:key/*"]}`
	)
	marked := kmstypes.Tag{TagKey: aws.String("rotd:action"), TagValue: aws.String("act_1")}
	other := kmstypes.Tag{TagKey: aws.String("team"), TagValue: aws.String("x")}
	if err := create(allowed+tag, marked); err != nil {
		t.Errorf("with the tag: %v", err)
	}
	for name, err := range map[string]error{
		"without tags":                   create(allowed + tag),
		"with another tag":               create(allowed+tag, other),
		"without the permission to tag":  create(allowed, marked),
		"with an operator nobody judges": create(strings.Replace(allowed, "Null", "StringEquals", 1)+tag, marked),
	} {
		if !refused(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAnAliasMovesWithPermissionOnItAndOnBothKeys(t *testing.T) {
	w, _ := standing(t)
	from, err := w.sim.KMS().CreateKey(awssim.KeyOptions{Account: account, Region: region, Aliases: []string{"alias/a"}})
	if err != nil {
		t.Fatal(err)
	}
	to, err := w.sim.KMS().CreateKey(awssim.KeyOptions{Account: account, Region: region})
	if err != nil {
		t.Fatal(err)
	}
	all := []string{from, to, "arn:aws:kms:" + region + ":" + account + ":alias/a"}
	move := func(resources ...string) error {
		client := kms.NewFromConfig(limited(t, w, `{"Sid":"M","Effect":"Allow","Action":["kms:UpdateAlias"],"Resource":["`+
			strings.Join(resources, `","`)+`"]}`).cfg)
		_, err := client.UpdateAlias(t.Context(), &kms.UpdateAliasInput{
			AliasName: aws.String("alias/a"), TargetKeyId: aws.String(to),
		})
		return err
	}
	for i, missing := range all {
		if err := move(slices.Delete(slices.Clone(all), i, i+1)...); !refused(err) {
			t.Errorf("without permission on %s: %v", missing, err)
		}
	}
	if err := move(all...); err != nil {
		t.Errorf("with permission on all three: %v", err)
	}
}

func TestAPolicyThatWouldBeMisjudgedIsRefused(t *testing.T) {
	w, _ := standing(t)
	p := w.sim.NewAccessKey(account, "limited")
	for name, statement := range map[string]string{
		"a denial":          `{"Effect":"Deny","Action":["kms:*"],"Resource":["*"]}`,
		"all but some":      `{"Effect":"Allow","NotAction":["kms:*"],"Resource":["*"]}`,
		"no policy at all":  `nonsense`,
		"all but some keys": `{"Effect":"Allow","Action":["kms:ListKeys"],"NotResource":["*"]}`,
	} {
		if w.sim.SetPolicy(p.AccessKeyID, `{"Version":"2012-10-17","Statement":[`+statement+`]}`) == nil {
			t.Errorf("%s is taken", name)
		}
	}
	if w.sim.SetPolicy("AKIANOBODY", `{"Statement":[]}`) == nil {
		t.Error("a policy of nobody's is taken")
	}
}

func TestARoleIsAssumedWithPermissionByWhoItTrustsAndMayWhatItsPolicySays(t *testing.T) {
	const rotd, member = "arn:aws:iam::111122223333:role/rotd", "arn:aws:iam::444455556666:role/rotd-member"
	w, _ := standing(t)
	w.sim.AddRole(awssim.Role{ARN: member, ExternalID: "x-1", Trusted: []string{rotd}})
	policy := `{"Version":"2012-10-17","Statement":[{"Sid":"L","Effect":"Allow","Action":["kms:ListKeys",
		"kms:ListAliases"],"Resource":["*"]}]}`
	if err := w.sim.SetPolicy(member, policy); err != nil {
		t.Fatal(err)
	}
	assume := func(issuer, may, externalID string) (*sts.AssumeRoleOutput, error) {
		p := w.sim.NewAccessKey(account, "limited")
		p.SessionIssuerARN = issuer
		w.sim.AddPrincipal(p)
		if err := w.sim.SetPolicy(p.AccessKeyID, `{"Statement":[{"Effect":"Allow","Action":["sts:AssumeRole"],
			"Resource":["`+may+`"]}]}`); err != nil {
			t.Fatal(err)
		}
		return worldOf(t, w.sim, p).sts.AssumeRole(t.Context(), &sts.AssumeRoleInput{
			RoleArn: aws.String(member), RoleSessionName: aws.String("rotd"), ExternalId: &externalID,
		})
	}
	for name, refusedTo := range map[string][3]string{
		"without permission":           {rotd, rotd, "x-1"},
		"by a role that is not its":    {member, "arn:aws:iam::*:role/rotd-member", "x-1"},
		"with somebody else's id":      {rotd, "arn:aws:iam::*:role/rotd-member", "x-2"},
		"in an account that is not it": {rotd, "arn:aws:iam::111122223333:role/rotd-member", "x-1"},
	} {
		if _, err := assume(refusedTo[0], refusedTo[1], refusedTo[2]); !refused(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	out, err := assume(rotd, "arn:aws:iam::*:role/rotd-member", "x-1")
	if err != nil {
		t.Fatal(err)
	}
	session := kms.NewFromConfig(worldOf(t, w.sim, awssim.Principal{
		AccessKeyID: *out.Credentials.AccessKeyId, SecretAccessKey: *out.Credentials.SecretAccessKey,
		SessionToken: *out.Credentials.SessionToken,
	}).cfg)
	if _, err := session.ListKeys(t.Context(), &kms.ListKeysInput{}); err != nil {
		t.Errorf("what its policy allows: %v", err)
	}
	if _, err := session.CreateKey(t.Context(), &kms.CreateKeyInput{}); !refused(err) {
		t.Errorf("what its policy does not: %v", err)
	}
	want := []awssim.Permission{{Sid: "L", Action: "kms:ListAliases"}}
	if got := w.sim.Unused(member); !slices.Equal(got, want) {
		t.Errorf("without use: %v", got)
	}
	if err := w.sim.SetPolicy(member, `{"Statement":[]}`); err != nil {
		t.Fatal(err)
	}
	if _, err := session.ListKeys(t.Context(), &kms.ListKeysInput{}); !refused(err) {
		t.Errorf("what its new policy does not allow: %v", err)
	}
}

func TestAnOrganizationIsListedWithPermission(t *testing.T) {
	w, _ := standing(t)
	for statement, want := range map[string]bool{
		`{"Effect":"Allow","Action":["organizations:ListAccounts"],"Resource":["*"]}`:    true,
		`{"Effect":"Allow","Action":["organizations:DescribeAccount"],"Resource":["*"]}`: false,
	} {
		client := organizations.NewFromConfig(limited(t, w, statement).cfg)
		_, err := client.ListAccounts(t.Context(), &organizations.ListAccountsInput{})
		if want && err != nil || !want && !refused(err) {
			t.Errorf("with %s: %v", statement, err)
		}
	}
}

// An operation that asks no policy would let everybody do it.
func TestWhatNoPolicyWasAskedForFails(t *testing.T) {
	w, _ := standing(t)
	l := limited(t, w, `{"Effect":"Allow","Action":["sns:Publish"],"Resource":["*"]}`)
	if _, err := l.sns.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("t")}); err == nil {
		t.Error("a topic is made")
	}
}
