package policy

import (
	"testing"

	"rotd/internal/finding"
	"rotd/internal/inventory"
)

func payKey() *inventory.Key {
	return &inventory.Key{
		ID: "1234", Manager: "CUSTOMER", Account: "111122223333", Region: "eu-west-1",
		Spec: "SYMMETRIC_DEFAULT", Usage: "ENCRYPT_DECRYPT", Origin: "AWS_KMS", OrgPath: "o-a1/r-b2/ou-c3/",
		Aliases: []string{"alias/cards", "alias/pay-cards"},
		Tags:    map[string]string{"team": "payments", "env": "prod-eu"},
	}
}

func TestMatches(t *testing.T) {
	tests := []struct {
		name  string
		match Match
		want  bool
	}{
		{"an empty match is for every key", Match{}, true},
		{"any alias of the key may match", Match{Aliases: []string{"alias/pay-*"}}, true},
		{"any pattern may match", Match{Aliases: []string{"alias/x", "alias/cards"}}, true},
		{"no alias matches", Match{Aliases: []string{"alias/pay"}}, false},
		{"a tag's value is equal", Match{Tags: map[string]string{"team": "payments"}}, true},
		{"a tag's value fits a pattern", Match{Tags: map[string]string{"env": "prod-*"}}, true},
		{"any of the tags may match", Match{Tags: map[string]string{"env": "dev", "team": "payments"}}, true},
		{"a tag has another value", Match{Tags: map[string]string{"env": "dev"}}, false},
		{"a tag's name is no pattern", Match{Tags: map[string]string{"t*": "payments"}}, false},
		{"a tag the key does not have matches not even *", Match{Tags: map[string]string{"owner": "*"}}, false},
		{"the key spec is one of several", Match{Specs: []string{"RSA_2048", "SYMMETRIC_DEFAULT"}}, true},
		{"the key spec is another", Match{Specs: []string{"RSA_2048"}}, false},
		{"the origin", Match{Origins: []string{"AWS_KMS"}}, true},
		{"another origin", Match{Origins: []string{"EXTERNAL"}}, false},
		{"the account", Match{Accounts: []string{"111122223333"}}, true},
		{"another account", Match{Accounts: []string{"444455556666"}}, false},
		{"the Region", Match{Regions: []string{"us-east-1", "eu-west-1"}}, true},
		{"another Region", Match{Regions: []string{"us-east-1"}}, false},
		{"the usage", Match{Usages: []string{"SIGN_VERIFY", "ENCRYPT_DECRYPT"}}, true},
		{"another usage", Match{Usages: []string{"SIGN_VERIFY"}}, false},
		{"the organization path fits a pattern", Match{OrgPaths: []string{"o-a1/*/ou-c3/*"}}, true},
		{"another organization path", Match{OrgPaths: []string{"o-a1/r-b2/ou-d4/*"}}, false},
		{"a field of exclude that matches keeps the key out", Match{
			Aliases: []string{"alias/pay-*"}, Exclude: &Match{Tags: map[string]string{"env": "prod-*"}},
		}, false},
		{"any field of exclude suffices", Match{
			Exclude: &Match{Regions: []string{"us-east-1"}, Aliases: []string{"alias/cards"}},
		}, false},
		{"an exclude that no field of matches keeps nothing out", Match{
			Exclude: &Match{Regions: []string{"us-east-1"}, Tags: map[string]string{"env": "dev"}},
		}, true},
		{"all fields match", Match{
			Aliases: []string{"alias/pay-*"}, Tags: map[string]string{"team": "pay*"},
			Specs:   []string{"SYMMETRIC_DEFAULT"},
			Origins: []string{"AWS_KMS"}, Accounts: []string{"111122223333"}, Regions: []string{"eu-west-1"},
		}, true},
		{"one field of two does not match", Match{
			Aliases: []string{"alias/pay-*"}, Regions: []string{"us-east-1"},
		}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.match.Matches(payKey()); got != tt.want {
				t.Errorf("Matches = %v, want %v", got, tt.want)
			}
		})
	}
}

