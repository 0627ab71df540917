package remediation

import (
	"fmt"
	"regexp"

	"rotd/internal/inventory"
)

// Answer is what one attempt came back with.
type Answer struct {
	Kind      AnswerKind
	RequestID string // KMS's; empty when no answer arrived
	Code      string // KMS's error code; empty when accepted or no answer arrived
	Message   string // the error as it came; empty when accepted
	Made      string // ARN of the key that CreateKey made; empty when no answer arrived
}

// AnswerKind says what an answer means for what happens next.
type AnswerKind string

// Answer kinds.
const (
	Accepted AnswerKind = "accepted"
	Rejected AnswerKind = "rejected" // KMS certainly did nothing and may be asked again, as when throttled
	Busy     AnswerKind = "busy"     // KMS certainly did nothing: it is rotating the key, or about to
	Refused  AnswerKind = "refused"  // KMS certainly did nothing, and will not
	Lost     AnswerKind = "lost"     // KMS may have done it: no answer arrived, or none that says
)

// refusal says in words why KMS did not do what was asked.
func refusal(a *Action, answer *Answer) string {
	why := "KMS did not do it: " + answer.Message + "."
	switch answer.Code {
	case "LimitExceededException":
		why = limitReached(a, answer)
	case "DisabledException":
		why = "KMS says the key is disabled. Enable it first (aws kms enable-key)."
	case "KMSInvalidStateException":
		why = "KMS says the key's state does not allow it: " + answer.Message + "."
	case "UnsupportedOperationException":
		why = "KMS says this kind of key cannot be " + a.Verb.Past() + ": " + answer.Message + "."
	case "AccessDeniedException", "AccessDenied":
		why = "KMS refuses rotd the call. Let rotd's role call " + permission(a.Current().Operation, answer.Message) +
			", in IAM and in the key policy."
	case "NotFoundException":
		why = "KMS does not know the key. Check account and Region."
	case "ThrottlingException":
		why = fmt.Sprintf("KMS was too busy %d times. Try again later, or lower limits.quota_share.", a.Rejected)
	case "ConflictException":
		why = "KMS kept saying that an automatic rotation of this key is running or due. Look whether it has come."
	case CodeNoMaterial:
		why = "rotd has no key material to import: " + answer.Message + "."
	case "IncorrectKeyMaterialException":
		why = wrongMaterial(a)
	}
	if a.Attempts > a.Rejected {
		return join(why, lookYourself(a))
	}
	if a.At > 0 {
		return why
	}
	return join(why, "Nothing was changed.")
}

var lacking = regexp.MustCompile(`not authorized to perform: (kms:\w+)`)

// permission is what rotd's role needs for a call. Some need another than the one they are named for, such as a new
// key's tags: KMS says which.
func permission(op Operation, message string) string {
	if op == ImportKeyMaterial {
		return "kms:GetParametersForImport and kms:ImportKeyMaterial"
	}
	if found := lacking.FindStringSubmatch(message); found != nil {
		return found[1]
	}
	return "kms:" + string(op)
}

// limitReached says which of KMS's limits stands in the way.
func limitReached(a *Action, answer *Answer) string {
	if a.Current().Operation == RotateKeyOnDemand {
		return fmt.Sprintf("KMS says the key has used all %d rotations on demand of its lifetime. "+
			"Leave it to automatic rotation, or replace it by a new key.", inventory.OnDemandLimit)
	}
	return "KMS says that a limit of the account is reached: " + answer.Message + ". Have it raised, or make room."
}

// unverified says that KMS never showed what it was asked for.
func unverified(a *Action, key *inventory.Key) string {
	what := "KMS accepted the call, but did not show its effect in time."
	if a.Ambiguous {
		what = "KMS's answer was lost, and KMS shows no effect."
		if n := a.Attempts - a.Rejected; n > 1 {
			what = fmt.Sprintf("KMS's answers to %d calls were lost, and KMS shows no effect; "+
				"rotd does not ask again.", n)
		}
	}
	if inProgress(a, key) {
		what = "KMS has been rotating the key since " + stamp(*key.Rotation.InProgress) +
			" and has not finished in time."
	}
	return join("Not verified.", what, lookYourself(a))
}

// lookYourself is what a person does when rotd cannot tell.
func lookYourself(a *Action) string {
	look := "A person decides: look at " + a.Current().Look(a.CallKey())
	if a.Current().Operation == RotateKeyOnDemand {
		return look + " before rotating again, because every call may cost one of the key's 25 rotations on demand."
	}
	return look + "."
}
