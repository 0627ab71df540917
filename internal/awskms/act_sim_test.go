package awskms

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"rotd/internal/awssim"
	"rotd/internal/inventory"
	"rotd/internal/policy"
	"rotd/internal/remediation"
)

// drive steps an action against the simulated KMS until it ends. Time is the clock's.
func (w *world) drive(a remediation.Action, known func(string) bool) remediation.Action {
	w.t.Helper()
	g := remediation.Guardrails{MaxMode: policy.Enforce, RotationsPerHour: 10, Settle: time.Minute}
	seen := remediation.Observation{}
	own, err := w.clientOf(&a).ReadWhole(w.t.Context(), a.KeyARN, nil, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	for range 200 {
		facts := remediation.Facts{Mode: policy.Enforce, Armed: true, Key: seen.Facts.Key}
		seen.Facts = facts
		var do remediation.Do
		a, do = remediation.Step(a, seen, g, time.Now().UTC())
		seen = remediation.Observation{}
		switch do.What {
		case remediation.End:
			return a
		case remediation.Nothing:
			w.clock.Advance(time.Second)
			a.NotBefore, a.FirstRead = time.Time{}, a.FirstRead.Add(-time.Until(do.Until))
		case remediation.Attempt:
			answer := w.clientOf(&a).Do(w.t.Context(), &a).Answer()
			seen.Answer = &answer
		case remediation.Read:
			prev := &inventory.Key{ARN: a.CallKey()}
			if prev.ARN == own.ARN {
				prev = own
			}
			seen, err = w.clientOf(&a).Look(w.t.Context(), &a, prev, known)
			if err != nil {
				seen.ReadError = err.Error()
			}
		}
	}
	w.t.Fatalf("no end: %+v", a)
	return a
}

// replacement is an action that makes a new key, moves the alias and marks the old key.
func replacement(arn string) remediation.Action {
	return remediation.Action{
		ID: "act_01JPK00000000000000000AAAA", Verb: remediation.Replace, Method: remediation.NewKey,
		State: remediation.Planned, KeyARN: arn, Account: account, Region: region, Created: time.Now().UTC(),
		Calls: []remediation.Call{
			{Operation: remediation.CreateKey, New: &remediation.NewKeySpec{
				Spec: "RSA_2048", Usage: "SIGN_VERIFY", Origin: "AWS_KMS", Tags: map[string]string{"rotd:replaces": arn},
			}},
			{Operation: remediation.UpdateAlias, Alias: "alias/sign", FromARN: arn},
			{Operation: remediation.TagResource, KeyARN: arn, Tags: map[string]string{"rotd:replaced-by": "a new key"}},
		},
	}
}

func TestAReplacementComesThrough(t *testing.T) {
	cut := func(operation string, when awssim.When) awssim.Fault {
		return awssim.Fault{Operation: operation, When: when, Times: 1, DropConnection: true}
	}
	tests := []struct {
		name  string
		fault *awssim.Fault
	}{
		{"undisturbed", nil},
		{"though the answer that names the new key is lost", new(cut("CreateKey", awssim.AfterEffect))},
		{"though the request for the new key is lost", new(cut("CreateKey", awssim.BeforeEffect))},
		{"though the answer about the alias is lost", new(cut("UpdateAlias", awssim.AfterEffect))},
		{"though the request about the alias is lost", new(cut("UpdateAlias", awssim.BeforeEffect))},
		{"though the answer about the tag is lost", new(cut("TagResource", awssim.AfterEffect))},
		{"though KMS throttles the alias", &awssim.Fault{
			Operation: "UpdateAlias", Times: 2, Err: &awssim.APIError{Code: "ThrottlingException"},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			old := w.key(awssim.KeyOptions{
				Spec: types.KeySpecRsa2048, Usage: types.KeyUsageTypeSignVerify, Aliases: []string{"alias/sign"},
			})
			for range 3 {
				w.key(awssim.KeyOptions{})
			}
			if tt.fault != nil {
				w.sim.Plan(*tt.fault)
			}
			a := w.drive(replacement(old), func(arn string) bool { return arn == old })
			if a.State != remediation.Succeeded {
				t.Fatalf("%s: %s (%s)", a.State, a.Outcome, a.LastError)
			}
			if n := len(w.sim.EffectsOf("CreateKey")); n != 1 {
				t.Errorf("%d new keys", n)
			}
			aliases, err := w.client().Aliases(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if target := aliases.ByName["alias/sign"].KeyID; target != keyID(a.NewKeyARN) || target == keyID(old) {
				t.Errorf("the alias points at %s, the new key is %s", target, a.NewKeyARN)
			}
			if k, err := w.client().ReadWhole(t.Context(), old, nil, nil); err != nil || k.State != "Enabled" ||
				k.Tags["rotd:replaced-by"] == "" {
				t.Errorf("the old key: %+v, %v", k, err)
			}
		})
	}
}

func TestAnAliasThatSomebodyMovesIsLeftAlone(t *testing.T) {
	w := newWorld(t)
	old := w.key(awssim.KeyOptions{Spec: types.KeySpecRsa2048, Usage: types.KeyUsageTypeSignVerify})
	other := w.key(awssim.KeyOptions{
		Spec: types.KeySpecRsa2048, Usage: types.KeyUsageTypeSignVerify, Aliases: []string{"alias/sign"},
	})
	a := w.drive(replacement(old), func(string) bool { return false })
	if a.State != remediation.Failed || a.NewKeyARN == "" {
		t.Fatalf("%s: %s", a.State, a.Outcome)
	}
	want := "alias/sign points at " + other + " by now. Done: a new key. Not done: alias/sign moved to " +
		keyID(a.NewKeyARN) + "; the tag rotd:replaced-by."
	if a.Outcome != want {
		t.Errorf("got  %s\nwant %s", a.Outcome, want)
	}
	if n := len(w.sim.EffectsOf("UpdateAlias")); n != 0 {
		t.Errorf("the alias was moved %d times", n)
	}
}
