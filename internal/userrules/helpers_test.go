package userrules

import (
	"encoding/json"
	"maps"
	"testing"
	"time"

	"rotd/internal/detection"
	"rotd/internal/events"
	"rotd/internal/inventory"
	"rotd/internal/policy"
)

const payARN = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"

type obj = map[string]any

// record is a Decrypt by an assumed role; what is given comes in its place.
func record(given ...obj) obj {
	r := obj{
		"eventVersion": "1.11", "eventID": "e-1", "eventTime": "2026-11-20T12:00:00Z", "eventType": "AwsApiCall",
		"eventSource": "kms.amazonaws.com", "eventName": "Decrypt", "awsRegion": "eu-west-1",
		"recipientAccountId": "111122223333", "sourceIPAddress": "203.0.113.9", "userAgent": "aws-cli/2.31",
		"vpcEndpointId": "vpce-0abc", "vpcEndpointAccountId": "111122223333", "readOnly": true,
		"userIdentity": obj{
			"type": "AssumedRole", "arn": "arn:aws:sts::111122223333:assumed-role/pay/session",
			"accountId": "111122223333", "accessKeyId": "ASIAEXAMPLE",
			"sessionContext": obj{
				"attributes": obj{"mfaAuthenticated": "false", "creationDate": "2026-11-20T11:00:00Z"},
				"sessionIssuer": obj{
					"type": "Role", "arn": "arn:aws:iam::111122223333:role/pay", "accountId": "111122223333", "userName": "pay",
				},
			},
		},
		"requestParameters": obj{
			"keyId": payARN, "pendingWindowInDays": 7, "share": 0.5, "bypass": true, "nothing": nil,
			"operations":        []string{"Decrypt", "Encrypt"},
			"encryptionContext": obj{"aws:s3:arn": "arn:aws:s3:::payments"},
		},
		"resources": []obj{{"ARN": payARN, "accountId": "111122223333", "type": "AWS::KMS::Key"}},
	}
	for _, g := range given {
		maps.Copy(r, g)
	}
	return r
}

func decode(t testing.TB, r obj) *events.Event {
	t.Helper()
	raw, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	ev, _, err := events.NewDecoder(nil).DecodeRecord(raw)
	if err != nil {
		t.Fatal(err)
	}
	return &ev
}

// around is what is known: the payments key, its policy, a trusted account; no memory.
func around() *detection.Context {
	return &detection.Context{
		Known: known{key: payKey(), policy: payPolicy()}, Memory: forgetful{},
		Rooms:   func(string, int) detection.Memory { return forgetful{} },
		Trusted: func(account string) bool { return account == "111122223333" },
	}
}

type known struct {
	key    *inventory.Key
	policy *policy.Policy
}

func (k known) Key(ref events.KeyRef, _, _ string) *inventory.Key {
	if ref.ARN != payARN {
		return nil
	}
	return k.key
}

func payKey() *inventory.Key {
	return &inventory.Key{
		ARN: payARN, ID: "1234abcd-12ab-34cd-56ef-1234567890ab", Account: "111122223333", Region: "eu-west-1",
		State: "Enabled", Spec: "SYMMETRIC_DEFAULT", Usage: "ENCRYPT_DECRYPT", Origin: "AWS_KMS", Manager: "CUSTOMER",
		Aliases: []string{"alias/payments"}, Tags: map[string]string{"team": "pay"},
		Created: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
	}
}

func (known) AliasTarget(string, string, string) *inventory.Key { return nil }

func (k known) Policy(key *inventory.Key) *policy.Policy {
	if key == nil {
		return nil
	}
	return k.policy
}

func payPolicy() *policy.Policy {
	return &policy.Policy{
		Name: "payments", Mode: policy.Enforce, Allow: []string{"arn:aws:iam::111122223333:role/pay"},
		Rotation: policy.Rotation{MaxAge: 90 * 24 * time.Hour, Method: policy.Auto},
	}
}

func (known) LastUse(string) time.Time { return time.Time{} }

// forgetful is a memory that keeps nothing.
type forgetful struct{}

func (forgetful) Count(string, string, time.Time, time.Duration) int { return 1 }

func (forgetful) Note(string, string, time.Time, time.Duration) {}

func (forgetful) Noted(string, time.Time) string { return "" }

func language(t testing.TB) *Language {
	t.Helper()
	l, err := NewLanguage()
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// compiled is a rule with this condition.
func compiled(t testing.TB, l *Language, d Draft) detection.Rule {
	t.Helper()
	if d.ID == "" {
		d.ID = "mine"
	}
	if d.Message == "" {
		d.Message = "It happened."
	}
	r, problems := l.Compile(&d)
	if len(problems) > 0 {
		t.Fatalf("%s: %+v", d.When, problems)
	}
	return r
}
