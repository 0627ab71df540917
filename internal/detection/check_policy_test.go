package detection

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rotd/internal/finding"
	"rotd/internal/inventory"
)

const (
	vendor  = "arn:aws:iam::444455556666:root"
	unknown = "arn:aws:iam::999988887777:role/x"
)

func policyText(text string) func(c *KeyContext) {
	return func(c *KeyContext) { c.Key.Policy = text }
}

// open is a policy that lets the owner and, under a condition, everybody decrypt.
func open(condition string) func(c *KeyContext) {
	return policyText(strings.Replace(ownPolicy, "]}", `,{"Sid":"all","Effect":"Allow","Principal":"*",`+
		`"Action":"kms:Decrypt","Resource":"*","Condition":`+condition+`}]}`, 1))
}

// notJudgedForPolicy are the keys whose policy no check judges.
func notJudgedForPolicy() []checkTest {
	return []checkTest{
		{
			name: "an AWS managed key", with: all(managedByAWS, policyText(publicPolicy)),
			want: "NOT JUDGED AWS manages this key",
		},
		{name: "gone", with: all(gone, policyText(publicPolicy)), want: "NOT JUDGED KMS no longer knows the key"},
		{name: "not described", with: notDescribed, want: "UNVERIFIABLE KMS did not describe the key to rotd"},
		{
			name: "not described yet", with: func(c *KeyContext) { c.Key.Manager = "" },
			want: "UNVERIFIABLE KMS did not describe the key to rotd",
		},
		{
			name: "not described any more", with: unread("DescribeKey"),
			want: "UNVERIFIABLE KMS did not describe the key to rotd",
		},
		{
			name: "a policy that is denied, whatever it was before", with: all(policyText(publicPolicy), unread("GetKeyPolicy")),
			want: "UNVERIFIABLE KMS did not show the key policy to rotd",
		},
		{name: "a policy not read", with: policyText(""), want: "UNVERIFIABLE the key policy has not been read"},
		{
			name: "malformed JSON", with: policyText(`{"Statement":[{"Effect":"Allow","Principal":"*"`),
			want: "UNVERIFIABLE the key policy cannot be judged: line 1, column 48: Statement[0] is not valid JSON: it ends " +
				"too early",
		},
		{
			name: "nothing but blanks", with: policyText(" \n"),
			want: "UNVERIFIABLE the key policy cannot be judged: it is empty",
		},
	}
}

func TestKeyPolicyPublic(t *testing.T) {
	const (
		title   = "CRITICAL The key policy lets every AWS account in"
		inOrder = "IN ORDER no statement of the key policy lets every AWS account decrypt with the key or administer it"
	)
	testCheck(t, keyPolicyPublic(), append(notJudgedForPolicy(), []checkTest{
		{
			name: "a statement for everybody", with: policyText(publicPolicy), want: title,
			says: []string{
				"By the key policy of alias/payments, as read at 2026-11-20 11:00Z, anybody with an AWS account may use or " +
					`administer the key. Statement 1 ("all") lets every AWS account decrypt with the key (kms:Decrypt)`,
				"aws kms put-key-policy --key-id " + payARN,
			},
		},
		{
			name: "a statement without a Sid", want: title, says: []string{"Statement 2 lets every AWS account"},
			with: policyText(strings.Replace(ownPolicy, "]}",
				`,{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"kms:PutKeyPolicy","Resource":"*"}]}`, 1)),
		},
		{
			name: "a condition that does not narrow", want: title,
			with: open(`{"StringEquals":{"kms:ViaService":"s3.eu-west-1.amazonaws.com"}}`),
			says: []string{
				"The condition StringEquals kms:ViaService s3.eu-west-1.amazonaws.com does not narrow: it says through which " +
					"service, not who.",
			},
		},
		{name: "a replica of its own policy", with: all(replica, policyText(publicPolicy)), want: title},
		{name: "a disabled key", with: all(disabledKey, policyText(publicPolicy)), want: title},
		{name: "a key of an unknown spec", with: all(func(c *KeyContext) { c.Key.Spec = "QUANTUM_1" },
			policyText(publicPolicy)), want: title},
		{
			name: "held to the owner's account", want: inOrder,
			with: open(`{"StringEquals":{"kms:CallerAccount":"111122223333"}}`),
		},
		{
			name: "held to the owner's organization", want: inOrder,
			with: all(open(`{"StringEquals":{"aws:PrincipalOrgID":"o-aaaabbbbcc"}}`),
				func(c *KeyContext) { c.Key.OrgPath = "o-aaaabbbbcc/r-ab12/ou-ab12-11111111/" }),
		},
		{name: "another account is let in", with: policyText(letting(unknown)), want: inOrder},
		{name: "the owner alone", want: inOrder},
	}...))
}

