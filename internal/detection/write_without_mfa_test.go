package detection

import "testing"

func TestWriteWithoutMFA(t *testing.T) {
	const title = "MEDIUM A key was changed by a user signed in without MFA"
	root := user("false")["userIdentity"].(object)
	root["type"], root["arn"] = "Root", "arn:aws:iam::111122223333:root"
	testRule(t, writeWithoutMFA(), []ruleTest{
		{
			name: "a user disables rotation", events: []object{record("DisableKeyRotation", user("false"))},
			want: []string{title},
			says: []string{
				"arn:aws:iam::111122223333:user/jane called DisableKeyRotation on alias/payments in a session without MFA.",
				"AttributeKey=Username,AttributeValue=jane",
			},
		},
		{
			name: "root sets a policy", events: []object{record("PutKeyPolicy", object{"userIdentity": root})},
			want: []string{title}, says: []string{"AttributeValue=root"},
		},
		{
			name: "an allowed user is not excused", world: careful(func(w *world) { w.policies[0].Allow = []string{"*"} }),
			events: []object{record("CreateGrant", user("false"))}, want: []string{title},
		},
		{
			name: "a change that names no key", events: []object{record("CreateCustomKeyStore", user("false"), object{
				"resources": nil, "requestParameters": object{"customKeyStoreName": "x"},
			})},
			want: []string{title}, says: []string{"user/jane called CreateCustomKeyStore in a session"},
		},
		{
			name: "rotd itself, as a user", world: func(w *world) { w.own = true },
			events: []object{record("EnableKeyRotation", user("false"))},
			want:   []string{"INFORMATIONAL expected A key was changed by a user signed in without MFA"},
		},
		{name: "with MFA", events: []object{record("DisableKeyRotation", user("true"))}},
		{name: "nothing is said of MFA", events: []object{record("DisableKeyRotation", user(""))}},
		{name: "a role", events: []object{record("DisableKeyRotation")}},
		{name: "a reading", events: []object{record("DescribeKey", user("false"), object{"readOnly": true})}},
		{name: "a reading in an old record", events: []object{record("ListGrants", user("false"))}},
		{name: "a use in an old record", events: []object{record("Decrypt", user("false"))}},
		{name: "refused", events: []object{record("DisableKey", user("false"), failing("AccessDenied"))}},
		{
			name:   "a service on the user's behalf",
			events: []object{record("CreateGrant", through("ec2.amazonaws.com", user("false")))},
		},
	})
}
