package detection

import (
	"testing"
	"time"
)

func TestRotdRoleMisused(t *testing.T) {
	const misused, reads = "CRITICAL Somebody else acts as rotd", "LOW Somebody else reads with rotd's role"
	path := assumed("rotd")
	path["sessionContext"] = object{"sessionIssuer": object{"arn": "arn:aws:iam::111122223333:role/service/rotd"}}
	member := assumed("rotd-member")
	member["arn"], member["accountId"] = "arn:aws:sts::444455556666:assumed-role/rotd-member/rotd-default", "444455556666"
	delete(member, "sessionContext")
	other := assumed("rotd")
	other["sessionContext"] = object{"sessionIssuer": object{"arn": "arn:aws:iam::444455556666:role/rotd"}}
	named := assumed("admin")
	named["arn"] = "arn:aws:sts::111122223333:assumed-role/admin/rotd"
	testRule(t, rotdRoleMisused(), []ruleTest{
		{
			name: "a change", world: careful(), events: []object{record("DisableKey", by("rotd"))}, want: []string{misused},
			says: []string{
				"role/rotd called DisableKey on alias/payments from 203.0.113.9, in session session, and this daemon did not",
				"aws iam get-role --role-name rotd",
			},
		},
		{
			name: "by the role's whole path", world: careful(),
			events: []object{record("PutKeyPolicy", object{"userIdentity": path})}, want: []string{misused},
		},
		{
			name: "by the role in another account, with rotd's own session name", world: careful(),
			events: []object{record("Decrypt", object{"userIdentity": member})}, want: []string{misused},
		},
		{
			name: "a refused change", world: careful(),
			events: []object{record("DisableKey", by("rotd"), failing("AccessDenied"))}, want: []string{misused},
		},
		{
			name: "a change of what no key is", world: careful(),
			events: []object{record("DeleteCustomKeyStore", by("rotd"), object{"resources": nil, "requestParameters": nil})},
			want:   []string{misused}, says: []string{"role/rotd called DeleteCustomKeyStore from"},
		},
		{
			name: "an address and a session that are not told", world: careful(),
			events: []object{record("Encrypt", object{"sourceIPAddress": nil, "userIdentity": object{
				"type": "Role", "arn": "arn:aws:iam::111122223333:role/rotd",
			}})},
			want: []string{misused}, says: []string{"called Encrypt on alias/payments, and this daemon"},
		},
		{
			name: "readings", world: careful(),
			events: []object{
				record("ListKeys", by("rotd"), object{"resources": nil, "requestParameters": nil}),
				record("GetKeyPolicy", by("rotd")),
			},
			want: []string{reads, reads},
		},
		{name: "this daemon", world: careful(func(w *world) { w.own = true }), events: []object{
			record("RotateKeyOnDemand", by("rotd")), record("DescribeKey", by("rotd")),
		}},
		{name: "another role", world: careful(), events: []object{record("DisableKey")}},
		{
			name: "a session that is called rotd", world: careful(),
			events: []object{record("DisableKey", object{"userIdentity": named})},
		},
		{
			name: "another account's role of the same name", world: careful(),
			events: []object{record("DisableKey", object{"userIdentity": other})},
		},
		{
			name: "a user of the same name", world: careful(), events: []object{record("DisableKey", object{
				"userIdentity": object{"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/rotd"},
			})},
		},
		{
			name: "a service on rotd's behalf", world: careful(),
			events: []object{record("GenerateDataKey", through("sns.amazonaws.com", by("rotd")))},
		},
		{name: "a refused reading", world: careful(), events: []object{
			record("ListKeys", by("rotd"), failing("AccessDenied")),
		}},
		{
			name: "before the state was begun", world: careful(),
			events: []object{record("RotateKeyOnDemand", by("rotd"), at(-25*time.Hour))},
		},
		{
			name: "a time nobody believes", world: careful(func(w *world) { w.late = true }),
			events: []object{record("DisableKey", by("rotd"))},
		},
		{name: "rotd's roles are not known, as in a replay", events: []object{record("DisableKey", by("rotd"))}},
		{name: "nobody is named", world: careful(), events: []object{record("Decrypt", object{"userIdentity": nil})}},
	})
}

func TestWhatIsMilderStaysSoWhateverConfigurationSays(t *testing.T) {
	for _, test := range []struct {
		configured string
		want       string
	}{{"HIGH", "LOW"}, {"INFORMATIONAL", "INFORMATIONAL"}} {
		judge := NewJudge(Settings{Severities: severities(t, "rotd-role-misused", test.configured)})
		w := carefulWorld()
		found, _ := judge.Event(w.context(), decode(t, record("DescribeKey", by("rotd"))))
		if len(found) != 1 || found[0].Severity.String() != test.want {
			t.Errorf("%s: found %+v", test.configured, found)
		}
	}
}
