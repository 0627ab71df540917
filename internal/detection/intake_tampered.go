package detection

import (
	"fmt"
	"strings"

	"rotd/internal/events"
	"rotd/internal/finding"
	"rotd/internal/policy"
)

const (
	sqsSource    = "sqs.amazonaws.com"
	snsSource    = "sns.amazonaws.com"
	bridgeSource = "events.amazonaws.com"
	iamSource    = "iam.amazonaws.com"
)

func intakeTampered() Rule {
	return Rule{
		ID: "intake-tampered", Title: "Something that rotd rests on was changed",
		Severity: finding.Critical, Mitre: []string{"T1562"},
		Wants: []Wanted{
			{Source: sqsSource, Names: []string{
				"SetQueueAttributes", "DeleteQueue", "PurgeQueue", "AddPermission", "RemovePermission",
			}},
			{Source: snsSource, Names: []string{
				"SetTopicAttributes", "DeleteTopic", "Unsubscribe", "SetSubscriptionAttributes", "AddPermission",
				"RemovePermission",
			}},
			{Source: bridgeSource, Names: []string{"PutRule", "DisableRule", "DeleteRule", "PutTargets", "RemoveTargets"}},
			{Source: iamSource, Names: []string{
				"DeleteRole", "UpdateAssumeRolePolicy", "AttachRolePolicy", "DetachRolePolicy", "PutRolePolicy",
				"DeleteRolePolicy", "PutRolePermissionsBoundary", "DeleteRolePermissionsBoundary",
			}},
			{Source: s3Source, Names: []string{"PutBucketNotification", "DeleteBucket"}},
		},
		PerPrincipal: true, Judge: judgeIntakeTampered,
		Doc: Doc{
			Meaning: "Somebody changed the queue that rotd's events come from, what fills it, a topic that its alerts go to, " +
				"or a role that it works by. Whoever wants to go unseen begins there.",
			Condition: "A call that succeeded and changes or deletes a queue of `intake.queues` or its dead-letter queue; a " +
				"topic of `alerts.topics`, or takes a subscriber off it; a rule, topic or bucket's notifications that the " +
				"queue's policy names as its source (aws:SourceArn); the policies or the trust of a role that rotd works by. " +
				"The events of SQS, SNS, EventBridge, IAM and S3 must reach rotd for that; IAM's are in us-east-1. Trails are " +
				"trail-blinded's. A rule that the queue's policy does not name is not known to be rotd's. A replay knows none " +
				"of them.",
			Tuning:         "None: nobody's doing is expected. `detections.severity` while rotd is being set up.",
			FalsePositives: "Deployments of rotd's own infrastructure.",
			Response: "Put it back, then see what happened while rotd did not hear or could not tell: sweeps show the state " +
				"of keys, CloudTrail's history who did what.",
		},
	}
}

func judgeIntakeTampered(c *Context, ev *events.Event) []Found {
	if c.Itself == nil || ev.Failed() {
		return nil
	}
	what, id := c.Itself.touched(ev)
	if id == "" {
		return nil
	}
	about := target{partition: events.Partition(ev.AWSRegion), account: ev.RecipientAccountID, region: ev.AWSRegion}
	f := Found{
		About: about, Subject: place(ev), Discriminator: ev.EventName + "\x00" + id,
		Title: "rotd's " + what + " was changed: " + ev.EventName,
		Description: sentences(fmt.Sprintf("%s called %s on rotd's %s %s.", who(ev), ev.EventName, what, shown(id)),
			consequence(ev),
			"Whoever wants to go unseen begins with what watches."),
		Remedy: []string{
			"If this was no deployment of rotd, put it back. See whether events still arrive and alerts can be sent:",
			"rotd status",
			"See what the same principal did besides:",
			lookupAccessKey(ev, ev.AWSRegion),
			"Read every key anew, so that what went unheard is seen:",
			"rotd sweep inventory",
		},
	}
	if ev.EventSource == sqsSource {
		f.Subject = finding.Subject{Type: finding.Queue, ID: id}
	}
	return one(f)
}

// touched is what of rotd's own an event changed: in a word, and its ARN or URL; empty when it is nothing of rotd's.
func (i *Itself) touched(ev *events.Event) (what, id string) {
	switch ev.EventSource {
	case sqsSource:
		return "queue", i.queue(ev.RequestString("queueUrl"), ev.AWSRegion)
	case snsSource:
		topic := ev.RequestString("topicArn")
		if subscription := ev.RequestString("subscriptionArn"); subscription != "" {
			topic = subscription[:max(0, strings.LastIndexByte(subscription, ':'))]
		}
		return "topic", i.listed(topic, i.Topics, i.Sources)
	case bridgeSource:
		return "EventBridge rule", i.listed(ruleARN(ev), i.Sources)
	case s3Source:
		return "bucket", i.listed("arn:"+events.Partition(ev.AWSRegion)+":s3:::"+ev.RequestString("bucketName"), i.Sources)
	case iamSource:
		role := "arn:" + events.Partition(ev.AWSRegion) + ":iam::" + ev.RecipientAccountID + ":role/" +
			ev.RequestString("roleName")
		if i.works(role) {
			return "role", role
		}
	}
	return "", ""
}

// queue is rotd's queue of that URL, "" when it is none. One queue has several URLs, by its hosts' names: account, name
// and Region tell.
func (i *Itself) queue(url, region string) string {
	for _, own := range i.Queues {
		_, place := queuePlace(own)
		if url != "" && queuePath(own) == queuePath(url) && (place == "" || place == region) {
			return own
		}
	}
	return ""
}

// queuePath is <account>/<name>, which a queue's URL ends with.
func queuePath(url string) string {
	name := strings.LastIndexByte(url, '/')
	return url[strings.LastIndexByte(url[:max(0, name)], '/')+1:]
}

// listed is the ARN when one of the lists has it. A queue's policy may name its sources by a pattern.
func (i *Itself) listed(arn string, lists ...[]string) string {
	for _, list := range lists {
		for _, own := range list {
			if arn != "" && policy.Glob(own, arn) {
				return arn
			}
		}
	}
	return ""
}

// ruleARN is the EventBridge rule of a call, "" when it names none.
func ruleARN(ev *events.Event) string {
	name := ev.RequestString("name")
	if name == "" {
		name = ev.RequestString("rule")
	}
	if name == "" {
		return ""
	}
	bus := ev.RequestString("eventBusName")
	bus = bus[strings.LastIndexByte(bus, '/')+1:]
	if bus != "" && bus != "default" {
		name = bus + "/" + name
	}
	return "arn:" + events.Partition(ev.AWSRegion) + ":events:" + ev.AWSRegion + ":" + ev.RecipientAccountID +
		":rule/" + name
}

// consequence says in a sentence what a change means for rotd.
func consequence(ev *events.Event) string {
	switch ev.EventName {
	case "DeleteQueue", "DisableRule", "DeleteRule", "RemoveTargets", "DeleteBucket":
		return "Events that come by it do not reach rotd any more."
	case "PurgeQueue":
		return "What waited in the queue is lost: it was judged by nobody."
	case "PutRule":
		if state := ev.RequestString("state"); state != "" && state != "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS" {
			return "The rule is now " + shown(state) + ": it does not bring all of CloudTrail's management events."
		}
		return "It may bring other events than before."
	case "SetQueueAttributes", "PutTargets", "PutBucketNotification":
		return "Events may be lost, or come from others than before."
	case "DeleteTopic", "Unsubscribe", "SetSubscriptionAttributes", "SetTopicAttributes":
		return "Alerts may reach fewer people than before."
	}
	return "rotd may be able to do less than before, or somebody else more."
}
