package config

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rotd/internal/inventory"
	"rotd/internal/policy"
)

func TestEveryValueOfAPolicyKnowsWhereItComesFrom(t *testing.T) {
	c := parse(t, `mode: observe
intake: {queues: [{url: https://sqs.us-east-1.amazonaws.com/111122223333/rotd}]}
policies:
  - name: sandbox
    match:
      exclude: {tags: {stage: prod}}
    rotation: {method: none}
  - name: payments
    match: {tags: {team: pay*}}
    rotation:
      automatic: 90d
    mode: enforce
    networks: {allow: [10.0.0.0/8, vpce-0abc]}
    respond:
      - {rule: rotation-turned-off, action: restore}
    owner_tags: [owner, team]
exceptions:
  - {name: old, keys: ["*"], author: jane, reason: freeze, expires: 2020-01-01}
  - name: readers
    keys: [alias/pay]
    author: jane
    reason: no update
    expires: 2999-01-01
`)
	now := time.Date(2026, 11, 28, 0, 0, 0, 0, time.UTC)
	key := &inventory.Key{
		ARN: "arn:k", ID: "k", Aliases: []string{"alias/pay"}, Tags: map[string]string{"stage": "prod", "team": "pay-eu"},
	}
	source := policy.Source{Lines: c.Origins, Ceiling: c.Mode}
	want := &policy.Explanation{
		KeyARN: "arn:k", Name: "alias/pay", At: now, Matches: "payments", Policy: "payments", Line: 8,
		Tried: []policy.Tried{
			{Policy: "sandbox", Line: 4, Miss: &policy.Miss{Field: "exclude.tags", Want: "stage=prod", Has: "stage=prod"}},
			{Policy: "payments", Line: 8},
		},
		Values: []policy.Value{
			{Name: "rotation.max_age", Value: "90d", From: "follows from rotation.automatic", Line: 11},
			{Name: "rotation.automatic", Value: "90d", From: "rotd.yaml", Line: 11},
			{Name: "rotation.method", Value: "auto", From: "default"},
			{Name: "rotation.rationale", Value: "none", From: "default"},
			{
				Name: "mode", Value: "observe", Line: 1,
				From: "lowered by the ceiling, mode: observe (line 12 says enforce)",
			},
			{Name: "principals.allow", Value: "none", From: "default"},
			{Name: "networks.allow", Value: "10.0.0.0/8, vpce-0abc", From: "rotd.yaml", Line: 13},
			{Name: "respond", Value: "restore on rotation-turned-off", From: "rotd.yaml", Line: 15},
			{Name: "unused_after", Value: "none", From: "default"},
			{Name: "owner_tags", Value: "owner, team", From: "rotd.yaml", Line: 16},
			{Name: "custodian_tags", Value: "none", From: "default"},
		},
		Exceptions: []policy.Applied{
			{
				Name: "old", Standing: policy.Expired, Checks: []string{}, Author: "jane", Reason: "freeze",
				Expires: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), Line: 18,
			},
			{
				Name: "readers", Standing: policy.InForce, Checks: []string{}, Author: "jane", Reason: "no update",
				Expires: time.Date(2999, 1, 1, 0, 0, 0, 0, time.UTC), Line: 19,
			},
		},
		Owner: policy.Tag{Value: "pay-eu", Tag: "team"},
	}
	if diff := cmp.Diff(want, c.Policies.Explain(key, nil, c.Exceptions, source, now)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
