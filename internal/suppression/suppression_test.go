package suppression

import (
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rotd/internal/finding"
)

const (
	keyID1  = "1234abcd-12ab-34cd-56ef-1234567890ab"
	payARN  = "arn:aws:kms:eu-west-1:111122223333:key/" + keyID1
	newARN  = "arn:aws:kms:eu-west-1:111122223333:key/99999999-12ab-34cd-56ef-1234567890ab"
	payName = "arn:aws:kms:eu-west-1:111122223333:alias/pay"
	scanner = "arn:aws:iam::111122223333:role/scan-eu"
)

var noon = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

// denied is one occurrence, as a rule makes it.
func denied(change ...func(*finding.Finding)) finding.Finding {
	f := finding.Finding{
		RuleID: "denied-burst", Fingerprint: "v1:f", Account: "111122223333", Region: "eu-west-1", KeyARN: payARN,
		Alias: "alias/pay", PrincipalARN: scanner, SessionName: "ci", SourceIP: "203.0.113.7", UserAgent: "aws-cli/2.0",
		EventID: "e1",
	}
	for _, c := range change {
		c(&f)
	}
	return f
}

func set(s ...Suppression) *Set {
	for i := range s {
		if s[i].Rules == nil {
			s[i].Rules = []string{"denied-burst"}
		}
		if s[i].Expires.IsZero() {
			s[i].Expires = noon.Add(time.Hour)
		}
	}
	return NewSet(s, []string{"denied-burst", "key-unused"}, func(_, alias string) string {
		return map[string]string{payName: payARN}[alias]
	})
}

func networks(all ...string) (s Suppression) {
	for _, n := range all {
		s.From(n)
	}
	return s
}

func TestMatch(t *testing.T) {
	for name, tc := range map[string]struct {
		s    Suppression
		f    finding.Finding
		want bool
	}{
		"a key by its id":                  {Suppression{Keys: []string{keyID1}}, denied(), true},
		"a key by its ARN":                 {Suppression{Keys: []string{payARN}}, denied(), true},
		"a key that its alias named first": {Suppression{Keys: []string{payName}}, denied(), true},
		"another key of several": {
			Suppression{Keys: []string{newARN, payARN}},
			denied(), true,
		},
		"a principal by a pattern": {
			Suppression{Principals: []string{"arn:aws:iam::111122223333:role/scan-*"}},
			denied(), true,
		},
		"a principal exactly": {
			Suppression{Principals: []string{scanner}},
			denied(), true,
		},
		"a network": {networks("203.0.113.0/24"), denied(), true},
		"an IPv4 address in IPv6": {
			networks("203.0.113.0/24"),
			denied(func(f *finding.Finding) { f.SourceIP = "::ffff:203.0.113.7" }), true,
		},
		"a VPC endpoint": {
			networks("vpce-0abc"),
			denied(func(f *finding.Finding) { f.SourceIP, f.VPCEndpoint = "10.0.0.7", "vpce-0abc" }), true,
		},
		"an account and Region": {
			Suppression{Accounts: []string{"111122223333"}, Regions: []string{"eu-west-1"}},
			denied(), true,
		},
		"a user agent beside a key": {
			Suppression{Keys: []string{payARN}, UserAgents: []string{"aws-cli/2.0"}},
			denied(), true,
		},
		"a session beside a principal": {
			Suppression{Principals: []string{scanner}, SessionNames: []string{"ci"}},
			denied(), true,
		},
		"a check's finding by its key": {
			Suppression{Rules: []string{"key-unused"}, Keys: []string{payARN}},
			finding.Finding{RuleID: "key-unused", KeyARN: payARN},
			true,
		},
		"one finding by its fingerprint": {
			Suppression{Fingerprint: "v1:f", Principals: []string{scanner}},
			denied(), true,
		},
		"not another rule": {
			Suppression{Rules: []string{"key-unused"}, Keys: []string{payARN}},
			denied(), false,
		},
		"not another key": {Suppression{Keys: []string{newARN}}, denied(), false},
		"not one key for all its aliases": {
			Suppression{Keys: []string{"arn:aws:kms:eu-west-1:111122223333:alias/other"}},
			denied(), false,
		},
		"not a key that the alias names now": {
			Suppression{Keys: []string{payName}},
			denied(func(f *finding.Finding) { f.KeyARN = newARN }), false,
		},
		"not a finding without a key": {
			Suppression{Keys: []string{payARN}},
			denied(func(f *finding.Finding) { f.KeyARN = "" }), false,
		},
		"not part of an id": {
			Suppression{Keys: []string{"1234567890ab"}},
			denied(), false,
		},
		"not another principal": {
			Suppression{Principals: []string{"arn:aws:iam::111122223333:role/scan"}},
			denied(), false,
		},
		"not a finding without a principal": {
			Suppression{Principals: []string{"*"}},
			denied(func(f *finding.Finding) { f.PrincipalARN = "" }), false,
		},
		"not another principal of one finding": {
			Suppression{Fingerprint: "v1:f", Principals: []string{"arn:*"}},
			denied(), false,
		},
		"not another finding": {
			Suppression{Fingerprint: "v1:g", Principals: []string{scanner}},
			denied(), false,
		},
		"not another network": {
			networks("198.51.100.0/24", "vpce-0abc"),
			denied(), false,
		},
		"not the address of another's endpoint": {
			networks("203.0.113.0/24"),
			denied(func(f *finding.Finding) { f.VPCEndpoint = "vpce-0def" }), false,
		},
		"not a service": {
			networks("203.0.113.0/24"),
			denied(func(f *finding.Finding) { f.SourceIP = "rds.amazonaws.com" }), false,
		},
		"not a check for a network": {
			Suppression{Rules: []string{"key-unused"}, Networks: networks("203.0.113.0/24").Networks},
			finding.Finding{RuleID: "key-unused", KeyARN: payARN},
			false,
		},
		"not another account": {
			Suppression{Accounts: []string{"444455556666"}},
			denied(), false,
		},
		"not what matches one field only": {
			Suppression{Keys: []string{payARN}, Regions: []string{"us-east-1"}},
			denied(), false,
		},
		"not once it has expired": {
			Suppression{Keys: []string{payARN}, Expires: noon},
			denied(), false,
		},
		"not the findings of a rule that never": {
			Suppression{Rules: []string{"trail-blinded"}, Keys: []string{payARN}},
			denied(func(f *finding.Finding) { f.RuleID = "trail-blinded" }), false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := set(tc.s).Match(&tc.f, noon) != nil; got != tc.want {
				t.Errorf("hidden: %v, want %v", got, tc.want)
			}
		})
	}
}

