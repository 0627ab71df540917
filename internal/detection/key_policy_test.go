package detection

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"rotd/internal/finding"
	"rotd/internal/inventory"
	"rotd/internal/keypolicy"
	"rotd/internal/policy"
)

func bringing(policyText string) object {
	return asking(object{"keyId": payARN, "policyName": "default", "policy": policyText})
}

// letting is a key policy that lets the owner and others decrypt.
func letting(principals ...string) string {
	quoted := make([]string, len(principals))
	for i, p := range principals {
		quoted[i] = fmt.Sprintf("%q", p)
	}
	return strings.Replace(ownPolicy, "]}", fmt.Sprintf(`,{"Sid":"partners","Effect":"Allow","Principal":{"AWS":[%s]},`+
		`"Action":"kms:Decrypt","Resource":"*"}]}`, strings.Join(quoted, ",")), 1)
}

func TestKeyPolicyChanged(t *testing.T) {
	const title = "A key policy was changed"
	testRule(t, keyPolicyChanged(), []ruleTest{
		{
			name: "a statement is added", events: []object{record("PutKeyPolicy", bringing(letting("444455556666")))},
			want: []string{"MEDIUM " + title},
			says: []string{
				adminARN + " set the key policy of alias/payments.", "Against the policy read at 2026-11-20 " +
					"11:00Z: ", "444455556666",
				"aws kms put-key-policy --key-id " + payARN + " --policy-name default --policy file://policy.json",
			},
		},
		{
			name:   "an allowed principal",
			events: []object{record("PutKeyPolicy", by("pay-api"), bringing(letting("444455556666")))},
			want:   []string{"INFORMATIONAL expected " + title},
			says:   []string{"policy payments allows this principal"},
		},
		{
			name: "the policy before is not known", world: func(w *world) { w.keys = nil },
			events: []object{record("PutKeyPolicy", bringing(ownPolicy))}, want: []string{"MEDIUM " + title},
			says: []string{"The policy before it is not known."},
		},
		{
			name:   "the inventory was read since",
			world:  func(w *world) { w.keys[payARN].FullAt = noon.Add(time.Minute) },
			events: []object{record("PutKeyPolicy", bringing(ownPolicy))}, want: []string{"MEDIUM " + title},
			says: []string{"It is the policy read since, at 2026-11-20 12:01Z; the one before is not known."},
		},
		{
			name: "the policy cannot be read", events: []object{record("PutKeyPolicy", bringing(`{"Statement":`))},
			want: []string{"MEDIUM " + title}, says: []string{"The policy in the record cannot be read ("},
		},
		{
			name:   "the record leaves the policy out",
			events: []object{record("PutKeyPolicy", object{"requestParameters": nil})},
			want:   []string{"MEDIUM " + title},
			says:   []string{"The policy is not in the record, which leaves out what is too large"},
		},
		{
			name:   "the record leaves the policy alone out",
			events: []object{record("PutKeyPolicy", asking(object{"keyId": payARN, "policyName": "default"}))},
			want:   []string{"MEDIUM " + title},
			says:   []string{"The policy is not in the record, which leaves out what is too large"},
		},
		{
			name: "by CloudFormation for a person",
			events: []object{record("PutKeyPolicy", bringing(letting("444455556666")),
				object{"userIdentity": object{
					"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/ann",
					"accountId": "111122223333", "invokedBy": "cloudformation.amazonaws.com",
				}})},
			want: []string{"MEDIUM " + title},
		},
		{name: "the policy is what it was", events: []object{record("PutKeyPolicy", bringing(" "+ownPolicy))}},
		{
			name: "by an AWS service", events: []object{record("PutKeyPolicy", bringing(letting("444455556666")),
				object{"userIdentity": object{"type": "AWSService", "invokedBy": "backup.amazonaws.com"}})},
		},
		{name: "refused", events: []object{record("PutKeyPolicy", bringing(publicPolicy), failing("AccessDenied"))}},
		{
			name:   "malformed",
			events: []object{record("PutKeyPolicy", bringing("{"), failing("MalformedPolicyDocumentException"))},
		},
		{name: "a key made with a policy", events: []object{record("CreateKey", bringing(letting("444455556666")))}},
	})
}

