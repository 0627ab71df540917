package detection

import (
	"fmt"
	"strings"

	"rotd/internal/finding"
	"rotd/internal/remediation"
)

// replacementFailed completes the finding of a replacement, or of aliases moved back, that did not come to its end:
// what stands half-done, and how to go on.
func replacementFailed(f *finding.Finding, a *remediation.Action) {
	what := "A key could not be replaced"
	switch back := a.Method == remediation.MoveBack; {
	case back && a.At > 0:
		what = "A key's aliases are moved back in part"
	case back:
		what = "A key's aliases could not be moved back"
	case a.At > 0:
		what = "A key is replaced in part"
	}
	f.Title = what + ": " + string(a.Current().Operation) + " failed"
	if a.At > 0 || a.Attempts > a.Rejected {
		f.Severity = finding.High
	}
	last := ""
	if a.LastError != "" {
		last = "KMS last said: " + shown(a.LastError) + "."
	}
	f.Description = clip(sentences(
		fmt.Sprintf("Action %s (%s) on %s failed at call %d of %d.", shown(a.ID), shown(string(a.Method)),
			shown(keyName(a.Alias, a.KeyARN)), a.At+1, len(a.Calls)),
		clip(a.Outcome, maxDescription/2), halfDone(a), last), maxDescription)
	f.Remedy = []string{
		"rotd actions show " + argument(a.ID),
		a.Current().Look(a.CallKey()),
		"Once what stood in the way is gone, go on:",
	}
	if a.Method == remediation.MoveBack {
		f.Remedy = append(f.Remedy, "rotd undo-alias "+argument(a.KeyARN)+" --reason 'goes on with "+a.ID+"'")
		return
	}
	f.Remedy = append(f.Remedy, "rotd replace "+argument(a.KeyARN)+" --reason 'goes on with "+a.ID+"'")
	if moved, _ := aliasesOf(a); len(moved) > 0 {
		f.Remedy = append(f.Remedy, "Or have the aliases back on the old key:",
			"rotd undo-alias "+argument(a.ID)+" --reason 'callers fail'")
	}
}

// halfDone says which keys are there and which of them the aliases lead to.
func halfDone(a *remediation.Action) string {
	moved, left := aliasesOf(a)
	var text []string
	switch {
	case a.NewKeyARN != "":
		text = append(text, "The new key "+shown(a.NewKeyARN)+" is there, and going on uses it: no second one is made.")
	case a.Attempts > a.Rejected:
		text = append(text, "Whether the new key was made is not known; going on looks for it before it makes one.")
	default:
		return "Nothing was changed."
	}
	to, from := "the new key", "the old one"
	if a.Method == remediation.MoveBack {
		to, from = from, to
	}
	if len(moved) > 0 {
		text = append(text, "Callers of "+strings.Join(moved, ", ")+" use "+to+".")
	}
	if len(left) > 0 {
		text = append(text, "Callers of "+strings.Join(left, ", ")+" use "+from+".")
	}
	return sentences(append(text, "Both keys stay enabled.")...)
}

// aliasesOf are the aliases that the action moved, and those that it did not; one whose call KMS may have acted on is
// in neither.
func aliasesOf(a *remediation.Action) (moved, left []string) {
	for i := range a.Calls {
		c := &a.Calls[i]
		switch {
		case c.Operation != remediation.UpdateAlias:
		case c.Done != nil:
			moved = append(moved, shown(c.Alias))
		case i != a.At || a.Attempts == a.Rejected:
			left = append(left, shown(c.Alias))
		}
	}
	return moved, left
}
