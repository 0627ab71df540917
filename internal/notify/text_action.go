package notify

import (
	"fmt"
	"strings"

	"rotd/internal/inventory"
	"rotd/internal/remediation"
)

// What every message about a rotation's result says.
const (
	stillDecrypts = "Old ciphertext stays decryptable: KMS keeps all earlier key material, and nothing was " +
		"re-encrypted."
	toChangeThat = "To move old ciphertext to the new material use ReEncrypt. To cut somebody off, revoke their " +
		"grants, change the key policy, or disable the key: rotation does none of this."
)

func actionText(a *Alert) string {
	act := a.Action
	var p page
	p.lines(
		actionHeadline(a),
		keyLabel(act.Alias, act.KeyARN)+where(act.Account, act.Region),
		requesterLine(act),
		actionExpected(a),
		"rotd: "+doing(a),
	)
	if len(act.Overrides) > 0 {
		p.paragraph("Guardrails that were passed because of the emergency: " +
			line(strings.Join(act.Overrides, ", "), longError) + ".")
	}
	if act.State == remediation.AwaitingApproval && act.Approval != nil {
		p.paragraph(prose(act.Waiting, longError) + " Whoever approves it agrees to exactly this plan: " +
			line(act.Approval.Plan, longName))
	}
	if by := approvedBy(act); by != "" {
		p.paragraph(by)
	}
	p.paragraph(prose(act.Outcome, longText))
	if act.LastError != "" && act.State != remediation.Succeeded {
		p.paragraph("KMS or the network said: " + quoted(act.LastError, longError))
	}
	if act.State == remediation.Failed && act.Current().Operation == remediation.RotateKeyOnDemand {
		p.paragraph(fmt.Sprintf("Read KMS before trying again: each rotation on demand uses up one of the %d that a "+
			"key has in its life, and this one may still appear.", inventory.OnDemandLimit))
	}
	if act.Verb == remediation.Rotate && act.State != remediation.AwaitingApproval {
		if !strings.Contains(act.Outcome, "stays decryptable") {
			p.paragraph(stillDecrypts)
		}
		p.paragraph(toChangeThat)
	}
	p.list("Commands:", actionCommands(act))
	p.pairs(actionPairs(a)...)
	return p.text()
}

// actionHeadline is how grave and what. A success is no alarm, whatever the severity of what it ended.
func actionHeadline(a *Alert) string {
	return grade(a) + emergency(a.Action) + ": " + actionTitle(a.Action)
}

// grade is an alert's severity, or that it tells of something good.
func grade(a *Alert) string {
	switch a.Kind {
	case ActionSucceeded:
		return "DONE"
	case FindingResolved:
		return "RESOLVED"
	default:
		return a.Severity.String()
	}
}

// actionTitle is what became of an action, in a few words.
func actionTitle(act *remediation.Action) string {
	what, done := actionNames(act)
	switch act.State {
	case remediation.Succeeded:
		return done
	case remediation.Failed:
		return what + " FAILED"
	case remediation.Cancelled:
		return what + " was cancelled"
	case remediation.Expired:
		return what + " was not done in time"
	case remediation.AwaitingApproval:
		return what + " AWAITS APPROVAL"
	default:
		return what + " is " + string(act.State)
	}
}

// actionNames are what an action is called on its way, and once it is done.
func actionNames(act *remediation.Action) (what, done string) {
	switch act.Method {
	case remediation.NewMaterial:
		return "Rotation on demand", "Key rotated, verified"
	case remediation.ImportedMaterial:
		return "Rotation to imported material", "Key rotated, verified"
	case remediation.NewKey:
		return "Replacing the key", "Key replaced, verified"
	case remediation.MoveBack:
		return "Moving the alias back", "Alias moved back, verified"
	case remediation.Restore:
		return "Restoring the key", "Key restored, verified"
	case remediation.Measures:
		return "Containing the key", "Key contained, verified"
	case remediation.Release:
		return "Undoing a containment", "Containment undone, verified"
	case remediation.EnableAutomatic:
	}
	if act.Before.Enabled {
		return "Setting the rotation period", "Rotation period set, verified"
	}
	return "Turning on automatic rotation", "Automatic rotation is on, verified"
}

func emergency(act *remediation.Action) string {
	if act.Emergency {
		return " (emergency)"
	}
	return ""
}

// requesterLine is who asked, and the reason they gave.
func requesterLine(act *remediation.Action) string {
	who := "rotd, by itself"
	if !act.Automatic {
		who = quoted(act.Requester, longName)
	}
	s := "Who: " + who
	if act.Reason != "" {
		s += ", because " + quoted(act.Reason, longName)
	}
	if act.Ticket != "" {
		s += ", ticket " + quoted(act.Ticket, longTool)
	}
	return s
}

