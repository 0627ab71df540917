package remediation

import (
	"fmt"
	"strings"
)

// inWindow refuses to move aliases back once much may need the new key.
func (j *judgement) inWindow() {
	until := j.a.UndoUntil
	if until.IsZero() || !j.f.Now.After(until) {
		return
	}
	reason := fmt.Sprintf("The aliases were moved %s before %s, until which rotd would have moved them back "+
		"(guardrails.undo_window): by now much may need the new key. Replace that key by another, or, where nothing needs "+
		"it yet, move the aliases back by hand.", days(j.g.UndoWindow), stamp(until))
	for i := range j.a.Calls {
		if c := &j.a.Calls[i]; c.Operation == UpdateAlias {
			reason = join(reason, "The command: "+moveAlias(c.Alias, c.KeyARN)+".")
			break
		}
	}
	j.block(GuardUndoWindow, reason)
}

// clean keeps rotd from giving a new key by itself a policy that something is found to be wrong with.
func (j *judgement) clean() {
	if !j.a.Automatic || j.a.Method != NewKey || len(j.f.PolicyFindings) == 0 {
		return
	}
	j.block(GuardPolicyFinding, "The new key would get the old one's policy, and about that is open: "+
		strings.Join(j.f.PolicyFindings, ", ")+". Narrow the policy, or answer for it (rotd findings ack); a sweep then "+
		"plans the replacement. Or replace the key yourself: rotd replace.")
}