func TestManyChangesOfAPolicyAreBounded(t *testing.T) {
	var others []string
	for i := range 60 {
		others = append(others, fmt.Sprintf(`{"Sid":"%d %s","Effect":"Allow","Principal":{"AWS":"%012d"},`+
			`"Action":"kms:Decrypt","Resource":"*"}`, i, strings.Repeat("x", 300), i+1))
	}
	text := `{"Statement":[` + strings.Join(others, ",") + "]}"
	w := newWorld()
	found, _ := newJudge([]Rule{keyPolicyChanged(), keyPolicySharedExternally()}, nil, Settings{}).
		Event(w.context(), decode(t, record("PutKeyPolicy", bringing(text))))
	if len(found) != 1+maxOutsiders {
		t.Fatalf("%d findings, want %d", len(found), 1+maxOutsiders)
	}
	for _, f := range found {
		checkFinding(t, &f)
	}
	if last := found[maxOutsiders].Description; !strings.Contains(last, "52 more outsiders are let in.") {
		t.Errorf("the last says %q", last)
	}
}

func TestOnlyWhatIsLeftOutIsCounted(t *testing.T) {
	for shown, want := range map[int]string{3: "a a a", 4: "a a a And 1 more statements."} {
		if got := whys(slices.Repeat([]keypolicy.Exposure{{Why: "a"}}, shown)); got != want {
			t.Errorf("%d exposures: %q, want %q", shown, got, want)
		}
	}
	var principals []string
	for i := range maxOutsiders {
		principals = append(principals, fmt.Sprintf("%012d", 500000000000+i))
	}
	found, _ := newJudge([]Rule{keyPolicySharedExternally()}, nil, Settings{}).Event(newWorld().context(),
		decode(t, record("PutKeyPolicy", bringing(letting(principals...)))))
	if len(found) != maxOutsiders || strings.Contains(found[0].Description, "more outsiders") {
		t.Errorf("%d findings, the first says: %s", len(found), found[0].Description)
	}
}

func TestKeyPolicyMadePublic(t *testing.T) {
	const title = "CRITICAL A key policy lets every AWS account in"
	created := object{"responseElements": object{"keyMetadata": object{"arn": otherARN}}, "resources": nil}
	testRule(t, keyPolicyMadePublic(), []ruleTest{
		{
			name: "PutKeyPolicy", events: []object{record("PutKeyPolicy", bringing(publicPolicy))},
			want: []string{title},
			says: []string{
				"Anybody with an AWS account may now use or administer it.", `"all"`,
				"aws kms get-key-policy --key-id " + payARN + " --policy-name default --region eu-west-1",
			},
		},
		{
			name: "CreateKey", events: []object{record("CreateKey", asking(object{"policy": publicPolicy}), created)},
			want: []string{title}, says: []string{adminARN + " created " + otherARN + " with a key policy of its own."},
		},
		{
			name: "ReplicateKey", events: []object{record("ReplicateKey",
				asking(object{"keyId": payARN, "replicaRegion": "us-east-1", "policy": publicPolicy}))},
			want: []string{title},
			says: []string{"--key-id arn:aws:kms:us-east-1:111122223333:key/", "--region us-east-1"},
		},
		{
			name: "nothing excuses it", world: func(w *world) { w.own = true },
			events: []object{record("PutKeyPolicy", by("pay-api"), bringing(publicPolicy))}, want: []string{title},
		},
		{
			name: "narrowed to the owner",
			events: []object{record("PutKeyPolicy", bringing(strings.Replace(publicPolicy,
				`"Resource"`, `"Condition":{"StringEquals":{"kms:CallerAccount":"111122223333"}},"Resource"`, 1)))},
		},
		{name: "an account is let in", events: []object{record("PutKeyPolicy", bringing(letting("444455556666")))}},
		{name: "refused", events: []object{record("PutKeyPolicy", bringing(publicPolicy), failing("AccessDenied"))}},
		{name: "unreadable", events: []object{record("PutKeyPolicy", bringing("{"))}},
		{name: "a key without a policy of its own", events: []object{record("CreateKey", asking(object{}), created)}},
	})
}

