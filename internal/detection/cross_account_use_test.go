package detection

import "testing"

func TestCrossAccountUse(t *testing.T) {
	const (
		outsider = "999988887777"
		foreign  = "arn:aws:kms:eu-west-1:999988887777:key/1"
		inside   = "MEDIUM A key was used by the untrusted account 999988887777"
		outside  = "MEDIUM A key of the untrusted account 999988887777 was used"
	)
	shared := object{"sharedEventID": "s-1"}
	testRule(t, crossAccountUse(), []ruleTest{
		{
			name: "an outsider, as the owner is told", events: []object{record("Decrypt", byAccount(outsider), shared)},
			want: []string{inside},
			says: []string{
				"account:999988887777 called Decrypt on alias/payments, which belongs to account 111122223333. " +
					"The calling account, 999988887777, is not trusted",
				"rotd contain " + payARN + " --dry-run",
			},
		},
		{
			name:   "an outsider through a service",
			events: []object{record("Decrypt", through("s3.amazonaws.com", byAccount(outsider)))}, want: []string{inside},
		},
		{name: "an outsider's grant", events: []object{record("CreateGrant", byAccount(outsider))}, want: []string{inside}},
		{
			name: "an outsider's key", events: []object{record("Encrypt", on(foreign), shared)}, want: []string{outside},
			says: []string{"which belongs to account 999988887777. That account is not trusted"},
		},
		{
			name: "an outsider's key by its alias",
			events: []object{record("Encrypt", object{"resources": nil, "requestParameters": object{
				"keyId": "arn:aws:kms:eu-west-1:999988887777:alias/theirs",
			}})},
			want: []string{outside},
		},
		{
			name: "re-encrypted under an outsider's key",
			events: []object{record("ReEncrypt", object{
				"requestParameters": object{"destinationKeyId": foreign},
				"resources":         []object{{"ARN": payARN}, {"ARN": foreign}},
			})},
			want: []string{outside}, says: []string{"on " + foreign},
		},
		{
			name: "an outsider whose principal the policy allows",
			world: func(w *world) {
				w.policies[0].Allow = []string{"arn:aws:iam::999988887777:user/partner"}
			},
			events: []object{record("Decrypt", object{"userIdentity": object{
				"type": "IAMUser", "arn": "arn:aws:iam::999988887777:user/partner", "accountId": outsider,
			}})},
			want: []string{"INFORMATIONAL expected A key was used by the untrusted account 999988887777"},
		},
		{
			name: "a trusted account", world: func(w *world) { w.trusted = []string{outsider} },
			events: []object{record("Decrypt", byAccount(outsider)), record("Encrypt", on(foreign))},
		},
		{name: "its own account", events: []object{record("Decrypt")}},
		{
			name:   "an outsider's key through a service, as what a partner shares",
			events: []object{record("Decrypt", on(foreign), through("s3.amazonaws.com", by("admin")))},
		},
		{name: "a reading", events: []object{record("DescribeKey", byAccount(outsider))}},
		{name: "refused", events: []object{record("Decrypt", byAccount(outsider), failing("AccessDenied"))}},
		{name: "a service as itself", events: []object{record("Decrypt", byBackup(), on(foreign))}},
		{name: "nobody is named", events: []object{record("Decrypt", object{"userIdentity": nil})}},
		{name: "no key is named", events: []object{record("Decrypt", byAccount(outsider), object{
			"resources": nil, "requestParameters": nil,
		})}},
	})
}

func TestAUseRecordedInBothAccountsIsOneFinding(t *testing.T) {
	seen := make(map[string]bool)
	judge := newJudge([]Rule{crossAccountUse()}, nil, Settings{})
	for _, r := range []object{
		record("Decrypt", byAccount("999988887777")),
		record("Decrypt", object{"recipientAccountId": "999988887777", "userIdentity": object{
			"type": "IAMUser", "arn": "arn:aws:iam::999988887777:user/x", "accountId": "999988887777",
		}}),
	} {
		found, _ := judge.Event(newWorld().context(), decode(t, r))
		seen[found[0].Fingerprint] = true
	}
	if len(seen) != 1 {
		t.Errorf("%d findings", len(seen))
	}
}
