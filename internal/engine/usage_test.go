package engine

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rotd/internal/awssim"
	"rotd/internal/state"
	"rotd/internal/usage"
)

func (w *world) usage(arn string) (u *usage.Usage) {
	w.Helper()
	now := time.Now()
	w.view(func(tx *state.Tx) (err error) {
		u, err = tx.Usage(arn, usage.NewWindow(now.AddDate(0, 0, -30), now))
		return err
	})
	return u
}

func TestSuccessfulCryptographicCallsAreCountedOnce(t *testing.T) {
	w := newWorld(t, silent)
	arn, target := w.key(awssim.KeyOptions{Aliases: []string{"alias/a"}}), w.key(awssim.KeyOptions{})
	w.sweep(Inventory)
	at := time.Now().Add(-time.Hour).Truncate(time.Second).UTC()
	call := func(name string) record { return newRecord(name, arn, w.engineer, at) }
	service := map[string]any{"type": "AWSService", "invokedBy": "s3.amazonaws.com"}
	role := map[string]any{
		"type": "AssumedRole", "arn": "arn:aws:sts::" + account + ":assumed-role/app/x", "accountId": account,
		"invokedBy":      "dynamodb.amazonaws.com",
		"sessionContext": map[string]any{"sessionIssuer": map[string]any{"arn": "arn:aws:iam::" + account + ":role/app"}},
	}
	again, shared := call("Encrypt").with("requestParameters", map[string]any{"keyId": "alias/a"}), uuid()
	reencrypt := call("ReEncrypt").with("resources", []any{
		map[string]any{"accountId": account, "type": "AWS::KMS::Key", "ARN": arn},
		map[string]any{"accountId": account, "type": "AWS::KMS::Key", "ARN": target},
	}).with("requestParameters", map[string]any{
		"sourceKeyId": arn, "destinationKeyId": target,
		"sourceEncryptionContext": map[string]any{"tenant": "secret", "app": "x"},
	})
	table := map[string]any{"encryptionContext": map[string]any{
		"aws:dynamodb:tableName": "cards", "aws:dynamodb:subscriberId": account,
	}}
	within := newRecord("ReEncrypt", arn, w.engineer, at).with("requestParameters", map[string]any{
		"sourceKeyId": arn, "destinationKeyId": arn,
	})
	w.send(
		call("Decrypt").bridged(),
		again.bridged(), again.bridged(), // told of twice
		call("Decrypt").with("sharedEventID", shared).bridged(),
		call("Decrypt").with("sharedEventID", shared).bridged(), // the same call, as the other account tells it
		call("Decrypt").with("errorCode", "AccessDenied").bridged(),
		call("DescribeKey").bridged(),
		newRecord("Decrypt", arn, w.engineer, at.AddDate(0, 0, -20)).bridged(), // late
		newRecord("Decrypt", "arn:aws:kms:"+region+":"+account+":key/unknown", w.engineer, at).bridged(),
		reencrypt.bridged(), within.bridged(),
		call("GenerateDataKey").with("userIdentity", service).with("sourceIPAddress", "s3.amazonaws.com").bridged(),
		call("Decrypt").with("userIdentity", role).with("sourceIPAddress", "dynamodb.amazonaws.com").
			with("requestParameters", table).bridged(),
	)
	w.drained()
	check := func(when string) {
		t.Helper()
		u := w.usage(arn)
		want := []usage.Principal{
			{
				ARN: w.engineer.ARN, Calls: 5, FirstUse: at, LastUse: at, Operations: []string{"Decrypt", "Encrypt", "ReEncrypt"},
				Networks: []string{"203.0.113.0/24"}, Contexts: []string{"app,tenant"},
			},
			{
				ARN: "arn:aws:iam::" + account + ":role/app", Calls: 1, FirstUse: at, LastUse: at,
				Operations: []string{"Decrypt"}, Services: []string{"dynamodb.amazonaws.com"},
				Contexts: []string{"aws:dynamodb:subscriberId,aws:dynamodb:tableName"},
			},
			{
				ARN: "service:s3.amazonaws.com", Calls: 1, FirstUse: at, LastUse: at,
				Operations: []string{"GenerateDataKey"}, Services: []string{"s3.amazonaws.com"},
			},
		}
		if diff := cmp.Diff(want, u.Principals); diff != "" || u.Calls != 7 {
			t.Errorf("%s: %d calls, principals (-want +got):\n%s", when, u.Calls, diff)
		}
		hour := at.Truncate(time.Hour)
		byAlias := []usage.ByAlias{{Alias: "alias/a", Principal: w.engineer.ARN, LastHour: hour}}
		if diff := cmp.Diff(byAlias, u.Aliases); diff != "" {
			t.Errorf("%s: by alias (-want +got):\n%s", when, diff)
		}
		under := []usage.Item{{Name: "aws:dynamodb:tableName", Value: "cards", LastHour: hour, Vouched: true}}
		if diff := cmp.Diff(under, w.under(arn)); diff != "" {
			t.Errorf("%s: under the key (-want +got):\n%s", when, diff)
		}
		if u := w.usage(target); u.Calls != 1 || u.Principals[0].Contexts != nil {
			t.Errorf("%s: the key encrypted with was used %d times: %+v", when, u.Calls, u.Principals)
		}
	}
	check("logged")
	w.engine.foldUsage(t.Context())
	check("folded")
	plan, err := w.engine.Rotate(t.Context(), RotateRequest{Key: arn, DryRun: true})
	w.check(err)
	if plan.Used == nil || plan.Used.Principals != 3 || plan.Used.Calls != 7 || plan.Used.Most[0] != w.engineer.ARN {
		t.Errorf("the plan says that the key was used by %+v", plan.Used)
	}
}

func TestMuchLogOfUsageIsFoldedSoon(t *testing.T) {
	w := newWorld(t, silent)
	arn := w.key(awssim.KeyOptions{})
	w.sweep(Inventory)
	w.send(newRecord("Decrypt", arn, w.engineer, time.Now()).bridged())
	w.drained()
	w.view(func(tx *state.Tx) error {
		if tx.UsageLogged() == 0 {
			t.Error("nothing is logged")
		}
		return nil
	})
	w.engine.committed(&tally{usageLog: state.FoldUsageAt})
	w.await("the log to be folded", func() bool {
		logged := 0
		w.view(func(tx *state.Tx) error { logged = tx.UsageLogged(); return nil })
		return logged == 0
	})
	if u := w.usage(arn); u.Calls != 1 {
		t.Errorf("%d calls", u.Calls)
	}
}

// under is what a key is known to hold.
func (w *world) under(arn string) (items []usage.Item) {
	w.Helper()
	w.view(func(tx *state.Tx) error {
		rec, err := tx.UsageRecord(arn, time.Now())
		if err == nil {
			items = rec.Held.Contents(tx.UsageName).Items
		}
		return err
	})
	return items
}