func TestAnOrganizationPathThatIsNotKnownMatchesNothing(t *testing.T) {
	key := payKey()
	key.OrgPath = ""
	every := []string{"*"}
	if (&Match{OrgPaths: every}).Matches(key) {
		t.Error("it matched *")
	}
	if !(&Match{Exclude: &Match{OrgPaths: every}}).Matches(key) {
		t.Error("it was excluded by *")
	}
}

func TestMissNamesTheFirstFieldThatStandsInTheWay(t *testing.T) {
	tests := []struct {
		name  string
		match Match
		want  Miss
		none  bool
	}{
		{name: "nothing does", match: Match{Regions: []string{"eu-west-1"}}, none: true},
		{
			name:  "aliases before Regions",
			match: Match{Aliases: []string{"alias/x", "alias/y"}, Regions: []string{"us-east-1"}},
			want:  Miss{"aliases", "alias/x, alias/y", "alias/cards, alias/pay-cards"},
		},
		{
			name: "tags, of which only those asked for are shown", match: Match{Tags: map[string]string{"env": "dev", "a": "b"}},
			want: Miss{"tags", "a=b, env=dev", "env=prod-eu"},
		},
		{
			name: "tags that the key does not have", match: Match{Tags: map[string]string{"a": "b"}},
			want: Miss{"tags", "a=b", "none"},
		},
		{
			name:  "an exclusion",
			match: Match{Exclude: &Match{Specs: []string{"RSA_2048"}, Usages: []string{"ENCRYPT_DECRYPT"}}},
			want:  Miss{"exclude.usages", "ENCRYPT_DECRYPT", "ENCRYPT_DECRYPT"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := tt.match.Miss(payKey())
			if ok == tt.none || got != tt.want {
				t.Errorf("Miss = %+v, %t, want %+v", got, ok, tt.want)
			}
		})
	}
}

func TestEverything(t *testing.T) {
	for name, tt := range map[string]struct {
		match Match
		want  bool
	}{
		"no field":      {Match{}, true},
		"empty exclude": {Match{Exclude: &Match{}}, true},
		"one field":     {Match{Usages: []string{"SIGN_VERIFY"}}, false},
		"an exclusion":  {Match{Exclude: &Match{OrgPaths: []string{"o-1/*"}}}, false},
	} {
		if got := tt.match.Everything(); got != tt.want {
			t.Errorf("%s: Everything = %t", name, got)
		}
	}
}

func TestOwnerIsTheFirstTagThatSaysSomething(t *testing.T) {
	p := &Policy{OwnerTags: []string{"owner", "empty", "team", "env"}, CustodianTags: []string{"custodian"}}
	key := payKey()
	key.Tags["empty"] = ""
	if got := p.Owner(key); got != "payments" {
		t.Errorf("the owner is %q", got)
	}
	if got := p.Custodian(key); got != "" {
		t.Errorf("the custodian is %q", got)
	}
	if got := (*Policy)(nil).Owner(key); got != "" {
		t.Errorf("without a policy the owner is %q", got)
	}
}

func TestForTakesTheFirstPolicyThatMatches(t *testing.T) {
	set := Set{
		{Name: "elsewhere", Match: Match{Regions: []string{"us-east-1"}}},
		{Name: "payments", Match: Match{Aliases: []string{"alias/pay-*"}}},
		{Name: "rest"},
	}
	bare := payKey()
	bare.Aliases, bare.Tags = nil, nil
	managed := payKey()
	managed.Manager = "AWS"

	tests := []struct {
		name string
		set  Set
		key  *inventory.Key
		want string
	}{
		{"the earlier of two that match", set, payKey(), "payments"},
		{"the catch-all for a key with neither alias nor tag", set, bare, "rest"},
		{"none for a key that AWS manages", set, managed, ""},
		{"none when nothing matches", set[:1], payKey(), ""},
		{"none in an empty set", nil, payKey(), ""},
		{"none for no key", set, nil, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := tt.set.For(tt.key)
			if tt.want == "" {
				if got != nil {
					t.Fatalf("For = %q, want none", got.Name)
				}
				return
			}
			if got == nil || got != tt.set.Named(tt.want) {
				t.Fatalf("For = %v, want %q", got, tt.want)
			}
		})
	}
}