func TestKeyPolicyMadePublicIsOver(t *testing.T) {
	testOver(t, keyPolicyMadePublic(), record("PutKeyPolicy", bringing(publicPolicy)), []overTest{
		{"the policy is the owner's", withPolicy(ownPolicy, time.Minute), "KMS shows a key policy that is not public"},
		{"the policy is public", withPolicy(publicPolicy, time.Minute), ""},
		{"the policy was read before", withPolicy(ownPolicy, -time.Minute), ""},
		{"the policy could not be read", withPolicy("", time.Minute), ""},
		{"the policy makes no sense", withPolicy("{", time.Minute), ""},
		{"reading it is denied now", denied(withPolicy(ownPolicy, time.Minute), "GetKeyPolicy"), ""},
	})
}

func withPolicy(text string, read time.Duration) *inventory.Key {
	k := inState("Enabled", read)
	k.Policy = text
	return k
}

func denied(k *inventory.Key, operations ...string) *inventory.Key {
	k.Denied = operations
	return k
}

func TestKeyPolicySharedExternally(t *testing.T) {
	const title = "HIGH A key policy lets the untrusted account 444455556666 in"
	testRule(t, keyPolicySharedExternally(), []ruleTest{
		{
			name: "an account", events: []object{record("PutKeyPolicy", bringing(letting("444455556666")))},
			want: []string{title},
			says: []string{"set the key policy of alias/payments.", "If you do not know the untrusted account " +
				"444455556666"},
		},
		{
			name:   "two accounts, the known one last",
			world:  func(w *world) { w.keys[payARN].Policy = letting("444455556666") },
			events: []object{record("PutKeyPolicy", bringing(letting("444455556666", "777788889999")))},
			want:   []string{"HIGH A key policy lets the untrusted account 777788889999 in", title},
		},
		{
			name: "a role of an account", events: []object{record("PutKeyPolicy",
				bringing(letting("arn:aws:iam::444455556666:role/x")))},
			want: []string{title},
		},
		{
			name: "everybody, harmlessly", events: []object{record("PutKeyPolicy",
				bringing(strings.Replace(publicPolicy, "kms:Decrypt", "kms:DescribeKey", 1)))},
			want: []string{"HIGH A key policy lets every AWS account in"},
		},
		{
			name: "an organization", events: []object{record("PutKeyPolicy", bringing(strings.Replace(publicPolicy,
				`"Resource"`, `"Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-abcdef1234"}},"Resource"`, 1)))},
			want: []string{"HIGH A key policy lets the untrusted organization o-abcdef1234 in"},
		},
		{
			name: "a trusted account", world: func(w *world) { w.trusted = []string{"444455556666"} },
			events: []object{record("PutKeyPolicy", bringing(letting("444455556666")))},
		},
		{name: "the owner alone", events: []object{record("PutKeyPolicy", bringing(ownPolicy))}},
		{name: "everybody, told as public", events: []object{record("PutKeyPolicy", bringing(publicPolicy))}},
		{
			name:   "refused",
			events: []object{record("PutKeyPolicy", bringing(letting("444455556666")), failing("AccessDenied"))},
		},
		{
			name: "one network", events: []object{record("PutKeyPolicy", bringing(strings.Replace(publicPolicy,
				`"Resource"`, `"Condition":{"StringEquals":{"aws:SourceVpce":"vpce-0abc"}},"Resource"`, 1)))},
		},
	})
}

func TestKeyPolicySharedExternallyIsOver(t *testing.T) {
	testOver(t, keyPolicySharedExternally(), record("PutKeyPolicy", bringing(letting("444455556666"))), []overTest{
		{"the owner alone", withPolicy(ownPolicy, time.Minute), "KMS shows a key policy that no longer lets it in"},
		{
			"another account", withPolicy(letting("777788889999"), time.Minute),
			"KMS shows a key policy that no longer lets it in",
		},
		{"the account among others", withPolicy(letting("777788889999", "444455556666"), time.Minute), ""},
		{"read before", withPolicy(ownPolicy, -time.Minute), ""},
		{"denied", denied(withPolicy(ownPolicy, time.Minute), "GetKeyPolicy"), ""},
	})
}