func TestKeyPolicyExternalAccount(t *testing.T) {
	const (
		title   = "HIGH The key policy lets the untrusted account 999988887777 in"
		inOrder = "IN ORDER the key policy lets in nobody but the owner and who is trusted"
	)
	trusting := func(accounts ...string) func(c *KeyContext) {
		return func(c *KeyContext) {
			c.Trusted = func(id string) bool { return strings.Contains(strings.Join(accounts, " "), id) }
		}
	}
	testCheck(t, keyPolicyExternalAccount(), append(notJudgedForPolicy(), []checkTest{
		{
			name: "an account nobody knows", with: policyText(letting(unknown)), want: title,
			says: []string{
				`Statement 2 ("partners") lets account 999988887777 decrypt with the key (kms:Decrypt): it names ` + unknown,
				"trusted_accounts in rotd.yaml",
			},
		},
		{
			name: "a trusted account", with: all(policyText(letting(vendor)), trusting("444455556666")), want: inOrder,
		},
		{
			name: "one account of two is trusted", want: title,
			with: all(policyText(letting(vendor, unknown)), trusting("444455556666")),
		},
		{
			name: "two accounts, and the one read before comes last", with: func(c *KeyContext) {
				policyText(letting(vendor, unknown))(c)
				c.Before = payKey()
				c.Before.Policy = letting(vendor)
			},
			want: "HIGH The key policy lets 2 untrusted accounts or organizations in",
			says: []string{"It lets in 999988887777, 444455556666. Statement 2"},
		},
		{
			name: "another organization", with: open(`{"StringEquals":{"aws:PrincipalOrgID":"o-zzzzyyyyxx"}}`),
			want: "HIGH The key policy lets the untrusted organization o-zzzzyyyyxx in",
		},
		{
			name: "the own organization", want: inOrder,
			with: all(open(`{"StringEquals":{"aws:PrincipalOrgID":"o-aaaabbbbcc"}}`),
				func(c *KeyContext) { c.Key.OrgPath = "o-aaaabbbbcc/r-ab12/" }),
		},
		{
			name: "everybody may encrypt", want: "HIGH The key policy lets every AWS account in",
			with: policyText(strings.Replace(ownPolicy, "]}",
				`,{"Effect":"Allow","Principal":"*","Action":"kms:Encrypt","Resource":"*"}]}`, 1)),
		},
		{name: "everybody may decrypt, which key-policy-public tells", with: policyText(publicPolicy), want: inOrder},
		{name: "a replica of its own policy", with: all(replica, policyText(letting(unknown))), want: title},
		{name: "the owner alone", want: inOrder},
	}...))
}

func TestEachOutsiderIsAPointThatARuleMayHaveTold(t *testing.T) {
	c := keyContext()
	c.Key.Policy = letting(vendor, unknown)
	v := judgeKeyPolicyExternalAccount(c)
	if diff := cmp.Diff([]string{"444455556666", "999988887777"}, v.Finding.Points); diff != "" {
		t.Errorf("points (-want +got):\n%s", diff)
	}
	w := newWorld()
	found, _ := newJudge([]Rule{keyPolicySharedExternally()}, nil, Settings{}).Event(w.context(),
		decode(t, record("PutKeyPolicy", bringing(c.Key.Policy))))
	told := map[string][]string{"444455556666": {found[0].Fingerprint}, "999988887777": {found[1].Fingerprint}}
	if diff := cmp.Diff(told, v.Told); diff != "" {
		t.Errorf("told by the rule (-want +got):\n%s", diff)
	}
}

func TestWhatARuleTellsOfAPublicPolicyTheCheckKnows(t *testing.T) {
	c := keyContext()
	c.Key.Policy = publicPolicy
	w := newWorld()
	found, _ := newJudge([]Rule{keyPolicyMadePublic()}, nil, Settings{}).Event(w.context(),
		decode(t, record("PutKeyPolicy", bringing(publicPolicy))))
	if diff := cmp.Diff(map[string][]string{"": {found[0].Fingerprint}}, judgeKeyPolicyPublic(c).Told); diff != "" {
		t.Errorf("told by the rule (-want +got):\n%s", diff)
	}
}

func TestManyOutsidersAreBounded(t *testing.T) {
	var principals []string
	for i := range 150 {
		principals = append(principals, fmt.Sprintf("%012d", 500000000000+i))
	}
	c := keyContext()
	c.Key.Policy = letting(principals...)
	v := judgeKeyPolicyExternalAccount(c)
	points := v.Finding.Points
	if len(points) != finding.MaxPoints || points[len(points)-1] != "51 more" {
		t.Errorf("%d points, the last %s", len(points), points[len(points)-1])
	}
}

func TestTheFirstThreeOfManyOutsidersAreToldInFull(t *testing.T) {
	c := keyContext()
	c.Key.Policy = letting("444455556661", "444455556662", "444455556663", "444455556664")
	var lets int
	for _, o := range outsidersOf(c.keyPolicy().parsed.External(ownerOf(c.Key), c.Trusted)) {
		if strings.Contains(judgeKeyPolicyExternalAccount(c).Finding.Description, whys(o.exposures[:1])) {
			lets++
		}
	}
	if lets != 3 {
		t.Errorf("the statements of %d outsiders are told", lets)
	}
}

func TestKeyPoliciesAreParsedOnce(t *testing.T) {
	c := &KeyContext{Key: &inventory.Key{Manager: "CUSTOMER", Policy: publicPolicy}}
	first := c.keyPolicy()
	if _, _, ok := c.policyVerdict(); !ok || c.keyPolicy() != first {
		t.Error("a policy is parsed again for every check")
	}
}
