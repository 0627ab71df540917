package detection

import (
	"fmt"
	"strings"
	"time"

	"rotd/internal/finding"
	"rotd/internal/remediation"
)

// Findings about rotd itself. No rule or check finds them: the engine raises them where it meets what they tell of,
// and ends them where it sees that it is over.

// RulePanicked is a rule or check that panicked on an event or key. The rest goes on, without that rule's word.
func RulePanicked(shard, ruleID string, value any, at time.Time) finding.Finding {
	f := own("rule-panicked", finding.High, finding.Subject{Type: finding.Rotd, ID: shard}, ruleID, at)
	f.Title = "A detection rule failed inside rotd: " + ruleID
	f.Description = fmt.Sprintf("%s panicked: %s. What it was judging has not been judged by it; every other rule and "+
		"check went on. The daemon's log has the stack.", ruleID, shown(fmt.Sprint(value)))
	f.Remedy = []string{
		"Report this as a bug of rotd, with the stack from its log.",
		"If it repeats, switch the rule off until it is fixed: detections.disable in rotd.yaml.",
		"rotd detections show " + argument(ruleID),
	}
	return f
}

// Undecodable is a message or record that could not be decoded. source is a queue's URL, or `s3://bucket/key` of a
// log object, of which the bucket alone becomes the subject; reason is a stable word, detail is for people. kept is
// false when the quarantine is full and only a hash was kept.
func Undecodable(source, reason, detail string, kept bool, at time.Time) finding.Finding {
	where := source
	if rest, ok := strings.CutPrefix(source, "s3://"); ok {
		bucket, _, _ := strings.Cut(rest, "/")
		where = "s3://" + bucket
	}
	f := own("message-undecodable", finding.Medium, finding.Subject{Type: finding.Queue, ID: where}, reason, at)
	f.Title = "Messages cannot be decoded: " + reason
	f.Description = fmt.Sprintf("What came from %s could not be read as a CloudTrail record (%s: %s). "+
		"Whatever it tells of has not been judged. A copy is in quarantine.", shown(source), shown(reason),
		shown(detail))
	if !kept {
		f.Severity = finding.High
		f.Description = strings.Replace(f.Description, "A copy is in quarantine.",
			"The quarantine is full: only its hash was kept.", 1)
	}
	f.Remedy = []string{
		"See what it is and who sends it: anybody who may send to the queue can send anything.",
		"rotd quarantine list",
	}
	return f
}

// IntakeSilent says that no event arrived since last, for longer than allowed (intake.heartbeat).
func IntakeSilent(shard string, last time.Time, allowed time.Duration, at time.Time) finding.Finding {
	f := own("intake-silent", finding.High, finding.Subject{Type: finding.Rotd, ID: shard}, "", at)
	f.Title = "No event has arrived for too long"
	f.Description = fmt.Sprintf("The last event arrived at %s; intake.heartbeat allows %s without one. Until events "+
		"arrive again nothing is noticed between two sweeps. Either nothing happens with the keys, or what brings the "+
		"events is broken, or somebody switched it off.", stamp(last), days(allowed))
	f.Remedy = []string{
		"rotd status",
		"Check that the trail logs: aws cloudtrail get-trail-status --name TRAIL",
		"Check the rule's state, which must be ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS: " +
			"aws events describe-rule --name RULE",
		"If the account is this quiet, set intake.heartbeat to what is usual for it.",
	}
	return f
}

// RotationFailed tells of a rotation or replacement by rotd that failed. It is grave when KMS took the call, or may
// have, and does not show its effect; when KMS surely did nothing, the key is as it was and its drift is still open.
func RotationFailed(shard string, a *remediation.Action, at time.Time) finding.Finding {
	f := rotationFailed(a, a.Method, at)
	f.Shard, f.Partition = shard, arnPart(a.KeyARN, arnPartition)
	f.KeyARN, f.Alias, f.Account, f.Region, f.Policy = a.KeyARN, a.Alias, a.Account, a.Region, a.Policy
	f.ActionIDs = []string{a.ID}
	if a.Verb == remediation.Replace {
		replacementFailed(&f, a)
		return f
	}
	f.Title = "A rotation could not be made"
	state := "KMS did not act on it: the key is as it was."
	if a.Attempts > a.Rejected {
		f.Severity = finding.High
		f.Title = "A rotation rotd asked for is not shown by KMS"
		state = "KMS was asked and does not show the effect, so it may or may not still come."
	}
	last := ""
	if a.LastError != "" {
		last = "KMS last said: " + shown(a.LastError) + "."
	}
	f.Description = clip(sentences(
		fmt.Sprintf("Action %s (%s) on %s failed.", shown(a.ID), shown(string(a.Method)),
			shown(keyName(a.Alias, a.KeyARN))),
		clip(a.Outcome, maxDescription/2), state, last), maxDescription)
	f.Remedy = []string{
		"rotd actions show " + argument(a.ID),
		awsCLI("kms get-key-rotation-status", a.Region, "key-id", a.KeyARN),
		awsCLI("kms list-key-rotations", a.Region, "key-id", a.KeyARN),
		"Before trying again by hand see what KMS shows: RotateKeyOnDemand works 25 times in a key's whole life.",
	}
	return f
}