func TestKeyPolicyOwnerRemoved(t *testing.T) {
	const title = "CRITICAL A key policy locks the key's own account out"
	created := object{"responseElements": object{"keyMetadata": object{"arn": otherARN}}, "resources": nil}
	takenBack := strings.Replace(ownPolicy, "]}", `,{"Sid":"no","Effect":"Deny","Principal":"*",`+
		`"Action":"kms:PutKeyPolicy","Resource":"*"}]}`, 1)
	testRule(t, keyPolicyOwnerRemoved(), []ruleTest{
		{
			name: "another account alone is let in", events: []object{record("PutKeyPolicy", bringing(strangersPolicy))},
			want: []string{title},
			says: []string{
				adminARN + " set the key policy of alias/payments. It locks the owner out: no statement lets account " +
					"111122223333", "aws kms put-key-policy --key-id " + payARN, "only AWS Support",
			},
		},
		{
			name: "a Deny takes it back", events: []object{record("PutKeyPolicy", bringing(takenBack))},
			want: []string{title}, says: []string{"but a Deny takes it back"},
		},
		{
			name: "a key is made so", events: []object{record("CreateKey", asking(object{"policy": strangersPolicy}),
				created)},
			want: []string{title}, says: []string{"created " + otherARN + " with a key policy of its own."},
		},
		{
			name: "a replica", events: []object{record("ReplicateKey",
				asking(object{"keyId": payARN, "replicaRegion": "us-east-1", "policy": strangersPolicy}))},
			want: []string{title}, says: []string{"--region us-east-1"},
		},
		{
			name: "a replica in a Region that the record leaves out", events: []object{record("ReplicateKey",
				asking(object{"keyId": payARN, "policy": strangersPolicy}))},
			want: []string{title}, says: []string{"--key-id " + payARN + " --policy-name default --region eu-west-1"},
		},
		{
			name: "in GovCloud, by a policy of the commercial partition", events: []object{record("PutKeyPolicy",
				asking(object{"policy": ownPolicy}), object{
					"awsRegion": "us-gov-west-1",
					"resources": []object{{"ARN": "arn:aws-us-gov:kms:us-gov-west-1:111122223333:key/k"}},
				})},
			want: []string{title},
		},
		{
			name: "nothing excuses it", world: func(w *world) { w.own = true },
			events: []object{record("PutKeyPolicy", by("pay-api"), bringing(strangersPolicy))}, want: []string{title},
		},
		{name: "the account's root", events: []object{record("PutKeyPolicy", bringing(ownPolicy))}},
		{
			name: "one administrator of the account", events: []object{record("PutKeyPolicy", bringing(strings.Replace(
				ownPolicy, ":root", ":role/admin", 1)))},
		},
		{name: "a policy that cannot be read", events: []object{record("PutKeyPolicy", bringing("{"))}},
		{name: "a key with KMS's own policy", events: []object{record("CreateKey", asking(object{}), created)}},
		{name: "refused", events: []object{record("PutKeyPolicy", bringing(strangersPolicy), failing("AccessDenied"))}},
		{
			name: "KMS's own check refuses it", events: []object{record("PutKeyPolicy", bringing(strangersPolicy),
				failing("MalformedPolicyDocumentException"))},
		},
		{name: "nobody knows whose key it is", events: []object{record("PutKeyPolicy", asking(object{
			"policy": strangersPolicy,
		}), object{"resources": nil, "recipientAccountId": nil, "userIdentity": nil})}},
	})
}

func TestKeyPolicyOwnerRemovedIsOver(t *testing.T) {
	const in = "KMS shows a key policy that lets the owner's account change it"
	testOver(t, keyPolicyOwnerRemoved(), record("PutKeyPolicy", bringing(strangersPolicy)), []overTest{
		{"the owner is back", withPolicy(ownPolicy, time.Minute), in},
		{"the owner and others", withPolicy(letting("444455556666"), time.Minute), in},
		{"the same policy", withPolicy(strangersPolicy, time.Minute), ""},
		{"the owner, read before", withPolicy(ownPolicy, -time.Minute), ""},
		{"the policy could not be read", withPolicy("", time.Minute), ""},
		{"reading it is denied now", denied(withPolicy(ownPolicy, time.Minute), "GetKeyPolicy"), ""},
	})
}

