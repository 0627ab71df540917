package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"

	"rotd/internal/admin"
	"rotd/internal/remediation"
)

// approve lets one person ask for a rotation, and another approve it. Both are known by AWS: whoever runs the daemon,
// as this machine's user does here, cannot be a second person by the socket.
func (a *incidentActs) approve(ctx context.Context) error {
	a.tell.say("alias/pay-cards is in a policy of mode propose. alice asks for its rotation and proves to be alice by a")
	a.tell.say("signed STS request; rotd sends it to STS and believes the answer alone.")

	_, err := a.runs(ctx, int(admin.ExitApproval), "rotate", "alias/pay-cards", "--yes", "--aws-identity",
		"--reason", "INC-4711: seen on the same laptop")
	if err != nil {
		return err
	}
	listed, _ := a.daemon.command(ctx, "actions", "list", "--state", "awaiting-approval", "-o", "jsonl")
	var action remediation.Action
	if err := json.Unmarshal([]byte(strings.TrimSpace(listed)), &action); err != nil {
		return fmt.Errorf("read the one action that waits: %w: %s", err, listed)
	}
	a.tell.say("alice may approve, but not what she asked for herself.")
	approval := []string{
		"actions", "approve", action.ID, "--reason", "INC-4711: talked to alice", "--yes", "--aws-identity",
	}

	if _, err := a.runs(ctx, int(admin.ExitRefused), approval...); err != nil {
		return err
	}
	a.tell.check(a.callsOn("RotateKeyOnDemand", a.world.keys["pay-cards"]) == 0, "alice alone: nothing was done")
	a.tell.say("bob approves: another person, as AWS says.")
	if _, err := a.runsAs(ctx, a.world.bob, 0, approval...); err != nil {
		return err
	}
	calls := a.callsOn("RotateKeyOnDemand", a.world.keys["pay-cards"])
	a.tell.check(calls == 1, "approved by bob: KMS received %d RotateKeyOnDemand for alias/pay-cards", calls)
	return nil
}
