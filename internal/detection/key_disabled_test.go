package detection

import (
	"testing"
	"time"

	"rotd/internal/inventory"
)

func TestKeyDisabled(t *testing.T) {
	testRule(t, keyDisabled(), []ruleTest{
		{
			name: "a role disables a key", world: func(w *world) { w.uses[payARN] = noon.Add(-time.Hour) },
			events: []object{record("DisableKey")}, want: []string{"HIGH A key was disabled"},
			says: []string{
				adminARN + " disabled alias/payments.", "last seen used at 2026-11-20 11:00Z",
				"aws kms enable-key --key-id " + payARN + " --region eu-west-1",
			},
		},
		{
			name: "by an alias that the inventory knows", events: []object{record("DisableKey",
				object{"resources": nil}, asking(object{"keyId": "alias/payments"}))},
			want: []string{"HIGH A key was disabled"}, says: []string{"enable-key --key-id " + payARN},
		},
		{
			name: "by an alias that nobody knows", events: []object{record("DisableKey",
				object{"resources": nil}, asking(object{"keyId": "alias/other"}))},
			want: []string{"HIGH A key was disabled"},
			says: []string{"enable-key --key-id alias/other --region eu-west-1"},
		},
		{
			name: "in China", events: []object{record("DisableKey", object{
				"awsRegion": "cn-north-1",
				"resources": []object{{"ARN": "arn:aws-cn:kms:cn-north-1:111122223333:key/k"}},
			})},
			want: []string{"HIGH A key was disabled"},
			says: []string{"aws kms enable-key --key-id arn:aws-cn:kms:cn-north-1:111122223333:key/k --region " +
				"cn-north-1"},
		},
		{
			name: "an allowed principal", events: []object{record("DisableKey", by("pay-api"))},
			want: []string{"HIGH A key was disabled"},
		},
		{name: "refused", events: []object{record("DisableKey", failing("AccessDenied"))}},
		{name: "enabled", events: []object{record("EnableKey")}},
		{name: "rotation disabled", events: []object{record("DisableKeyRotation")}},
		{name: "another service's DisableKey", events: []object{record("DisableKey", object{
			"eventSource": "location.amazonaws.com",
		})}},
	})
}

func TestKeyDisabledIsOver(t *testing.T) {
	testOver(t, keyDisabled(), record("DisableKey"), []overTest{
		{"enabled", inState("Enabled", time.Minute), "KMS shows the key enabled"},
		{"enabled before the call", inState("Enabled", -time.Minute), ""},
		{"disabled", inState("Disabled", time.Minute), ""},
		{"scheduled for deletion", inState("PendingDeletion", time.Minute), ""},
	})
}

func inState(state string, read time.Duration) *inventory.Key {
	k := payKey()
	k.State, k.ReadAt, k.FullAt, k.AliasesAt = state, noon.Add(read), noon.Add(read), noon.Add(read)
	return k
}
