package detection

import (
	"testing"

	"rotd/internal/inventory"
)

func TestPrincipalNotAllowed(t *testing.T) {
	const title = "HIGH A key was used by a principal that its policy does not allow"
	session := assumed("intruder")
	session["arn"] = "arn:aws:sts::111122223333:assumed-role/intruder/pay-api"
	testRule(t, principalNotAllowed(), []ruleTest{
		{
			name: "a role that is not on the list", events: []object{record("Decrypt")}, want: []string{title},
			says: []string{
				"arn:aws:iam::111122223333:role/admin called Decrypt on alias/payments. Policy payments allows only " +
					`"arn:aws:iam::111122223333:role/pay-*".`,
			},
		},
		{
			name:   "a session that is called like an allowed role",
			events: []object{record("GenerateDataKey", object{"userIdentity": session})}, want: []string{title},
		},
		{
			name:   "through a service on a principal's behalf",
			events: []object{record("Decrypt", through("s3.amazonaws.com", by("admin")))}, want: []string{title},
		},
		{name: "another account", events: []object{record("Decrypt", byAccount("999988887777"))}, want: []string{title}},
		{
			name: "a record that names the key by its alias alone",
			events: []object{record("Encrypt", object{
				"resources": nil, "requestParameters": object{"keyId": "alias/payments"},
			})},
			want: []string{title}, says: []string{"rotd keys usage " + payARN},
		},
		{
			name: "both keys of a re-encryption",
			world: func(w *world) {
				w.keys[otherARN].Aliases = []string{"alias/pay-new"}
			},
			events: []object{record("ReEncrypt", object{
				"requestParameters": object{"destinationKeyId": otherARN},
				"resources":         []object{{"ARN": payARN}, {"ARN": otherARN}},
			})},
			want: []string{title, title}, says: []string{"on alias/pay-new"},
		},
		{
			name: "rotd itself", world: func(w *world) { w.own = true }, events: []object{record("ReEncrypt")},
			want: []string{"INFORMATIONAL expected A key was used by a principal that its policy does not allow"},
		},
		{name: "an allowed role", events: []object{record("Decrypt", by("pay-api"))}},
		{
			name: "rotd's role, of which another rule tells", world: careful(),
			events: []object{record("Decrypt", through("sqs.amazonaws.com", by("rotd")))},
		},
		{name: "refused", events: []object{record("Decrypt", failing("AccessDenied"))}},
		{name: "a reading", events: []object{record("DescribeKey")}},
		{name: "a service by its own role", events: []object{record("Decrypt", byConfig())}},
		{name: "a service as itself", events: []object{record("Decrypt", byBackup())}},
		{name: "nobody is named", events: []object{record("Decrypt", object{"userIdentity": nil})}},
		{name: "a key without a policy", events: []object{record("Decrypt", on(otherARN))}},
		{
			name: "a key nobody knows", world: func(w *world) { w.keys = map[string]*inventory.Key{} },
			events: []object{record("Decrypt")},
		},
		{
			name: "a policy that allows everybody", world: func(w *world) { w.policies[0].Allow = nil },
			events: []object{record("Decrypt")},
		},
	})
}
