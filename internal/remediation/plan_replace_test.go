package remediation

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rotd/internal/inventory"
	"rotd/internal/policy"
)

const newKeyARN = "arn:aws:kms:eu-west-1:111122223333:key/99999999-12ab-34cd-56ef-1234567890ab"

// whole is a key that was read whole: with its policy, tags, aliases and grants.
func whole(change ...func(*inventory.Key)) *inventory.Key {
	k := testKey()
	k.Policy, k.Tags = `{"Version":"2012-10-17"}`, map[string]string{"team": "pay", "rotd:replaces": "an older key"}
	k.Grants = &inventory.Grants{ReadAt: testNow()}
	for _, c := range change {
		c(k)
	}
	return k
}

func signing(k *inventory.Key) { k.Spec, k.Usage, k.Rotation = "RSA_2048", "SIGN_VERIFY", nil }

func calls(a *Action) string {
	var words []string
	for i := range a.Calls {
		words = append(words, a.Calls[i].Words())
	}
	return strings.Join(words, "; ")
}

func TestPlanReplace(t *testing.T) {
	yearly := &policy.Policy{Name: "pay", Rotation: policy.Rotation{Method: policy.Auto, Automatic: 90 * day}}
	replica := &inventory.Key{
		ARN: inRegion(testARN, "us-east-1"), ID: testKey().ID, Region: "us-east-1", Aliases: []string{"alias/pay-us"},
		Policy: "{}",
	}
	made := func(change ...func(*inventory.Key)) *inventory.Key {
		k := whole(append([]func(*inventory.Key){signing}, change...)...)
		k.ARN = newKeyARN
		return k
	}
	primary := func(k *inventory.Key) { k.MultiRegion, k.ReplicaARNs = "PRIMARY", []string{replica.ARN} }
	service := func(k *inventory.Key) {
		granted("g1", "g2")(k)
		k.Grants.List[0].Grantee = "rds.amazonaws.com"
	}
	tests := []struct {
		name   string
		key    *inventory.Key
		p      *policy.Policy
		how    Replacement
		want   string // the calls in words, or the reason why there are none
		warned string
	}{
		{
			"a signing key: a new one, and the alias", whole(signing), nil,
			Replacement{},
			"a new key; alias/pay moved to the new key; the tag rotd:replaced-by", "",
		},
		{
			"an encryption key gets the rotation its policy asks for", whole(), yearly,
			Replacement{},
			"a new key; automatic rotation every 90 days; alias/pay moved to the new key; the tag rotd:replaced-by", "",
		},
		{
			"an encryption key without a policy keeps its schedule", whole(scheduled(365, testNow())), nil,
			Replacement{},
			"a new key; automatic rotation every 365 days; alias/pay moved to the new key; the tag rotd:replaced-by", "",
		},
		{
			"a grant to a role is given again, one that a service made is not", whole(signing, service), nil,
			Replacement{},
			"a new key; a grant for arn:aws:iam::111122223333:role/g2; alias/pay moved to the new key; the tag rotd:replaced-by",
			"1 grants are not given again",
		},
		{
			"replicas are made again, and their aliases follow", whole(primary), nil,
			Replacement{Replicas: []*inventory.Key{replica}},
			"a new key; a replica in us-east-1; alias/pay moved to the new key; alias/pay-us moved to the new key; " +
				"the tag rotd:replaced-by", "",
		},
		{"a replica out of reach", whole(primary), nil, Replacement{}, "has a replica that rotd cannot read", ""},
		{
			"a larger key of the same type", whole(signing), nil,
			Replacement{Spec: "RSA_4096"},
			"a new key; alias/pay moved to the new key; the tag rotd:replaced-by", "The new key is RSA_4096",
		},
		{
			"a key of another type", whole(signing), nil,
			Replacement{Spec: "ECC_NIST_P256"},
			"only between keys of the same type", "",
		},
		{
			"what an earlier replacement left is gone on with", whole(signing), nil,
			Replacement{Made: made()},
			"alias/pay moved to 99999999-12ab-34cd-56ef-1234567890ab; the tag rotd:replaced-by", "An earlier replacement made",
		},
		{
			"what an earlier replacement left is not what is asked for now", whole(signing), nil,
			Replacement{Made: made(), Spec: "RSA_4096"},
			"is RSA_2048 and not RSA_4096: rotd makes no second one", "",
		},
		{
			"what an earlier replacement left has been given another policy", whole(signing), nil,
			Replacement{Made: made(func(k *inventory.Key) { k.Policy = `{"Version":"2008-10-17"}` })},
			"has another key policy", "",
		},
		{
			"a key that was replaced", whole(signing, func(k *inventory.Key) {
				k.Aliases, k.Lineage = nil, &inventory.Lineage{ReplacedBy: newKeyARN}
			}), nil,
			Replacement{},
			"was replaced by " + newKeyARN + " already", "",
		},
		{
			"a disabled key's successor rotates as the policy asks", whole(inState("Disabled")), yearly,
			Replacement{},
			"a new key; automatic rotation every 90 days; alias/pay moved to the new key; the tag rotd:replaced-by", "",
		},
		{
			"a key without aliases", whole(signing, func(k *inventory.Key) { k.Aliases = nil }), nil,
			Replacement{},
			"a new key; the tag rotd:replaced-by", "The key has no alias",
		},
		{
			"a policy that decides by aliases", whole(signing, func(k *inventory.Key) {
				k.Policy = `{"Condition":{"kms:ResourceAliases":"alias/pay"}}`
			}), nil,
			Replacement{},
			"a new key; alias/pay moved to the new key; the tag rotd:replaced-by", "permissions move",
		},
		{"an AWS managed key", whole(func(k *inventory.Key) { k.Manager = "AWS" }), nil, Replacement{}, "AWS managed", ""},
		{
			"a replica", whole(func(k *inventory.Key) { k.MultiRegion, k.PrimaryARN = "REPLICA", newKeyARN }), nil,
			Replacement{},
			"replace its primary, " + newKeyARN, "",
		},
		{"a key being deleted", whole(inState("PendingDeletion")), nil, Replacement{}, "Cancel that first", ""},
		{"imported material", whole(func(k *inventory.Key) { k.Origin = "EXTERNAL" }), nil, Replacement{}, "imported", ""},
		{
			"a policy nobody can read", whole(func(k *inventory.Key) { k.Denied = []string{"GetKeyPolicy"} }), nil,
			Replacement{},
			"kms:GetKeyPolicy", "",
		},
		{
			"grants nobody can list", whole(func(k *inventory.Key) { k.Grants = nil }), nil,
			Replacement{},
			"kms:ListGrants", "",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, ok, reason, warnings := PlanReplace(tt.key, tt.p, tt.how, Why{Requester: kim()}, testNow())
			if !ok {
				if !strings.Contains(reason, tt.want) || len(a.Calls) > 0 {
					t.Errorf("got %q with %d calls, want %q", reason, len(a.Calls), tt.want)
				}
				return
			}
			if diff := cmp.Diff(tt.want, calls(&a)); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
			if told := strings.Join(warnings, "\n"); (tt.warned == "") != (told == "") || !strings.Contains(told, tt.warned) {
				t.Errorf("warned of %q, want %q", told, tt.warned)
			}
		})
	}
}

