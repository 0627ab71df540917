package main

import (
	"context"
	"fmt"

	"rotd/internal/awssim"
)

// incident is the story of a responder who has rotd do what an intruder's use of keys asks for. Each chapter is in a
// file of its own.
func (s *demoStory) incident() []demoChapter {
	act := &incidentActs{demoStory: s}
	return []demoChapter{
		{"An intruder uses a key", act.intrusion},
		{"Contain: who uses the key, whom does what break, and the intruder out", act.contain},
		{"Rotate: a key with imported material", act.rotateImported},
		{"Replace: a key that cannot rotate", act.replace},
		{"Re-encrypt: 1,000 data keys, and a power cut in the middle", act.reencrypt},
		{"Approve: what one person alone may not do", act.approve},
		{"Prove: what was done, by whom, in what order", act.prove},
	}
}

// incidentActs are the acts of the incident, and what they hand on.
type incidentActs struct {
	*demoStory
	sealed [][]byte // data keys under alias/orders, by their place in the manifest
	id     string   // of the incident in rotd
}

// incidentYAML is the incident's rotd.yaml: everything may be done that a person asks for, but to the cards' key that
// takes two.
const incidentYAML = `# The demo's rotd.yaml: what would be minutes in production is seconds here.
mode: enforce
state: {path: {dir}/rotd.db}
intake:
  queues: [{url: "{queue}", pollers: 4}]
accounts:
  - {id: "{account}", regions: [us-east-1, eu-west-1]}
imported_material: {command: ["{dir}/new-material"]}
policies:
  - name: cards
    match: {aliases: ["alias/pay-cards"]}
    rotation: {max_age: 90d, automatic: 90d, rationale: "PCI DSS 4.0.1 3.7.4"}
    mode: propose
  - name: everything-else
    match: {}
    rotation: {method: on-demand, max_age: 365d}
    mode: enforce
alerts:
  topics: [{arn: "{topic}", min_severity: HIGH, format: text}]
  group_wait: 1s
  incident_wait: 3s
guardrails: {grace: 2s, startup_hold: 1s, key_cooldown: 1h, settle: 5s, arm_on_new_state: true}
admin:
  socket: "{socket}"
  http: "127.0.0.1:0"
  roles: {approve: ["arn:aws:iam::{account}:user/alice", "arn:aws:iam::{account}:user/bob"]}
`

// runs has alice, the responder, run one of rotd's commands, shows it, and wants its exit status.
func (a *incidentActs) runs(ctx context.Context, want int, args ...string) (output string, err error) {
	return a.runsAs(ctx, a.world.alice, want, args...)
}

// runsAs is runs for somebody else. An exit status that is not as told is an error: what comes next builds on it.
func (a *incidentActs) runsAs(ctx context.Context, who awssim.Principal, want int, args ...string) (string, error) {
	output, status := a.daemon.commandAs(ctx, who, args...)
	if err := ctx.Err(); err != nil {
		return "", err
	}
	a.tell.quote(who.UserName+"$ rotd "+quoteArgs(args), output)
	a.tell.check(status == want, "exit status %d", status)
	if status != want {
		return output, fmt.Errorf("%w: rotd %s ended with %d instead of %d", errDemo, args[0], status, want)
	}
	return output, nil
}
