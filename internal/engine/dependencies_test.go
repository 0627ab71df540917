package engine

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rotd/internal/awssim"
	"rotd/internal/remediation"
	"rotd/internal/state"
)

func TestDependenciesAreKept(t *testing.T) {
	queue := func(key, err string) state.Dependency {
		return state.Dependency{What: "the queue q", Key: key, Error: err}
	}
	objects := func(key string) state.Dependency {
		return state.Dependency{What: "objects in s3://b", Key: key, Stored: true}
	}
	tests := []struct {
		name               string
		known, asked, want []state.Dependency
	}{
		{"the first time", nil, []state.Dependency{queue("k", "")}, []state.Dependency{queue("k", "")}},
		{
			"a queue has another key",
			[]state.Dependency{queue("k", "")},
			[]state.Dependency{queue("l", "")},
			[]state.Dependency{queue("l", "")},
		},
		{
			"a queue has no key any more",
			[]state.Dependency{queue("k", "")},
			[]state.Dependency{queue("", "")},
			[]state.Dependency{queue("", "")},
		},
		{
			"SQS does not say",
			[]state.Dependency{queue("k", "")},
			[]state.Dependency{queue("", "denied")},
			[]state.Dependency{queue("k", "denied")},
		},
		{"a queue is not rotd's any more", []state.Dependency{queue("k", "")}, nil, nil},
		{
			"older objects stay under their key",
			[]state.Dependency{objects("k")},
			[]state.Dependency{objects("l")},
			[]state.Dependency{objects("l"), objects("k")},
		},
		{
			"the same objects again",
			[]state.Dependency{objects("k")},
			[]state.Dependency{objects("k")},
			[]state.Dependency{objects("k")},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, dependencies(tt.known, tt.asked)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	var many []state.Dependency
	for i := range 3 * maxStored {
		many = append(many, objects(fmt.Sprint(i)))
	}
	if got := dependencies(many, []state.Dependency{objects("new")}); len(got) != maxStored || got[0].Key != "new" {
		t.Errorf("%d are kept, the first %+v", len(got), got[0])
	}
}

func TestRotdKeepsItsHandsOffItsOwnKeys(t *testing.T) {
	w := newWorld(t, silent)
	arn := w.key(awssim.KeyOptions{Aliases: []string{"alias/pay-queue"}, RotationPeriod: 365})
	id := arn[strings.LastIndex(arn, "/")+1:]
	place := state.Dependency{What: "the queue https://sqs/rotd", Account: account, Region: region}
	for name, key := range map[string]string{
		"by its id": id, "by its ARN": arn, "by its alias": "alias/pay-queue",
		"by its alias ARN": "arn:aws:kms:" + region + ":" + account + ":alias/pay-queue",
	} {
		dependency := place
		dependency.Key = key
		w.check(w.engine.DependsOn([]state.Dependency{dependency}))
		w.sweep(Inventory)
		plan := w.rotate("alias/pay-queue", true)
		if d := plan.Decision; d.Verdict != remediation.Refuse || d.Guardrail != remediation.GuardOwnKey ||
			!strings.Contains(d.Reason, "the queue https://sqs/rotd") {
			t.Errorf("%s: got %+v", name, d)
		}
	}
	if got := w.actions(); len(got) != 0 || w.issued() != 0 { // nor is drift put right, at once or after a restart
		t.Errorf("got %+v", got)
	}
	w.stop()
	w.start()
	if plan := w.rotate("alias/pay-queue", true); plan.Decision.Guardrail != remediation.GuardOwnKey {
		t.Errorf("after a restart: %+v", plan.Decision)
	}
	w.check(w.engine.DependsOn([]state.Dependency{place}))
	w.rotate("alias/pay-queue", true)
	w.awaitAction(remediation.Succeeded)
}