func TestANewKeyIsLikeTheOldOne(t *testing.T) {
	a, _, _, _ := PlanReplace(whole(signing), nil, Replacement{}, Why{}, testNow())
	want := &NewKeySpec{
		Spec: "RSA_2048", Usage: "SIGN_VERIFY", Origin: "AWS_KMS", Policy: `{"Version":"2012-10-17"}`,
		Tags: map[string]string{"team": "pay", "rotd:replaces": testARN},
	}
	if diff := cmp.Diff(want, a.Calls[0].New); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTheNewKeyIsAdoptedByTheCallsThatFollow(t *testing.T) {
	replica := &inventory.Key{
		ARN: inRegion(testARN, "us-east-1"), Region: "us-east-1", Aliases: []string{"alias/pay-us"}, Policy: "{}",
	}
	key := whole(func(k *inventory.Key) { k.MultiRegion, k.ReplicaARNs = "PRIMARY", []string{replica.ARN} })
	a, _, _, _ := PlanReplace(key, nil, Replacement{Replicas: []*inventory.Key{replica}}, Why{}, testNow())
	a.adopt(newKeyARN)
	var about []string
	for i := range a.Calls[1:] {
		about = append(about, a.Calls[i+1].KeyARN)
	}
	want := []string{newKeyARN, newKeyARN, inRegion(newKeyARN, "us-east-1"), testARN}
	if diff := cmp.Diff(want, about); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if tags := a.Calls[len(a.Calls)-1].Tags; tags[ReplacedByTag] != newKeyARN {
		t.Errorf("the old key is tagged %v", tags)
	}
}

func TestWhatIsAgreedToIsTheReplacementAsItWasPlanned(t *testing.T) {
	replica := &inventory.Key{
		ARN: inRegion(testARN, "us-east-1"), ID: testKey().ID, Region: "us-east-1", Aliases: []string{"alias/pay-us"},
		Policy: "{}",
	}
	key := whole(signing, func(k *inventory.Key) { k.MultiRegion, k.ReplicaARNs = "PRIMARY", []string{replica.ARN} })
	plan := func(made *inventory.Key) *Action {
		how := Replacement{Replicas: []*inventory.Key{replica}, Made: made}
		a, ok, reason, _ := PlanReplace(key, nil, how, Why{}, testNow())
		if !ok {
			t.Fatal(reason)
		}
		return &a
	}
	a := plan(nil)
	agreed := a.Plan()
	if a.adopt(newKeyARN); a.Plan() != agreed {
		t.Error("the plan is another one once its key was made")
	}
	made := *key
	made.ARN = newKeyARN
	other := made
	other.ARN = testARN + "0"
	if plan(&made).Request() == plan(&other).Request() {
		t.Error("a key that is there already can be another one unnoticed")
	}
}
