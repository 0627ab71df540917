package detection

import (
	"fmt"
	"testing"
)

func TestIntakeTampered(t *testing.T) {
	const (
		topic = "arn:aws:sns:eu-west-1:111122223333:oncall"
		rule  = "arn:aws:events:eu-west-1:111122223333:rule/rotd-kms"
	)
	call := func(service, name string, parameters object, given ...object) object {
		return record(name, append([]object{{
			"eventSource": service + ".amazonaws.com", "resources": nil, "requestParameters": parameters,
		}}, given...)...)
	}
	changed := func(what, name string) []string {
		return []string{fmt.Sprintf("CRITICAL rotd's %s was changed: %s", what, name)}
	}
	queue, named := object{"queueUrl": queueURL}, object{"name": "rotd-kms"}
	testRule(t, intakeTampered(), []ruleTest{
		{
			name: "the rule disabled", world: careful(), events: []object{call("events", "DisableRule", named)},
			want: changed("EventBridge rule", "DisableRule"),
			says: []string{
				"role/admin called DisableRule on rotd's EventBridge rule " + rule + ". Events that come by it do not reach " +
					"rotd any more.",
				"rotd sweep inventory",
			},
		},
		{
			name: "the rule no longer brings reads", world: careful(),
			events: []object{call("events", "PutRule", object{
				"name": "rotd-kms", "state": "ENABLED", "eventBusName": "default",
			})},
			want: changed("EventBridge rule", "PutRule"), says: []string{"The rule is now ENABLED: it does not bring all"},
		},
		{
			name: "the rule set to bring all", world: careful(),
			events: []object{call("events", "PutRule", object{
				"name": "rotd-kms", "state": "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS",
			})},
			want: changed("EventBridge rule", "PutRule"), says: []string{"It may bring other events than before."},
		},
		{
			name: "the rule set without a state", world: careful(), events: []object{call("events", "PutRule", named)},
			want: changed("EventBridge rule", "PutRule"), says: []string{"It may bring other events than before."},
		},
		{
			name: "the rule's targets removed", world: careful(),
			events: []object{call("events", "RemoveTargets", object{"rule": "rotd-kms", "ids": []string{"1"}})},
			want:   changed("EventBridge rule", "RemoveTargets"),
		},
		{
			name: "the queue purged", world: careful(), events: []object{call("sqs", "PurgeQueue", queue)},
			want: changed("queue", "PurgeQueue"), says: []string{queueURL, "it was judged by nobody"},
		},
		{
			name: "the queue by another of its URLs", world: careful(),
			events: []object{call("sqs", "DeleteQueue", object{
				"queueUrl": "https://eu-west-1.queue.amazonaws.com/111122223333/rotd",
			})},
			want: changed("queue", "DeleteQueue"), says: []string{queueURL},
		},
		{
			name: "a queue whose URL is none", world: careful(),
			events: []object{call("sqs", "DeleteQueue", object{"queueUrl": "rotd"})},
		},
		{
			name: "the dead-letter queue", world: careful(),
			events: []object{call("sqs", "SetQueueAttributes", object{"queueUrl": queueURL + "-dead"})},
			want:   changed("queue", "SetQueueAttributes"),
		},
		{
			name: "a subscriber taken off the topic", world: careful(),
			events: []object{call("sns", "Unsubscribe", object{"subscriptionArn": topic + ":1f2e"})},
			want:   changed("topic", "Unsubscribe"), says: []string{"rotd's topic " + topic + ". Alerts may reach fewer"},
		},
		{
			name: "the role's policy, by rotd's own session", world: careful(func(w *world) { w.own = true }),
			events: []object{call("iam", "DetachRolePolicy", object{"roleName": "rotd"}, by("rotd"),
				object{"awsRegion": "us-east-1"})},
			want: changed("role", "DetachRolePolicy"),
		},
		{
			name: "a member's role", world: careful(), events: []object{call("iam", "UpdateAssumeRolePolicy",
				object{"roleName": "rotd-member"}, object{"recipientAccountId": "444455556666"})},
			want: changed("role", "UpdateAssumeRolePolicy"),
		},
		{
			name: "the bucket's notifications", world: careful(),
			events: []object{call("s3", "PutBucketNotification", object{"bucketName": "trail-logs"})},
			want:   changed("bucket", "PutBucketNotification"),
		},
		{name: "another rule", world: careful(), events: []object{call("events", "DisableRule", object{"name": "backups"})}},
		{
			name: "a rule of that name on another bus", world: careful(),
			events: []object{call("events", "DisableRule", object{"name": "rotd-kms", "eventBusName": "orders"})},
		},
		{
			name: "a queue of that name in another Region", world: careful(),
			events: []object{call("sqs", "DeleteQueue", queue, object{"awsRegion": "us-east-1"})},
		},
		{
			name: "a queue of that name in another account", world: careful(),
			events: []object{call("sqs", "DeleteQueue", object{
				"queueUrl": "https://sqs.eu-west-1.amazonaws.com/444455556666/rotd",
			})},
		},
		{
			name: "another topic", world: careful(),
			events: []object{call("sns", "DeleteTopic", object{"topicArn": topic + "s"})},
		},
		{name: "another role", world: careful(), events: []object{call("iam", "DeleteRole", object{"roleName": "rotd2"})}},
		{
			name: "a role of that name in another account", world: careful(),
			events: []object{call("iam", "DeleteRole", object{"roleName": "rotd"},
				object{"recipientAccountId": "444455556666"})},
		},
		{name: "refused", world: careful(), events: []object{call("sqs", "PurgeQueue", queue, failing("AccessDenied"))}},
		{name: "nothing is named", world: careful(), events: []object{
			call("sqs", "PurgeQueue", nil), call("sns", "Unsubscribe", object{"subscriptionArn": "x"}),
			call("events", "DisableRule", nil), call("iam", "DeleteRole", nil), call("s3", "DeleteBucket", nil),
		}},
		{name: "nothing of rotd's is known, as in a replay", events: []object{call("sqs", "PurgeQueue", queue)}},
	})
}
