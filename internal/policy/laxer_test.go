package policy

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const day = 24 * time.Hour

// strict asks for everything a policy can ask for.
func strict() Policy {
	return Policy{
		Name: "strict", Mode: Enforce,
		Rotation: Rotation{MaxAge: 90 * day, Automatic: 90 * day, Method: Auto},
		Allow:    []string{"arn:aws:iam::111122223333:role/pay-*"},
		Networks: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, VPCEs: []string{"vpce-0a"},
		Respond:     []Response{{RuleID: "rotation-turned-off", Action: "restore"}},
		UnusedAfter: 60 * day,
	}
}

func TestLaxer(t *testing.T) {
	tests := []struct {
		name string
		gets func(p *Policy)
		want []string
	}{
		{"the same", func(*Policy) {}, nil},
		{"another name is nothing", func(p *Policy) { p.Name = "x" }, nil},
		{"a shorter max_age", func(p *Policy) { p.Rotation.MaxAge = 30 * day }, nil},
		{
			"a longer max_age", func(p *Policy) { p.Rotation.MaxAge = 90*day + time.Hour },
			[]string{"max_age 2161h0m0s instead of 90d"},
		},
		{"no max_age", func(p *Policy) { p.Rotation.MaxAge = 0 }, []string{"no max_age instead of 90d"}},
		{
			"a longer period", func(p *Policy) { p.Rotation.Automatic = 365 * day },
			[]string{"automatic 365d instead of 90d"},
		},
		{"no period", func(p *Policy) { p.Rotation.Automatic = 0 }, []string{"no automatic instead of 90d"}},
		{
			"method none", func(p *Policy) { p.Rotation = Rotation{Method: None} },
			[]string{"no max_age instead of 90d", "no automatic instead of 90d", "method none instead of auto"},
		},
		{"another method", func(p *Policy) { p.Rotation.Method = Automatic }, nil},
		{"a weaker mode", func(p *Policy) { p.Mode = Propose }, []string{"mode propose instead of enforce"}},
		{
			"fewer principals",
			func(p *Policy) { p.Allow = []string{"arn:aws:iam::111122223333:role/pay-a*"} }, nil,
		},
		{
			"other principals", func(p *Policy) { p.Allow = append(p.Allow, "arn:aws:iam::111122223333:role/p*") },
			[]string{"principals allowed besides: arn:aws:iam::111122223333:role/p*"},
		},
		{
			"no list of principals", func(p *Policy) { p.Allow = nil },
			[]string{"no principals.allow: nobody is out of place"},
		},
		{"a smaller network", func(p *Policy) { p.Networks = []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")} }, nil},
		{
			"other networks and endpoints",
			func(p *Policy) {
				p.Networks = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/7"), netip.MustParsePrefix("fd00::/8")}
				p.VPCEs = []string{"vpce-0a", "vpce-0b"}
			},
			[]string{"networks allowed besides: 10.0.0.0/7, fd00::/8, vpce-0b"},
		},
		{
			"no list of networks", func(p *Policy) { p.Networks, p.VPCEs = nil, nil },
			[]string{"no networks.allow: no network is out of place"},
		},
		{
			"a response dropped", func(p *Policy) { p.Respond = nil },
			[]string{"no restore on rotation-turned-off"},
		},
		{
			"a response besides",
			func(p *Policy) {
				p.Respond = append(p.Respond, Response{RuleID: "rotation-period-extended", Action: "restore"})
			}, nil,
		},
		{
			"a longer unused_after", func(p *Policy) { p.UnusedAfter = 90 * day },
			[]string{"unused_after 90d instead of 60d"},
		},
		{"no unused_after", func(p *Policy) { p.UnusedAfter = 0 }, []string{"no unused_after instead of 60d"}},
		{
			"what is stricter elsewhere makes up for nothing, and the order is documented",
			func(p *Policy) {
				p.UnusedAfter, p.Respond, p.Networks, p.VPCEs, p.Allow = 0, nil, nil, nil, nil
				p.Mode, p.Rotation.Automatic, p.Rotation.MaxAge = Observe, 0, 30*day
			},
			[]string{
				"no automatic instead of 90d", "mode observe instead of enforce",
				"no principals.allow: nobody is out of place", "no networks.allow: no network is out of place",
				"no restore on rotation-turned-off", "no unused_after instead of 60d",
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			had, gets := strict(), strict()
			tt.gets(&gets)
			if diff := cmp.Diff(tt.want, Laxer(&had, &gets)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestNoPolicyIsLaxerThanAnyAndNothingLaxerThanNone(t *testing.T) {
	p := strict()
	if got := Laxer(&p, nil); len(got) != 1 || got[0] != "no policy: nothing is asked of the key" {
		t.Errorf("no policy: %q", got)
	}
	if got := Laxer(nil, &Policy{Rotation: Rotation{Method: None}}); got != nil {
		t.Errorf("laxer than none: %q", got)
	}
	if got := Laxer(&Policy{}, &p); got != nil {
		t.Errorf("laxer than a policy that asks for nothing: %q", got)
	}
}

func TestAPatternWithAQuestionMarkCoversNoStar(t *testing.T) {
	for _, tt := range []struct {
		pattern, other string
		want           bool
	}{
		{"a?", "a*", false}, {"a?", "ab", true}, {"a?", "a?", true}, {"a*", "a?b*", true}, {"a*b", "a*", false},
	} {
		if got := coveredBy([]string{tt.pattern}, tt.other); got != tt.want {
			t.Errorf("%s covers %s: %t, want %t", tt.pattern, tt.other, got, tt.want)
		}
	}
}
