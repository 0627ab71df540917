package keypolicy

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func addSeeds(f *testing.F) {
	for _, text := range []string{
		defaultPolicy, consolePolicy, managedKeyPolicy, cloudTrailPolicy, cloudFrontPolicy, logsPolicy,
		secretsEverywherePolicy, endpointPolicy, bigPolicy(20),
		withRoot(open(`{"ForAllValues:StringLikeIfExists":{"aws:PrincipalOrgPaths":["o-aaaabbbbcc/*"]},` +
			`"Null":{"k":false}}`)),
		withRoot(open(`{"IpAddress":{"aws:SourceIp":["10.0.0.0/8","::1"]}}`)),
		`{"Statement":{"Effect":"Deny","NotPrincipal":{"AWS":"AROAEXAMPLEIDEXAMPLE"},` +
			`"NotAction":"kms:?*","NotResource":[]}}`,
	} {
		f.Add([]byte(text))
	}
}

func FuzzParse(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := Parse(text)
		if err != nil {
			if _, ok := errors.AsType[*ParseError](err); !ok && !errors.Is(err, ErrNone) {
				t.Fatalf("an error of another kind: %v", err)
			}
			checkText(t, err.Error())
			return
		}
		checkVerdict(t, p.Judge(owner, trusted), len(p.Statements))

		canonical := p.Canonical()
		again, err := Parse(canonical)
		if err != nil {
			if len(canonical) > MaxBytes {
				return
			}
			t.Fatalf("the canonical form does not parse: %v\n%s", err, canonical)
		}
		if !bytes.Equal(again.Canonical(), canonical) {
			t.Fatalf("the canonical form is not canonical:\n%s\n%s", canonical, again.Canonical())
		}
		if changes := Diff(p, again); len(changes) > 0 {
			t.Fatalf("the canonical form differs: %+v", changes)
		}
		for _, c := range Diff(nil, p) {
			checkText(t, c.Text)
		}
	})
}