func TestKeyPolicyLockoutBypassed(t *testing.T) {
	const title = "KMS was told not to check a key policy for a lock-out"
	bypassing := func(text string, bypass any) object {
		return asking(object{"keyId": payARN, "policy": text, "bypassPolicyLockoutSafetyCheck": bypass})
	}
	testRule(t, keyPolicyLockoutBypassed(), []ruleTest{
		{
			name: "a policy that locks the owner out", events: []object{record("PutKeyPolicy",
				bypassing(strangersPolicy, true))},
			want: []string{"HIGH " + title},
			says: []string{
				adminARN + " set the key policy of alias/payments. It told KMS not to check",
				"And the policy does lock the owner out: no statement lets account 111122223333",
			},
		},
		{
			name: "a policy that does not", events: []object{record("PutKeyPolicy", bypassing(ownPolicy, true))},
			want: []string{"HIGH " + title}, says: []string{"By the policy as set, the account can still change it."},
		},
		{
			name: "as text", events: []object{record("PutKeyPolicy", bypassing(ownPolicy, "true"))},
			want: []string{"HIGH " + title},
		},
		{
			name: "a key made without a policy", events: []object{record("CreateKey",
				asking(object{"bypassPolicyLockoutSafetyCheck": true}),
				object{"responseElements": object{"keyMetadata": object{"arn": otherARN}}, "resources": nil})},
			want: []string{"HIGH " + title},
			says: []string{adminARN + " created " + otherARN + ". It told", "KMS's default lets the account in"},
		},
		{
			name: "a policy that cannot be read", events: []object{record("PutKeyPolicy", bypassing("{", true))},
			want: []string{"HIGH " + title}, says: []string{"The policy in the record cannot be read"},
		},
		{
			name: "a replica", events: []object{record("ReplicateKey", asking(object{
				"keyId": payARN, "replicaRegion": "us-east-1", "bypassPolicyLockoutSafetyCheck": true,
			}))},
			want: []string{"HIGH " + title}, says: []string{"replicated", "--region us-east-1"},
		},
		{
			name: "an allowed principal", events: []object{record("PutKeyPolicy", by("pay-api"),
				bypassing(ownPolicy, true))},
			want: []string{"INFORMATIONAL expected " + title},
		},
		{name: "checked, as always", events: []object{record("PutKeyPolicy", bypassing(strangersPolicy, false))}},
		{name: "not said", events: []object{record("PutKeyPolicy", bringing(ownPolicy))}},
		{name: "a word that is no truth value", events: []object{record("PutKeyPolicy", bypassing(ownPolicy, "yes"))}},
		{name: "refused", events: []object{record("PutKeyPolicy", bypassing(ownPolicy, true), failing("AccessDenied"))}},
	})
}

// FuzzPolicyRules holds that no policy in an event panics a rule or makes a finding out of bounds.
func FuzzPolicyRules(f *testing.F) {
	for _, text := range []string{
		ownPolicy, publicPolicy, strangersPolicy, letting("444455556666", "*"), "{", `{"Statement":[]}`,
	} {
		f.Add(text)
	}
	rules := []Rule{
		keyPolicyChanged(), keyPolicyMadePublic(), keyPolicySharedExternally(), keyPolicyOwnerRemoved(),
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !strings.HasPrefix(text, "{") {
			return
		}
		w := newWorld()
		ev := decode(t, record("PutKeyPolicy", bringing(text)))
		found, panics := newJudge(rules, nil, Settings{}).Event(w.context(), ev)
		for _, p := range panics {
			t.Fatalf("%v\n%s", p, p.Stack)
		}
		for i := range found {
			checkFinding(t, &found[i])
			checkOver(t, &found[i], rules, text)
		}
	})
}

// checkOver holds that a policy never ends the episode it began.
func checkOver(t *testing.T, f *finding.Finding, rules []Rule, text string) {
	t.Helper()
	for _, r := range rules {
		if r.ID != f.RuleID || r.Over == nil {
			continue
		}
		if over, why := r.Over(f, withPolicy(text, time.Minute), (*policy.Policy)(nil)); over {
			t.Errorf("%s is over by its own policy: %s", r.ID, why)
		}
	}
}
