package engine

import "rotd/internal/remediation"

// stopped counts that a guardrail holds an action up or refuses it. An action that goes on waiting counts once.
func (n *notebook) stopped(before, now string, a *remediation.Action) {
	if now == "" || now == before {
		return
	}
	who := "person"
	if a.Automatic {
		who = "automatic"
	}
	n.tally.stops = append(n.tally.stops, [2]string{now, who})
}