// approvedBy is who approved an action, or that nobody was asked who should have been.
func approvedBy(act *remediation.Action) string {
	switch {
	case act.BreakGlass:
		return "THE GLASS WAS BROKEN: nobody was asked to approve it. Look into it."
	case act.Approval != nil && act.Approval.By != nil:
		return "Approved by " + quoted(act.Approval.By.Name, longName) + ", because " +
			quoted(act.Approval.Reason, longName) + "."
	}
	return ""
}

func actionExpected(a *Alert) string {
	act := a.Action
	switch {
	case !act.Automatic:
		return "Expected: yes, a person asked for it"
	case act.Policy != "":
		return "Expected: yes, policy " + quoted(act.Policy, longTool) + " asks for it"
	}
	return "Expected: yes, rotd's own action"
}

// doing is what rotd did or will do, the fifth line of every message.
func doing(a *Alert) string {
	switch {
	case a.Action != nil:
		return actionDoing(a.Action)
	case a.Note != "":
		return line(sentence(a.Note), longError)
	case a.Finding != nil && len(a.Finding.ActionIDs) > 0:
		return "acted on it, see " + line(strings.Join(a.Finding.ActionIDs, ", "), longName) + "."
	case a.Kind == FindingResolved:
		return "did nothing about it."
	case a.Finding != nil && a.Finding.Expected:
		return "does nothing about this; it was expected."
	}
	return "does nothing about this by itself; somebody has to look."
}

func actionDoing(act *remediation.Action) string {
	what := actionVerb(act)
	switch act.State {
	case remediation.Planned:
		return "will " + what + wait(act) + "."
	case remediation.AwaitingApproval:
		if act.Guardrail == remediation.GuardNewPolicy {
			return "waits for a person to approve that it may " + what + ", and begins by itself at " +
				stamp(act.NotBefore) + "."
		}
		return "waits until " + stamp(act.NotBefore) + " for a second person to approve that it may " + what + "."
	case remediation.Running, remediation.Verifying:
		return "asked KMS to " + what + " and reads until KMS shows it."
	case remediation.Succeeded:
		return "did " + what + "; KMS shows it."
	case remediation.Failed:
		return "tried to " + what + " and FAILED; it will not try again by itself."
	case remediation.Cancelled:
		return "did not " + what + "; it was no longer right or allowed."
	case remediation.Expired:
		return "did not " + what + "; its time ran out."
	default:
		return "is to " + what + " (" + line(string(act.State), longTool) + ")."
	}
}

func actionVerb(act *remediation.Action) string {
	switch act.Method {
	case remediation.NewMaterial:
		return "rotate the key on demand"
	case remediation.ImportedMaterial:
		return "rotate the key to imported material"
	case remediation.NewKey:
		return "replace the key"
	case remediation.MoveBack:
		return "move the alias back"
	case remediation.Restore:
		return "cancel the key's deletion and enable it"
	case remediation.Measures:
		return "contain the key"
	case remediation.Release:
		return "undo what a containment did"
	case remediation.EnableAutomatic:
	}
	if act.Before.Enabled {
		return fmt.Sprintf("set automatic rotation to every %d days", act.PeriodDays)
	}
	return fmt.Sprintf("turn on automatic rotation every %d days", act.PeriodDays)
}

// wait is why and until when a planned action waits.
func wait(act *remediation.Action) string {
	s := ""
	if act.NotBefore.After(act.Created) {
		s += ", not before " + stamp(act.NotBefore)
	}
	if act.Waiting != "" {
		s += " (" + line(strings.TrimRight(act.Waiting, "."), longName) + ")"
	}
	return s
}

func actionPairs(a *Alert) [][2]string {
	act := a.Action
	ended := [2]string{"ended", stamp(a.Created)}
	switch {
	case act.State == remediation.AwaitingApproval:
		ended = [2]string{"expires", stamp(act.NotBefore)}
		if act.Guardrail == remediation.GuardNewPolicy {
			ended[0] = "begins"
		}
	case act.Ended != nil:
		ended[1] = stamp(*act.Ended)
	}
	started := line(act.FindingID, longName)
	if a.Finding != nil {
		started = line(a.Finding.ID, longName) + ruleNote(a.Finding)
	}
	return [][2]string{
		ended,
		{"attempts", attempts(act)},
		{"requestID", named(act.RequestID, longName)},
		{"key", named(act.KeyARN, longName)},
		{"policy", policyName(act.Policy)},
		{"action_id", line(act.ID, longName)},
		{"finding_id", started},
		{"alert_id", line(a.ID, longName)},
	}
}

func attempts(act *remediation.Action) string {
	switch {
	case act.Attempts == 0:
		return "none; KMS was not asked"
	case act.Ambiguous:
		return fmt.Sprintf("%d, the last without an answer", act.Attempts)
	}
	return fmt.Sprint(act.Attempts)
}
