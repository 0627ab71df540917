package notify

import (
	"fmt"
	"slices"
	"strings"

	"rotd/internal/finding"
	"rotd/internal/remediation"
)

// findingCommands look closer at a finding. What to do about it is the finding's own remedy, and not repeated here.
func findingCommands(a *Alert) []string {
	f := a.Finding
	var commands []string
	if f.ID != "" {
		commands = append(commands, "rotd findings show "+argument(f.ID))
	}
	if f.KeyARN != "" {
		read := "describe-key"
		if strings.HasPrefix(f.RuleID, "rotation-") {
			read = "get-key-rotation-status"
		}
		commands = append(commands,
			"rotd keys show "+argument(f.KeyARN),
			"aws kms "+read+keyOptions(f.KeyARN, f.Region))
	}
	if f.EventID != "" {
		commands = append(commands, lookup(f))
	}
	if a.Action != nil {
		commands = append(commands, "rotd actions show "+argument(a.Action.ID))
	}
	return slices.DeleteFunc(commands, func(c string) bool { return slices.Contains(f.Remedy, c) })
}

// lookup finds the event itself in CloudTrail's history of the last 90 days.
func lookup(f *finding.Finding) string {
	return "aws cloudtrail lookup-events --lookup-attributes " +
		argument("AttributeKey=EventId,AttributeValue="+f.EventID) + region(f.Region)
}

// actionCommands read KMS's truth about an action, and do by hand what did not succeed.
func actionCommands(act *remediation.Action) []string {
	at := keyOptions(act.KeyARN, act.Region)
	read := "aws kms list-key-rotations" + at + " --include-key-material ALL_KEY_MATERIAL"
	byHand := fmt.Sprintf("rotd rotate %s --reason %s", argument(act.KeyARN), argument("again after "+act.ID))
	if act.Method == remediation.EnableAutomatic {
		read = "aws kms get-key-rotation-status" + at
		byHand = fmt.Sprintf("aws kms enable-key-rotation%s --rotation-period-in-days %d", at, act.PeriodDays)
	}
	if act.Undoable() {
		return []string{
			"rotd actions show " + argument(act.ID),
			"rotd contain " + argument(act.KeyARN) + " --undo " + argument(act.ID) + " --reason 'all clear'",
		}
	}
	if act.Verb != remediation.Rotate {
		return []string{"rotd actions show " + argument(act.ID), "rotd keys show " + argument(act.KeyARN)}
	}
	commands := []string{"rotd actions show " + argument(act.ID), read}
	if act.State == remediation.AwaitingApproval && act.Approval != nil {
		return []string{
			commands[0], "rotd actions approve " + argument(act.ID) + " --plan " + argument(act.Approval.Plan) + " --reason …",
			"rotd actions cancel " + argument(act.ID) + " --reason …", read,
		}
	}
	if act.State == remediation.Failed || act.State == remediation.Expired {
		commands = append(commands, byHand)
	}
	return commands
}

func keyOptions(arn, in string) string { return " --key-id " + argument(arn) + region(in) }

func region(in string) string {
	if in == "" {
		return ""
	}
	return " --region " + argument(in)
}
