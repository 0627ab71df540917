package detection

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"rotd/internal/inventory"
)

// granting is a record of a CreateGrant on the payments key.
func granting(to string, more ...object) object {
	given := append([]object{
		asking(object{
			"keyId": payARN, "granteePrincipal": to, "operations": []string{"Decrypt", "GenerateDataKey"},
		}),
		{"responseElements": object{"grantId": "f020fe75", "keyId": payARN}},
	}, more...)
	return record("CreateGrant", given...)
}

func allowing(to string, operations ...string) object {
	return asking(object{"keyId": payARN, "granteePrincipal": to, "operations": operations})
}

const (
	strangerARN = "arn:aws:iam::444455556666:role/x"
	volumes     = "111122223333:aws:ec2-infrastructure:i-81e2f56c"
	linkedARN   = "arn:aws:iam::111122223333:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"
	signedInARN = "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Admin_0123"
	userARN     = "arn:aws:iam::111122223333:user/ann"
)

func TestGrantToOutsider(t *testing.T) {
	const stranger = "HIGH A grant lets the untrusted account 444455556666 use a key"
	const somebody, nobody = "HIGH A grant lets a person use a key",
		"HIGH A grant lets somebody whose account it does not tell use a key"
	sts := "arn:aws:sts::111122223333:"
	testRule(t, grantToOutsider(), []ruleTest{
		{
			name: "a role of another account", events: []object{granting(strangerARN)}, want: []string{stranger},
			says: []string{
				adminARN + " granted " + strangerARN + " the use of alias/payments (Decrypt, GenerateDataKey).",
				"aws kms revoke-grant --key-id " + payARN + " --grant-id f020fe75 --region eu-west-1",
			},
		},
		{
			name: "another account as a whole", events: []object{granting("arn:aws:iam::444455556666:root")},
			want: []string{stranger},
		},
		{
			name: "another account's volumes", events: []object{granting("444455556666:aws:ec2-infrastructure:i-1")},
			want: []string{stranger},
		},
		{
			name:   "another account's linked role",
			events: []object{granting("arn:aws:iam::444455556666:role/aws-service-role/x/y")}, want: []string{stranger},
		},
		{
			name:   "in China",
			events: []object{granting("arn:aws-cn:iam::444455556666:role/x")}, want: []string{stranger},
		},
		{name: "a user of the account", events: []object{granting(userARN)}, want: []string{somebody}},
		{name: "a person of Identity Center", events: []object{granting(signedInARN)}, want: []string{somebody}},
		{
			name:   "a session of one",
			events: []object{granting(sts + "assumed-role/AWSReservedSSO_Admin_0123/i-0123456789abcdef0")},
			want:   []string{somebody},
		},
		{name: "a federated user", events: []object{granting(sts + "federated-user/bob")}, want: []string{somebody}},
		{name: "a user's unique id", events: []object{granting("AIDAEXAMPLE")}, want: []string{somebody}},
		{name: "text that names nobody", events: []object{granting("EX_PRINCIPAL_ID")}, want: []string{nobody}},
		{
			name: "text that is a sentence", events: []object{granting("x. Ignore this\nHIGH")}, want: []string{nobody},
			says: []string{`granted "x. Ignore this\nHIGH" the use of`},
		},
		{
			name: "for operations that the record leaves out", want: []string{stranger},
			events: []object{granting(strangerARN, asking(object{"granteePrincipal": strangerARN}))},
			says:   []string{"the use of alias/payments (operations that the record leaves out)."},
		},
		{
			name: "made through Step Functions", events: []object{granting(strangerARN, object{
				"userIdentity": invokedBy("states.amazonaws.com"),
			})},
			want: []string{stranger},
		},
		{
			name: "an allowed principal is not excused", events: []object{granting(strangerARN, by("pay-api"))},
			want: []string{stranger},
		},
		{
			name: "rotd gives a new key the old one's grants", world: func(w *world) { w.own = true },
			events: []object{granting(strangerARN)}, want: []string{"INFORMATIONAL expected " + stranger[5:]},
		},
		{
			name: "a trusted account", world: func(w *world) { w.trusted = []string{"444455556666"} },
			events: []object{granting(strangerARN)},
		},
		{name: "a role of the account", events: []object{granting(letARN)}},
		{name: "a session of a role of the account", events: []object{granting(sts + "assumed-role/pay-api/x")}},
		{name: "an AWS service", events: []object{granting("rds.eu-west-1.amazonaws.com")}},
		{name: "an AWS service in China", events: []object{granting("dynamodb.cn-north-1.amazonaws.com.cn")}},
		{name: "an instance's volumes", events: []object{granting(volumes)}},
		{name: "a linked role", events: []object{granting(linkedARN)}},
		{
			name: "a service, told as one", events: []object{granting("", asking(object{
				"granteeServicePrincipal": "backup.amazonaws.com",
			}))},
		},
		{name: "refused", events: []object{granting(strangerARN, failing("AccessDenied"))}},
		{name: "tried with DryRun", events: []object{granting(strangerARN, failing("DryRunOperationException"))}},
		{name: "the record leaves the request out", events: []object{granting(strangerARN, asking(nil))}},
	})
}

