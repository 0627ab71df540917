package keypolicy

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDiff(t *testing.T) {
	const use = `{"Sid":"use","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:role/App"},` +
		`"Action":["kms:Decrypt","kms:Encrypt"],"Resource":"*"}`
	tests := []struct {
		name, old, updated string
		want               []Change
	}{
		{
			"order and spelling are no change", withRoot(use),
			`{"Version":"2012-10-17","Statement":[{"Sid":"Enable IAM User Permissions","Effect":"Allow",` +
				`"Principal":{"AWS":["111122223333"]},"Action":["KMS:*"],"Resource":["*"]},` +
				strings.Replace(use, `["kms:Decrypt","kms:Encrypt"]`, `["kms:encrypt","kms:decrypt"]`, 1) + `]}`, nil,
		},
		{"a statement added", defaultPolicy, withRoot(allow(`"*"`, `"kms:Decrypt"`)), []Change{
			{Kind: Added, Old: -1, New: 0, Text: "added statement 1: Allow kms:Decrypt to * without condition"},
		}},
		{"a statement removed", withRoot(use), defaultPolicy, []Change{{
			Kind: Removed, Sid: "use", Old: 0, New: -1,
			Text: `removed statement 1 ("use"): Allow kms:Decrypt, kms:Encrypt to arn:aws:iam::111122223333:role/App ` +
				`without condition`,
		}}},
		{
			"principals and actions of a statement changed", withRoot(use),
			withRoot(strings.NewReplacer(`"arn:aws:iam::111122223333:role/App"`,
				`["arn:aws:iam::111122223333:role/App","*"]`,
				`"kms:Encrypt"`, `"kms:*"`).Replace(use)),
			[]Change{{
				Kind: Changed, Sid: "use", Old: 0, New: 0,
				Text: `changed statement 1 ("use"): principals added *; actions added kms:*, removed kms:encrypt`,
			}},
		},
		{
			"a condition taken away from a statement without Sid",
			withRoot(open(`{"StringEquals":{"kms:CallerAccount":"111122223333"}}`)),
			withRoot(open(`{}`)),
			[]Change{{
				Kind: Changed, Old: 0, New: 0,
				Text: "changed statement 1: condition removed: StringEquals kms:CallerAccount 111122223333",
			}},
		},
		{
			"statements without Sid that share neither principals nor actions are two",
			withRoot(allow(`{"AWS":"444455556666"}`, `"kms:Decrypt"`)),
			withRoot(allow(`{"AWS":"999988887777"}`, `"kms:Encrypt"`)),
			[]Change{
				{
					Kind: Removed, Old: 0, New: -1,
					Text: "removed statement 1: Allow kms:Decrypt to 444455556666 without condition",
				},
				{
					Kind: Added, Old: -1, New: 0,
					Text: "added statement 1: Allow kms:Encrypt to 999988887777 without condition",
				},
			},
		},
		{
			"a condition's values widened", withRoot(open(`{"StringEquals":{"kms:CallerAccount":"111122223333"}}`)),
			withRoot(open(`{"StringEquals":{"kms:CallerAccount":["111122223333","999988887777"]}}`)),
			[]Change{{
				Kind: Changed, Old: 0, New: 0,
				Text: "changed statement 1: values of StringEquals kms:CallerAccount added 999988887777",
			}},
		},
		{
			"Principal became NotPrincipal", withRoot(use), withRoot(strings.Replace(use, `"Principal"`,
				`"NotPrincipal"`, 1)),
			[]Change{{Kind: Changed, Sid: "use", Old: 0, New: 0, Text: `changed statement 1 ("use"): principals were ` +
				`arn:aws:iam::111122223333:role/App, are all but arn:aws:iam::111122223333:role/App`}},
		},
		{
			"a statement renamed and turned", withRoot(use),
			withRoot(strings.NewReplacer(`"use"`, `"no use"`, "Allow", "Deny").Replace(use)),
			[]Change{
				{Kind: Removed, Sid: "use", Old: 0, New: -1, Text: `removed statement 1 ("use"): Allow kms:Decrypt, ` +
					`kms:Encrypt to arn:aws:iam::111122223333:role/App without condition`},
				{Kind: Added, Sid: "no use", Old: -1, New: 0, Text: `added statement 1 ("no use"): Deny kms:Decrypt, ` +
					`kms:Encrypt to arn:aws:iam::111122223333:role/App without condition`},
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := Diff(mustParse(t, tt.old), mustParse(t, tt.updated))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("Diff (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDiffOfNoPolicyAddsAll(t *testing.T) {
	got := Diff(nil, mustParse(t, defaultPolicy))
	want := []Change{{
		Kind: Added, Sid: "Enable IAM User Permissions", Old: -1, New: 0,
		Text: `added statement 1 ("Enable IAM User Permissions"): Allow kms:* to 111122223333 without condition`,
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Diff (-want +got):\n%s", diff)
	}
}

func TestDiffIsBounded(t *testing.T) {
	changes := Diff(nil, mustParse(t, bigPolicy(500)))
	if len(changes) != maxChanges+1 {
		t.Fatalf("%d changes, want %d", len(changes), maxChanges+1)
	}
	last := changes[maxChanges]
	if last.Kind != Further || last.Text != "and 450 further changes" {
		t.Errorf("last = %+v", last)
	}
	for _, c := range changes {
		if len(c.Text) > 2000 {
			t.Errorf("a change of %d bytes", len(c.Text))
		}
	}
}

// bigPolicy has n statements, half of them for foreign accounts, a tenth of them Deny.
func bigPolicy(n int) string {
	statements := make([]string, n)
	for i := range statements {
		effect, account := Allow, own
		if i%10 == 9 {
			effect = Deny
		}
		if i%2 == 0 {
			account = fmt.Sprintf("9999%08d", i)
		}
		statements[i] = fmt.Sprintf(`{"Effect":%q,"Principal":{"AWS":"arn:aws:iam::%s:role/a"},"Action":["kms:Re*",`+
			`"kms:D*"],"Resource":"*"}`, effect, account)
	}
	return `{"Statement":[` + strings.Join(statements, ",\n") + `]}`
}

func TestManyStatementsAreJudgedOneByOne(t *testing.T) {
	v := mustParse(t, bigPolicy(500)).Judge(owner, trusted)
	if len(v.External) != 250 || v.Truncated {
		t.Errorf("%d external exposures, truncated %v; want 250, not truncated", len(v.External), v.Truncated)
	}
}

func TestVerdictIsBounded(t *testing.T) {
	var accounts []string
	for i := range 5000 {
		accounts = append(accounts, fmt.Sprintf(`"9%011d"`, i))
	}
	v := mustParse(t, withRoot(allow(`{"AWS":[`+strings.Join(accounts, ",")+`]}`, `"kms:*"`))).Judge(owner, trusted)
	if len(v.External) != maxExposures || !v.Truncated {
		t.Errorf("%d external exposures, truncated %v; want %d, truncated", len(v.External), v.Truncated, maxExposures)
	}
}

func TestCanonical(t *testing.T) {
	p := mustParse(t, `{"Statement":[
	  {"Effect":"Deny","Principal":"*","Action":["kms:B","KMS:a","kms:b"],"Resource":"*"},
	  {"Sid":"é","Effect":"Allow","NotPrincipal":{"Service":"s","AWS":["arn:aws:iam::111122223333:root"]},
	   "NotAction":"kms:X","Condition":{"Bool":{"AWS:SecureTransport":true},
	   "stringequals":{"kms:EncryptionContext:App":["z","y"]}}}],"Note":1}`)
	want := `{"Statement":[` +
		`{"Effect":"Deny","Principal":{"AWS":["*"]},"Action":["kms:a","kms:b"],"Resource":["*"]},` +
		`{"Sid":"é","Effect":"Allow","NotPrincipal":{"AWS":["111122223333"],"Service":["s"]},"NotAction":["kms:x"],` +
		`"Condition":{"Bool":{"aws:securetransport":["true"]},` +
		`"StringEquals":{"kms:encryptioncontext:App":["y","z"]}}}]}`
	if diff := cmp.Diff(want, string(p.Canonical())); diff != "" {
		t.Errorf("Canonical (-want +got):\n%s", diff)
	}
	if again := mustParse(t, want); again.Hash() != p.Hash() {
		t.Error("the canonical form has another hash than the policy")
	}
	if mustParse(t, defaultPolicy).Hash() == p.Hash() {
		t.Error("two policies have one hash")
	}
}