// RotationDone are the fingerprints of the failures that a rotation or replacement has made good. A replacement that
// went through, and one that was taken back whole, both leave nothing half-done.
func RotationDone(a *remediation.Action) (fingerprints []string) {
	methods := []remediation.Method{a.Method}
	if a.Verb == remediation.Replace {
		methods = []remediation.Method{remediation.NewKey, remediation.MoveBack}
	}
	for _, method := range methods {
		f := rotationFailed(a, method, time.Time{})
		fingerprints = append(fingerprints, f.Fingerprint)
	}
	return fingerprints
}

// rotationFailed begins the finding of one way to rotate or replace.
func rotationFailed(a *remediation.Action, method remediation.Method, at time.Time) finding.Finding {
	return own("rotation-missed", finding.Medium, finding.Subject{Type: finding.Key, ID: a.KeyARN}, string(method), at)
}

func keyName(alias, arn string) string {
	if alias != "" {
		return alias
	}
	return arn
}

// AlertUndeliverable says that SNS refuses a topic's alerts for good: that topic's readers hear nothing.
func AlertUndeliverable(shard, topicARN, detail string, at time.Time) finding.Finding {
	f := own("alert-undeliverable", finding.High, finding.Subject{Type: finding.Rotd, ID: shard}, topicARN, at)
	f.Region, f.Account = arnPart(topicARN, arnRegion), arnPart(topicARN, arnAccount)
	f.Partition = arnPart(topicARN, arnPartition)
	f.Title = "Alerts cannot be delivered to a topic"
	f.Description = fmt.Sprintf("SNS refuses what rotd publishes to %s, and not for a passing reason: %s. Whoever "+
		"reads that topic hears nothing of findings.", shown(topicARN), shown(detail))
	f.Remedy = []string{
		awsCLI("sns get-topic-attributes", f.Region, "topic-arn", topicARN),
		"Check that the topic exists, that its policy and rotd's role allow sns:Publish, " +
			"and, when it is encrypted, that rotd's role may use its key.",
		"rotd status",
	}
	return f
}

// QueueWithoutRedrive says that a queue has no dead-letter queue.
func QueueWithoutRedrive(queueURL string, at time.Time) finding.Finding {
	f := own("queue-without-redrive", finding.Medium, finding.Subject{Type: finding.Queue, ID: queueURL}, "", at)
	f.Title = "A queue has no dead-letter queue"
	f.Description = fmt.Sprintf("%s has no redrive policy: a message that rotd cannot decode is kept in quarantine "+
		"and, "+
		"after five receives, deleted from the queue. With a dead-letter queue SQS would keep it too.", shown(queueURL))
	f.Remedy = []string{
		"Give the queue a dead-letter queue, with maxReceiveCount 20:",
		awsCLI("sqs set-queue-attributes", f.Region, "queue-url", queueURL, "attributes", "file://redrive.json"),
		"rotd status",
	}
	return f
}

// StateRecovered says that the state file was damaged and set aside, and that rotd began a new one.
func StateRecovered(shard, setAside, damage string, at time.Time) finding.Finding {
	f := own("state-recovered", finding.High, finding.Subject{Type: finding.Rotd, ID: shard}, "", at)
	f.Title = "The state was damaged; rotd began a new one"
	f.Description = fmt.Sprintf("The state file could not be used (%s) and is kept as %s. Findings, usage and the "+
		"record of actions begin anew: what was open before is found again, events of the last days may be judged "+
		"again. Nothing is done by itself until a complete inventory and `rotd resume`.", shown(damage),
		shown(setAside))
	f.Remedy = []string{
		"Find out what damaged it: a full disk, a fault of the disk, or somebody who wrote to it.",
		"Stop rotd and put a copy in place (rotd state restore COPY --force), or without any what can be read of the " +
			"damaged file: rotd state rebuild " + shown(setAside) + " --force",
		"When the new inventory is complete and looks right: rotd resume",
	}
	return f
}

// StateTampered says what somebody did to the state file under the running daemon.
func StateTampered(shard, path, what string, at time.Time) finding.Finding {
	f := own("state-tampered", finding.Critical, finding.Subject{Type: finding.Rotd, ID: shard}, "", at)
	f.Title = "Somebody put hands on rotd's state file"
	f.Description = sentences(fmt.Sprintf("The state file is %s; while rotd ran, %s.", shown(path), what),
		"rotd goes on with the file it has open. When it stops, what it knows is gone: findings, the audit log, what it did "+
			"and what it learnt. Whoever wants to leave no trace does that.")
	f.Remedy = []string{
		"Do not stop or restart rotd. First have it write a copy of what it knows: rotd state backup FILE",
		"Keep the audit log apart, and where it ends: rotd audit export -f FILE",
		"Find out who was on the host and may write to that folder. Then stop rotd, put the copy back (rotd state restore " +
			"FILE), and start it.",
	}
	return f
}