// invokedBy is the admin role's identity in a call that a service made for it.
func invokedBy(service string) object {
	identity := assumed("admin")
	identity["invokedBy"] = service
	return identity
}

func withGrants(read time.Duration, grants ...inventory.Grant) *inventory.Key {
	k := inState("Enabled", read)
	k.Grants = &inventory.Grants{ReadAt: noon.Add(read), Count: len(grants), List: grants}
	return k
}

func TestNobodyIsPlacedByAPartOfAName(t *testing.T) {
	iam, sts := "arn:aws:iam::111122223333:", "arn:aws:sts::111122223333:"
	for text, want := range map[string]granteeKind{
		iam + "user/aws-service-role/x":                  toPerson,
		iam + "group/x":                                  toUnplaced,
		iam + "group/aws-reserved/sso.amazonaws.com/x":   toUnplaced,
		iam + "assumed-role/x/y":                         toUnplaced,
		sts + "role/x":                                   toUnplaced,
		sts + "session/AWSReservedSSO_Admin_0123/x":      toUnplaced,
		"arn:aws:iam::11112222333:role/x":                toUnplaced,
		"arn:aws:iam::abcdefghijkl:role/x":               toUnplaced,
		"111122223333:x":                                 toUnplaced,
		"x:aws:ec2-infrastructure:i-1":                   toUnplaced,
		"111122223333:aws:ec2-infrastructure:i-0123":     toService,
		iam + "role/aws-service-role/x.amazonaws.com/X":  toService,
		sts + "assumed-role/AWSReservedSSO_Admin_0123/x": toPerson,
	} {
		if got := placed(text); got.kind != want {
			t.Errorf("%s is of kind %d, want %d", text, got.kind, want)
		}
	}
}

func TestGrantToOutsiderIsOver(t *testing.T) {
	const gone = "KMS shows no grant to it any more"
	part := withGrants(time.Minute)
	part.Grants.Count = 101
	other := inventory.Grant{Grantee: letARN}
	testOver(t, grantToOutsider(), granting(strangerARN), []overTest{
		{"no grants at all", withGrants(time.Minute), gone},
		{"other grants", withGrants(time.Minute, other), gone},
		{"the grant among others", withGrants(time.Minute, other, inventory.Grant{Grantee: strangerARN}), ""},
		{"grants listed before", withGrants(-time.Minute), ""},
		{"more grants than are listed", part, ""},
		{"grants never listed", inState("Enabled", time.Minute), ""},
		{"listing them is denied now", denied(withGrants(time.Minute), "ListGrants"), ""},
	})
	t.Run("an account, named another way", func(t *testing.T) {
		testOver(t, grantToOutsider(), granting("444455556666"), []overTest{
			{"it is there", withGrants(time.Minute, inventory.Grant{Grantee: "arn:aws:iam::444455556666:root"}), ""},
		})
	})
}

func TestGrantDelegates(t *testing.T) {
	const title = "HIGH A grant lets its grantee make grants"
	testRule(t, grantDelegates(), []ruleTest{
		{
			name: "a role of the account", events: []object{granting(letARN, allowing(letARN, "Decrypt", "CreateGrant"))},
			want: []string{title},
			says: []string{
				adminARN + " granted " + letARN + " the use of alias/payments (Decrypt, CreateGrant), and to make grants",
				"aws kms revoke-grant --key-id " + payARN + " --grant-id f020fe75",
			},
		},
		{
			name:   "a role of another account",
			events: []object{granting(strangerARN, allowing(strangerARN, "CreateGrant"))}, want: []string{title},
		},
		{
			name:   "another account's linked role",
			events: []object{granting("", allowing("arn:aws:iam::444455556666:role/aws-service-role/x/y", "CreateGrant"))},
			want:   []string{title},
		},
		{name: "a user", events: []object{granting(userARN, allowing(userARN, "CreateGrant"))}, want: []string{title}},
		{
			name:   "a grantee that the record leaves out",
			events: []object{granting("", asking(object{"operations": []string{"CreateGrant"}}))}, want: []string{title},
			says: []string{"granted a grantee that the record does not name the use of"},
		},
		{
			name:   "an allowed principal is not excused",
			events: []object{granting(letARN, by("pay-api"), allowing(letARN, "CreateGrant"))}, want: []string{title},
		},
		{
			name: "rotd gives a new key the old one's grants", world: func(w *world) { w.own = true },
			events: []object{granting(letARN, allowing(letARN, "CreateGrant"))},
			want:   []string{"INFORMATIONAL expected " + title[5:]},
		},
		{name: "no CreateGrant among the operations", events: []object{granting(letARN)}},
		{name: "RetireGrant alone", events: []object{granting(letARN, allowing(letARN, "RetireGrant"))}},
		{
			name: "EBS, for an instance's volumes", events: []object{granting(volumes,
				object{"userIdentity": invokedBy("autoscaling.amazonaws.com")}, allowing(volumes, "Decrypt", "CreateGrant"))},
		},
		{name: "a linked role", events: []object{granting(linkedARN, allowing(linkedARN, "CreateGrant"))}},
		{name: "RDS", events: []object{granting("", allowing("rds.eu-west-1.amazonaws.com", "CreateGrant"))}},
		{name: "refused", events: []object{granting("", allowing(letARN, "CreateGrant"), failing("AccessDenied"))}},
		{name: "operations are no list", events: []object{granting("", asking(object{
			"granteePrincipal": letARN, "operations": "CreateGrant",
		}))}},
		{name: "operations are nulls", events: []object{granting("", asking(object{
			"granteePrincipal": letARN, "operations": []any{nil, nil},
		}))}},
	})
}

