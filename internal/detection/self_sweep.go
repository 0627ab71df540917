package detection

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"rotd/internal/finding"
)

// Bounds of what a finding repeats of errors.
const (
	maxReasons = 2
	maxReason  = 400 // bytes of one: IAM names the principal, the action, the resource and why
)

// SweepIncomplete says that a sweep of one account and Region could not read every key. kind is the sweep's; listed
// and failed count keys; reasons are errors as they came, the gravest first. When not one key could be read rotd is
// blind there, which is graver.
func SweepIncomplete(
	account, region, kind string, listed, failed int, reasons []string, at time.Time,
) finding.Finding {
	subject := finding.Subject{Type: finding.AccountRegion, ID: account + "/" + region}
	f := own("sweep-incomplete", finding.Medium, subject, kind, at)
	f.Account, f.Region = account, region
	f.Title = fmt.Sprintf("The %s sweep could not read everything", kind)
	place := fmt.Sprintf("account %s in %s", shown(account), shown(region))
	what := fmt.Sprintf("%d of %d keys of %s could not be read.", failed, listed, place)
	follows := "What was not read is as it was known before; nothing is called compliant or resolved because of " +
		"this sweep."
	switch failed {
	case listed:
		f.Severity = finding.High
		f.Title = fmt.Sprintf("rotd is blind: the %s sweep could read no key", kind)
		what = fmt.Sprintf("rotd cannot see the keys of %s: not one could be read.", place)
		follows = "Until they can be read nothing there is checked: rotation that is off or overdue goes unnoticed, " +
			"and nothing that rotd sees in events can be verified."
	case 0:
		what = fmt.Sprintf("The sweep of %s ended early, after %d keys.", place, listed)
	}
	denied := deniedActions(reasons)
	f.Description = clip(sentences(what, refusedSentence(denied), follows, because(reasons)), maxDescription)
	f.Remedy = []string{"rotd status", "Throttling passes; see what the errors say.", "rotd sweep " + argument(kind)}
	switch {
	case slices.Equal(denied, []string{"sts:AssumeRole"}):
		f.Remedy[1] = "See that the account is open, that `accounts[].role_arn` and `external_id` are the role's, and that " +
			"it trusts rotd's role, which must be allowed sts:AssumeRole on it."
	case len(denied) > 0:
		f.Remedy[1] = permit(denied)
	case slices.ContainsFunc(reasons, unknownHere):
		f.Remedy[1] = "See that the Region is enabled in the account: " + awsCLI("account list-regions", "us-east-1") +
			". Otherwise take it out of `accounts` in rotd.yaml."
	}
	return f
}

// unknownHere says that AWS did not know rotd's credentials: in a Region that an account has not enabled it knows none.
func unknownHere(reason string) bool {
	return strings.Contains(reason, "UnrecognizedClientException") || strings.Contains(reason, "InvalidClientTokenId")
}

func refusedSentence(denied []string) string {
	if len(denied) == 0 {
		return ""
	}
	return "AWS refuses rotd " + listed(denied) + "."
}

func permit(denied []string) string {
	return "Let rotd's role call " + listed(denied) + ": in IAM, and in the key policy where that keeps it out."
}

func because(reasons []string) string {
	var texts []string
	for _, r := range reasons[:min(len(reasons), maxReasons)] {
		texts = append(texts, quote(spoken(r), maxReason))
	}
	if len(texts) == 0 {
		return ""
	}
	return "The errors say: " + strings.Join(texts, ", ") + "."
}

// spoken is an error without the words of the AWS SDK around what AWS answered: attempts, status and request.
func spoken(reason string) string {
	before, rest, wrapped := strings.Cut(reason, "operation error ")
	_, answer, answered := strings.Cut(rest, "api error ")
	if !wrapped || !answered {
		return reason
	}
	return before + answer
}

// deniedActions are the actions that the errors say rotd may not do, as IAM names them: kms:ListKeys.
func deniedActions(reasons []string) []string {
	var actions []string
	for _, r := range reasons {
		action := deniedAction(r)
		if action != "" && plain(action) && !slices.Contains(actions, action) {
			actions = append(actions, action)
		}
	}
	return actions
}

func deniedAction(reason string) string {
	if _, rest, ok := strings.Cut(reason, "not authorized to perform: "); ok {
		action, _, _ := strings.Cut(rest, " ")
		return strings.TrimRight(action, ".,")
	}
	if _, rest, ok := strings.Cut(reason, "operation error KMS: "); ok && strings.Contains(reason, "AccessDenied") {
		operation, _, _ := strings.Cut(rest, ",")
		return "kms:" + operation
	}
	return ""
}