func TestNothingIsHiddenWhenThereIsNoSuppression(t *testing.T) {
	f := denied()
	if (*Set)(nil).Match(&f, noon) != nil || new(Set).Match(&f, noon) != nil || set().Match(&f, noon) != nil {
		t.Error("something is")
	}
}

func TestTheFirstThatMatchesHides(t *testing.T) {
	f := denied()
	got := set(
		Suppression{Name: "other", Keys: []string{newARN}}, Suppression{Name: "one", Keys: []string{payARN}},
		Suppression{Name: "two", Principals: []string{scanner}},
	).Match(&f, noon)
	if got == nil || got.Name != "one" {
		t.Errorf("got %+v", got)
	}
}

// An attacker knows the suppressions and picks his words so that they look like them.
func TestAnAttackersWordsMatchOnlyWhatNamesThemExactly(t *testing.T) {
	named := Suppression{
		Principals: []string{scanner}, UserAgents: []string{"scan*/1.0"}, SessionNames: []string{"ci-job"},
	}
	quiet := set(named, Suppression{Keys: []string{payName}})
	for name, change := range map[string]func(*finding.Finding){
		"a wildcard as its user agent":          func(f *finding.Finding) { f.UserAgent = "*" },
		"what the wildcard would have matched":  func(f *finding.Finding) { f.UserAgent = "scanner/1.0" },
		"part of the session's name":            func(f *finding.Finding) { f.SessionName = "ci" },
		"more than the session's name":          func(f *finding.Finding) { f.SessionName = "ci-job-2" },
		"the session's name in capitals":        func(f *finding.Finding) { f.SessionName = "CI-JOB" },
		"a wildcard as its session":             func(f *finding.Finding) { f.SessionName = "*" },
		"no session":                            func(f *finding.Finding) { f.SessionName = "" },
		"the same session of another principal": func(f *finding.Finding) { f.PrincipalARN = scanner + "-2" },
		"the alias on its own key":              func(f *finding.Finding) { f.PrincipalARN, f.Alias = "x", "alias/pay" },
		"a wildcard as its alias":               func(f *finding.Finding) { f.PrincipalARN, f.Alias = "x", "*" },
	} {
		t.Run(name, func(t *testing.T) {
			f := denied(func(f *finding.Finding) {
				f.KeyARN, f.UserAgent, f.SessionName = newARN, "scan*/1.0", "ci-job"
			}, change)
			if s := quiet.Match(&f, noon); s != nil {
				t.Errorf("hidden by %+v", s)
			}
		})
	}
	f := denied(func(f *finding.Finding) { f.KeyARN, f.UserAgent, f.SessionName = newARN, "scan*/1.0", "ci-job" })
	if quiet.Match(&f, noon) == nil {
		t.Error("what it names exactly is not hidden")
	}
}

