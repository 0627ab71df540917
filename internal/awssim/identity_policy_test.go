package awssim_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

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