func TestAllows(t *testing.T) {
	p := &Policy{Allow: []string{"arn:aws:iam::111122223333:role/pay-*", "service:rds.amazonaws.com"}}
	tests := []struct {
		name      string
		policy    *Policy
		principal string
		want      bool
	}{
		{"a role that fits the pattern", p, "arn:aws:iam::111122223333:role/pay-api", true},
		{"a service named exactly", p, "service:rds.amazonaws.com", true},
		{"the same role in another account", p, "arn:aws:iam::444455556666:role/pay-api", false},
		{"another role", p, "arn:aws:iam::111122223333:role/admin", false},
		{"a name that only contains an allowed one", p, "x:arn:aws:iam::111122223333:role/pay-api", false},
		{"nobody", &Policy{Allow: []string{"*"}}, "", false},
		{"no policy", nil, "arn:aws:iam::111122223333:role/pay-api", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.policy.Allows(tt.principal); got != tt.want {
				t.Errorf("Allows(%q) = %v, want %v", tt.principal, got, tt.want)
			}
		})
	}
}

func TestResponseTo(t *testing.T) {
	p := &Policy{Respond: []Response{
		{RuleID: "rotation-turned-off", Action: RespondRestore},
		{RuleID: "key-policy-made-public", Action: RespondRotate},
		{Severity: finding.Critical, Action: RespondRestore},
	}}
	restore, rotate := []string{RespondRestore}, []string{RespondRotate}
	tests := []struct {
		name     string
		policy   *Policy
		rule     string
		severity finding.Severity
		remedies []string
		want     string
	}{
		{"a rule with a response", p, "rotation-turned-off", finding.Low, restore, RespondRestore},
		{"another rule", p, "key-policy-made-public", finding.Low, rotate, RespondRotate},
		{"a rule without, too mild", p, "key-deletion-scheduled", finding.High, restore, ""},
		{"a rule without, severe enough", p, "key-deletion-scheduled", finding.Critical, restore, RespondRestore},
		{"severe enough, and not its remedy", p, "root-used-key", finding.Critical, nil, ""},
		{"a rule that lost the remedy", p, "rotation-turned-off", finding.Low, nil, ""},
		{"no policy", nil, "rotation-turned-off", finding.Low, restore, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.policy.ResponseTo(tt.rule, tt.severity, tt.remedies); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestLowerNeverGoesAboveTheCeiling(t *testing.T) {
	tests := []struct{ mode, ceiling, want Mode }{
		{Enforce, Observe, Observe},
		{Enforce, Propose, Propose},
		{Enforce, Enforce, Enforce},
		{Observe, Enforce, Observe},
		{Enforce, "nonsense", "nonsense"},
	}
	for _, tt := range tests {
		if got := tt.mode.Lower(tt.ceiling); got != tt.want {
			t.Errorf("%s under %s = %s, want %s", tt.mode, tt.ceiling, got, tt.want)
		}
	}
}

func BenchmarkFor(b *testing.B) {
	set := make(Set, 20)
	for i := range set {
		set[i].Match = Match{Aliases: []string{"alias/other-*", "alias/*-none"}, Tags: map[string]string{"team": "x"}}
	}
	set = append(set, Policy{Name: "rest"})
	key := payKey()
	b.ReportAllocs()
	for b.Loop() {
		if set.For(key) == nil {
			b.Fatal("no policy")
		}
	}
}