// StateRestored says that a person put the state back from a copy. It is the same finding as a state that was rebuilt:
// rotd does not know what happened in between, and does nothing by itself before somebody has looked.
func StateRestored(shard, from, setAside string, copiedAt, at time.Time) finding.Finding {
	f := own("state-recovered", finding.High, finding.Subject{Type: finding.Rotd, ID: shard}, "", at)
	f.Title = "The state was restored from a copy"
	f.Description = fmt.Sprintf("The state is the copy %s, last written to at %s. What rotd learned and did after "+
		"that is not in it: findings are found again, alerts that were waiting then are sent again with the same "+
		"alert_id, actions that were under way are settled by reading KMS. Nothing is done by itself until a complete "+
		"inventory and `rotd resume`.", shown(from), copiedAt.UTC().Format(time.RFC3339))
	if setAside != "" {
		f.Description += " The state that was there is kept as " + shown(setAside) + "."
	}
	f.Remedy = []string{
		"rotd sweep inventory",
		"rotd findings list",
		"When the inventory is complete and looks right: rotd resume",
	}
	return f
}

// StateRebuilt says that a person rebuilt the state from what could be read of a damaged one, and what could not: the
// same finding, as with a copy.
func StateRebuilt(shard, from, setAside string, lost []string, writtenAt, at time.Time) finding.Finding {
	f := StateRestored(shard, from, setAside, writtenAt, at)
	f.Title = "The state was rebuilt from a damaged one"
	missing := "Every entry of it could be read."
	if len(lost) > 0 {
		missing = "Lost are, by bucket: " + shown(strings.Join(lost, "; ")) + "."
	}
	f.Description = fmt.Sprintf("The state is what could be read of %s, last written to at %s. %s What KMS knows is "+
		"found again, alerts that were waiting are sent again with the same alert_id, actions that were under way are "+
		"settled by reading KMS. Nothing is done by itself until a complete inventory and `rotd resume`.", shown(from),
		writtenAt.UTC().Format(time.RFC3339), missing)
	if setAside != "" && setAside != from {
		f.Description += " The state that was there is kept as " + shown(setAside) + "."
	}
	f.Remedy = append([]string{
		"Find out what damaged it: a full disk, a fault of the disk, or somebody who wrote to it.",
		"Compare the audit log with its exports and the heads that were told: rotd audit verify",
	}, f.Remedy...)
	return f
}

// StateRecordUnreadable says that a record of the state cannot be decoded. rotd goes on without it.
func StateRecordUnreadable(shard, detail string, at time.Time) finding.Finding {
	f := own("state-record-unreadable", finding.High, finding.Subject{Type: finding.Rotd, ID: shard}, "", at)
	f.Title = "A record of the state cannot be read"
	f.Description = fmt.Sprintf("The state file is whole, but what stands in one of its records cannot be decoded: %s. "+
		"rotd goes on as if it did not know that record; a key's is written anew by the next inventory.", shown(detail))
	f.Remedy = []string{
		"rotd sweep inventory",
		"rotd state check",
		"When records stay unreadable, restore a copy (rotd state restore), and find out who wrote to the file.",
	}
	return f
}

// OutboxOverflow says that alerts were dropped, the outbox being full: too many came for how long SNS could not be
// reached. The findings themselves are kept.
func OutboxOverflow(shard string, dropped int, at time.Time) finding.Finding {
	f := own("outbox-overflow", finding.High, finding.Subject{Type: finding.Rotd, ID: shard}, "", at)
	f.Title = "Alerts were dropped: the outbox is full"
	f.Description = fmt.Sprintf("%d alerts found no room in the outbox and will not be sent. The findings they "+
		"tell of "+
		"are kept and listed.", dropped)
	f.Remedy = []string{
		"rotd findings list",
		"rotd status",
		"Find out why SNS takes nothing, or what raises so many findings.",
	}
	return f
}

// own begins a finding about rotd itself.
func own(id string, sev finding.Severity, about finding.Subject, discriminator string, at time.Time) finding.Finding {
	f := finding.Finding{
		RuleID: id, Severity: sev, Subject: about, Count: 1, FirstSeen: at, LastSeen: at, Mitre: []string{},
		Fingerprint: finding.Fingerprint(id, about, "", discriminator),
	}
	if about.Type == finding.Rotd {
		f.Shard = about.ID
	}
	if about.Type == finding.Queue {
		f.Account, f.Region = queuePlace(about.ID)
	}
	return f
}

// queuePlace is the account and Region of https://sqs.<region>.<suffix>/<account>/<name>, empty for other URLs.
func queuePlace(url string) (account, region string) {
	_, rest, _ := strings.Cut(url, "://")
	parts := strings.Split(rest, "/")
	host := strings.Split(parts[0], ".")
	if len(parts) != 3 || len(host) < 4 || host[0] != "sqs" {
		return "", ""
	}
	return parts[1], host[1]
}