// FuzzTheirWords has no suppression match by a word that a caller chose unless it is equal.
func FuzzTheirWords(f *testing.F) {
	f.Add("ci", "ci", "aws-cli/*", "aws-cli/2.0", "alias/pay")
	f.Add("*", "x", "", "", "alias/*")
	f.Add("ci\x00", "ci", "é", "e\u0301", payName)
	f.Fuzz(func(t *testing.T, wantSession, session, wantAgent, agent, alias string) {
		s := Suppression{Principals: []string{scanner}, SessionNames: []string{wantSession}, UserAgents: []string{wantAgent}}
		one := denied(func(f *finding.Finding) { f.SessionName, f.UserAgent, f.Alias = session, agent, alias })
		equal := session == wantSession && agent == wantAgent && session != "" && agent != ""
		if got := set(s).Match(&one, noon) != nil; got != equal {
			t.Errorf("session %q for %q, agent %q for %q: hidden is %v", session, wantSession, agent, wantAgent, got)
		}
		byAlias := Suppression{Keys: []string{payName}}
		one.KeyARN = newARN
		if set(byAlias).Match(&one, noon) != nil {
			t.Errorf("hidden by the alias %q", alias)
		}
	})
}

func TestCheck(t *testing.T) {
	may := func(rule string) error { return CheckWords(strings.TrimPrefix(rule, "no")) }
	for name, tc := range map[string]struct {
		s    Suppression
		want []string
	}{
		"in order": {Suppression{Rules: []string{"r"}, Keys: []string{payARN}}, nil},
		"of one finding, whose principal is compared as it is": {
			Suppression{Rules: []string{"r"}, Fingerprint: "v1:f", Principals: []string{"arn:aws:iam::111122223333:root"}}, nil,
		},
		"everything at once": {
			Suppression{
				Rules: []string{"no"}, Keys: []string{"x"}, Principals: []string{"*"}, Accounts: []string{"1"},
				Regions: []string{"x"}, SessionNames: []string{""}, VPCEndpoints: []string{"x"},
				Networks: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, Expires: noon.Add(400 * 24 * time.Hour),
			},
			[]string{
				"rules[0]", "keys[0]", "principals[0]", "networks[0]", "vpc_endpoints[0]", "accounts[0]", "regions[0]",
				"session_names[0]", "expires",
			},
		},
		"that hides a rule everywhere": {Suppression{Rules: []string{"r"}}, []string{"rules"}},
		"of no rule":                   {Suppression{Keys: []string{payARN}}, []string{"rules"}},
		"a list that would not narrow it": {
			Suppression{Rules: []string{"r"}, Keys: []string{}, Regions: []string{"eu-west-1"}}, []string{"keys"},
		},
		"by callers' words alone": {
			Suppression{Rules: []string{"r"}, UserAgents: []string{"x"}}, []string{"user_agents"},
		},
		"by callers' words beside an account": {
			Suppression{Rules: []string{"r"}, SessionNames: []string{"x"}, Accounts: []string{"111122223333"}},
			[]string{"session_names"},
		},
		"more than is kept": {
			Suppression{Rules: []string{"r"}, Accounts: make([]string, 101)},
			append([]string{"accounts"}, indexed("accounts", 100)...),
		},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, fault := range tc.s.Check(noon, may) {
				got = append(got, fault.Field)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func indexed(field string, n int) (all []string) {
	for i := range n {
		all = append(all, field+"["+strconv.Itoa(i)+"]")
	}
	return all
}

func TestScope(t *testing.T) {
	s := Suppression{
		Rules: []string{"denied-burst", "key-unused"}, Keys: []string{payARN}, Principals: []string{scanner},
		Networks: []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}, VPCEndpoints: []string{"vpce-0abc"},
		Accounts: []string{"111122223333"}, Regions: []string{"eu-west-1"}, UserAgents: []string{"a"},
		SessionNames: []string{"ci"}, Finding: "fnd_1",
	}
	want := "denied-burst, key-unused; finding fnd_1; key " + payARN + "; by " + scanner +
		"; from 203.0.113.0/24, vpce-0abc; account 111122223333; region eu-west-1; user agent a; session ci"
	if got := s.Scope(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