func FuzzParseValue(f *testing.F) {
	f.Add([]byte(`"{\"Statement\":[]}"`))
	f.Add([]byte(`{"Statement":[]}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if p, err := ParseValue(raw); (p == nil) == (err == nil) {
			t.Fatalf("ParseValue = %v, %v", p, err)
		}
	})
}

// FuzzAddedCondition holds that one more condition on an Allow never makes a policy more public: conditions are joined
// by "and".
func FuzzAddedCondition(f *testing.F) {
	for _, c := range [][3]string{
		{"StringEquals", "aws:PrincipalOrgID", ownOrg},
		{"StringLike", "kms:CallerAccount", "*"},
		{"Null", "aws:PrincipalOrgPaths", "false"},
		{"StringEqualsIfExists", "aws:userid", own},
		{"IpAddress", "aws:SourceIp", "0.0.0.0/0"},
		{"ArnLike", "aws:SourceArn", "arn:*:s3:::b"},
	} {
		f.Add([]byte(managedKeyPolicy), c[0], c[1], c[2])
		f.Add([]byte(withRoot(open(`{"ForAllValues:StringLike":{"aws:PrincipalOrgPaths":"o-zzzzyyyyxx/*"}}`))), c[0],
			c[1], c[2])
	}
	f.Fuzz(func(t *testing.T, text []byte, operator, key, value string) {
		p, err := Parse(text)
		if err != nil {
			return
		}
		added := Condition{Operator: canonicalOperator(operator), Key: key, Values: []string{value}}
		narrower := &Policy{Statements: append([]Statement(nil), p.Statements...)}
		for i := range narrower.Statements {
			s := &narrower.Statements[i]
			for _, c := range s.Conditions {
				if c.id() == added.id() {
					return // one more value for a condition makes it wider
				}
			}
			if s.Effect == Allow {
				s.Conditions = append(s.Conditions[:len(s.Conditions):len(s.Conditions)], added)
			}
		}
		before, after := p.Judge(owner, trusted), narrower.Judge(owner, trusted)
		if before.Truncated {
			return
		}
		public := exposed(before.Public)
		outside := exposed(append(before.External, before.Public...))
		for _, e := range after.Public {
			if !public[e.Statement] {
				t.Fatalf("statement %d became public with %v", e.Statement, added)
			}
		}
		for _, e := range after.External {
			if !outside[e.Statement] {
				t.Fatalf("statement %d became external with %v", e.Statement, added)
			}
		}
	})
}

func exposed(exposures []Exposure) map[int]bool {
	statements := make(map[int]bool)
	for _, e := range exposures {
		statements[e.Statement] = true
	}
	return statements
}

func checkVerdict(t *testing.T, v Verdict, statements int) {
	t.Helper()
	for _, list := range [][]Exposure{v.Public, v.External, v.Narrowed} {
		if len(list) > maxExposures {
			t.Fatalf("%d exposures", len(list))
		}
		for _, e := range list {
			if e.Statement < 0 || e.Statement >= statements {
				t.Fatalf("no statement %d", e.Statement)
			}
			checkText(t, e.Why)
			if e.Decrypts || e.Administers {
				if len(e.Actions) == 0 {
					t.Fatalf("dangerous without actions: %+v", e)
				}
			}
		}
	}
	for _, e := range v.Public {
		if e.Narrowed || !e.Decrypts && !e.Administers {
			t.Fatalf("public, and yet not: %+v", e)
		}
	}
	checkText(t, v.LockedOutWhy)
}

// checkText holds that a sentence is short, whole UTF-8 and one line.
func checkText(t *testing.T, text string) {
	t.Helper()
	if len(text) > 8000 || !utf8.ValidString(text) {
		t.Fatalf("a text of %d bytes: %.200q", len(text), text)
	}
	if i := strings.IndexFunc(text, unicode.IsControl); i >= 0 {
		t.Fatalf("a control character at %d in %q", i, text)
	}
}

func TestHostilePoliciesCostNoMoreThanTheirSize(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes seconds")
	}
	star := strings.Repeat("*a", MaxBytes/4)
	for name, text := range map[string]string{
		"a pattern of stars": withRoot(allow(`"*"`, `"kms:`+star+`"`)),
		"a resource of stars": withRoot(`{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"` + star +
			`"}`),
		"many short patterns":    withRoot(allow(`"*"`, `["`+strings.Repeat(`k*","`, MaxBytes/8)+`x"]`)),
		"many Deny statements":   hostileDenies(),
		"one very long Sid":      withRoot(`{"Sid":"` + star + `","Effect":"Allow","Principal":"*","Action":"kms:*"}`),
		"thousands of operators": withRoot(open(`{` + manyConditions() + `}`)),
	} {
		t.Run(name, func(t *testing.T) {
			p := mustParse(t, text)
			checkVerdict(t, p.Judge(owner, trusted), len(p.Statements))
			Diff(p, &Policy{})
		})
	}
}

func hostileDenies() string {
	deny := `{"Effect":"Deny","Principal":"*","Action":"kms:D*","Condition":{"StringNotEquals":` +
		`{"aws:PrincipalOrgID":"o-zzzzyyyyxx"}}}`
	statement := allow(`"*"`, `"kms:*"`)
	return withRoot(strings.Repeat(deny+","+statement+",", MaxBytes/(len(deny)+len(statement)+2)-3) + deny)
}

func manyConditions() string {
	var b strings.Builder
	for i := 0; b.Len() < MaxBytes-2000; i++ {
		b.WriteString(`"S` + strings.Repeat("x", i%7) + string(rune('a'+i%26)) + strings.Repeat("y", i/26) +
			`":{"k":"v"},`)
	}
	return strings.TrimSuffix(b.String(), ",")
}

func benchmarkPolicy(b *testing.B) []byte {
	b.Helper()
	text := []byte(bigPolicy(270))
	if len(text) < 30<<10 || len(text) > 34<<10 {
		b.Fatalf("the policy has %d bytes, not about 32 KiB", len(text))
	}
	return text
}

func BenchmarkParse32KiB(b *testing.B) {
	text := benchmarkPolicy(b)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(text); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkJudge32KiB(b *testing.B) {
	p := mustParse(b, string(benchmarkPolicy(b)))
	b.ReportAllocs()
	for b.Loop() {
		p.Judge(owner, trusted)
	}
}

func BenchmarkHash32KiB(b *testing.B) {
	p := mustParse(b, string(benchmarkPolicy(b)))
	b.ReportAllocs()
	for b.Loop() {
		p.Hash()
	}
}

func BenchmarkJudgeDefaultPolicy(b *testing.B) {
	p := mustParse(b, defaultPolicy)
	b.ReportAllocs()
	for b.Loop() {
		p.Judge(owner, trusted)
	}
}