func TestGrantDelegatesIsOver(t *testing.T) {
	may := inventory.Grant{Grantee: letARN, Operations: []string{"Decrypt", "CreateGrant"}}
	mayNot := inventory.Grant{Grantee: letARN, Operations: []string{"Decrypt"}}
	testOver(t, grantDelegates(), granting(letARN, allowing(letARN, "CreateGrant")), []overTest{
		{"the grantee has another grant", withGrants(time.Minute, mayNot), "KMS shows no such grant any more"},
		{"the grant is there", withGrants(time.Minute, mayNot, may), ""},
		{"read before", withGrants(-time.Minute), ""},
	})
}

func TestGrantBurst(t *testing.T) {
	const title = "MEDIUM One principal makes grant after grant"
	grants := func(n int, every time.Duration, more ...object) []object {
		var all []object
		for i := range n {
			given := append([]object{at(time.Duration(i) * every), id(fmt.Sprint("e-", i)), {
				"responseElements": object{"grantId": fmt.Sprint("g-", i)},
			}}, more...)
			all = append(all, granting(letARN, given...))
		}
		return all
	}
	const often = 30 * time.Second
	backwards := grants(50, often)
	slices.Reverse(backwards)
	testRule(t, grantBurst(), []ruleTest{
		{
			name: "fifty in half an hour", events: grants(50, often), want: []string{title},
			says: []string{
				adminARN + " made at least 50 grants within 60 min; the latest is on alias/payments.",
				"aws kms list-grants --key-id " + payARN,
			},
		},
		{name: "told backwards", events: backwards, want: []string{title}},
		{name: "fifty-two", events: grants(52, often), want: []string{title, title, title}},
		{
			name: "through Step Functions", events: grants(50, often, object{
				"userIdentity": invokedBy("states.amazonaws.com"),
			}),
			want: []string{title},
		},
		{
			name: "the answers are left out", events: grants(50, often, object{"responseElements": nil}),
			want: []string{title},
		},
		{name: "an allowed principal is not excused", events: grants(50, often, by("pay-api")), want: []string{title}},
		{name: "forty-nine", events: grants(49, often)},
		{name: "fifty in a day", events: grants(50, 24*time.Hour/50)},
		{name: "fifty times the same grant", events: grants(50, often, object{
			"responseElements": object{"grantId": "one"},
		})},
		{name: "one call told fifty times", events: grants(50, 0, id("e"), object{"responseElements": nil})},
		{name: "by Auto Scaling", events: grants(50, often, object{
			"userIdentity": invokedBy("autoscaling.amazonaws.com"),
		})},
		{name: "by AWS inside", events: grants(50, often, object{"userIdentity": invokedBy("AWS Internal")})},
		{name: "by RDS in its own name", events: grants(50, often, object{"userIdentity": object{
			"type": "AWSService", "invokedBy": "rds.amazonaws.com",
		}})},
		{name: "for instances' volumes", events: grants(50, often, allowing(volumes, "Decrypt"))},
		{name: "refused", events: grants(50, often, failing("AccessDenied"))},
		{name: "rotd's own", world: func(w *world) { w.own = true }, events: grants(50, often)},
		{
			name: "two principals, half each",
			events: slices.Concat(grants(25, often), grants(25, often, by("other"),
				object{"responseElements": nil})),
		},
	})
}

func TestAnOrdinaryGrantCostsNothing(t *testing.T) {
	w := newWorld()
	c, judge := w.context(), newJudge([]Rule{grantToOutsider(), grantDelegates(), grantBurst()}, nil, Settings{})
	ev := decode(t, granting(volumes, object{"userIdentity": invokedBy("ec2.amazonaws.com")}))
	if n := testing.AllocsPerRun(100, func() { judge.Event(c, ev) }); n > 0 {
		t.Errorf("%.0f allocations", n)
	}
}
