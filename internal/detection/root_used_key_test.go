package detection

import "testing"

func TestRootUsedKey(t *testing.T) {
	const title = "The account's root user used a key"
	with := func(attributes object) object {
		return object{"userIdentity": object{
			"type": "Root", "arn": "arn:aws:iam::111122223333:root", "accountId": "111122223333",
			"sessionContext": object{"attributes": attributes},
		}}
	}
	root := with(object{"mfaAuthenticated": "false"})
	testRule(t, rootUsedKey(), []ruleTest{
		{
			name: "root decrypts", events: []object{record("Decrypt", root)}, want: []string{"HIGH " + title},
			says: []string{"The root user of account 111122223333 called Decrypt on alias/payments.", "without MFA"},
		},
		{
			name: "root decrypts, with MFA", events: []object{record("Decrypt", with(object{"mfaAuthenticated": "true"}))},
			want: []string{"HIGH " + title}, says: []string{"on alias/payments. Nothing that"},
		},
		{
			name: "root decrypts, by a record that does not tell of MFA", events: []object{record("Decrypt", with(nil))},
			want: []string{"HIGH " + title}, says: []string{"on alias/payments. Nothing that"},
		},
		{name: "root describes a key", events: []object{record("DescribeKey", root)}, want: []string{"HIGH " + title}},
		{
			name: "root is excused by nothing",
			world: func(w *world) {
				w.own = true
				w.policies[0].Allow = []string{"*"}
			},
			events: []object{record("PutKeyPolicy", root)}, want: []string{"HIGH " + title},
		},
		{name: "root lists keys", events: []object{record("ListKeys", root, object{
			"resources": nil, "requestParameters": nil,
		})}},
		{name: "root is refused", events: []object{record("Decrypt", root, failing("AccessDenied"))}},
		{name: "a role decrypts", events: []object{record("Decrypt")}},
		{name: "a role called root decrypts", events: []object{record("Decrypt", by("root"))}},
		{name: "root uses another service", events: []object{record("ConsoleLogin", root, object{
			"eventSource": "signin.amazonaws.com",
		})}},
	})
}
